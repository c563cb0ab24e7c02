/* test/api: memory that is given back, handed on and held on to in unusual places. */
#include "api/pass.h"
#include "api/tally.h"

#include <stdio.h>

/* ---- A free function that releases ----------------------------------------------------------- */

typedef struct relay {
    dur_run *run;
    int frees;
    char text[401];
} relay;

static void release_all(void *memory)
{
    relay *self = memory;

    self->frees++;
    dur_release(self->run, 0);
}

static void release_and_go_on(dur_run *run, void *user)
{
    relay *self = user;
    const char *value;
    uint64_t mark;

    self->run = run;
    for (int i = 0; i < 8; i++) DUR_STEP(run, "before", value) value = self->text;
    mark = dur_mark(run);
    dur_own(run, self, release_all);
    dur_release(run, mark);
    for (int i = 0; i < 8; i++) {
        DUR_STEP(run, "after", value) value = self->text;
        assert_string_equal(self->text, value);
    }
    dur_own(run, self, release_all); /* and once more when the run is closed */
}

/* Law 9: what a free function asks for while memory is being released harms nothing. */
static void law9_a_free_function_that_releases(void **state)
{
    relay self;

    memset(&self, 0, sizeof self);
    memset(self.text, 'x', sizeof self.text - 1);
    for (int pass = 1; pass <= 3; pass++) {
        make_pass(*state, release_and_go_on, &self, DUR_OK);
        assert_int_equal(2 * pass, self.frees);
    }
}

/* ---- A result that is recorded after its caller has gone ------------------------------------- */

typedef struct caller {
    test_host *host;
    dur_step *step;
} caller;

static int record_under_lock(dur_step *step, void *user)
{
    caller *self = user;

    self->step = step;
    host_run(self->host->other, "BEGIN IMMEDIATE");
    return dur_record_result(step, dur_integer(42));
}

/* Law 9: nothing is written through the caller's pointer once dur_replay_or_run() has returned. */
static void law9_a_result_is_not_written_after_the_return(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = begin_open(log);
    dur_value result, untouched;
    caller self = {host, NULL};

    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    assert_code(DUR_BUSY, dur_replay_or_run(run, "s", NULL, record_under_lock, &self, &result),
                log);
    memset(&result, 0x5a, sizeof result);
    memset(&untouched, 0x5a, sizeof untouched);
    host_run(host->other, "COMMIT");
    assert_code(DUR_OK, dur_record_result(self.step, dur_integer(42)), log);
    assert_memory_equal(&untouched, &result, sizeof result);
    dur_close_run(run);
    assert_int_equal(42, host_number(host->db, "SELECT value FROM durable_steps"));
    dur_close(log);
}

/* ---- Many steps, begun before one is read ---------------------------------------------------- */

#define JOBS_MAX 40

typedef struct fan {
    int jobs;
    int replayed; /* how many of them the log holds already */
    int record;   /* how many of the others to record */
    int first;    /* of the job numbers */
} fan;

static void text_of_job(char *text, size_t size, int job)
{
    snprintf(text, size, "the result of job %d, long enough to live apart from its handle", job);
}

static void begin_all(dur_run *run, const fan *all, dur_step **steps)
{
    for (int i = 0; i < all->jobs; i++) {
        char name[32];

        snprintf(name, sizeof name, "job-%d", all->first + i);
        steps[i] = begin(run, name, i < all->replayed ? DUR_REPLAYED : DUR_EXECUTE);
    }
}

static void fan_out(dur_run *run, void *user)
{
    const fan *all = user;
    dur_step *steps[JOBS_MAX];

    begin_all(run, all, steps);
    for (int i = 0; i < all->jobs; i++) {
        char text[128];

        text_of_job(text, sizeof text, all->first + i);
        assert_int_equal(all->first + i + 1, dur_step_position(steps[i]));
        if (i < all->replayed)
            assert_string_equal(text, dur_as_text(dur_step_value(steps[i])));
        else if (i < all->replayed + all->record)
            assert_int_equal(DUR_OK, dur_record_result(steps[i], dur_text(text)));
    }
}

/* Law 4: a replayed step's value is its own, however many steps were begun after it. */
static void law4_values_are_read_after_all_were_begun(void **state)
{
    static const int counts[] = {12, JOBS_MAX};
    test_host *host = *state;

    for (size_t i = 0; i < 2; i++) {
        fan nothing = {counts[i], 0, 0, 0}, some = {counts[i], 0, counts[i] - 3, 0},
            rest = {counts[i], counts[i] - 3, 3, 0}, all = {counts[i], counts[i], 0, 0};

        make_pass(host, fan_out, &nothing, DUR_OK);
        make_pass(host, fan_out, &some, DUR_OK);
        make_pass(host, fan_out, &rest, DUR_OK);
        make_pass(host, fan_out, &all, DUR_OK);
        assert_int_equal(counts[i], count_rows(host));
        host_run(host->db, "DELETE FROM durable_steps; DELETE FROM durable_runs");
    }
}

#define ROUNDS 60

/* The growth from the third round on: what a round holds is given back at its end. */
static void fan_out_in_rounds(dur_run *run, void *user)
{
    fan round = *(fan *)user;
    sqlite3_int64 used = 0;

    for (int i = 0; i < ROUNDS; i++, round.first += round.jobs) {
        uint64_t mark = dur_mark(run);

        fan_out(run, &round);
        dur_release(run, mark);
        if (i == 2) used = sqlite3_memory_used();
    }
    if (round.replayed) assert_true(sqlite3_memory_used() - used < 8192);
}

/* Law 8: a long loop of such rounds needs no more memory than one of them. */
static void law8_steps_are_given_back_to_the_mark(void **state)
{
    fan live = {JOBS_MAX, 0, JOBS_MAX, 0}, replayed = {JOBS_MAX, JOBS_MAX, 0, 0};

    make_pass(*state, fan_out_in_rounds, &live, DUR_OK);
    make_pass(*state, fan_out_in_rounds, &replayed, DUR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_MEMORY(law9_a_free_function_that_releases),
        ON_DISK(law9_a_result_is_not_written_after_the_return),
        IN_MEMORY(law4_values_are_read_after_all_were_begun),
        IN_MEMORY(law8_steps_are_given_back_to_the_mark),
    };

    return cmocka_run_group_tests_name("attack_memory", tests, NULL, NULL);
}
