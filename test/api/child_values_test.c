/* test/api: what goes into a child and comes out of it, by which name it is known, and in whose
 * transaction it stands. */
#include "api/family.h"

#include <stdlib.h>

/* ---- Values ---------------------------------------------------------------------------------- */

static int echoes(dur_run *run, void *user)
{
    family *it = user;

    it->child_passes++;
    dur_set_output(run, dur_input(run));
    return 0;
}

static void assert_same_value(dur_value expected, dur_value actual)
{
    assert_int_equal(expected.type, actual.type);
    assert_int_equal(expected.length, actual.length);
    if (expected.type >= DUR_TEXT) {
        assert_memory_equal(expected.as.bytes, actual.as.bytes, expected.length);
    } else {
        assert_memory_equal(&expected.as, &actual.as, sizeof expected.as);
    }
}

/* Of every type, in and out, live and on replay; law 10's formats are the steps' own. */
static void every_type_goes_in_and_comes_out(void **state)
{
    static const double numbers[] = {1.5, -0.0};
    const dur_value values[] = {dur_null(),
                                dur_integer(INT64_MIN),
                                dur_unsigned(UINT64_MAX),
                                dur_real(numbers[0]),
                                dur_real(numbers[1]),
                                dur_text(""),
                                dur_text("gr\303\274n"),
                                dur_text_n("a\0b", 3),
                                dur_blob("\1\2\0\3", 4),
                                dur_object(numbers, sizeof numbers)};
    dur_log *log = host_log(*state);
    char id[8];

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        family it = family_of(*state, echoes);

        it.options.input = values[i];
        snprintf(id, sizeof id, "r%d", (int)i);
        for (int again = 0; again < 2; again++) {
            assert_code(DUR_OK, dur_execute(log, "parent", id, NULL, parent_workflow, &it), log);
            assert_same_value(values[i], dur_output(log));
            forget_end(&it, id);
        }
        assert_int_equal(1, it.child_passes);
    }
    dur_close(log);
}

static int other_input(dur_run *run, void *user)
{
    family *it = user;

    it->options.input = dur_integer(++it->passes);
    it->code = dur_call(run, "child", &it->options, it->child, it, &it->value);
    return 0;
}

static int waits_for_go(dur_run *run, void *user)
{
    (void)user;
    return dur_receive(run, "go", DUR_FOREVER, NULL) < 0 ? 1 : 0;
}

/* The input is fixed in the child's row: another one in a later pass is another child. */
static void another_input_is_a_conflict(void **state)
{
    family it = family_of(*state, waits_for_go);
    dur_log *log = host_log(it.host);

    assert_code(DUR_SUSPENDED, dur_execute(log, "parent", PARENT, NULL, other_input, &it), log);
    assert_code(DUR_OK, dur_signal(log, CHILD, "go", dur_null(), NULL), log);
    assert_code(DUR_CONFLICT, dur_execute(log, "parent", PARENT, NULL, other_input, &it), log);
    assert_has(dur_errmsg(log), "another input");
    dur_close(log);
}

static int wrong_input(dur_run *run, void *user)
{
    family *it = user;

    memset(&it->options.input, 0, sizeof it->options.input);
    it->options.input.type = (dur_type)77;
    it->code = dur_call(run, "child", &it->options, it->child, it, NULL);
    return 0;
}

static void an_input_that_is_no_value_is_misuse(void **state)
{
    family it = family_of(*state, echoes);
    dur_log *log = host_log(it.host);

    assert_code(DUR_MISUSE, dur_execute(log, "parent", PARENT, NULL, wrong_input, &it), log);
    assert_int_equal(0, it.child_passes);
    assert_int_equal(1, host_number(it.host->db, "SELECT count(*) FROM durable_runs"));
    dur_close(log);
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* The parent's id, '/' and the position; with its uid where that would be too long. */
static void an_id_is_derived(void **state)
{
    family it = family_of(*state, echoes);
    dur_log *log = host_log(it.host);
    char id[DUR_NAME_MAX + 1];

    memset(id, 'p', DUR_NAME_MAX);
    id[DUR_NAME_MAX] = '\0';
    assert_code(DUR_OK, dur_execute(log, "parent", id, NULL, parent_workflow, &it), log);
    assert_int_equal(1, host_number(it.host->db,
                                    "SELECT count(*) FROM durable_runs_view WHERE id ="
                                    " (SELECT uid FROM durable_runs WHERE id = %Q) || '/1'", id));
    id[DUR_NAME_MAX - 2] = '\0'; /* exactly as long as it may be */
    assert_code(DUR_OK, dur_execute(log, "parent", id, NULL, parent_workflow, &it), log);
    assert_int_equal(1, host_number(it.host->db, "SELECT count(*) FROM durable_runs_view"
                                                 " WHERE id = %Q || '/1'", id));
    dur_close(log);
}

static void an_id_is_given(void **state)
{
    family it = family_of(*state, echoes);
    dur_log *log = host_log(it.host);

    it.options.run_id = "invoice 17";
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_int_equal(DUR_COMPLETED, family_status(log, "invoice 17"));
    forget_end(&it, PARENT);
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_int_equal(1, it.child_passes);
    dur_close(log);
}

/* It names another run: a started one, another parent's child, the parent itself. */
static void an_id_of_another_run_is_a_conflict(void **state)
{
    family it = family_of(*state, echoes);
    dur_log *log = host_log(it.host);

    assert_code(DUR_OK, dur_execute(log, "parent", "other", NULL, parent_workflow, &it), log);
    assert_code(DUR_OK, dur_start(log, "child", "started", NULL), log);
    it.options.run_id = "started";
    assert_code(DUR_CONFLICT, dur_execute(log, "parent", "a", NULL, parent_workflow, &it), log);
    it.options.run_id = "other/1";
    assert_code(DUR_CONFLICT, dur_execute(log, "parent", "b", NULL, parent_workflow, &it), log);
    assert_int_equal(1, it.child_passes);
    assert_code(DUR_CONFLICT, dur_execute(log, "parent", "b", NULL, parent_workflow, &it), log);
    it.options.run_id = "c";
    assert_int_not_equal(DUR_OK, dur_execute(log, "parent", "c", NULL, parent_workflow, &it));
    it.options.run_id = NULL; /* mended, it goes on */
    assert_code(DUR_OK, dur_execute(log, "parent", "b", NULL, parent_workflow, &it), log);
    dur_close(log);
}

/* Deleted by hand a parent takes along what it calls: started again, it begins anew. */
static void the_called_children_of_a_deleted_parent_are_gone(void **state)
{
    family it = family_of(*state, waits_for_go);
    dur_log *log = host_log(it.host);

    assert_code(DUR_SUSPENDED, family_execute(&it, log), log);
    host_run(it.host->db, "DELETE FROM durable_runs WHERE id = %Q", PARENT);
    assert_int_equal(0, host_number(it.host->db, "SELECT count(*) FROM durable_runs"));
    assert_int_equal(0, host_number(it.host->db, "SELECT count(*) FROM durable_pending"));
    assert_code(DUR_SUSPENDED, family_execute(&it, log), log);
    assert_code(DUR_OK, dur_signal(log, CHILD, "go", dur_null(), NULL), log);
    assert_code(DUR_OK, family_execute(&it, log), log);
    dur_close(log);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

#define LOOPS 200
#define LARGE 100000

static int large_output(dur_run *run, void *user)
{
    char *bytes = malloc(LARGE);

    (void)user;
    memset(bytes, 'y', LARGE);
    dur_set_output(run, dur_blob(bytes, LARGE));
    free(bytes);
    return 0;
}

static int long_loop(dur_run *run, void *user)
{
    family *it = user;
    sqlite3_int64 used, most;

    for (int i = 0; i < LOOPS && dur_ok(run); i++) {
        uint64_t mark = dur_mark(run);
        dur_value value;

        if (dur_call(run, "item", NULL, large_output, it, &value) != DUR_OK) return 0;
        assert_int_equal(LARGE, value.length);
        assert_int_equal('y', ((const char *)value.as.bytes)[LARGE - 1]);
        dur_release(run, mark);
        if (i == 10) sqlite3_status64(SQLITE_STATUS_MEMORY_USED, &used, &most, 1);
    }
    sqlite3_status64(SQLITE_STATUS_MEMORY_USED, &used, &most, 0);
    it->bodies = (int)((most - used) / LARGE);
    return 0;
}

/* Law 8: what was released is free again, live as on replay: not all outputs are held at once. */
static void outputs_in_a_long_loop_are_released(void **state)
{
    family it = family_of(*state, NULL);
    dur_log *log = host_log(it.host);

    for (int again = 0; again < 2; again++) {
        assert_code(DUR_OK, dur_execute(log, "loop", PARENT, NULL, long_loop, &it), log);
        assert_in_range(it.bodies, 0, LOOPS / 2);
        forget_end(&it, PARENT);
    }
    dur_close(log);
}

/* ---- Transactions of the host's -------------------------------------------------------------- */

static int one_step(dur_run *run, void *user)
{
    family *it = user;

    it->child_passes++;
    DUR_STEP(run, "effect") { host_run(it->host->db, "INSERT INTO effects VALUES (1)"); }
    dur_set_output(run, dur_integer(7));
    return 0;
}

/* Law 1: parent, child and the host's own rows are one transaction, which is kept … */
static void a_hosts_transaction_around_all_is_kept(void **state)
{
    family it = family_of(*state, one_step);
    dur_log *log = host_log(it.host);

    host_run(it.host->db, "CREATE TABLE effects (n INTEGER); BEGIN");
    assert_code(DUR_OK, family_execute(&it, log), log);
    host_run(it.host->db, "COMMIT");
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_int_equal(1, it.child_passes);
    assert_int_equal(1, host_number(it.host->db, "SELECT count(*) FROM effects"));
    assert_int_equal(7, dur_output(log).as.integer);
    dur_close(log);
}

/* … or rolled back, and executed again. */
static void a_hosts_transaction_around_all_is_rolled_back(void **state)
{
    family it = family_of(*state, one_step);
    dur_log *log = host_log(it.host);

    host_run(it.host->db, "CREATE TABLE effects (n INTEGER); BEGIN");
    assert_code(DUR_OK, family_execute(&it, log), log);
    host_run(it.host->db, "ROLLBACK");
    assert_int_equal(0, host_number(it.host->db, "SELECT count(*) FROM effects"));
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_int_equal(2, it.child_passes);
    assert_int_equal(1, host_number(it.host->db, "SELECT count(*) FROM effects"));
    assert_int_equal(2, host_number(it.host->db, "SELECT count(*) FROM durable_runs"));
    dur_close(log);
}

static int rolls_back(dur_run *run, void *user)
{
    family *it = user;

    it->child_passes++;
    if (it->child_passes == 1) host_run(it->host->db, "BEGIN");
    DUR_STEP(run, "first") { it->bodies++; }
    if (it->child_passes == 1) host_run(it->host->db, "ROLLBACK");
    DUR_STEP(run, "second") { it->bodies += 10; }
    return 0;
}

/* The child's rows are gone: nothing is executed on top of them, in child and parent. */
static void a_rollback_within_the_child_stops_both(void **state)
{
    family it = family_of(*state, rolls_back);
    dur_log *log = host_log(it.host);

    assert_code(DUR_ROLLED_BACK, family_execute(&it, log), log);
    assert_int_equal(1, it.bodies);
    assert_code(DUR_OK, family_execute(&it, log), log);
    assert_int_equal(12, it.bodies);
    dur_close(log);
}

/* A suspension in the host's transaction that is rolled back: nothing waits. */
static void a_wait_of_the_child_is_rolled_back(void **state)
{
    family it = family_of(*state, waits_for_go);
    dur_log *log = host_log(it.host);

    host_run(it.host->db, "BEGIN");
    assert_code(DUR_SUSPENDED, family_execute(&it, log), log);
    host_run(it.host->db, "ROLLBACK");
    assert_code(DUR_NOT_FOUND, dur_signal(log, CHILD, "go", dur_null(), NULL), log);
    assert_code(DUR_SUSPENDED, family_execute(&it, log), log);
    assert_code(DUR_OK, dur_signal(log, CHILD, "go", dur_null(), NULL), log);
    assert_code(DUR_OK, family_execute(&it, log), log);
    dur_close(log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(every_type_goes_in_and_comes_out),
        IN_EVERY_JOURNAL(another_input_is_a_conflict),
        IN_MEMORY(an_input_that_is_no_value_is_misuse),
        IN_EVERY_JOURNAL(an_id_is_derived),
        IN_EVERY_JOURNAL(an_id_is_given),
        IN_EVERY_JOURNAL(an_id_of_another_run_is_a_conflict),
        IN_EVERY_JOURNAL(the_called_children_of_a_deleted_parent_are_gone),
        IN_MEMORY(outputs_in_a_long_loop_are_released),
        IN_EVERY_JOURNAL(a_hosts_transaction_around_all_is_kept),
        IN_EVERY_JOURNAL(a_hosts_transaction_around_all_is_rolled_back),
        IN_EVERY_JOURNAL(a_rollback_within_the_child_stops_both),
        IN_EVERY_JOURNAL(a_wait_of_the_child_is_rolled_back),
    };

    return cmocka_run_group_tests_name("api.child_values", tests, NULL, NULL);
}
