/* test/api: chains of runs in the world: signals, workers, the host's transactions; what they cost;
 * and when it is time to continue. */
#include "api/meter.h"
#include "support/narrative.h"

/* ---- Cost ------------------------------------------------------------------------------------ */

/* What one pass costs in steps of SQLite's virtual machine, all statements together. */
static int64_t cost_of_pass(meter *it)
{
    sqlite3 *db = it->host->db;
    sqlite3_stmt *statement = NULL;
    int64_t steps = 0;

    while ((statement = sqlite3_next_stmt(db, statement)) != NULL)
        sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
    assert_code(DUR_SUSPENDED, meter_execute(it), it->log);
    while ((statement = sqlite3_next_stmt(db, statement)) != NULL)
        steps += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
    return steps;
}

/* Law 8: the thousandth run of a chain costs what the second one does. */
static void law8_a_chain_of_a_thousand_runs_costs_the_same_each_time(void **state)
{
    meter it = meter_of(*state, 1010);
    int64_t first, last = 0;

    assert_code(DUR_SUSPENDED, meter_execute(&it), it.log);
    first = cost_of_pass(&it);
    while (it.passes < 1000) last = cost_of_pass(&it);
    if (last > first)
        fail_msg("%lld steps in the 1000th run, %lld in the 2nd", (long long)last,
                 (long long)first);
    assert_int_equal(1001, meter_look(it.log, METER).generation);
    assert_string_equal("meter~1000", meter_look(it.log, METER).origin);
    assert_int_equal(1000, host_number(it.host->db, "SELECT count(*) FROM durable_runs_view"
                                                    " WHERE status = 'continued'"));
    assert_code(DUR_OK, meter_drive(&it), it.log);
    assert_int_equal(1010, dur_output(it.log).as.integer);
    assert_int_equal(1010, it.bodies);
    dur_close(it.log);
}

/* ---- Signals --------------------------------------------------------------------------------- */

/* Receives two a run, and goes on as new with their sum, until it is told to end. */
static int sums_up(dur_run *run, void *user)
{
    meter *it = user;
    int64_t sum = dur_input(run).type == DUR_INTEGER ? dur_input(run).as.integer : 0;
    dur_value value;

    it->passes++;
    for (int i = 0; i < 2; i++) {
        if (dur_receive(run, "reading", DUR_FOREVER, &value) != DUR_OK) return 0;
        sum += value.as.integer;
    }
    if (sum < it->last) return dur_continue_as_new(run, dur_integer(sum));
    dur_set_output(run, dur_integer(sum));
    return 0;
}

static int send_reading(meter *it, int64_t value, const char *key)
{
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;

    options.key = key;
    return dur_signal(it->log, METER, "reading", dur_integer(value), &options);
}

static int sum_up(meter *it)
{
    return dur_execute(it->log, "meter", METER, NULL, sums_up, it);
}

static void signals_are_handed_over_with_their_keys(void **state)
{
    meter it = meter_of(*state, 31);

    assert_code(DUR_OK, dur_start(it.log, "meter", METER, NULL), it.log);
    assert_code(DUR_OK, send_reading(&it, 1, "a"), it.log);
    assert_code(DUR_OK, send_reading(&it, 2, NULL), it.log);
    assert_code(DUR_OK, send_reading(&it, 4, "c"), it.log);
    assert_code(DUR_SUSPENDED, sum_up(&it), it.log); /* 1 and 2: it continues */
    assert_int_equal(2, meter_look(it.log, METER).generation);
    assert_code(DUR_REPLAYED, send_reading(&it, 100, "a"), it.log); /* received by the first */
    assert_code(DUR_REPLAYED, send_reading(&it, 100, "c"), it.log); /* waits for the second */
    assert_code(DUR_SUSPENDED, sum_up(&it), it.log); /* 4, and it waits */
    assert_int_equal(2, meter_look(it.log, METER).generation);
    assert_code(DUR_OK, send_reading(&it, 8, NULL), it.log);
    assert_true(meter_look(it.log, METER).wake_ms == it.host->clock.now_ms);
    assert_code(DUR_SUSPENDED, sum_up(&it), it.log);
    assert_int_equal(3, meter_look(it.log, METER).generation);
    assert_code(DUR_REPLAYED, send_reading(&it, 100, "a"), it.log);
    assert_code(DUR_REPLAYED, send_reading(&it, 100, "c"), it.log);
    assert_code(DUR_OK, send_reading(&it, 16, "e"), it.log);
    assert_code(DUR_OK, send_reading(&it, 0, "f"), it.log);
    assert_code(DUR_OK, sum_up(&it), it.log);
    assert_int_equal(31, dur_output(it.log).as.integer);
    dur_close(it.log);
}

/* ---- Workers --------------------------------------------------------------------------------- */

static void note_pass(const char *workflow, const char *run_id, int code, const char *message,
                      void *user)
{
    (void)workflow, (void)message;
    narrative_add(user, "%s: %s\n", run_id, dur_code_name(code));
}

static void a_worker_goes_on_with_the_chain(void **state)
{
    meter it = meter_of(*state, 3);
    dur_work_options options = DUR_WORK_OPTIONS_INIT;
    narrative passes;
    int64_t wake_ms = 0;

    narrative_init(&passes);
    options.passed = note_pass;
    options.user = &passes;
    options.max_passes = 1;
    assert_code(DUR_OK, dur_register(it.log, "meter", meter_workflow, &it), it.log);
    assert_code(DUR_OK, dur_start(it.log, "meter", METER, NULL), it.log);
    assert_code(DUR_OK, dur_work(it.log, &options, &wake_ms), it.log);
    assert_int_equal(0, wake_ms); /* the successor is due */
    assert_string_equal("meter: DUR_SUSPENDED\n", passes.text);
    options.max_passes = 0;
    assert_code(DUR_OK, dur_work(it.log, &options, &wake_ms), it.log);
    assert_string_equal("meter: DUR_SUSPENDED\nmeter: DUR_SUSPENDED\nmeter: DUR_OK\n",
                        passes.text);
    assert_int_equal(3, it.bodies);
    narrative_free(&passes);
    dur_close(it.log);
}

/* ---- In the host's transaction --------------------------------------------------------------- */

static void it_is_committed_with_the_hosts_transaction(void **state)
{
    meter it = meter_of(*state, 2);

    host_run(it.host->db, "CREATE TABLE bills(total); BEGIN; INSERT INTO bills VALUES(1)");
    assert_code(DUR_SUSPENDED, meter_execute(&it), it.log);
    assert_int_equal(2, meter_look(it.log, METER).generation);
    host_run(it.host->db, "COMMIT");
    assert_int_equal(2, meter_look(it.log, METER).generation);
    assert_code(DUR_OK, meter_execute(&it), it.log);
    assert_int_equal(2, it.bodies);
    dur_close(it.log);
}

static void it_is_rolled_back_with_the_hosts_transaction(void **state)
{
    meter it = meter_of(*state, 2);

    assert_code(DUR_OK, dur_start(it.log, "meter", METER, NULL), it.log);
    assert_code(DUR_OK, send_reading(&it, 7, "kept"), it.log);
    host_run(it.host->db, "BEGIN");
    assert_code(DUR_SUSPENDED, meter_execute(&it), it.log);
    host_run(it.host->db, "ROLLBACK");
    assert_int_equal(1, meter_look(it.log, METER).generation);
    assert_false(meter_exists(it.log, "meter~1"));
    assert_code(DUR_REPLAYED, send_reading(&it, 7, "kept"), it.log);
    assert_code(DUR_SUSPENDED, meter_execute(&it), it.log);
    assert_int_equal(2, it.bodies); /* the record was rolled back, too */
    assert_int_equal(1, meter_look(it.log, METER).input.as.integer);
    assert_code(DUR_OK, meter_execute(&it), it.log);
    assert_int_equal(2, dur_output(it.log).as.integer);
    dur_close(it.log);
}

/* ---- How long a run is ----------------------------------------------------------------------- */

static int measures(dur_run *run, void *user)
{
    meter *it = user;
    dur_step *callback = NULL;

    assert_int_equal(0, dur_run_length(run));
    DUR_STEP(run, "one") { it->bodies++; }
    assert_int_equal(1, dur_run_length(run));
    assert_int_equal(DUR_OK, dur_begin_callback(run, "two", NULL, &callback));
    assert_int_equal(2, dur_run_length(run));
    if (dur_sleep(run, "three", 1000) != DUR_OK) return 0;
    assert_int_equal(3, dur_run_length(run));
    it->passes++;
    return 0;
}

static void the_length_is_the_same_on_replay(void **state)
{
    meter it = meter_of(*state, 2);

    assert_code(DUR_SUSPENDED, dur_execute(it.log, "meter", METER, NULL, measures, &it), it.log);
    fake_clock_advance(&it.host->clock, 1000);
    assert_code(DUR_OK, dur_execute(it.log, "meter", METER, NULL, measures, &it), it.log);
    assert_int_equal(1, it.bodies);
    assert_int_equal(1, it.passes);
    assert_int_equal(0, dur_run_length(NULL));
    dur_close(it.log);
}

/* What dur_options.long_run was told; its user pointer is the fake clock's. */
static struct {
    int times;
    int64_t steps, bytes;
    char id[32];
} told;

static void tell(const char *run_id, int64_t steps, int64_t bytes, void *user)
{
    assert_non_null(user);
    told.times++;
    told.steps = steps;
    told.bytes = bytes;
    snprintf(told.id, sizeof told.id, "%s", run_id);
}

typedef struct steps {
    int count;
    int stops_behind; /* the process dies there; 0: it does not */
} steps;

/* Texts of ten bytes. */
static int takes_steps(dur_run *run, void *user)
{
    const steps *its = user;
    const char *text;

    for (int i = 1; i <= its->count && dur_ok(run); i++) {
        DUR_STEP(run, "step", text) { text = "ten bytes!"; }
        if (i == its->stops_behind) dur_stop(run, "unplugged");
    }
    return 0;
}

static void take_steps(dur_log *log, int expected, int count, int stops_behind)
{
    steps its = {count, stops_behind};

    memset(&told, 0, sizeof told);
    assert_code(expected, dur_execute(log, "steps", "steps", NULL, takes_steps, &its), log);
}

static dur_log *telling_log(test_host *host, int64_t steps_limit, int64_t bytes_limit)
{
    dur_options options = host_options(host);
    dur_log *log;

    options.long_run = tell;
    options.long_run_steps = steps_limit;
    options.long_run_bytes = bytes_limit;
    assert_code(DUR_OK, dur_open(host->db, &options, &log), log);
    return log;
}

static void a_run_of_many_steps_is_told_of_once_a_pass(void **state)
{
    dur_log *log = telling_log(*state, 5, 0);

    take_steps(log, DUR_STOPPED, 20, 5);
    assert_int_equal(0, told.times);
    take_steps(log, DUR_STOPPED, 20, 8);
    assert_int_equal(1, told.times);
    assert_int_equal(6, told.steps);
    assert_int_equal(60, told.bytes);
    assert_string_equal("steps", told.id);
    take_steps(log, DUR_STOPPED, 20, 8); /* nothing is recorded */
    assert_int_equal(0, told.times);
    take_steps(log, DUR_OK, 20, 0);
    assert_int_equal(1, told.times);
    assert_int_equal(9, told.steps);
    dur_close(log);
}

static void a_run_of_many_bytes_is_told_of_once_a_pass(void **state)
{
    dur_log *log = telling_log(*state, 0, 49);

    take_steps(log, DUR_STOPPED, 20, 4);
    assert_int_equal(0, told.times);
    take_steps(log, DUR_STOPPED, 20, 7); /* the replayed ones count */
    assert_int_equal(1, told.times);
    assert_int_equal(5, told.steps);
    assert_int_equal(50, told.bytes);
    take_steps(log, DUR_OK, 20, 0);
    assert_int_equal(1, told.times);
    assert_int_equal(80, told.bytes);
    dur_close(log);
}

static void what_comes_from_outside_counts_too(void **state)
{
    test_host *host = *state;
    meter it = meter_of(host, 1);
    dur_log *log = telling_log(host, 1, 0);

    dur_close(it.log);
    it.log = log;
    memset(&told, 0, sizeof told);
    assert_code(DUR_OK, dur_start(log, "meter", METER, NULL), log);
    assert_code(DUR_OK, send_reading(&it, 1, NULL), log);
    assert_code(DUR_OK, send_reading(&it, 2, NULL), log);
    assert_code(DUR_OK, sum_up(&it), log);
    assert_int_equal(1, told.times);
    assert_int_equal(2, told.steps);
    assert_int_equal(0, told.bytes); /* of numbers */
    dur_close(log);
}

static void without_limits_it_is_ten_thousand_steps(void **state)
{
    dur_log *log = telling_log(*state, 0, 0);

    host_run(((test_host *)*state)->db, "BEGIN");
    take_steps(log, DUR_OK, 10001, 0);
    assert_int_equal(1, told.times);
    assert_int_equal(10001, told.steps);
    host_run(((test_host *)*state)->db, "COMMIT");
    dur_close(log);
}

static void negative_limits_are_refused(void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);
    dur_log *log;

    options.long_run_steps = -1;
    assert_code(DUR_MISUSE, dur_open(host->db, &options, &log), log);
    assert_has(dur_errmsg(log), "long_run_steps must not be negative");
    dur_close(log);
    options.long_run_steps = 0;
    options.long_run_bytes = -1;
    assert_code(DUR_MISUSE, dur_open(host->db, &options, &log), log);
    assert_has(dur_errmsg(log), "long_run_bytes must not be negative");
    dur_close(log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_MEMORY(law8_a_chain_of_a_thousand_runs_costs_the_same_each_time),
        IN_EVERY_JOURNAL(signals_are_handed_over_with_their_keys),
        IN_EVERY_JOURNAL(a_worker_goes_on_with_the_chain),
        IN_EVERY_JOURNAL(it_is_committed_with_the_hosts_transaction),
        IN_EVERY_JOURNAL(it_is_rolled_back_with_the_hosts_transaction),
        IN_MEMORY(the_length_is_the_same_on_replay),
        IN_MEMORY(a_run_of_many_steps_is_told_of_once_a_pass),
        IN_MEMORY(a_run_of_many_bytes_is_told_of_once_a_pass),
        IN_MEMORY(what_comes_from_outside_counts_too),
        IN_MEMORY(without_limits_it_is_ten_thousand_steps),
        IN_MEMORY(negative_limits_are_refused),
    };

    return cmocka_run_group_tests_name("api.continue_on", tests, NULL, NULL);
}
