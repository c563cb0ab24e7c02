/* test/api: dur_select() on SQLite: the way that was taken is the way that is taken. */
#include "api/pass.h"

typedef struct choice {
    size_t which;
    int code;
    char token[DUR_TOKEN_SIZE];
} choice;

static int first_of_three(dur_run *run, void *context)
{
    dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    choice *user = context;
    dur_step *callback = NULL;
    dur_case cases[3];

    if (dur_begin_callback(run, "answer", &options, &callback) != DUR_OK) return 1;
    strcpy(user->token, dur_callback_token(callback));
    cases[0] = dur_on_signal("cancel");
    cases[1] = dur_on_step(callback);
    cases[2] = dur_on_timer(5000);
    user->code = dur_select(run, "first", cases, 3, &user->which);
    if (user->code != DUR_OK) return 0;
    return dur_receive(run, "end", DUR_FOREVER, NULL) < 0 ? 1 : 0;
}

static int execute(dur_log *log, const char *id, choice *user)
{
    return dur_execute(log, "w", id, NULL, first_of_three, user);
}

/* Whichever came, in a pass of its own; then everything else comes, and the replay is the same. */
static void the_recorded_way_is_taken_again(void **state)
{
    test_host *host = *state;
    static const char *const ids[] = {"signal", "callback", "timer"};

    for (size_t i = 0; i < 3; i++) {
        dur_log *log = host_log(host);
        choice user = {9, 0, ""};

        host->clock.now_ms = FAKE_CLOCK_START_MS;
        assert_code(DUR_SUSPENDED, execute(log, ids[i], &user), log);
        if (i == 0) assert_code(DUR_OK, dur_signal(log, ids[i], "cancel", dur_null(), NULL), log);
        if (i == 1) assert_code(DUR_OK, dur_complete_callback(log, user.token, dur_null()), log);
        if (i == 2) fake_clock_advance(&host->clock, 5000);
        assert_code(DUR_SUSPENDED, execute(log, ids[i], &user), log);
        assert_int_equal(i, user.which);
        fake_clock_advance(&host->clock, 1000000);
        assert_code(DUR_OK, dur_signal(log, ids[i], "cancel", dur_null(), NULL), log);
        assert_code(DUR_OK, dur_signal(log, ids[i], "end", dur_null(), NULL), log);
        dur_close(log);
        host_reconnect(host);
        log = host_log(host);
        user.which = 9;
        assert_code(DUR_OK, execute(log, ids[i], &user), log);
        assert_int_equal(i, user.which);
        dur_close(log);
    }
    assert_int_equal(3, host_number(host->db, "SELECT count(*) FROM durable_steps_view"
                                              " WHERE kind = 'select' AND name = 'first'"));
}

/* The choice and the host's own work are one transaction: rolled back, it is open again. */
static void a_choice_that_is_rolled_back_is_open_again(void **state)
{
    test_host *host = *state;
    choice user = {9, 0, ""};
    dur_log *log = host_log(host);

    assert_code(DUR_SUSPENDED, execute(log, "r", &user), log);
    fake_clock_advance(&host->clock, 5000);
    host_run(host->db, "BEGIN");
    assert_code(DUR_SUSPENDED, execute(log, "r", &user), log);
    assert_int_equal(2, user.which);
    host_run(host->db, "ROLLBACK");
    host->clock.now_ms = FAKE_CLOCK_START_MS + 4000;
    assert_code(DUR_OK, dur_signal(log, "r", "cancel", dur_null(), NULL), log);
    assert_code(DUR_SUSPENDED, execute(log, "r", &user), log);
    assert_int_equal(0, user.which);
    dur_close(log);
}

static void the_view_shows_when_it_wakes(void **state)
{
    test_host *host = *state;
    choice user = {9, 0, ""};
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_log *log = host_log(host);

    assert_code(DUR_SUSPENDED, execute(log, "r", &user), log);
    assert_code(DUR_OK, dur_read_run(log, "r", &info), log);
    assert_true(info.wake_ms == FAKE_CLOCK_START_MS + 5000);
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_pending_view WHERE"
                                              " kind = 'select' AND position = 2"
                                              " AND wakes IS NOT NULL"));
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_pending_view WHERE"
                                              " kind = 'callback' AND position = 1"
                                              " AND wakes IS NULL"));
    dur_close(log);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ON_DISK(the_recorded_way_is_taken_again),
        IN_EVERY_JOURNAL(a_choice_that_is_rolled_back_is_open_again),
        IN_EVERY_JOURNAL(the_view_shows_when_it_wakes),
    };

    return cmocka_run_group_tests_name("api.select_api", tests, NULL, NULL);
}
