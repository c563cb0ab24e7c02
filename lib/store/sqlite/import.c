/*
 * store/sqlite: the verbs that put rows of another log into this one. The transaction around them is
 * that of a transactional step: a savepoint of the host's where it has one open, and other verbs that
 * write are refused meanwhile.
 */
#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/verbs.h"

#include <limits.h>

static int not_imported(durable_sqlite *store, const char *problem)
{
    return durable_error_set(&store->head.error, DUR_INVALID, "%s", problem);
}

/* ---- Values -------------------------------------------------------------------------------- */

/* What can be read again, on whichever machine. */
static bool is_imported_value(const durable_datum *datum)
{
    dur_value value;
    int code = durable_value_decode(datum, &value);

    return code == DUR_OK || code == DUR_MISMATCH;
}

static int bind_value(sqlite3_stmt *statement, int index, const durable_datum *datum)
{
    durable_bind_format(statement, index, datum->format);
    return durable_bind_datum(statement, index + 1, datum);
}

/* 0 is none. */
static void bind_reference(sqlite3_stmt *statement, int index, int64_t integer)
{
    if (integer) sqlite3_bind_int64(statement, index, integer); /* a rested one holds nulls */
}

/* One row. `result` is that of binding it. A key that is taken is `taken`, which the caller has set
 * the words for. */
static int insert_row(durable_sqlite *store, durable_write *write, sqlite3_stmt *statement,
                      int result, const char *taken)
{
    int changes = 0;

    if (result != SQLITE_OK) {
        durable_sqlite_not_bound(store, write, statement, result);
        return store->head.error.code;
    }
    result = durable_sqlite_write_step(store, write, statement, &changes);
    if (result == SQLITE_CONSTRAINT_UNIQUE || result == SQLITE_CONSTRAINT_PRIMARYKEY ||
        result == SQLITE_CONSTRAINT_ROWID)
        return not_imported(store, taken);
    if (result != SQLITE_DONE) return store->head.error.code;
    return changes ? DUR_OK : durable_sqlite_had_no_effect(store, write->doing);
}

/* ---- Queues -------------------------------------------------------------------------------- */

static int put_queue_row(durable_sqlite *store, durable_write *write, const durable_queue_row *queue)
{
    const durable_limits *limits = &queue->limits;
    sqlite3_stmt *statement;
    int result;

    if (!queue->queue || limits->max_active < 0 || limits->max_active_process < 0 ||
        limits->interval_us < 0)
        return not_imported(store, "a queue has a limit below 0, or no name");
    statement = durable_sqlite_statement(store, DURABLE_SQL_IMPORT_QUEUE);
    if (!statement) return store->head.error.code;
    result = durable_bind_string(statement, 1, queue->queue);
    sqlite3_bind_int64(statement, 2, limits->max_active);
    sqlite3_bind_int64(statement, 3, limits->max_active_process);
    sqlite3_bind_int64(statement, 4, limits->interval_us);
    if (result == SQLITE_OK)
        result = durable_sqlite_write_step(store, write, statement, NULL);
    else
        durable_sqlite_not_bound(store, write, statement, result);
    return result == SQLITE_DONE ? DUR_OK : store->head.error.code;
}

/* ---- Runs ---------------------------------------------------------------------------------- */

/* What a run's row refers to. */
typedef struct relation {
    int64_t run; /* 0: there is none */
    int64_t root;
    int64_t depth;
} relation;

/* A run by its id; in_import is false where it was there before. */
static int find_relation(durable_sqlite *store, const char *id, relation *found, bool *in_import)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_IMPORT_FIND);
    int result;

    memset(found, 0, sizeof *found);
    if (!statement) return store->head.error.code;
    result = durable_bind_string(statement, 1, id);
    if (result == SQLITE_OK) result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW) {
        found->run = sqlite3_column_int64(statement, 0);
        found->root = sqlite3_column_int64(statement, 1);
        found->depth = sqlite3_column_int64(statement, 2);
    } else if (result != SQLITE_DONE) {
        durable_sqlite_failed(store, result, "import the log");
    }
    durable_sqlite_rest(statement);
    *in_import = found->run >= store->import_first;
    return result == SQLITE_ROW || result == SQLITE_DONE ? DUR_OK : store->head.error.code;
}

/* One that is named has come before. */
static int find_imported(durable_sqlite *store, const char *id, const char *missing,
                         relation *found)
{
    bool in_import;
    int code;

    memset(found, 0, sizeof *found);
    if (!id) return DUR_OK;
    code = find_relation(store, id, found, &in_import);
    return code == DUR_OK && !in_import ? not_imported(store, missing) : code;
}

static bool is_open_status(int status)
{
    return status == DURABLE_RUNNING || status == DURABLE_PARKED || status == DURABLE_SUSPENDED;
}

/* Each address stands between newlines. */
static bool is_awaits(const char *awaits)
{
    size_t length = awaits ? strlen(awaits) : 0;

    return !awaits || (length > 2 && awaits[0] == '\n' && awaits[length - 1] == '\n');
}

/* NULL: nothing is wrong with it. */
static const char *problem_of_run(const durable_run_row *row)
{
    bool has_names = row->id && row->uid && row->workflow && row->queue;

    if (!has_names || !*row->id) return "a run has no id, uid, workflow or queue";
    if (row->status < DURABLE_RUNNING || row->status > DURABLE_TERMINATED)
        return "the run's status is none";
    if (is_open_status(row->status) && row->ended) return "the run has an end and has not ended";
    if (row->request & ~(DURABLE_REQUEST_END | DURABLE_REQUEST_PAUSE))
        return "the run was asked for what does not exist";
    if (row->behaviour < 1 || row->generation < 1) return "the run's numbers are below 1";
    if (row->epoch < 0 || row->epoch == INT64_MAX || row->claims < 0 || row->claims == INT64_MAX)
        return "the run has been claimed an impossible number of times";
    if (row->priority < 0 || row->priority > 7) return "the run's priority is not 0 to 7";
    if (row->on_parent_end < DUR_CHILD_WAIT || row->on_parent_end > DUR_CHILD_LEAVE)
        return "what the run does at its parent's end is nothing";
    if (row->called && !row->parent) return "the run is called, but by none of these";
    if (row->called != (strcmp(row->queue, DURABLE_QUEUE_CALLED) == 0))
        return "the run's queue is that of one that is called, or it is called and has another";
    if (row->parent ? row->called_at < 1 || row->called_at > DUR_POSITION_MAX : row->called_at != 0)
        return "the run's position in its parent is none";
    if (row->restarted_at < 0 || row->restarted_at > DUR_POSITION_MAX)
        return "the run was restarted at no position";
    if (!is_awaits(row->awaits)) return "the run awaits what is no address";
    if (!is_imported_value(&row->input) || !is_imported_value(&row->output))
        return "the run's input or output is no value";
    return NULL;
}

static int bind_texts_of_run(sqlite3_stmt *statement, const durable_run_row *row)
{
    int result = durable_bind_string(statement, 6, row->id);

    if (result == SQLITE_OK) result = durable_bind_string(statement, 7, row->uid);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 8, row->workflow);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 9, row->code_version);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 20, row->queue);
    if (result == SQLITE_OK) result = bind_value(statement, 25, &row->input);
    if (result == SQLITE_OK) result = bind_value(statement, 27, &row->output);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 29, row->failure);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 30, row->awaits);
    return result;
}

static int bind_imported_run(sqlite3_stmt *statement, int64_t key, const durable_run_row *row,
                    const relation *parent, const relation *origin)
{
    sqlite3_bind_int64(statement, 1, key);
    sqlite3_bind_int64(statement, 2, row->epoch);
    sqlite3_bind_int(statement, 3, row->status);
    sqlite3_bind_int64(statement, 4, row->claims);
    sqlite3_bind_int(statement, 5, row->request);
    sqlite3_bind_int(statement, 10, row->behaviour);
    bind_reference(statement, 11, parent->run);
    bind_reference(statement, 12, row->called_at);
    if (row->called) sqlite3_bind_int64(statement, 13, parent->root ? parent->root : parent->run);
    sqlite3_bind_int(statement, 14, row->on_parent_end);
    sqlite3_bind_int64(statement, 15, parent->run ? parent->depth + 1 : 0);
    sqlite3_bind_int(statement, 16, row->generation);
    bind_reference(statement, 17, origin->run);
    bind_reference(statement, 18, row->restarted_at);
    durable_bind_time(statement, 19, row->deadline);
    sqlite3_bind_int(statement, 21, row->priority);
    durable_bind_time(statement, 22, row->due);
    sqlite3_bind_int64(statement, 23, row->created);
    if (!is_open_status(row->status)) sqlite3_bind_int64(statement, 24, row->ended);
    return bind_texts_of_run(statement, row);
}

/* Its id is taken: by a run that was here before, or by one of these? */
static int explain_taken(durable_sqlite *store, const char *id)
{
    relation found;
    bool in_import = false;
    int code = find_relation(store, id, &found, &in_import);

    if (code != DUR_OK) return code;
    if (in_import) return not_imported(store, "the run comes twice");
    return durable_error_set(&store->head.error, DUR_CONFLICT,
                             "run \"%s\": there is a run of that id already", id);
}

static int insert_imported(durable_sqlite *store, durable_write *write, const durable_run_row *row,
                           const relation *parent, const relation *origin)
{
    int64_t key = store->import_run + 1;
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_IMPORT_RUN);
    int code;

    if (!statement) return store->head.error.code;
    code = insert_row(store, write, statement, bind_imported_run(statement, key, row, parent, origin),
                      "there is a run of that id already");
    if (code == DUR_INVALID) return explain_taken(store, row->id);
    if (code == DUR_OK) store->import_run = key;
    return code;
}

static int put_run_row(durable_sqlite *store, durable_write *write, const durable_run_row *row)
{
    const char *problem = problem_of_run(row);
    relation parent, origin;
    int code;

    if (problem) return not_imported(store, problem);
    if (store->import_run == DURABLE_RUN_KEY_MAX)
        return durable_error_set(&store->head.error, DUR_CORRUPT,
                                 "no free key is left: the largest one was edited in");
    code = find_imported(store, row->parent, "the run's parent does not come before it", &parent);
    if (code == DUR_OK && parent.depth >= INT_MAX)
        code = not_imported(store, "the run's parents are too many");
    if (code == DUR_OK)
        code = find_imported(store, row->origin,
                             "the run that this one goes back to does not come before it", &origin);
    return code == DUR_OK ? insert_imported(store, write, row, &parent, &origin) : code;
}

/* ---- What belongs to the run that came last ------------------------------------------------ */

static bool is_imported_position(int64_t position)
{
    return position >= 1 && position <= DUR_POSITION_MAX;
}

static const char *problem_of_step(const durable_step_record *row)
{
    bool failed = row->outcome == DURABLE_OUTCOME_FAILURE;
    bool timed_out = row->outcome == DURABLE_OUTCOME_TIMED_OUT;

    if (!is_imported_position(row->position)) return "the step's position is none";
    if (row->kind < DURABLE_KIND_STEP || row->kind == INT_MAX || !row->name)
        return "the step has no kind, or no name";
    if (row->outcome != DURABLE_OUTCOME_RESULT && !failed && !timed_out)
        return "the step's outcome is none";
    if (!is_imported_value(&row->value)) return "the step's value is none";
    if (failed && row->value.type != DURABLE_DATUM_TEXT) return "the step's failure is no text";
    if (timed_out && row->value.type != DURABLE_DATUM_NULL)
        return "the step timed out and has a value";
    if (row->low < 1 || row->low > row->position) return "the step's `low` is no position up to it";
    if (row->epoch < 1) return "the step was recorded without a claim";
    return NULL;
}

static int bind_imported_step(sqlite3_stmt *statement, int64_t run, const durable_step_record *row)
{
    bool timed_out = row->outcome == DURABLE_OUTCOME_TIMED_OUT;
    int result;

    sqlite3_bind_int64(statement, 1, durable_step_key(run, row->position));
    sqlite3_bind_int(statement, 2,
                     row->outcome == DURABLE_OUTCOME_FAILURE ? -row->kind : row->kind);
    result = durable_bind_text(statement, 3, row->name, row->name_length);
    if (result == SQLITE_OK) result = bind_value(statement, 4, &row->value);
    if (timed_out) sqlite3_bind_int(statement, 4, DURABLE_FORMAT_TIMED_OUT);
    sqlite3_bind_int64(statement, 6, row->low);
    sqlite3_bind_int64(statement, 7, row->epoch);
    sqlite3_bind_int64(statement, 8, row->attempt);
    sqlite3_bind_int64(statement, 9, row->began);
    sqlite3_bind_int64(statement, 10, row->took);
    bind_reference(statement, 11, (int64_t)row->fingerprint);
    return result == SQLITE_OK ? durable_bind_string(statement, 12, row->site) : result;
}

static int put_step_row(durable_sqlite *store, durable_write *write, const durable_step_record *row)
{
    const char *problem = problem_of_step(row);
    sqlite3_stmt *statement;

    if (problem) return not_imported(store, problem);
    statement = durable_sqlite_statement(store, DURABLE_SQL_IMPORT_STEP);
    if (!statement) return store->head.error.code;
    return insert_row(store, write, statement, bind_imported_step(statement, store->import_run, row),
                      "the step's position comes twice");
}

static const char *problem_of_pending(const durable_pending *row)
{
    if (!is_imported_position(row->position)) return "the pending one's position is none";
    if (row->kind < DURABLE_KIND_STEP || !row->name) return "the pending one has no kind, or no name";
    if (row->intent < DURABLE_NO_INTENT || row->intent > DURABLE_RESOLVED_FAILURE)
        return "the pending one's intent is none";
    if (row->attempt < 0 || row->attempt == INT64_MAX || row->interval < 0)
        return "the pending one's numbers are below 0";
    return is_imported_value(&row->details) ? NULL : "the pending one's value is none";
}

static int bind_imported_pending(sqlite3_stmt *statement, int64_t run, const durable_pending *row)
{
    int result;

    sqlite3_bind_int64(statement, 1, durable_step_key(run, row->position));
    sqlite3_bind_int(statement, 2, row->kind);
    result = durable_bind_text(statement, 3, row->name, row->name_length);
    sqlite3_bind_int64(statement, 4, row->attempt);
    sqlite3_bind_int64(statement, 5, row->began);
    durable_bind_time(statement, 6, row->due);
    durable_bind_time(statement, 7, row->deadline);
    sqlite3_bind_int64(statement, 8, row->interval);
    sqlite3_bind_int64(statement, 9, row->choice);
    if (result == SQLITE_OK) result = bind_value(statement, 10, &row->details);
    sqlite3_bind_int(statement, 13, row->intent);
    return result == SQLITE_OK ? durable_bind_string(statement, 12, row->failure) : result;
}

static int put_pending_row(durable_sqlite *store, durable_write *write, const durable_pending *row)
{
    const char *problem = problem_of_pending(row);
    sqlite3_stmt *statement;

    if (problem) return not_imported(store, problem);
    statement = durable_sqlite_statement(store, DURABLE_SQL_IMPORT_PENDING);
    if (!statement) return store->head.error.code;
    return insert_row(store, write, statement,
                      bind_imported_pending(statement, store->import_run, row),
                      "the pending one's position comes twice");
}

static const char *problem_of_signal(const durable_signal_row *row)
{
    if (!row->address || !*row->address) return "the signal has no name";
    if (row->received < -1 || row->received > DUR_POSITION_MAX)
        return "the signal was received at no position";
    if (row->received >= 0 && !row->key) return "the signal was received, and has no key to keep";
    return is_imported_value(&row->value) ? NULL : "the signal's value is none";
}

/* What was not received is put as if it were, and then set right. */
static int put_signal_row(durable_sqlite *store, durable_write *write, const durable_signal_row *row)
{
    const char *problem = problem_of_signal(row);
    sqlite3_stmt *statement;
    int64_t key;
    int result, code;

    if (problem) return not_imported(store, problem);
    statement = durable_sqlite_statement(store, DURABLE_SQL_IMPORT_SIGNAL);
    if (!statement) return store->head.error.code;
    sqlite3_bind_int64(statement, 1, store->import_run);
    result = durable_bind_string(statement, 2, row->address);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 3, row->key);
    if (result == SQLITE_OK) result = bind_value(statement, 4, &row->value);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 6, row->failure);
    sqlite3_bind_int64(statement, 7, row->sent);
    sqlite3_bind_int64(statement, 8, row->received < 0 ? 0 : row->received);
    code = insert_row(store, write, statement, result, "the signal's key comes twice");
    if (code != DUR_OK || row->received >= 0) return code;
    key = sqlite3_last_insert_rowid(store->db);
    result = durable_sqlite_step_integers(store, write, DURABLE_SQL_IMPORT_UNRECEIVED, &key, 1, NULL);
    return result == SQLITE_DONE ? DUR_OK : store->head.error.code;
}

/* ---- The verbs ----------------------------------------------------------------------------- */

static int read_next_key(durable_sqlite *store)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_IMPORT_KEY);
    int result;

    if (!statement) return store->head.error.code;
    result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW) store->import_first = sqlite3_column_int64(statement, 0);
    store->import_run = store->import_first - 1;
    if (result != SQLITE_ROW) durable_sqlite_failed(store, result, "import the log");
    durable_sqlite_rest(statement);
    return result == SQLITE_ROW ? DUR_OK : store->head.error.code;
}

/* Rolled back by SQLite, it is taken back as well; not what the host had done before it. */
static int take_back_import(durable_sqlite *store)
{
    bool is_gone = store->step_alone && sqlite3_get_autocommit(store->db);
    durable_error error;
    int code;

    durable_error_copy(&error, &store->head.error);
    code = durable_sqlite_end_step(store, false, "take the import back");
    if (is_gone) code = DUR_OK;
    if (code == DUR_OK) durable_error_copy(&store->head.error, &error);
    return code;
}

DURABLE_INTERNAL int durable_sqlite_begin_import(durable_store *base)
{
    durable_sqlite *store = durable_sqlite_of(base);
    int code = durable_sqlite_settle_schema(store);

    if (code == DUR_OK && !store->in_step) code = durable_sqlite_commit_shared(base);
    if (code == DUR_OK) code = durable_sqlite_begin_transaction(base, 0, true);
    if (code != DUR_OK) return code;
    store->import_failed = false;
    code = read_next_key(store);
    store->importing = code == DUR_OK;
    if (code != DUR_OK) take_back_import(store);
    return code;
}

DURABLE_INTERNAL int durable_sqlite_end_import(durable_store *base, bool keep)
{
    durable_sqlite *store = durable_sqlite_of(base);
    bool failed = store->import_failed;
    int code;

    if (!store->importing) return DUR_OK;
    store->importing = false;
    if (keep && !failed) return durable_sqlite_end_step(store, true, "commit the import");
    code = take_back_import(store);
    if (!keep || code != DUR_OK) return code;
    return durable_error_set(&store->head.error, DUR_MISUSE,
                             "a row was refused: all of the import was taken back");
}

static int put_one(durable_sqlite *store, durable_write *write, const durable_row *row)
{
    if (row->type == DURABLE_ROW_QUEUE) return put_queue_row(store, write, &row->of.queue);
    if (row->type == DURABLE_ROW_RUN) return put_run_row(store, write, &row->of.run);
    if (store->import_run < store->import_first) return not_imported(store, "no run comes before it");
    if (row->type == DURABLE_ROW_STEP) return put_step_row(store, write, &row->of.step);
    if (row->type == DURABLE_ROW_PENDING) return put_pending_row(store, write, &row->of.pending);
    if (row->type == DURABLE_ROW_SIGNAL) return put_signal_row(store, write, &row->of.signal);
    return not_imported(store, "the row is of no kind");
}

static int refuse_row(durable_sqlite *store)
{
    return durable_error_set(&store->head.error, DUR_MISUSE,
                             store->importing ? "a row before was refused: take the import back"
                                              : "no import has begun");
}

/* Where SQLite has rolled the transaction back by itself, rows would be committed one by one. */
DURABLE_INTERNAL int durable_sqlite_put_row(durable_store *base, const durable_row *row)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_write write = {.doing = "import the log", .joined = true};
    int code;

    if (!store->importing || store->import_failed) return refuse_row(store);
    write.host_rowid = sqlite3_last_insert_rowid(store->db);
    if (sqlite3_get_autocommit(store->db))
        code = durable_error_set(&store->head.error, DUR_ROLLED_BACK,
                                 "the transaction of the import was rolled back");
    else
        code = put_one(store, &write, row);
    sqlite3_set_last_insert_rowid(store->db, write.host_rowid);
    store->import_failed = code != DUR_OK;
    return code;
}
