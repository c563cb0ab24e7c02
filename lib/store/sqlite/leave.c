/* store/sqlite: the verbs that give a claim back: releasing, suspending, ending. */
#include "base/text.h"
#include "store/sqlite/fence.h"
#include "store/sqlite/pending.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/signals.h"
#include "store/sqlite/verbs.h"

/* How a run is left: the statement about its row, and what else belongs to it. */
typedef struct leaving {
    durable_statement which;
    durable_bind_fn *bind;
    int (*more)(durable_sqlite *store, durable_write *write, const durable_fence *fence,
                const void *context); /* in the same group; NULL: nothing */
    const void *context;
    int64_t status; /* that the run has then */
    const char *doing;
} leaving;

/* Change the run's row and give its claim back, in one commit. *changes is 0 where the fence was no
 * longer ours. */
static int leave_in_group(durable_sqlite *store, durable_write *write, const leaving *how,
                          const durable_fence *fence, int *changes)
{
    int dropped = 0;
    int result = durable_sqlite_group_begin(store, write);

    if (result != SQLITE_DONE) return result;
    result = durable_sqlite_fenced_step(store, write, how->which, fence, how->bind, how->context,
                                        changes);
    if (result == SQLITE_DONE && *changes && how->more)
        result = how->more(store, write, fence, how->context);
    if (result == SQLITE_DONE && *changes)
        result = durable_sqlite_fenced_step(store, write, DURABLE_SQL_DROP_CLAIM, fence, NULL,
                                            NULL, &dropped);
    return durable_sqlite_group_end(store, write, result);
}

/* The claim is ours no more: was this very act done before, and only its answer lost? */
static int explain_leaving(durable_sqlite *store, const durable_fence *fence, int64_t status)
{
    durable_fence_look look;
    int code = durable_sqlite_look_at_fence(store, fence, &look);

    if (code != DUR_OK) return code;
    if (durable_fence_is_given_back(&look, fence) && look.status == status) return DUR_OK;
    return durable_sqlite_explain_fence(store, fence);
}

static int leave_run(durable_sqlite *store, const leaving *how, durable_fence *fence)
{
    durable_write write;
    int result, changes = 0;
    int code = durable_sqlite_fenced_begin(store, &write, fence, how->doing);

    if (code != DUR_OK) return code;
    result = leave_in_group(store, &write, how, fence, &changes);
    code = durable_sqlite_tables_gone(store, durable_sqlite_write_end(store, &write, result));
    if (code == DUR_OK && changes == 0) return explain_leaving(store, fence, how->status);
    return code;
}

/* ---- Releasing ----------------------------------------------------------------------------- */

static int bind_due(sqlite3_stmt *statement, const void *context)
{
    return durable_bind_time(statement, 4, *(const int64_t *)context);
}

DURABLE_INTERNAL int durable_sqlite_release_run(durable_store *base, durable_fence *fence,
                                                int64_t due)
{
    const leaving how = {.which = DURABLE_SQL_RELEASE_RUN, .bind = bind_due, .context = &due,
                         .status = DURABLE_RUNNING, .doing = "release the run"};

    return leave_run(durable_sqlite_of(base), &how, fence);
}

/* ---- Suspending ---------------------------------------------------------------------------- */

typedef struct suspending {
    const durable_suspension *suspension;
    char *awaits; /* as the column wants it; NULL: nothing */
} suspending;

static int bind_suspension(sqlite3_stmt *statement, const void *context)
{
    const suspending *its = context;
    int result = durable_bind_string(statement, 5, its->awaits);

    if (result != SQLITE_OK) return result;
    sqlite3_bind_int(statement, 6, its->suspension->cancels);
    sqlite3_bind_int64(statement, 7, its->suspension->now);
    return durable_bind_time(statement, 4, its->suspension->due);
}

/* Behind the first write no signal can come between this look and the commit. */
static int wake_if_sent(durable_sqlite *store, durable_write *write, int64_t run, int64_t now,
                        const char *address)
{
    bool sent = false;
    int result = durable_sqlite_is_sent(store, run, address, &sent);

    if (result != SQLITE_DONE || !sent) return result;
    return durable_sqlite_wake_run(store, write, run, now, address);
}

static int suspend_more(durable_sqlite *store, durable_write *write, const durable_fence *fence,
                        const void *context)
{
    const durable_suspension *suspension = ((const suspending *)context)->suspension;
    int changes = 0, result = SQLITE_DONE;

    if (suspension->pending)
        result = durable_sqlite_write_pending(store, write, fence, suspension->pending, &changes);
    if (suspension->pending && result == SQLITE_DONE && changes == 0) {
        durable_error_set(&store->head.error, DUR_DATABASE,
                          "cannot suspend the run: an authorizer or a trigger of the host ignores"
                          " what it is to remember");
        store->head.error.sqlite_code = SQLITE_AUTH;
        return SQLITE_AUTH;
    }
    for (size_t i = 0; i < suspension->await_count && result == SQLITE_DONE; i++)
        result = wake_if_sent(store, write, fence->run, suspension->now, suspension->awaits[i]);
    return result;
}

/* False when out of memory. */
static bool list_addresses(const durable_suspension *suspension, char **awaits)
{
    durable_text *text;

    *awaits = NULL;
    if (suspension->await_count == 0) return true;
    text = durable_text_new();
    durable_text_add(text, "\n");
    for (size_t i = 0; i < suspension->await_count; i++)
        durable_text_add(text, "%s\n", suspension->awaits[i]);
    *awaits = durable_text_finish(text);
    return *awaits != NULL;
}

DURABLE_INTERNAL int durable_sqlite_suspend_run(durable_store *base, durable_fence *fence,
                                                const durable_suspension *suspension)
{
    durable_sqlite *store = durable_sqlite_of(base);
    suspending its = {suspension, NULL};
    const leaving how = {.which = DURABLE_SQL_SUSPEND_RUN, .bind = bind_suspension,
                         .more = suspend_more, .context = &its, .status = DURABLE_SUSPENDED,
                         .doing = "suspend the run"};
    int code;

    if (!list_addresses(suspension, &its.awaits)) {
        durable_error_set(&store->head.error, DUR_NOMEM, "out of memory");
        store->head.error.sqlite_code = SQLITE_NOMEM;
        return DUR_NOMEM;
    }
    code = leave_run(store, &how, fence);
    durable_free(its.awaits);
    return code;
}

/* ---- Ending -------------------------------------------------------------------------------- */

static int bind_ending(sqlite3_stmt *statement, const void *context)
{
    const durable_ending *ending = context;
    int result = durable_bind_datum(statement, 7, &ending->output);

    if (result == SQLITE_OK) result = durable_bind_string(statement, 8, ending->failure);
    if (result != SQLITE_OK) return result;
    sqlite3_bind_int(statement, 4, ending->status);
    sqlite3_bind_int64(statement, 5, ending->now);
    return durable_bind_format(statement, 6, ending->output.format);
}

static int cancel_children(durable_sqlite *store, durable_write *write, int64_t run,
                           const durable_ending *ending)
{
    const int64_t integers[3] = {run, ending->now, ending->cancels_children};

    return durable_sqlite_step_integers(store, write, DURABLE_SQL_CANCEL_CHILDREN, integers, 3,
                                        NULL);
}

/* ---- Continuing ---------------------------------------------------------------------------- */

static int step_ids(durable_sqlite *store, durable_write *write, durable_statement which,
                    int64_t run, int64_t other)
{
    const int64_t integers[2] = {run, other};

    return durable_sqlite_step_integers(store, write, which, integers, other ? 2 : 1, NULL);
}

static int no_successor(durable_sqlite *store)
{
    durable_error_set(&store->head.error, DUR_CORRUPT,
                      "the run has no successor: no free key is left (the largest one was edited"
                      " in), or an authorizer of the host ignores our writes");
    store->head.error.sqlite_code = SQLITE_AUTH;
    return SQLITE_AUTH;
}

static int rename_run(durable_sqlite *store, durable_write *write, int64_t run, const char *id)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_RENAME_RUN);
    int result, changes = 0;

    if (!statement) return store->head.error.sqlite_code;
    result = durable_bind_string(statement, 2, id);
    if (result != SQLITE_OK) return durable_sqlite_not_bound(store, write, statement, result);
    sqlite3_bind_int64(statement, 1, run);
    result = durable_sqlite_write_step(store, write, statement, &changes);
    return result == SQLITE_DONE && changes == 0 ? no_successor(store) : result;
}

static int bind_successor(sqlite3_stmt *statement, const durable_ending *ending)
{
    const durable_successor *successor = ending->successor;
    int result = durable_bind_string(statement, 2, successor->id);

    if (result == SQLITE_OK) result = durable_bind_string(statement, 3, successor->uid);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 4, successor->code_version);
    if (result == SQLITE_OK) result = durable_bind_datum(statement, 9, &successor->input);
    if (result != SQLITE_OK) return result;
    sqlite3_bind_int(statement, 5, successor->behaviour);
    durable_bind_time(statement, 6, successor->due);
    sqlite3_bind_int64(statement, 7, ending->now);
    return durable_bind_format(statement, 8, successor->input.format);
}

static int create_successor(durable_sqlite *store, durable_write *write, int64_t run,
                            const durable_ending *ending, int64_t *next)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_CREATE_SUCCESSOR);
    int result, changes = 0;

    if (!statement) return store->head.error.sqlite_code;
    result = bind_successor(statement, ending);
    if (result != SQLITE_OK) return durable_sqlite_not_bound(store, write, statement, result);
    sqlite3_bind_int64(statement, 1, run);
    result = durable_sqlite_write_step(store, write, statement, &changes);
    *next = sqlite3_last_insert_rowid(store->db);
    return result == SQLITE_DONE && changes == 0 ? no_successor(store) : result;
}

/* Its row and its signals stay where they are, but for what is the successor's: signals that come
 * before this commit are handed on, those that come after it find the successor's row. */
static int continue_run(durable_sqlite *store, durable_write *write, int64_t run,
                        const durable_ending *ending)
{
    int64_t next = 0;
    int result = rename_run(store, write, run, ending->successor->old_id);

    if (result == SQLITE_DONE) result = create_successor(store, write, run, ending, &next);
    if (result == SQLITE_DONE)
        result = step_ids(store, write, DURABLE_SQL_HAND_ON_KEYS, run, next);
    if (result == SQLITE_DONE)
        result = step_ids(store, write, DURABLE_SQL_HAND_ON_SIGNALS, run, next);
    if (result == SQLITE_DONE) result = step_ids(store, write, DURABLE_SQL_END_PAUSE, run, 0);
    if (result == SQLITE_DONE)
        result = step_ids(store, write, DURABLE_SQL_WAKE_ROOT_OF, run, ending->successor->due);
    return result;
}

static int end_more(durable_sqlite *store, durable_write *write, const durable_fence *fence,
                    const void *context)
{
    const durable_ending *ending = context;
    int result = SQLITE_DONE;

    if (ending->clears_pending)
        result = durable_sqlite_drop_pending(store, write, fence->run, 0, DUR_POSITION_MAX);
    if (result == SQLITE_DONE && ending->tells_parent)
        result = durable_sqlite_tell_parent(store, write, fence->run, ending->now);
    if (result == SQLITE_DONE && ending->cancels_children)
        result = cancel_children(store, write, fence->run, ending);
    if (result == SQLITE_DONE && ending->successor)
        result = continue_run(store, write, fence->run, ending);
    return result;
}

/* No other row of the group has an id of its own. */
static int explain_ending(durable_sqlite *store, const durable_ending *ending, int code)
{
    if (!ending->successor || code != DUR_DATABASE ||
        store->head.error.sqlite_code != SQLITE_CONSTRAINT_UNIQUE)
        return code;
    return durable_error_set(&store->head.error, DUR_CONFLICT,
                             "it cannot continue as new: there is another run of the id \"%s\","
                             " which would be its own from then on",
                             ending->successor->old_id);
}

DURABLE_INTERNAL int durable_sqlite_end_run(durable_store *base, durable_fence *fence,
                                            const durable_ending *ending)
{
    durable_sqlite *store = durable_sqlite_of(base);
    const leaving how = {.which = DURABLE_SQL_END_RUN, .bind = bind_ending, .more = end_more,
                         .context = ending, .status = ending->status,
                         .doing = ending->status == DURABLE_PARKED ? "park the run"
                                                                   : "end the run"};

    return explain_ending(store, ending, leave_run(store, &how, fence));
}
