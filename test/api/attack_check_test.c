/* test/api: a replay check that is to go so far and no further: what was begun behind that place,
 * and is still open, does not lead it on. */
#include "api/script.h"

#define ID "asking-1"

typedef struct asking {
    const char *name; /* of what is open behind the first step */
    bool starts;      /* a child; else it is a callback */
} asking;

static int begin_child(dur_run *run, const char *name, dur_step **child)
{
    return dur_start_child(run, name, "helper", NULL, child);
}

static int ask(dur_run *run, void *user)
{
    const asking *it = user;
    dur_step *open = NULL;
    int code;

    DUR_STEP(run, "prepare") {}
    code = it->starts ? begin_child(run, it->name, &open)
                      : dur_begin_callback(run, it->name, NULL, &open);
    if (code != DUR_OK) return 0;
    DUR_STEP(run, "tell") {}
    return dur_await(open, NULL) != DUR_OK;
}

static dur_report *check_until(dur_log *log, asking *it, int64_t until, int expected)
{
    dur_check_options options = DUR_CHECK_OPTIONS_INIT;
    dur_report *report = NULL;

    options.run_id = ID;
    options.until = until;
    assert_code(expected, dur_replay_check(log, "asking", &options, ask, it, &report), log);
    return report;
}

static void check_that_it_ends_there(test_host *host, bool starts)
{
    dur_log *log = host_log(host);
    asking it = {"answer", starts}, renamed = {"reply", starts};
    dur_report *report;

    assert_code(DUR_SUSPENDED, dur_execute(log, "asking", ID, NULL, ask, &it), log);
    dur_free_report(check_until(log, &renamed, 0, DUR_DIVERGED));
    report = check_until(log, &renamed, 1, DUR_OK);
    assert_int_equal(2, dur_report_position(report));
    assert_has(dur_report_text(report), "no further");
    dur_free_report(report);
    report = check_until(log, &it, 2, DUR_OK);
    assert_int_equal(3, dur_report_position(report));
    dur_free_report(report);
    dur_close(log);
}

static void an_open_callback_behind_its_end_is_not_checked(void **state)
{
    check_that_it_ends_there(*state, false);
}

static void an_open_child_behind_its_end_is_not_checked(void **state)
{
    check_that_it_ends_there(*state, true);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_MEMORY(an_open_callback_behind_its_end_is_not_checked),
        IN_MEMORY(an_open_child_behind_its_end_is_not_checked),
    };

    return cmocka_run_group_tests_name("api.attack_check", tests, NULL, NULL);
}
