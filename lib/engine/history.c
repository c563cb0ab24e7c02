/* engine: a run's recorded steps, read in batches. */
#include "engine/history.h"

/* Most runs are short: their one batch stays small. Long ones pay the seek less often. */
#define ROWS_FIRST 64
#define ROWS_LATER 512
#define BYTES_FIRST ((size_t)4096)
#define BYTES_LATER ((size_t)65536)

/* A row in the batch: this, the name, the value's bytes; the whole aligned for the next one. */
typedef struct batch_row {
    durable_step_record record;
    size_t size;
} batch_row;

typedef struct batch_fill {
    durable_history *history;
    size_t limit;
    int64_t rows;
    bool full;
    bool out_of_memory;
} batch_fill;

DURABLE_INTERNAL void durable_history_init(durable_history *history, durable_store *store,
                                           int64_t run, bool empty)
{
    memset(history, 0, sizeof *history);
    history->store = store;
    history->run = run;
    history->exhausted = empty;
    history->first_done = empty;
}

/* Room for the whole batch, or for a first row larger than that: rows never move. */
static bool make_room(durable_history *history, size_t needed)
{
    if (history->size >= needed) return true;
    durable_free(history->batch);
    history->batch = durable_allocate_raw(needed);
    history->size = history->batch ? needed : 0;
    return history->batch != NULL;
}

static size_t row_size(const durable_step_record *record)
{
    size_t size = sizeof(batch_row) + record->name_length + record->value.length;

    return (size + 15) / 16 * 16;
}

static int add_row(const durable_step_record *record, void *context)
{
    batch_fill *fill = context;
    durable_history *history = fill->history;
    size_t size = row_size(record);
    batch_row *row;
    char *bytes;

    fill->full = fill->rows > 0 && history->used + size > fill->limit;
    if (fill->full) return 1;
    if (fill->rows == 0)
        fill->out_of_memory = !make_room(history, size < fill->limit ? fill->limit : size);
    if (fill->out_of_memory) return 1;
    row = (batch_row *)(void *)(history->batch + history->used);
    row->record = *record;
    row->record.site = NULL; /* it is not kept */
    row->size = size;
    bytes = (char *)(row + 1);
    row->record.name = bytes;
    memcpy(bytes, record->name, record->name_length);
    if (record->value.length) {
        bytes += record->name_length;
        row->record.value.bytes = bytes;
        memcpy(bytes, record->value.bytes, record->value.length);
    }
    history->used += size;
    history->loaded = record->position;
    fill->rows++;
    return 0;
}

static void empty_batch(durable_history *history)
{
    history->used = 0;
    history->read = 0;
    if (!history->exhausted && history->size <= BYTES_LATER) return;
    durable_free(history->batch); /* the replay is over, or the last value was a giant */
    history->batch = NULL;
    history->size = 0;
}

static int load_batch(durable_history *history, int64_t *position)
{
    batch_fill fill = {history, BYTES_FIRST, 0, false, false};
    int64_t loaded_before = history->loaded;
    int64_t limit = ROWS_FIRST;
    int code;

    if (history->first_done) {
        fill.limit = BYTES_LATER;
        limit = ROWS_LATER;
    }
    history->first_done = true;
    code = history->store->methods->load_history(history->store, history->run, history->loaded + 1,
                                                 DUR_POSITION_MAX, limit, history->details,
                                                 add_row, &fill, position);
    if (fill.out_of_memory)
        code = durable_error_set(&history->store->error, DUR_NOMEM, "out of memory");
    if (code != DUR_OK) {
        empty_batch(history); /* what was read is read again by the next try */
        history->loaded = loaded_before;
        return code;
    }
    history->exhausted = !fill.full && fill.rows < limit;
    return DUR_OK;
}

static int refill(durable_history *history, int64_t *position)
{
    int code;

    empty_batch(history);
    if (history->exhausted) return DUR_OK;
    code = load_batch(history, position);
    if (code == DUR_OK && history->used == 0) empty_batch(history);
    return code;
}

DURABLE_INTERNAL int durable_history_peek(durable_history *history,
                                          const durable_step_record **record, int64_t *position)
{
    *record = NULL;
    if (history->read == history->used) {
        int code = refill(history, position);

        if (code != DUR_OK || history->used == 0) return code;
    }
    *record = &((const batch_row *)(const void *)(history->batch + history->read))->record;
    return DUR_OK;
}

DURABLE_INTERNAL bool durable_history_must_load(const durable_history *history)
{
    return history->read == history->used && !history->exhausted;
}

DURABLE_INTERNAL void durable_history_pass(durable_history *history)
{
    const batch_row *row = (const batch_row *)(const void *)(history->batch + history->read);

    history->read += row->size;
}

DURABLE_INTERNAL void durable_history_close(durable_history *history)
{
    durable_free(history->batch);
    history->batch = NULL;
    history->size = history->used = history->read = 0;
    history->exhausted = true;
}
