/*
 * store/sqlite: the verb that visits whole logs, row by row.
 *
 * All rows of a visit are of one moment because a statement is under way from its beginning to its
 * end, and with it a read transaction: the host's, or one of its own, which ends with it. No BEGIN
 * is needed, which could fail to be ended.
 */
#include "base/text.h"
#include "store/sqlite/family.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/verbs.h"

#include <stdlib.h>

static const char doing[] = "read the log";

/* A statement's first row, after it was bound; and the one behind that. SQLITE_ROW or SQLITE_DONE;
 * else the error is set. */
static int first_row(durable_sqlite *store, sqlite3_stmt *statement)
{
    int result = durable_sqlite_read(store, statement);

    if (result != SQLITE_ROW && result != SQLITE_DONE) durable_sqlite_failed(store, result, doing);
    return result;
}

static int next_row(durable_sqlite *store, sqlite3_stmt *statement)
{
    int result = sqlite3_step(statement);

    if (result != SQLITE_ROW && result != SQLITE_DONE)
        durable_sqlite_failed(store, sqlite3_extended_errcode(store->db), doing);
    return result;
}

static int code_at_end(durable_sqlite *store, int result)
{
    return result == SQLITE_ROW || result == SQLITE_DONE ? DUR_OK : store->head.error.code;
}

/* ---- A visit ------------------------------------------------------------------------------- */

typedef struct whole_visit {
    durable_sqlite *store;
    durable_row_visitor *visit;
    void *context;
    int64_t top;   /* the run at which it begins; 0: it goes to all */
    int64_t count; /* of the runs that it has come to */
    int64_t run;   /* the one it is at */
    char id[DUR_NAME_MAX + 1];
    durable_row row;
    int code; /* what the visitor returned last */
} whole_visit;

static int show_row(whole_visit *at, int type)
{
    at->row.type = type;
    at->code = at->visit(&at->row, at->context);
    return at->code;
}

static int name_place(whole_visit *at, int code, int64_t position)
{
    durable_error *error = &at->store->head.error;

    if (code != DUR_CORRUPT) return code;
    if (position)
        durable_error_prefix(error, "run \"%s\", position %lld: ", at->id, (long long)position);
    else
        durable_error_prefix(error, "run \"%s\": ", at->id);
    return code;
}

static sqlite3_stmt *bound(durable_sqlite *store, durable_statement which, int64_t integer)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, which);

    if (statement) sqlite3_bind_int64(statement, 1, integer);
    return statement;
}

/* ---- What belongs to a run ----------------------------------------------------------------- */

static int show_step(const durable_step_record *record, void *context)
{
    whole_visit *at = context;

    at->row.of.step = *record;
    return show_row(at, DURABLE_ROW_STEP);
}

static int show_pending(const durable_pending *pending, void *context)
{
    whole_visit *at = context;

    at->row.of.pending = *pending;
    return show_row(at, DURABLE_ROW_PENDING);
}

static int visit_steps(whole_visit *at)
{
    durable_store *base = &at->store->head;
    int64_t position = 0;
    int code = durable_sqlite_load_history(base, at->run, 1, DUR_POSITION_MAX, INT64_MAX, true,
                                           show_step, at, &position);

    if (code == DUR_OK && at->code == DUR_OK) {
        position = 0;
        code = durable_sqlite_load_pending(base, at->run, show_pending, at, &position);
    }
    return code == DUR_OK ? at->code : name_place(at, code, position);
}

static int visit_signal(whole_visit *at, int64_t signal)
{
    sqlite3_stmt *statement = bound(at->store, DURABLE_SQL_VISIT_SIGNAL, signal);
    int code = DUR_OK, result;

    if (!statement) return at->store->head.error.code;
    memset(&at->row, 0, sizeof at->row);
    result = first_row(at->store, statement);
    if (result == SQLITE_ROW)
        code =
            name_place(at, durable_read_whole_signal(at->store, statement, &at->row.of.signal), 0);
    if (result == SQLITE_ROW && code == DUR_OK) code = show_row(at, DURABLE_ROW_SIGNAL);
    durable_sqlite_rest(statement);
    return code == DUR_OK ? code_at_end(at->store, result) : code;
}

static int visit_signals(whole_visit *at)
{
    sqlite3_stmt *statement = bound(at->store, DURABLE_SQL_VISIT_SIGNALS, at->run);
    int code = DUR_OK, result;

    if (!statement) return at->store->head.error.code;
    result = first_row(at->store, statement);
    while (result == SQLITE_ROW && code == DUR_OK) {
        code = visit_signal(at, sqlite3_column_int64(statement, 0));
        if (code == DUR_OK) result = next_row(at->store, statement);
    }
    durable_sqlite_rest(statement);
    return code == DUR_OK ? code_at_end(at->store, result) : code;
}

/* ---- A run --------------------------------------------------------------------------------- */

/* The children of one that is gone, and one at which the visit begins, are given without it. */
static void leave_parent_out(durable_run_row *whole)
{
    whole->parent = NULL;
    whole->called_at = 0;
    whole->on_parent_end = 0;
}

/* Whether what calls it is where its root says; or gone, which takes what it calls along. */
static int check_family(whole_visit *at, const durable_run_record *record, int64_t top,
                        bool has_parent)
{
    durable_error *error = &at->store->head.error;

    if (!record->root || (has_parent && record->root == top)) return DUR_OK;
    return durable_error_set(error, DUR_CORRUPT,
                             has_parent ? "its column \"root\" is not that of the run that calls it"
                                        : "the run that calls it is gone: delete it, too");
}

static int complete_run(whole_visit *at, const durable_run_record *record, int64_t top,
                        int64_t origin)
{
    durable_run_row *whole = &at->row.of.run;
    bool before = false;
    int code;

    if (at->run == at->top) leave_parent_out(whole);
    code = check_family(at, record, top, whole->parent != NULL);
    if (!whole->parent) leave_parent_out(whole);
    if (code == DUR_OK && origin)
        code = durable_sqlite_comes_before(at->store, at->top, origin, at->run, &before);
    if (!before) whole->origin = NULL;
    return code;
}

static int visit_run_row(whole_visit *at, sqlite3_stmt *statement, int64_t top)
{
    const char *id = (const char *)sqlite3_column_text(statement, 1);
    durable_run_record record;
    int64_t origin = 0;
    int code;

    memset(&record, 0, sizeof record);
    memset(&at->row, 0, sizeof at->row);
    durable_print(at->id, sizeof at->id, "%s", id ? id : "");
    code = durable_read_whole_run(at->store, statement, &record, &at->row.of.run, &origin);
    if (code == DUR_OK) code = complete_run(at, &record, top, origin);
    return code == DUR_OK ? show_row(at, DURABLE_ROW_RUN) : name_place(at, code, 0);
}

/* `top` is the run that workers take up for it, as its parents tell. */
static int visit_run(whole_visit *at, int64_t run, int64_t top)
{
    sqlite3_stmt *statement = bound(at->store, DURABLE_SQL_VISIT_RUN, run);
    int code = DUR_OK, result;

    if (!statement) return at->store->head.error.code;
    at->run = run;
    at->count++;
    result = first_row(at->store, statement);
    if (result == SQLITE_ROW) code = visit_run_row(at, statement, top);
    durable_sqlite_rest(statement);
    if (code == DUR_OK) code = code_at_end(at->store, result);
    if (code == DUR_OK) code = visit_steps(at);
    if (code == DUR_OK) code = visit_signals(at);
    return code;
}

/* ---- Families ------------------------------------------------------------------------------ */

/* Whoever goes down from a run that is no child of its own comes to each run once. */
static int visit_family(whole_visit *at, int64_t first)
{
    sqlite3_stmt *statement = bound(at->store, DURABLE_SQL_VISIT_TREE, first);
    int code = DUR_OK, result;
    bool again = false;

    if (!statement) return at->store->head.error.code;
    result = first_row(at->store, statement);
    while (result == SQLITE_ROW && code == DUR_OK) {
        int64_t run = sqlite3_column_int64(statement, 0);

        if (run == first && again)
            code = durable_error_set(&at->store->head.error, DUR_CORRUPT,
                                     "run \"%s\": it is a parent of its own parents", at->id);
        again = true;
        if (code == DUR_OK) code = visit_run(at, run, sqlite3_column_int64(statement, 1));
        if (code == DUR_OK) result = next_row(at->store, statement);
    }
    durable_sqlite_rest(statement);
    return code == DUR_OK ? code_at_end(at->store, result) : code;
}

static int visit_one(whole_visit *at, const char *run_id)
{
    sqlite3_stmt *statement = durable_sqlite_statement(at->store, DURABLE_SQL_VISIT_ONE);
    int code, result;

    if (!statement) return at->store->head.error.code;
    result = durable_bind_string(statement, 1, run_id);
    if (result == SQLITE_OK) result = durable_sqlite_read(at->store, statement);
    at->top = sqlite3_column_int64(statement, 0);
    if (result == SQLITE_DONE)
        code = DUR_NOT_FOUND;
    else if (result != SQLITE_ROW)
        code = durable_sqlite_failed(at->store, result, doing);
    else if (sqlite3_column_type(statement, 1) != SQLITE_NULL)
        code = durable_error_set(&at->store->head.error, DUR_CONFLICT,
                                 "run \"%s\": its parent calls it: take that one", run_id);
    else
        code = visit_family(at, at->top);
    durable_sqlite_rest(statement);
    return code;
}

/* ---- Queues -------------------------------------------------------------------------------- */

typedef struct queue_names {
    char **names;
    size_t count;
} queue_names;

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* By the bytes of UTF-8, whatever the database's encoding is. */
static int collect_queues(whole_visit *at, sqlite3_stmt *statement, queue_names *queues)
{
    int result = first_row(at->store, statement);

    for (; result == SQLITE_ROW; result = next_row(at->store, statement)) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        char *copy = durable_copy_text(name ? name : "", name ? strlen(name) : 0);
        size_t count = queues->count;
        char **grown = queues->names;

        if ((count & (count - 1)) == 0) /* room for the next power of two */
            grown = sqlite3_realloc64(grown, (count ? 2 * count : 1) * sizeof *grown);
        if (grown) queues->names = grown;
        if (!grown || !copy) {
            durable_free(copy);
            return durable_sqlite_failed(at->store, SQLITE_NOMEM, doing);
        }
        queues->names[queues->count++] = copy;
    }
    if (queues->count) qsort(queues->names, queues->count, sizeof *queues->names, compare_names);
    return code_at_end(at->store, result);
}

static int visit_queue(whole_visit *at, const char *name)
{
    sqlite3_stmt *statement = durable_sqlite_statement(at->store, DURABLE_SQL_LOOK_AT_QUEUE);
    int code = DUR_OK, result;
    durable_queue queue;

    if (!statement) return at->store->head.error.code;
    result = durable_bind_string(statement, 1, name);
    if (result == SQLITE_OK) result = first_row(at->store, statement);
    memset(&at->row, 0, sizeof at->row);
    at->row.of.queue.queue = name;
    if (result == SQLITE_ROW) {
        code = durable_read_queue_row(at->store, statement, &queue);
        at->row.of.queue.limits = queue.limits;
        if (code == DUR_OK) code = show_row(at, DURABLE_ROW_QUEUE);
        if (code == DUR_CORRUPT && at->code == DUR_OK)
            durable_error_prefix(&at->store->head.error, "queue \"%s\": ", name);
    }
    durable_sqlite_rest(statement);
    return code == DUR_OK ? code_at_end(at->store, result) : code;
}

static int visit_queues(whole_visit *at)
{
    sqlite3_stmt *statement = durable_sqlite_statement(at->store, DURABLE_SQL_VISIT_QUEUES);
    queue_names queues = {NULL, 0};
    int code;

    if (!statement) return at->store->head.error.code;
    code = collect_queues(at, statement, &queues);
    durable_sqlite_rest(statement);
    for (size_t i = 0; i < queues.count; i++) {
        if (code == DUR_OK) code = visit_queue(at, queues.names[i]);
        durable_free(queues.names[i]);
    }
    sqlite3_free(queues.names);
    return code;
}

/* ---- The whole log ------------------------------------------------------------------------- */

static int visit_tops(whole_visit *at)
{
    sqlite3_stmt *statement = durable_sqlite_statement(at->store, DURABLE_SQL_VISIT_TOPS);
    int code, result;

    if (!statement) return at->store->head.error.code;
    result = first_row(at->store, statement);
    code = code_at_end(at->store, result);
    while (result == SQLITE_ROW && code == DUR_OK) {
        code = visit_family(at, sqlite3_column_int64(statement, 0));
        if (code == DUR_OK) result = next_row(at->store, statement);
    }
    durable_sqlite_rest(statement);
    return code == DUR_OK ? code_at_end(at->store, result) : code;
}

/* Runs that somebody has made each other's parents stand below none that has none. */
static int check_count(whole_visit *at, int64_t count)
{
    if (count == at->count) return DUR_OK;
    return durable_error_set(&at->store->head.error, DUR_CORRUPT,
                             "%lld runs are each other's parents", (long long)(count - at->count));
}

/* The count has a row in any case, and is under way until all is done: a statement that has come to
 * its last row is over, and the moment with it. */
static int visit_all(whole_visit *at)
{
    sqlite3_stmt *statement = durable_sqlite_statement(at->store, DURABLE_SQL_COUNT_RUNS);
    int code, result;

    if (!statement) return at->store->head.error.code;
    result = first_row(at->store, statement);
    code = code_at_end(at->store, result);
    if (code == DUR_OK) code = visit_queues(at);
    if (code == DUR_OK) code = visit_tops(at);
    if (code == DUR_OK) code = check_count(at, sqlite3_column_int64(statement, 0));
    durable_sqlite_rest(statement);
    return code;
}

DURABLE_INTERNAL int durable_sqlite_visit_rows(durable_store *base, const char *run_id,
                                               durable_row_visitor *visit, void *context)
{
    durable_sqlite *store = durable_sqlite_of(base);
    whole_visit at;
    int code = durable_sqlite_settle_schema(store);

    if (code != DUR_OK) return code;
    memset(&at, 0, sizeof at);
    at.store = store;
    at.visit = visit;
    at.context = context;
    return run_id ? visit_one(&at, run_id) : visit_all(&at);
}
