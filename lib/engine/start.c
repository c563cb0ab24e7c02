/* engine: putting a run into the log. */
#include "engine/engine.h"

/* Others may start and delete the run between our act and our look. */
#define TRIES_MAX 100

DURABLE_INTERNAL int durable_run_check_same(const durable_run_record *record, const char *workflow,
                                            const durable_datum *input, durable_error *error)
{
    if (strcmp(record->workflow, workflow) != 0)
        return durable_error_set(error, DUR_CONFLICT,
                                 "it was started as workflow \"%s\", not \"%s\": choose another id",
                                 record->workflow, workflow);
    /* Later runs of its chain have their own. */
    if (input && record->generation == 1 && !durable_datum_equal(&record->input, input))
        return durable_error_set(error, DUR_CONFLICT,
                                 "it was started with another input: choose another id, or resume"
                                 " it without giving an input");
    return DUR_OK;
}

DURABLE_INTERNAL int durable_run_check_known(const dur_log *log, const durable_run_record *record,
                                             durable_error *error)
{
    if (record->behaviour > log->behaviour)
        return durable_error_set(error, DUR_VERSION_TOO_NEW,
                                 "it was started by a newer library: its behaviour has the number"
                                 " %d, and this one (%s) knows none above %d: upgrade this program,"
                                 " or leave the run to one that is",
                                 record->behaviour, DUR_VERSION, log->behaviour);
    if (strlen(record->uid) != DURABLE_UID_SIZE - 1)
        return durable_error_set(error, DUR_CORRUPT,
                                 "its column \"uid\" does not hold 32 hex digits");
    return DUR_OK;
}

/* ---- A new one ----------------------------------------------------------------------------- */

static void draw_uid(dur_log *log, char uid[DURABLE_UID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[(DURABLE_UID_SIZE - 1) / 2];

    durable_clock_random(&log->clock, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        uid[2 * i] = digits[bytes[i] >> 4];
        uid[2 * i + 1] = digits[bytes[i] & 15u];
    }
    uid[DURABLE_UID_SIZE - 1] = '\0';
}

DURABLE_INTERNAL void durable_run_describe(dur_log *log, const char *workflow, const char *run_id,
                                           const dur_start_options *start,
                                           char uid[DURABLE_UID_SIZE], durable_new_run *new_run)
{
    memset(new_run, 0, sizeof *new_run);
    draw_uid(log, uid);
    new_run->id = run_id;
    new_run->uid = uid;
    new_run->workflow = workflow;
    new_run->code_version = log->code_version;
    new_run->behaviour = log->behaviour;
    new_run->queue = start && start->queue ? start->queue : workflow;
    new_run->priority = start ? start->priority : 0;
    new_run->deadline = start && start->deadline_ms ? start->deadline_ms : DURABLE_NEVER;
}

/* ---- Without executing it ------------------------------------------------------------------ */

typedef struct start_context {
    dur_log *log;
    const char *workflow;
    const durable_datum *input; /* NULL: any */
} start_context;

static int compare_run(const durable_run_record *record, void *context)
{
    start_context *wanted = context;
    durable_error *error = &wanted->log->store->error;
    int code = durable_run_check_same(record, wanted->workflow, wanted->input, error);

    if (code == DUR_CONFLICT) return code;
    return durable_error_set(error, DUR_REPLAYED, "it was started before");
}

/* It is there, unless somebody has deleted it meanwhile. */
static int look_at_started(start_context *wanted, const char *run_id)
{
    durable_store *store = wanted->log->store;

    return store->methods->find_run(store, run_id, compare_run, wanted);
}

static int start_once(start_context *wanted, durable_new_run *new_run)
{
    durable_store *store = wanted->log->store;
    bool created = false;
    int code = store->methods->create_run(store, new_run, &created, NULL);

    if (code != DUR_OK || created) return code;
    return look_at_started(wanted, new_run->id);
}

DURABLE_INTERNAL int durable_run_start(dur_log *log, const char *workflow, const char *run_id,
                                       const dur_start_options *start)
{
    durable_new_run new_run;
    char uid[DURABLE_UID_SIZE];
    start_context wanted = {log, workflow, NULL};
    int code = DUR_NOT_FOUND;

    durable_run_describe(log, workflow, run_id, start, uid, &new_run);
    if (durable_value_encode(start ? start->input : dur_null(), &new_run.input) != DUR_OK)
        return durable_error_set(&log->error, DUR_MISUSE,
                                 "run \"%s\": the input is no value (type %d)", run_id,
                                 (int)start->input.type);
    if (start) wanted.input = &new_run.input;
    new_run.now = new_run.due = durable_clock_now(&log->clock);
    if (start && start->start_at_ms > new_run.due) new_run.due = start->start_at_ms;
    if (new_run.due == DURABLE_NEVER) new_run.due--; /* a time all the same */
    for (int i = 0; i < TRIES_MAX && code == DUR_NOT_FOUND; i++)
        code = start_once(&wanted, &new_run);
    if (code == DUR_NOT_FOUND)
        durable_error_set(&log->store->error, DUR_BUSY,
                          "others keep starting and deleting it: try again later");
    return code == DUR_OK ? code : durable_log_store_error(log, run_id);
}
