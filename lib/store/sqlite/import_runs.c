/* store/sqlite: queues and runs of another log. */
#include "store/sqlite/import.h"

#include "store/sqlite/rows.h"

#include <limits.h>

/* ---- Queues -------------------------------------------------------------------------------- */

DURABLE_INTERNAL int durable_import_queue(durable_sqlite *store, durable_write *write,
                                          const durable_queue_row *queue)
{
    const durable_limits *limits = &queue->limits;
    sqlite3_stmt *statement;
    int result;

    if (!queue->queue || limits->max_active < 0 || limits->max_active_process < 0 ||
        limits->interval_us < 0)
        return durable_not_imported(store, "a queue has a limit below 0, or no name");
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
    bool in_import = false;
    int code;

    memset(found, 0, sizeof *found);
    if (!id) return DUR_OK;
    code = find_relation(store, id, found, &in_import);
    return code == DUR_OK && !in_import ? durable_not_imported(store, missing) : code;
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
    if (!durable_status_has_ended(row->status) && row->ended)
        return "the run has an end and has not ended";
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
    if (!durable_is_imported_value(&row->input) || !durable_is_imported_value(&row->output))
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
    if (result == SQLITE_OK) result = durable_bind_imported_value(statement, 25, &row->input);
    if (result == SQLITE_OK) result = durable_bind_imported_value(statement, 27, &row->output);
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
    durable_bind_reference(statement, 11, parent->run);
    durable_bind_reference(statement, 12, row->called_at);
    if (row->called) sqlite3_bind_int64(statement, 13, parent->root ? parent->root : parent->run);
    sqlite3_bind_int(statement, 14, row->on_parent_end);
    sqlite3_bind_int64(statement, 15, parent->run ? parent->depth + 1 : 0);
    sqlite3_bind_int(statement, 16, row->generation);
    durable_bind_reference(statement, 17, origin->run);
    durable_bind_reference(statement, 18, row->restarted_at);
    durable_bind_time(statement, 19, row->deadline);
    sqlite3_bind_int(statement, 21, row->priority);
    durable_bind_time(statement, 22, row->due);
    sqlite3_bind_int64(statement, 23, row->created);
    if (durable_status_has_ended(row->status)) sqlite3_bind_int64(statement, 24, row->ended);
    return bind_texts_of_run(statement, row);
}

/* Its id is taken: by a run that was here before, or by one of these? */
static int explain_taken(durable_sqlite *store, const char *id)
{
    relation found;
    bool in_import = false;
    int code = find_relation(store, id, &found, &in_import);

    if (code != DUR_OK) return code;
    if (in_import) return durable_not_imported(store, "the run comes twice");
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
    code = durable_import_row(store, write, statement,
                              bind_imported_run(statement, key, row, parent, origin),
                              "there is a run of that id already");
    if (code == DUR_INVALID) return explain_taken(store, row->id);
    if (code == DUR_OK) store->import_run = key;
    return code;
}

DURABLE_INTERNAL int durable_import_run(durable_sqlite *store, durable_write *write,
                                        const durable_run_row *row)
{
    const char *problem = problem_of_run(row);
    relation parent, origin;
    int code;

    if (problem) return durable_not_imported(store, problem);
    if (store->import_run == DURABLE_RUN_KEY_MAX)
        return durable_error_set(&store->head.error, DUR_CORRUPT,
                                 "no free key is left: the largest one was edited in");
    code = find_imported(store, row->parent, "the run's parent does not come before it", &parent);
    if (code == DUR_OK && parent.depth >= INT_MAX)
        code = durable_not_imported(store, "the run's parents are too many");
    if (code == DUR_OK)
        code = find_imported(store, row->origin,
                             "the run that this one goes back to does not come before it", &origin);
    return code == DUR_OK ? insert_imported(store, write, row, &parent, &origin) : code;
}
