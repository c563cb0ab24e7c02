/*
 * examples: demo, the agent is killed again and again, and every step is done once.
 *
 * Introduces the usage of: a supervisor that starts a durable program until it is done, and plain
 * SQL on the log's own tables.
 *
 *     durable_demo [--seed N] [--kills N] [DIRECTORY]
 *
 * First the agent of 05_agent.c runs undisturbed, on durable_demo_quiet.db. Then it does the same
 * work on durable_demo_killed.db, but each start of it gets a SIGKILL after a random delay, until
 * it has had its number of kills; the last start may finish. Both databases are made anew in
 * DIRECTORY (default: the current one) and are left there to be looked at.
 *
 * What is printed is read from the databases: the library's log, and two tables of the programs'
 * own, `executions` (the agent: a step's body begins) and `attempts` (this program: a start and
 * its end). The exit code is 0 only if every check holds. POSIX only: fork() and kill().
 */
#define _XOPEN_SOURCE 700
#define AGENT_WITHOUT_MAIN
#include "05_agent.c" /* the very same agent */

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    MODEL_MS = 30,
    TOOL_MS = 25,
    DEFAULT_KILLS = 8,
    MOST_KILLS = 100,
    BAR_CELLS = 18,
    LABEL_CELLS = 44,
    MOST_ERRORS = 3,
    MOST_MISSES = 5
};

struct demo {
    const char *program; /* as it was called */
    uint64_t seed;
    uint64_t chance; /* state of the random numbers */
    int kills;
    const char *directory;
    bool colours;
};

/* One start of the agent and what became of it, as the database tells it. */
struct attempt {
    int number;
    int before; /* steps recorded when it began */
    int after;  /* and when it ended */
    int replayed;
    int executed;
    bool killed;
    bool finished;
    int64_t took_ms;
    char *where; /* "in ask-model #5"; for sqlite3_free() */
};

/* ---- Chance and time ------------------------------------------------------------------------ */

/* Sebastiano Vigna's splitmix64: one addition and a mix; good enough to pick moments. */
static double chance(struct demo *demo)
{
    uint64_t z = demo->chance += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0; /* 2^53 */
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_shortly(void)
{
    struct timespec half_a_ms = {0, 500000};

    nanosleep(&half_a_ms, NULL);
}

/* ---- One process: fork, wait, kill ---------------------------------------------------------- */

#ifndef __linux__
/* Elsewhere the library cannot see that the owner before was killed; this program knows. */
static int nobody_else(const char *owner_mark, void *user)
{
    (void)owner_mark;
    (void)user;
    return DUR_OWNER_DEAD;
}
#endif

static int be_agent(const char *path, int number)
{
    dur_options options = DUR_OPTIONS_INIT;
    agent desk = {NULL, stand_in_model, NULL, MODEL_MS, TOOL_MS, number, false};
    char *answer;

    desk.model = &desk;
#ifndef __linux__
    options.owner_alive = nobody_else;
#endif
    return start_agent(path, &options, &desk, &answer) == DUR_OK ? 0 : 1;
}

/* Start the agent in a process of its own; send SIGKILL after `delay_ms` (negative: never). */
static void run_agent(const char *path, struct attempt *attempt, int64_t delay_ms)
{
    int64_t began = now_ms();
    int status = 0;
    pid_t child, ended = 0;

    fflush(stdout);
    child = fork();
    if (child == 0)
        _exit(be_agent(path, attempt->number));
    if (child < 0) {
        perror("fork");
        exit(1);
    }
    while (delay_ms >= 0 && ended == 0 && now_ms() - began < delay_ms) {
        pause_shortly();
        ended = waitpid(child, &status, WNOHANG);
    }
    if (ended == 0 && delay_ms >= 0)
        kill(child, SIGKILL);
    while (ended == 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    attempt->took_ms = now_ms() - began;
    attempt->killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    attempt->finished = WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- Reading the databases ------------------------------------------------------------------ */

static sqlite3 *open_database(const char *path)
{
    sqlite3 *db;

    if (sqlite3_open(path, &db) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
        exit(1);
    }
    sqlite3_busy_timeout(db, 5000);
    return db;
}

/* The number that a query, made as by sqlite3_mprintf(), gives; 0 if it gives NULL, -1 if it does
 * not work, so that no check can pass by mistake. */
static int number(sqlite3 *db, const char *format, ...)
{
    sqlite3_stmt *statement = NULL;
    va_list arguments;
    int result = -1;
    char *sql;

    va_start(arguments, format);
    sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    if (sql && sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        result = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return result;
}

/* A start that was killed very soon has not even made the tables. */
static int or_none(int count)
{
    return count < 0 ? 0 : count;
}

/* Where an attempt ended: its last execution, and whether that step was recorded. */
static char *place(sqlite3 *db, const struct attempt *attempt)
{
    if (attempt->finished)
        return sqlite3_mprintf("finished");
    if (!attempt->killed)
        return sqlite3_mprintf("stopped by an error");
    if (attempt->executed == 0)
        return sqlite3_mprintf("killed while starting");
    return look_up(db, "SELECT 'killed ' || iif(position > %d, 'in ', 'after ') || step || ' #' ||"
                       " (SELECT count(DISTINCT position) FROM executions AS earlier"
                       "  WHERE earlier.step = last.step AND earlier.position <= last.position)"
                       " FROM executions AS last WHERE attempt = %d"
                       " ORDER BY position DESC LIMIT 1",
                   attempt->after, attempt->number);
}

/* Fill in what the database tells about an attempt, and note the attempt in it. The connection is
 * closed again before the next fork(). */
static void read_attempt(const char *path, struct attempt *attempt)
{
    sqlite3 *db = open_database(path);
    int first = number(db, "SELECT min(position) FROM executions WHERE attempt = %d",
                       attempt->number);

    attempt->after = or_none(number(db, "SELECT count(*) FROM durable_steps_view"));
    attempt->executed = or_none(number(db, "SELECT count(*) FROM executions WHERE attempt = %d",
                                       attempt->number));
    attempt->replayed = first > 0 ? first - 1 : attempt->finished ? attempt->before : 0;
    attempt->where = place(db, attempt);
    change(db, "CREATE TABLE IF NOT EXISTS attempts(attempt INTEGER PRIMARY KEY, before INT,"
               " after INT, replayed INT, killed INT, took_ms INT, ended TEXT);"
               "INSERT INTO attempts VALUES(%d, %d, %d, %d, %d, %lld, %Q)",
           attempt->number, attempt->before, attempt->after, attempt->replayed, attempt->killed,
           (long long)attempt->took_ms, attempt->where);
    sqlite3_close(db);
}

/* ---- Drawing -------------------------------------------------------------------------------- */

static void repeat(const char *cell, int times)
{
    while (times-- > 0)
        fputs(cell, stdout);
}

static const char *colour(const struct demo *demo, const char *code)
{
    return demo->colours ? code : "";
}

#define DIM "\033[2m"
#define GREEN "\033[32m"
#define RED "\033[31m"
#define PLAIN "\033[0m"

/* What is there gets a cell, however little it is. */
static int cells(int steps, int total)
{
    int share = steps * BAR_CELLS / total;

    return steps > 0 && share == 0 ? 1 : share;
}

/* One line: the run from left to right, what came from the log, what was executed, the end. */
static void draw_attempt(const struct demo *demo, const struct attempt *attempt, int total)
{
    int from = cells(attempt->before, total);
    int to = cells(attempt->after, total);

    if (to <= from)
        to = from < BAR_CELLS && attempt->executed > 0 ? from + 1 : from;
    printf("%3d %s", attempt->number, colour(demo, DIM));
    repeat("░", from);
    printf("%s%s", colour(demo, PLAIN), colour(demo, GREEN));
    repeat("█", to - from);
    printf("%s%s", colour(demo, PLAIN), colour(demo, attempt->finished ? GREEN : RED));
    fputs(attempt->finished ? "■" : "✗", stdout);
    printf("%s", colour(demo, PLAIN));
    repeat(" ", BAR_CELLS - to);
    printf(" %2d replayed, %2d executed, %s\n", attempt->replayed, attempt->executed,
           attempt->where ? attempt->where : "?");
    fflush(stdout);
}

static void draw_rule(const char *left, const char *middle, const char *right)
{
    fputs(left, stdout);
    repeat("─", LABEL_CELLS + 2);
    fputs(middle, stdout);
    repeat("─", 10);
    fputs(middle, stdout);
    repeat("─", 10);
    printf("%s\n", right);
}

/* A row of the table: the same question to both databases. */
static void draw_row(sqlite3 *quiet, sqlite3 *killed, const char *label, const char *query)
{
    printf("│ %-*s │ %8d │ %8d │\n", LABEL_CELLS, label, number(quiet, query),
           number(killed, query));
}

static void draw_table(sqlite3 *quiet, sqlite3 *killed)
{
    printf("\n");
    draw_rule("┌", "┬", "┐");
    printf("│ %-*s │ %8s │ %8s │\n", LABEL_CELLS, "", "quiet", "killed");
    draw_rule("├", "┼", "┤");
    draw_row(quiet, killed, "starts of the agent", "SELECT count(*) FROM attempts");
    draw_row(quiet, killed, "  ended by SIGKILL", "SELECT sum(killed) FROM attempts");
    draw_row(quiet, killed, "steps recorded", "SELECT count(*) FROM durable_steps_view");
    draw_row(quiet, killed, "steps executed", "SELECT count(*) FROM executions");
    draw_row(quiet, killed, "  cut off before their record, done again",
             "SELECT count(*) - count(DISTINCT position) FROM executions");
    draw_row(quiet, killed, "steps replayed from the log", "SELECT sum(replayed) FROM attempts");
    draw_row(quiet, killed, "requests sent: refunds and replies",
             "SELECT (SELECT sum(requests) FROM refunds) + (SELECT sum(requests) FROM replies)");
    draw_row(quiet, killed, "  carried out; the others known by their key",
             "SELECT (SELECT count(*) FROM refunds) + (SELECT count(*) FROM replies)");
    draw_row(quiet, killed, "cents paid back", "SELECT sum(cents) FROM refunds");
    draw_rule("└", "┴", "┘");
}

/* ---- The checks ----------------------------------------------------------------------------- */

static bool check(const struct demo *demo, bool holds, const char *what)
{
    printf(" %s%s%s %s\n", colour(demo, holds ? GREEN : RED), holds ? "✓" : "✗ FAILED:",
           colour(demo, PLAIN), what);
    return holds;
}

/* Do both databases give the same, not empty, text? */
static bool same(sqlite3 *quiet, sqlite3 *killed, const char *query)
{
    char *one = look_up(quiet, "%s", query), *other = look_up(killed, "%s", query);
    bool result = one && other && *one && strcmp(one, other) == 0;

    sqlite3_free(one);
    sqlite3_free(other);
    return result;
}

static bool check_log(const struct demo *demo, sqlite3 *quiet, sqlite3 *killed)
{
    bool once = number(killed, "SELECT count(*) = count(DISTINCT position)"
                               " AND count(*) = max(position) FROM durable_steps_view") == 1;
    bool alike = same(quiet, killed,
                      "SELECT group_concat(line, char(10)) FROM (SELECT position || kind || ' ' ||"
                      " name || ' ' || outcome || ' ' || quote(value) AS line"
                      " FROM durable_steps_view ORDER BY position)");
    bool never_again = number(killed, "SELECT count(*) FROM executions JOIN attempts"
                                      " USING(attempt) WHERE position <= before") == 0;
    bool explained = number(killed, "SELECT (SELECT count(*) - count(DISTINCT position) FROM"
                                    " executions) <= (SELECT sum(killed) FROM attempts)") == 1;

    once = check(demo, once, "each step is in the log once, without a gap");
    alike = check(demo, alike, "each has the result that it has in the quiet run");
    never_again = check(demo, never_again, "no recorded step was executed again");
    explained = check(demo, explained, "every execution too many was cut off by a kill");
    return once && alike && never_again && explained;
}

static bool check_outcome(const struct demo *demo, sqlite3 *quiet, sqlite3 *killed)
{
    bool books = same(quiet, killed, "SELECT group_concat(line, char(10)) FROM (SELECT order_id ||"
                                     " ' ' || cents AS line FROM refunds ORDER BY order_id)") &&
                 same(quiet, killed, "SELECT group_concat(line, char(10)) FROM (SELECT ticket || "
                                     " text AS line FROM replies ORDER BY ticket)") &&
                 same(quiet, killed, "SELECT group_concat(line, char(10)) FROM (SELECT id || state"
                                     " AS line FROM tickets ORDER BY id)");
    bool answer = same(quiet, killed, "SELECT output FROM durable_runs_view");
    bool intact = number(killed, "SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1;
    int hits = number(killed, "SELECT sum(killed) FROM attempts");
    char *text = sqlite3_mprintf("%d of %d kills hit the agent before it was done", hits,
                                 demo->kills);
    char *said = look_up(killed, "SELECT 'the answer is the same: ' || output"
                                 " FROM durable_runs_view");

    books = check(demo, books, "refunds, replies and tickets are those of the quiet run");
    answer = check(demo, answer, answer && said ? said : "the answer is the same");
    intact = check(demo, intact, "the database is intact (PRAGMA integrity_check)");
    hits = check(demo, hits == demo->kills, text ? text : "");
    sqlite3_free(text);
    sqlite3_free(said);
    return books && answer && intact && hits;
}

/* ---- The demo ------------------------------------------------------------------------------- */

/*
 * The shortest time in which the agent can do what is left after `before` steps: the stand-ins'
 * pauses of those steps, as the quiet run had them. Nothing makes it faster than that.
 */
static int least_ms(const char *quiet_path, int before)
{
    sqlite3 *db = open_database(quiet_path);
    int result = number(db, "SELECT sum(CASE WHEN name = 'ask-model' THEN %d"
                            " WHEN name IN ('refund', 'reply', 'ask-boss') AND outcome = 'result'"
                            " THEN %d END) FROM durable_steps_view WHERE position > %d",
                        MODEL_MS, TOOL_MS, before);

    sqlite3_close(db);
    return or_none(result);
}

/*
 * A moment for the next kill. `steps` are left and `kills` still to come, so each start gets time
 * for its share of the steps, and half a step more for the one that the kill will undo, give or
 * take 85 %; never so much that it could finish.
 */
static int64_t choose_delay(struct demo *demo, double pace_ms, int steps, int kills, int most_ms)
{
    double share = (double)steps / (kills + 1) + 0.5;
    double delay_ms = pace_ms * share * (0.15 + 1.7 * chance(demo));

    return (int64_t)(delay_ms < most_ms ? delay_ms : most_ms);
}

/* Start and kill the agent until it is done. `pace_ms` is the time of one step, as measured. False:
 * all was done before the last kill, because this process was put to sleep for too long. */
static bool torment(struct demo *demo, const char *path, const char *quiet_path, int total,
                    double pace_ms)
{
    struct attempt attempt = {0, 0, 0, 0, 0, false, false, 0, NULL};
    int kills = demo->kills, errors = 0;

    while (!attempt.finished && errors < MOST_ERRORS) {
        int64_t delay_ms = -1;

        if (kills > 0)
            delay_ms = choose_delay(demo, pace_ms, total - attempt.before, kills,
                                    least_ms(quiet_path, attempt.before) * 4 / 5);
        attempt.number++;
        run_agent(path, &attempt, delay_ms);
        read_attempt(path, &attempt);
        draw_attempt(demo, &attempt, total);
        sqlite3_free(attempt.where);

        kills -= attempt.killed;
        errors += !attempt.killed && !attempt.finished;
        attempt.before = attempt.after;
    }
    return kills == 0 || attempt.before != total;
}

/* The run to compare with. Gives its number of steps. */
static int run_quietly(const char *path, double *pace_ms)
{
    struct attempt attempt = {1, 0, 0, 0, 0, false, false, 0, NULL};

    run_agent(path, &attempt, -1);
    read_attempt(path, &attempt);
    sqlite3_free(attempt.where);
    if (!attempt.finished || attempt.after == 0) {
        fprintf(stderr, "the quiet run did not finish\n");
        exit(1);
    }
    *pace_ms = (double)attempt.took_ms / attempt.after;
    printf("the quiet run: %d steps in %.2f s\n\n", attempt.after, (double)attempt.took_ms / 1000);
    return attempt.after;
}

static char *fresh_database(const struct demo *demo, const char *name)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    char *path = sqlite3_mprintf("%s/%s", demo->directory, name);
    size_t i;

    for (i = 0; path && i < sizeof suffixes / sizeof *suffixes; i++) {
        char *file = sqlite3_mprintf("%s%s", path, suffixes[i]);
        if (file)
            remove(file);
        sqlite3_free(file);
    }
    if (!path)
        exit(1);
    return path;
}

/* The demo may run in a folder that the person who watches it is not in. */
static void invite(const char *path)
{
    char *full = realpath(path, NULL);

    printf("\nLook for yourself (epoch: which claim, one a start, recorded the step):\n"
           "sqlite3 -box %s \\\n"
           "  'SELECT position, name, outcome, value, epoch FROM durable_steps_view'\n",
           full ? full : path);
    free(full);
}

static bool run_demo(struct demo *demo)
{
    char *quiet_path = fresh_database(demo, "durable_demo_quiet.db");
    char *killed_path = fresh_database(demo, "durable_demo_killed.db");
    sqlite3 *quiet, *killed;
    double pace_ms;
    bool good;
    int total, misses = 0;

    printf("An agent answers the tickets of a small shop, once in quiet, once killed %d times.\n"
           "To repeat it (the same dice, other timing): %s --seed %llu --kills %d\n\n",
           demo->kills, demo->program, (unsigned long long)demo->seed, demo->kills);
    total = run_quietly(quiet_path, &pace_ms);
    printf("    ░ in the log  █ executed  ✗ killed  ■ finished\n");
    while (!torment(demo, killed_path, quiet_path, total, pace_ms) && ++misses < MOST_MISSES) {
        printf("    The agent was done before its last kill. Once more.\n");
        sqlite3_free(killed_path);
        killed_path = fresh_database(demo, "durable_demo_killed.db");
    }

    quiet = open_database(quiet_path);
    killed = open_database(killed_path);
    draw_table(quiet, killed);
    good = check_log(demo, quiet, killed);
    good = check_outcome(demo, quiet, killed) && good;
    sqlite3_close(quiet);
    sqlite3_close(killed);
    invite(killed_path);
    sqlite3_free(quiet_path);
    sqlite3_free(killed_path);
    return good;
}

static int usage(void)
{
    fprintf(stderr, "usage: durable_demo [--seed N] [--kills 1..%d] [DIRECTORY]\n", MOST_KILLS);
    return 2;
}

/* The whole of `text` as a number; false if it is none. */
static bool parse_number(const char *text, uint64_t *result)
{
    char *end;

    if (!text || *text < '0' || *text > '9')
        return false;
    errno = 0;
    *result = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0;
}

int main(int count, char **arguments)
{
    struct demo demo = {arguments[0], 0, 0, DEFAULT_KILLS, ".", false};
    uint64_t value = DEFAULT_KILLS;
    int i;

    sqlite3_randomness((int)sizeof demo.seed, &demo.seed);
    demo.seed %= 1000000; /* easier to type */
    for (i = 1; i < count; i++) {
        bool seed = strcmp(arguments[i], "--seed") == 0;
        if (seed || strcmp(arguments[i], "--kills") == 0) {
            if (!parse_number(++i < count ? arguments[i] : NULL, seed ? &demo.seed : &value))
                return usage();
        } else if (arguments[i][0] == '-') {
            return usage();
        } else {
            demo.directory = arguments[i];
        }
    }
    if (value < 1 || value > MOST_KILLS)
        return usage();
    demo.kills = (int)value;
    demo.chance = demo.seed;
    demo.colours = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    return run_demo(&demo) ? 0 : 1;
}
