/* test/api: replay checks of chains: each run of one is checked under the name that it has now. */
#include "api/meter.h"

static int adds_one(dur_run *run, void *user)
{
    meter *it = user;
    int64_t value = dur_input(run).as.integer;

    DUR_STEP(run, "add", value)
    {
        it->bodies++;
        value = dur_input(run).as.integer + 1;
    }
    dur_set_output(run, dur_integer(value));
    return 0;
}

/* Calls a child, which is named after the run, and runs a batch of two. */
static int calls(dur_run *run, void *user)
{
    meter *it = user;
    int64_t total = dur_input(run).type == DUR_INTEGER ? dur_input(run).as.integer : 0;
    const dur_branch branches[2] = {{"one", adds_one, it, dur_integer(total)},
                                    {"two", adds_one, it, dur_integer(total)}};
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_batch batch = {0};
    dur_value value = dur_null();

    it->passes++;
    options.input = dur_integer(total);
    if (dur_call(run, "child", &options, adds_one, it, &value) != DUR_OK) return 0;
    if (dur_parallel(run, "fan", branches, 2, NULL, &batch) != DUR_OK) return 0;
    total += value.as.integer - total + (int64_t)batch.succeeded;
    if (total < it->last) return dur_continue_as_new(run, dur_integer(total));
    dur_set_output(run, dur_integer(total));
    return 0;
}

static dur_verdict verdict_of(meter *it, dur_workflow *fn, const char *id, int expected)
{
    dur_check_options options = DUR_CHECK_OPTIONS_INIT;
    dur_report *report = NULL;
    dur_verdict verdict;
    int bodies = it->bodies;
    char *before = host_log_rows(it->host->db, "main");

    options.run_id = id;
    options.strictness = DUR_CHECK_SIZES;
    assert_code(expected, dur_replay_check(it->log, "meter", &options, fn, it, &report), it->log);
    assert_non_null(report);
    verdict = dur_report_verdict(report);
    dur_free_report(report);
    assert_int_equal(bodies, it->bodies);
    assert_same(before, host_log_rows(it->host->db, "main"));
    return verdict;
}

static void each_run_of_a_chain_fits_its_code(void **state)
{
    meter it = meter_of(*state, 3);

    assert_code(DUR_SUSPENDED, meter_execute(&it), it.log);
    assert_int_equal(DUR_FITS_ENDED, verdict_of(&it, meter_workflow, "meter~1", DUR_OK));
    assert_int_equal(DUR_FITS_SO_FAR, verdict_of(&it, meter_workflow, METER, DUR_OK));
    assert_code(DUR_OK, meter_drive(&it), it.log);
    assert_int_equal(DUR_FITS_ENDED, verdict_of(&it, meter_workflow, "meter~1", DUR_OK));
    assert_int_equal(DUR_FITS_ENDED, verdict_of(&it, meter_workflow, "meter~2", DUR_OK));
    assert_int_equal(DUR_FITS_ENDED, verdict_of(&it, meter_workflow, METER, DUR_OK));
    dur_close(it.log);
}

/* Their ids tell of which run they are, also when that has another name by now. */
static void the_children_of_each_run_are_found(void **state)
{
    meter it = meter_of(*state, 9);

    for (int i = 0; i < 2; i++)
        assert_code(DUR_SUSPENDED, dur_execute(it.log, "meter", METER, NULL, calls, &it), it.log);
    assert_code(DUR_OK, dur_execute(it.log, "meter", METER, NULL, calls, &it), it.log);
    assert_int_equal(9, it.bodies);
    assert_int_equal(1, host_number(it.host->db, "SELECT count(*) FROM durable_runs"
                                                 " WHERE id = 'meter/1'"));
    assert_int_equal(1, host_number(it.host->db, "SELECT count(*) FROM durable_runs"
                                                 " WHERE id = 'meter~3/1'"));
    assert_int_equal(DUR_FITS_ENDED, verdict_of(&it, calls, "meter~1", DUR_OK));
    assert_int_equal(DUR_FITS_ENDED, verdict_of(&it, calls, "meter~2", DUR_OK));
    assert_int_equal(DUR_FITS_ENDED, verdict_of(&it, calls, METER, DUR_OK));
    dur_close(it.log);
}

static int completes(dur_run *run, void *user)
{
    meter *it = user;
    int64_t total = 0;

    DUR_STEP(run, "read", total) { it->bodies++; }
    return 0;
}

static void code_that_ends_otherwise_is_told(void **state)
{
    meter it = meter_of(*state, 2);

    assert_code(DUR_OK, meter_drive(&it), it.log);
    it.last = 100; /* it would go on */
    assert_int_equal(DUR_DIVERGES, verdict_of(&it, meter_workflow, METER, DUR_DIVERGED));
    assert_int_equal(DUR_FITS_ENDED, verdict_of(&it, meter_workflow, "meter~1", DUR_OK));
    assert_int_equal(DUR_DIVERGES, verdict_of(&it, completes, "meter~1", DUR_DIVERGED));
    dur_close(it.log);
}

static void a_check_of_all_runs_meets_the_last_one_of_a_chain(void **state)
{
    meter it = meter_of(*state, 5);
    dur_report *report = NULL;

    assert_code(DUR_SUSPENDED, meter_execute(&it), it.log);
    assert_code(DUR_SUSPENDED, meter_execute(&it), it.log);
    assert_code(DUR_OK, dur_register(it.log, "meter", meter_workflow, &it), it.log);
    assert_code(DUR_OK, dur_replay_check_all(it.log, NULL, &report), it.log);
    assert_int_equal(1, dur_report_count(report, DUR_FITS_SO_FAR));
    assert_int_equal(0, dur_report_count(report, DUR_FITS_ENDED));
    dur_free_report(report);
    assert_int_equal(2, it.bodies);
    dur_close(it.log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_MEMORY(each_run_of_a_chain_fits_its_code),
        IN_MEMORY(the_children_of_each_run_are_found),
        IN_MEMORY(code_that_ends_otherwise_is_told),
        IN_MEMORY(a_check_of_all_runs_meets_the_last_one_of_a_chain),
    };

    return cmocka_run_group_tests_name("api.continue_check", tests, NULL, NULL);
}
