/*
 * test/crash: signals that are sent by another process while the run that they are for ends and
 * goes on as new: none is lost, none comes twice, and they come in the order in which they were
 * sent. Owners that are killed meanwhile change nothing of that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "durable.h"
#include "support/place.h"
#include "support/process.h"

#include <sqlite3.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define SIGNALS 300
#define ID "meter"

typedef struct book {
    place here;
    int64_t last; /* that was received */
    int64_t runs, disorders;
    int failed; /* a code of the library's, of a process that has ended with 1 */
    char message[400];
} book;

static book *shared;

static int setup(void **state)
{
    (void)state;
    shared = process_share(sizeof *shared);
    return shared && place_make(&shared->here) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    place_remove(&shared->here);
    process_unshare(shared, sizeof *shared);
    return 0;
}

static int open_log(sqlite3 **db, dur_log **log)
{
    dur_options options = DUR_OPTIONS_INIT;

    options.busy_wait_ms = 60000;
    if (sqlite3_open(shared->here.path, db) != SQLITE_OK) return DUR_IOERR;
    return dur_open(*db, &options, log);
}

static int close_log(sqlite3 *db, dur_log *log, int code)
{
    if (code < 0 && !shared->failed) {
        shared->failed = code;
        snprintf(shared->message, sizeof shared->message, "%s: %s", dur_code_name(code),
                 dur_errmsg(log));
    }
    dur_close(log);
    sqlite3_close(db);
    return code < 0 ? 1 : 0;
}

/* Another process sends one after the other, each twice with the same key. */
static int sender(void *user)
{
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;
    sqlite3 *db = NULL;
    dur_log *log = NULL;
    char key[32];
    int code = open_log(&db, &log);

    (void)user;
    options.key = key;
    for (int i = 1; i <= SIGNALS && code >= 0; i++) {
        snprintf(key, sizeof key, "reading-%d", i);
        code = dur_signal(log, ID, "reading", dur_integer(i), &options);
        if (code == DUR_OK) code = dur_signal(log, ID, "reading", dur_integer(-i), &options);
        if (code == DUR_OK) code = DUR_CONFLICT; /* the key was free */
    }
    return close_log(db, log, code);
}

/* Three a run; the input is the last one that came. */
static int meter(dur_run *run, void *user)
{
    int64_t last = dur_input(run).type == DUR_INTEGER ? dur_input(run).as.integer : 0;
    dur_value value;

    (void)user;
    for (int i = 0; i < 3 && last < SIGNALS; i++) {
        if (dur_receive(run, "reading", DUR_FOREVER, &value) != DUR_OK) return 0;
        if (value.as.integer != last + 1) shared->disorders++;
        last = value.as.integer;
    }
    if (last < SIGNALS) return dur_continue_as_new(run, dur_integer(last));
    dur_set_output(run, dur_integer(last));
    return 0;
}

static int owner(void *user)
{
    sqlite3 *db = NULL;
    dur_log *log = NULL;
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_work_options work = DUR_WORK_OPTIONS_INIT;
    int code = open_log(&db, &log);

    (void)user;
    work.max_passes = 1;
    if (code == DUR_OK) code = dur_register(log, ID, meter, NULL);
    info.status = DUR_RUNNING;
    while (code == DUR_OK && info.status != DUR_COMPLETED) {
        code = dur_work(log, &work, NULL);
        if (info.status == DUR_RUN_PARKED) /* ten owners were killed too early */
            code = dur_execute(log, ID, ID, NULL, meter, NULL);
        if (code >= 0) code = dur_read_run(log, ID, &info);
    }
    shared->last = info.output.type == DUR_INTEGER ? info.output.as.integer : 0;
    shared->runs = info.generation;
    return close_log(db, log, code);
}

static void start(void)
{
    sqlite3 *db = NULL;
    dur_log *log = NULL;
    int code;

    place_clear(shared->here.path);
    shared->last = shared->runs = shared->disorders = 0;
    shared->failed = 0;
    assert_int_equal(sqlite3_open(shared->here.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    code = open_log(&db, &log);
    if (code == DUR_OK) code = dur_start(log, ID, ID, NULL);
    assert_int_equal(close_log(db, log, code), 0);
}

static void expect_all_received(void)
{
    if (shared->failed) fail_msg("%s", shared->message);
    assert_int_equal(shared->last, SIGNALS);
    assert_int_equal(shared->disorders, 0);
    assert_int_equal(shared->runs, SIGNALS / 3);
}

static void no_signal_is_lost_between_two_runs_of_a_chain(void **state)
{
    process_end sent, worked;
    pid_t sending, working;

    (void)state;
    start();
    sending = process_start(sender, NULL);
    working = process_start(owner, NULL);
    sent = process_wait(sending);
    worked = process_wait(working);
    assert_true(sent.exited && worked.exited);
    expect_all_received();
}

static void killed_owners_lose_no_signal_of_a_chain(void **state)
{
    unsigned seed = (unsigned)process_now_us();
    process_end sent, worked = {false, 0, 0};
    int kills = 0;
    pid_t sending;

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    start();
    sending = process_start(sender, NULL);
    for (int i = 0; i < 200 && !worked.exited; i++) {
        worked = process_kill_after(process_start(owner, NULL), 2000 + rand() % 30000);
        if (!worked.exited) kills++;
    }
    sent = process_wait(sending);
    if (!worked.exited) worked = process_run(owner, NULL);
    print_message("%d owners were killed\n", kills);
    assert_true(sent.exited && worked.exited);
    expect_all_received();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_signal_is_lost_between_two_runs_of_a_chain),
        cmocka_unit_test(killed_owners_lose_no_signal_of_a_chain),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
