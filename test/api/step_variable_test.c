/* test/api: DUR_STEP without a variable, without a value, and what becomes of its arguments. */
#include "api/pass.h"

typedef struct tool_call {
    int number;
    double weight;
    char name[12];
} tool_call;

/* ---- Steps without a variable ---------------------------------------------------------------- */

static void void_steps(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    int *bodies = user;
    int value;

    options.lease_ms = 30 * 60 * 1000;
    DUR_STEP(run, "nothing") { ++*bodies; }
    DUR_STEP_VOID(run, "nothing, with options", &options) { ++*bodies; }
    DUR_STEP(run, "with options", value, &options) { value = ++*bodies; }
    DUR_STEP(run, "with no options", value, NULL) { value = ++*bodies; }
    DUR_STEP(run, "an empty body");
    if (*bodies > 0)
        DUR_STEP(run, "a statement") ++*bodies;
    else
        fail();
}

static void steps_without_a_variable_and_with_options(void **state)
{
    int bodies = 0;

    make_pass(*state, void_steps, &bodies, DUR_OK);
    assert_int_equal(5, bodies);
    make_pass(*state, void_steps, &bodies, DUR_OK);
    assert_int_equal(5, bodies);
}

/* ---- A step that gives no value -------------------------------------------------------------- */

static void fail_and_stop(dur_run *run, void *user)
{
    int number = 7;
    double real = 7.0;
    const char *text = "before";
    char letters[4] = "old";
    dur_value value = dur_integer(7);
    tool_call call, none;

    (void)user;
    memset(&none, 0, sizeof none);
    memset(&call, 1, sizeof call);
#define GIVES_NOTHING(variable)                                                                    \
    DUR_STEP(run, #variable, variable) { dur_fail(run, "nothing"); }                               \
    if (dur_run_code(run) == DUR_OK) assert_has(dur_catch(run), "nothing")
    GIVES_NOTHING(number);
    GIVES_NOTHING(real);
    GIVES_NOTHING(text);
    GIVES_NOTHING(letters);
    GIVES_NOTHING(value);
    GIVES_NOTHING(call);
#undef GIVES_NOTHING
    assert_int_equal(0, number);
    assert_true(real == 0.0);
    assert_string_equal("", text);
    assert_memory_equal("\0\0\0\0", letters, 4);
    assert_int_equal(DUR_NULL, value.type);
    assert_memory_equal(&none, &call, sizeof call);
}

/* Section 4: a variable is never left undefined, live, on replay and when the run is stopped. */
static void a_step_without_a_value_leaves_zero(void **state)
{
    test_host *host = *state;
    dur_log *log;
    dur_run *run = NULL;

    make_pass(host, fail_and_stop, NULL, DUR_OK);
    make_pass(host, fail_and_stop, NULL, DUR_OK);
    log = host_log(host);
    assert_code(DUR_OK, dur_begin_run(log, "values", "r", NULL, &run), log);
    DUR_STEP(run, "not recorded") { fail(); }
    assert_int_equal(DUR_DIVERGED, dur_run_code(run));
    fail_and_stop(run, NULL);
    dur_close_run(run);
    dur_close(log);
}

static void assign_and_fail(dur_run *run, void *user)
{
    int number = 7;
    const char *text = "before";

    (void)user;
    DUR_STEP(run, "number", number) {
        number = 8;
        dur_fail(run, "nothing");
        number = 9;
    }
    assert_int_equal(0, number);
    dur_catch(run);
    DUR_STEP(run, "text", text) {
        text = "assigned";
        dur_fail(run, "nothing");
    }
    assert_string_equal("", text);
    dur_catch(run);
}

/* What a failing body assigned does not count: live and replayed runs see the same. */
static void a_failing_body_gives_nothing(void **state)
{
    make_pass(*state, assign_and_fail, NULL, DUR_OK);
    make_pass(*state, assign_and_fail, NULL, DUR_OK);
}

/* ---- Arguments ------------------------------------------------------------------------------- */

typedef struct counts {
    dur_run *run;
    int runs, names, variables, options, bodies;
    int values[4];
    dur_step_options settings;
} counts;

static dur_run *the_run(counts *counters)
{
    counters->runs++;
    return counters->run;
}

static const char *the_name(counts *counters)
{
    counters->names++;
    return "a name";
}

static int *the_variable(counts *counters)
{
    return &counters->values[counters->variables++];
}

static const dur_step_options *the_options(counts *counters)
{
    counters->options++;
    return &counters->settings;
}

static void count_arguments(dur_run *run, void *user)
{
    counts *counters = user;
    const dur_step_options settings = DUR_STEP_OPTIONS_INIT;

    counters->run = run;
    counters->settings = settings;
    DUR_STEP(the_run(counters), the_name(counters), *the_variable(counters),
             the_options(counters)) {
        counters->values[0] = 5;
        counters->bodies++;
    }
    DUR_STEP(the_run(counters), the_name(counters)) { counters->bodies++; }
    DUR_STEP_VOID(the_run(counters), the_name(counters), the_options(counters)) {
        counters->bodies++;
    }
}

static void arguments_are_evaluated_once(void **state)
{
    for (int pass = 0; pass < 2; pass++) {
        counts counters;

        memset(&counters, 0, sizeof counters);
        make_pass(*state, count_arguments, &counters, DUR_OK);
        assert_int_equal(3, counters.runs);
        assert_int_equal(3, counters.names);
        assert_int_equal(1, counters.variables);
        assert_int_equal(2, counters.options);
        assert_int_equal(pass == 0 ? 3 : 0, counters.bodies);
        assert_int_equal(5, counters.values[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WAL(steps_without_a_variable_and_with_options),
        IN_WAL(a_step_without_a_value_leaves_zero),
        IN_WAL(a_failing_body_gives_nothing),
        IN_WAL(arguments_are_evaluated_once),
    };

    return cmocka_run_group_tests_name("step variable", tests, NULL, NULL);
}
