/* test/crash: the soak: whether each run has left what its plan says, and nothing else. */
#if defined(__unix__) || defined(__APPLE__)

#include "soak.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS_MAX 16
#define TEXT_SIZE 64
#define TOLD_MAX 20

/* Kinds of rows, as the format has them. */
enum { STEP = 1, TIMER = 2, RECEIVE = 3, SELECT = 4, CALLBACK = 5 };

typedef struct row {
    int kind; /* negative: a failure */
    bool timed_out;
    char name[TEXT_SIZE];
    int64_t value;
    char text[TEXT_SIZE];
    int64_t attempt, began, took;
} row;

/* One run, and how far it has been looked at. */
typedef struct story {
    sqlite3 *db;
    char id[SOAK_ID_SIZE];
    soak_plan plan;
    row rows[ROWS_MAX];
    int count, at;
    int status;
    int64_t output;
    char failure[300];
    int broken;
} story;

static void broken(story *it, const char *format, ...) DUR_PRINTF_(2, 3);

static void broken(story *it, const char *format, ...)
{
    static int told;
    char plan[SOAK_PLAN_SIZE];
    va_list arguments;

    if (told++ == TOLD_MAX) fprintf(stderr, "BROKEN … and more\n");
    it->broken++;
    if (told > TOLD_MAX) return;
    soak_plan_print(&it->plan, plan);
    fprintf(stderr, "BROKEN run %s, a %s (%s): ", it->id, soak_names[it->plan.kind], plan);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void copy_text(char text[TEXT_SIZE], sqlite3_stmt *statement, int column)
{
    const unsigned char *from = sqlite3_column_text(statement, column);

    snprintf(text, TEXT_SIZE, "%s", from ? (const char *)from : "");
}

static void read_row(story *it, sqlite3_stmt *statement)
{
    row *to = &it->rows[it->count];

    if (sqlite3_column_int(statement, 0) != it->count + 1)
        broken(it, "position %d follows %d", sqlite3_column_int(statement, 0), it->count);
    if (it->count == ROWS_MAX - 1) return;
    to->kind = sqlite3_column_int(statement, 1);
    copy_text(to->name, statement, 2);
    to->timed_out = sqlite3_column_int(statement, 3) == 4;
    copy_text(to->text, statement, 4);
    to->value = sqlite3_column_int64(statement, 4);
    to->attempt = sqlite3_column_int64(statement, 5);
    to->began = sqlite3_column_int64(statement, 6);
    to->took = sqlite3_column_int64(statement, 7);
    it->count++;
}

static bool read_run(story *it)
{
    sqlite3_stmt *statement = NULL;
    int64_t run = -1;

    if (sqlite3_prepare_v2(it->db, "SELECT run, status, output, failure FROM durable_runs"
                                   " WHERE id = ?1", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_text(statement, 1, it->id, -1, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        const unsigned char *failure = sqlite3_column_text(statement, 3);

        run = sqlite3_column_int64(statement, 0);
        it->status = sqlite3_column_int(statement, 1);
        it->output = sqlite3_column_int64(statement, 2);
        snprintf(it->failure, sizeof it->failure, "%s", failure ? (const char *)failure : "");
    }
    sqlite3_finalize(statement);
    if (run < 0) return false;
    if (sqlite3_prepare_v2(it->db, "SELECT step & 134217727, kind, name, format, value, attempt,"
                                   " began, took FROM durable_steps WHERE step >> 27 = ?1"
                                   " AND step BETWEEN ?1 << 27 AND (?1 + 1) << 27 ORDER BY step",
                           -1, &statement, NULL) != SQLITE_OK)
        return false;
    sqlite3_bind_int64(statement, 1, run);
    while (sqlite3_step(statement) == SQLITE_ROW)
        read_row(it, statement);
    sqlite3_finalize(statement);
    return true;
}

/* ---- What each kind leaves ------------------------------------------------------------------- */

/* The next row, which must be of this name and, failed or not, of this kind. */
static const row *next_row(story *it, int kind, const char *name)
{
    const row *next = &it->rows[it->at];

    if (it->at >= it->count)
        broken(it, "no row for \"%s\"", name);
    else if (abs(next->kind) != kind || strcmp(next->name, name) != 0)
        broken(it, "at %d \"%s\" of kind %d instead of \"%s\"", it->at + 1, next->name, next->kind,
               name);
    it->at++;
    if (it->at > ROWS_MAX) it->at = ROWS_MAX;
    return next;
}

static int64_t value_of_step(story *it, const char *name, int64_t attempts)
{
    const row *step = next_row(it, STEP, name);

    if (step->kind < 0) broken(it, "\"%s\" has failed: %s", name, step->text);
    if (step->attempt != attempts)
        broken(it, "\"%s\" took %lld attempts", name, (long long)step->attempt);
    return step->value;
}

static void expect_value(story *it, const char *name, int64_t value, int64_t attempts)
{
    int64_t found = value_of_step(it, name, attempts);

    if (found != value)
        broken(it, "\"%s\" is %lld instead of %lld", name, (long long)found, (long long)value);
}

static int64_t expect_steps(story *it, int count)
{
    int64_t sum = 0;

    for (int i = 1; i <= count; i++) {
        expect_value(it, "step", i, 1);
        sum += i;
    }
    return sum;
}

static int64_t expect_joined(story *it)
{
    for (int i = 0; i < it->plan.count; i++)
        expect_value(it, "step", 1, 1);
    return it->plan.count;
}

static int64_t end_of(const row *it)
{
    return it->began + it->took;
}

/* No timer rings early. */
static int64_t expect_sleepy(story *it)
{
    const row *nap, *until;
    int64_t time;

    expect_steps(it, 1);
    nap = next_row(it, TIMER, "nap");
    time = value_of_step(it, "look-at-clock", 1);
    until = next_row(it, TIMER, "until");
    if (end_of(nap) < end_of(&it->rows[0]) + it->plan.pause_ms)
        broken(it, "slept %lld ms", (long long)(end_of(nap) - end_of(&it->rows[0])));
    if (end_of(until) < time) broken(it, "slept until %lld", (long long)end_of(until));
    return expect_steps(it, 1);
}

static int64_t expect_stubborn(story *it)
{
    const row *last;
    char message[TEXT_SIZE];

    if (it->plan.ending == SOAK_SUCCEEDS) {
        expect_value(it, "try", it->plan.fails + 1, it->plan.fails + 1);
        return it->plan.fails + 1;
    }
    snprintf(message, sizeof message, "attempt %d", it->plan.fails);
    last = next_row(it, STEP, "try");
    if (last->kind > 0 || last->attempt != it->plan.fails || strcmp(last->text, message) != 0)
        broken(it, "attempt %lld of kind %d: %s", (long long)last->attempt, last->kind, last->text);
    if (it->plan.ending == SOAK_GIVES_UP && !strstr(it->failure, message))
        broken(it, "failed so: %s", it->failure);
    return -1;
}

/* Gives 1 where a signal was received. */
static int64_t expect_received(story *it, const char *name, bool may_time_out)
{
    const row *receipt = next_row(it, RECEIVE, name);

    if (receipt->timed_out && !may_time_out) broken(it, "\"%s\" has timed out", name);
    return !receipt->timed_out;
}

static int64_t expect_listener(story *it)
{
    for (int i = 0; i < it->plan.count; i++) {
        expect_received(it, "go", false);
        if (i == 0) expect_steps(it, 1);
    }
    return it->plan.count;
}

static int64_t expect_patient(story *it)
{
    int64_t received = 0;

    for (int i = 0; i < it->plan.count; i++)
        received += expect_received(it, "maybe", true);
    return received;
}

static int64_t expect_chooser(story *it)
{
    int64_t which = next_row(it, SELECT, "first")->value;

    if (which < 0 || which > 2) broken(it, "chose %lld", (long long)which);
    if (which != 1) expect_received(it, which ? "right" : "left", false);
    return which;
}

static int64_t expect_asker(story *it)
{
    const row *callback = next_row(it, CALLBACK, "approval");
    const row *ask = next_row(it, STEP, "ask");

    if (ask->kind < 0) broken(it, "asking has failed: %s", ask->text);
    if (callback->timed_out && !it->plan.timeout_ms && !it->plan.keyed)
        broken(it, "the callback has timed out, which it must not");
    return !callback->timed_out;
}

static int64_t expect_parent(story *it)
{
    int64_t all = (int64_t)it->plan.count * (it->plan.count + 1) / 2;
    unsigned seen = 0;

    if (next_row(it, STEP, "spawn")->kind < 0) broken(it, "\"spawn\" has failed");
    for (int i = 0; i < it->plan.count; i++)
        seen |= 1u << (next_row(it, RECEIVE, "child")->value & 31);
    if (seen != (1u << (it->plan.count + 1)) - 2) broken(it, "children told: %x", seen);
    return all;
}

static int64_t expect_child(story *it)
{
    int64_t sum = expect_steps(it, it->plan.count);

    if (next_row(it, STEP, "tell")->kind < 0) broken(it, "\"tell\" has failed");
    return sum;
}

static int64_t expect_rows(story *it)
{
    switch (it->plan.kind) {
    case SOAK_PLAIN: return expect_steps(it, it->plan.count);
    case SOAK_JOINED: return expect_joined(it);
    case SOAK_SLEEPY: return expect_sleepy(it);
    case SOAK_STUBBORN: return expect_stubborn(it);
    case SOAK_POLLER: expect_value(it, "poll", it->plan.count, it->plan.count + 1); break;
    case SOAK_LONG: expect_value(it, "long", it->plan.count, 1); break;
    case SOAK_LISTENER: return expect_listener(it);
    case SOAK_PATIENT: return expect_patient(it);
    case SOAK_CHOOSER: return expect_chooser(it);
    case SOAK_ASKER: return expect_asker(it);
    case SOAK_PARENT: return expect_parent(it);
    case SOAK_CHILD: return expect_child(it);
    default: broken(it, "a run of no kind");
    }
    return it->plan.count;
}

static int check_run(sqlite3 *db, const char *id, const soak_plan *plan)
{
    bool fails = plan->kind == SOAK_STUBBORN && plan->ending == SOAK_GIVES_UP;
    story it;
    int64_t output;

    memset(&it, 0, sizeof it);
    it.db = db;
    it.plan = *plan;
    snprintf(it.id, sizeof it.id, "%s", id);
    if (!read_run(&it)) {
        broken(&it, "it is not there");
        return it.broken;
    }
    output = expect_rows(&it);
    if (it.at != it.count) broken(&it, "%d rows instead of %d", it.count, it.at);
    if (it.status != (fails ? DUR_RUN_FAILED : DUR_COMPLETED))
        broken(&it, "status %d: %s", it.status, it.failure);
    if (!fails && it.output != output)
        broken(&it, "its output is %lld instead of %lld", (long long)it.output, (long long)output);
    return it.broken;
}

int soak_check_runs(sqlite3 *db)
{
    int64_t total = soak->runs;
    int wrong = 0;

    for (int64_t number = 0; number < soak->runs; number++) {
        soak_plan plan = soak_plan_of(soak->seed, number);
        char id[SOAK_ID_SIZE], child_id[SOAK_ID_SIZE];

        soak_id(id, number);
        wrong += check_run(db, id, &plan);
        for (int child = 0; plan.kind == SOAK_PARENT && child < plan.count; child++, total++) {
            soak_plan child_plan = soak_plan_of_child(soak->seed, number, child);

            soak_child_id(child_id, id, child);
            wrong += check_run(db, child_id, &child_plan);
        }
    }
    if (soak_ask(db, "SELECT count(*) FROM durable_runs") != total) {
        fprintf(stderr, "BROKEN there are other runs than the %lld started\n", (long long)total);
        wrong++;
    }
    return wrong;
}

#else
typedef int soak_stories_need_posix;
#endif
