/* test/api: children that continue as new, and runs with children that do. */
#include "api/family.h"

#define PIECES 3

/* The child: one step a run; it gives the sum of its inputs, 21 + 1 + 1. */
static int child_continues(dur_run *run, void *user)
{
    family *it = user;
    int64_t sum = 0;

    it->child_passes++;
    DUR_STEP(run, "piece", sum)
    {
        it->bodies++;
        sum = dur_input(run).as.integer + 1;
    }
    if (!dur_ok(run)) return 0;
    if (sum < 21 + PIECES) return dur_continue_as_new(run, dur_integer(sum));
    dur_set_output(run, dur_integer(sum));
    return 0;
}

static dur_run_info look(dur_log *log, const char *id)
{
    dur_run_info info = DUR_RUN_INFO_INIT;

    assert_code(DUR_OK, dur_read_run(log, id, &info), log);
    return info;
}

static int64_t exists(family *it, const char *id)
{
    return host_number(it->host->db, "SELECT count(*) FROM durable_runs WHERE id = %Q", id);
}

/* ---- Called ---------------------------------------------------------------------------------- */

/* Its parent waits for the chain, is due with each of its runs, and hears of the last one. */
static void a_called_child_goes_on_as_new(void **state)
{
    family it = family_of(*state, child_continues);
    dur_log *log = host_log(it.host);

    it.options.input = dur_integer(21);
    for (int i = 1; i < PIECES; i++) {
        assert_code(DUR_SUSPENDED, family_execute(&it, log), log);
        assert_int_equal(i + 1, look(log, CHILD).generation);
        assert_int_equal(DUR_RUN_SUSPENDED, family_status(log, PARENT));
        assert_true(look(log, PARENT).wake_ms == it.host->clock.now_ms);
    }
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_int_equal(21 + PIECES, it.value.as.integer);
    assert_int_equal(PIECES, it.bodies);
    assert_int_equal(PIECES, it.child_passes);
    assert_int_equal(DUR_COMPLETED, family_status(log, CHILD));
    assert_int_equal(DUR_RUN_CONTINUED, family_status(log, CHILD "~1"));
    assert_int_equal(2, family_rows(&it, PARENT));
    dur_close(log);
}

static void a_worker_brings_a_called_chain_to_its_end(void **state)
{
    family it = family_of(*state, child_continues);
    dur_log *log = host_log(it.host);

    it.options.input = dur_integer(21);
    assert_code(DUR_OK, dur_register(log, "parent", parent_workflow, &it), log);
    assert_code(DUR_OK, dur_start(log, "parent", PARENT, NULL), log);
    assert_code(DUR_OK, dur_work(log, NULL, NULL), log);
    assert_int_equal(DUR_COMPLETED, family_status(log, PARENT));
    assert_int_equal(PIECES, it.bodies);
    dur_close(log);
}

/* One that calls another, which continues, continues itself. */
static int middle_continues(dur_run *run, void *user)
{
    family *it = user;
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_value value = dur_null();

    options.input = dur_integer(21);
    if (dur_call(run, "inner", &options, child_continues, it, &value) != DUR_OK) return 0;
    if (dur_input(run).as.integer < 2)
        return dur_continue_as_new(run, dur_integer(dur_input(run).as.integer + 1));
    dur_set_output(run, value);
    return 0;
}

static void children_of_children_go_on_as_new(void **state)
{
    family it = family_of(*state, middle_continues);
    dur_log *log = host_log(it.host);
    int code = DUR_SUSPENDED;

    it.options.input = dur_integer(0);
    for (int i = 0; i < 20 && code == DUR_SUSPENDED; i++) code = family_execute(&it, log);
    assert_code(DUR_OK, code, log);
    assert_int_equal(21 + PIECES, it.value.as.integer);
    assert_int_equal(3 * PIECES, it.bodies);
    assert_int_equal(1, exists(&it, CHILD "/1"));      /* of its first run, and the last of it */
    assert_int_equal(1, exists(&it, CHILD "/1~1"));
    assert_int_equal(1, exists(&it, CHILD "~2/1"));    /* of its second run */
    assert_int_equal(1, exists(&it, CHILD "~3/1~2"));
    dur_close(log);
}

static void a_chain_that_is_called_is_cancelled_with_its_caller(void **state)
{
    family it = family_of(*state, child_continues);
    dur_log *log = host_log(it.host);

    it.options.input = dur_integer(21);
    assert_code(DUR_SUSPENDED, family_execute(&it, log), log);
    assert_code(DUR_OK, dur_cancel(log, PARENT), log);
    assert_code(DUR_CANCELLED, family_execute(&it, log), log);
    assert_int_equal(1, it.bodies);
    assert_int_equal(DUR_RUN_CANCELLED, family_status(log, CHILD));
    assert_int_equal(DUR_RUN_CONTINUED, family_status(log, CHILD "~1"));
    dur_close(log);
}

/* ---- Branches -------------------------------------------------------------------------------- */

static int plain_branch(dur_run *run, void *user)
{
    family *it = user;

    DUR_STEP(run, "plain") { it->bodies += 100; }
    dur_set_output(run, dur_integer(1));
    return 0;
}

static int runs_branches(dur_run *run, void *user)
{
    family *it = user;
    const dur_branch branches[2] = {{"chain", child_continues, it, dur_integer(21)},
                                    {"plain", plain_branch, it, dur_null()}};
    dur_batch batch = {0};

    it->passes++;
    if (dur_parallel(run, "fan", branches, 2, NULL, &batch) != DUR_OK) return 0;
    it->value = dur_integer(batch.values[0].as.integer + batch.values[1].as.integer);
    dur_set_output(run, it->value);
    return 0;
}

static void a_branch_goes_on_as_new(void **state)
{
    family it = family_of(*state, child_continues);
    dur_log *log = host_log(it.host);
    int code = DUR_SUSPENDED;

    for (int i = 0; i < 10 && code == DUR_SUSPENDED; i++)
        code = dur_execute(log, "parent", PARENT, NULL, runs_branches, &it);
    assert_code(DUR_OK, code, log);
    assert_int_equal(21 + PIECES + 1, it.value.as.integer);
    assert_int_equal(100 + PIECES, it.bodies);
    dur_close(log);
}

/* Each job by another connection, one after the other. */
static void execute_elsewhere(dur_job *const *jobs, size_t count, void *user)
{
    family *it = user;
    dur_options options = host_options(it->host);

    for (size_t i = 0; i < count; i++) {
        sqlite3 *db = host_connect(it->host, SQLITE_OPEN_READWRITE);
        dur_log *log = NULL;

        assert_code(DUR_OK, dur_open(db, &options, &log), log);
        dur_run_job(jobs[i], log);
        dur_close(log);
        assert_int_equal(SQLITE_OK, sqlite3_close(db));
    }
}

static int hands_out_branches(dur_run *run, void *user)
{
    family *it = user;
    const dur_value items[2] = {dur_integer(21), dur_integer(22)};
    dur_batch_options options = DUR_BATCH_OPTIONS_INIT;
    dur_batch batch = {0};

    it->passes++;
    options.execute = execute_elsewhere;
    options.user = it;
    if (dur_map(run, "fan", items, 2, child_continues, it, &options, &batch) != DUR_OK) return 0;
    it->value = dur_integer(batch.values[0].as.integer + batch.values[1].as.integer);
    dur_set_output(run, it->value);
    return 0;
}

static void a_branch_that_was_handed_out_goes_on_as_new(void **state)
{
    family it = family_of(*state, child_continues);
    dur_log *log = host_log(it.host);
    int code = DUR_SUSPENDED;

    for (int i = 0; i < 10 && code == DUR_SUSPENDED; i++)
        code = dur_execute(log, "parent", PARENT, NULL, hands_out_branches, &it);
    assert_code(DUR_OK, code, log);
    assert_int_equal(2 * (21 + PIECES), it.value.as.integer);
    assert_int_equal(2 * PIECES - 1, it.bodies);
    dur_close(log);
}

/* ---- Started --------------------------------------------------------------------------------- */

static int awaits_its_child(dur_run *run, void *user)
{
    family *it = user;
    dur_step *child = NULL;

    it->passes++;
    if (dur_start_child(run, "child", "child", &it->options, &child) != DUR_OK) return 0;
    if (dur_await(child, &it->value) != DUR_OK) return 0;
    dur_set_output(run, it->value);
    return 0;
}

/* The parent hears of the end of the chain, not of each of its runs. */
static void a_started_child_goes_on_as_new(void **state)
{
    family it = family_of(*state, child_continues);
    dur_log *log = host_log(it.host);

    it.options.input = dur_integer(21);
    assert_code(DUR_OK, dur_register(log, "parent", awaits_its_child, &it), log);
    assert_code(DUR_OK, dur_register(log, "child", child_continues, &it), log);
    assert_code(DUR_OK, dur_start(log, "parent", PARENT, NULL), log);
    assert_code(DUR_OK, dur_work(log, NULL, NULL), log);
    assert_int_equal(DUR_COMPLETED, family_status(log, PARENT));
    assert_int_equal(21 + PIECES, it.value.as.integer);
    assert_int_equal(PIECES, it.bodies);
    assert_int_equal(2, it.passes);
    dur_close(log);
}

static int starts_children(dur_run *run, void *user)
{
    family *it = user;
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_step *child = NULL;

    options.input = dur_integer(100);
    for (int policy = DUR_CHILD_WAIT; policy <= DUR_CHILD_LEAVE; policy++) {
        options.on_parent_end = policy;
        if (dur_start_child(run, "child", "child", &options, &child) != DUR_OK) return 0;
        snprintf(it->caught, sizeof it->caught, "%s", dur_child_id(child));
    }
    it->passes++;
    return dur_continue_as_new(run, dur_null());
}

/* As at any other end: waited for, asked to end, or left. Names of children tell of which run. */
static void what_a_run_has_started_is_treated_as_at_its_end(void **state)
{
    family it = family_of(*state, child_continues);
    dur_log *log = host_log(it.host);

    assert_code(DUR_SUSPENDED,
                dur_execute(log, "parent", PARENT, NULL, starts_children, &it), log);
    assert_string_equal(PARENT "/3", it.caught);
    assert_int_equal(1, look(log, PARENT).generation); /* it waits for the first one */
    assert_code(DUR_OK, dur_execute(log, "child", PARENT "/1", NULL, child_continues, &it), log);
    assert_code(DUR_SUSPENDED,
                dur_execute(log, "parent", PARENT, NULL, starts_children, &it), log);
    assert_int_equal(2, look(log, PARENT).generation);
    assert_true(look(log, PARENT "/2").cancelling);
    assert_false(look(log, PARENT "/3").cancelling);
    assert_code(DUR_SUSPENDED,
                dur_execute(log, "parent", PARENT, NULL, starts_children, &it), log);
    assert_string_equal(PARENT "~2/3", it.caught);
    assert_int_equal(6, host_number(it.host->db, "SELECT count(*) FROM durable_runs"
                                                 " WHERE parent NOT NULL"));
    dur_close(log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(a_called_child_goes_on_as_new),
        IN_MEMORY(a_worker_brings_a_called_chain_to_its_end),
        IN_MEMORY(children_of_children_go_on_as_new),
        IN_MEMORY(a_chain_that_is_called_is_cancelled_with_its_caller),
        IN_EVERY_JOURNAL(a_branch_goes_on_as_new),
        ON_DISK(a_branch_that_was_handed_out_goes_on_as_new),
        IN_EVERY_JOURNAL(a_started_child_goes_on_as_new),
        IN_MEMORY(what_a_run_has_started_is_treated_as_at_its_end),
    };

    return cmocka_run_group_tests_name("api.continue_family", tests, NULL, NULL);
}
