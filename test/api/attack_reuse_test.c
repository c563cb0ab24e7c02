/* test/api: a run's key that is given to another while a pass is on, and a gap that a pass has left
 * behind it. */
#include "api/tally.h"

#include <stdio.h>

/* ---- A key given to another ------------------------------------------------------------------ */

/* More than are read at once. */
#define MANY 200
#define STRANGERS 9000

static void step_name(char name[16], int number)
{
    snprintf(name, 16, "s%d", number);
}

static dur_run *make_steps(dur_log *log, const char *id, int offset)
{
    dur_run *run = NULL;
    char name[16];

    assert_code(DUR_OK, dur_begin_run(log, "w", id, NULL, &run), log);
    for (int i = 1; i <= MANY; i++) {
        step_name(name, i);
        record(begin(run, name, DUR_EXECUTE), offset + i);
    }
    return run;
}

static int64_t key_of(test_host *host, const char *id)
{
    return host_number(host->db, "SELECT run FROM durable_runs WHERE id = %Q", id);
}

/* Replays what it can; the code that ends it. */
static int replay_own(dur_run *run, int from)
{
    dur_step *step = NULL;
    char name[16];

    for (int i = from; i <= MANY; i++) {
        int code;

        step_name(name, i);
        code = dur_begin_step(run, name, NULL, &step);
        if (code != DUR_REPLAYED) return code;
        assert_int_equal(i, dur_step_value(step).as.integer);
    }
    return DUR_OK;
}

/* Law 6: a run that is deleted, and whose key another one has got, is lost: no step of the other is
 * taken for its own. */
static void law6_a_key_used_again_is_no_claim(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host), *other = NULL;
    dur_run *run = NULL, *stranger;
    dur_options options = host_options(host);
    int64_t key;

    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    assert_code(DUR_OK, dur_open(host->other, &options, &other), other);
    dur_close_run(make_steps(log, "mine", 0));
    assert_code(DUR_OK, dur_begin_run(log, "w", "mine", NULL, &run), log);
    begin(run, "s1", DUR_REPLAYED);
    key = key_of(host, "mine");
    host_run(host->other, "DELETE FROM durable_runs WHERE id = 'mine'");
    stranger = make_steps(other, "stranger", STRANGERS);
    assert_int_equal(key, key_of(host, "stranger"));
    assert_int_equal(DUR_LOST, replay_own(run, 2));
    dur_close_run(run);
    assert_int_equal(DUR_OK, dur_complete_run(stranger, dur_null()));
    dur_close_run(stranger);
    dur_close(other);
    dur_close(log);
}

/* ---- A gap that is closed -------------------------------------------------------------------- */

/* Three steps are begun; the first one is recorded or, where the process dies, is not. */
static void make_three(dur_log *log, bool with_gap)
{
    dur_run *run = begin_open(log);
    dur_step *first = begin(run, "s1", DUR_EXECUTE), *second = begin(run, "s2", DUR_EXECUTE),
             *third = begin(run, "s3", DUR_EXECUTE);

    if (!with_gap) record(first, 1);
    record(second, 2);
    record(third, 3);
    dur_close_run(run);
}

/* Law 5: behind the gap the pass is among recorded steps again, and a failure there, which the
 * earlier pass has not seen, is a sign of changed code, with a gap before it or without. */
static void law5_a_gap_excuses_nothing_behind_it(void **state)
{
    test_host *host = *state;

    for (int gap = 0; gap < 2; gap++) {
        dur_log *log = host_log(host);
        dur_run *run;
        dur_step *first;

        make_three(log, gap == 1);
        run = begin_open(log);
        first = begin(run, "s1", gap ? DUR_EXECUTE : DUR_REPLAYED);
        if (gap) record(first, 1);
        begin(run, "s2", DUR_REPLAYED);
        dur_fail(run, "new code fails here");
        assert_int_equal(DUR_DIVERGED, dur_complete_run(run, dur_null()));
        assert_non_null(dur_get_divergence(log));
        dur_close_run(run);
        assert_int_equal(DUR_RUN_PARKED, host_number(host->db, "SELECT status FROM durable_runs"));
        dur_close(log);
        host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(law6_a_key_used_again_is_no_claim),
        IN_MEMORY(law5_a_gap_excuses_nothing_behind_it),
    };

    return cmocka_run_group_tests_name("attack_reuse", tests, NULL, NULL);
}
