/* store/sqlite: from columns to records and back. */
#include "store/sqlite/rows.h"

#include <limits.h>

DURABLE_INTERNAL int64_t durable_step_key(int64_t run, int64_t position)
{
    return run * (INT64_C(1) << DURABLE_POSITION_BITS) + position;
}

DURABLE_INTERNAL int durable_bind_text(sqlite3_stmt *statement, int index, const char *text,
                                       size_t length)
{
    return sqlite3_bind_text64(statement, index, text ? text : "", length, SQLITE_STATIC,
                               SQLITE_UTF8);
}

DURABLE_INTERNAL int durable_bind_string(sqlite3_stmt *statement, int index, const char *text)
{
    if (!text) return sqlite3_bind_null(statement, index);
    return durable_bind_text(statement, index, text, strlen(text));
}

DURABLE_INTERNAL int durable_bind_time(sqlite3_stmt *statement, int index, int64_t time)
{
    if (time == DURABLE_NEVER) return sqlite3_bind_null(statement, index);
    return sqlite3_bind_int64(statement, index, time);
}

DURABLE_INTERNAL int durable_bind_format(sqlite3_stmt *statement, int index, int format)
{
    if (format == DURABLE_FORMAT_PLAIN) return SQLITE_OK; /* a rested statement holds nulls */
    return sqlite3_bind_int(statement, index, format);
}

DURABLE_INTERNAL int durable_bind_datum(sqlite3_stmt *statement, int index,
                                        const durable_datum *datum)
{
    switch (datum->type) {
    case DURABLE_DATUM_INTEGER: return sqlite3_bind_int64(statement, index, datum->integer);
    case DURABLE_DATUM_REAL: return sqlite3_bind_double(statement, index, datum->real);
    case DURABLE_DATUM_TEXT:
        return durable_bind_text(statement, index, datum->bytes, datum->length);
    case DURABLE_DATUM_BLOB:
        return sqlite3_bind_blob64(statement, index, datum->bytes ? datum->bytes : "",
                                   datum->length, SQLITE_STATIC);
    default: return sqlite3_bind_null(statement, index);
    }
}

/* ---- Columns ------------------------------------------------------------------------------- */

/* One row being read: the first thing wrong with it sticks. */
typedef struct row_reader {
    durable_sqlite *store;
    sqlite3_stmt *statement;
    int code;
} row_reader;

static void column_is_wrong(row_reader *row, int column)
{
    if (row->code != DUR_OK) return;
    row->code = durable_error_set(&row->store->head.error, DUR_CORRUPT,
                                  "its column \"%s\" holds what libdurable never writes there",
                                  sqlite3_column_name(row->statement, column));
}

static void out_of_memory(row_reader *row)
{
    if (row->code != DUR_OK) return;
    row->code = durable_error_set(&row->store->head.error, DUR_NOMEM, "out of memory");
    row->store->head.error.sqlite_code = SQLITE_NOMEM;
}

/* A column is looked up once and then asked for type, bytes and length. Such a value is the
 * statement's own and "unprotected" against other threads, which a log's connection does not have
 * at the same time. */
static sqlite3_value *value_at(row_reader *row, int column)
{
    return sqlite3_column_value(row->statement, column);
}

static int64_t read_integer(row_reader *row, int column)
{
    sqlite3_value *value = value_at(row, column);

    if (sqlite3_value_type(value) != SQLITE_INTEGER) column_is_wrong(row, column);
    return sqlite3_value_int64(value);
}

/* Where anything else would overflow what is reckoned with it. */
static int64_t read_between(row_reader *row, int column, int64_t least, int64_t most)
{
    int64_t integer = read_integer(row, column);

    if (integer < least || integer > most) column_is_wrong(row, column);
    return integer;
}

/* Null where the time does not come. */
static int64_t read_time(row_reader *row, int column)
{
    if (sqlite3_column_type(row->statement, column) == SQLITE_NULL) return DURABLE_NEVER;
    return read_integer(row, column);
}

static int read_small(row_reader *row, int column)
{
    int64_t integer = read_integer(row, column);

    if (integer < INT_MIN || integer > INT_MAX) {
        column_is_wrong(row, column);
        return 0;
    }
    return (int)integer;
}

/* Text with a NUL after it; NULL where the column is null and may be. */
static const char *read_string(row_reader *row, int column, bool may_be_null)
{
    sqlite3_value *value = value_at(row, column);
    int type = sqlite3_value_type(value);
    const char *text;

    if (type == SQLITE_NULL && may_be_null) return NULL;
    if (type != SQLITE_TEXT) {
        column_is_wrong(row, column);
        return "";
    }
    text = (const char *)sqlite3_value_text(value);
    if (!text) out_of_memory(row);
    return text ? text : "";
}

/* The bytes of text, without a NUL: in a UTF-8 database asking for them as a blob saves a copy. */
static const void *read_text_bytes(row_reader *row, sqlite3_value *value, size_t *length)
{
    const void *bytes = row->store->utf8 ? sqlite3_value_blob(value) : sqlite3_value_text(value);

    *length = (size_t)sqlite3_value_bytes(value);
    if (!bytes && *length > 0) out_of_memory(row);
    if (!bytes) *length = 0;
    return bytes ? bytes : "";
}

static void read_blob(row_reader *row, sqlite3_value *value, durable_datum *datum)
{
    datum->bytes = sqlite3_value_blob(value);
    datum->length = (size_t)sqlite3_value_bytes(value);
    if (!datum->bytes && datum->length > 0) out_of_memory(row);
    if (!datum->bytes) datum->bytes = "";
}

/* A value, but for its format. */
static void read_value(row_reader *row, int column, durable_datum *datum)
{
    sqlite3_value *value = value_at(row, column);

    datum->type = DURABLE_DATUM_NULL;
    datum->length = 0;
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        datum->type = DURABLE_DATUM_INTEGER;
        datum->integer = sqlite3_value_int64(value);
        break;
    case SQLITE_FLOAT:
        datum->type = DURABLE_DATUM_REAL;
        datum->real = sqlite3_value_double(value);
        break;
    case SQLITE_TEXT:
        datum->type = DURABLE_DATUM_TEXT;
        datum->bytes = read_text_bytes(row, value, &datum->length);
        break;
    case SQLITE_BLOB:
        datum->type = DURABLE_DATUM_BLOB;
        read_blob(row, value, datum);
        break;
    default: break;
    }
}

/* A format, null where the value in the column after it is plain, and that value; of a step, whose
 * format may tell that it timed out. */
static void read_step_datum(row_reader *row, int column, durable_datum *datum)
{
    datum->format = DURABLE_FORMAT_PLAIN;
    if (sqlite3_column_type(row->statement, column) != SQLITE_NULL) {
        datum->format = read_small(row, column);
        if (datum->format == DURABLE_FORMAT_PLAIN) column_is_wrong(row, column);
    }
    read_value(row, column + 1, datum);
}

static void read_datum(row_reader *row, int column, durable_datum *datum)
{
    read_step_datum(row, column, datum);
    if (datum->format == DURABLE_FORMAT_TIMED_OUT) column_is_wrong(row, column);
}

/* ---- Rows ---------------------------------------------------------------------------------- */

/* A key, a position, or null where there is none. */
static int64_t read_reference(row_reader *row, int column, int64_t most)
{
    if (sqlite3_column_type(row->statement, column) == SQLITE_NULL) return 0;
    return read_between(row, column, 1, most);
}

static void read_family(row_reader *row, durable_run_record *record)
{
    int64_t request = read_integer(row, 21);

    record->cancels = (request & DURABLE_REQUEST_END) != 0;
    record->paused = (request & DURABLE_REQUEST_PAUSE) != 0;
    record->deadline = read_time(row, 22);
    record->parent = read_reference(row, 23, DURABLE_RUN_KEY_MAX);
    record->called_at = read_reference(row, 24, DUR_POSITION_MAX);
    record->root = read_reference(row, 25, DURABLE_RUN_KEY_MAX);
    record->depth = (int)read_between(row, 26, 0, INT_MAX);
    record->generation = (int)read_between(row, 27, 1, INT_MAX);
    record->restarted_at = read_reference(row, 28, DUR_POSITION_MAX);
    record->origin = read_string(row, 29, true);
}

DURABLE_INTERNAL int durable_read_run_row(durable_sqlite *store, sqlite3_stmt *statement,
                                          durable_run_record *record)
{
    row_reader row = {store, statement, DUR_OK};

    record->run = read_integer(&row, 0);
    if (record->run < 1 || record->run > DURABLE_RUN_KEY_MAX) column_is_wrong(&row, 0);
    record->id = read_string(&row, 1, false);
    record->uid = read_string(&row, 2, false);
    record->workflow = read_string(&row, 3, false);
    record->status = read_small(&row, 4);
    if (record->status < DURABLE_RUNNING || record->status > DURABLE_TERMINATED)
        column_is_wrong(&row, 4);
    record->behaviour = read_small(&row, 5);
    if (record->behaviour < 1) column_is_wrong(&row, 5);
    record->epoch = read_between(&row, 6, 0, INT64_MAX - 1);
    record->token = read_integer(&row, 7);
    record->owner = read_string(&row, 8, true);
    record->lease_end = read_integer(&row, 9);
    record->claims = read_between(&row, 10, 0, INT64_MAX - 1);
    record->created = read_integer(&row, 11);
    record->ended = sqlite3_column_type(statement, 12) == SQLITE_NULL ? 0 : read_integer(&row, 12);
    read_datum(&row, 13, &record->input);
    read_datum(&row, 15, &record->output);
    record->failure = read_string(&row, 17, true);
    record->queue = read_string(&row, 18, false);
    record->priority = read_small(&row, 19);
    record->due = read_time(&row, 20);
    read_family(&row, record);
    record->joined = !sqlite3_get_autocommit(store->db);
    return row.code;
}

static void fill_whole_run(const durable_run_record *record, durable_run_row *whole)
{
    whole->id = record->id;
    whole->uid = record->uid;
    whole->workflow = record->workflow;
    whole->status = record->status;
    whole->request = (record->cancels ? DURABLE_REQUEST_END : 0) |
                     (record->paused ? DURABLE_REQUEST_PAUSE : 0);
    whole->behaviour = record->behaviour;
    whole->called_at = record->called_at;
    whole->called = record->root != 0;
    whole->queue = record->queue;
    whole->priority = record->priority;
    whole->due = record->owner && !record->paused ? record->created : record->due;
    whole->deadline = record->deadline;
    whole->created = record->created;
    whole->ended = record->ended;
    whole->epoch = record->epoch;
    whole->claims = record->claims;
    whole->generation = record->generation;
    whole->origin = record->origin;
    whole->restarted_at = record->restarted_at;
    whole->input = record->input;
    whole->output = record->output;
    whole->failure = record->failure;
}

DURABLE_INTERNAL int durable_read_whole_run(durable_sqlite *store, sqlite3_stmt *statement,
                                            durable_run_record *record, durable_run_row *whole,
                                            int64_t *origin)
{
    row_reader row = {store, statement, DUR_OK};

    row.code = durable_read_run_row(store, statement, record);
    fill_whole_run(record, whole);
    whole->code_version = read_string(&row, 30, true);
    whole->on_parent_end = (int)read_between(&row, 31, 0, INT_MAX);
    whole->awaits = read_string(&row, 32, true);
    whole->parent = read_string(&row, 33, true);
    *origin = read_reference(&row, 34, DURABLE_RUN_KEY_MAX);
    if (whole->parent && !whole->called_at) column_is_wrong(&row, 24);
    return row.code;
}

/* A failed step's kind stands there negated. */
static void read_kind(row_reader *row, int column, durable_step_record *record)
{
    int kind = read_small(row, column);

    if (kind == 0 || kind == INT_MIN) column_is_wrong(row, column);
    record->outcome = kind < 0 ? DURABLE_OUTCOME_FAILURE : DURABLE_OUTCOME_RESULT;
    record->kind = kind < 0 && kind != INT_MIN ? -kind : kind;
}

static void read_outcome(row_reader *row, durable_step_record *record)
{
    bool failed = record->outcome == DURABLE_OUTCOME_FAILURE;

    read_step_datum(row, 3, &record->value);
    if (failed && record->value.type != DURABLE_DATUM_TEXT) column_is_wrong(row, 1);
    if (record->value.format != DURABLE_FORMAT_TIMED_OUT) return;
    if (failed || record->value.type != DURABLE_DATUM_NULL) column_is_wrong(row, 3);
    record->value.format = DURABLE_FORMAT_PLAIN;
    record->outcome = DURABLE_OUTCOME_TIMED_OUT;
}

DURABLE_INTERNAL int durable_read_step_row(durable_sqlite *store, sqlite3_stmt *statement,
                                           bool details, durable_step_record *record)
{
    row_reader row = {store, statement, DUR_OK};
    sqlite3_value *name = value_at(&row, 2);

    read_kind(&row, 1, record);
    if (sqlite3_value_type(name) != SQLITE_TEXT) column_is_wrong(&row, 2);
    record->name = read_text_bytes(&row, name, &record->name_length);
    read_outcome(&row, record);
    if (!details) return row.code;
    record->site = read_string(&row, 5, true);
    record->epoch = read_integer(&row, 6);
    record->began = read_integer(&row, 7);
    record->took = read_integer(&row, 8);
    record->low = read_integer(&row, 9);
    record->attempt = read_integer(&row, 10);
    record->fingerprint = sqlite3_column_type(statement, 11) == SQLITE_NULL
                              ? 0
                              : (uint64_t)read_integer(&row, 11);
    return row.code;
}

DURABLE_INTERNAL int durable_read_summary_row(durable_sqlite *store, sqlite3_stmt *statement,
                                              durable_history_summary *summary)
{
    row_reader row = {store, statement, DUR_OK};

    summary->calls = sqlite3_column_int(statement, 3) != 0;
    if (sqlite3_column_type(statement, 0) == SQLITE_NULL) return DUR_OK;
    summary->last = sqlite3_column_int64(statement, 0) & DUR_POSITION_MAX;
    summary->last_epoch = read_between(&row, 1, 0, INT64_MAX);
    summary->low = read_between(&row, 2, 1, DUR_POSITION_MAX);
    return row.code;
}

DURABLE_INTERNAL int durable_read_pending_row(durable_sqlite *store, sqlite3_stmt *statement,
                                              durable_pending *pending)
{
    row_reader row = {store, statement, DUR_OK};
    sqlite3_value *name = value_at(&row, 2);

    pending->kind = read_small(&row, 1);
    if (pending->kind < DURABLE_KIND_STEP) column_is_wrong(&row, 1);
    if (sqlite3_value_type(name) != SQLITE_TEXT) column_is_wrong(&row, 2);
    pending->name = read_text_bytes(&row, name, &pending->name_length);
    pending->attempt = read_between(&row, 3, 0, INT64_MAX - 1);
    pending->began = read_integer(&row, 4);
    pending->due = read_time(&row, 5);
    pending->deadline = read_time(&row, 6);
    pending->interval = read_between(&row, 7, 0, INT64_MAX);
    pending->choice = read_integer(&row, 8);
    read_datum(&row, 9, &pending->details);
    pending->failure = read_string(&row, 11, true);
    pending->intent = (int)read_between(&row, 12, DURABLE_NO_INTENT, DURABLE_RESOLVED_FAILURE);
    return row.code;
}

DURABLE_INTERNAL int durable_read_signal_row(durable_sqlite *store, sqlite3_stmt *statement,
                                             durable_signal_record *record)
{
    row_reader row = {store, statement, DUR_OK};

    record->signal = read_integer(&row, 0);
    if (record->signal == 0) column_is_wrong(&row, 0); /* it stands for none */
    read_datum(&row, 1, &record->value);
    record->failure = read_string(&row, 3, true);
    record->sent = read_integer(&row, 4);
    return row.code;
}

DURABLE_INTERNAL int durable_read_whole_signal(durable_sqlite *store, sqlite3_stmt *statement,
                                               durable_signal_row *whole)
{
    row_reader row = {store, statement, DUR_OK};
    durable_signal_record record;

    row.code = durable_read_signal_row(store, statement, &record);
    whole->value = record.value;
    whole->failure = record.failure;
    whole->sent = record.sent;
    whole->address = read_string(&row, 5, false);
    whole->key = read_string(&row, 6, true);
    whole->received = sqlite3_column_type(statement, 7) == SQLITE_NULL
                          ? -1
                          : read_between(&row, 7, 0, DUR_POSITION_MAX);
    return row.code;
}

DURABLE_INTERNAL int durable_read_due_row(durable_sqlite *store, sqlite3_stmt *statement,
                                          durable_due *due)
{
    row_reader row = {store, statement, DUR_OK};

    due->workflow = read_string(&row, 0, false);
    due->priority = read_small(&row, 1);
    due->due = read_integer(&row, 2);
    due->id = read_string(&row, 3, false);
    return row.code;
}

DURABLE_INTERNAL int durable_read_held_row(durable_sqlite *store, sqlite3_stmt *statement,
                                           durable_held *held)
{
    row_reader row = {store, statement, DUR_OK};

    held->owner = read_string(&row, 0, false);
    held->workflow = read_string(&row, 1, false);
    held->lease_end = read_integer(&row, 2);
    held->id = read_string(&row, 3, false);
    return row.code;
}

DURABLE_INTERNAL int durable_read_queue_row(durable_sqlite *store, sqlite3_stmt *statement,
                                            durable_queue *queue)
{
    row_reader row = {store, statement, DUR_OK};

    queue->limits.max_active = read_between(&row, 0, 0, INT64_MAX);
    queue->limits.max_active_process = read_between(&row, 1, 0, INT64_MAX);
    queue->limits.interval_us = read_between(&row, 2, 0, INT64_MAX);
    queue->next_us = read_integer(&row, 3);
    return row.code;
}
