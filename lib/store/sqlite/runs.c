/* store/sqlite: the verbs about runs: finding, starting, claiming and keeping them. */
#include "store/sqlite/verbs.h"

#include "store/sqlite/fence.h"
#include "store/sqlite/pending.h"
#include "store/sqlite/queues.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"

DURABLE_INTERNAL int durable_sqlite_find_run(durable_store *base, const char *id,
                                             durable_run_visitor *visit, void *context)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_run_record record;
    sqlite3_stmt *statement;
    int code = durable_sqlite_settle_schema(store);
    int result;

    if (code != DUR_OK) return code;
    statement = durable_sqlite_statement(store, DURABLE_SQL_FIND_RUN);
    if (!statement) return store->head.error.code;
    result = durable_bind_string(statement, 1, id);
    if (result == SQLITE_OK) result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW) {
        code = durable_read_run_row(store, statement, &record);
        if (code == DUR_OK) code = visit(&record, context);
    } else if (result == SQLITE_DONE) {
        code = DUR_NOT_FOUND;
    } else {
        code = durable_sqlite_failed(store, result, "look the run up");
    }
    durable_sqlite_rest(statement);
    return code;
}

static void bind_caller(sqlite3_stmt *statement, const durable_caller *caller)
{
    sqlite3_bind_int(statement, 17, caller ? caller->on_parent_end : 0);
    sqlite3_bind_int(statement, 18, caller ? caller->depth : 0);
    if (!caller) return; /* a rested statement holds nulls */
    sqlite3_bind_int64(statement, 14, caller->fence->run);
    sqlite3_bind_int64(statement, 15, caller->position);
    if (caller->root) sqlite3_bind_int64(statement, 16, caller->root);
    sqlite3_bind_int64(statement, 19, caller->fence->epoch);
    sqlite3_bind_int64(statement, 20, caller->fence->token);
}

static int bind_new_run(sqlite3_stmt *statement, const durable_new_run *new_run)
{
    int result = durable_bind_string(statement, 1, new_run->id);

    if (result == SQLITE_OK) result = durable_bind_string(statement, 2, new_run->uid);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 3, new_run->workflow);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 4, new_run->code_version);
    if (result == SQLITE_OK) result = durable_bind_datum(statement, 9, &new_run->input);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 10, new_run->queue);
    if (result != SQLITE_OK) return result;
    sqlite3_bind_int(statement, 11, new_run->priority);
    durable_bind_time(statement, 12, new_run->owner ? DURABLE_NEVER : new_run->due);
    sqlite3_bind_int(statement, 5, new_run->behaviour);
    sqlite3_bind_int64(statement, 6, new_run->token);
    sqlite3_bind_int64(statement, 7, new_run->now);
    durable_bind_time(statement, 13, new_run->deadline);
    bind_caller(statement, new_run->caller);
    return durable_bind_format(statement, 8, new_run->input.format);
}

/* The key that the insert chose is the connection's last rowid, until that is restored. 0: there
 * was none to choose. */
static int insert_run(durable_sqlite *store, durable_write *write, const durable_new_run *new_run,
                      int64_t *run)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_CREATE_RUN);
    int result, changes = 0;

    *run = 0;
    if (!statement) return store->head.error.sqlite_code;
    result = bind_new_run(statement, new_run);
    if (result != SQLITE_OK) return durable_sqlite_not_bound(store, write, statement, result);
    result = durable_sqlite_write_step(store, write, statement, &changes);
    if (changes) *run = sqlite3_last_insert_rowid(store->db);
    return result;
}

static int step_claim(durable_sqlite *store, durable_write *write, durable_statement which,
                      const durable_claim *claim, int *changes)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, which);
    int result;

    *changes = 0;
    if (!statement) return store->head.error.sqlite_code;
    result = durable_bind_string(statement, 4, claim->owner);
    if (result != SQLITE_OK) return durable_sqlite_not_bound(store, write, statement, result);
    sqlite3_bind_int64(statement, 1, claim->run);
    sqlite3_bind_int64(statement, 2, claim->seen_epoch);
    sqlite3_bind_int64(statement, 3, claim->seen_token);
    sqlite3_bind_int64(statement, 5, claim->token);
    sqlite3_bind_int64(statement, 6, claim->lease_end);
    sqlite3_bind_int64(statement, 7, claim->claims);
    return durable_sqlite_write_step(store, write, statement, changes);
}

static void set_fence(durable_fence *fence, int64_t run, int64_t epoch, int64_t token,
                      const durable_write *write)
{
    fence->run = run;
    fence->epoch = epoch;
    fence->token = token;
    fence->provisional = write->joined ? -1 : 0;
}

static bool is_one_row(const durable_new_run *new_run)
{
    return !new_run->owner && !(new_run->caller && new_run->caller->pending);
}

/* What a child's parent remembers of it. */
static int insert_pending(durable_sqlite *store, durable_write *write,
                          const durable_caller *caller, int *changes)
{
    *changes = 1;
    if (!caller || !caller->pending) return SQLITE_DONE;
    return durable_sqlite_write_pending(store, write, caller->fence, caller->pending, changes);
}

/* The run's row, as if its claim number 0 had been given back, and claim number 1. */
static int insert_claimed(durable_sqlite *store, durable_write *write,
                          const durable_new_run *new_run, int64_t *run)
{
    durable_claim claim = {.seen_token = new_run->token, .owner = new_run->owner,
                           .token = new_run->token, .lease_end = new_run->lease_end, .claims = 1};
    int changes = 0;
    int result = durable_sqlite_group_begin(store, write);

    if (result != SQLITE_DONE) return result;
    result = insert_run(store, write, new_run, &claim.run);
    if (result == SQLITE_DONE && claim.run)
        result = insert_pending(store, write, new_run->caller, &changes);
    if (result == SQLITE_DONE && changes && new_run->owner)
        result = step_claim(store, write, DURABLE_SQL_TAKE_CLAIM, &claim, &changes);
    *run = changes ? claim.run : 0;
    return durable_sqlite_group_end(store, write, result);
}

static int explain_not_created(durable_sqlite *store, const durable_new_run *new_run)
{
    int code = DUR_DATABASE;

    if (new_run->caller) code = durable_sqlite_explain_fence(store, new_run->caller->fence);
    if (code != DUR_DATABASE) return code;
    return durable_error_set(&store->head.error, DUR_CORRUPT,
                             "the run was not started: no free key is left (the largest one was"
                             " edited in), or an authorizer of the host ignores our inserts");
}

/* A run that nobody claims is a single statement. */
DURABLE_INTERNAL int durable_sqlite_create_run(durable_store *base, const durable_new_run *new_run,
                                               bool *created, durable_fence *fence)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_write write;
    int64_t run = 0;
    int result, code = durable_sqlite_settle_schema(store);

    *created = false;
    if (code == DUR_OK) code = durable_sqlite_write_begin(store, &write, "start the run");
    if (code == DUR_OK && new_run->caller)
        code = durable_sqlite_confirm(store, new_run->caller->fence);
    if (code != DUR_OK) return code;
    result = is_one_row(new_run) ? insert_run(store, &write, new_run, &run)
                                 : insert_claimed(store, &write, new_run, &run);
    code = durable_sqlite_write_end(store, &write, result);
    if (code == DUR_DATABASE && result == SQLITE_CONSTRAINT_UNIQUE) return DUR_OK;
    if (code == DUR_OK && run == 0) return explain_not_created(store, new_run);
    if (fence) set_fence(fence, run, new_run->owner ? 1 : 0, new_run->token, &write);
    *created = code == DUR_OK;
    return code;
}

/* A run that nobody holds has no claim's row yet; the one that a dead or late owner left behind is
 * taken over. The other way round than it was seen, the run was left or ended with the fence that
 * was seen. */
static int claim_in_group(durable_sqlite *store, durable_write *write, const durable_claim *claim,
                          durable_turn *turn, int *changes)
{
    int result = step_claim(store, write, DURABLE_SQL_TAKE_CLAIM, claim, changes);

    if (result != SQLITE_DONE) return result;
    turn->is_new = *changes > 0;
    if (turn->is_new == claim->seen_held) return result;
    result = durable_sqlite_look_at_turn(store, claim, turn);
    if (result != SQLITE_DONE || turn->is_new) return result;
    return step_claim(store, write, DURABLE_SQL_TAKE_OVER, claim, changes);
}

static int claim_by_turn(durable_sqlite *store, durable_write *write, const durable_claim *claim,
                         bool *claimed)
{
    durable_turn turn = {.is_new = false};
    int changes = 0;
    int result = durable_sqlite_group_begin(store, write);

    *claimed = false;
    if (result != SQLITE_DONE) return result;
    result = claim_in_group(store, write, claim, &turn, &changes);
    *claimed = result == SQLITE_DONE && changes == 1 && turn.is_new != claim->seen_held;
    if (*claimed)
        result = durable_sqlite_take_turn(store, write, claim, &turn, claimed);
    if (result == SQLITE_DONE && changes == 1 && !*claimed)
        return durable_sqlite_group_undo(store, write);
    return durable_sqlite_group_end(store, write, result);
}

/* Where no limit is asked for, a single statement. */
static int claim_at_will(durable_sqlite *store, durable_write *write, const durable_claim *claim,
                         bool *claimed)
{
    durable_statement which = claim->seen_held ? DURABLE_SQL_TAKE_OVER : DURABLE_SQL_TAKE_CLAIM;
    int changes = 0;
    int result = step_claim(store, write, which, claim, &changes);

    *claimed = result == SQLITE_DONE && changes == 1;
    return result;
}

DURABLE_INTERNAL int durable_sqlite_claim_run(durable_store *base, const durable_claim *claim,
                                              bool *claimed, durable_fence *fence)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_write write;
    int result, code = durable_sqlite_write_begin(store, &write, "claim the run");

    *claimed = false;
    if (code != DUR_OK) return code;
    if (claim->seen_epoch == INT64_MAX) return DUR_OK; /* no run is handed out with it */
    set_fence(fence, claim->run, claim->seen_epoch + 1, claim->token, &write);
    result = claim->limited ? claim_by_turn(store, &write, claim, claimed)
                            : claim_at_will(store, &write, claim, claimed);
    code = durable_sqlite_write_end(store, &write, result);
    *claimed = *claimed && code == DUR_OK;
    return code;
}

DURABLE_INTERNAL int durable_sqlite_renew_lease(durable_store *base, durable_fence *fence,
                                                int64_t lease_end)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_write write;
    int result, changes = 0;
    int code = durable_sqlite_fenced_begin(store, &write, fence, "renew the lease");

    if (code != DUR_OK) return code;
    result = durable_sqlite_renew_step(store, &write, fence, lease_end, &changes);
    code = durable_sqlite_tables_gone(store, durable_sqlite_write_end(store, &write, result));
    if (code == DUR_OK && changes == 0) return durable_sqlite_explain_fence(store, fence);
    if (code == DUR_OK && write.joined && !fence->provisional) fence->provisional = -1;
    return code;
}

/* The records that are joined to the host's transaction, and the claim behind them. */
DURABLE_INTERNAL int durable_sqlite_confirm_run(durable_store *base, const durable_fence *fence)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_fence_look look;
    int code = durable_sqlite_confirm(store, fence);

    /* What is seen in a transaction of ours stands behind a claim that nobody else can change. */
    if (code == DUR_OK && fence->provisional > 0 && store->shared) return DUR_OK;
    if (code == DUR_OK) code = durable_sqlite_look_at_fence(store, fence, &look);
    if (code != DUR_OK) return durable_sqlite_tables_gone(store, code);
    if (look.claimed && look.epoch == fence->epoch && look.token == fence->token) return DUR_OK;
    return durable_sqlite_explain_fence(store, fence);
}
