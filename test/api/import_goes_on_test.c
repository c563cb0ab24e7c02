/* test/api: runs that were imported go on where they were, and recordings of files. */
#include "api/recorded.h"

#include <stdio.h>
#include <unistd.h>

#define HOUR INT64_C(3600000)

/* The callback's answer names the run in the log that it is in now. */
static void answer_approval(recorded *it)
{
    char token[DUR_TOKEN_SIZE + 24];

    snprintf(token, sizeof token, "%lld%s",
             (long long)host_number(it->db, "SELECT run FROM durable_runs WHERE id = 'tour'"),
             strchr(it->token, '.'));
    assert_code(DUR_OK, dur_complete_callback(it->log, token, dur_text("granted")), it->log);
}

/* From one state to the next; `moves` tells, by bits, before which the log moves. The narrative of
 * its end, to be freed. */
static char *live(unsigned moves, int *bodies)
{
    recorded it;
    char *text;

    recorded_open(&it);
    for (int stage = 0; stage < 5; stage++) {
        if (moves >> stage & 1) free(recorded_move(&it));
        switch (stage) {
        case 0: /* the step that is tried again, the box that has to dry */
            it.ready = true;
            recorded_work(&it, FAKE_CLOCK_START_MS + 10000);
            break;
        case 1: recorded_work(&it, FAKE_CLOCK_START_MS + HOUR); break;
        case 2:
            answer_approval(&it);
            recorded_work(&it, FAKE_CLOCK_START_MS + HOUR);
            break;
        case 3:
            assert_code(DUR_OK, dur_signal(it.log, "tour/11", "arrived", dur_null(), NULL), it.log);
            recorded_work(&it, FAKE_CLOCK_START_MS + HOUR);
            break;
        default: break;
        }
    }
    assert_code(DUR_OK, dur_execute(it.log, "tour", "tour", NULL, recorded_tour, &it), it.log);
    assert_string_equal(dur_as_text(dur_output(it.log)), "granted");
    *bodies = it.bodies;
    text = exported_text(it.log, NULL);
    recorded_close(&it);
    return text;
}

/* Each way ends in the same log, to the byte, but for uids, which are drawn by the clock's chance;
 * no body runs twice. */
static void a_run_goes_on_wherever_its_log_has_moved(void **state)
{
    int bodies, others;
    char *at_home = live(0, &bodies);

    (void)state;
    assert_non_null(strstr(at_home, "\"status\":\"completed\""));
    assert_null(strstr(at_home, "\"status\":\"suspended\""));
    for (unsigned moves = 1; moves < 32; moves++) {
        char *text = live(moves, &others), *one = at_home, *other = text;

        assert_int_equal(others, bodies);
        while ((one = strstr(one, "\"uid\":\"")) && (other = strstr(other, "\"uid\":\""))) {
            memcpy(other, one, 40);
            one += 40;
            other += 40;
        }
        assert_string_equal(text, at_home);
        free(text);
    }
    free(at_home);
}

/* Law 6: nobody holds it, whoever held it where it came from. */
typedef struct insider {
    dur_log *log;
    char *text;
} insider;

static int export_inside(dur_run *run, void *user)
{
    insider *it = user;

    DUR_STEP(run, "one") {}
    if (!it->text) {
        it->text = exported_text(it->log, "r");
        dur_stop(run, "enough");
    }
    DUR_STEP(run, "two") {}
    return 0;
}

static void a_run_that_somebody_holds_is_free_in_its_copy(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host), *copy;
    dur_options options = host_options(host);
    insider it = {log, NULL};

    assert_code(DUR_STOPPED, dur_execute(log, "w", "r", NULL, export_inside, &it), log);
    assert_non_null(strstr(it.text, "\"status\":\"running\""));
    assert_non_null(strstr(it.text, "\"due\":1767225600000"));
    copy = exported_open(it.text, &options);
    assert_code(DUR_OK, dur_execute(copy, "w", "r", NULL, export_inside, &it), copy);
    dur_close(copy);
    dur_close(log);
    free(it.text);
}

/* ---- Pausing, parking ---------------------------------------------------------------------- */

static int once(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    int64_t paid = 0;

    options.mode = DUR_AT_MOST_ONCE;
    DUR_STEP(run, "pay", paid, &options) {
        ++*(int *)user;
        dur_stop(run, "the machine dies");
    }
    return dur_set_output(run, dur_integer(paid));
}

/* A step in doubt is in doubt in the copy, parked or not, and is answered there. */
static void a_step_in_doubt_stays_in_doubt(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    int bodies = 0;

    for (int parked = 0; parked < 2; parked++) {
        dur_log *log = host_log(host), *copy;
        char id[16], *text;

        snprintf(id, sizeof id, "r%d", parked);
        bodies = 0;
        assert_code(DUR_STOPPED, dur_execute(log, "w", id, NULL, once, &bodies), log);
        if (parked) assert_code(DUR_PARKED, dur_execute(log, "w", id, NULL, once, &bodies), log);
        text = exported_text(log, id);
        assert_non_null(strstr(text, "\"intent\":\"begun\""));
        copy = exported_open(text, &options);
        if (!parked)
            assert_code(DUR_PARKED, dur_execute(copy, "w", id, NULL, once, &bodies), copy);
        assert_code(DUR_OK, dur_resolve_step(copy, id, 1, DUR_OK, dur_integer(5), NULL), copy);
        free(text);
        text = exported_text(copy, id);
        assert_non_null(strstr(text, "\"intent\":\"result\""));
        dur_close(copy);
        copy = exported_open(text, &options);
        assert_code(DUR_OK, dur_execute(copy, "w", id, NULL, once, &bodies), copy);
        assert_int_equal(dur_output(copy).as.integer, 5);
        assert_int_equal(bodies, 1);
        free(text);
        dur_close(copy);
        dur_close(log);
    }
}

/* ---- Recordings ---------------------------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
    FILE *stream = fopen(path, "wb");

    assert_non_null(stream);
    assert_int_equal(fwrite(text, 1, strlen(text), stream), strlen(text));
    assert_int_equal(fclose(stream), 0);
}

static void files_of_either_form_are_opened(void **state)
{
    static const char *const names[] = {"tour.jsonl", "tour.db"};
    test_host *host = *state;
    char path[300], *text, *again;
    recorded it;
    dur_log *log;

    recorded_open(&it);
    text = exported_text(it.log, NULL);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", host->directory, names[i]);
        assert_code(DUR_OK,
                    i ? dur_export_database(it.log, NULL, NULL, path)
                      : dur_export_file(it.log, NULL, NULL, path), it.log);
        assert_int_equal(dur_open_recording(path, NULL, &log), DUR_OK);
        again = exported_text(log, NULL);
        assert_string_equal(again, text);
        free(again);
        assert_code(DUR_CONFLICT, dur_import_file(log, path), log);
        dur_close(log);
        log = host_log(host);
        assert_code(DUR_OK, dur_import_file(log, path), log);
        again = exported_text(log, NULL);
        assert_string_equal(again, text);
        free(again);
        dur_close(log);
        host_run(host->db, "DELETE FROM durable_runs");
        assert_int_equal(unlink(path), 0);
    }
    free(text);
    recorded_close(&it);
}

static void a_file_that_is_no_log_is_refused(void **state)
{
    test_host *host = *state;
    char path[300], message[400];
    dur_log *log;

    snprintf(path, sizeof path, "%s/none", host->directory);
    assert_int_equal(dur_open_recording(path, NULL, &log), DUR_IOERR);
    assert_non_null(log);
    assert_has(dur_errmsg(log), "none\"");
    assert_code(DUR_IOERR, exported_code(log, NULL, NULL, NULL), log);
    dur_close(log);
    assert_int_equal(dur_open_recording(host->directory, NULL, &log), DUR_IOERR);
    dur_close(log);
    write_file(path, "{\"durable\":1}\nhello\n{\"end\":3}\n");
    assert_int_equal(dur_open_recording(path, NULL, &log), DUR_INVALID);
    snprintf(message, sizeof message,
             "\"%s\": line 2: expected a JSON object (RFC 8259), found none", path);
    assert_string_equal(dur_errmsg(log), message);
    dur_close(log);
    write_file(path, "");
    assert_int_equal(dur_open_recording(path, NULL, &log), DUR_INVALID);
    dur_close(log);
    assert_int_equal(unlink(path), 0);
    host_run(host->db, "CREATE TABLE mine(x)");
    assert_int_equal(dur_open_recording(host->path, NULL, &log), DUR_INVALID);
    dur_close(log);
    assert_int_equal(dur_open_recording(NULL, NULL, NULL), DUR_MISUSE);
}

static void a_recording_may_be_read_only(void **state)
{
    dur_options options = DUR_OPTIONS_INIT;
    test_host *host = *state;
    char path[300];
    dur_log *log;

    snprintf(path, sizeof path, "%s/empty.jsonl", host->directory);
    write_file(path, "{\"durable\":1}\n{\"end\":2}\n");
    options.read_only = true;
    assert_int_equal(dur_open_recording(path, &options, &log), DUR_OK);
    assert_code(DUR_READONLY, dur_start(log, "w", "r", NULL), log);
    assert_code(DUR_READONLY, dur_import_file(log, path), log);
    dur_close(log);
    options.lease_ms = -1;
    assert_int_equal(dur_open_recording(path, &options, &log), DUR_MISUSE);
    assert_has(dur_errmsg(log), "dur_open_recording(): lease_ms");
    dur_close(log);
    assert_int_equal(unlink(path), 0);
}

/* ---- Visiting ------------------------------------------------------------------------------ */

typedef struct seen {
    char told[2048];
    int count, most;
} seen;

static int see(const dur_recorded_step *step, void *user)
{
    seen *it = user;
    size_t used = strlen(it->told);

    snprintf(it->told + used, sizeof it->told - used, "%lld %s \"%s\" %s %d%s\n",
             (long long)step->position, step->kind, step->name, dur_code_name(step->outcome),
             (int)step->value.type, step->site[0] ? "" : " no site");
    return ++it->count == it->most;
}

static void recorded_steps_are_visited_in_order(void **state)
{
    seen all = {"", 0, 0}, two = {"", 0, 2};
    recorded it;

    (void)state;
    recorded_open(&it);
    assert_code(DUR_OK, dur_visit_steps(it.log, "tour", 5, see, &all), it.log);
    assert_string_equal(all.told, "5 step \"no text\" DUR_OK 4\n"
                                  "6 step \"blob\" DUR_OK 5\n"
                                  "7 step \"object\" DUR_OK 6\n"
                                  "8 step \"fragile\" DUR_FAILED 4\n"
                                  "9 patch \"new way\" DUR_OK 0 no site\n"
                                  "12 receive \"payment\" DUR_OK 1 no site\n"
                                  "13 receive \"nothing\" DUR_TIMED_OUT 0 no site\n");
    assert_code(DUR_OK, dur_visit_steps(it.log, "tour", 0, see, &two), it.log);
    assert_string_equal(two.told, "1 step \"smallest\" DUR_OK 1\n2 step \"largest\" DUR_OK 2\n");
    assert_code(DUR_NOT_FOUND, dur_visit_steps(it.log, "nobody", 0, see, &all), it.log);
    assert_code(DUR_MISUSE, dur_visit_steps(it.log, "tour", -1, see, &all), it.log);
    assert_code(DUR_MISUSE, dur_visit_steps(it.log, "tour", 1, NULL, NULL), it.log);
    assert_code(DUR_MISUSE, dur_visit_steps(it.log, NULL, 1, see, &all), it.log);
    host_run(it.db, "UPDATE durable_steps SET format = 35 - format WHERE format >= 16");
    assert_code(DUR_MISMATCH, dur_visit_steps(it.log, "tour", 7, see, &all), it.log);
    assert_string_equal(dur_errmsg(it.log),
                        "run \"tour\": position 7: its value cannot be read on this machine");
    all = two;
    all.told[0] = '\0';
    all.most = 0;
    host_run(it.db, "UPDATE durable_steps SET low = 'x' WHERE step & 134217727 = 9");
    assert_code(DUR_CORRUPT, dur_visit_steps(it.log, "tour", 8, see, &all), it.log);
    assert_has(dur_errmsg(it.log), "run \"tour\": position 9: its column \"low\"");
    assert_string_equal(all.told, "8 step \"fragile\" DUR_FAILED 4\n");
    recorded_close(&it);
}

/* More rows than a batch; no statement is active while the host looks, and its own SQL may run. */
static int write_meanwhile(const dur_recorded_step *step, void *user)
{
    test_host *host = user;

    assert_int_equal(host_active_statements(host->db), 0);
    host_run(host->db, "INSERT INTO mine VALUES(%lld)", (long long)step->position);
    return 0;
}

static int many(dur_run *run, void *user)
{
    (void)user;
    for (int i = 0; i < 200; i++) DUR_STEP(run, "again") {}
    return 0;
}

static void the_host_may_work_while_it_visits(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);

    host_run(host->db, "CREATE TABLE mine(x)");
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, many, NULL), log);
    assert_code(DUR_OK, dur_visit_steps(log, "r", 0, write_meanwhile, host), log);
    assert_int_equal(host_number(host->db, "SELECT count(*) FROM mine"), 200);
    assert_int_equal(host_number(host->db, "SELECT sum(x) FROM mine"), 20100);
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_goes_on_wherever_its_log_has_moved),
        IN_MEMORY(a_run_that_somebody_holds_is_free_in_its_copy),
        IN_MEMORY(a_step_in_doubt_stays_in_doubt),
        ON_DISK(files_of_either_form_are_opened),
        IN_WAL(a_file_that_is_no_log_is_refused),
        IN_WAL(a_recording_may_be_read_only),
        cmocka_unit_test(recorded_steps_are_visited_in_order),
        IN_EVERY_JOURNAL(the_host_may_work_while_it_visits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
