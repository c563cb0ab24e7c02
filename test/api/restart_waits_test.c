/* test/api: restarting from a position: what the run waits for, and whom it has started. */
#include "api/restarted.h"

#include <stdio.h>

/* ---- Waits --------------------------------------------------------------------------------- */

typedef struct test_waits {
    int bodies;
    char token[DUR_TOKEN_SIZE];
    int64_t mail, answer;
} test_waits;

static int waits_workflow(dur_run *run, void *user)
{
    test_waits *it = user;
    dur_step *callback;
    dur_value value = dur_null();

    if (dur_sleep(run, "pause", 5000) != DUR_OK) return 0;
    if (dur_receive(run, "mail", 0, &value) != DUR_OK) return 0;
    it->mail = value.as.integer;
    if (dur_begin_callback(run, "approval", NULL, &callback) != DUR_OK) return 0;
    DUR_STEP(run, "ask")
    {
        it->bodies++;
        snprintf(it->token, sizeof it->token, "%s", dur_callback_token(callback));
    }
    if (dur_await(callback, &value) != DUR_OK) return 0;
    it->answer = value.as.integer;
    DUR_STEP(run, "after") { it->bodies++; }
    return 0;
}

static int wait_on(dur_log *log, const char *id, test_waits *it)
{
    return dur_execute(log, "waits", id, NULL, waits_workflow, it);
}

static void come_to_the_callback(test_host *host, dur_log *log, test_waits *it)
{
    memset(it, 0, sizeof *it);
    assert_code(DUR_SUSPENDED, wait_on(log, "the-run", it), log);
    host->clock.now_ms += 5000;
    assert_code(DUR_OK, dur_signal(log, "the-run", "mail", dur_integer(12), NULL), log);
    assert_code(DUR_SUSPENDED, wait_on(log, "the-run", it), log);
    assert_int_equal(1, it->bodies);
}

/* Waits that are over are replayed; an open callback begins anew, with its own token. */
static void an_open_callback_begins_anew(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_waits first, second = {0};

    come_to_the_callback(host, log, &first);
    assert_code(DUR_OK, restart(log, "again", 5), log);
    assert_code(DUR_SUSPENDED, wait_on(log, "again", &second), log);
    assert_int_equal(12, second.mail);
    assert_int_equal(0, second.bodies); /* "ask" stands before position 5 */
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_pending AS p"
                                              " JOIN durable_runs AS r ON r.run = p.step >> 27"
                                              " WHERE r.id = 'again' AND p.kind = 5"));
    assert_code(DUR_OK, restart(log, "asks", 4), log);
    assert_code(DUR_SUSPENDED, wait_on(log, "asks", &second), log);
    assert_int_equal(1, second.bodies);
    assert_string_not_equal(first.token, second.token);
    assert_code(DUR_OK, dur_complete_callback(log, second.token, dur_integer(2)), log);
    assert_code(DUR_OK, wait_on(log, "asks", &second), log);
    assert_int_equal(2, second.answer);
    assert_code(DUR_OK, dur_complete_callback(log, first.token, dur_integer(1)), log);
    assert_code(DUR_OK, wait_on(log, "the-run", &first), log);
    assert_int_equal(1, first.answer);
    dur_close(log);
}

static void an_answered_callback_is_replayed_and_may_be_replaced(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_waits it;

    come_to_the_callback(host, log, &it);
    assert_code(DUR_OK, dur_complete_callback(log, it.token, dur_integer(1)), log);
    assert_code(DUR_OK, wait_on(log, "the-run", &it), log);
    assert_code(DUR_OK, restart(log, "again", 5), log);
    it.answer = it.bodies = 0;
    assert_code(DUR_OK, wait_on(log, "again", &it), log);
    assert_int_equal(1, it.answer);
    assert_int_equal(1, it.bodies);
    assert_code(DUR_OK, restart_replaced(log, "other", 5, 3, dur_integer(9)), log);
    assert_code(DUR_OK, wait_on(log, "other", &it), log);
    assert_int_equal(9, it.answer);
    assert_code(DUR_OK, restart_replaced(log, "mail", 5, 2, dur_integer(8)), log);
    assert_code(DUR_OK, wait_on(log, "mail", &it), log);
    assert_int_equal(8, it.mail);
    dur_close(log);
}

/* A sleep that is not over at that position is slept anew, from now on. */
static void a_sleep_begins_anew(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_waits it = {0};
    dur_run_info info = DUR_RUN_INFO_INIT;
    int64_t begun = host->clock.now_ms;

    assert_code(DUR_SUSPENDED, wait_on(log, "the-run", &it), log);
    host->clock.now_ms += 4000;
    assert_code(DUR_OK, restart(log, "again", 1), log);
    assert_code(DUR_SUSPENDED, wait_on(log, "again", &it), log);
    assert_code(DUR_OK, dur_read_run(log, "again", &info), log);
    assert_true(info.wake_ms == begun + 9000);
    assert_code(DUR_OK, dur_read_run(log, "the-run", &info), log);
    assert_true(info.wake_ms == begun + 5000);
    dur_close(log);
}

/* ---- Started children ---------------------------------------------------------------------- */

typedef struct test_started {
    int bodies, children;
    char id[DUR_NAME_MAX + 1];
    const char *own_id;
    int64_t value;
} test_started;

static int started_child(dur_run *run, void *user)
{
    test_started *it = user;

    it->children++;
    dur_set_output(run, dur_integer(5));
    return 0;
}

static int starting_workflow(dur_run *run, void *user)
{
    test_started *it = user;
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_step *child;
    dur_value value = dur_null();

    options.run_id = it->own_id;
    if (dur_start_child(run, "child", "child", &options, &child) != DUR_OK) return 0;
    snprintf(it->id, sizeof it->id, "%s", dur_child_id(child));
    DUR_STEP(run, "beside") { it->bodies++; }
    if (dur_await(child, &value) != DUR_OK) return 0;
    it->value = value.as.integer;
    DUR_STEP(run, "after") { it->bodies++; }
    return 0;
}

static void a_started_child_that_is_open_is_started_anew(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_started it = {0};

    assert_code(DUR_OK, dur_register(log, "child", started_child, &it), log);
    assert_code(DUR_OK, dur_register(log, "s", starting_workflow, &it), log);
    assert_code(DUR_SUSPENDED, dur_execute(log, "s", "the-run", NULL, starting_workflow, &it), log);
    assert_code(DUR_OK, restart(log, "again", 3), log);
    assert_code(DUR_SUSPENDED, dur_execute(log, "s", "again", NULL, starting_workflow, &it), log);
    assert_string_equal("again/1", it.id);
    assert_int_equal(1, it.bodies);
    assert_code(DUR_OK, dur_work(log, NULL, NULL), log);
    assert_int_equal(2, it.children); /* each has its own */
    assert_int_equal(3, it.bodies);
    assert_int_equal(2, host_number(host->db, "SELECT count(*) FROM durable_runs"
                                              " WHERE workflow = 's' AND status = 2"));
    dur_close(log);
}

/* What it came to stands in the parent's row; the child itself stays with its first parent. */
static void what_a_started_child_came_to_is_replayed(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_started it = {0};

    assert_code(DUR_OK, dur_register(log, "child", started_child, &it), log);
    assert_code(DUR_OK, dur_register(log, "s", starting_workflow, &it), log);
    assert_code(DUR_OK, dur_start(log, "s", "the-run", NULL), log);
    assert_code(DUR_OK, dur_work(log, NULL, NULL), log);
    assert_int_equal(2, it.bodies);
    assert_code(DUR_OK, restart(log, "again", 3), log);
    it.value = it.bodies = 0;
    assert_code(DUR_OK, dur_execute(log, "s", "again", NULL, starting_workflow, &it), log);
    assert_int_equal(5, it.value);
    assert_int_equal(1, it.bodies);
    assert_int_equal(1, it.children);
    assert_code(DUR_OK, restart_replaced(log, "other", 3, 1, dur_integer(6)), log);
    assert_code(DUR_OK, dur_execute(log, "s", "other", NULL, starting_workflow, &it), log);
    assert_int_equal(6, it.value);
    dur_close(log);
}

static void an_id_of_the_childs_own_is_taken(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_started it = {.own_id = "my-child"};

    assert_code(DUR_SUSPENDED, dur_execute(log, "s", "the-run", NULL, starting_workflow, &it), log);
    assert_code(DUR_OK, restart(log, "again", 1), log);
    assert_code(DUR_CONFLICT, dur_execute(log, "s", "again", NULL, starting_workflow, &it), log);
    assert_non_null(strstr(dur_errmsg(log), "my-child"));
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(an_open_callback_begins_anew),
        IN_MEMORY(an_answered_callback_is_replayed_and_may_be_replaced),
        IN_MEMORY(a_sleep_begins_anew),
        IN_MEMORY(a_started_child_that_is_open_is_started_anew),
        IN_MEMORY(what_a_started_child_came_to_is_replayed),
        IN_MEMORY(an_id_of_the_childs_own_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
