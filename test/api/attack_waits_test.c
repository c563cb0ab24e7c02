/* test/api: what attackers of waits have found, held. */
#include "api/script.h"

#include <stdio.h>

#define LONG 5000

typedef struct attack {
    test_host *host;
    char token[DUR_TOKEN_SIZE];
    int bodies, code;
    bool rolls_back;
} attack;

/* A callback whose row was rolled back must not leave its run waiting for ever. */
static int await_what_was_rolled_back(dur_run *run, void *context)
{
    attack *user = context;
    dur_step *callback = NULL;
    dur_value answer;

    if (user->rolls_back) host_run(user->host->db, "BEGIN");
    if (dur_begin_callback(run, "approval", NULL, &callback) != DUR_OK) return 0;
    snprintf(user->token, sizeof user->token, "%s", dur_callback_token(callback));
    if (user->rolls_back) host_run(user->host->db, "ROLLBACK");
    user->code = dur_await(callback, &answer);
    return 0;
}

static void a_callback_that_was_rolled_back_waits_for_nobody(void **state)
{
    test_host *host = *state;
    attack user = {host, "", 0, 0, true};
    dur_log *log = host_log(host);

    assert_code(DUR_ROLLED_BACK,
                dur_execute(log, "w", "r", NULL, await_what_was_rolled_back, &user), log);
    user.rolls_back = false;
    assert_code(DUR_SUSPENDED,
                dur_execute(log, "w", "r", NULL, await_what_was_rolled_back, &user), log);
    assert_code(DUR_OK, dur_complete_callback(log, user.token, dur_integer(1)), log);
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, await_what_was_rolled_back, &user), log);
    assert_int_equal(DUR_OK, user.code);
    dur_close(log);
}

/* A release in the body frees the run's memory, not what dur_not_yet() was given. */
static int release_behind_not_yet(dur_run *run, void *context)
{
    attack *user = context;
    char details[100];

    memset(details, 'd', sizeof details);
    DUR_STEP(run, "poll") {
        uint64_t mark = dur_mark(run);
        dur_step *step = dur_current_step(run);

        user->bodies++;
        if (dur_step_attempt(step) == 1) {
            assert_int_equal(DUR_OK,
                             dur_not_yet(step, dur_text_n(details, sizeof details)));
            dur_release(run, mark);
        } else {
            assert_int_equal(sizeof details, dur_step_details(step).length);
            assert_memory_equal(details, dur_step_details(step).as.bytes, sizeof details);
        }
    }
    return 0;
}

static void details_outlive_a_release(void **state)
{
    test_host *host = *state;
    attack user = {host, "", 0, 0, false};
    dur_log *log = host_log(host);

    assert_code(DUR_SUSPENDED, dur_execute(log, "w", "r", NULL, release_behind_not_yet, &user),
                log);
    fake_clock_advance(&host->clock, 1000000);
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, release_behind_not_yet, &user), log);
    assert_int_equal(2, user.bodies);
    dur_close(log);
}

/* The handle is older than the mark; so is its answer. */
static int await_twice(dur_run *run, void *context)
{
    attack *user = context;
    dur_step *callback = NULL;
    dur_value answer;
    uint64_t mark;

    if (dur_begin_callback(run, "approval", NULL, &callback) != DUR_OK) return 0;
    snprintf(user->token, sizeof user->token, "%s", dur_callback_token(callback));
    mark = dur_mark(run);
    if (dur_await(callback, &answer) != DUR_OK) return 0;
    assert_int_equal(LONG, answer.length);
    dur_release(run, mark);
    DUR_STEP(run, "between") { user->bodies++; }
    assert_int_equal(DUR_OK, dur_await(callback, &answer));
    for (size_t i = 0; i < LONG; i++)
        assert_int_equal('y', ((const char *)answer.as.bytes)[i]);
    return 0;
}

static void an_answer_outlives_a_release(void **state)
{
    test_host *host = *state;
    attack user = {host, "", 0, 0, false};
    dur_log *log = host_log(host);
    char text[LONG];

    memset(text, 'y', sizeof text);
    assert_code(DUR_SUSPENDED, dur_execute(log, "w", "r", NULL, await_twice, &user), log);
    assert_code(DUR_OK, dur_complete_callback(log, user.token, dur_text_n(text, LONG)), log);
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, await_twice, &user), log);
    assert_int_equal(1, user.bodies);
    dur_close(log);
}

/* The callback's answer came after the timer had rung. */
static int race_a_timer(dur_run *run, void *context)
{
    attack *user = context;
    dur_step *callback = NULL;
    size_t which = 9;

    if (dur_begin_callback(run, "approval", NULL, &callback) != DUR_OK) return 0;
    snprintf(user->token, sizeof user->token, "%s", dur_callback_token(callback));
    {
        dur_case cases[2];

        cases[0] = dur_on_step(callback);
        cases[1] = dur_on_timer(1000);
        user->code = dur_select(run, "first", cases, 2, &which);
    }
    if (user->code == DUR_OK) user->bodies = (int)which;
    return 0;
}

static void an_answer_behind_the_timer_does_not_win(void **state)
{
    test_host *host = *state;
    attack user = {host, "", -1, 0, false};
    dur_log *log = host_log(host);

    assert_code(DUR_SUSPENDED, dur_execute(log, "w", "r", NULL, race_a_timer, &user), log);
    fake_clock_advance(&host->clock, 2000);
    assert_code(DUR_OK, dur_complete_callback(log, user.token, dur_null()), log);
    assert_code(DUR_OK, dur_execute(log, "w", "r", NULL, race_a_timer, &user), log);
    assert_int_equal(1, user.bodies);
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(a_callback_that_was_rolled_back_waits_for_nobody),
        IN_MEMORY(details_outlive_a_release),
        IN_MEMORY(an_answer_outlives_a_release),
        IN_MEMORY(an_answer_behind_the_timer_does_not_win),
    };

    return cmocka_run_group_tests_name("api.attack_waits", tests, NULL, NULL);
}
