/* engine: new runs that share the beginning of another one. */
#include "engine/batch.h"

/* The line of a batch is worth nothing without its branches' rows: to replace it would make a run
 * that cannot be replayed. What is recorded stays, so that a look before the act is enough. */
typedef struct replaced_look {
    int64_t run;
    bool is_batch;
} replaced_look;

static int take_key(const durable_run_record *record, void *context)
{
    ((replaced_look *)context)->run = record->run;
    return DUR_OK;
}

static int look_at_replaced(const durable_step_record *record, void *context)
{
    replaced_look *look = context;
    dur_value value = dur_null();

    if (record->kind != DURABLE_KIND_CHILD || record->outcome != DURABLE_OUTCOME_RESULT) return 1;
    if (durable_value_decode(&record->value, &value) == DUR_OK)
        look->is_batch = value.type == DUR_TEXT && durable_summary_is(value.as.bytes, value.length);
    return 1;
}

/* What cannot be found or read is told by the act itself. */
static int check_replaced(dur_log *log, const char *run_id, int64_t position)
{
    durable_store *store = log->store;
    replaced_look look = {0, false};
    int64_t at = 0;
    int code = store->methods->find_run(store, run_id, take_key, &look);

    if (code == DUR_OK)
        code = store->methods->load_history(store, look.run, position, position, 1, false,
                                            look_at_replaced, &look, &at);
    if (code != DUR_OK && code != DUR_NOT_FOUND) return code;
    if (!look.is_batch) return DUR_OK;
    return durable_error_set(&store->error, DUR_MISUSE,
                             "position %lld: it is a batch, whose outcome is that of its branches:"
                             " it cannot be replaced",
                             (long long)position);
}

static int tell_restart(dur_log *log, int code, const char *run_id, const char *new_run_id)
{
    if (code == DUR_OK) return code;
    if (code == DUR_REPLAYED)
        return durable_error_set(&log->error, code, "run \"%s\": it was restarted as \"%s\" before",
                                 run_id, new_run_id);
    return durable_log_store_error(log, run_id);
}

DURABLE_INTERNAL int durable_restart_run(dur_log *log, const char *run_id, const char *new_run_id,
                                         int64_t position, const dur_restart_options *options)
{
    durable_store *store = log->store;
    durable_restart restart = {.source = run_id, .id = new_run_id, .position = position};
    durable_new_run described;
    char uid[DURABLE_UID_SIZE];
    int code = DUR_OK;

    restart.replace_at = options->replace_at;
    if (durable_value_encode(options->value, &restart.value) != DUR_OK)
        return durable_error_set(&log->error, DUR_MISUSE,
                                 "run \"%s\": what is to replace a value is none (type %d)", run_id,
                                 (int)options->value.type);
    durable_run_describe(log, "", new_run_id, NULL, uid, &described);
    restart.uid = uid;
    restart.with_signals = options->with_signals;
    restart.queue = options->queue;
    restart.code_version = described.code_version;
    restart.now = durable_clock_now(&log->clock);
    if (restart.now == DURABLE_NEVER) restart.now--; /* a time all the same */
    if (restart.replace_at > 0) code = check_replaced(log, run_id, restart.replace_at);
    if (code == DUR_OK) code = store->methods->restart_run(store, &restart);
    return tell_restart(log, code, run_id, new_run_id);
}
