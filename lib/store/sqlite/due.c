/* store/sqlite: what there is to be done in a queue: due runs, and held ones. */
#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/verbs.h"

/* No longer names and marks are written (see DUR_NAME_MAX and DURABLE_OWNER_MARK_SIZE), and none of
 * more than 255 characters are found. */
#define GROUP_TEXT_SIZE (4 * 255 + 1)

/* The group of rows that was visited last: the next seek goes behind it. */
typedef struct walk_group {
    char first[GROUP_TEXT_SIZE];  /* workflow, or owner */
    char second[GROUP_TEXT_SIZE]; /* workflow of the owner's */
    int64_t priority;
} walk_group;

static int remember(durable_sqlite *store, char *to, const char *text)
{
    size_t length = strlen(text);

    if (length >= GROUP_TEXT_SIZE)
        return durable_error_set(&store->head.error, DUR_CORRUPT,
                                 "a workflow or an owner has a name that libdurable never writes");
    memcpy(to, text, length + 1);
    return DUR_OK;
}

/* From group to group: a statement that seeks behind the last one, and who shows its row and tells
 * its group. */
typedef struct walk {
    durable_statement which;
    int (*bind)(sqlite3_stmt *statement, const walk_group *last);
    int (*show)(durable_sqlite *store, sqlite3_stmt *statement, const struct walk *how,
                walk_group *next, bool *ends);
    durable_due_visitor *visit_due;
    durable_held_visitor *visit_held;
    void *context;
    const char *doing;
} walk;

/* The next group's first row. *ends where there is none, or no more is wanted. */
static int walk_one(durable_sqlite *store, const walk *how, const char *queue,
                    walk_group *last, bool *ends)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, how->which);
    walk_group next = *last;
    int result, code = DUR_OK;

    *ends = true;
    if (!statement) return store->head.error.code;
    result = durable_bind_string(statement, 1, queue);
    if (result == SQLITE_OK) result = how->bind(statement, last);
    if (result == SQLITE_OK) result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW)
        code = how->show(store, statement, how, &next, ends);
    else if (result != SQLITE_DONE)
        code = durable_sqlite_failed(store, result, how->doing);
    durable_sqlite_rest(statement);
    *last = next;
    return code;
}

static int walk_all(durable_store *base, const walk *how, const char *queue)
{
    durable_sqlite *store = durable_sqlite_of(base);
    walk_group last = {"", "", INT64_MIN};
    int code = durable_sqlite_settle_schema(store);
    bool ends = false;

    while (code == DUR_OK && !ends) code = walk_one(store, how, queue, &last, &ends);
    return code;
}

/* ---- Due ----------------------------------------------------------------------------------- */

static int bind_behind_due(sqlite3_stmt *statement, const walk_group *last)
{
    int result = durable_bind_string(statement, 2, last->first);

    return result == SQLITE_OK ? sqlite3_bind_int64(statement, 3, last->priority) : result;
}

static int show_due(durable_sqlite *store, sqlite3_stmt *statement, const walk *how,
                    walk_group *next, bool *ends)
{
    durable_due due;
    int code = durable_read_due_row(store, statement, &due);

    if (code == DUR_OK) code = remember(store, next->first, due.workflow);
    if (code != DUR_OK) return code;
    next->priority = due.priority;
    *ends = how->visit_due(&due, how->context) != 0;
    return DUR_OK;
}

DURABLE_INTERNAL int durable_sqlite_find_due(durable_store *base, const char *queue,
                                             durable_due_visitor *visit, void *context)
{
    const walk how = {.which = DURABLE_SQL_FIND_DUE, .bind = bind_behind_due, .show = show_due,
                      .visit_due = visit, .context = context, .doing = "look for due runs"};

    return walk_all(base, &how, queue);
}

/* ---- Held ---------------------------------------------------------------------------------- */

static int bind_behind_held(sqlite3_stmt *statement, const walk_group *last)
{
    int result = durable_bind_string(statement, 2, last->first);

    return result == SQLITE_OK ? durable_bind_string(statement, 3, last->second) : result;
}

static int show_held(durable_sqlite *store, sqlite3_stmt *statement, const walk *how,
                     walk_group *next, bool *ends)
{
    durable_held held;
    int code = durable_read_held_row(store, statement, &held);

    if (code == DUR_OK) code = remember(store, next->first, held.owner);
    if (code == DUR_OK) code = remember(store, next->second, held.workflow);
    if (code != DUR_OK) return code;
    *ends = how->visit_held(&held, how->context) != 0;
    return DUR_OK;
}

DURABLE_INTERNAL int durable_sqlite_find_held(durable_store *base, const char *queue,
                                              durable_held_visitor *visit, void *context)
{
    const walk how = {.which = DURABLE_SQL_FIND_HELD, .bind = bind_behind_held, .show = show_held,
                      .visit_held = visit, .context = context, .doing = "look for held runs"};

    return walk_all(base, &how, queue);
}
