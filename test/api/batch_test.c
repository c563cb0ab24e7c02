/* test/api: branches through the public interface: what is refused, what the log shows, memory,
 * and the host's transactions. */
#include "api/refused.h"

#include <math.h>
#include <stdio.h>

/* ---- Law 9: what is wrong is told before anything has started ---- */

typedef struct wish {
    const dur_branch *branches;
    size_t count;
    const dur_batch_options *options;
    int code;
    dur_batch batch;
} wish;

static int give_input(dur_run *run, void *user)
{
    if (user) ++*(int *)user;
    dur_set_output(run, dur_input(run));
    return 0;
}

static int ask_for(dur_run *run, void *user)
{
    wish *it = user;

    memset(&it->batch, 0xff, sizeof it->batch);
    it->code = dur_parallel(run, "fan", it->branches, it->count, it->options, &it->batch);
    return 0;
}

static const dur_branch two[] = {{"a", give_input, NULL, {DUR_NULL, {0}, 0}},
                                 {"b", give_input, NULL, {DUR_NULL, {0}, 0}}};

static void assert_wish_refused(test_host *host, dur_log *log, wish it, const char *part)
{
    int64_t runs = host_number(host->db, "SELECT count(*) FROM durable_runs");
    char id[32];

    snprintf(id, sizeof id, "wish-%lld", (long long)runs);
    assert_code(DUR_MISUSE, dur_execute(log, "wish", id, NULL, ask_for, &it), log);
    assert_message(dur_errmsg(log), part);
    assert_int_equal(DUR_MISUSE, it.code);
    assert_int_equal(0, it.batch.count);
    assert_null(it.batch.codes);
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    assert_int_equal(runs + 1, host_number(host->db, "SELECT count(*) FROM durable_runs"));
}

static void wrong_policies_are_refused(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    const dur_batch_options defaults = DUR_BATCH_OPTIONS_INIT;
    dur_batch_options options = defaults;
    wish it = {two, 2, &options, 0, {0}};

    options.max_concurrency = -1;
    assert_wish_refused(host, log, it, "no negative max_concurrency");
    options = defaults;
    options.min_successes = -1;
    assert_wish_refused(host, log, it, "no negative");
    options = defaults;
    options.max_failures = -1;
    assert_wish_refused(host, log, it, "no negative");
    options = defaults;
    options.max_failure_percent = -0.5;
    assert_wish_refused(host, log, it, "from 0 to 100");
    options.max_failure_percent = 100.5;
    assert_wish_refused(host, log, it, "from 0 to 100");
    options.max_failure_percent = (double)NAN;
    assert_wish_refused(host, log, it, "from 0 to 100");
    options = defaults;
    options.min_successes = 3;
    assert_wish_refused(host, log, it, "more min_successes than branches");
    options = defaults;
    options.fails_fast = true;
    options.max_failures = 1;
    assert_wish_refused(host, log, it, "not both");
    options.size = 0;
    assert_wish_refused(host, log, it, "DUR_BATCH_OPTIONS_INIT");
    dur_close(log);
}

static void wrong_branches_are_refused(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_branch branches[2];
    wish it = {branches, 2, NULL, 0, {0}};

    memcpy(branches, two, sizeof branches);
    branches[1].fn = NULL;
    assert_wish_refused(host, log, it, "a workflow function for each branch");
    memcpy(branches, two, sizeof branches);
    branches[1].name = "";
    assert_wish_refused(host, log, it, "names of branches");
    branches[1].name = "a\nb";
    assert_wish_refused(host, log, it, "names of branches");
    memcpy(branches, two, sizeof branches);
    branches[1].input.type = (dur_type)77;
    assert_wish_refused(host, log, it, "no value");
    it.branches = NULL;
    assert_wish_refused(host, log, it, "a list, not NULL");
    it.branches = branches;
    it.count = DUR_BRANCHES_MAX + 1;
    assert_wish_refused(host, log, it, "at most 100000");
    dur_close(log);
}

static int map_badly(dur_run *run, void *user)
{
    const dur_value item = dur_null();
    int *which = user;
    dur_batch batch = {0};
    int code = DUR_OK;

    if (*which == 0) code = dur_map(run, "m", &item, 1, NULL, NULL, NULL, &batch);
    if (*which == 1) code = dur_map(run, "m", NULL, 1, give_input, NULL, NULL, &batch);
    if (*which == 2) code = dur_map(run, NULL, &item, 1, give_input, NULL, NULL, &batch);
    if (*which == 3) {
        DUR_STEP (run, "body")
            code = dur_map(run, "m", &item, 1, give_input, NULL, NULL, &batch);
    }
    assert_int_equal(DUR_MISUSE, code);
    return 0;
}

static void wrong_lists_are_refused(void **state)
{
    static const char *const parts[] = {"a workflow function", "a list, not NULL",
                                        "a step's name must be", "the body of step"};
    test_host *host = *state;
    dur_log *log = host_log(host);
    char id[16];

    for (int i = 0; i < 4; i++) {
        snprintf(id, sizeof id, "bad-%d", i);
        assert_code(DUR_MISUSE, dur_execute(log, "map", id, NULL, map_badly, &i), log);
        assert_message(dur_errmsg(log), parts[i]);
    }
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    assert_int_equal(DUR_MISUSE, dur_parallel(NULL, "p", two, 2, NULL, NULL));
    assert_int_equal(DUR_MISUSE, dur_map(NULL, "m", NULL, 0, give_input, NULL, NULL, NULL));
    dur_run_job(NULL, log);
    dur_run_job(NULL, NULL);
    dur_close(log);
}

/* ---- What the log shows ---- */

typedef struct tide {
    test_host *host;
    int called[3];
    dur_batch batch;
} tide;

static int ebb(dur_run *run, void *user)
{
    int64_t rank = dur_input(run).as.integer;

    ++*(int *)user;
    if (dur_sleep(run, "nap", 1000 * (3 - rank)) != DUR_OK) return 0;
    if (rank == 1) dur_fail(run, "no water");
    dur_set_output(run, dur_text("ebb"));
    return 0;
}

static int flow(dur_run *run, void *user)
{
    tide *it = user;
    dur_branch branches[3] = {{NULL, ebb, &it->called[0], dur_integer(0)},
                              {"middle", ebb, &it->called[1], dur_integer(1)},
                              {NULL, ebb, &it->called[2], dur_integer(2)}};
    dur_batch_options options = DUR_BATCH_OPTIONS_INIT;

    if (dur_parallel(run, "tide", branches, 3, &options, &it->batch) != DUR_OK) return 0;
    assert_int_equal(DUR_FAILED, it->batch.codes[1]);
    return 0;
}

/* Which one ended first stands in its row: as its attempt, from 1. */
static void the_order_of_the_ends_is_recorded(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    tide it = {host, {0}, {0}};
    char *rows;

    for (int i = 0; i < 3; i++) {
        assert_code(DUR_SUSPENDED, dur_execute(log, "tide", "t", NULL, flow, &it), log);
        fake_clock_advance(&host->clock, 1000);
    }
    assert_code(DUR_OK, dur_execute(log, "tide", "t", NULL, flow, &it), log);
    rows = host_rows(host->db, "SELECT position, name, outcome, value, attempt FROM"
                               " durable_steps_view WHERE run_id = 't/1'");
    assert_has(rows, "ebb");
    sqlite3_free(rows);
    assert_int_equal(3, host_number(host->db, "SELECT attempt FROM durable_steps_view"
                                              " WHERE run_id = 't/1' AND position = 1"));
    assert_int_equal(2, host_number(host->db, "SELECT attempt FROM durable_steps_view"
                                              " WHERE run_id = 't/1' AND position = 2"));
    assert_int_equal(1, host_number(host->db, "SELECT attempt FROM durable_steps_view"
                                              " WHERE run_id = 't/1' AND position = 3"));
    rows = host_rows(host->db, "SELECT site FROM durable_steps_view WHERE run_id = 't'");
    assert_has(rows, "batch_test.c:");
    sqlite3_free(rows);
    dur_close(log);
}

/* Law 2: a complete batch costs its branches' outcomes, one row each, and one row of its run. */
static void a_batch_is_one_row_of_its_run(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    wish it = {two, 2, NULL, 0, {0}};

    assert_code(DUR_OK, dur_execute(log, "wish", "w", NULL, ask_for, &it), log);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps_view"
                                              " WHERE run_id = 'w'"));
    assert_int_equal(3, host_number(host->db, "SELECT count(*) FROM durable_steps"));
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_pending"));
    assert_int_equal(4, host_number(host->db, "SELECT count(*) FROM durable_runs_view"
                                              " WHERE status = 'completed'"));
    assert_int_equal(3, host_number(host->db, "SELECT count(*) FROM durable_runs_view"
                                              " WHERE queue = ''"));
    dur_close(log);
}

static int look_away(dur_run *run, void *user)
{
    int *calls = user;
    dur_branch branches[2] = {{NULL, give_input, &calls[0], dur_null()},
                              {NULL, give_input, &calls[1], dur_null()}};

    if (dur_parallel(run, "fan", branches, 2, NULL, NULL) != DUR_OK) return 0;
    if (dur_sleep(run, "rest", 1000) != DUR_OK) return 0;
    return 0;
}

/* What nobody looks at is not read: the rows of its branches may be gone. */
static void a_batch_need_not_be_looked_at(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    int calls[2] = {0, 0};

    assert_code(DUR_SUSPENDED, dur_execute(log, "away", "a", NULL, look_away, calls), log);
    host_run(host->db, "DELETE FROM durable_runs WHERE id GLOB 'a/*'");
    fake_clock_advance(&host->clock, 1000);
    assert_code(DUR_OK, dur_execute(log, "away", "a", NULL, look_away, calls), log);
    assert_int_equal(1, calls[0]);
    assert_int_equal(1, calls[1]);
    dur_close(log);
}

/* ---- Many ---- */

#define MANY 3000

static int add_one(dur_run *run, void *user)
{
    ++*(int *)user;
    if (dur_input(run).as.integer % 1000 == 7) dur_fail(run, "seven");
    dur_set_output(run, dur_integer(dur_input(run).as.integer + 1));
    return 0;
}

typedef struct crowd {
    int calls;
    dur_value items[MANY];
    int64_t sum;
} crowd;

static int add_all(dur_run *run, void *user)
{
    crowd *it = user;
    dur_batch batch = {0};
    uint64_t mark = dur_mark(run);

    for (int i = 0; i < MANY; i++) it->items[i] = dur_integer(i);
    if (dur_map(run, "add", it->items, MANY, add_one, &it->calls, NULL, &batch) != DUR_OK)
        return 0;
    it->sum = 0;
    for (size_t i = 0; i < batch.count; i++)
        if (batch.codes[i] == DUR_OK) it->sum += batch.values[i].as.integer;
    assert_int_equal(MANY - 3, batch.succeeded);
    assert_int_equal(3, batch.failed);
    dur_release(run, mark);
    if (dur_sleep(run, "rest", 1000) != DUR_OK) return 0;
    return 0;
}

static void thousands_of_items_are_read_back(void **state)
{
    static crowd it;
    test_host *host = *state;
    dur_log *log = host_log(host);
    int64_t sum = (int64_t)MANY * (MANY + 1) / 2 - 8 - 1008 - 2008;

    memset(&it, 0, sizeof it);
    assert_code(DUR_SUSPENDED, dur_execute(log, "add", "many", NULL, add_all, &it), log);
    assert_int_equal(sum, it.sum);
    it.sum = 0;
    fake_clock_advance(&host->clock, 1000);
    assert_code(DUR_OK, dur_execute(log, "add", "many", NULL, add_all, &it), log);
    assert_int_equal(sum, it.sum);
    assert_int_equal(MANY, it.calls);
    dur_close(log);
}

/* ---- A person's answer to one branch ---- */

static int pay_once(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    int64_t paid = 0;

    options.mode = DUR_AT_MOST_ONCE;
    DUR_STEP (run, "pay", paid, &options) {
        ++*(int *)user;
        dur_stop(run, "the line is dead");
    }
    dur_set_output(run, dur_integer(paid));
    return 0;
}

static int pay_all(dur_run *run, void *user)
{
    int *calls = user;
    dur_branch branches[2] = {{"doubtful", pay_once, &calls[0], dur_null()},
                              {"plain", give_input, &calls[1], dur_integer(5)}};
    dur_batch batch = {0};

    if (dur_parallel(run, "pay", branches, 2, NULL, &batch) != DUR_OK) return 0;
    dur_set_output(run, dur_integer(batch.values[0].as.integer + batch.values[1].as.integer));
    return 0;
}

/* In doubt, it parks the batch and the run; an answer makes all three due, a worker goes on. */
static void a_branch_in_doubt_is_settled_by_a_person(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    int calls[2] = {0, 0};

    assert_code(DUR_STOPPED, dur_execute(log, "pay", "p", NULL, pay_all, calls), log);
    assert_code(DUR_PARKED, dur_execute(log, "pay", "p", NULL, pay_all, calls), log);
    assert_has(dur_errmsg(log), "run \"p/1/1\"");
    assert_int_equal(3, host_number(host->db, "SELECT count(*) FROM durable_runs_view"
                                              " WHERE status = 'parked'"));
    assert_code(DUR_OK, dur_resolve_step(log, "p/1/1", 1, DUR_OK, dur_integer(37), NULL), log);
    assert_code(DUR_OK, dur_register(log, "pay", pay_all, calls), log);
    assert_code(DUR_OK, dur_work(log, NULL, NULL), log);
    assert_code(DUR_OK, dur_execute(log, "pay", "p", NULL, pay_all, calls), log);
    assert_int_equal(42, dur_output(log).as.integer);
    assert_int_equal(1, calls[0]);
    assert_int_equal(1, calls[1]);
    dur_close(log);
}

/* ---- In a transaction of the host's ---- */

static void a_batch_joins_the_hosts_transaction(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    wish it = {two, 2, NULL, 0, {0}};

    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, dur_execute(log, "wish", "w", NULL, ask_for, &it), log);
    host_run(host->db, "ROLLBACK");
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_runs"));
    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, dur_execute(log, "wish", "w", NULL, ask_for, &it), log);
    host_run(host->db, "COMMIT");
    assert_int_equal(4, host_number(host->db, "SELECT count(*) FROM durable_runs"));
    dur_close(log);
}

static void never(dur_job *const *jobs, size_t count, void *user)
{
    (void)jobs;
    (void)count;
    ++*(int *)user;
}

/* Its threads would not see what is not committed. */
static void an_executor_is_refused_there(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_batch_options options = DUR_BATCH_OPTIONS_INIT;
    wish it = {two, 2, &options, 0, {0}};
    int calls = 0;

    options.execute = never;
    options.user = &calls;
    host_run(host->db, "BEGIN");
    assert_code(DUR_MISUSE, dur_execute(log, "wish", "w", NULL, ask_for, &it), log);
    assert_has(dur_errmsg(log), "within a transaction of the host's");
    host_run(host->db, "ROLLBACK");
    assert_int_equal(0, calls);
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(wrong_policies_are_refused),
        IN_MEMORY(wrong_branches_are_refused),
        IN_MEMORY(wrong_lists_are_refused),
        IN_EVERY_JOURNAL(the_order_of_the_ends_is_recorded),
        IN_MEMORY(a_batch_is_one_row_of_its_run),
        IN_MEMORY(a_batch_need_not_be_looked_at),
        IN_MEMORY(thousands_of_items_are_read_back),
        IN_EVERY_JOURNAL(a_branch_in_doubt_is_settled_by_a_person),
        IN_EVERY_JOURNAL(a_batch_joins_the_hosts_transaction),
        IN_MEMORY(an_executor_is_refused_there),
    };

    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
