/*
 * examples: event loop, durable runs inside a loop that belongs to the host.
 *
 * Introduces the usage of: dur_work with a budget and next_wake_ms as the timeout of poll().
 *
 *     10_event_loop [DATABASE]        default: loop.db in the current directory, made anew
 *
 * A vending machine. Its keypad is a pipe, and all that it does happens in one poll() loop: read
 * what was typed, let the library do what is due, sleep until there is input or the library wants
 * to be called again. dur_work() never waits itself, so it fits into any loop: hand next_wake_ms to
 * epoll_wait(), uv_timer_start(), g_timeout_add() or SetTimer() just as well.
 *
 * Who orders a drink starts a run; who pays sends that run a signal; who does not pay in time is
 * met by its timer. Pull the plug in between: the runs go on when the machine is started again.
 *
 * A child process plays the customer, who types a line and waits for the display. Prints
 *
 *     display: tea, please pay
 *     display: tea is paid, the water is heated
 *     display: tea, here you are
 *     display: coffee, please pay
 *     display: coffee is cancelled
 *     2 runs, all ended
 *
 * POSIX only: poll(), pipe() and fork().
 */
#define _XOPEN_SOURCE 700
#include <durable.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct machine {
    dur_log *log;
    int keypad; /* read end; -1 once the customer has gone */
    FILE *display;
    char typed[256]; /* of a line that is not complete */
    size_t length;
} machine;

/* ---- The workflow --------------------------------------------------------------------------- */

static void show(machine *box, const char *format, const char *word)
{
    fprintf(box->display, format, word);
    fputc('\n', box->display);
}

/* The input is how long the machine is patient, in ms. */
static int sell(dur_run *run, void *user)
{
    machine *box = user;
    const char *drink = dur_run_id(run);
    int paid;

    DUR_STEP(run, "ask") { show(box, "%s, please pay", drink); }
    paid = dur_receive(run, "payment", dur_input(run).as.integer, NULL);
    if (paid == DUR_TIMED_OUT)
        DUR_STEP(run, "cancel") { show(box, "%s is cancelled", drink); }
    if (paid != DUR_OK)
        return 0; /* cancelled; or suspended, or stopped by an error */

    DUR_STEP(run, "heat") { show(box, "%s is paid, the water is heated", drink); }
    if (dur_sleep(run, "until-it-boils", 50) != DUR_OK)
        return 0;
    DUR_STEP(run, "serve") { show(box, "%s, here you are", drink); }
    return 0;
}

/* ---- The loop of the host ------------------------------------------------------------------- */

/* One line of input: "order DRINK PATIENCE_MS" or "pay DRINK". What cannot be done is told to the
 * customer; where the database itself is to blame, dur_work() will fail, too. */
static void obey(machine *box, const char *line)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    int code = DUR_OK, patience_ms;
    char drink[32];

    if (sscanf(line, "order %31s %d", drink, &patience_ms) == 2 && patience_ms >= 0) {
        start.input = dur_integer(patience_ms);
        code = dur_start(box->log, "sell", drink, &start);
    } else if (sscanf(line, "pay %31s", drink) == 1) {
        code = dur_signal(box->log, drink, "payment", dur_null(), NULL);
    }
    if (code == DUR_NOT_FOUND || code == DUR_ENDED)
        show(box, "nobody waits for money for %s", drink);
    else if (code < 0)
        show(box, "sorry: %s", dur_errmsg(box->log));
}

/* There is input, or its end. */
static void read_keypad(machine *box)
{
    ssize_t got = read(box->keypad, box->typed + box->length, sizeof box->typed - 1 - box->length);
    char *line = box->typed, *end;

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0) {
        box->keypad = -1; /* poll() takes no notice of a negative descriptor */
        return;
    }
    box->length += (size_t)got;
    box->typed[box->length] = '\0';
    for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        obey(box, line);
    }
    box->length = strlen(line);
    if (box->length == sizeof box->typed - 1)
        box->length = 0; /* no line is that long */
    memmove(box->typed, line, box->length);
}

static void complain(const char *workflow, const char *run_id, int code, const char *message,
                     void *user)
{
    (void)workflow;
    (void)user;
    if (code != DUR_OK && code != DUR_SUSPENDED)
        fprintf(stderr, "%s: %s: %s\n", run_id, dur_code_name(code), message);
}

/*
 * The whole event loop. Work is done in slices of 10 ms, so that a pile of due runs does not keep
 * the keypad waiting: where the budget ends before the work, next_wake_ms is 0, and poll() only
 * looks. -1 is "for ever" to both. Where other processes write to the file, cap the timeout, so
 * that what they start is seen. A database that they have locked for too long is no reason to end.
 */
static int serve(machine *box)
{
    dur_work_options work = DUR_WORK_OPTIONS_INIT;
    int code = DUR_OK;

    work.budget_ms = 10;
    work.passed = complain;
    while (code == DUR_OK) {
        struct pollfd input = {box->keypad, POLLIN, 0};
        int64_t next_wake_ms;

        code = dur_work(box->log, &work, &next_wake_ms);
        if (code == DUR_BUSY) {
            code = DUR_OK;
            next_wake_ms = 100;
        }
        if (code != DUR_OK || (box->keypad < 0 && next_wake_ms < 0))
            break; /* an error; or nobody there, and nothing left to do */
        if (poll(&input, 1, next_wake_ms < INT_MAX ? (int)next_wake_ms : INT_MAX) > 0)
            read_keypad(box);
    }
    return code;
}

/* ---- The customer, and what is around ------------------------------------------------------- */

/* Type a line, then read the display until it shows `awaited`. */
static bool type(FILE *keypad, FILE *display, const char *line, const char *awaited)
{
    char shown[128];
    bool seen = false;

    fprintf(keypad, "%s\n", line);
    fflush(keypad);
    while (!seen && fgets(shown, sizeof shown, display)) {
        printf("display: %s", shown);
        seen = strncmp(shown, awaited, strlen(awaited)) == 0;
    }
    return seen;
}

/* Pays for the tea, and forgets to pay for the coffee. */
static int be_customer(int keypad_fd, int display_fd)
{
    FILE *keypad = fdopen(keypad_fd, "w"), *display = fdopen(display_fd, "r");
    bool good = keypad && display &&
                type(keypad, display, "order tea 600000", "tea, please pay") &&
                type(keypad, display, "pay tea", "tea, here you are") &&
                type(keypad, display, "order coffee 50", "coffee is cancelled");

    fflush(stdout);
    return good ? 0 : 1;
}

static int number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int result = -1;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        result = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return result;
}

static bool run_machine(const char *path, int keypad, int display)
{
    machine box = {NULL, keypad, fdopen(display, "w"), "", 0};
    dur_options options = DUR_OPTIONS_INIT;
    int code = DUR_DATABASE, ended = 0;
    sqlite3 *db;

    options.busy_wait_ms = 200; /* the default of 5 s is long for somebody at a keypad */
    if (sqlite3_open(path, &db) != SQLITE_OK || !box.display)
        fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
    else if ((code = dur_open(db, &options, &box.log)) == DUR_OK &&
             (code = dur_register(box.log, "sell", sell, &box)) == DUR_OK) {
        setvbuf(box.display, NULL, _IOLBF, BUFSIZ);
        code = serve(&box);
        ended = number(db, "SELECT count(*) FROM durable_runs_view WHERE status = 'completed'");
    }
    if (code != DUR_OK)
        fprintf(stderr, "%s: %s\n", dur_code_name(code), dur_errmsg(box.log));
    dur_close(box.log);
    sqlite3_close(db);
    if (box.display)
        fclose(box.display);
    return code == DUR_OK && ended == 2;
}

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : "loop.db";
    int keypad[2], display[2], status = 1;
    bool good;
    pid_t customer;

    remove(path);
    signal(SIGPIPE, SIG_IGN); /* a customer who goes away shall not take the machine with him */
    if (pipe(keypad) != 0 || pipe(display) != 0 || (customer = fork()) < 0) {
        perror("10_event_loop");
        return 1;
    }
    if (customer == 0) {
        close(keypad[0]);
        close(display[1]);
        _exit(be_customer(keypad[1], display[0]));
    }
    close(keypad[1]);
    close(display[0]);
    good = run_machine(path, keypad[0], display[1]);
    good = waitpid(customer, &status, 0) == customer && status == 0 && good;
    if (good)
        printf("2 runs, all ended\n");
    else
        fprintf(stderr, "that is not how a loop drives durable runs\n");
    return good ? 0 : 1;
}
