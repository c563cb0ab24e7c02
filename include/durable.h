/*
 * durable.h - libdurable, durable execution inside your own SQLite connection.
 *
 * A workflow is a C function. Its steps are recorded in a log, some tables beside your own in a
 * SQLite database that your program already has open. When the program dies, it starts the
 * workflow again: the function runs from the top, every step that finished gives back its recorded
 * result without running, and the first unfinished step is where real work goes on.
 *
 *     static int order(dur_run *run, void *user)
 *     {
 *         int64_t payment = 0;
 *
 *         DUR_STEP(run, "charge", payment) { payment = charge_card(user); }
 *         DUR_STEP(run, "ship")            { ship_parcel(user, payment); }
 *         return 0;
 *     }
 *
 * The header climbs: floor 1 (a workflow is a function, DUR_STEP) is all that most programs need;
 * floor 2 are the verbs under the macro; floor 3 is waiting, for a moment, a signal or a better
 * time to try again, and workers that drive many runs; the rest is asking. Read it from the top and
 * stop when you have enough.
 *
 * The one rule for a workflow function: outside its steps it must be deterministic. Started again
 * with the same input and the same recorded results it has to ask for the same steps in the same
 * order. Clocks, random numbers, files, the network and other people's tables belong into steps.
 *
 * Threads: a dur_log, its runs and their steps are used by one thread at a time, like the
 * connection under them. Different logs, on different connections, are independent, also on one
 * file. The library has no threads, no global state, and installs nothing in the connection.
 *
 * Memory: all of it comes from sqlite3_malloc64(). Strings are UTF-8 and end with a NUL. Times are
 * Unix milliseconds in an int64_t; durations say their unit in their name.
 *
 * All of this is here since version 0.1.0.
 */
#ifndef DURABLE_H
#define DURABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __cplusplus
#include <type_traits>
extern "C" {
#else
#include <limits.h>
#endif

/* ---- Version and linkage ------------------------------------------------------------------- */

#define DUR_VERSION_MAJOR 0
#define DUR_VERSION_MINOR 1
#define DUR_VERSION_PATCH 0
#define DUR_VERSION "0.1.0"

/* DUR_SHARED: define it where a program uses the shared library on Windows (the CMake target and
 * pkg-config do). DUR_API may be defined from outside, for example as `static` by a host that
 * includes the single-file form. */
#ifndef DUR_API
#if defined(_WIN32) && defined(DUR_BUILDING_SHARED)
#define DUR_API __declspec(dllexport)
#elif defined(_WIN32) && defined(DUR_SHARED)
#define DUR_API __declspec(dllimport)
#elif defined(__GNUC__)
#define DUR_API __attribute__((visibility("default")))
#else
#define DUR_API
#endif
#endif

#if defined(__GNUC__)
#define DUR_PRINTF_(text, first) __attribute__((format(printf, text, first)))
#define DUR_MUST_CHECK __attribute__((warn_unused_result))
#else
#define DUR_PRINTF_(text, first)
#define DUR_MUST_CHECK
#endif

/* A null pointer that pleases the strictest compiler of either language. */
#ifdef __cplusplus
#define DUR_NIL_ nullptr
#else
#define DUR_NIL_ NULL
#endif

/* The version of the library that runs, such as "0.1.0"; DUR_VERSION is the one compiled with. */
DUR_API const char *dur_version(void);

/* ---- Codes --------------------------------------------------------------------------------- */

/*
 * What every function of type int returns: 0 is done, positive is an outcome that is no error,
 * negative is an error. The code says what to do; dur_errmsg() says what happened, in one line,
 * with run, position and names in it. The numbers never change.
 */
#define DUR_CODE_MAP(X)                                                                            \
    X(DUR_OK, 0, "done; what was to be recorded is recorded")                                      \
    X(DUR_EXECUTE, 1, "the log has no answer yet: execute the step and record its outcome")        \
    X(DUR_REPLAYED, 2, "answered from the log: do not execute the step")                           \
    X(DUR_FAILED, 3, "a recorded failure, final: read its message")                                \
    X(DUR_SUSPENDED, 4, "the run waits, and holds nothing: execute it again when it is due")       \
    X(DUR_TIMED_OUT, 5, "nothing came in time, and that is recorded")                              \
    X(DUR_CANCELLED, 6, "the run was cancelled: clean up and leave")                               \
    X(DUR_TERMINATED, 7, "the run was ended from outside, without clean-up")                       \
    X(DUR_MISUSE, -1, "the call is wrong or comes at the wrong time: mend the program")            \
    X(DUR_NOMEM, -2, "out of memory: free some and execute the run again")                         \
    X(DUR_BUSY, -3, "the database stayed locked: execute the run again later")                     \
    X(DUR_INTERRUPTED, -4, "the host interrupted SQLite: execute the run again")                   \
    X(DUR_FULL, -5, "the disk or the database is full: make room and execute the run again")       \
    X(DUR_IOERR, -6, "reading or writing failed: check the disk, then execute the run again")      \
    X(DUR_READONLY, -7, "the database cannot be written: open it for writing")                     \
    X(DUR_CORRUPT, -8, "the log is damaged at the place named: restore it from a backup")          \
    X(DUR_FOREIGN, -9, "the database holds something of that name that is no log of ours")         \
    X(DUR_VERSION_TOO_NEW, -10, "the log was written by a newer library: upgrade this program")    \
    X(DUR_CONFLICT, -11, "the run exists with another workflow or input: choose another id")       \
    X(DUR_OWNED, -12, "a live owner holds the run: leave it, or try again later")                  \
    X(DUR_LOST, -13, "another owner took the run or it was deleted: stop, nothing was changed")    \
    X(DUR_DIVERGED, -14, "the code asks for something else than the log holds: see the report")    \
    X(DUR_MISMATCH, -15, "a recorded value does not fit the variable: restore the type")           \
    X(DUR_PARKED, -16, "the run was taken out: mend the cause, then execute it again")             \
    X(DUR_ROLLED_BACK, -17, "the transaction around the records was rolled back: execute again")   \
    X(DUR_HOST_STATEMENT, -18, "a write statement of the host is half stepped: finish it first")   \
    X(DUR_STALE_READ, -19, "the host holds an old read snapshot: end that read, then try again")   \
    X(DUR_TOO_BIG, -20, "larger than this connection allows: record less, or raise its limit")     \
    X(DUR_NOT_FOUND, -21, "there is no such run in this log")                                      \
    X(DUR_UNSUPPORTED, -22, "SQLite is older than 3.35.0: link a newer one")                       \
    X(DUR_DATABASE, -23, "SQLite refused: see the message and dur_sqlite_errcode()")               \
    X(DUR_STOPPED, -24, "the workflow left this pass by dur_stop(): execute the run again")        \
    X(DUR_ENDED, -25, "the run or the wait that this is for is over: nothing was changed")         \
    X(DUR_INVALID, -26, "the text is no exported log: see the line named; nothing was changed")    \
    X(DUR_NOT_ENDED, -27, "the run has not ended: end it first; nothing was changed")

enum dur_code {
#define DUR_CODE_ENTRY_(name, number, text) name = number,
    DUR_CODE_MAP(DUR_CODE_ENTRY_)
#undef DUR_CODE_ENTRY_
        DUR_CODE_LAST_ = 127
};

/* The text of a code as in the table above, "unknown code" for any other number. Static. */
DUR_API const char *dur_code_text(int code);

/* The name of a code, such as "DUR_BUSY"; "unknown code" for any other number. Static. */
DUR_API const char *dur_code_name(int code);

/* ---- Limits -------------------------------------------------------------------------------- */

/* Run ids, workflow names and step names: 1 to this many bytes of valid UTF-8, without control
 * characters (below 0x20, and 0x7f). Anything else is DUR_MISUSE. */
#define DUR_NAME_MAX 255

/* Positions in a run count from 1 to this. The step after it is DUR_MISUSE. */
#define DUR_POSITION_MAX INT64_C(134217727)

/* Times a run may be claimed in a row without one new row in its log, however those passes ended;
 * then it is parked, so that one that kills its process does not do so for ever. Executing a parked
 * run starts the count anew. */
#define DUR_CLAIMS_MAX 10

/* How deep children may be nested, the first run not counted; and branches of one dur_parallel() or
 * items of one dur_map(). More is DUR_MISUSE. */
#define DUR_DEPTH_MAX 32
#define DUR_BRANCHES_MAX 100000

/* ---- Values -------------------------------------------------------------------------------- */

typedef enum dur_type {
    DUR_NULL = 0,
    DUR_INTEGER = 1,  /* int64_t */
    DUR_UNSIGNED = 2, /* uint64_t; handed out only for values above INT64_MAX */
    DUR_REAL = 3,     /* double; NaN (payload and all), infinities and -0.0 keep their bits */
    DUR_TEXT = 4,     /* bytes, meant as UTF-8; others are kept too, NUL bytes included */
    DUR_BLOB = 5,     /* bytes */
    DUR_OBJECT = 6    /* bytes of a C object; refused on a machine of other byte order or word */
} dur_type;

/*
 * A value is a view: `bytes` points to memory that somebody else owns. Each function that hands
 * one out says how long it lives; a function that takes one is done with it when it returns.
 * Text that the library hands out is followed by a NUL byte that `length` does not count.
 */
typedef struct dur_value {
    dur_type type;
    union {
        int64_t integer;
        uint64_t unsigned_integer;
        double real;
        const void *bytes; /* DUR_TEXT, DUR_BLOB, DUR_OBJECT; may be NULL where length is 0 */
    } as;
    size_t length; /* of bytes; 0 for the other types */
} dur_value;

static inline dur_value dur_null(void)
{
    dur_value value;
    memset(&value, 0, sizeof value);
    return value;
}

static inline dur_value dur_integer(int64_t integer)
{
    dur_value value = dur_null();
    value.type = DUR_INTEGER;
    value.as.integer = integer;
    return value;
}

static inline dur_value dur_unsigned(uint64_t integer)
{
    dur_value value = dur_null();
    value.type = integer > UINT64_C(0x7fffffffffffffff) ? DUR_UNSIGNED : DUR_INTEGER;
    value.as.unsigned_integer = integer;
    return value;
}

static inline dur_value dur_real(double real)
{
    dur_value value = dur_null();
    value.type = DUR_REAL;
    value.as.real = real;
    return value;
}

/* `length` bytes of text, which may hold NUL bytes; dur_text() measures up to the first NUL and
 * makes DUR_NULL of a NULL pointer. */
static inline dur_value dur_text_n(const char *text, size_t length)
{
    dur_value value = dur_null();
    value.type = DUR_TEXT;
    value.as.bytes = text;
    value.length = length;
    return value;
}

static inline dur_value dur_text(const char *text)
{
    return text ? dur_text_n(text, strlen(text)) : dur_null();
}

static inline dur_value dur_blob(const void *bytes, size_t length)
{
    dur_value value = dur_null();
    value.type = DUR_BLOB;
    value.as.bytes = bytes;
    value.length = length;
    return value;
}

/* The bytes of a trivially copyable object. Pointers in it will point nowhere on replay. */
static inline dur_value dur_object(const void *object, size_t size)
{
    dur_value value = dur_blob(object, size);
    value.type = DUR_OBJECT;
    return value;
}

/* The text of a DUR_TEXT value that the library handed out (it has a NUL behind it); NULL for any
 * other type. */
static inline const char *dur_as_text(dur_value value)
{
    const char *text = DUR_NIL_;
    if (value.type == DUR_TEXT) memcpy(&text, &value.as.bytes, sizeof text);
    return text;
}

/* ---- Handles ------------------------------------------------------------------------------- */

struct sqlite3;
typedef struct dur_log dur_log;   /* the log in one connection; dur_open() to dur_close() */
typedef struct dur_run dur_run;   /* one pass over one run */
typedef struct dur_step dur_step; /* one open or replayed step; its run's */

/* ==== Floor 1: a workflow is a function ===================================================== */

/*
 * A workflow. Return 0 when it is completed, anything else when it has failed (dur_fail() gives
 * the reason words). When the run is stopped (dur_ok() is false), what it returns does not
 * matter: leave, freeing what is yours. `user` is what dur_execute() was given.
 */
typedef int dur_workflow(dur_run *run, void *user);

/* What dur_options.owner_alive answers. */
enum { DUR_OWNER_UNKNOWN = 0, DUR_OWNER_ALIVE = 1, DUR_OWNER_DEAD = 2 };

enum { DUR_JITTER_FULL = 0, DUR_JITTER_NONE = 1 };
enum { DUR_EXHAUSTED_FAIL = 0, DUR_EXHAUSTED_PARK = 1 };

/*
 * A retry policy: when a step that failed is tried again. Start from DUR_RETRY_INIT; zero or NULL
 * is the default of every field. After attempt n the step waits for the interval
 *
 *     initial_ms × coefficient^(n - 1), but not longer than max_interval_ms
 *
 * or, with full jitter, for a time drawn evenly between 0 and that, so that those who failed
 * together do not come back together. (As Temporal and AWS describe it:
 * aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter.) Attempts, the time of the next
 * one and the last failure are in the log: a crash between two attempts changes none of them.
 */
typedef struct dur_retry {
    size_t size;             /* sizeof (dur_retry) */
    int64_t initial_ms;      /* the first interval. 0: 1000 */
    double coefficient;      /* at least 1; 1: always the same interval. 0: 2 */
    int64_t max_interval_ms; /* 0: a hundred times the first */
    int64_t max_attempts;    /* in all, the first one counted; 1: no retry. 0: no limit */
    int64_t max_elapsed_ms;  /* no attempt begins later than this after the first began. 0: no
                              * limit */
    int jitter;              /* DUR_JITTER_FULL or DUR_JITTER_NONE */
    int exhausted;           /* after the last attempt: DUR_EXHAUSTED_FAIL records the failure as
                              * the step's outcome; DUR_EXHAUSTED_PARK parks the run for a person,
                              * and executing it again makes one attempt more */
    /* Is this failure worth another try? Asked after each one but those that dur_retry_after() has
     * spoken for, which is the better way where more than the message tells. `attempt` counts from
     * 1. It must not call the log. NULL: always. */
    bool (*retryable)(const char *message, int64_t attempt, void *user);
    void *user; /* given to retryable */
} dur_retry;

#define DUR_RETRY_INIT {sizeof(dur_retry), 0, 0.0, 0, 0, 0, 0, 0, DUR_NIL_, DUR_NIL_}

/*
 * Settings of a log. Start from DUR_OPTIONS_INIT, which sets `size` and leaves the rest zero;
 * zero or NULL is the default of every field. The struct is copied; the strings in it too.
 */
typedef struct dur_options {
    size_t size; /* sizeof (dur_options), so that the struct can grow */

    /* The schema that holds the log: "main", "temp" or the name of an attached database; one that
     * the connection does not have is DUR_MISUSE. NULL: "main". */
    const char *schema;

    /* How long a call waits for a database that others have locked, in ms, sleeping between the
     * tries. 0: 5000. Negative: not at all. The host's own busy handler, if any, acts first. */
    int64_t busy_wait_ms;

    /* How long a claim holds when nothing renews it, in ms. Records renew it once half of it is
     * used, so that each step has at least the other half: it must be more than twice as long as
     * the longest step (or give that step its own, see dur_step_options). 0: 600000, ten minutes.
     * Negative: DUR_MISUSE. */
    int64_t lease_ms;

    /* Recorded with each run that this log starts; read by people and tools. NULL: none. */
    const char *code_version;

    /* The time now in Unix ms. NULL: the clock of the default SQLite VFS. */
    int64_t (*now_ms)(void *user);

    /* Fill `bytes`. NULL: sqlite3_randomness(), salted from the operating system once a log, so
     * that forked processes differ. Fence and keys depend on it: no two owners may draw the same
     * bytes. */
    void (*random)(void *bytes, size_t count, void *user);

    /* Sleep for about `duration_ms`. It must not call this log (DUR_MISUSE). NULL:
     * sqlite3_sleep(). */
    void (*sleep)(int64_t duration_ms, void *user);

    /* Is the owner that left this mark alive? Asked for runs that another owner holds, before
     * the library looks itself, and only while their lease runs: after it the run is free, whoever
     * lives. Answer DUR_OWNER_UNKNOWN to leave it to the library, which knows processes of this
     * boot and pid namespace on Linux. NULL: always that. */
    int (*owner_alive)(const char *owner_mark, void *user);

    /* A diagnosis for the programmer, one line, such as a loop that goes on asking a stopped run.
     * NULL: printed to stderr. */
    void (*warn)(const char *message, void *user);

    /* Given to the five callbacks above, and to long_run. */
    void *user;

    /* The retry policy of steps that bring none of their own. Copied; what `user` in it points to
     * must live as long as the log. NULL: a step that fails has failed. */
    const dur_retry *retry;

    /* Timers and pauses before a retry that are not longer than this, in ms, are slept through
     * (see `sleep`) while the run is held, instead of suspending it; never inside a transaction of
     * the host's. 0: none. Negative: DUR_MISUSE. */
    int64_t sleep_max_ms;

    /* Let up to so many transactional steps in a row share one commit; see floor 3. 0 and 1: each
     * has its own. Negative: DUR_MISUSE. */
    int64_t shared_commit_steps;

    /* Allow transactional steps although the log is not in "main". A crash may then keep one of the
     * two files' changes without the other's: exactly once becomes at least once. */
    bool transactional_when_attached;

    /* Open a log that exists, and never write a byte to it: whatever would is DUR_READONLY. For
     * reading, exporting and replay checks beside the programs that work on it. */
    bool read_only;

    /* Told once in each pass in which a run records a step behind so many steps, or whose recorded
     * values (texts, blobs, objects and failures; replayed ones, too) come to more than so many
     * bytes: it is time to continue as new, before replay takes long. It must not call the log. The
     * id lives until it returns. NULL: nobody is told. 0 steps: 10000; 0 bytes: 16 MiB. Negative:
     * DUR_MISUSE. */
    void (*long_run)(const char *run_id, int64_t steps, int64_t bytes, void *user);
    int64_t long_run_steps;
    int64_t long_run_bytes;
} dur_options;

#define DUR_OPTIONS_INIT                                                                           \
    {sizeof(dur_options), DUR_NIL_, 0, 0, DUR_NIL_, DUR_NIL_, DUR_NIL_, DUR_NIL_, DUR_NIL_,        \
     DUR_NIL_, DUR_NIL_, DUR_NIL_, 0, 0, false, false, DUR_NIL_, 0, 0}

/*
 * Open the log in the connection `db`, creating its tables on first use. `options` may be NULL.
 *
 * The connection stays the caller's: nothing is set, installed or changed in it but our tables,
 * views and three triggers on them, whose names begin with `durable_`. Close the log before the
 * connection: the log keeps prepared statements, none of them active between calls.
 *
 * In a transaction of the host the tables are created in it, and created anew should it be rolled
 * back. On a read-only database, or with options->read_only, a log that exists is opened (finished
 * runs can be read, others not executed); where there is none it is DUR_READONLY.
 *
 * *log is set on every outcome but DUR_NOMEM and a NULL `db` (then it is NULL), so that
 * dur_errmsg() can tell the reason; dur_close() it in every case. After an error every other call
 * on it gives that error again.
 *
 * DUR_OK, DUR_FOREIGN, DUR_VERSION_TOO_NEW (the database is untouched), DUR_READONLY, DUR_CORRUPT,
 * DUR_UNSUPPORTED, DUR_BUSY, DUR_MISUSE, DUR_NOMEM and the other database codes.
 */
DUR_MUST_CHECK
DUR_API int dur_open(struct sqlite3 *db, const dur_options *options, dur_log **log);

/*
 * Close the log and free it; NULL is harmless. Results that a failing database kept from being
 * recorded (see dur_record_result) get one last try; after that their steps count as not executed.
 * Claims are released; one that a failing database keeps holds until its lease or its process
 * ends. Runs still open are closed as by an error: their handles stay valid for
 * dur_close_run(), every other call on them is DUR_MISUSE.
 */
DUR_API void dur_close(dur_log *log);

/* How to start a run. Start from DUR_START_OPTIONS_INIT. */
typedef struct dur_start_options {
    size_t size;
    dur_value input; /* recorded at the start; dur_null(): none. Copied. */

    /* The queue that workers find the run in, a name like others; they must serve it (see
     * dur_serve_queue). NULL: the workflow's name, which those serve that have registered it. */
    const char *queue;

    /* 0 to 7; workers take the larger first. */
    int priority;

    /* For dur_start(): not to be executed before this time, Unix ms. 0: at once. Others: 0. */
    int64_t start_at_ms;

    /* The run's deadline, Unix ms, fixed in the log when it starts; see "Cancellation and
     * deadlines". 0: none. */
    int64_t deadline_ms;
} dur_start_options;

#define DUR_START_OPTIONS_INIT {sizeof(dur_start_options), {DUR_NULL, {0}, 0}, DUR_NIL_, 0, 0, 0}

/*
 * Start the run `run_id` of `workflow`, or resume it where a crash or an error left it, and make
 * one pass over `fn`. The id is the caller's and names the run for ever: the same call made twice
 * runs the workflow once, and the second gives back the recorded outcome without calling `fn`.
 *
 * `start` may be NULL, for "resume, whatever the input was". If it is given and the run exists,
 * its input must equal the recorded one, else DUR_CONFLICT; likewise the workflow's name.
 *
 * Returns
 *   DUR_OK          completed, now or earlier; dur_output() has the output
 *   DUR_FAILED      failed, now or earlier; dur_errmsg() is the recorded reason
 *   DUR_CANCELLED, DUR_TIMED_OUT   ended because it was cancelled, or by its deadline; likewise
 *   DUR_OWNED       a live owner holds the run (another process, log, or a run open on this log)
 *   DUR_DIVERGED, DUR_MISMATCH   code and log disagree; the run is parked, see dur_get_divergence
 *   DUR_PARKED      claimed DUR_CLAIMS_MAX times without a new row, or a step's retries are used up
 *                   and its policy says so; parked until executed again
 *   DUR_SUSPENDED   the run waits (see floor 3) and nobody holds it; dur_run_info.wake_ms tells
 *                   until when. Executed earlier, it says so again, without calling `fn`
 *   any other       the pass stopped; executing the run again goes on where it stopped
 *
 * Outside a host transaction, OK means committed, as durably as the connection's `synchronous`
 * setting makes a commit. Inside one, the run's rows join it and are as durable as that.
 */
DUR_MUST_CHECK
DUR_API int dur_execute(dur_log *log, const char *workflow, const char *run_id,
                        const dur_start_options *start, dur_workflow *fn, void *user);

/* The output of the run that dur_execute() or dur_complete_run() last saw completed on this log
 * (dur_null() if there is none). Its bytes live until the next call of dur_execute(), dur_work(),
 * dur_begin_run(), dur_complete_run() or dur_close() returns: it may be that call's input. NULL
 * gives dur_null(). */
DUR_API dur_value dur_output(const dur_log *log);

/* In the workflow: the recorded input, for as long as the run is open. NULL gives dur_null(). */
DUR_API dur_value dur_input(const dur_run *run);

/* In the workflow: the output to record when it returns 0. Copied; the last call counts; not
 * called: null. DUR_OK; DUR_NOMEM or DUR_MISUSE (no value), which stop the run; the code of a run
 * that is stopped or over. One larger than SQLITE_LIMIT_LENGTH is DUR_TOO_BIG when the run ends. */
DUR_API int dur_set_output(dur_run *run, dur_value output);

/* The id the run was started with, and its workflow's name; they live as long as the run. NULL
 * gives NULL. */
DUR_API const char *dur_run_id(const dur_run *run);
DUR_API const char *dur_run_workflow(const dur_run *run);

/*
 * May the workflow go on? False once the run is stopped, and while a failed step is not caught.
 * Loops ask it, so that they end: while (dur_ok(run) && !done) …
 */
DUR_API bool dur_ok(const dur_run *run);

/*
 * DUR_STEP(run, name)
 * DUR_STEP(run, name, variable)
 * DUR_STEP(run, name, variable, &options)       followed by a body: a statement or a block
 * DUR_STEP_VOID(run, name, &options)            no variable, but options
 *
 * A step: its body runs once, ever, and the variable's value at its end is recorded. When the
 * workflow runs again the body is skipped and the variable gets the recorded value. Each argument
 * is evaluated once.
 *
 * The variable is an output. It is set to zero (text to "") before the body, and stays so where
 * the step gives no value: because it failed, or because the run is stopped and nothing runs. Where
 * the body ran but could not be recorded it keeps what the body gave it. Without a variable the
 * recorded value must be null, else DUR_MISMATCH.
 * Its type chooses how it is kept:
 *   any integer, bool, enum     as integer; on replay it must fit, else DUR_MISMATCH
 *   float, double               as real, bit for bit
 *   const char *                as text; on replay it points into the run's memory (see
 *                               dur_mark); a NULL stays a NULL
 *   char[N]                     as text up to its NUL (or all N bytes); must fit on replay
 *   dur_value                   as the value that it holds: this is the form for blobs
 *   any other object            its bytes; size and machine are checked on replay
 * Other pointers do not compile (in C where the compiler can tell them apart).
 *
 * The bytes that a const char * or a dur_value points to are read when the body has ended, and stay
 * the host's: a buffer declared inside the body is gone by then. Use one declared outside it, a
 * char[N] variable, or dur_own() for memory that the body allocates.
 *
 * End the body by reaching its end or by `continue`. `break`, `goto` and `return` out of it are
 * mistakes: nothing is recorded, and the next call on the run, or its return, is DUR_MISUSE and
 * names the step; a C++ exception or a longjmp() must leave neither a body nor a workflow. To fail
 * a step, call dur_fail() and reach the end. A step begun inside the body of another one of the
 * same run is DUR_MISUSE too: on replay the outer body does not run.
 *
 * Underneath it is one `for` statement. `run` must not be NULL.
 */

/*
 * In a step's body: the step fails when the body ends, with a message formatted as by printf (cut
 * at 1000 bytes). The failure is recorded like a result and replayed like one. Outside a body: the
 * run itself fails with this message. The first call counts. No memory is taken.
 */
DUR_API void dur_fail(dur_run *run, const char *format, ...) DUR_PRINTF_(2, 3);

/*
 * Handle a step's failure: gives its message, once, and the workflow may go on; NULL if there is no
 * failure that was not caught. A failure that is not caught fails the run at its next step or at
 * its return. The message lives until the next call on the run that replays or records a step.
 */
DUR_API const char *dur_catch(dur_run *run);

/*
 * Leave this pass without ending the run, because the workflow cannot go on now: what it needs is
 * not there, a transaction of its own is busy, the program shuts down. The run is stopped with
 * DUR_STOPPED and the message, formatted as by printf (cut at 1000 bytes); a step whose body runs
 * is not recorded. Executed again, the run goes on where it was. A stopped run stays as it is. Such
 * passes count towards DUR_CLAIMS_MAX: this is for now and then, not for polling.
 */
DUR_API void dur_stop(dur_run *run, const char *format, ...) DUR_PRINTF_(2, 3);

/*
 * Hand memory to the run, which calls free_fn(memory) when it is closed or released back past this
 * point; gives `memory` back. For what a body allocates and a workflow then keeps, so that live and
 * replayed values can be treated alike. One call in each step's body cannot run out of memory; if
 * a further one does, the memory is freed, the run stops with DUR_NOMEM, and NULL comes back. NULL
 * memory is harmless; with a NULL run the memory is freed and NULL comes back.
 */
DUR_API void *dur_own(dur_run *run, void *memory, void (*free_fn)(void *));

/*
 * For long loops: take a mark, and releasing to it later frees the values that replay has handed
 * out since then, and what dur_own() was given since then. A mark that is not from this run, or
 * from the future, changes nothing. Both are harmless on NULL.
 */
DUR_API uint64_t dur_mark(const dur_run *run);
DUR_API void dur_release(dur_run *run, uint64_t mark);

/* ==== Floor 2: the three verbs under the macro ============================================== */

/* Modes of a step, and what is done with one that is in doubt; see floor 3. */
enum { DUR_AT_LEAST_ONCE = 0, DUR_TRANSACTIONAL = 1, DUR_AT_MOST_ONCE = 2 };
enum {
    DUR_IN_DOUBT_PARK = 0,  /* park the run for a person, who answers by dur_resolve_step() */
    DUR_IN_DOUBT_RETRY = 1, /* the attempt has failed: the retry policy decides */
    DUR_IN_DOUBT_FAIL = 2,  /* the step has failed, for good */
    DUR_IN_DOUBT_VERIFY = 3 /* ask `verify` */
};
typedef int dur_verify_fn(dur_step *step, void *user);
typedef int dur_undo_fn(dur_step *step, void *user);

/* Settings of a step. Start from DUR_STEP_OPTIONS_INIT, which also notes the call site. */
typedef struct dur_step_options {
    size_t size;
    /* How long this step may take, in ms, before another process may take the run over. The claim
     * is prolonged before the body where it would not reach. 0: half of the log's lease. */
    int64_t lease_ms;
    const char *file; /* call site shown in divergence reports; NULL: none. Must be static. */
    int line;
    /* What happens when the step fails. NULL: the log's policy; see dur_options. Both policies are
     * read while the step is open, and must live as long. */
    const dur_retry *retry;
    /* When the step is tried again after dur_not_yet(). NULL: as DUR_RETRY_INIT says. */
    const dur_retry *poll;
    /* How often the body may run: DUR_AT_LEAST_ONCE, DUR_TRANSACTIONAL, DUR_AT_MOST_ONCE; see
     * floor 3, where the members below are explained, too. */
    int mode;
    int in_doubt;              /* of DUR_AT_MOST_ONCE: DUR_IN_DOUBT_PARK, … */
    dur_verify_fn *verify;     /* of DUR_IN_DOUBT_VERIFY */
    dur_undo_fn *undo;         /* compensation. NULL: none */
    void *user;                /* given to `verify` and `undo` */
    int64_t timeout_ms;        /* the step's total time over all its attempts. 0: no limit */
    uint64_t fingerprint;      /* of what the step was given, see dur_fingerprint(); recorded with
                                * its outcome, and compared by replay checks. 0: none */
} dur_step_options;

#define DUR_STEP_OPTIONS_INIT                                                                      \
    {sizeof(dur_step_options), 0, __FILE__, __LINE__, DUR_NIL_, DUR_NIL_,                          \
     DUR_AT_LEAST_ONCE, DUR_IN_DOUBT_PARK, DUR_NIL_, DUR_NIL_, DUR_NIL_, 0, 0}

/* A number that stands for these bytes, never 0 (64-bit FNV-1a, as in RFC 9923); `before` is 0, or
 * the fingerprint of what comes before them. NULL with a length of 0 is fine. Of text and numbers,
 * not of structs with padding; a number's bytes are other ones on a machine of other byte order. */
DUR_API uint64_t dur_fingerprint(uint64_t before, const void *bytes, size_t length);

/*
 * Ask for the step `name` at the run's next position. `options` may be NULL. *step is the run's.
 *
 *   DUR_EXECUTE    the log has no answer: do the work, then record its outcome with *step
 *   DUR_REPLAYED   dur_step_value(*step) is the recorded result; nothing is left to do
 *   DUR_FAILED     the recorded outcome is a failure; dur_catch() it, or the run fails. *step is
 *                  set where it is recorded, NULL where the run has failed by an earlier one
 *   any other      the run is stopped, with that code, and nothing may be executed; *step is NULL
 *
 * Several steps may be open at once: begin them in a fixed order, execute them where you like, and
 * record them in any order, one call on the run at a time. Catch a failure where you are told of
 * it, by dur_begin_step() as by dur_record_failure(): one that waits fails the run at the next step
 * that has to be executed, and after a crash that may be one that was open before it came.
 */
DUR_MUST_CHECK
DUR_API int dur_begin_step(dur_run *run, const char *name, const dur_step_options *options,
                           dur_step **step);

/*
 * Record what an executed step came to: one row, one commit. A recorded outcome is final.
 *
 *   DUR_OK         recorded (outside a host transaction: committed)
 *   DUR_BUSY, DUR_INTERRUPTED, DUR_NOMEM, DUR_FULL, DUR_IOERR, DUR_READONLY, DUR_HOST_STATEMENT,
 *   DUR_STALE_READ, DUR_DATABASE
 *                  not recorded, and the run is stopped; but the library has kept a copy of the
 *                  outcome (of 64 bytes and more only if there is memory for it). Call again to
 *                  try again, which records what was kept, and the run goes on if it was not asked
 *                  for another step meanwhile; or leave: the next execute of this run on this log
 *                  writes it first. The step never runs twice for such a reason while the log stays
 *                  open. (In a transaction of the host's nothing is kept beyond the pass: roll it
 *                  back, as the body's work there is not recorded, and execute the run again.)
 *   DUR_SUSPENDED, DUR_PARKED, DUR_EXECUTE
 *                  of a failure with a retry policy: the attempt is recorded, the outcome is still
 *                  open. The run is stopped until the next attempt is due, or until a person
 *                  executes it; or the pause was slept through, and the step is to be executed now
 *   DUR_TOO_BIG    larger than SQLITE_LIMIT_LENGTH allows; the step stays open: record another
 *   DUR_LOST, DUR_ROLLED_BACK      the run is stopped; nothing was written, nothing is kept
 *   DUR_CORRUPT    the position holds a row that is not this owner's; likewise
 *   DUR_MISUSE     the step is NULL, recorded already, replayed, or its run is closed
 *
 * dur_record_failure() records a failure with a message (NULL: "step failed"; cut at 1000 bytes).
 * It then counts like a failure replayed: catch it, or the run fails.
 *
 * A step handle may be used until its run is closed, but is reused some steps after it was
 * recorded: do not keep it. A replayed one lives as long as its value.
 */
DUR_API int dur_record_result(dur_step *step, dur_value result);
DUR_API int dur_record_failure(dur_step *step, const char *message);

/*
 * The body of a step as a function: it answers with dur_record_result() or dur_record_failure()
 * and returns 0. Returning something else without an answer records the failure "step function
 * returned N"; returning 0 without an answer is DUR_MISUSE. After dur_fail() it is a failure that
 * is recorded, whatever it answers.
 */
typedef int dur_step_fn(dur_step *step, void *user);

/*
 * One step from begin to end: replays its outcome or calls fn(step, user). *result (may be NULL)
 * gets the recorded value, alike in both cases; its bytes are the run's (see dur_mark).
 * DUR_OK, DUR_FAILED (a recorded failure; dur_catch() it, or the run fails), or the code of a
 * stopped run.
 */
DUR_MUST_CHECK
DUR_API int dur_replay_or_run(dur_run *run, const char *name, const dur_step_options *options,
                              dur_step_fn *fn, void *user, dur_value *result);

/* A replayed step's result; dur_null() for any other. Its bytes are the run's (see dur_mark). */
DUR_API dur_value dur_step_value(const dur_step *step);

/* A step's place in its run, from 1; 0 for NULL. */
DUR_API int64_t dur_step_position(const dur_step *step);

/*
 * A key for the outside world's own deduplication: the same for every attempt at this step, on any
 * machine, and for no other step of any run. Printable ASCII without spaces, at most 48 bytes. It
 * lives as long as the step handle. NULL gives NULL.
 */
DUR_API const char *dur_step_idempotency_key(dur_step *step);

/* The step whose DUR_STEP body runs now, for its key or position; NULL outside a body. */
DUR_API dur_step *dur_current_step(dur_run *run);

/* ==== Floor 2: a run without a callback ===================================================== */

/*
 * For hosts that keep their own control flow: what dur_execute() does before and after the
 * function. *run is set and must be closed with DUR_OK only; then ask for steps, end the run with
 * dur_complete_run() or dur_fail_run(), and close it. A run that is closed without an end can be
 * executed again and goes on where it was.
 *
 *   DUR_OK          the run is claimed: go on
 *   DUR_REPLAYED    it was completed before; dur_output() has the output; *run is NULL
 *   DUR_FAILED      it failed before; dur_errmsg() is the recorded reason; *run is NULL
 *   DUR_SUSPENDED   it is not due yet; *run is NULL
 *   any other       as dur_execute(); *run is NULL
 */
DUR_MUST_CHECK
DUR_API int dur_begin_run(dur_log *log, const char *workflow, const char *run_id,
                          const dur_start_options *start, dur_run **run);

/*
 * End the run. dur_complete_run() records the output, dur_fail_run() a failure (NULL: "run
 * failed"). Open steps or a body left early: DUR_MISUSE. Recorded steps that the code did not ask
 * for: DUR_DIVERGED. A failed step that was not caught: the run fails, and dur_complete_run()
 * returns DUR_FAILED. A stopped run: its code. After a database error it may be called again.
 * DUR_OK otherwise; every other call on the run but dur_close_run() is then DUR_MISUSE.
 */
DUR_API int dur_complete_run(dur_run *run, dur_value output);
DUR_API int dur_fail_run(dur_run *run, const char *message);

/* Free the run and all that it owns; releases the claim if the run has not ended. The handle and
 * its steps are gone after it. NULL is harmless. Not for a workflow: dur_execute() closes the run
 * that it hands in, and one closed inside is stopped with DUR_MISUSE. */
DUR_API void dur_close_run(dur_run *run);

/* ==== Floor 3: trying again ================================================================= */

/*
 * A step whose options, or whose log, have a retry policy is tried again when it fails. The failed
 * attempt is one row and one commit, in a table of its own that the outcome clears. The pause that
 * follows is slept through where dur_options.sleep_max_ms allows it; otherwise the run is stopped
 * with DUR_SUSPENDED and given back, and the attempt is made by whoever executes it when it is due.
 * The workflow sees no failure before the last one.
 *
 *     dur_retry patient = DUR_RETRY_INIT;
 *     dur_step_options options = DUR_STEP_OPTIONS_INIT;
 *
 *     patient.max_attempts = 5;
 *     options.retry = &patient;
 *     DUR_STEP(run, "upload", done, &options) {
 *         done = upload(file);
 *         if (!done) dur_fail(run, "no connection");
 *     }
 *
 * Where several steps are open, the others may still be recorded after one has been put off: the
 * run is given back when the pass ends. An attempt that a crash cut short is not counted.
 */

#define DUR_NEVER INT64_C(-1)

/*
 * In a step's body, or before dur_record_failure(): if this attempt fails, the next one is made
 * after delay_ms, whatever the policy's intervals and its `retryable` say; its limits hold. A step
 * without a policy is retried, too, without limit. DUR_NEVER: a permanent failure, not to be tried
 * again; any other negative delay is DUR_MISUSE. The last call counts. DUR_OK, or DUR_MISUSE: the
 * step is NULL or not open.
 */
DUR_API int dur_retry_after(dur_step *step, int64_t delay_ms);

/*
 * Instead of an outcome: the condition that the step waits for does not hold yet, look again later,
 * by options.poll. For polling with growing pauses; `details` is carried to the next attempt in the
 * log. In a DUR_STEP body it is called before the end (the variable is then not recorded);
 * elsewhere it concludes the step as dur_record_failure() does, and returns the same codes. When
 * the policy's attempts or its time are used up the step fails with "not yet, after N attempts".
 *
 *     DUR_STEP(run, "paid", paid, &options) {
 *         paid = ask_bank(order);
 *         if (!paid) dur_not_yet(dur_current_step(run), dur_null());
 *     }
 */
DUR_API int dur_not_yet(dur_step *step, dur_value details);

/*
 * While a long step works: store how far it has come, and extend the run's claim by the log's (or
 * the step's) lease. One commit. The next attempt, after a crash or a failure, finds the details
 * with dur_step_details(). It is refused with DUR_LOST where another owner has taken the run: stop
 * working. Else DUR_OK, DUR_MISUSE, or a database code, which stops nothing.
 */
DUR_API int dur_heartbeat(dur_step *step, dur_value details);

/* The details that dur_heartbeat() or dur_not_yet() last stored for this step; dur_null() if there
 * are none. They live until the step has its outcome, or stores others. */
DUR_API dur_value dur_step_details(const dur_step *step);

/* Which attempt this is, from 1; 0 for NULL and for a replayed step. */
DUR_API int64_t dur_step_attempt(const dur_step *step);

/* Why the last attempt failed; NULL if there was none. Lives as long as the details. */
DUR_API const char *dur_step_last_failure(const dur_step *step);

/* ==== Floor 3: waiting ====================================================================== */

/*
 * A run that waits is no thread and no process: what it waits for is written into the log, the
 * function is left with DUR_SUSPENDED, and nobody holds the run. When it is due it is executed
 * again, by a worker (see dur_work) or by dur_execute(), replays, and goes on behind the wait.
 *
 *     if (dur_sleep(run, "cool-off", 86400000) != DUR_OK) return 0;
 *
 * Each wait takes a position and has a name, checked like a step's. It returns
 *
 *   DUR_OK          it is over, now or on replay
 *   DUR_TIMED_OUT   nothing came in time: an outcome, recorded like others
 *   DUR_FAILED      what came was a failure: dur_catch() it, or the run fails
 *   DUR_SUSPENDED   not yet; the run is stopped: leave
 *   any other       the run is stopped, with that code
 *
 * After DUR_TIMED_OUT the workflow goes on, after DUR_SUSPENDED it leaves: who has lost the code
 * asks dur_ok().
 *
 * In a transaction of the host's a wait, and a failed attempt, join it, as records do: commit it
 * where dur_run_code() is DUR_OK, DUR_SUSPENDED or DUR_PARKED. Rolled back, the pass ends with
 * DUR_ROLLED_BACK, and nothing waits.
 *
 * Deadlines are absolute and fixed in the log when the wait begins: neither a crash nor a clock
 * that jumps moves them. (A clock that was set back by an hour makes everything an hour later, also
 * the run that a signal has just made due; one set forth, earlier.) A time that has come already
 * costs one row and no suspension. Replay costs nothing. Times beyond the range of int64_t mean for
 * ever.
 */

/* For timeouts: no limit. */
#define DUR_FOREVER INT64_C(-1)

/* Wait for duration_ms (zero or less: do not wait, but take the position), or until a time in Unix
 * ms. DUR_OK, DUR_SUSPENDED, or the code of a stopped run. */
DUR_MUST_CHECK DUR_API int dur_sleep(dur_run *run, const char *name, int64_t duration_ms);
DUR_MUST_CHECK DUR_API int dur_sleep_until(dur_run *run, const char *name, int64_t time_ms);

/*
 * Wait for the next signal `name`. Signals that were sent before are there already; they are
 * received in the order in which they were sent, each once: receiving and recording are one commit.
 * timeout_ms: how long at most; 0: only look; DUR_FOREVER; another negative one is DUR_MISUSE,
 * which stops the run. A signal that is sent after the deadline
 * is not received by this call, however late the run wakes, and stays for the next one. *value (may
 * be NULL) gets the signal's value, dur_null() on any other outcome; its bytes are the run's (see
 * dur_mark). DUR_OK, DUR_TIMED_OUT, DUR_FAILED (the signal is a rejection: its message), or as
 * above.
 */
DUR_MUST_CHECK DUR_API int dur_receive(dur_run *run, const char *name, int64_t timeout_ms,
                                       dur_value *value);

/* One of several things to wait for; made by the functions below. */
typedef struct dur_case {
    int kind;
    int64_t time_ms;
    const char *signal;
    dur_step *step;
} dur_case;

enum { DUR_CASE_TIMER_ = 1, DUR_CASE_TIME_ = 2, DUR_CASE_SIGNAL_ = 3, DUR_CASE_STEP_ = 4 };

static inline dur_case dur_case_(int kind, int64_t time_ms, const char *signal, dur_step *step)
{
    dur_case one;
    one.kind = kind;
    one.time_ms = time_ms;
    one.signal = signal;
    one.step = step;
    return one;
}

/* So many ms after the wait began. */
static inline dur_case dur_on_timer(int64_t duration_ms)
{
    return dur_case_(DUR_CASE_TIMER_, duration_ms, DUR_NIL_, DUR_NIL_);
}

/* A time in Unix ms. */
static inline dur_case dur_on_time(int64_t time_ms)
{
    return dur_case_(DUR_CASE_TIME_, time_ms, DUR_NIL_, DUR_NIL_);
}

/* A signal of this name is there. */
static inline dur_case dur_on_signal(const char *signal)
{
    return dur_case_(DUR_CASE_SIGNAL_, 0, signal, DUR_NIL_);
}

/* A step of this run that dur_begin_step() gave has its outcome; or a callback has been answered,
 * or its time is up. */
static inline dur_case dur_on_step(dur_step *step)
{
    return dur_case_(DUR_CASE_STEP_, 0, DUR_NIL_, step);
}

/* Cases in one dur_select(). */
#define DUR_CASES_MAX 64

/*
 * Wait for the first of several things. *which gets the index of the case that came first; if
 * several are there, of the first one in the list (but a signal that came after the earliest
 * deadline does not count). The index is recorded, so that replay goes the same way. It takes
 * nothing away: receive the signal, or await the callback, next.
 *
 * A step among the cases that is still being executed keeps the run from suspending: the answer is
 * then DUR_EXECUTE, which takes no position. Record a step, or wait until a deadline, and ask
 * again.
 * DUR_OK, DUR_EXECUTE, DUR_SUSPENDED, or the code of a stopped run; no cases, more than
 * DUR_CASES_MAX, or a wrong one: DUR_MISUSE, which stops the run.
 */
DUR_MUST_CHECK DUR_API int dur_select(dur_run *run, const char *name, const dur_case *cases,
                                      size_t count, size_t *which);

/* ---- Callbacks: one answer from outside ---------------------------------------------------- */

/* Start from DUR_CALLBACK_OPTIONS_INIT. */
typedef struct dur_callback_options {
    size_t size;
    int64_t timeout_ms;   /* from dur_begin_callback() on. 0: no limit */
    int64_t heartbeat_ms; /* it also times out when no heartbeat came for so long. 0: no limit */
    const char *file;     /* call site, as in dur_step_options */
    int line;
} dur_callback_options;

#define DUR_CALLBACK_OPTIONS_INIT {sizeof(dur_callback_options), 0, 0, __FILE__, __LINE__}

/*
 * Open a callback: a token that can be handed to an outside system, in a step, and completes
 * exactly one wait. *callback gets a handle, which is the run's and needs no closing; a callback
 * that nobody awaits is dropped with the run. `options` may be NULL. One commit, which fixes its
 * deadline; none on replay. DUR_OK, or the code of a stopped run, and *callback is NULL.
 *
 *     if (dur_begin_callback(run, "approval", NULL, &approval) != DUR_OK) return 0;
 *     DUR_STEP(run, "ask") { send_mail(dur_callback_token(approval)); }
 *     if (dur_await(approval, &answer) != DUR_OK) return 0;
 */
DUR_MUST_CHECK DUR_API int dur_begin_callback(dur_run *run, const char *name,
                                              const dur_callback_options *options,
                                              dur_step **callback);

/* Printable ASCII without spaces, at most this many bytes with its NUL; it cannot be guessed. */
#define DUR_TOKEN_SIZE 64

/* Lives as long as the handle. NULL gives NULL. */
DUR_API const char *dur_callback_token(dur_step *callback);

/* Wait for the callback's answer. *value (may be NULL) as in dur_receive(). DUR_OK, DUR_TIMED_OUT,
 * DUR_FAILED, DUR_SUSPENDED or the code of a stopped run; awaiting it again gives the same. */
DUR_MUST_CHECK DUR_API int dur_await(dur_step *callback, dur_value *value);

/* ==== Floor 3: how often a body runs ======================================================== */

/*
 * The body of a plain step runs at least once: after a crash between its effect and its record it
 * runs again, with the same idempotency key, by which the outside world can tell. Two other modes
 * are options of the step:
 *
 * DUR_TRANSACTIONAL: exactly once, for a body that works with SQL in this database, on the host's
 * own connection. Its changes and the step's record are one commit.
 *
 *     dur_step_options options = DUR_STEP_OPTIONS_INIT;
 *
 *     options.mode = DUR_TRANSACTIONAL;
 *     DUR_STEP_VOID(run, "transfer", &options) {
 *         if (!move_money(db, from, to, cents)) dur_fail(run, "not enough money");
 *     }
 *
 * DUR_TX_STEP(run, name[, variable]) is the same in short. A body that fails takes back its own
 * changes, then the failure is recorded. The write lock is taken before the body. In a transaction
 * of the host's the body stands in a savepoint and is as durable as that transaction. What else the
 * body does, outside this database, is not covered. It must not end the transaction it stands in,
 * nor let SQLite do so (RAISE(ROLLBACK), ON CONFLICT ROLLBACK): where that happens, the run is
 * stopped with DUR_ROLLED_BACK and nothing is recorded, no failure either. Where the record
 * or the commit fails the body's changes are taken back with it, the run is stopped, and the body
 * runs again when the run is executed again.
 *
 * While a transactional step is open, every other write through a log on that connection is
 * DUR_MISUSE (starting runs and sending signals, too). A log that is not in "main" refuses such
 * steps (see dur_options).
 *
 * dur_options.shared_commit_steps lets up to so many transactional steps in a row share one commit,
 * which comes earlier when another kind of step is to be executed, when a body fails, at a wait, at
 * the run's end and when it is closed. DUR_OK then means: in order, and not yet durable. A crash
 * takes back the last of these steps, their SQL and their records alike, and they run again:
 * nothing outside has seen them. Until the commit a transaction is open on the connection: what
 * the host's own statements change meanwhile joins it silently, is taken back with it, and other
 * connections wait to write.
 *
 * DUR_AT_MOST_ONCE: for an effect that must not happen twice and cannot be recognized. That the
 * body is about to run is committed first. If the process ends before the outcome is recorded, the
 * step is in doubt: whoever executes the run next does not run the body but follows
 * options.in_doubt. DUR_IN_DOUBT_VERIFY calls verify(step, user), which finds out what happened:
 * it records the outcome with dur_record_result() or dur_record_failure() and returns 0; or returns
 * DUR_EXECUTE: nothing happened, run the body; anything else, or 0 without an outcome: it cannot
 * tell, and the run is parked; executed again, it asks again. A failure that the body itself
 * reports is not in doubt: the retry policy holds, and each attempt has its own intent: at most
 * once is then meant of each attempt. A body that is left by dur_stop() is in doubt. All this
 * holds as long as the claim: lease_ms has to cover the body, since an owner that sleeps behind it
 * may wake in the middle of a body that another one has verified. Refused (DUR_MISUSE) in a
 * transaction of the host's.
 */

/*
 * A person's answer to a step in doubt whose run is parked. `answer` is DUR_OK: it was done, with
 * this value; DUR_FAILED: it has failed, with this message (NULL: "step failed"); DUR_EXECUTE: it
 * was not done, run it. The value is as the step would record it: dur_integer() for an int,
 * dur_object() for an object. The run is then due; workers take it up, or dur_execute() does. One
 * commit, or a part of the host's transaction. The answer is final like any outcome: a value that
 * does not fit the step's variable is DUR_MISMATCH for good. DUR_OK, DUR_NOT_FOUND (no such run),
 * DUR_ENDED (no step in doubt at that position, or the run is not parked), DUR_MISUSE, DUR_TOO_BIG
 * or a database code.
 */
DUR_API int dur_resolve_step(dur_log *log, const char *run_id, int64_t position, int answer,
                             dur_value value, const char *message);

/* ---- Compensation -------------------------------------------------------------------------- */

/*
 * options.undo names what takes a step's effect back; it is noted before the body runs. When the
 * run fails (for whatever reason), is cancelled or meets its deadline, the undo functions of all
 * steps that were begun are called, the newest first, each as a step of its own behind the last
 * one: recorded under the step's name with kind "undo", tried again by the step's retry policy,
 * and never twice once it is recorded. Then the run ends as it was about to. A crash in the middle
 * goes on where it was. (With several steps open, catch a failure where you are told of it: what
 * is asked for behind one that nobody has caught may be undone without having been begun.)
 *
 * An undo function answers like a dur_step_fn. dur_step_value(step) is the recorded result of the
 * step that it undoes; dur_null() where that failed or was interrupted: then nothing, all or a part
 * of its effect may be there. An undo that fails for good is recorded so, the others still run, and
 * the run's failure says so. `user`, the step's retry policy's, and what they point to must live
 * until the workflow has returned and been undone: as long as what was given to dur_execute(). An
 * undo runs at least once, whatever the mode of its step.
 */

/* In an undo function: the idempotency key of the step that it undoes, for asking the outside world
 * what became of it. In the run's memory (see dur_mark). NULL for any other step, and where there
 * is no memory. */
DUR_API const char *dur_undone_key(dur_step *step);

/* ---- Cancellation and deadlines ------------------------------------------------------------ */

/*
 * Ask a run to end. It is due at once; the next pass delivers the request: the first thing that it
 * asks for and that has no recorded answer takes its position for it, and returns DUR_CANCELLED,
 * which stops the run. A pass that runs meanwhile does not hear of it before it is suspended, and
 * may still complete. A run that is parked because a step is in doubt parks again until that is
 * answered. Children get it first (see there). After the workflow has returned, compensation runs,
 * and the run ends with the status "cancelled". One statement: in a transaction of the host's it
 * joins that. DUR_OK, DUR_REPLAYED (it was asked before, and is not paused), DUR_NOT_FOUND,
 * DUR_ENDED or a database code.
 */
DUR_API int dur_cancel(dur_log *log, const char *run_id);

/*
 * In a workflow: is the run being cancelled, or past its deadline? Asked for the first time after
 * the stop, it lifts the stop, and clean-up steps and waits run again; the run ends as cancelled or
 * timed out all the same. False otherwise, and for NULL.
 *
 *     if (dur_receive(run, "go", DUR_FOREVER, NULL) != DUR_OK && dur_cancelled(run))
 *         DUR_STEP(run, "tell-customer") { send_mail(user); }
 */
DUR_API bool dur_cancelled(dur_run *run);

/*
 * A run past its deadline (dur_start_options.deadline_ms) is treated as a cancelled one, with
 * DUR_TIMED_OUT instead of DUR_CANCELLED (dur_cancelled() tells it from a wait that timed out). A
 * wait does not outlast it. A body that runs is not
 * interrupted, and its outcome is recorded.
 *
 * dur_step_options.timeout_ms is a step's total time, its retries and pauses and the time that the
 * program was down included; its end is fixed in the log before the first attempt (one commit). No
 * attempt begins after it: as soon as no further one fits, the step fails with "timed out after N
 * ms", and why the last attempt failed, which is an outcome like other failures. A result that
 * comes too late is a result.
 */

/* ---- Children ------------------------------------------------------------------------------ */

/* What becomes of a started child that is open when its parent ends. */
enum {
    DUR_CHILD_WAIT = 0,   /* the parent completes when it has ended; a parent that fails, is
                           * cancelled or times out cancels it, and does not wait */
    DUR_CHILD_CANCEL = 1, /* it is cancelled */
    DUR_CHILD_LEAVE = 2   /* it goes on */
};

/* Start from DUR_CHILD_OPTIONS_INIT. */
typedef struct dur_child_options {
    size_t size;
    dur_value input;       /* its dur_input(); copied */
    const char *run_id;    /* NULL: the parent's id, '/' and the position; or, where that is too
                            * long, with the parent's uid */
    int64_t timeout_ms;    /* its deadline, from its start; never behind its parent's. 0: that */
    int on_parent_end;     /* of dur_start_child(): DUR_CHILD_WAIT, … */
    const char *queue;     /* of dur_start_child(), as in dur_start_options */
    int priority;
    const char *file;      /* call site, as in dur_step_options */
    int line;
} dur_child_options;

#define DUR_CHILD_OPTIONS_INIT                                                                     \
    {sizeof(dur_child_options), {DUR_NULL, {0}, 0}, DUR_NIL_, 0, DUR_CHILD_WAIT, DUR_NIL_, 0,      \
     __FILE__, __LINE__}

/*
 * A child is a run with its own sequence of steps and its own end, which takes one position of its
 * parent. It scopes a part of a workflow, so that its length does not burden the parent's replay,
 * and what goes wrong in it can be caught in one place.
 *
 * dur_call() runs `fn` as a child, here and now. Once it has ended its outcome is the parent's row,
 * and neither is the function called again nor its steps read. Where it waits the parent waits with
 * it (DUR_SUSPENDED); workers take up the parent, which calls the child again. Signals are sent to
 * the child's own id. While `fn` runs, the parent must not be asked for anything (DUR_MISUSE). A
 * child that is parked parks its parent.
 * *result (may be NULL) gets the child's output; its bytes are the run's. `options` may be NULL.
 * Undo steps are the run's own: a child that has ended is not undone when its parent fails; follow
 * it with a step that has an undo.
 * DUR_OK; DUR_FAILED: the child failed, was cancelled or timed out: dur_catch() it, or the parent
 * fails; DUR_CANCELLED or DUR_TIMED_OUT: so is the parent itself, which is stopped; or the code of
 * a stopped run. DUR_CONFLICT stops it where the child's id names another run, or the child has
 * begun with another input.
 */
DUR_MUST_CHECK DUR_API int dur_call(dur_run *run, const char *name,
                                    const dur_child_options *options, dur_workflow *fn, void *user,
                                    dur_value *result);

/*
 * Start a child for any worker that has registered `workflow`: one commit. *child is a handle like
 * a callback's: dur_await() waits for the child's end and gives its output, dur_on_step() selects
 * it; it needs no closing. DUR_OK, or the code of a stopped run, and *child is NULL.
 */
DUR_MUST_CHECK DUR_API int dur_start_child(dur_run *run, const char *name, const char *workflow,
                                           const dur_child_options *options, dur_step **child);

/* The id of the child's run, by which it can be read, signalled or cancelled; lives as long as the
 * handle. NULL for NULL and for what is no started child. */
DUR_API const char *dur_child_id(dur_step *child);

/* ---- Branches ------------------------------------------------------------------------------ */

/* One branch of dur_parallel(): a child as dur_call() would run it. */
typedef struct dur_branch {
    const char *name;  /* of the branch's child; NULL: "branch" */
    dur_workflow *fn;
    void *user;        /* given to fn */
    dur_value input;   /* its dur_input() */
} dur_branch;

/* One branch for the host's executor; see dur_run_job(). */
typedef struct dur_job dur_job;

/*
 * When a batch is complete, and how it is executed. Start from DUR_BATCH_OPTIONS_INIT. Without
 * any of the three conditions every branch runs, whatever becomes of the others. Negative numbers,
 * a percentage above 100 or min_successes above the number of branches: DUR_MISUSE, which stops the
 * run before anything is started.
 */
typedef struct dur_batch_options {
    size_t size;
    int64_t max_concurrency;    /* branches that are open at once, suspended ones included.
                                 * 0: all */
    int64_t min_successes;      /* complete with so many results; 1: the first success. 0: all */
    bool fails_fast;            /* complete at the first failure; max_failures must be 0 */
    int64_t max_failures;       /* complete when more than so many have failed. 0: no limit */
    double max_failure_percent; /* … or more than this share of all branches. 0: no limit */
    /* The host's executor: for each of the jobs call dur_run_job() once, on threads of its own, and
     * return when all of these calls have returned. To the run's claim it is one step: it must be
     * over in half of the lease. Not in a transaction of the host's. NULL: one branch after the
     * other, here. */
    void (*execute)(dur_job *const *jobs, size_t count, void *user);
    void *user;                 /* given to `execute` */
    const char *file;           /* call site, as in dur_step_options */
    int line;
} dur_batch_options;

#define DUR_BATCH_OPTIONS_INIT                                                                     \
    {sizeof(dur_batch_options), 0, 0, false, 0, 0.0, DUR_NIL_, DUR_NIL_, __FILE__, __LINE__}

/* Why a batch is complete. */
typedef enum dur_batch_reason {
    DUR_ALL_COMPLETED = 1,         /* every branch has ended */
    DUR_MIN_SUCCESSES_REACHED = 2,
    DUR_TOO_MANY_FAILURES = 3      /* more than it tolerates */
} dur_batch_reason;

/* What a batch came to. Start from {0}; filled by dur_parallel() and dur_map(). It is the run's,
 * as dur_mark() says. */
typedef struct dur_batch {
    dur_batch_reason reason;
    size_t count;     /* branches given */
    size_t started;   /* those that were begun */
    size_t succeeded;
    size_t failed;
    /* `count` entries in branch order: DUR_OK with the branch's output, DUR_FAILED with its message
     * as a text, DUR_CANCELLED (open when the batch was complete) or DUR_NOT_FOUND (never begun),
     * both with dur_null(). */
    const int *codes;
    const dur_value *values;
} dur_batch;

/*
 * Run branches, each a child of its own inside a child called `name`, until the options say that
 * the batch is complete. A branch may wait while others go on; the run is suspended where all that
 * may run wait. Which branch ended first is recorded (as the attempt of its row: 1 is the first),
 * and a batch that is complete is one row in the parent. Branches that are open then are cancelled,
 * and get the time to clean up; how they end does not count any more. No branches: complete at
 * once. `options` may be NULL; *batch may be NULL.
 *
 * DUR_OK: complete, whatever the branches came to: look at the batch; a failed branch does not fail
 * the run. DUR_FAILED: the batch's own run was cancelled, and not this one: dur_catch() it. Or the
 * code of a stopped run.
 */
DUR_MUST_CHECK DUR_API int dur_parallel(dur_run *run, const char *name, const dur_branch *branches,
                                        size_t count, const dur_batch_options *options,
                                        dur_batch *batch);

/* The same function for each item, which is its branch's dur_input(). */
DUR_MUST_CHECK DUR_API int dur_map(dur_run *run, const char *name, const dur_value *items,
                                   size_t count, dur_workflow *fn, void *user,
                                   const dur_batch_options *options, dur_batch *batch);

/*
 * Execute one job of the host's executor on `log`, another log than the run's, opened on a
 * connection of the calling thread to the same database. The branch's function runs in this call.
 * What it came to is the job's; nothing is returned, and nothing else of the job is touched. While
 * `execute` works, the run's own claim is not prolonged: dur_options.lease_ms has to cover it.
 */
DUR_API void dur_run_job(dur_job *job, dur_log *log);

/* ---- Side values --------------------------------------------------------------------------- */

/*
 * What a workflow must not ask of the world itself: the time now in Unix ms, a random number, a
 * random UUID (version 4, RFC 9562, 36 characters and a NUL), from the log's clock and random
 * source. Each is a recorded step of this name: one row, which shows what the workflow saw, and
 * replays alike in a copy of the log; values derived from a seed would be free, and neither.
 * DUR_OK, or the code of a stopped run, and 0 or "".
 */
#define DUR_UUID_SIZE 37
DUR_MUST_CHECK DUR_API int dur_now(dur_run *run, const char *name, int64_t *now_ms);
DUR_MUST_CHECK DUR_API int dur_random(dur_run *run, const char *name, uint64_t *number);
DUR_MUST_CHECK DUR_API int dur_uuid(dur_run *run, const char *name, char uuid[DUR_UUID_SIZE]);

/* ==== Floor 3: sending ====================================================================== */

/* Start from DUR_SIGNAL_OPTIONS_INIT. */
typedef struct dur_signal_options {
    size_t size;
    /* The sender's key, a name like others: of the signals to one run with one name and key only
     * the first one counts, also after it was received. NULL: each counts. */
    const char *key;
    /* Reject instead of sending a value, which must then be null: the receiver gets DUR_FAILED and
     * this message (cut at 1000 bytes). NULL: send the value. */
    const char *failure;
} dur_signal_options;

#define DUR_SIGNAL_OPTIONS_INIT {sizeof(dur_signal_options), DUR_NIL_, DUR_NIL_}

/*
 * Send a signal to a run, from any process, whether the run waits for it already, later or never.
 * `options` may be NULL. One row, one statement: in a transaction of the host's it joins that. A
 * run that waits for it is due at once. What is never received stays with the run until that is
 * deleted.
 *
 *   DUR_OK          it is in the log (outside a host transaction: committed)
 *   DUR_REPLAYED    one with this key was sent before: nothing was changed
 *   DUR_NOT_FOUND   there is no such run
 *   DUR_ENDED       the run has ended
 *   any other       DUR_MISUSE, DUR_TOO_BIG or a database code: nothing was sent
 */
DUR_API int dur_signal(dur_log *log, const char *run_id, const char *name, dur_value value,
                       const dur_signal_options *options);

/*
 * Answer a callback, with a value or a failure (message NULL: "rejected"); or tell that somebody is
 * still at it, so that its heartbeat does not time out. One statement, as above. Of all answers
 * exactly one gets DUR_OK; the others, and those that come after the callback timed out or its run
 * ended: DUR_ENDED. DUR_NOT_FOUND: there is no run with such a token. DUR_MISUSE: it is no token.
 */
DUR_API int dur_complete_callback(dur_log *log, const char *token, dur_value value);
DUR_API int dur_fail_callback(dur_log *log, const char *token, const char *message);
DUR_API int dur_heartbeat_callback(dur_log *log, const char *token);

/* ==== Floor 3: starting and driving ========================================================= */

/*
 * Put a run into the log without executing it: a worker will, here or in another process. `start`
 * may be NULL: no input, or whatever it has if it is there. One statement: in a transaction of the
 * host's it joins that, so that an order's row and the run that ships it commit together.
 *
 *   DUR_OK          it is in the log
 *   DUR_REPLAYED    it was there already, with the same workflow and input: nothing was changed
 *   DUR_CONFLICT    it was there with others
 *   any other       DUR_MISUSE, DUR_TOO_BIG or a database code: nothing was started
 */
DUR_API int dur_start(dur_log *log, const char *workflow, const char *run_id,
                      const dur_start_options *start);

/* Tell the log's workers which function a workflow's name stands for; NULL: none any more. The name
 * is copied; `user` must live until then. Runs of workflows that are not registered here are left
 * for others. The queue of that name is served, too. DUR_OK, DUR_MISUSE, DUR_NOMEM. */
DUR_API int dur_register(dur_log *log, const char *workflow, dur_workflow *fn, void *user);

/*
 * Limits of a queue, for all processes together. They are written into the log and hold for every
 * worker on it, from its next claim on; runs executed by dur_execute() are counted, but not held
 * back. A run that is suspended is not active; one that a dead owner has left is, until somebody
 * takes it up. Start from DUR_QUEUE_LIMITS_INIT.
 */
typedef struct dur_queue_limits {
    size_t size;
    int64_t max_active;         /* runs of the queue that are held at once, in all. 0: no limit */
    int64_t max_active_process; /* by one process, which may have several logs. 0: no limit */
    int64_t max_starts;         /* at most so many passes in any period_ms, spread evenly: a run
                                 * that has waited once made two. 0: no limit */
    int64_t period_ms;          /* 0: 1000 */
} dur_queue_limits;

#define DUR_QUEUE_LIMITS_INIT {sizeof(dur_queue_limits), 0, 0, 0, 0}

/*
 * Serve a queue with this log's workers, and set its limits where `limits` is not NULL (one commit
 * if they differ from those in the log; none otherwise). Needed for queues that are not named as a
 * registered workflow. DUR_OK, DUR_MISUSE, DUR_NOMEM or a database code.
 */
DUR_API int dur_serve_queue(dur_log *log, const char *queue, const dur_queue_limits *limits);

/* Settings of a worker call. Start from DUR_WORK_OPTIONS_INIT. */
typedef struct dur_work_options {
    size_t size;
    int64_t max_passes; /* runs claimed and executed by one dur_work(), at most. 0: 100 */
    int64_t budget_ms;  /* no pass but the first one begins later than this after the call. 0: no
                         * limit */
    int64_t poll_ms;    /* dur_work_loop(): longest pause between two looks at what other
                         * processes have committed. 0: 50 */
    /* Told after each pass what it came to, as dur_execute() would have returned it, and why. The
     * strings live until it returns. It may call the log, but not dur_work(). NULL: passes that end
     * in an error (a negative code) are told to dur_options.warn. */
    void (*passed)(const char *workflow, const char *run_id, int code, const char *message,
                   void *user);
    void *user; /* given to `passed` */
} dur_work_options;

#define DUR_WORK_OPTIONS_INIT {sizeof(dur_work_options), 0, 0, 0, DUR_NIL_, DUR_NIL_}

/*
 * Claim and execute what is due: runs that were started, whose timer has rung, whose signal has
 * come, whose retry is due, and those whose owner is dead or has let its lease end. Larger
 * priorities first, and the longest due among equals (of one queue and workflow: the one that was
 * started first); one pass in eight, from a random one on, takes the longest due of all, so that
 * none waits for ever. It does not wait for work, and takes no write lock where nothing is due; for
 * a locked database it waits as every call (an event loop sets busy_wait_ms low). `options` may be
 * NULL.
 *
 * It executes one run after the other: for several at once, have several processes, or threads that
 * have a connection and a log each. A run that a pass left without an end (dur_stop(), an error) is
 * taken up again after 100 ms, doubled each time it happens in a row, to a minute. A workflow ends
 * the transactions that it begins.
 *
 * *next_wake_ms (may be NULL) gets how many ms from now the next call is worth while: 0 where the
 * budget ended before the work; -1 where nothing is known to become due, which fits poll() (as does
 * a larger one, cut to INT_MAX). Another process may send or start something at any time: who
 * shares the file calls again every now and then, an idle call is a few index look-ups.
 *
 * DUR_OK, whatever the passes came to; DUR_BUSY where the database stayed locked: call again soon;
 * DUR_MISUSE in a transaction of the host's, inside another
 * dur_work() and with a NULL log; a database code that concerns the log and not one run.
 */
DUR_API int dur_work(dur_log *log, const dur_work_options *options, int64_t *next_wake_ms);

/*
 * dur_work() for ever, for programs that have nothing else to do: works, then sleeps (see
 * dur_options) until something is due or another process has committed something, which it looks
 * for at growing intervals up to poll_ms. Returns DUR_OK after dur_stop_work_loop(), when the pass
 * that runs has ended, or the code that dur_work() returned; it goes on after DUR_BUSY, and after
 * DUR_INTERRUPTED unless it was stopped.
 */
DUR_API int dur_work_loop(dur_log *log, const dur_work_options *options);

/* Make dur_work_loop() return soon; if it does not run, the next one returns at once. The one
 * function that may be called from a signal handler and from another thread. NULL is harmless. */
DUR_API void dur_stop_work_loop(dur_log *log);

/* ==== Asking ================================================================================ */

/*
 * The last error of the log, or of the run, in one line: "" if there was none. The text lives until
 * the next call on the log, or the run. NULL is answered with "no log" and "no run".
 */
DUR_API const char *dur_errmsg(const dur_log *log);
DUR_API const char *dur_run_errmsg(const dur_run *run);

/* The code that stopped the run, DUR_OK while it goes on. NULL: DUR_MISUSE. */
DUR_API int dur_run_code(const dur_run *run);

/* SQLite's extended result code behind the log's last error; 0 if SQLite had no part in it. Its
 * own words are in dur_errmsg(). NULL: 0. */
DUR_API int dur_sqlite_errcode(const dur_log *log);

typedef enum dur_status {
    DUR_RUNNING = 1,   /* started; whether somebody works on it is a question of its claim */
    DUR_COMPLETED = 2, /* ended with an output */
    DUR_RUN_FAILED = 3,/* ended with a failure */
    DUR_RUN_PARKED = 4,/* waits for a person or for other code; execute it to resume */
    DUR_RUN_SUSPENDED = 5,/* waits for a time, a signal or its next attempt; nobody holds it */
    DUR_RUN_CANCELLED = 6,/* ended because it was cancelled */
    DUR_RUN_TIMED_OUT = 7,/* ended by its deadline */
    DUR_RUN_CONTINUED = 8,/* ended by dur_continue_as_new(); its successor has the id */
    DUR_RUN_TERMINATED = 9/* ended by dur_terminate() */
} dur_status;

/* What is known of a run. Start from DUR_RUN_INFO_INIT. Filled up to `size`. */
typedef struct dur_run_info {
    size_t size;
    dur_status status;
    const char *workflow;
    const char *failure; /* of a failed run, or why a run is parked (the whole report); or NULL */
    dur_value input;
    dur_value output;
    int64_t claims;     /* how often the run was claimed for a pass, since it began */
    int64_t created_ms; /* Unix ms */
    int64_t ended_ms;   /* Unix ms; 0: not ended */
    int64_t wake_ms;    /* when workers will take it up, Unix ms; 0: not before something happens */
    const char *queue;   /* "" for a child that its parent calls */
    int priority;
    int64_t deadline_ms; /* Unix ms; 0: none */
    bool cancelling;     /* it was asked to end */
    bool paused;         /* by dur_pause() */
    const char *origin;  /* the id of the run that this one continues, or was restarted from, or "";
                          * NULL: none */
    int64_t restarted_at; /* the position of that restart; 0: it is none */
    int64_t generation;  /* how many runs this one's chain of continuations has had; 1: no chain */
    const char *uid;     /* what keys and tokens are made of; never given twice */
} dur_run_info;

#define DUR_RUN_INFO_INIT                                                                          \
    {sizeof(dur_run_info), DUR_RUNNING,         DUR_NIL_, DUR_NIL_, {DUR_NULL, {0}, 0},            \
     {DUR_NULL, {0}, 0},   0,                   0,        0,        0,                             \
     DUR_NIL_,             0,                   0,        false,    false,                         \
     DUR_NIL_,             0,                   1,        DUR_NIL_}

/* Read a run without claiming it. The strings and bytes live until the next call of
 * dur_read_run() or dur_close() on the log. DUR_OK, DUR_NOT_FOUND, DUR_MISUSE, DUR_CORRUPT or a
 * database code. */
DUR_API int dur_read_run(dur_log *log, const char *run_id, dur_run_info *info);

/*
 * The log can be read with any SQLite client, best by its views:
 *   durable_runs_view     id, workflow, status ('running', 'suspended', 'completed', 'failed',
 *                         'parked', 'cancelled', 'timed out', 'continued', 'terminated'), queue,
 *                         priority, wakes, awaits, steps, claims, owner, lease_end, created, ended,
 *                         input, output, failure, parent, deadline, cancelling, paused, origin,
 *                         restarted_at, generation, code_version, uid, run
 *   durable_steps_view    run_id, position, name, kind ('step', 'timer', 'receive', 'select',
 *                         'callback', 'child', 'undo', 'cancel', 'patch'), outcome ('result',
 *                         'failure', 'timed out'), value, began, took_ms, epoch (which claim
 *                         recorded it), attempt, fingerprint, site
 *   durable_pending_view  what has no outcome yet: run_id, position, name, kind, attempts (that
 *                         ended without one), began, wakes, deadline, heartbeat_ms, details,
 *                         failure, intent (of an at-most-once step: 'begun' is in doubt where
 *                         nobody holds the run, 'resolved' has a person's answer)
 *   durable_signals_view  run_id, name, key, value, failure, sent, received_at (its position; null:
 *                         not received), signal; a signal is gone when it was received, but for
 *                         those with a key, without their value
 * `wakes` is when workers take a run up, `awaits` the signals and callbacks ("callback 4", at its
 * position) that make it due. A run that was started and not yet taken up is 'running' without an
 * owner; so is one whose queue or workflow nobody serves. Limits of queues: table durable_queues.
 * What is unfinished: SELECT id FROM durable_runs_view WHERE ended IS NULL.
 * dur_delete() deletes a run that has ended; by hand, DELETE FROM durable_runs WHERE id = … does (a
 * trigger deletes what belongs to it, the children that it calls included). Leave the children of
 * runs alone: their parents read them, and go with what they call.
 */

/* ---- Divergence ---------------------------------------------------------------------------- */

/* What a change of code looks like, seen from the log. */
typedef enum dur_change {
    DUR_CHANGE_UNKNOWN = 0,    /* the code did not show enough of its way */
    DUR_CHANGE_INSERTED = 1,   /* a new step stands before the recorded one */
    DUR_CHANGE_REMOVED = 2,    /* the recorded step is gone, the next one is asked for */
    DUR_CHANGE_RENAMED = 3,    /* same place, other name; the steps after it are the same */
    DUR_CHANGE_REORDERED = 4,  /* two neighbours have changed places */
    DUR_CHANGE_ENDED_EARLY = 5,/* the code ended while recorded steps remain */
    DUR_CHANGE_RETYPED = 6,    /* same step, but its value does not fit the variable */
    DUR_CHANGE_INPUT = 7,      /* same step, other input; told by replay checks only */
    DUR_CHANGE_OUTCOME = 8     /* the run has ended, and the code ends otherwise; likewise */
} dur_change;

/* One side of a divergence: a recorded step, or a request of the code. Absent: position is 0. */
typedef struct dur_step_info {
    int64_t position;
    const char *kind;    /* as in durable_steps_view */
    const char *name;
    const char *site;    /* "file.c:12", or "" where the code did not tell */
    int64_t recorded_ms; /* when the step began, Unix ms; 0 for a request */
} dur_step_info;

typedef struct dur_divergence {
    const char *run_id;
    const char *workflow;
    int64_t position;        /* where code and log disagree */
    dur_change change;
    dur_step_info recorded;  /* what the log holds there */
    dur_step_info requested; /* what the code asked for; absent where it ended early */
    dur_step_info before;    /* the recorded neighbours; absent at the ends */
    dur_step_info after;
    const char *text;        /* all of it for people, in some lines, with what to do */
} dur_divergence;

/*
 * The report of the last divergence (or mismatch) on this log; NULL if there was none since the
 * log was opened, or if there was no memory for it. It lives until the next call of dur_execute(),
 * dur_begin_run() or dur_close(). The text is also in the run's row; see dur_read_run(). Later
 * versions may add members at the end.
 *
 * The report is final when the workflow has returned: to tell the class of the change, the stopped
 * run notes the code's next three requests, without executing them.
 */
DUR_API const dur_divergence *dur_get_divergence(const dur_log *log);

/* ==== Floor 3: changing code under living runs ============================================== */

/*
 * New code meets runs that old code began. What it may change freely is what lies in steps' bodies,
 * and what no living run has come to yet. For the rest there are patch markers: dur_patch() says
 * whether the run goes the new way.
 *
 *     if (dur_patch(run, "check-fraud")) {
 *         DUR_STEP(run, "fraud", score) { score = ask_fraud(user); }
 *     }
 *     DUR_STEP(run, "charge", payment) { payment = charge_card(user); }
 *
 * A run that comes here for the first time gets true, and one row, kind "patch", that says so for
 * ever; a run whose log goes on here with something else gets false. The answer for an id is given
 * once in a run, at the first call: in a loop it costs one row at most, and a run that was past the
 * place goes the old way to its end. It never suspends. When no run without the marker is left, the
 * old way goes, and dur_patch() becomes dur_retire_patch(), which takes the markers of old runs and
 * leaves none; when no run with one is left, that goes, too.
 *
 *   in the log at this position       dur_patch()           dur_retire_patch()    neither call
 *   the marker of this id             true                  passed                diverged
 *   another row, or none, with later
 *     rows; or an attempt or a wait   false                 nothing               as without
 *     that has begun
 *   nothing: the log ends here        true, one row         nothing               as without
 *   (id asked for before in this run) the same answer       nothing               as without
 *
 * `id` is a name like a step's. A stopped run gives no answer that it has not given before: false;
 * so does one that is stopped here (a database error, no memory; a wrong id, or a first answer
 * within a step's body: DUR_MISUSE). A failure that nobody has caught changes no answer, and a
 * cancellation is heard by what stands behind. A replay check answers as the run would; at the end
 * of one that has ended: false. Children, branches and successors have their own answers. A run's
 * remembered ids cost some bytes of memory each.
 */
DUR_MUST_CHECK DUR_API bool dur_patch(dur_run *run, const char *id);

/* DUR_OK, or the code of a stopped run. */
DUR_API int dur_retire_patch(dur_run *run, const char *id);

/* How many positions the run has asked for so far: the same on replay, so that a workflow may
 * decide by it. NULL: 0. */
DUR_API int64_t dur_run_length(const dur_run *run);

/*
 * In a workflow: end this run when the function returns 0, and start its successor with this input
 * (copied; the last call counts) in the same commit. For loops without an end, whose log would
 * grow for ever. Nothing may be asked of the run after it (DUR_MISUSE, which stops it).
 *
 *     if (dur_run_length(run) > 1000) return dur_continue_as_new(run, dur_integer(balance));
 *
 * The successor takes over the id, workflow, queue, priority, deadline, parent, a request to end,
 * and the signals that were sent and not received, with the keys that are taken; it has its own
 * uid, and is due at once. The run that ends is from then on called by its id, '~' and its
 * generation ("meter-7~1"), has the status "continued", and neither output nor failure; children
 * that it has started are treated as at any other end, and those of the successor are called after
 * "meter-7~2". To the parent, to signallers and to dur_execute(), which gives DUR_SUSPENDED after
 * such a pass (as dur_complete_run() does), the chain is one run; what input is given to resume it
 * is not compared any more. "meter-7~1" itself can be read, checked and restarted; executed, it is
 * DUR_ENDED. Where another run has that id the pass ends with DUR_CONFLICT, and can be made again.
 * Who fails, is cancelled or times out after this call ends so, and has no successor. Compensation
 * is not handed on: what was to be undone is not. To hand a key on that is taken costs a row each
 * time: senders with keys by the thousand are better off with a run of their own.
 * DUR_OK; DUR_NOMEM or DUR_MISUSE (no value; the id is longer than DUR_NAME_MAX - 20), which stop
 * the run; the code of a run that is stopped or over.
 */
DUR_API int dur_continue_as_new(dur_run *run, dur_value input);

/* ==== Floor 3: repairing and tidying up ===================================================== */

/*
 * All of these may be called from any process, whoever holds the run, and each is one commit, or a
 * part of the host's transaction. Common codes: DUR_OK; DUR_NOT_FOUND; DUR_ENDED: the run is over;
 * DUR_REPLAYED: it is so already; DUR_CONFLICT: the run is a child that its parent calls: the
 * message names the run that it is a part of; DUR_MISUSE, also while a transactional step is open;
 * a database code. After an error nothing has changed. dur_cancel() stands above.
 */

/*
 * No worker takes the run up, and dur_execute() gives DUR_SUSPENDED, until it is resumed. A pass
 * that runs meanwhile goes on until it is left. Time goes on for its timers, timeouts and deadline,
 * signals are kept, children that it has started go on; those that it calls are paused with it. A
 * parked run may be paused, too: it is then not resumed by dur_resolve_step() alone.
 */
DUR_API int dur_pause(dur_log *log, const char *run_id);

/* The run is due at once, also where it was to begin later; or parked as it was. DUR_REPLAYED: it
 * is not paused. dur_cancel() resumes a run, too, also one that was asked to end before. */
DUR_API int dur_resume(dur_log *log, const char *run_id);

/*
 * End the run here and now, without its code: nothing is cleaned up or undone. Who holds it gets
 * DUR_LOST at its next write; DUR_OWNED where that is one of a child that it calls. These end with
 * it; of those that it has started, the ones that it would wait for are asked to end, like those
 * that end with it. Its parent, if it was started by one, gets a failure. `reason` (NULL:
 * "terminated"; cut at 1000 bytes) is the run's failure; its status is "terminated", and
 * dur_execute() gives DUR_TERMINATED. DUR_REPLAYED: it was terminated before.
 */
DUR_API int dur_terminate(dur_log *log, const char *run_id, const char *reason);

/* Delete a run that has ended, with the children that it calls and its signals. DUR_NOT_ENDED: it
 * has not, or something open refers to it, whose name is in the message; see dur_retain(). What it
 * has started, and the runs of its chain before it, stay: where a new run is to have its id, delete
 * these first, or that one will find its children's ids taken (DUR_CONFLICT). */
DUR_API int dur_delete(dur_log *log, const char *run_id);

/* Which runs that have ended are deleted. Start from DUR_RETENTION_INIT. */
typedef struct dur_retention {
    size_t size;
    const char *workflow;  /* only runs of this one. NULL: of any */
    int64_t older_than_ms; /* those that ended so long ago, or longer. 0: all */
    int64_t keep;          /* but not the last so many that ended. 0: none is kept for that */
    int64_t max_runs;      /* at most so many in this call. 0: 100 */
} dur_retention;

#define DUR_RETENTION_INIT {sizeof(dur_retention), DUR_NIL_, 0, 0, 0}

/*
 * Delete runs that have ended, the longest ended first, in one commit; called again until *deleted
 * (may be NULL) is less than max_runs. Never one that something open refers to: whose parent, whose
 * started child, or whose successor or restart has not ended (those that it calls go with it).
 * What it costs to pass over these is paid once for all batches of one log that follow each other.
 * The space in the file is used again by what is recorded next. DUR_OK, DUR_MISUSE (negative
 * numbers) or a database code.
 */
DUR_API int dur_retain(dur_log *log, const dur_retention *retention, int64_t *deleted);

/* Start from DUR_RESTART_OPTIONS_INIT. */
typedef struct dur_restart_options {
    size_t size;
    int64_t replace_at;  /* the result recorded at this position becomes `value` in the copy; it
                          * must lie before the restart. 0: none is replaced */
    dur_value value;     /* of a position that is replaced; else null */
    bool with_signals;   /* copy the signals that the run has not received, with their keys */
    const char *queue;   /* NULL: that of the run */
} dur_restart_options;

#define DUR_RESTART_OPTIONS_INIT                                                                   \
    {sizeof(dur_restart_options), 0, {DUR_NULL, {0}, 0}, false, DUR_NIL_}

/*
 * Start a new run that shares what `run_id`, ended, parked or living, has recorded before
 * `position` (1: nothing but the input), and goes on from there: to mend a run that went wrong, or
 * to see what would have been if a step had answered otherwise. The rows are copied in one commit,
 * or as a part of the host's transaction; the run they are copied from is not touched, and goes on
 * if it lives. The new run has the workflow, input and priority of the other one, its own uid, so
 * its steps have their own keys; no parent, no deadline, no request to end, and is due at once.
 * `options` may be NULL.
 *
 * Children that it calls are copied where they have ended before that position, and are then called
 * after the new run; one that was given an id of its own is not (its outcome is). A started child's
 * outcome is copied where it was awaited. What had no outcome before that position (a wait, an
 * attempt, an intent, an open callback or started child) is not copied: the new run begins it anew,
 * with its own token and its own child, for which an id of its own is taken already: DUR_CONFLICT
 * then. Undo and cancellation are not copied, nor what stands behind them, even if `position` does:
 * a run that was asked to end goes on where it heard of it. The keys of signals that were received
 * before that position are taken in the new run, too. What is begun anew may have begun before: no
 * body knows of the attempts of the other run.
 *
 * A replaced value is not checked: one that does not fit its variable is DUR_MISMATCH when it is
 * replayed. It may be the result of a step, a receive, a callback or a child, but neither a failure
 * or timeout, nor what has no value to be replaced: a sleep, a select, a patch, a batch.
 *
 * DUR_OK; DUR_REPLAYED: the new run is there, as this restart has made it (signals apart);
 * DUR_CONFLICT: it is there and another one, so is a run of the id that a copied child would have,
 * or `run_id` is a child that its parent calls; DUR_NOT_FOUND: there is no such run; DUR_MISUSE: a
 * position below 1 or more than one behind the last that is recorded, a replaced one that is no
 * such result before the restart; DUR_TOO_BIG or a database code.
 */
DUR_API int dur_restart(dur_log *log, const char *run_id, const char *new_run_id, int64_t position,
                        const dur_restart_options *options);

/* ==== Recorded logs ========================================================================= */

/* A recorded step, as dur_visit_steps() shows it. */
typedef struct dur_recorded_step {
    int64_t position;
    const char *kind; /* as in durable_steps_view */
    const char *name;
    int outcome;      /* DUR_OK, DUR_FAILED (the value is the message) or DUR_TIMED_OUT */
    dur_value value;
    int64_t attempt;
    int64_t began_ms; /* Unix ms */
    int64_t took_ms;
    uint64_t fingerprint; /* 0: none */
    const char *site;     /* "file.c:12", or "" */
} dur_recorded_step;

/* 0: go on; anything else ends the visit. The step lives until it returns. It must not call the log
 * (DUR_MISUSE). */
typedef int dur_step_visitor(const dur_recorded_step *step, void *user);

/* Visit the recorded steps of a run in order, from `from` on (0 and 1: from the first). DUR_OK,
 * DUR_NOT_FOUND, DUR_MISUSE, DUR_CORRUPT, DUR_MISMATCH (an object of another machine) or a database
 * code. */
DUR_API int dur_visit_steps(dur_log *log, const char *run_id, int64_t from,
                            dur_step_visitor *visit, void *user);

/*
 * An exported log is text: one JSON object (RFC 8259) a line, lines that end with a newline, in a
 * stable order, so that git shows what has changed. It holds everything: importing and exporting
 * again gives the same bytes. Members stand in the order given here, without blanks; those in
 * brackets are left out where they have nothing to say. Times are Unix ms.
 *
 *   {"durable":1}
 *                    the first line: the version of the format
 *   {"queue":NAME,"max_active":…,"max_active_process":…,"interval_us":…}
 *                    limits of a queue; in a whole log only
 *   {"run":ID,"uid":…,"workflow":…,"status":…[,"paused":true][,"cancelling":true]
 *    ,"behaviour":…[,"code_version":TEXT][,"parent":ID,"called_at":…][,"called":true]
 *    [,"on_parent_end":…],"queue":…,"priority":…[,"due":…][,"awaits":[…]][,"deadline":…]
 *    ,"created":…[,"ended":…],"epoch":…,"claims":…[,"generation":…][,"origin":ID]
 *    [,"restarted_at":…],"input":VALUE[,"output":VALUE][,"failure":TEXT]}
 *                    a run; its steps, what is pending and its signals follow, then its children in
 *                    order of called_at, each with all of this. A run that somebody holds is
 *                    exported as running, and due. Status as in durable_runs_view; on_parent_end is
 *                    "cancel" or "leave"; in awaits, the position of a callback stands for its name
 *   {"step":POSITION,"kind":…,"name":…,"outcome":…,"value":VALUE,"low":…,"epoch":…
 *    ,"attempt":…,"began":…,"took":…[,"fingerprint":…][,"site":TEXT]}
 *                    kind and outcome as in durable_steps_view; a fingerprint is 16 hex digits
 *   {"pending":POSITION,"kind":…,"name":…[,"intent":…],"attempt":…,"began":…[,"due":…]
 *    [,"deadline":…],"interval":…,"choice":…,"value":VALUE[,"failure":TEXT]}
 *                    intent is "begun", or a person's answer: "result" or "failure"
 *   {"signal":NAME[,"callback":POSITION][,"key":…],"value":VALUE[,"failure":TEXT],"sent":…
 *    [,"received_at":…]}
 *                    to a callback or from a started child: the position instead of the name, which
 *                    is then null
 *   {"end":LINES}    the last line: how many there are, this one included
 *
 * A VALUE is null, an integer, a text, or an object with one member:
 *   {"real":"…"}     a double in hexadecimal ("0x1.8p+1"), or "nan" and its 16 hex digits
 *                    ("nan:7ff8000000000000"), "infinity", "-infinity"
 *   {"unsigned":"…"} an integer above 9223372036854775807, in decimal
 *   {"text":"…"}     text that is no UTF-8 or has NUL bytes, in hexadecimal
 *   {"blob":"…"}     bytes in hexadecimal
 *   {"little32":"…"} an object, likewise, of a machine of this byte order and word size: also
 *                    little64, big32, big64
 * and a TEXT a text, or {"text":"…"}, without NUL bytes. Hex digits are in lower case.
 *
 * What is read may have its members in another order, but for the first one of each line, and
 * blanks between them; lines may end with "\r\n", and the last one without. Nothing else: what a
 * line does not need, has not got, or has twice is refused.
 */

/* What a value that is exported belongs to. */
typedef struct dur_exported {
    const char *run_id;
    const char *workflow;
    const char *what; /* "input", "output", "failure", "step", "pending", "signal" */
    const char *name; /* of the step or the signal, a failed or rejecting one too; else "" */
    int64_t position; /* of the step, or of a signal's callback; else 0 */
} dur_exported;

/* Start from DUR_EXPORT_OPTIONS_INIT. */
typedef struct dur_export_options {
    size_t size;
    /* Called with each value but nulls, and with each failure's message as a text, before it is
     * written; puts another value into *value to hide it (of a failure, a text in UTF-8, else the
     * export is DUR_MISUSE). Its bytes must live until the line is written. It must not call the
     * log. A value of another type will not replay. NULL: everything is exported as it is. */
    void (*redact)(const dur_exported *what, dur_value *value, void *user);
    void *user;
} dur_export_options;

#define DUR_EXPORT_OPTIONS_INIT {sizeof(dur_export_options), DUR_NIL_, DUR_NIL_}

/* Takes one line, with its newline, which lives until it returns; 0: go on. Anything else ends the
 * export with DUR_STOPPED. It must not call the log. */
typedef int dur_write_fn(const char *line, size_t length, void *user);

/*
 * Export a run with its children, or the whole log (run_id NULL), as it stands at one moment. Of a
 * child that its parent calls: DUR_CONFLICT; a child that was started is exported without its
 * parent. `options` may be NULL. dur_export_file() writes a new file; dur_export_database() a new
 * SQLite database with a log of the same runs, for which redaction works alike. A file that is
 * there is DUR_CONFLICT, and stays as it is; one that could not be completed is removed. The log is
 * being read until the last line is written: with a rollback journal nobody writes meanwhile, in
 * WAL mode everybody may. The lines that batches record of themselves are not redacted. DUR_OK,
 * DUR_NOT_FOUND, DUR_IOERR, DUR_MISUSE, DUR_CORRUPT (a row that could not be imported) or another
 * database code.
 */
DUR_API int dur_export(dur_log *log, const char *run_id, const dur_export_options *options,
                       dur_write_fn *write, void *user);
DUR_API int dur_export_file(dur_log *log, const char *run_id, const dur_export_options *options,
                            const char *path);
DUR_API int dur_export_database(dur_log *log, const char *run_id,
                                const dur_export_options *options, const char *path);

/*
 * Import what was exported, in one transaction, or as a part of the host's: everything or nothing.
 * The runs keep their ids and uids, so their keys; nobody holds them, and workers take up what is
 * due: see to it that they do not live on where they came from. Tokens of callbacks that were
 * handed out there name no run here. dur_import_file() takes a file of either form.
 *
 * DUR_OK; DUR_INVALID: it is no exported log, or a damaged one; the message tells the line, and
 * what was expected; DUR_CONFLICT: a run of that id is there; DUR_VERSION_TOO_NEW: a newer
 * version of the format, or of the library's behaviour; DUR_UNSUPPORTED: this SQLite has no JSON
 * functions; DUR_IOERR: the file cannot be read; DUR_TOO_BIG, DUR_MISUSE or a database code.
 */
DUR_API int dur_import(dur_log *log, const char *text, size_t length);
DUR_API int dur_import_file(dur_log *log, const char *path);

/*
 * A log in memory, in a connection of its own, which dur_close() closes: of what was exported to
 * `path`, in either form; NULL: an empty one, for dur_import(). `options` may be NULL. *log and the
 * codes as for dur_open() and dur_import_file().
 */
DUR_MUST_CHECK DUR_API int dur_open_recording(const char *path, const dur_options *options,
                                              dur_log **log);

/* ---- Replay checks ------------------------------------------------------------------------- */

/* How much a check compares. */
enum {
    DUR_CHECK_NAMES = 0,  /* as replay does: kinds and names, and that values fit variables */
    DUR_CHECK_INPUTS = 1, /* and the fingerprints of steps that have one on both sides */
    DUR_CHECK_SIZES = 2   /* and, of an ended run, its output's or failure's type and size; of a
                           * recorded child that it calls or starts, its input's */
};

/* What a check came to. */
typedef enum dur_verdict {
    DUR_FITS_ENDED = 1,  /* the run has ended, and the code comes to the same end */
    DUR_FITS_SO_FAR = 2, /* all that is recorded (or was to be checked) fits; the code would go on
                          * at dur_report_position() */
    DUR_DIVERGES = 3,    /* it does not fit: see dur_report_divergence() */
    DUR_UNKNOWN = 4,     /* of dur_replay_check_all(): no function is registered for it */
    DUR_UNREADABLE = 5   /* the log is damaged, or cannot be read here: see the text */
} dur_verdict;

/* A report, to be freed by dur_free_report(). */
typedef struct dur_report dur_report;

/* Start from DUR_CHECK_OPTIONS_INIT. */
typedef struct dur_check_options {
    size_t size;
    const char *run_id; /* NULL: the only run of the workflow that is no child; if there are
                         * several, DUR_MISUSE. Not for dur_replay_check_all() */
    int strictness;     /* DUR_CHECK_NAMES, … */
    int64_t until;      /* check no further than this position. 0: all that is recorded */
    /* dur_replay_check_all() tells each run's report, which lives until it returns. It must not
     * call the log. NULL: nobody is told. */
    void (*checked)(const dur_report *report, void *user);
    void *user;         /* given to `checked` */
} dur_check_options;

#define DUR_CHECK_OPTIONS_INIT                                                                     \
    {sizeof(dur_check_options), DUR_NIL_, DUR_CHECK_NAMES, 0, DUR_NIL_, DUR_NIL_}

/*
 * Run a workflow function against what is recorded, and see whether it fits, without executing a
 * body or writing a byte: where the log has no answer, the check ends. Values, times and ids come
 * from the record. Children that it calls are checked with it, branches one after the other, also
 * where an executor is given; what stands behind a step that was begun and has no row (of several
 * open at once) is not. `workflow` NULL: whatever its name. `options` may be NULL. *report is set
 * where there is a verdict, and NULL where there is none.
 *
 * DUR_OK: it fits. DUR_DIVERGED, DUR_MISMATCH: it does not. DUR_NOT_FOUND: there is no such run.
 * DUR_CONFLICT (a run of another workflow, or a child that its parent calls), DUR_CORRUPT,
 * DUR_VERSION_TOO_NEW and misuse in the workflow: it cannot be read or checked. DUR_MISUSE,
 * DUR_NOMEM or a database code, without a report: there is no verdict.
 *
 *     if (dur_open_recording("order-42.jsonl", NULL, &log) == DUR_OK &&
 *         dur_replay_check(log, "order", NULL, order_workflow, shop, &report) != DUR_OK)
 *         puts(dur_report_text(report));
 *
 * For unit tests with cmocka there is durable_cmocka.h: dur_assert_replays(), and assertions about
 * what is recorded.
 */
DUR_API int dur_replay_check(dur_log *recorded, const char *workflow,
                             const dur_check_options *options, dur_workflow *fn, void *user,
                             dur_report **report);

/*
 * The same for every run of the log that has not ended and is no called child, with the functions
 * that are registered on it (see dur_register): before a deploy, with the new program, on a log
 * opened with dur_options.read_only, beside the old program that goes on working. `until` is not
 * used. DUR_OK: all fit, or are unknown; DUR_DIVERGED: some do not; the report's text names the
 * first hundred. Unreadable runs are counted, too: DUR_CORRUPT where nothing diverges.
 */
DUR_API int dur_replay_check_all(dur_log *log, const dur_check_options *options,
                                 dur_report **report);

/* The verdict; of dur_replay_check_all() the worst: DUR_DIVERGES, DUR_UNREADABLE, DUR_UNKNOWN,
 * DUR_FITS_SO_FAR. NULL: DUR_UNREADABLE. */
DUR_API dur_verdict dur_report_verdict(const dur_report *report);

/* All of it for people, in some lines; NULL gives "no report". This and what the others point to
 * lives until the report is freed. */
DUR_API const char *dur_report_text(const dur_report *report);

/* The run; "" for NULL and of dur_replay_check_all(). */
DUR_API const char *dur_report_run_id(const dur_report *report);

/* The position at which the code would go on, or does not fit; else 0. */
DUR_API int64_t dur_report_position(const dur_report *report);

/* NULL where nothing diverges. */
DUR_API const dur_divergence *dur_report_divergence(const dur_report *report);

/* How many runs came to this verdict. */
DUR_API int64_t dur_report_count(const dur_report *report, dur_verdict verdict);

/* NULL is harmless. */
DUR_API void dur_free_report(dur_report *report);

/* ---- A test bench for workflows ------------------------------------------------------------ */

/*
 * A test bench executes workflows as they are, with a clock that jumps to the next deadline, so
 * that a year takes a millisecond; with steps whose outcome a test has scripted; with signals at
 * given times, and crashes. One thread, one log, random numbers from a seed.
 *
 *     if (dur_testbench_open(NULL, NULL, &bench) != DUR_OK) return 0;
 *     dur_testbench_register(bench, "order", order_workflow, shop);
 *     script.failures = 2;
 *     script.value = dur_integer(4711);
 *     dur_testbench_script(bench, "charge", &script);
 *     dur_testbench_signal_at(bench, dur_testbench_now(bench) + 86400000, "42", "approved",
 *                             dur_null());
 *     return dur_testbench_run(bench, "order", "42", NULL);
 */
typedef struct dur_testbench dur_testbench;

/* Start from DUR_TESTBENCH_OPTIONS_INIT. */
typedef struct dur_testbench_options {
    size_t size;
    const dur_options *log; /* for the log; its clock, random source, sleep and owner_alive are
                             * replaced, and nothing is slept through. NULL: none */
    int64_t start_ms;       /* when the clock begins, Unix ms. 0: 2000-01-01 00:00:00 UTC */
    uint64_t seed;          /* of the random source; the same seed draws the same. 0: 1 */
    bool always_replay;     /* end the pass before each body but the first one, and execute the run
                             * again: every step is replayed as early as can be */
    int64_t max_passes;     /* of one dur_testbench_run(). 0: 100000 */
} dur_testbench_options;

#define DUR_TESTBENCH_OPTIONS_INIT {sizeof(dur_testbench_options), DUR_NIL_, 0, 0, false, 0}

/*
 * Open a bench on a connection of the host's, for workflows with SQL of their own, or (NULL) on one
 * of its own in memory. It is closed before that connection. *bench is NULL only without memory;
 * after another error dur_errmsg(dur_testbench_log(…)) tells the reason. Codes as for
 * dur_open().
 */
DUR_MUST_CHECK DUR_API int dur_testbench_open(struct sqlite3 *db,
                                              const dur_testbench_options *options,
                                              dur_testbench **bench);
/* NULL is harmless. While dur_testbench_run() is in it, that closes it when it returns. */
DUR_API void dur_testbench_close(dur_testbench *bench);

/* The bench's log, for reading, sending, exporting, checking, which the bench closes. It is another
 * one after each crash: ask again. dur_work() is refused: the bench works. NULL gives NULL. */
DUR_API dur_log *dur_testbench_log(dur_testbench *bench);

/* The bench's time, Unix ms; and to let time pass. It does not go back: a negative or smaller one
 * changes nothing. NULL: 0. */
DUR_API int64_t dur_testbench_now(const dur_testbench *bench);
DUR_API void dur_testbench_set_time(dur_testbench *bench, int64_t time_ms);

/* As dur_register(), for every log that the bench opens. */
DUR_API int dur_testbench_register(dur_testbench *bench, const char *workflow, dur_workflow *fn,
                                   void *user);

/* What a step, or a callback, of some name comes to. Start from DUR_SCRIPT_INIT: it succeeds at
 * once, with null. */
typedef struct dur_script {
    size_t size;
    const char *run_id;    /* only in this run. NULL: in any. Of several scripts for a step, the one
                            * that was set last counts */
    int64_t takes_ms;      /* so long each attempt takes, or until the callback is answered */
    int64_t beats_ms;      /* until then the callback's other side gives a sign of life this often.
                            * 0: none */
    int64_t failures;      /* so many attempts fail first; -1: all */
    const char *failure;   /* their message. NULL: "scripted failure" */
    dur_value value;       /* what it comes to at last; dur_integer() for an int, and so on: it has
                            * to fit the step's variable. Copied */
    bool never;            /* it does not answer. A step's process is killed in the body when the
                            * claim has ended, at each attempt; a callback is left open */
    bool executes;         /* at last the body itself runs, instead of giving `value` */
    bool undoes;           /* it is for what undoes the steps of the name, and not for them */
} dur_script;

#define DUR_SCRIPT_INIT                                                                            \
    {sizeof(dur_script), DUR_NIL_, 0, 0, 0, DUR_NIL_, {DUR_NULL, {0}, 0}, false, false, false}

/*
 * Script the steps, undo steps or callbacks of this name. Attempts are counted for each script over
 * all its steps, in the order in which they are made; each callback is one. A scripted body is not
 * run; everything else happens as ever: records, retries, intents, deadlines, verify functions.
 * Steps without a script run. A script for the same name and run takes the place of the one before;
 * NULL takes all scripts of the name away. It counts for bodies and callbacks that are come to
 * later. What a batch's executor has on other logs is none of the bench's. DUR_OK, DUR_MISUSE,
 * DUR_NOMEM.
 */
DUR_API int dur_testbench_script(dur_testbench *bench, const char *name, const dur_script *script);

/* Send a signal when the bench's clock has come to a time: before anything else that is due then,
 * and in the order of these calls where their times are equal. One that cannot be sent then (the
 * run is not there yet, or has ended) ends dur_testbench_run() with that code. The value is copied.
 * DUR_OK, DUR_MISUSE, DUR_NOMEM. */
DUR_API int dur_testbench_signal_at(dur_testbench *bench, int64_t time_ms, const char *run_id,
                                    const char *name, dur_value value);

/* The process dies before or after it commits its n-th record (the outcome of a step or a wait;
 * counted from 1, from this call on, over all runs); all that is open is rolled back, and the bench
 * goes on with a new log, as after a restart. Until the workflow's function has returned its code
 * still runs, as nothing can be done about that here: the run is stopped with DUR_LOST, no body
 * begins, and nothing is written. Steps that wait for a shared commit are lost with it. Several may
 * be set. DUR_OK, DUR_MISUSE, DUR_NOMEM. */
enum { DUR_CRASH_BEFORE = 0, DUR_CRASH_AFTER = 1 };
DUR_API int dur_testbench_crash(dur_testbench *bench, int when, int64_t record);

/*
 * Start the run, if it is not there, and let the bench work until it has ended: everything that is
 * due is executed, by priority, in whatever queue, started children too (register their workflows);
 * then the clock jumps to the next time at which something becomes due. A pass that dur_stop() has
 * ended is made again as by a worker. A parked run is executed first, as by hand.
 *
 * Returns what dur_execute() would: DUR_OK, DUR_FAILED, … of a run that has ended, now or before;
 * DUR_SUSPENDED where nothing is known that could wake it, or max_passes are made; DUR_DIVERGED,
 * DUR_PARKED, …, where a pass of this run has stopped so: call again to go on. The reason is in
 * dur_errmsg(dur_testbench_log(bench)). Trouble of other runs is told to dur_options.warn, and in
 * the reason of DUR_SUSPENDED. Neither from a workflow nor in a transaction of the host's
 * (DUR_MISUSE).
 */
DUR_MUST_CHECK DUR_API int dur_testbench_run(dur_testbench *bench, const char *workflow,
                                             const char *run_id, const dur_start_options *start);

/* How many bodies of steps of this name were entered, scripted ones included; all where `name` is
 * NULL. How many passes were made, how many crashes happened. NULL: 0. */
DUR_API int64_t dur_testbench_bodies(const dur_testbench *bench, const char *name);
DUR_API int64_t dur_testbench_passes(const dur_testbench *bench);
DUR_API int64_t dur_testbench_crashes(const dur_testbench *bench);

/* ==== Under DUR_STEP: nothing below is for direct use ======================================= */

enum {
    DUR_VAR_NONE_ = 0,
    DUR_VAR_SIGNED_,
    DUR_VAR_UNSIGNED_,
    DUR_VAR_BOOL_,
    DUR_VAR_REAL_,
    DUR_VAR_TEXT_,
    DUR_VAR_CHARS_,
    DUR_VAR_VALUE_,
    DUR_VAR_OBJECT_
};

typedef struct dur_scope_ {
    dur_run *run;
    dur_step *step; /* NULL: the body does not run (any more) */
    void *variable;
    size_t size;
    int type;
} dur_scope_;

DUR_API dur_scope_ dur_scope_begin_(dur_run *run, const char *name, void *variable, size_t size,
                                    int type, const dur_step_options *options, const char *file,
                                    int line);
DUR_API void dur_scope_end_(dur_scope_ *scope);
DUR_API const dur_step_options *dur_transactional_(void);

#ifdef __cplusplus
} /* extern "C" */

template <class T> T *dur_own(dur_run *run, T *memory, void (*free_fn)(void *))
{
    return static_cast<T *>(dur_own(run, static_cast<void *>(memory), free_fn));
}

template <class T, bool is_enum = std::is_enum<T>::value> struct dur_underlying_ {
    typedef T type;
};

template <class T> struct dur_underlying_<T, true> {
    typedef typename std::underlying_type<T>::type type;
};

template <class T> struct dur_var_type_ {
    typedef typename dur_underlying_<T>::type number;
    static_assert(!std::is_pointer<T>::value && !std::is_member_pointer<T>::value,
                  "DUR_STEP: use const char * for text, a dur_value for bytes, or the object "
                  "itself");
    static_assert(std::is_trivially_copyable<T>::value,
                  "DUR_STEP: the variable must be trivially copyable");
    static const int value = std::is_same<number, bool>::value      ? DUR_VAR_BOOL_
                             : std::is_same<T, dur_value>::value    ? DUR_VAR_VALUE_
                             : std::is_same<T, float>::value        ? DUR_VAR_REAL_
                             : std::is_same<T, double>::value       ? DUR_VAR_REAL_
                             : !std::is_integral<number>::value     ? DUR_VAR_OBJECT_
                             : (sizeof(number) > 8)                 ? DUR_VAR_OBJECT_
                             : std::is_signed<number>::value        ? DUR_VAR_SIGNED_
                                                                    : DUR_VAR_UNSIGNED_;
};

template <> struct dur_var_type_<const char *> {
    static const int value = DUR_VAR_TEXT_;
};

template <size_t n> struct dur_var_type_<char[n]> {
    static const int value = DUR_VAR_CHARS_;
};

#define DUR_VAR_TYPE_(variable)                                                                    \
    (dur_var_type_<typename std::remove_reference<decltype((variable))>::type>::value)
#define DUR_VAR_SIZE_(variable) sizeof(variable)

#else /* C */

#define DUR_CHAR_TYPE_ (CHAR_MIN < 0 ? DUR_VAR_SIGNED_ : DUR_VAR_UNSIGNED_)

/* The address keeps what a value would lose: a char array stays one and does not become a char *.
 * An enum is compatible with one of the integer types. */
#define DUR_VAR_TYPE_(variable)                                                                    \
    _Generic(&(variable),                                                                          \
             _Bool *: DUR_VAR_BOOL_,                                                               \
             char *: DUR_CHAR_TYPE_,                                                               \
             signed char *: DUR_VAR_SIGNED_,                                                       \
             unsigned char *: DUR_VAR_UNSIGNED_,                                                   \
             short *: DUR_VAR_SIGNED_,                                                             \
             unsigned short *: DUR_VAR_UNSIGNED_,                                                  \
             int *: DUR_VAR_SIGNED_,                                                               \
             unsigned int *: DUR_VAR_UNSIGNED_,                                                    \
             long *: DUR_VAR_SIGNED_,                                                              \
             unsigned long *: DUR_VAR_UNSIGNED_,                                                   \
             long long *: DUR_VAR_SIGNED_,                                                         \
             unsigned long long *: DUR_VAR_UNSIGNED_,                                              \
             float *: DUR_VAR_REAL_,                                                               \
             double *: DUR_VAR_REAL_,                                                              \
             const char **: DUR_VAR_TEXT_,                                                         \
             char(*)[sizeof(variable)]: DUR_VAR_CHARS_,                                            \
             dur_value *: DUR_VAR_VALUE_,                                                          \
             default: DUR_VAR_OBJECT_)

/* A pointer is told from an array, which decays to one, by the comma operator: it changes the
 * type of an array and leaves that of a pointer. 5 is GCC's class of pointers. */
#if defined(__GNUC__)
#define DUR_IS_POINTER_(variable)                                                                  \
    (__builtin_classify_type(variable) == 5 &&                                                     \
     __builtin_types_compatible_p(__typeof__(variable), __typeof__(((void)0, (variable)))) &&      \
     !__builtin_types_compatible_p(__typeof__(variable), const char *))
#define DUR_VAR_SIZE_(variable)                                                                    \
    (sizeof(variable) +                                                                            \
     0 * sizeof(struct {                                                                           \
         _Static_assert(!DUR_IS_POINTER_(variable),                                                \
                        "DUR_STEP: use const char * for text, a dur_value for bytes, or the "      \
                        "object itself");                                                          \
         char unused;                                                                              \
     }))
#else
#define DUR_VAR_SIZE_(variable) sizeof(variable)
#endif
#endif /* C */

#define DUR_JOIN2_(a, b) a##b
#define DUR_JOIN_(a, b) DUR_JOIN2_(a, b)
#define DUR_EXPAND_(x) x
#define DUR_PICK_(a, b, c, d, macro, ...) macro

#define DUR_SCOPE_(run, name, address, size, type, options)                                        \
    for (dur_scope_ DUR_JOIN_(dur_scope_at_, __LINE__) =                                           \
             dur_scope_begin_((run), (name), (address), (size), (type), (options), __FILE__,       \
                              __LINE__);                                                           \
         DUR_JOIN_(dur_scope_at_, __LINE__).step != DUR_NIL_;                                      \
         dur_scope_end_(&DUR_JOIN_(dur_scope_at_, __LINE__)))

#define DUR_STEP_VOID(run, name, options)                                                          \
    DUR_SCOPE_(run, name, DUR_NIL_, 0, DUR_VAR_NONE_, options)
#define DUR_TX_OPTIONS_ (dur_transactional_())
#define DUR_TX_STEP2_(run, name) DUR_STEP_VOID(run, name, DUR_TX_OPTIONS_)
#define DUR_TX_STEP3_(run, name, variable) DUR_STEP4_(run, name, variable, DUR_TX_OPTIONS_)
#define DUR_TX_STEP(...)                                                                           \
    DUR_EXPAND_(DUR_PICK_(__VA_ARGS__, dur_tx_step_takes_no_options, DUR_TX_STEP3_, DUR_TX_STEP2_, \
                          dur_step_needs_a_run_and_a_name, 0)(__VA_ARGS__))
#define DUR_STEP2_(run, name) DUR_STEP_VOID(run, name, DUR_NIL_)
#define DUR_STEP3_(run, name, variable) DUR_STEP4_(run, name, variable, DUR_NIL_)
#define DUR_STEP4_(run, name, variable, options)                                                   \
    DUR_SCOPE_(run, name, &(variable), DUR_VAR_SIZE_(variable), DUR_VAR_TYPE_(variable), options)
#define DUR_STEP(...)                                                                              \
    DUR_EXPAND_(DUR_PICK_(__VA_ARGS__, DUR_STEP4_, DUR_STEP3_, DUR_STEP2_,                         \
                          dur_step_needs_a_run_and_a_name, 0)(__VA_ARGS__))

#endif /* DURABLE_H */
