/* test/api: restarting from a position: what the run has called is copied. */
#include "api/restarted.h"
#include "support/narrative.h"

typedef struct test_family {
    int bodies;   /* of all steps and branches */
    int64_t sum;  /* of what the map gave */
    int64_t call; /* what the called child gave */
    int codes[3];
    bool fails;
} test_family;

static int double_it(dur_run *run, void *user)
{
    test_family *it = user;
    int64_t twice = 0;

    DUR_STEP(run, "double", twice)
    {
        it->bodies++;
        twice = 2 * dur_input(run).as.integer;
    }
    if (twice == 6) dur_fail(run, "three is too many");
    dur_set_output(run, dur_integer(twice));
    return 0;
}

static int nested(dur_run *run, void *user)
{
    test_family *it = user;
    dur_value value = dur_null();
    int64_t own = 0;

    DUR_STEP(run, "own", own) { it->bodies++, own = 40; }
    if (dur_call(run, "inner", NULL, double_it, it, &value) != DUR_OK) return 0;
    dur_set_output(run, dur_integer(own + value.as.integer));
    return 0;
}

static int family_workflow(dur_run *run, void *user)
{
    const dur_value items[] = {dur_integer(1), dur_integer(3), dur_integer(5)};
    test_family *it = user;
    dur_batch batch;
    dur_value value = dur_null();

    it->sum = 0;
    if (dur_map(run, "map", items, 3, double_it, it, NULL, &batch) != DUR_OK) return 0;
    for (size_t i = 0; i < batch.count; i++) {
        it->codes[i] = batch.codes[i];
        if (batch.codes[i] == DUR_OK) it->sum += batch.values[i].as.integer;
    }
    if (dur_call(run, "nested", NULL, nested, it, &value) != DUR_OK) return 0;
    it->call = value.as.integer;
    DUR_STEP(run, "after") { it->bodies++; }
    if (it->fails) dur_fail(run, "gone wrong");
    return 0;
}

static void assert_family_replayed(const test_family *it, int bodies)
{
    assert_int_equal(bodies, it->bodies);
    assert_int_equal(12, it->sum);
    assert_int_equal(40, it->call);
    assert_int_equal(DUR_OK, it->codes[0]);
    assert_int_equal(DUR_FAILED, it->codes[1]);
    assert_int_equal(DUR_OK, it->codes[2]);
}

/* A batch reads the rows of its branches when it is replayed: they were copied. */
static void what_it_called_is_replayed_and_not_executed(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_family first = {.fails = true}, second = {0};

    assert_code(DUR_FAILED, dur_execute(log, "f", "the-run", NULL, family_workflow, &first), log);
    assert_family_replayed(&first, 6);
    assert_int_equal(7, host_number(host->db, "SELECT count(*) FROM durable_runs"));
    assert_code(DUR_OK, restart(log, "again", 3), log);
    assert_int_equal(14, host_number(host->db, "SELECT count(*) FROM durable_runs"));
    assert_code(DUR_OK, dur_execute(log, "f", "again", NULL, family_workflow, &second), log);
    assert_family_replayed(&second, 1);
    assert_int_equal(14, host_number(host->db, "SELECT count(*) FROM durable_runs"));
    assert_int_equal(14, host_number(host->db, "SELECT count(DISTINCT uid) FROM durable_runs"));
    dur_close(log);
}

/* Between the two: the map is in the copy, the nested call is made anew. */
static void what_was_called_later_is_called_anew(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_family it = {0};
    dur_run_info info = DUR_RUN_INFO_INIT;

    assert_code(DUR_OK, dur_execute(log, "f", "the-run", NULL, family_workflow, &it), log);
    assert_code(DUR_OK, restart(log, "again", 2), log);
    assert_code(DUR_OK, dur_read_run(log, "again/1/2", &info), log);
    assert_int_equal(DUR_RUN_FAILED, info.status);
    assert_code(DUR_NOT_FOUND, dur_read_run(log, "again/2", &info), log);
    it.bodies = 0;
    assert_code(DUR_OK, dur_execute(log, "f", "again", NULL, family_workflow, &it), log);
    assert_family_replayed(&it, 3);
    assert_code(DUR_OK, dur_read_run(log, "again/2/2", &info), log);
    dur_close(log);
}

/* The copy stands for itself: its source may be deleted, and it, with all that it calls, too. */
static void the_copy_lives_without_its_source(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_family it = {0};

    assert_code(DUR_OK, dur_execute(log, "f", "the-run", NULL, family_workflow, &it), log);
    assert_code(DUR_OK, restart(log, "again", 3), log);
    host_run(host->db, "DELETE FROM durable_runs WHERE id = 'the-run'");
    it.bodies = 0;
    assert_code(DUR_OK, dur_execute(log, "f", "again", NULL, family_workflow, &it), log);
    assert_family_replayed(&it, 1);
    host_run(host->db, "DELETE FROM durable_runs WHERE id = 'again'");
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_runs"));
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    dur_close(log);
}

static void the_outcome_of_a_call_is_replaced_and_that_of_a_batch_is_not(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_family it = {0};

    assert_code(DUR_OK, dur_execute(log, "f", "the-run", NULL, family_workflow, &it), log);
    assert_code(DUR_OK, restart_replaced(log, "again", 3, 2, dur_integer(7)), log);
    it.bodies = 0;
    assert_code(DUR_OK, dur_execute(log, "f", "again", NULL, family_workflow, &it), log);
    assert_int_equal(7, it.call);
    assert_int_equal(1, it.bodies);
    assert_code(DUR_MISUSE, restart_replaced(log, "batch", 3, 1, dur_integer(7)), log);
    assert_non_null(strstr(dur_errmsg(log), "position 1: it is a batch"));
    dur_close(log);
}

/* With ids so long that children are called after the uid. */
static void long_ids_are_no_hindrance(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_family it = {0};
    char source[DUR_NAME_MAX + 1], copy[DUR_NAME_MAX + 1];

    memset(source, 's', DUR_NAME_MAX);
    memset(copy, 'c', DUR_NAME_MAX);
    source[DUR_NAME_MAX] = copy[DUR_NAME_MAX] = '\0';
    assert_code(DUR_OK, dur_execute(log, "f", source, NULL, family_workflow, &it), log);
    assert_code(DUR_OK, dur_restart(log, source, copy, 3, NULL), log);
    it.bodies = 0;
    assert_code(DUR_OK, dur_execute(log, "f", copy, NULL, family_workflow, &it), log);
    assert_family_replayed(&it, 1);
    assert_code(DUR_OK, dur_restart(log, copy, "short", 3, NULL), log);
    it.bodies = 0;
    assert_code(DUR_OK, dur_execute(log, "f", "short", NULL, family_workflow, &it), log);
    assert_family_replayed(&it, 1);
    dur_close(log);
}

/* ---- Elsewhere ----------------------------------------------------------------------------- */

static int add_line(const char *line, size_t length, void *user)
{
    narrative_add(user, "%.*s", (int)length, line);
    return 0;
}

/* A copy is a run like any other: exported with what it calls, replayed where it is imported. */
static void a_restart_is_exported_and_imported(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host), *other = NULL;
    test_family it = {.fails = true};
    narrative text;
    narrative again;

    narrative_init(&text);
    narrative_init(&again);
    assert_code(DUR_FAILED, dur_execute(log, "f", "the-run", NULL, family_workflow, &it), log);
    assert_code(DUR_OK, restart(log, "again", 3), log);
    assert_code(DUR_OK, dur_export(log, "again", NULL, add_line, &text), log);
    assert_code(DUR_OK, dur_open_recording(NULL, NULL, &other), other);
    assert_code(DUR_OK, dur_import(other, text.text, strlen(text.text)), other);
    assert_code(DUR_OK, dur_export(other, "again", NULL, add_line, &again), other);
    assert_string_equal(text.text, again.text);
    it.bodies = it.fails = 0;
    assert_code(DUR_OK, dur_execute(other, "f", "again", NULL, family_workflow, &it), other);
    assert_family_replayed(&it, 1);
    narrative_free(&text);
    narrative_free(&again);
    dur_close(other);
    dur_close(log);
}

/* Before anybody has claimed it: what was copied is what is checked. */
static void a_restart_is_checked_before_it_goes_on(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_check_options options = DUR_CHECK_OPTIONS_INIT;
    test_family it = {.fails = true};
    dur_report *report = NULL;

    assert_code(DUR_FAILED, dur_execute(log, "f", "the-run", NULL, family_workflow, &it), log);
    assert_code(DUR_OK, restart(log, "again", 3), log);
    options.run_id = "again";
    it.bodies = 0;
    assert_code(DUR_OK, dur_replay_check(log, "f", &options, family_workflow, &it, &report), log);
    assert_int_equal(DUR_FITS_SO_FAR, dur_report_verdict(report));
    assert_int_equal(3, dur_report_position(report));
    assert_family_replayed(&it, 0);
    dur_free_report(report);
    assert_code(DUR_DIVERGED, dur_replay_check(log, "f", &options, nested, &it, &report), log);
    dur_free_report(report);
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(what_it_called_is_replayed_and_not_executed),
        IN_MEMORY(what_was_called_later_is_called_anew),
        IN_MEMORY(the_copy_lives_without_its_source),
        IN_MEMORY(the_outcome_of_a_call_is_replaced_and_that_of_a_batch_is_not),
        IN_MEMORY(long_ids_are_no_hindrance),
        IN_MEMORY(a_restart_is_exported_and_imported),
        IN_MEMORY(a_restart_is_checked_before_it_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
