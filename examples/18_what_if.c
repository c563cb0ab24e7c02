/*
 * examples: what_if, an agent's run once more, as if the model had answered otherwise.
 *
 * Introduces the usage of: dur_restart, dur_restart_options, replace_at and value, dur_visit_steps.
 *
 *     18_what_if [DATABASE]        default: what_if.db in the current directory, made anew
 *
 * An agent plans a journey: it asks the model what to do next, does that with a tool, and goes on
 * until the model is done. In the morning the customer is unhappy: why a flight, in a strike? The
 * log tells that the model said "book flight" at position 3. What if it had said "look train"?
 *
 * The run is restarted before position 4, under another id, with that answer replaced. What stands
 * before it is copied: the model is not asked again, nothing is looked up again, and no money is
 * spent on it. From there on it is a run of its own, whose steps have their own idempotency keys:
 * the first run stays as it is, and so does what it has booked. Prints
 *
 *     journey
 *       asks the model: look flight
 *       look flight
 *       asks the model: book flight
 *       book flight
 *       asks the model: done
 *     journey came to: book flight
 *     journey-by-train
 *       look train
 *       asks the model: book train
 *       book train
 *       asks the model: done
 *     journey-by-train came to: book train
 *     recorded of journey-by-train
 *       1 ask-model: look flight
 *       2 look: flight: 90 euros
 *       3 ask-model: look train
 *       4 look: train: 120 euros
 *       5 ask-model: book train
 *       6 book: train is booked
 *       7 ask-model: done
 *     2 journeys are booked, with 2 keys
 */
#include <durable.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

/* ---- The world outside ---------------------------------------------------------------------- */

/* A stand-in for the model: it books what was looked at last, and is done when that is booked. */
static const char *ask_model(const char *seen)
{
    if (strstr(seen, "train: "))
        return "book train";
    if (strstr(seen, "flight: "))
        return "book flight";
    return strstr(seen, "booked") ? "done" : "look flight";
}

static const char *look_up(const char *means)
{
    return strcmp(means, "train") == 0 ? "train: 120 euros" : "flight: 90 euros";
}

/* The travel agency books once for each key. */
static const char *book(sqlite3 *db, dur_run *run, const char *means)
{
    const char *key = dur_step_idempotency_key(dur_current_step(run));
    char *sql = sqlite3_mprintf("INSERT OR IGNORE INTO bookings VALUES(%Q, %Q)", key, means);

    if (!sql || sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        dur_stop(run, "cannot book now: %s", sqlite3_errmsg(db));
    sqlite3_free(sql);
    return strcmp(means, "train") == 0 ? "train is booked" : "flight is booked";
}

/* ---- The agent ------------------------------------------------------------------------------ */

/* "look train", "book flight": the tool, and what it is used on. Gives what came of it. */
static const char *act(sqlite3 *db, dur_run *run, const char *said)
{
    const char *means = said + strlen("look ");
    const char *seen = "";

    if (strncmp(said, "look ", 5) == 0) {
        DUR_STEP(run, "look", seen) {
            printf("  %s\n", said);
            seen = look_up(means);
        }
    } else {
        DUR_STEP(run, "book", seen) {
            printf("  %s\n", said);
            seen = book(db, run, means);
        }
    }
    return seen;
}

static int agent(dur_run *run, void *user)
{
    const char *said = "", *seen = "", *last = "";

    while (dur_ok(run) && strcmp(said, "done") != 0) {
        last = said;
        DUR_STEP(run, "ask-model", said) {
            said = ask_model(seen);
            printf("  asks the model: %s\n", said);
        }
        if (dur_ok(run) && strcmp(said, "done") != 0)
            seen = act(user, run, said);
    }
    if (dur_ok(run))
        dur_set_output(run, dur_text(last));
    return 0;
}

static int execute(sqlite3 *db, dur_log *log, const char *id)
{
    int code;

    printf("%s\n", id);
    code = dur_execute(log, "agent", id, NULL, agent, db);
    if (code == DUR_OK)
        printf("%s came to: %s\n", id, dur_as_text(dur_output(log)));
    return code;
}

/* ---- What if -------------------------------------------------------------------------------- */

static int restart_with(dur_log *log, const char *answer)
{
    dur_restart_options options = DUR_RESTART_OPTIONS_INIT;

    options.replace_at = 3;
    options.value = dur_text(answer);
    return dur_restart(log, "journey", "journey-by-train", 4, &options);
}

static int print_step(const dur_recorded_step *step, void *user)
{
    (void)user;
    printf("  %lld %s: %s\n", (long long)step->position, step->name, dur_as_text(step->value));
    return 0;
}

static int compare_journeys(sqlite3 *db, dur_log *log)
{
    int code = execute(db, log, "journey");

    if (code == DUR_OK)
        code = restart_with(log, "look train");
    if (code == DUR_OK)
        code = execute(db, log, "journey-by-train");
    if (code == DUR_OK) {
        printf("recorded of journey-by-train\n");
        code = dur_visit_steps(log, "journey-by-train", 1, print_step, NULL);
    }
    return code;
}

static int print_bookings(void *user, int count, char **values, char **names)
{
    (void)user, (void)count, (void)names;
    printf("%s journeys are booked, with %s keys\n", values[0], values[1]);
    return 0;
}

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : "what_if.db";
    sqlite3 *db;
    dur_log *log = NULL;
    int code = DUR_DATABASE;

    remove(path);
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db, "CREATE TABLE bookings(key TEXT PRIMARY KEY, means TEXT)", NULL, NULL,
                     NULL) != SQLITE_OK)
        fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
    else if ((code = dur_open(db, NULL, &log)) == DUR_OK)
        code = compare_journeys(db, log);
    if (code == DUR_OK)
        sqlite3_exec(db, "SELECT count(*), count(DISTINCT key) FROM bookings", print_bookings,
                     NULL, NULL);
    else
        fprintf(stderr, "%s: %s\n", dur_code_name(code), log ? dur_errmsg(log) : "no log");
    dur_close(log);
    sqlite3_close(db);
    return code == DUR_OK ? 0 : 1;
}
