/* test/api: recorded values and variables of another type: what fits is taken, nothing is cut. */
#include "api/script.h"

enum colour { RED, GREEN = 77 };

typedef struct tool_call {
    int number;
    double weight;
    char name[12];
} tool_call;

static void record_value(test_host *host, dur_value recorded)
{
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_step *step = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "values", "r-misfit", NULL, &run), log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "the step", NULL, &step));
    assert_code(DUR_OK, dur_record_result(step, recorded), log);
    dur_close_run(run);
    dur_close(log);
}

/* Workflows that read the value into one kind of variable; it must be zero where it did not fit,
 * and `*user` if it did. */
#define READER(name, kind)                                                                         \
    static int name(dur_run *run, void *user)                                                      \
    {                                                                                              \
        kind variable = (kind)1;                                                                   \
        DUR_STEP(run, "the step", variable) { fail(); }                                            \
        assert_true(variable == (kind)*(const int64_t *)user);                                     \
        return 0;                                                                                  \
    }

READER(read_bool, bool)
READER(read_signed_char, signed char)
READER(read_unsigned_char, unsigned char)
READER(read_short, short)
READER(read_unsigned_short, unsigned short)
READER(read_int, int)
READER(read_unsigned, unsigned)
READER(read_int64, int64_t)
READER(read_uint64, uint64_t)
READER(read_enum, enum colour)

static int read_double(dur_run *run, void *user)
{
    double variable = 1.0;

    (void)user;
    DUR_STEP(run, "the step", variable) { fail(); }
    assert_memory_equal(&(double){0.0}, &variable, sizeof variable);
    return 0;
}

static int read_text(dur_run *run, void *user)
{
    const char *variable = "before";

    (void)user;
    DUR_STEP(run, "the step", variable) { fail(); }
    assert_string_equal("", variable);
    return 0;
}

static int read_three_chars(dur_run *run, void *user)
{
    char variable[3] = "no";

    (void)user;
    DUR_STEP(run, "the step", variable) { fail(); }
    assert_memory_equal("\0\0\0", variable, 3);
    return 0;
}

static int read_object(dur_run *run, void *user)
{
    tool_call variable, none;

    (void)user;
    memset(&none, 0, sizeof none);
    memset(&variable, 1, sizeof variable);
    DUR_STEP(run, "the step", variable) { fail(); }
    assert_memory_equal(&none, &variable, sizeof none);
    return 0;
}

static int read_anything(dur_run *run, void *user)
{
    dur_value variable;

    (void)user;
    DUR_STEP(run, "the step", variable) { fail(); }
    return 0;
}

static void forget_runs(test_host *host)
{
    host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
}

/* Point 2, law 5: what does not fit is an error, not a truncation; the run is parked, and goes on
 * with code that fits. */
static void assert_misfit(test_host *host, dur_value recorded, dur_workflow *reader)
{
    int64_t zero = 0;
    dur_run_info info = DUR_RUN_INFO_INIT;
    const dur_divergence *report;
    dur_log *log;
    char *before;

    record_value(host, recorded);
    before = host_rows(host->db, "SELECT * FROM durable_steps");
    log = host_log(host);
    assert_code(DUR_MISMATCH, dur_execute(log, "values", "r-misfit", NULL, reader, &zero), log);
    assert_has(dur_errmsg(log), "r-misfit");
    assert_has(dur_errmsg(log), "the step");
    report = dur_get_divergence(log);
    assert_non_null(report);
    assert_int_equal(DUR_CHANGE_RETYPED, report->change);
    assert_int_equal(1, report->position);
    assert_string_equal("the step", report->recorded.name);
    assert_code(DUR_OK, dur_read_run(log, "r-misfit", &info), log);
    assert_int_equal(DUR_RUN_PARKED, info.status);
    assert_string_equal(report->text, info.failure);
    assert_same(before, host_rows(host->db, "SELECT * FROM durable_steps"));
    assert_code(DUR_OK, dur_execute(log, "values", "r-misfit", NULL, read_anything, NULL), log);
    dur_close(log);
    forget_runs(host);
}

static void what_does_not_fit_is_a_mismatch(void **state)
{
    static const tool_call call = {1, 2.0, "three"}; /* static: its padding is recorded, too */
    const struct {
        dur_value recorded;
        dur_workflow *reader;
    } cases[] = {
        {dur_integer(2), read_bool},
        {dur_integer(-1), read_bool},
        {dur_integer(-129), read_signed_char},
        {dur_integer(128), read_signed_char},
        {dur_integer(-1), read_unsigned_char},
        {dur_integer(256), read_unsigned_char},
        {dur_integer(-32769), read_short},
        {dur_integer(32768), read_short},
        {dur_integer(-1), read_unsigned_short},
        {dur_integer(65536), read_unsigned_short},
        {dur_integer(INT64_C(-2147483649)), read_int},
        {dur_integer(INT64_C(2147483648)), read_int},
        {dur_integer(-1), read_unsigned},
        {dur_integer(INT64_C(4294967296)), read_unsigned},
        {dur_unsigned(UINT64_C(9223372036854775808)), read_int64},
        {dur_integer(-1), read_uint64},
        {dur_integer(INT64_MIN), read_uint64},
        {dur_integer(INT64_C(4294967296)), read_enum},
        {dur_real(1.5), read_int},
        {dur_real(1.0), read_int64},
        {dur_text("12"), read_int},
        {dur_blob("\0\0\0\1", 4), read_int},
        {dur_object("\0\0\0\1", 4), read_int},
        {dur_text("1.5"), read_double},
        {dur_blob("12345678", 8), read_double},
        {dur_integer(12), read_text},
        {dur_blob("text", 4), read_text},
        {dur_text("four"), read_three_chars},
        {dur_integer(1), read_three_chars},
        {dur_text("four"), read_object},
        {dur_integer(4), read_object},
        {dur_object(&call, sizeof call - 1), read_object},
        {dur_object(&call, 0), read_object},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_misfit(*state, cases[i].recorded, cases[i].reader);
}

static void assert_fit(test_host *host, int64_t recorded, dur_workflow *reader)
{
    dur_log *log;

    record_value(host, dur_integer(recorded));
    log = host_log(host);
    assert_code(DUR_OK, dur_execute(log, "values", "r-misfit", NULL, reader, &recorded), log);
    dur_close(log);
    forget_runs(host);
}

/* A variable may grow, and shrink as long as the value fits. */
static void what_fits_another_variable_is_taken(void **state)
{
    assert_fit(*state, 1, read_bool);
    assert_fit(*state, 0, read_bool);
    assert_fit(*state, -128, read_signed_char);
    assert_fit(*state, 127, read_signed_char);
    assert_fit(*state, 255, read_unsigned_char);
    assert_fit(*state, -32768, read_short);
    assert_fit(*state, 65535, read_unsigned_short);
    assert_fit(*state, INT32_MIN, read_int);
    assert_fit(*state, INT32_MAX, read_int);
    assert_fit(*state, UINT32_MAX, read_unsigned);
    assert_fit(*state, INT64_MIN, read_int64);
    assert_fit(*state, INT64_MAX, read_uint64);
    assert_fit(*state, GREEN, read_enum);
}

static int read_wider_chars(dur_run *run, void *user)
{
    char variable[8];

    (void)user;
    memset(variable, 'x', sizeof variable);
    DUR_STEP(run, "the step", variable) { fail(); }
    assert_memory_equal("full\0\0\0\0", variable, 8);
    return 0;
}

static void text_fits_a_wider_array(void **state)
{
    test_host *host = *state;
    dur_log *log;

    record_value(host, dur_text("full"));
    log = host_log(host);
    assert_code(DUR_OK, dur_execute(log, "values", "r-misfit", NULL, read_wider_chars, NULL), log);
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(what_does_not_fit_is_a_mismatch),
        IN_MEMORY(what_fits_another_variable_is_taken),
        IN_MEMORY(text_fits_a_wider_array),
    };

    return cmocka_run_group_tests_name("step fit", tests, NULL, NULL);
}
