/* test/api: dur_select() on SQLite: the way that was taken is the way that is taken. */
#include "api/benched.h"

typedef struct choice {
    size_t which;
    int code;
} choice;

static int first_of_three(dur_run *run, void *context)
{
    dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    choice *user = context;
    dur_step *callback = NULL;
    dur_case cases[3];

    if (dur_begin_callback(run, "answer", &options, &callback) != DUR_OK) return 1;
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

/* Whichever comes first; its process dies when that is recorded, and then everything else comes. */
static void the_recorded_way_is_taken_again(void **state)
{
    test_host *host = *state;
    static const char *const ids[] = {"signal", "callback", "timer"};

    for (size_t i = 0; i < 3; i++) {
        dur_testbench *bench = bench_on(host->db, NULL);
        int64_t cancel_ms = BENCH_START_MS + (i == 0 ? 1000 : 8000);
        dur_script answer = DUR_SCRIPT_INIT;
        choice user = {9, 0};

        answer.takes_ms = i == 1 ? 1000 : 7000;
        dur_testbench_register(bench, "w", first_of_three, &user);
        dur_testbench_script(bench, "answer", &answer);
        dur_testbench_signal_at(bench, cancel_ms, ids[i], "cancel", dur_null());
        dur_testbench_signal_at(bench, BENCH_START_MS + 9000, ids[i], "end", dur_null());
        dur_testbench_crash(bench, DUR_CRASH_AFTER, 1);
        assert_bench(DUR_OK, dur_testbench_run(bench, "w", ids[i], NULL), bench);
        assert_int_equal(i, user.which);
        assert_int_equal(1, dur_testbench_crashes(bench));
        assert_true(bench_at(bench) == 9000);
        dur_testbench_close(bench);
    }
    assert_int_equal(3, host_number(host->db, "SELECT count(*) FROM durable_steps_view"
                                              " WHERE kind = 'select' AND name = 'first'"));
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_steps"
                                              " WHERE began + took = %lld",
                                    (long long)BENCH_START_MS + 5000)); /* the timer's */
}

/* The choice and the host's own work are one transaction: rolled back, it is open again. */
static void a_choice_that_is_rolled_back_is_open_again(void **state)
{
    test_host *host = *state;
    choice user = {9, 0};
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
    choice user = {9, 0};
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
