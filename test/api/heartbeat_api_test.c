/* test/api: heartbeats on SQLite: what a killed process had told is there for the next one, and the
 * claim of one that goes on telling is kept. */
#define _POSIX_C_SOURCE 200809L

#include "api/script.h"

#include "support/process.h"

#include <signal.h>
#include <unistd.h>

typedef struct copied {
    int64_t found[4]; /* details that each attempt found; -1: none */
    int64_t numbers[4];
    int attempts;
} copied;

typedef struct copier {
    test_host *host;
    copied *shared;
    int kill_at; /* the process is killed behind this part; 0: never */
    int parts;
} copier;

static int copy_parts(dur_run *run, void *context)
{
    copier *user = context;

    DUR_STEP(run, "copy")
    {
        dur_step *step = dur_current_step(run);
        dur_value details = dur_step_details(step);
        int64_t from = details.type == DUR_INTEGER ? details.as.integer : -1;

        user->shared->numbers[user->shared->attempts] = dur_step_attempt(step);
        user->shared->found[user->shared->attempts++] = from;
        for (int64_t part = from + 1; part < user->parts; part++) {
            if (dur_heartbeat(step, dur_integer(part)) != DUR_OK) _exit(9);
            if (part == user->kill_at) raise(SIGKILL);
        }
    }
    return 0;
}

static int copy_in_a_process(void *context)
{
    copier *user = context;

    fake_clock_init(&user->host->clock, (uint64_t)getpid());
    user->host->db = host_connect(user->host, SQLITE_OPEN_READWRITE);
    return dur_execute(host_log(user->host), "w", "r", NULL, copy_parts, user);
}

/* What a heartbeat was told is committed, and an attempt that a crash cut short is not counted. */
static void a_killed_step_goes_on_where_its_last_heartbeat_was(void **state)
{
    test_host *host = *state;
    copied *shared = process_share(sizeof *shared);
    copier user = {host, shared, 2, 6};
    process_end end;

    assert_non_null(shared);
    dur_close(host_log(host)); /* the tables are there */
    assert_int_equal(SQLITE_OK, sqlite3_close(host->db));
    host->db = NULL;
    for (int i = 0; i < 3; i++) {
        user.kill_at = i < 2 ? 2 * i + 2 : 0;
        end = process_run(copy_in_a_process, &user);
        assert_true(end.exited == (i == 2));
        assert_int_equal(i < 2 ? SIGKILL : DUR_OK, i < 2 ? end.signal : end.code);
    }
    assert_int_equal(3, shared->attempts);
    assert_true(shared->found[0] == -1 && shared->found[1] == 2 && shared->found[2] == 4);
    for (int i = 0; i < 3; i++) assert_true(shared->numbers[i] == 1);
    process_unshare(shared, sizeof *shared);
    host->db = host_connect(host, SQLITE_OPEN_READWRITE);
    assert_int_equal(0, host_number(host->db, "SELECT count(*) FROM durable_pending"));
}

/* ---- The claim ---- */

static dur_step *open_step(dur_log *log, dur_run **run)
{
    dur_step *step = NULL;

    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, run), log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(*run, "copy", NULL, &step));
    return step;
}

static int nothing(dur_run *run, void *context)
{
    (void)run, (void)context;
    return 0;
}

/* An hour of heartbeats every nine minutes, under a lease of ten; then none for ten. */
static void a_step_that_tells_keeps_its_claim(void **state)
{
    test_host *host = *state;
    sqlite3 *db = host_connect(host, SQLITE_OPEN_READWRITE);
    dur_options options = host_options(host);
    dur_log *log = host_log(host), *other = NULL;
    dur_run *run = NULL;
    dur_step *step = open_step(log, &run);

    host->clock.owner_alive = DUR_OWNER_UNKNOWN;
    assert_int_equal(DUR_OK, dur_open(db, &options, &other));
    for (int i = 0; i < 7; i++) {
        fake_clock_advance(&host->clock, 540000);
        assert_code(DUR_OWNED, dur_execute(other, "w", "r", NULL, nothing, NULL), other);
        assert_int_equal(DUR_OK, dur_heartbeat(step, dur_integer(i)));
    }
    assert_int_equal(6, host_number(host->db, "SELECT details FROM durable_pending_view"
                                              " WHERE run_id = 'r' AND position = 1"));
    fake_clock_advance(&host->clock, 600000);
    assert_code(DUR_DIVERGED, dur_execute(other, "w", "r", NULL, nothing, NULL), other);
    assert_int_equal(DUR_LOST, dur_heartbeat(step, dur_integer(9)));
    assert_int_equal(DUR_LOST, dur_record_result(step, dur_null()));
    assert_int_equal(6, host_number(host->db, "SELECT details FROM durable_pending_view"));
    dur_close_run(run);
    dur_close(other);
    dur_close(log);
    sqlite3_close(db);
}

/* In the host's transaction a heartbeat goes with it. */
static void a_heartbeat_that_is_rolled_back_was_none(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    dur_run *run = NULL;
    dur_step *step = open_step(log, &run);

    assert_int_equal(DUR_OK, dur_heartbeat(step, dur_text("one")));
    host_run(host->db, "BEGIN");
    assert_int_equal(DUR_OK, dur_heartbeat(step, dur_text("two")));
    assert_int_equal(0, sqlite3_get_autocommit(host->db));
    host_run(host->db, "ROLLBACK");
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM durable_pending_view"
                                              " WHERE details = 'one'"));
    dur_close_run(run);
    assert_code(DUR_OK, dur_begin_run(log, "w", "r", NULL, &run), log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, "copy", NULL, &step));
    assert_string_equal("one", dur_as_text(dur_step_details(step)));
    assert_int_equal(DUR_OK, dur_record_result(step, dur_null()));
    dur_close_run(run);
    dur_close(log);
}

/* A database that is locked for the moment stops no work. */
static void a_heartbeat_that_finds_the_database_locked_stops_nothing(void **state)
{
    test_host *host = *state;
    sqlite3 *db = host_connect(host, SQLITE_OPEN_READWRITE);
    dur_options options = host_options(host);
    dur_log *log = NULL;
    dur_run *run = NULL;
    dur_step *step;

    options.busy_wait_ms = -1;
    assert_int_equal(DUR_OK, dur_open(host->db, &options, &log));
    step = open_step(log, &run);
    host_run(db, "BEGIN IMMEDIATE");
    assert_int_equal(DUR_BUSY, dur_heartbeat(step, dur_integer(1)));
    assert_true(dur_ok(run));
    host_run(db, "COMMIT");
    assert_int_equal(DUR_OK, dur_heartbeat(step, dur_integer(2)));
    assert_int_equal(DUR_OK, dur_record_result(step, dur_null()));
    assert_int_equal(DUR_OK, dur_complete_run(run, dur_null()));
    dur_close_run(run);
    dur_close(log);
    sqlite3_close(db);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ON_DISK(a_killed_step_goes_on_where_its_last_heartbeat_was),
        ON_DISK(a_step_that_tells_keeps_its_claim),
        IN_EVERY_JOURNAL(a_heartbeat_that_is_rolled_back_was_none),
        ON_DISK(a_heartbeat_that_finds_the_database_locked_stops_nothing),
    };

    return cmocka_run_group_tests_name("api.heartbeat_api", tests, NULL, NULL);
}
