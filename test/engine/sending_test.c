/* test/engine: signals and callbacks' answers, from the sender's side. */
#include "engine/worker.h"

#include <stdio.h>

static void start(engine_world *world)
{
    assert_int_equal(DUR_OK, dur_start(world->log, "work", "run-1", NULL));
    memory_store_forget(world->witness);
}

static int send_to(engine_world *world, const char *run_id, const char *key, const char *failure)
{
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;

    options.key = key;
    options.failure = failure;
    return dur_signal(world->log, run_id, "mail", dur_null(), &options);
}

/* ---- Signals ---- */

static void a_signal_is_one_act(void **state)
{
    engine_world *world = *state;

    start(world);
    assert_int_equal(DUR_OK, dur_signal(world->log, "run-1", "mail", dur_integer(7), NULL));
    assert_int_equal(DUR_OK, send_to(world, "run-1", "key-1", NULL));
    assert_int_equal(DUR_OK, send_to(world, "run-1", NULL, "no such address"));
    assert_story(world, "signal run-1 \"mail\"\n"
                        "signal run-1 \"mail\" key key-1\n"
                        "signal run-1 \"mail\" failure\n");
    assert_int_equal(3, memory_store_signals(world->witness, "run-1"));
}

static void of_one_key_the_first_signal_counts(void **state)
{
    engine_world *world = *state;

    start(world);
    assert_int_equal(DUR_OK, send_to(world, "run-1", "key-1", NULL));
    assert_int_equal(DUR_REPLAYED, send_to(world, "run-1", "key-1", NULL));
    assert_string_equal("run \"run-1\": a signal \"mail\" with the key \"key-1\" was sent before",
                        dur_errmsg(world->log));
    assert_int_equal(DUR_OK, send_to(world, "run-1", "key-2", NULL));
    assert_int_equal(2, memory_store_signals(world->witness, "run-1"));
}

static void nobody_receives_what_is_sent_to_nobody(void **state)
{
    engine_world *world = *state;
    crew all = crew_for(world);

    assert_int_equal(DUR_NOT_FOUND, send_to(world, "run-1", NULL, NULL));
    assert_string_equal("run \"run-1\": there is no such run in this log, signal \"mail\" was not"
                        " sent",
                        dur_errmsg(world->log));
    assert_int_equal(DUR_OK,
                     dur_execute(world->log, "work", "run-1", NULL, count_steps, &all));
    assert_int_equal(DUR_ENDED, send_to(world, "run-1", NULL, NULL));
    assert_string_equal("run \"run-1\" has ended (completed): signal \"mail\" was not sent",
                        dur_errmsg(world->log));
    dismiss(&all);
}

static int always_fail(dur_run *run, void *user)
{
    (void)user;
    dur_fail(run, "no");
    return 0;
}

static void a_failed_run_has_ended_too(void **state)
{
    engine_world *world = *state;

    assert_int_equal(DUR_FAILED,
                     dur_execute(world->log, "work", "run-1", NULL, always_fail, NULL));
    assert_int_equal(DUR_ENDED, send_to(world, "run-1", NULL, NULL));
    assert_string_equal("run \"run-1\" has ended (failed): signal \"mail\" was not sent",
                        dur_errmsg(world->log));
}

static void a_failing_store_sends_nothing(void **state)
{
    engine_world *world = *state;

    start(world);
    memory_store_fail(world->store, "signal", 1, DUR_FULL, MEMORY_BEFORE);
    assert_int_equal(DUR_FULL, send_to(world, "run-1", NULL, NULL));
    assert_non_null(strstr(dur_errmsg(world->log), "run \"run-1\", signal \"mail\": "));
    assert_int_equal(0, memory_store_signals(world->witness, "run-1"));
}

static void wrong_signals_are_misuse(void **state)
{
    engine_world *world = *state;
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;
    dur_value nothing = dur_null();

    start(world);
    nothing.type = (dur_type)99;
    assert_int_equal(DUR_MISUSE, dur_signal(NULL, "run-1", "mail", dur_null(), NULL));
    assert_int_equal(DUR_MISUSE, dur_signal(world->log, "", "mail", dur_null(), NULL));
    assert_int_equal(DUR_MISUSE, dur_signal(world->log, "run-1", "a\tb", dur_null(), NULL));
    assert_int_equal(DUR_MISUSE, dur_signal(world->log, "run-1", NULL, dur_null(), NULL));
    assert_int_equal(DUR_MISUSE, dur_signal(world->log, "run-1", "mail", nothing, NULL));
    assert_int_equal(DUR_MISUSE, send_to(world, "run-1", "", NULL));
    options.failure = "both";
    assert_int_equal(DUR_MISUSE,
                     dur_signal(world->log, "run-1", "mail", dur_integer(1), &options));
    options.size = 1;
    assert_int_equal(DUR_MISUSE, dur_signal(world->log, "run-1", "mail", dur_null(), &options));
    assert_story(world, "");
}

/* ---- Tokens ---- */

#define UID "0123456789abcdef0123456789abcdef"

static void a_token_is_read_as_it_was_printed(void **state)
{
    static const durable_callback all[] = {
        {1, 1, UID}, {INT64_MAX, DUR_POSITION_MAX, UID}, {42, 7, UID}};
    char token[DUR_TOKEN_SIZE], uid[DURABLE_UID_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        durable_callback read;

        durable_token_print(token, &all[i]);
        assert_true(durable_token_parse(token, &read, uid));
        assert_true(read.run == all[i].run && read.position == all[i].position);
        assert_string_equal(UID, read.uid);
    }
    durable_token_print(token, &all[1]);
    assert_string_equal("9223372036854775807.134217727." UID, token);
}

static void nothing_else_is_a_token(void **state)
{
    static const char *const wrong[] = {
        "", ".", "..", "1.1.", "1." UID, "0.1." UID, "1.0." UID, "-1.1." UID, "+1.1." UID,
        " 1.1." UID, "1.1." UID " ", "1.1." UID "0", "01.1." UID, "1.01." UID, "1 .1." UID,
        "1.1.0123456789ABCDEF0123456789abcdef", "1.1.0123456789abcdef0123456789abcde",
        "1.1.g123456789abcdef0123456789abcdef", "9223372036854775808.1." UID,
        "99999999999999999999.1." UID, "1.134217728." UID, "1.1." UID ".1", "0x1.1." UID,
        "1,1," UID, "1.1.1." UID};
    engine_world *world = *state;
    char uid[DURABLE_UID_SIZE];
    durable_callback read;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(durable_token_parse(wrong[i], &read, uid));
        assert_int_equal(DUR_MISUSE, dur_complete_callback(world->log, wrong[i], dur_null()));
        assert_int_equal(DUR_MISUSE, dur_fail_callback(world->log, wrong[i], NULL));
        assert_int_equal(DUR_MISUSE, dur_heartbeat_callback(world->log, wrong[i]));
    }
    assert_int_equal(DUR_MISUSE, dur_complete_callback(world->log, NULL, dur_null()));
    assert_int_equal(DUR_MISUSE, dur_complete_callback(NULL, "1.1." UID, dur_null()));
    assert_int_equal(DUR_MISUSE, dur_fail_callback(NULL, "1.1." UID, NULL));
    assert_int_equal(DUR_MISUSE, dur_heartbeat_callback(NULL, "1.1." UID));
    assert_story(world, "");
}

/* ---- Callbacks ---- */

typedef struct asked {
    crew all; /* the first member */
    char token[DUR_TOKEN_SIZE];
    int code;
    int64_t answer;
    char failure[DURABLE_FAILURE_SIZE];
} asked;

static int ask(dur_run *run, void *user)
{
    asked *it = user;
    dur_step *callback = NULL;
    dur_value answer = dur_null();
    const char *failure;

    if (dur_begin_callback(run, "approval", NULL, &callback) != DUR_OK) return 0;
    snprintf(it->token, sizeof it->token, "%s", dur_callback_token(callback));
    it->code = dur_await(callback, &answer);
    if (it->code == DUR_OK) it->answer = answer.as.integer;
    failure = dur_catch(run);
    if (failure) snprintf(it->failure, sizeof it->failure, "%s", failure);
    return 0;
}

static void begin_asking(engine_world *world, asked *it)
{
    it->all = crew_for(world);
    assert_int_equal(DUR_OK, dur_register(world->log, "work", ask, it));
    it->all.options.user = it;
    start_with(&it->all, "run-1", 0, 0);
    assert_passes(&it->all, "run-1: DUR_SUSPENDED\n");
    memory_store_forget(world->witness);
}

static void of_all_answers_one_counts(void **state)
{
    engine_world *world = *state;
    asked it = {.code = 0};

    begin_asking(world, &it);
    assert_int_equal(DUR_OK, dur_heartbeat_callback(world->log, it.token));
    assert_int_equal(DUR_OK, dur_complete_callback(world->log, it.token, dur_integer(42)));
    assert_int_equal(DUR_ENDED, dur_complete_callback(world->log, it.token, dur_integer(43)));
    assert_string_equal("the callback at position 1 of its run is over: it was answered, its time"
                        " was up, or the run has ended",
                        dur_errmsg(world->log));
    assert_int_equal(DUR_ENDED, dur_fail_callback(world->log, it.token, "no"));
    assert_int_equal(DUR_ENDED, dur_heartbeat_callback(world->log, it.token));
    assert_story(world, "beat run-1 #1\n"
                        "answer run-1 #1\n"
                        "answer run-1 #1: DUR_ENDED\n"
                        "answer run-1 #1 failure: DUR_ENDED\n"
                        "beat run-1 #1: DUR_ENDED\n");
    assert_passes(&it.all, "run-1: DUR_OK\n");
    assert_int_equal(DUR_OK, it.code);
    assert_int_equal(42, it.answer);
    assert_int_equal(DUR_ENDED, dur_complete_callback(world->log, it.token, dur_null()));
    dismiss(&it.all);
}

static void a_rejection_without_words_says_so(void **state)
{
    engine_world *world = *state;
    asked it = {.code = 0};

    begin_asking(world, &it);
    assert_int_equal(DUR_OK, dur_fail_callback(world->log, it.token, NULL));
    assert_passes(&it.all, "run-1: DUR_OK\n");
    assert_int_equal(DUR_FAILED, it.code);
    assert_string_equal("rejected", it.failure);
    dismiss(&it.all);
}

/* "cut at 1000 bytes", at a character. */
static void a_long_rejection_is_cut(void **state)
{
    engine_world *world = *state;
    asked it = {.code = 0};
    char message[2000];

    memset(message, 'x', sizeof message);
    memcpy(message + 999, "\xc3\xa9", 2);
    message[sizeof message - 1] = '\0';
    begin_asking(world, &it);
    assert_int_equal(DUR_OK, dur_fail_callback(world->log, it.token, message));
    assert_passes(&it.all, "run-1: DUR_OK\n");
    assert_int_equal(999, strlen(it.failure));
    dismiss(&it.all);
}

/* A token of a run that was deleted, whose place another one may have taken. */
static void a_token_of_nobody_is_not_found(void **state)
{
    engine_world *world = *state;
    asked it = {.code = 0};
    char last;

    begin_asking(world, &it);
    last = it.token[strlen(it.token) - 1];
    it.token[strlen(it.token) - 1] = last == '0' ? '1' : '0';
    assert_int_equal(DUR_NOT_FOUND, dur_complete_callback(world->log, it.token, dur_null()));
    assert_string_equal("there is no run with such a token in this log", dur_errmsg(world->log));
    assert_int_equal(DUR_NOT_FOUND, dur_heartbeat_callback(world->log, it.token));
    it.token[strlen(it.token) - 1] = last;
    memory_store_delete_run(world->witness, "run-1");
    assert_int_equal(DUR_NOT_FOUND, dur_complete_callback(world->log, it.token, dur_null()));
    dismiss(&it.all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(a_signal_is_one_act),
        ENGINE_TEST(of_one_key_the_first_signal_counts),
        ENGINE_TEST(nobody_receives_what_is_sent_to_nobody),
        ENGINE_TEST(a_failed_run_has_ended_too),
        ENGINE_TEST(a_failing_store_sends_nothing),
        ENGINE_TEST(wrong_signals_are_misuse),
        ENGINE_TEST(a_token_is_read_as_it_was_printed),
        ENGINE_TEST(nothing_else_is_a_token),
        ENGINE_TEST(of_all_answers_one_counts),
        ENGINE_TEST(a_rejection_without_words_says_so),
        ENGINE_TEST(a_long_rejection_is_cut),
        ENGINE_TEST(a_token_of_nobody_is_not_found),
    };

    return cmocka_run_group_tests_name("engine.sending", tests, NULL, NULL);
}
