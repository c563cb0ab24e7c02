/*
 * examples: continue as new, a run that goes on for ever, and whose log stays short.
 *
 * Introduces the usage of: dur_continue_as_new, dur_run_length, dur_options.long_run,
 * dur_run_info.generation, dur_run_info.origin, DUR_RUN_CONTINUED.
 *
 *     17_continue_as_new [DATABASE]      default: meter.db in the current directory, made anew
 *
 * A meter at a house is read each hour, as long as there is a house. Each reading is a signal, and
 * each one that was received is a row in the run's log, which is replayed from the top whenever the
 * next one comes: after some years that would take a while. So the run ends when it has become long
 * enough, and begins anew, with what it has counted so far as its input. To those who send readings
 * it is one and the same run.
 *
 * The run ends and its successor begins in one commit. Readings that came meanwhile are handed
 * over; so are their keys, by which a reading that is sent twice counts once. The runs before it
 * stay in the log until somebody tidies up, and are called by the id, '~' and their number. Here
 * twelve hours go by at once, and a run is long after four. Prints
 *
 *     10 kWh: on to the next run
 *     36 kWh: on to the next run
 *     the reading of hour 8 came twice
 *     78 kWh: on to the next run
 *     meter: run number 4, after meter~3
 *       meter~1: continued
 *       meter~2: continued
 *       meter~3: continued
 *     without a limit a run becomes long
 *       careless has 6 steps by now
 *     the meter is taken down at 78 kWh
 */
#include <durable.h>
#include <sqlite3.h>
#include <stdio.h>

#define HOURS 12
#define LONG_ENOUGH 4 /* some thousands would be more usual */

/* The length is asked between two readings, where nothing is half done. It is the same whenever the
 * function runs again, as all that decides which way a workflow goes has to be. */
static int meter(dur_run *run, void *user)
{
    int64_t kwh = dur_input(run).type == DUR_INTEGER ? dur_input(run).as.integer : 0;
    dur_value reading;

    (void)user;
    while (dur_ok(run) && dur_run_length(run) < LONG_ENOUGH)
        if (dur_receive(run, "reading", DUR_FOREVER, &reading) == DUR_OK)
            kwh += reading.as.integer;
    if (dur_cancelled(run)) {
        DUR_STEP(run, "take down") { printf("the meter is taken down at %d kWh\n", (int)kwh); }
        return 0;
    }
    DUR_STEP(run, "tell") { printf("%d kWh: on to the next run\n", (int)kwh); }
    if (!dur_ok(run))
        return 0;
    return dur_continue_as_new(run, dur_integer(kwh));
}

/* Somebody has forgotten the limit, and is told. */
static int careless(dur_run *run, void *user)
{
    (void)user;
    while (dur_receive(run, "reading", DUR_FOREVER, NULL) == DUR_OK)
        ;
    return 0;
}

static void tell_long(const char *run_id, int64_t steps, int64_t bytes, void *user)
{
    (void)bytes;
    (void)user;
    printf("  %s has %d steps by now\n", run_id, (int)steps);
}

/* The key is the hour: whoever is not sure whether a reading was sent sends it again. */
static int send_reading(dur_log *log, const char *run_id, int hour)
{
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;
    char key[32];

    snprintf(key, sizeof key, "hour-%d", hour);
    options.key = key;
    return dur_signal(log, run_id, "reading", dur_integer(hour), &options);
}

static int send_day(dur_log *log)
{
    int code = DUR_OK;
    int hour;

    for (hour = 1; hour <= HOURS && code == DUR_OK; hour++) {
        code = send_reading(log, "meter", hour);
        if (code == DUR_OK)
            code = dur_work(log, NULL, NULL);
        if (hour == 8 && send_reading(log, "meter", hour) == DUR_REPLAYED)
            printf("the reading of hour 8 came twice\n");
    }
    return code;
}

/* The run that has the id now, and those before it. */
static int tell_chain(dur_log *log)
{
    dur_run_info info = DUR_RUN_INFO_INIT;
    int code = dur_read_run(log, "meter", &info);
    int last = (int)info.generation;
    int number;

    if (code == DUR_OK)
        printf("meter: run number %d, after %s\n", last, info.origin);
    for (number = 1; number < last && code == DUR_OK; number++) {
        char id[32];

        snprintf(id, sizeof id, "meter~%d", number);
        code = dur_read_run(log, id, &info);
        printf("  %s: %s\n", id, info.status == DUR_RUN_CONTINUED ? "continued" : "?");
    }
    return code;
}

/* long_run_steps is 5 below. */
static int be_careless(dur_log *log)
{
    int code = dur_start(log, "careless", "careless", NULL);
    int hour;

    printf("without a limit a run becomes long\n");
    for (hour = 1; hour <= 6 && code == DUR_OK; hour++)
        code = send_reading(log, "careless", hour);
    return code == DUR_OK ? dur_work(log, NULL, NULL) : code;
}

/* By its id, whichever run of the chain has it now. */
static int take_down(dur_log *log)
{
    int code = dur_cancel(log, "meter");

    return code == DUR_OK ? dur_work(log, NULL, NULL) : code;
}

static int play(dur_log *log)
{
    int code = dur_register(log, "meter", meter, NULL);

    if (code == DUR_OK)
        code = dur_register(log, "careless", careless, NULL);
    if (code == DUR_OK)
        code = dur_start(log, "meter", "meter", NULL);
    if (code == DUR_OK)
        code = send_day(log);
    if (code == DUR_OK)
        code = tell_chain(log);
    if (code == DUR_OK)
        code = be_careless(log);
    return code == DUR_OK ? take_down(log) : code;
}

int main(int count_of_arguments, char **arguments)
{
    const char *path = count_of_arguments > 1 ? arguments[1] : "meter.db";
    dur_options options = DUR_OPTIONS_INIT;
    dur_log *log = NULL;
    sqlite3 *db;
    int code;

    remove(path);
    if (sqlite3_open(path, &db) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
        sqlite3_close(db);
        return 1;
    }
    options.long_run = tell_long;
    options.long_run_steps = 5;
    code = dur_open(db, &options, &log);
    if (code == DUR_OK)
        code = play(log);
    if (code != DUR_OK)
        fprintf(stderr, "%s: %s\n", dur_code_name(code), dur_errmsg(log));
    dur_close(log);
    sqlite3_close(db);
    return code == DUR_OK ? 0 : 1;
}
