/*
 * examples: retry, a step that is tried again until the server answers.
 *
 * Introduces the usage of: dur_retry, dur_step_options.retry, dur_options.retry, dur_retry_after,
 * dur_step_attempt, dur_step_last_failure, DUR_SUSPENDED, DUR_PARKED, dur_register, dur_start,
 * dur_work, dur_options.now_ms.
 *
 *     07_retry [DATABASE]        default: retry.db in the current directory, made anew
 *
 * Four files go to a server that has a bad day. One is taken at the fourth attempt, for one the
 * server says when to come back, one is refused for good, and one fails until somebody mends the
 * server. Between two attempts the run is suspended: nothing of it is in memory, the attempts so
 * far and the time of the next one are in the log, and the program could end and be started again.
 * (A program that holds its run through short pauses, and sleeps, sets dur_options.sleep_max_ms.)
 *
 * Nobody wants to wait two minutes for an example, so the clock is one that the program moves:
 * where a real program would sleep, `pass_time` just adds. A real one leaves out `now_ms` and
 * `pass_time`, and leaves `jitter` as it is. Prints
 *
 *     0:00 cat.jpg, attempt 1: 503 busy
 *     0:01 cat.jpg, attempt 2: 503 busy (before: 503 busy)
 *     0:03 cat.jpg, attempt 3: 503 busy (before: 503 busy)
 *     0:07 cat.jpg, attempt 4: 200 OK (before: 503 busy)
 *     upload-1 is completed
 *     0:07 dog.jpg, attempt 1: 429 too many requests
 *     0:37 dog.jpg, attempt 2: 200 OK (before: 429 too many requests)
 *     upload-2 is completed
 *     0:37 diary.txt, attempt 1: 403 forbidden
 *     upload-3 has failed: 403 forbidden
 *     0:37 whale.mov, attempt 1: 500 out of order
 *     1:07 whale.mov, attempt 2: 500 out of order (before: 500 out of order)
 *     1:37 whale.mov, attempt 3: 500 out of order (before: 500 out of order)
 *     upload-4 is parked
 *     the server is mended
 *     1:37 whale.mov, attempt 4: 200 OK (before: 500 out of order)
 *     upload-4 is completed
 */
#include <durable.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

typedef struct world {
    int64_t now_ms;
    int64_t began_ms;
    bool mended;
} world;

static int64_t now(void *user)
{
    const world *earth = user;

    return earth->now_ms;
}

static void pass_time(world *earth, int64_t duration_ms)
{
    earth->now_ms += duration_ms;
}

/* The stand-in for the server. It gives a status line, and in *wait_ms what a real one says in
 * Retry-After; else -1. */
static const char *send_file(const world *earth, const char *file, int64_t attempt,
                             int64_t *wait_ms)
{
    *wait_ms = -1;
    if (strcmp(file, "cat.jpg") == 0 && attempt < 4)
        return "503 busy";
    if (strcmp(file, "diary.txt") == 0)
        return "403 forbidden";
    if (strcmp(file, "whale.mov") == 0 && !earth->mended)
        return "500 out of order";
    if (strcmp(file, "dog.jpg") == 0 && attempt == 1) {
        *wait_ms = 30000;
        return "429 too many requests";
    }
    return "200 OK";
}

/* A status of 4xx is our own mistake: asking again gives the same answer. Where the body knows
 * that, dur_retry_after(step, DUR_NEVER) says it, too. */
static bool is_worth_a_try(const char *message, int64_t attempt, void *user)
{
    (void)attempt;
    (void)user;
    return message[0] != '4';
}

/* The body of the step: one attempt. A failure that will be tried again does not reach the
 * workflow; the run is suspended. */
static void attempt_upload(dur_run *run, const world *earth, const char *file)
{
    dur_step *step = dur_current_step(run);
    const char *before = dur_step_last_failure(step);
    int64_t wait_ms, seconds = (earth->now_ms - earth->began_ms) / 1000;
    const char *status = send_file(earth, file, dur_step_attempt(step), &wait_ms);

    printf("%d:%02d %s, attempt %d: %s", (int)(seconds / 60), (int)(seconds % 60), file,
           (int)dur_step_attempt(step), status);
    if (before)
        printf(" (before: %s)", before);
    printf("\n");
    if (wait_ms >= 0)
        dur_retry_after(step, wait_ms); /* the server knows better than the policy */
    if (status[0] != '2')
        dur_fail(run, "%s", status);
}

/* Steps without a policy of their own have that of the log: see `play`. */
static int upload(dur_run *run, void *user)
{
    const char *file = dur_as_text(dur_input(run));

    DUR_STEP(run, "upload") { attempt_upload(run, user, file); }
    return 0;
}

/* Films are large. Three attempts, half a minute apart; then a person shall have a look. */
static int upload_film(dur_run *run, void *user)
{
    const char *file = dur_as_text(dur_input(run));
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_retry patient = DUR_RETRY_INIT;

    patient.initial_ms = 30000;
    patient.coefficient = 1;
    patient.max_attempts = 3;
    patient.jitter = DUR_JITTER_NONE;
    patient.exhausted = DUR_EXHAUSTED_PARK;
    options.retry = &patient;
    DUR_STEP_VOID(run, "upload", &options) { attempt_upload(run, user, file); }
    return 0;
}

/* Called after each pass over a run; dur_work() itself succeeds, whatever the runs come to. One
 * that is suspended will be due again. */
static void tell(const char *workflow, const char *run_id, int code, const char *message,
                 void *user)
{
    (void)workflow;
    (void)user;
    if (code == DUR_OK)
        printf("%s is completed\n", run_id);
    else if (code == DUR_PARKED)
        printf("%s is parked\n", run_id);
    else if (code == DUR_FAILED)
        printf("%s has failed: %s\n", run_id, message);
    else if (code != DUR_SUSPENDED)
        fprintf(stderr, "%s: %s: %s\n", run_id, dur_code_name(code), message);
}

/* Start a run and work until nothing is left that will become due by itself. */
static int work_off(dur_log *log, world *earth, const char *workflow, const char *run_id,
                    const char *file)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_work_options work = DUR_WORK_OPTIONS_INIT;
    int64_t next_wake_ms = 0;
    int code;

    start.input = dur_text(file);
    work.passed = tell;
    code = dur_start(log, workflow, run_id, &start);
    while (code == DUR_OK && next_wake_ms >= 0) {
        code = dur_work(log, &work, &next_wake_ms);
        if (next_wake_ms > 0)
            pass_time(earth, next_wake_ms);
    }
    return code;
}

static bool ended_as(dur_log *log, const char *run_id, dur_status status)
{
    dur_run_info info = DUR_RUN_INFO_INIT;

    return dur_read_run(log, run_id, &info) == DUR_OK && info.status == status;
}

static bool play(sqlite3 *db, world *earth, dur_log **log)
{
    dur_options options = DUR_OPTIONS_INIT;
    dur_retry policy = DUR_RETRY_INIT; /* 1, 2, 4, … seconds, but not more than 100 */
    bool good;

    policy.max_attempts = 10;
    policy.jitter = DUR_JITTER_NONE; /* or this example would print other times each day */
    policy.retryable = is_worth_a_try;
    options.retry = &policy;
    options.now_ms = now;
    options.user = earth;
    if (dur_open(db, &options, log) != DUR_OK ||
        dur_register(*log, "upload", upload, earth) != DUR_OK ||
        dur_register(*log, "upload-film", upload_film, earth) != DUR_OK)
        return false;

    good = work_off(*log, earth, "upload", "upload-1", "cat.jpg") == DUR_OK &&
           work_off(*log, earth, "upload", "upload-2", "dog.jpg") == DUR_OK &&
           work_off(*log, earth, "upload", "upload-3", "diary.txt") == DUR_OK &&
           work_off(*log, earth, "upload-film", "upload-4", "whale.mov") == DUR_OK &&
           ended_as(*log, "upload-1", DUR_COMPLETED) &&
           ended_as(*log, "upload-2", DUR_COMPLETED) &&
           ended_as(*log, "upload-3", DUR_RUN_FAILED) &&
           ended_as(*log, "upload-4", DUR_RUN_PARKED);

    /* Workers leave a parked run alone; executing it is the person's word that it may go on. */
    earth->mended = true;
    printf("the server is mended\n");
    good = good && dur_execute(*log, "upload-film", "upload-4", NULL, upload_film, earth) == DUR_OK;
    if (good)
        printf("upload-4 is completed\n");
    return good;
}

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : "retry.db";
    world earth = {1800000000000, 1800000000000, false};
    bool good = false;
    dur_log *log = NULL;
    sqlite3 *db;

    remove(path);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
    else
        good = play(db, &earth, &log);
    if (!good)
        fprintf(stderr, "that is not how a step is tried again: %s\n", dur_errmsg(log));
    dur_close(log);
    sqlite3_close(db);
    return good ? 0 : 1;
}
