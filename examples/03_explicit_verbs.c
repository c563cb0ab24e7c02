/*
 * examples: explicit verbs, a run without a callback and steps without the macro.
 *
 * Introduces the usage of: dur_begin_run, dur_begin_step, dur_record_result, dur_record_failure,
 * dur_step_value, dur_as_text, dur_step_position, dur_replay_or_run, dur_catch,
 * dur_complete_run, dur_close_run.
 *
 *     03_explicit_verbs [DATABASE]        default: verbs.db in the current directory, made anew
 *
 * For hosts that keep their own control flow, such as an event loop. A gateway asks two sensors at
 * once: both steps are begun, in a fixed order, and are recorded as the answers come in, in any
 * order. The first pass gets one of the two answers and is then closed. The second pass finds that
 * answer in the log and asks only the other sensor.
 */
#include <durable.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

/* What one pass did, to be checked at the end. */
typedef struct tally {
    int executed;
    int replayed;
    double sum;
} tally;

/* Begin a step, which the log answers or not. With DUR_EXECUTE the answer is still to be had. */
static int ask(dur_run *run, const char *sensor, tally *seen, dur_step **step, double *value)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT; /* notes the call site */
    int code = dur_begin_step(run, sensor, &options, step);

    if (code == DUR_REPLAYED) {
        *value = dur_step_value(*step).as.real;
        seen->replayed++;
        printf("  %s: %.1f degrees, from the log\n", sensor, *value);
    }
    return code;
}

/* The answer of a sensor has come: record it. */
static int answer(dur_step *step, const char *sensor, double measured, tally *seen, double *value)
{
    *value = measured;
    seen->executed++;
    printf("  %s: %.1f degrees, measured; step %d\n", sensor, *value,
           (int)dur_step_position(step));
    return dur_record_result(step, dur_real(measured));
}

/* A step's body as a function. It answers with a result or with a failure. */
static int send_report(dur_step *step, void *user)
{
    const tally *seen = user;
    char report[64];

    if (seen->sum > 1000)
        return dur_record_failure(step, "the sensors are on fire");
    snprintf(report, sizeof report, "sum of both: %.1f degrees", seen->sum);
    return dur_record_result(step, dur_text(report));
}

/* A valve that does not move: its failure is recorded, and replayed, like any result. */
static int close_valve(dur_step *step, void *user)
{
    (void)user;
    return dur_record_failure(step, "the valve is stuck");
}

/* One pass. `patience`: whether it waits for the slow sensor. DUR_OK: the run has ended. */
static int make_pass(dur_run *run, bool patience, tally *seen)
{
    dur_step *north, *south;
    dur_value report, none;
    double north_value = 0, south_value = 0;
    const char *failure;
    int north_code, south_code, code = DUR_OK;

    north_code = ask(run, "north", seen, &north, &north_value);
    south_code = ask(run, "south", seen, &south, &south_value);
    if (south_code == DUR_EXECUTE) /* the second one begun is the first to answer */
        code = answer(south, "south", 21.5, seen, &south_value);
    if (north_code == DUR_EXECUTE && !patience)
        return DUR_EXECUTE; /* "north" stays open: nothing is recorded for it */
    if (north_code == DUR_EXECUTE)
        code = answer(north, "north", 12.5, seen, &north_value);
    if (code != DUR_OK || !dur_ok(run)) /* stopped: dur_run_errmsg(run) tells why */
        return dur_run_code(run);

    seen->sum = north_value + south_value;
    code = dur_replay_or_run(run, "report", NULL, send_report, seen, &report);
    if (code != DUR_OK)
        return code;
    printf("  %s\n", dur_as_text(report));

    code = dur_replay_or_run(run, "close-valve", NULL, close_valve, NULL, &none);
    failure = dur_catch(run); /* without this line the run would fail */
    if (code == DUR_FAILED && failure)
        printf("  going on without the valve: %s\n", failure);
    return dur_complete_run(run, report);
}

/* Begin the run, make a pass, close it. Gives what dur_begin_run() said, or the pass. */
static int visit(dur_log *log, bool patience, tally *seen)
{
    dur_run *run;
    int code = dur_begin_run(log, "measure", "measure-1", NULL, &run);

    if (code != DUR_OK)
        return code;
    code = make_pass(run, patience, seen);
    dur_close_run(run); /* not ended? Then it can be begun again and goes on where it was. */
    return code;
}

static bool play(dur_log *log)
{
    tally first = {0, 0, 0}, second = {0, 0, 0}, third = {0, 0, 0};
    const char *output;
    int ended, again;

    printf("first pass, the north sensor is slow:\n");
    visit(log, false, &first);
    printf("second pass:\n");
    ended = visit(log, true, &second);
    printf("third pass:\n");
    again = visit(log, true, &third);
    output = dur_as_text(dur_output(log));
    if (again == DUR_REPLAYED && output)
        printf("  nothing is left to do, the run ended with: %s\n", output);

    return ended == DUR_OK && again == DUR_REPLAYED && first.executed == 1 &&
           second.executed == 1 && second.replayed == 1 && third.executed == 0 && output &&
           strcmp(output, "sum of both: 34.0 degrees") == 0;
}

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : "verbs.db";
    bool good = false;
    dur_log *log = NULL;
    sqlite3 *db;

    remove(path);
    if (sqlite3_open(path, &db) != SQLITE_OK)
        fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
    else if (dur_open(db, NULL, &log) != DUR_OK)
        fprintf(stderr, "%s: %s\n", path, dur_errmsg(log));
    else
        good = play(log);
    if (!good)
        fprintf(stderr, "that is not what the verbs promise: %s\n", dur_errmsg(log));
    dur_close(log);
    sqlite3_close(db);
    return good ? 0 : 1;
}
