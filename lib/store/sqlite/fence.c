/* store/sqlite: what stands behind a fence, and why a fenced write found nothing. */
#include "store/sqlite/fence.h"

#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"

DURABLE_INTERNAL int durable_sqlite_look_at_fence(durable_sqlite *store, const durable_fence *fence,
                                                  durable_fence_look *look)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_LOOK_AT_FENCE);
    int result;

    memset(look, 0, sizeof *look);
    if (!statement) return store->head.error.code;
    sqlite3_bind_int64(statement, 1, fence->run);
    result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW) {
        look->there = true;
        look->epoch = sqlite3_column_int64(statement, 0);
        look->token = sqlite3_column_int64(statement, 1);
        look->claimed = sqlite3_column_int(statement, 2) != 0;
        look->status = sqlite3_column_int64(statement, 3);
    } else if (result != SQLITE_DONE) {
        durable_sqlite_failed(store, result, "look at the claim");
    }
    durable_sqlite_rest(statement);
    return result == SQLITE_ROW || result == SQLITE_DONE ? DUR_OK : store->head.error.code;
}

DURABLE_INTERNAL bool durable_fence_is_given_back(const durable_fence_look *look,
                                                  const durable_fence *fence)
{
    return look->there && !look->claimed && look->epoch == fence->epoch &&
           look->token == fence->token;
}

/* Why a fenced write found nothing: the verdict, with the error set to it. Only an epoch newer than
 * ours tells another owner from a rollback for certain. */
DURABLE_INTERNAL int durable_sqlite_explain_fence(durable_sqlite *store, const durable_fence *fence)
{
    durable_fence_look look;
    int code = durable_sqlite_look_at_fence(store, fence, &look);

    if (code != DUR_OK) return code;
    if (look.claimed && look.epoch == fence->epoch && look.token == fence->token) {
        durable_error_set(&store->head.error, DUR_DATABASE,
                          "the write had no effect: an authorizer or a trigger of the host ignores"
                          " it");
        store->head.error.sqlite_code = SQLITE_AUTH;
        return DUR_DATABASE;
    }
    if (look.there && !look.claimed && look.status == DURABLE_TERMINATED)
        return durable_error_set(&store->head.error, DUR_LOST, "the run was terminated");
    if (look.there && look.epoch > fence->epoch)
        return durable_error_set(&store->head.error, DUR_LOST,
                                 "another owner has claimed the run (epoch %lld, ours was %lld)",
                                 (long long)look.epoch, (long long)fence->epoch);
    if (durable_fence_is_given_back(&look, fence))
        return durable_error_set(&store->head.error, DUR_LOST, "the claim was given back");
    if (fence->provisional)
        return durable_error_set(&store->head.error, DUR_ROLLED_BACK,
                                 "the transaction in which the run was claimed was rolled back");
    if (look.there && !look.claimed)
        return durable_error_set(&store->head.error, DUR_LOST,
                                 "the claim is gone: it was deleted, or taken and given back");
    return durable_error_set(&store->head.error, DUR_LOST,
                             look.there ? "another owner has claimed the run"
                                        : "the run was deleted from the log");
}

/* A record that was joined to the host's transaction is believed only once it was seen again.
 * DUR_OK, DUR_ROLLED_BACK, or a database code. */
DURABLE_INTERNAL int durable_sqlite_confirm(durable_sqlite *store, const durable_fence *fence)
{
    sqlite3_stmt *statement;
    bool there;
    int result;

    if (fence->provisional <= 0) return DUR_OK;
    statement = durable_sqlite_statement(store, DURABLE_SQL_LOOK_AT_STEP);
    if (!statement) return store->head.error.code;
    sqlite3_bind_int64(statement, 1, durable_step_key(fence->run, fence->provisional));
    result = durable_sqlite_read(store, statement);
    there = result == SQLITE_ROW && sqlite3_column_int64(statement, 0) == fence->epoch;
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        durable_sqlite_failed(store, result, "look at the last record");
    durable_sqlite_rest(statement);
    if (there) return DUR_OK;
    if (result != SQLITE_ROW && result != SQLITE_DONE) return store->head.error.code;
    return durable_error_set(&store->head.error, DUR_ROLLED_BACK,
                             "position %lld was recorded in a transaction that was rolled back",
                             (long long)fence->provisional);
}

/* Our tables may have gone with the host's transaction in which they were made, or were dropped. */
DURABLE_INTERNAL int durable_sqlite_tables_gone(durable_sqlite *store, int code)
{
    durable_error error;

    if (code != DUR_DATABASE) return code;
    durable_error_copy(&error, &store->head.error);
    if (!durable_sqlite_schema_exists(store)) {
        if (store->schema_provisional)
            return durable_error_set(&store->head.error, DUR_ROLLED_BACK,
                                     "the transaction in which the log was created was rolled"
                                     " back");
        durable_error_append(&error, ": the log's tables were dropped, close the log and open it"
                                     " anew");
    }
    durable_error_copy(&store->head.error, &error);
    return code;
}

DURABLE_INTERNAL void durable_bind_fence(sqlite3_stmt *statement, const durable_fence *fence)
{
    sqlite3_bind_int64(statement, 1, fence->run);
    sqlite3_bind_int64(statement, 2, fence->epoch);
    sqlite3_bind_int64(statement, 3, fence->token);
}

DURABLE_INTERNAL int durable_sqlite_fenced_step(durable_sqlite *store, durable_write *write,
                                                durable_statement which,
                                                const durable_fence *fence, durable_bind_fn *bind,
                                                const void *context, int *changes)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, which);
    int result;

    *changes = 0;
    if (!statement) return store->head.error.sqlite_code;
    durable_bind_fence(statement, fence);
    result = bind ? bind(statement, context) : SQLITE_OK;
    if (result == SQLITE_OK) return durable_sqlite_write_step(store, write, statement, changes);
    return durable_sqlite_not_bound(store, write, statement, result);
}

DURABLE_INTERNAL int durable_sqlite_fenced_begin(durable_sqlite *store, durable_write *write,
                                                 const durable_fence *fence, const char *doing)
{
    int code = durable_sqlite_write_begin(store, write, doing);

    if (code != DUR_OK) return code;
    return durable_sqlite_tables_gone(store, durable_sqlite_confirm(store, fence));
}

static int bind_lease(sqlite3_stmt *statement, const void *context)
{
    return sqlite3_bind_int64(statement, 4, *(const int64_t *)context);
}

DURABLE_INTERNAL int durable_sqlite_renew_step(durable_sqlite *store, durable_write *write,
                                               const durable_fence *fence, int64_t lease_end,
                                               int *changes)
{
    return durable_sqlite_fenced_step(store, write, DURABLE_SQL_RENEW_LEASE, fence, bind_lease,
                                      &lease_end, changes);
}
