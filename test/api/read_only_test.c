/* test/api: dur_options.read_only: a log is read, and not a byte of it is written, whoever works on
 * it meanwhile. */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/host.h"
#include "support/process.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- The files ---- */

typedef struct picture {
    unsigned char *file, *wal;
    size_t file_size, wal_size;
} picture;

/* The WAL-index is not looked at: readers put their marks into it. */
static picture take_picture(const test_host *host)
{
    picture taken = {NULL, NULL, 0, 0};
    char wal[256];

    sqlite3_snprintf((int)sizeof wal, wal, "%s-wal", host->path);
    taken.file = host_file(host->path, &taken.file_size);
    assert_non_null(taken.file);
    if (access(wal, F_OK) == 0) taken.wal = host_file(wal, &taken.wal_size);
    return taken;
}

static void assert_untouched(const test_host *host, picture before)
{
    picture after = take_picture(host);

    assert_int_equal(before.file_size, after.file_size);
    assert_memory_equal(before.file, after.file, before.file_size);
    assert_int_equal(before.wal_size, after.wal_size);
    if (before.wal_size) assert_memory_equal(before.wal, after.wal, before.wal_size);
    free(before.file);
    free(before.wal);
    free(after.file);
    free(after.wal);
}

/* ---- Workflows and logs ---- */

static int two_steps(dur_run *run, void *user)
{
    int *bodies = user;
    int64_t value = 0;

    DUR_STEP(run, "first", value) { value = ++*bodies; }
    DUR_STEP(run, "second", value) { value = ++*bodies; }
    return dur_set_output(run, dur_integer(value));
}

static int waits(dur_run *run, void *user)
{
    int *bodies = user;
    int64_t value = 0;

    DUR_STEP(run, "first", value) { value = ++*bodies; }
    return dur_receive(run, "go on", DUR_FOREVER, NULL);
}

static dur_log *open_to_read(test_host *host, sqlite3 *db)
{
    dur_options options = host_options(host);
    dur_log *log = NULL;

    options.read_only = true;
    assert_code(DUR_OK, dur_open(db, &options, &log), log);
    return log;
}

/* One that has ended, one that waits, one that was never begun, and limits. */
static void make_log(test_host *host)
{
    dur_queue_limits limits = DUR_QUEUE_LIMITS_INIT;
    dur_log *log = host_log(host);
    int bodies = 0;

    limits.max_active = 5;
    assert_code(DUR_OK, dur_execute(log, "two", "ended", NULL, two_steps, &bodies), log);
    assert_code(DUR_SUSPENDED, dur_execute(log, "waits", "waiting", NULL, waits, &bodies), log);
    assert_code(DUR_OK, dur_start(log, "two", "to come", NULL), log);
    assert_code(DUR_OK, dur_serve_queue(log, "two", &limits), log);
    dur_close(log);
}

static int count_line(const char *line, size_t length, void *user)
{
    (void)line, (void)length;
    ++*(int *)user;
    return 0;
}

static int count_step(const dur_recorded_step *step, void *user)
{
    (void)step;
    ++*(int *)user;
    return 0;
}

/* ---- What may be done ---- */

static void read_everything(test_host *host, dur_log *log)
{
    dur_check_options check = DUR_CHECK_OPTIONS_INIT;
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_report *report = NULL;
    dur_log *recording = NULL;
    int lines = 0, steps = 0, bodies = 0;
    char path[256];

    assert_code(DUR_OK, dur_read_run(log, "waiting", &info), log);
    assert_int_equal(DUR_RUN_SUSPENDED, info.status);
    assert_code(DUR_OK, dur_visit_steps(log, "ended", 0, count_step, &steps), log);
    assert_int_equal(2, steps);
    assert_code(DUR_OK, dur_export(log, NULL, NULL, count_line, &lines), log);
    assert_true(lines >= 9);
    check.run_id = "ended";
    assert_code(DUR_OK, dur_replay_check(log, "two", &check, two_steps, &bodies, &report), log);
    assert_int_equal(DUR_FITS_ENDED, dur_report_verdict(report));
    dur_free_report(report);
    sqlite3_snprintf((int)sizeof path, path, "%s-copy", host->path);
    assert_code(DUR_OK, dur_export_database(log, NULL, NULL, path), log);
    assert_code(DUR_OK, dur_open_recording(path, NULL, &recording), recording);
    dur_close(recording);
    assert_int_equal(0, unlink(path));
    assert_code(DUR_OK, dur_execute(log, "two", "ended", NULL, two_steps, &bodies), log);
    assert_int_equal(2, dur_output(log).as.integer);
    assert_int_equal(0, bodies);
}

static void write_nothing(dur_log *log)
{
    dur_retention retention = DUR_RETENTION_INIT;
    dur_queue_limits limits = DUR_QUEUE_LIMITS_INIT;
    dur_run *run = NULL;
    int bodies = 0;
    int64_t deleted = 0;

    limits.max_active = 3;
    assert_code(DUR_READONLY, dur_execute(log, "two", "new", NULL, two_steps, &bodies), log);
    assert_code(DUR_READONLY, dur_execute(log, "two", "to come", NULL, two_steps, &bodies), log);
    assert_code(DUR_READONLY, dur_begin_run(log, "two", "to come", NULL, &run), log);
    assert_code(DUR_READONLY, dur_start(log, "two", "new", NULL), log);
    assert_code(DUR_READONLY, dur_signal(log, "waiting", "go on", dur_null(), NULL), log);
    assert_code(DUR_READONLY, dur_cancel(log, "waiting"), log);
    assert_code(DUR_READONLY, dur_pause(log, "waiting"), log);
    assert_code(DUR_READONLY, dur_terminate(log, "waiting", NULL), log);
    assert_code(DUR_READONLY, dur_delete(log, "ended"), log);
    assert_code(DUR_READONLY, dur_retain(log, &retention, &deleted), log);
    assert_code(DUR_READONLY, dur_restart(log, "ended", "again", 2, NULL), log);
    assert_code(DUR_READONLY, dur_serve_queue(log, "two", &limits), log);
    assert_code(DUR_READONLY, dur_import(log, "{\"durable\":1}\n{\"end\":2}\n", 25), log);
    assert_has(dur_errmsg(log), "read only");
    assert_int_equal(0, bodies);
    assert_int_equal(0, deleted);
}

static void a_worker_finds_nothing_to_do(dur_log *log)
{
    int bodies = 0;
    int code;

    assert_code(DUR_OK, dur_register(log, "two", two_steps, &bodies), log);
    code = dur_work(log, NULL, NULL);
    assert_true(code == DUR_READONLY || code == DUR_OK);
    assert_int_equal(0, bodies);
}

/* Law 1 of readers: not a byte, on a connection that could. */
static void a_log_is_read_and_not_a_byte_of_it_is_written(void **state)
{
    test_host *host = *state;
    dur_log *log;
    picture before;

    make_log(host);
    before = take_picture(host);
    log = open_to_read(host, host->db);
    read_everything(host, log);
    write_nothing(log);
    a_worker_finds_nothing_to_do(log);
    dur_close(log);
    assert_untouched(host, before);
}

/* … in a transaction of the host's as well. */
static void the_hosts_transaction_is_its_own(void **state)
{
    test_host *host = *state;
    dur_log *log;

    make_log(host);
    host_run(host->db, "CREATE TABLE mine(x); BEGIN; INSERT INTO mine VALUES(1)");
    log = open_to_read(host, host->db);
    write_nothing(log);
    dur_close(log);
    assert_false(sqlite3_get_autocommit(host->db));
    host_run(host->db, "COMMIT");
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM mine"));
}

/* ---- What is not made ---- */

static void assert_refused_to_read(test_host *host, const char *words)
{
    dur_options options = host_options(host);
    picture before = take_picture(host);
    dur_log *log = NULL;

    options.read_only = true;
    assert_code(DUR_READONLY, dur_open(host->db, &options, &log), log);
    assert_has(dur_errmsg(log), words);
    assert_code(DUR_READONLY, dur_cancel(log, "any"), log);
    dur_close(log);
    assert_untouched(host, before);
}

static void no_log_is_made(void **state)
{
    test_host *host = *state;

    host_run(host->db, "CREATE TABLE mine(x)");
    assert_refused_to_read(host, "holds no log");
    assert_int_equal(1, host_number(host->db, "SELECT count(*) FROM sqlite_master"));
}

/* Whoever made the log was stopped before he came to its indexes: the next writer makes them. */
static void no_index_is_made(void **state)
{
    test_host *host = *state;
    dur_log *log;
    picture before;

    make_log(host);
    host_run(host->db, "DROP INDEX durable_runs_by_parent; DROP INDEX durable_signals_sent");
    before = take_picture(host);
    log = open_to_read(host, host->db);
    read_everything(host, log);
    dur_close(log);
    assert_untouched(host, before);
}

/* ---- Beside a writer ---- */

typedef struct writer {
    test_host *host;
    process_gate recorded, leave;
} writer;

static int record_and_stay(void *user)
{
    writer *self = user;
    dur_run *run = NULL;
    dur_step *step = NULL;
    dur_log *log;
    int code = 0;

    fake_clock_init(&self->host->clock, (uint64_t)getpid());
    self->host->db = host_connect(self->host, SQLITE_OPEN_READWRITE);
    log = host_log(self->host);
    if (dur_begin_run(log, "two", "living", NULL, &run) != DUR_OK) return 1;
    if (dur_begin_step(run, "first", NULL, &step) != DUR_EXECUTE) return 2;
    if (dur_record_result(step, dur_integer(1)) != DUR_OK) return 3;
    process_gate_open(&self->recorded);
    process_gate_wait(&self->leave);
    if (dur_begin_step(run, "second", NULL, &step) != DUR_EXECUTE) code = 4;
    if (code == 0 && dur_record_result(step, dur_integer(2)) != DUR_OK) code = 5;
    if (code == 0 && dur_complete_run(run, dur_null()) != DUR_OK) code = 6;
    dur_close(log);
    sqlite3_close(self->host->db);
    return code;
}

static void assert_run_is_held(dur_log *log)
{
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_run *run = NULL;
    int code;

    assert_code(DUR_OK, dur_read_run(log, "living", &info), log);
    assert_int_equal(DUR_RUNNING, info.status);
    code = dur_begin_run(log, "two", "living", NULL, &run);
    assert_true(code == DUR_OWNED || code == DUR_READONLY);
}

/* Its owner goes on as if nobody had looked. */
static void a_living_writer_is_not_disturbed(void **state)
{
    test_host *host = *state;
    writer self = {host, {-1, -1}, {-1, -1}};
    process_end end;
    picture before;
    dur_log *log;
    pid_t child;

    make_log(host);
    assert_int_equal(SQLITE_OK, sqlite3_close(host->db)); /* it must not cross a fork */
    host->db = NULL;
    assert_true(process_gate_make(&self.recorded));
    assert_true(process_gate_make(&self.leave));
    child = process_start(record_and_stay, &self);
    assert_true(child > 0);
    assert_true(process_gate_wait(&self.recorded));
    host->db = host_connect(host, SQLITE_OPEN_READWRITE);
    before = take_picture(host);
    log = open_to_read(host, host->db);
    assert_run_is_held(log);
    read_everything(host, log);
    write_nothing(log);
    assert_untouched(host, before);
    process_gate_open(&self.leave);
    end = process_wait(child);
    assert_true(end.exited);
    assert_int_equal(0, end.code);
    assert_int_equal(2, host_number(host->db, "SELECT count(*) FROM durable_steps_view"
                                              " WHERE run_id = 'living'"));
    dur_close(log);
    process_gate_close(&self.recorded);
    process_gate_close(&self.leave);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(a_log_is_read_and_not_a_byte_of_it_is_written),
        ON_DISK(the_hosts_transaction_is_its_own),
        ON_DISK(no_log_is_made),
        ON_DISK(no_index_is_made),
        ON_DISK(a_living_writer_is_not_disturbed),
    };

    return cmocka_run_group_tests_name("api.read_only", tests, NULL, NULL);
}
