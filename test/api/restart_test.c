/* test/api: restarting from a position: the beginning is replayed, and from there on it is another
 * run. */
#include "api/restarted.h"

#include <math.h>
#include <stdio.h>

/* ---- What if the model had answered otherwise ---------------------------------------------- */

typedef struct test_agent {
    int asked, looked, bought; /* bodies */
    char key[64];              /* of the last body */
    char said[32];
} test_agent;

static void note_key(test_agent *it, dur_run *run)
{
    snprintf(it->key, sizeof it->key, "%s", dur_step_idempotency_key(dur_current_step(run)));
}

/* Looks first, then buys, then is done; unless it is told something else. */
static const char *model(int turn)
{
    static const char *const lines[] = {"look", "buy", "done"};

    return lines[turn < 2 ? turn : 2];
}

static int agent_workflow(dur_run *run, void *user)
{
    test_agent *it = user;

    for (int turn = 0; dur_ok(run); turn++) {
        const char *said = NULL;

        DUR_STEP(run, "ask-model", said) {
            it->asked++;
            note_key(it, run);
            said = model(turn);
        }
        if (!dur_ok(run) || strcmp(said, "done") == 0) break;
        snprintf(it->said, sizeof it->said, "%s", said);
        if (strcmp(said, "look") == 0)
            DUR_STEP(run, "look") { it->looked++; }
        else
            DUR_STEP(run, "buy") { it->bought++; }
    }
    if (dur_ok(run)) dur_set_output(run, dur_text(it->said));
    return 0;
}

/* One answer is replaced: what stands before it is not executed, and the run takes another way. */
static void with_another_answer_the_run_takes_another_way(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_agent first = {0}, second = {0};

    assert_code(DUR_OK, dur_execute(log, "agent", "the-run", NULL, agent_workflow, &first), log);
    assert_string_equal("buy", dur_as_text(dur_output(log)));
    assert_int_equal(3, first.asked);
    assert_int_equal(5, steps_of(host, "the-run"));
    assert_code(DUR_OK, restart_replaced(log, "what-if", 4, 3, dur_text("done")), log);
    assert_code(DUR_OK, dur_execute(log, "agent", "what-if", NULL, agent_workflow, &second), log);
    assert_string_equal("look", dur_as_text(dur_output(log)));
    assert_int_equal(0, second.asked + second.looked + second.bought);
    assert_int_equal(3, steps_of(host, "what-if"));
    assert_int_equal(5, steps_of(host, "the-run"));
    dur_close(log);
}

/* The same answers, the same way: but what it does, it does under keys of its own. */
static void keys_are_those_of_another_run(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_agent first = {0}, second = {0};

    assert_code(DUR_OK, dur_execute(log, "agent", "the-run", NULL, agent_workflow, &first), log);
    assert_code(DUR_OK, restart(log, "again", 5), log);
    assert_code(DUR_OK, dur_execute(log, "agent", "again", NULL, agent_workflow, &second), log);
    assert_int_equal(1, second.asked);
    assert_int_equal(0, second.looked + second.bought);
    assert_string_not_equal(first.key, second.key);
    assert_string_equal("buy", dur_as_text(dur_output(log)));
    dur_close(log);
}

/* Position 1: nothing but the input; and the end of the log: only the return is made anew. */
static void the_first_and_the_last_position(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_agent it = {0};

    assert_code(DUR_OK, dur_execute(log, "agent", "the-run", NULL, agent_workflow, &it), log);
    memset(&it, 0, sizeof it);
    assert_code(DUR_OK, restart(log, "one", 1), log);
    assert_code(DUR_OK, dur_execute(log, "agent", "one", NULL, agent_workflow, &it), log);
    assert_int_equal(5, it.asked + it.looked + it.bought);
    memset(&it, 0, sizeof it);
    assert_code(DUR_OK, restart(log, "last", 6), log);
    assert_code(DUR_OK, dur_execute(log, "agent", "last", NULL, agent_workflow, &it), log);
    assert_int_equal(0, it.asked + it.looked + it.bought);
    assert_string_equal("buy", dur_as_text(dur_output(log)));
    dur_close(log);
}

/* Workers take it up; a claim of its own is its first. */
static void workers_take_it_up(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run_info info = DUR_RUN_INFO_INIT;
    test_agent it = {0};

    assert_code(DUR_OK, dur_execute(log, "agent", "the-run", NULL, agent_workflow, &it), log);
    assert_code(DUR_OK, dur_register(log, "agent", agent_workflow, &it), log);
    assert_code(DUR_OK, restart_replaced(log, "again", 4, 3, dur_text("look")), log);
    assert_code(DUR_OK, dur_read_run(log, "again", &info), log);
    assert_string_equal("the-run", info.origin);
    assert_int_equal(4, info.restarted_at);
    assert_int_equal(0, info.claims);
    memset(&it, 0, sizeof it);
    assert_code(DUR_OK, dur_work(log, NULL, NULL), log);
    assert_code(DUR_OK, dur_read_run(log, "again", &info), log);
    assert_int_equal(DUR_COMPLETED, info.status);
    assert_int_equal(1, info.claims);
    assert_int_equal(1, it.looked);
    assert_int_equal(1, it.asked);
    dur_close(log);
}

/* A replaced value is compared with nothing before it is replayed. */
static void a_value_that_does_not_fit_is_a_mismatch(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_agent it = {0};

    assert_code(DUR_OK, dur_execute(log, "agent", "the-run", NULL, agent_workflow, &it), log);
    assert_code(DUR_OK, restart_replaced(log, "odd", 4, 3, dur_integer(3)), log);
    memset(&it, 0, sizeof it);
    assert_code(DUR_MISMATCH, dur_execute(log, "agent", "odd", NULL, agent_workflow, &it), log);
    assert_int_equal(0, it.asked + it.looked + it.bought);
    dur_close(log);
}

/* ---- Values, bit for bit ------------------------------------------------------------------- */

typedef struct test_values {
    int bodies;
    double real, nan;
    uint64_t large;
    struct {
        int32_t a;
        char b[12];
    } object;
    char chars[8];
    dur_value bytes;
} test_values;

static int values_workflow(dur_run *run, void *user)
{
    static const unsigned char bytes[] = {0, 1, 0xff};
    test_values *it = user;

    DUR_STEP(run, "real", it->real) { it->bodies++, it->real = -0.0; }
    DUR_STEP(run, "nan", it->nan) { it->bodies++, it->nan = (double)NAN; }
    DUR_STEP(run, "large", it->large) { it->bodies++, it->large = UINT64_MAX; }
    DUR_STEP(run, "object", it->object)
    {
        it->bodies++;
        memset(&it->object, 0x5a, sizeof it->object);
    }
    DUR_STEP(run, "chars", it->chars) { it->bodies++, memcpy(it->chars, "a\xff", 3); }
    DUR_STEP(run, "bytes", it->bytes) { it->bodies++, it->bytes = dur_blob(bytes, sizeof bytes); }
    if (!dur_ok(run)) return 0;
    assert_int_equal(sizeof bytes, it->bytes.length);
    assert_memory_equal(bytes, it->bytes.as.bytes, sizeof bytes);
    return 0;
}

static void recorded_values_are_replayed_bit_for_bit(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    test_values first, second;

    memset(&first, 0, sizeof first);
    memset(&second, 0, sizeof second);
    assert_code(DUR_OK, dur_execute(log, "v", "the-run", NULL, values_workflow, &first), log);
    assert_code(DUR_OK, restart(log, "again", 7), log);
    assert_code(DUR_OK, dur_execute(log, "v", "again", NULL, values_workflow, &second), log);
    assert_int_equal(0, second.bodies);
    assert_memory_equal(&first.real, &second.real, sizeof first.real);
    assert_memory_equal(&first.nan, &second.nan, sizeof first.nan);
    assert_true(second.large == UINT64_MAX);
    assert_memory_equal(&first.object, &second.object, sizeof first.object);
    assert_memory_equal(first.chars, second.chars, 3);
    dur_close(log);
}

/* ---- Steps that were open at once ---------------------------------------------------------- */

static int open_workflow(dur_run *run, void *user)
{
    int *bodies = user;
    dur_step *first, *second;
    int code = dur_begin_step(run, "first", NULL, &first);

    if (code < 0) return 0;
    code = dur_begin_step(run, "second", NULL, &second);
    if (code == DUR_EXECUTE) {
        ++*bodies;
        if (dur_record_result(second, dur_integer(2)) != DUR_OK) return 0;
    }
    if (*bodies == 1 && dur_step_position(first) == 1) {
        dur_stop(run, "first stays open");
        return 0;
    }
    return 0;
}

static int close_workflow(dur_run *run, void *user)
{
    int *bodies = user;
    dur_step *steps[2];
    static const char *const names[] = {"first", "second"};

    for (int i = 0; i < 2; i++) {
        int code = dur_begin_step(run, names[i], NULL, &steps[i]);

        if (code < 0) return 0;
        if (code != DUR_EXECUTE) continue;
        ++*bodies;
        if (dur_record_result(steps[i], dur_integer(i)) != DUR_OK) return 0;
    }
    return 0;
}

/* A legal gap before the position stays one: what was open there is executed. */
static void a_gap_is_copied_as_a_gap(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    int bodies = 0;

    assert_code(DUR_STOPPED, dur_execute(log, "o", "the-run", NULL, open_workflow, &bodies), log);
    assert_int_equal(1, bodies);
    assert_int_equal(1, steps_of(host, "the-run"));
    assert_code(DUR_OK, restart(log, "again", 3), log);
    bodies = 0;
    assert_code(DUR_OK, dur_execute(log, "o", "again", NULL, close_workflow, &bodies), log);
    assert_int_equal(1, bodies);
    assert_int_equal(2, steps_of(host, "again"));
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(with_another_answer_the_run_takes_another_way),
        IN_MEMORY(keys_are_those_of_another_run),
        IN_MEMORY(the_first_and_the_last_position),
        IN_MEMORY(workers_take_it_up),
        IN_MEMORY(a_value_that_does_not_fit_is_a_mismatch),
        IN_MEMORY(recorded_values_are_replayed_bit_for_bit),
        IN_MEMORY(a_gap_is_copied_as_a_gap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
