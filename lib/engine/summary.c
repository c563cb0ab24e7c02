/* engine: what a batch came to: the line that is recorded of it, and its branches' rows. */
#include "engine/batch.h"

#include <stdlib.h>

#define KEY_REASON "{\"reason\":\""
#define KEY_BRANCHES "\",\"branches\":"
#define KEY_STARTED ",\"started\":"
#define KEY_SUCCEEDED ",\"succeeded\":"
#define KEY_FAILED ",\"failed\":"

static const char *const reasons[] = {"", "all completed", "min successes reached",
                                      "too many failures"};

static void print_summary(char text[DURABLE_SUMMARY_SIZE], const dur_batch *batch)
{
    durable_print(text, DURABLE_SUMMARY_SIZE,
                  KEY_REASON "%s" KEY_BRANCHES "%lld" KEY_STARTED "%lld" KEY_SUCCEEDED
                             "%lld" KEY_FAILED "%lld}",
                  reasons[batch->reason], (long long)batch->count, (long long)batch->started,
                  (long long)batch->succeeded, (long long)batch->failed);
}

DURABLE_INTERNAL void durable_summary_print(char text[DURABLE_SUMMARY_SIZE],
                                            const durable_batch *it)
{
    dur_batch batch;

    memset(&batch, 0, sizeof batch);
    batch.reason = (dur_batch_reason)it->reason;
    batch.count = it->count;
    batch.started = it->begun;
    batch.succeeded = it->succeeded;
    batch.failed = it->failed;
    print_summary(text, &batch);
}

/* ---- Reading the line ---------------------------------------------------------------------- */

static size_t number_behind(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    long long number = at ? strtoll(at + strlen(key), NULL, 10) : 0;

    return number > 0 && number <= DUR_BRANCHES_MAX ? (size_t)number : 0;
}

/* It is what we have printed, or somebody has edited it. */
static bool parse_summary(const char *text, dur_batch *batch)
{
    char again[DURABLE_SUMMARY_SIZE];
    int reason = DUR_TOO_MANY_FAILURES;

    memset(batch, 0, sizeof *batch);
    if (!text) return false;
    while (reason > DUR_ALL_COMPLETED && !strstr(text, reasons[reason])) reason--;
    batch->reason = (dur_batch_reason)reason;
    batch->count = number_behind(text, KEY_BRANCHES);
    batch->started = number_behind(text, KEY_STARTED);
    batch->succeeded = number_behind(text, KEY_SUCCEEDED);
    batch->failed = number_behind(text, KEY_FAILED);
    print_summary(again, batch);
    return strcmp(text, again) == 0 && batch->started <= batch->count &&
           batch->succeeded + batch->failed <= batch->started;
}

DURABLE_INTERNAL bool durable_summary_is(const char *text, size_t length)
{
    char line[DURABLE_SUMMARY_SIZE];
    dur_batch batch;

    if (length >= sizeof line) return false;
    memcpy(line, text, length);
    line[length] = '\0';
    return strlen(line) == length && parse_summary(line, &batch);
}

/* ---- Reading the rows ---------------------------------------------------------------------- */

typedef struct batch_reading {
    dur_run *run;
    int64_t position; /* the batch's in its run */
    int64_t key;      /* of its child; 0: it is not there */
    size_t count, succeeded, failed;
    int *codes;
    dur_value *values;
    int code;         /* why reading has ended */
} batch_reading;

static int note_batch_run(const durable_run_record *record, void *context)
{
    batch_reading *reading = context;

    if (record->parent == reading->run->fence.run && record->called_at == reading->position)
        reading->key = record->run;
    return DUR_OK;
}

static int read_branch(const durable_step_record *record, void *context)
{
    batch_reading *reading = context;
    size_t index = (size_t)(record->position - 1);
    bool failed = record->outcome == DURABLE_OUTCOME_FAILURE;
    dur_value *value = &reading->values[index];

    reading->code = durable_value_decode(&record->value, value);
    if (reading->code == DUR_OK && !durable_run_copy_value(reading->run, value))
        reading->code = DUR_NOMEM;
    if (reading->code != DUR_OK) {
        *value = dur_null();
        return 1;
    }
    reading->codes[index] = failed ? DUR_FAILED : DUR_OK;
    if (failed) reading->failed++;
    else reading->succeeded++;
    return 0;
}

static int allocate_outcomes(batch_reading *reading, size_t started)
{
    durable_arena *arena = &reading->run->arena;

    reading->codes = durable_arena_allocate(arena, reading->count * sizeof *reading->codes);
    reading->values = durable_arena_allocate(arena, reading->count * sizeof *reading->values);
    if (!reading->codes || !reading->values) return DUR_NOMEM;
    for (size_t i = 0; i < reading->count; i++) {
        reading->codes[i] = i < started ? DUR_CANCELLED : DUR_NOT_FOUND;
        reading->values[i] = dur_null();
    }
    return DUR_OK;
}

static int stop_reading(batch_reading *reading, int64_t position, const durable_asked *asked,
                        const char *id)
{
    dur_run *run = reading->run;

    if (reading->code == DUR_NOMEM)
        return durable_run_stop(run, DUR_NOMEM, "position %lld, batch \"%s\": out of memory",
                                (long long)position, asked->name);
    if (reading->code == DUR_MISMATCH)
        return durable_diverge(run, DUR_MISMATCH, position, asked,
                               "a branch's object was recorded on a machine of other byte order or"
                               " word size");
    return durable_run_stop(run, DUR_CORRUPT,
                            "position %lld, batch \"%s\": the rows of its branches (run \"%s\") are"
                            " gone or damaged: restore the database from a backup",
                            (long long)position, asked->name, id);
}

static int read_rows(batch_reading *reading, const char *id, int64_t position)
{
    dur_run *run = reading->run;
    durable_store *store = run->log->store;
    int64_t at = 0;
    int code = store->methods->find_run(store, id, note_batch_run, reading);

    if (code == DUR_NOT_FOUND || (code == DUR_OK && !reading->key)) {
        reading->code = DUR_CORRUPT;
        return DUR_OK;
    }
    if (code == DUR_OK && reading->count)
        code = store->methods->load_history(store, reading->key, 1, (int64_t)reading->count,
                                            (int64_t)reading->count, false, read_branch, reading,
                                            &at);
    return code == DUR_OK ? code : durable_run_stop_with_store(run, code, position, NULL);
}

static int read_outcomes(dur_run *run, int64_t position, const durable_asked *asked,
                         dur_batch *batch)
{
    batch_reading reading;
    char id[DUR_NAME_MAX + 1];

    memset(&reading, 0, sizeof reading);
    reading.run = run;
    reading.position = position;
    reading.count = batch->count;
    durable_child_id_print(id, run, position);
    reading.code = allocate_outcomes(&reading, batch->started);
    if (reading.code == DUR_OK && read_rows(&reading, id, position) != DUR_OK) return run->stop;
    if (reading.code == DUR_OK &&
        (reading.succeeded != batch->succeeded || reading.failed != batch->failed))
        reading.code = DUR_CORRUPT;
    if (reading.code != DUR_OK) return stop_reading(&reading, position, asked, id);
    batch->codes = reading.codes;
    batch->values = reading.values;
    return DUR_OK;
}

DURABLE_INTERNAL int durable_summary_read(dur_run *run, int64_t position,
                                          const durable_asked *asked, const char *text,
                                          size_t count, dur_batch *batch)
{
    dur_batch found;
    char detail[96];
    int code;

    if (!parse_summary(text, &found))
        return durable_run_stop(run, DUR_CORRUPT,
                                "position %lld, batch \"%s\": its row was damaged or edited",
                                (long long)position, asked->name);
    if (found.count != count) {
        durable_print(detail, sizeof detail, "a batch of %lld branches, and the code gives %lld",
                      (long long)found.count, (long long)count);
        return durable_diverge(run, DUR_MISMATCH, position, asked, detail);
    }
    if (!batch) return DUR_OK;
    code = read_outcomes(run, position, asked, &found);
    if (code == DUR_OK) *batch = found;
    return code;
}
