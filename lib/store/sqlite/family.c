/* store/sqlite: where a run stands among its family, for those who visit whole ones. */
#include "store/sqlite/family.h"

/* A run on the way up from another one. */
typedef struct ancestor {
    int64_t run;
    int64_t called_at;
    int64_t parent; /* 0: it has none, or is the one at which the visit begins */
} ancestor;

static int look_at_ancestor(durable_sqlite *store, int64_t top, int64_t run, ancestor *found)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_VISIT_PARENT);
    int result;

    if (!statement) return store->head.error.code;
    sqlite3_bind_int64(statement, 1, run);
    result = durable_sqlite_read(store, statement);
    found->run = run;
    found->parent = run == top ? 0 : sqlite3_column_int64(statement, 0);
    found->called_at = sqlite3_column_int64(statement, 1);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        durable_sqlite_failed(store, result, "read the log");
    else
        result = SQLITE_OK;
    durable_sqlite_rest(statement);
    return result == SQLITE_OK ? DUR_OK : store->head.error.code;
}

static int climb(durable_sqlite *store, int64_t top, int64_t levels, ancestor *from)
{
    int code = DUR_OK;

    for (; levels > 0 && code == DUR_OK; levels--)
        code = look_at_ancestor(store, top, from->parent, from);
    return code;
}

/* The uppermost run, and how far it is; 0: rows that somebody has edited go round in a circle,
 * which is noticed by coming again to a run that was marked, later and later. (R. P. Brent's
 * algorithm, BIT 20, 1980.) */
static int measure_depth(durable_sqlite *store, int64_t top, ancestor from, int64_t *depth,
                         int64_t *uppermost)
{
    int64_t marked = from.run, marked_at = 0;
    int code = DUR_OK;

    for (*depth = 0; code == DUR_OK && from.parent; (*depth)++) {
        code = look_at_ancestor(store, top, from.parent, &from);
        if (from.run == marked) break;
        if (*depth < 2 * marked_at) continue;
        marked = from.run;
        marked_at = *depth + 1;
    }
    *uppermost = from.parent ? 0 : from.run;
    return code;
}

/* Both have the same depth, and neither is the other one. */
static int compare_places(durable_sqlite *store, int64_t top, ancestor other, ancestor run,
                          bool *before)
{
    int code = DUR_OK;

    while (code == DUR_OK && other.parent != run.parent) {
        code = climb(store, top, 1, &other);
        if (code == DUR_OK) code = climb(store, top, 1, &run);
    }
    *before = other.parent && other.called_at != run.called_at ? other.called_at < run.called_at
                                                               : other.run < run.run;
    return code;
}

DURABLE_INTERNAL int durable_sqlite_comes_before(durable_sqlite *store, int64_t top, int64_t other,
                                                 int64_t run, bool *before)
{
    ancestor others, its;
    int64_t other_depth = 0, depth = 0, other_top = 0, run_top;
    int code = look_at_ancestor(store, top, other, &others);

    *before = false;
    if (code == DUR_OK) code = measure_depth(store, top, others, &other_depth, &other_top);
    if (code != DUR_OK || other_top == 0 || (top && other_top != top)) return code;
    code = look_at_ancestor(store, top, run, &its);
    if (code == DUR_OK) code = measure_depth(store, top, its, &depth, &run_top);
    if (code == DUR_OK) code = climb(store, top, depth - other_depth, &its);
    if (code == DUR_OK) code = climb(store, top, other_depth - depth, &others);
    if (code != DUR_OK) return code;
    *before = other_depth < depth;
    return its.run == others.run ? DUR_OK : compare_places(store, top, others, its, before);
}
