/* store/sqlite: the verbs by which a run is paused, resumed and terminated, whoever holds it. */
#include "store/sqlite/fence.h"
#include "store/sqlite/pending.h"
#include "store/sqlite/requests.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/signals.h"
#include "store/sqlite/verbs.h"

/* What is asked of a run, and what was found where it could not be done. */
typedef struct asking {
    const char *run_id;
    const char *failure; /* to terminate it; NULL: to pause or to resume it */
    bool pause;
    int64_t now;
    durable_request_look look;
} asking;

/* ---- Pausing ------------------------------------------------------------------------------- */

static int write_pause(durable_sqlite *store, durable_write *write, const asking *it, int *changes)
{
    sqlite3_stmt *statement;
    int result;

    if (!it->pause)
        return durable_sqlite_step_by_id(store, write, DURABLE_SQL_UNPAUSE_RUN, it->run_id,
                                         it->now, changes);
    statement = durable_sqlite_statement(store, DURABLE_SQL_PAUSE_RUN);
    if (!statement) return store->head.error.sqlite_code;
    result = durable_bind_string(statement, 1, it->run_id);
    if (result != SQLITE_OK) return durable_sqlite_not_bound(store, write, statement, result);
    return durable_sqlite_write_step(store, write, statement, changes);
}

/* ---- Terminating --------------------------------------------------------------------------- */

static int bind_reason(sqlite3_stmt *statement, const asking *it)
{
    sqlite3_bind_int64(statement, 2, it->now);
    return durable_bind_string(statement, 3, it->failure);
}

static int write_termination(durable_sqlite *store, durable_write *write, const asking *it,
                             int *changes)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_TERMINATE_RUN);
    int result;

    if (!statement) return store->head.error.sqlite_code;
    result = durable_bind_string(statement, 1, it->run_id);
    if (result == SQLITE_OK) result = bind_reason(statement, it);
    if (result != SQLITE_OK) return durable_sqlite_not_bound(store, write, statement, result);
    return durable_sqlite_write_step(store, write, statement, changes);
}

/* Those that have not ended tell which started children are asked to end: they go last. */
static int terminate_below(durable_sqlite *store, durable_write *write, const asking *it)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_TERMINATE_BELOW);
    int result;

    if (!statement) return store->head.error.sqlite_code;
    sqlite3_bind_int64(statement, 1, it->look.run);
    result = bind_reason(statement, it);
    if (result != SQLITE_OK) return durable_sqlite_not_bound(store, write, statement, result);
    return durable_sqlite_write_step(store, write, statement, NULL);
}

/* The claims go behind the rows, which take their fences over. */
static int terminate_rest(durable_sqlite *store, durable_write *write, const asking *it)
{
    static const unsigned asked = 1u << DUR_CHILD_WAIT | 1u << DUR_CHILD_CANCEL;
    const int64_t integers[3] = {it->look.run, it->now, asked};
    int result = durable_sqlite_step_integers(store, write, DURABLE_SQL_CANCEL_BELOW, integers, 3,
                                              NULL);

    if (result == SQLITE_DONE) result = terminate_below(store, write, it);
    if (result == SQLITE_DONE)
        result = durable_sqlite_step_integers(store, write, DURABLE_SQL_DROP_CLAIMS_OF, integers,
                                              1, NULL);
    if (result == SQLITE_DONE)
        result = durable_sqlite_drop_pending(store, write, it->look.run, 0, DUR_POSITION_MAX);
    if (result == SQLITE_DONE)
        result = durable_sqlite_step_integers(store, write, DURABLE_SQL_DROP_PENDING_BELOW,
                                              integers, 1, NULL);
    if (result != SQLITE_DONE) return result;
    return durable_sqlite_tell_parent(store, write, it->look.run, it->now);
}

/* ---- All of them --------------------------------------------------------------------------- */

/* Why nothing was changed is looked up in the same transaction. */
static int ask_in_group(durable_sqlite *store, durable_write *write, asking *it, int *changes)
{
    int result = durable_sqlite_group_begin(store, write);

    if (result != SQLITE_DONE) return result;
    result = it->failure ? write_termination(store, write, it, changes)
                         : write_pause(store, write, it, changes);
    if (result == SQLITE_DONE && (it->failure || *changes == 0))
        result = durable_sqlite_look_at_request(store, it->run_id, &it->look);
    if (result == SQLITE_DONE && it->failure && *changes)
        result = terminate_rest(store, write, it);
    return durable_sqlite_group_end(store, write, result);
}

static int explain_asking(durable_sqlite *store, const asking *it, const char *doing)
{
    const durable_request_look *look = &it->look;
    bool paused = (look->request & DURABLE_REQUEST_PAUSE) != 0;

    if (!look->there)
        return durable_error_set(&store->head.error, DUR_NOT_FOUND, "there is no such run");
    if (look->called) return durable_sqlite_refuse_called(store, look->part_of);
    if (it->failure && look->status == DURABLE_TERMINATED) return DUR_REPLAYED;
    if (durable_status_has_ended(look->status))
        return durable_error_set(&store->head.error, DUR_ENDED, "the run has ended");
    if (!it->failure && paused == it->pause) return DUR_REPLAYED;
    return durable_sqlite_had_no_effect(store, doing);
}

static int ask(durable_sqlite *store, asking *it, const char *doing)
{
    durable_write write;
    int result, changes = 0;
    int code = durable_sqlite_request_begin(store, &write, doing);

    if (code != DUR_OK) return code;
    result = ask_in_group(store, &write, it, &changes);
    code = durable_sqlite_tables_gone(store, durable_sqlite_write_end(store, &write, result));
    return code == DUR_OK && changes == 0 ? explain_asking(store, it, doing) : code;
}

DURABLE_INTERNAL int durable_sqlite_pause_run(durable_store *base, const char *run_id, bool pause,
                                              int64_t now)
{
    asking it = {.run_id = run_id, .pause = pause, .now = now};

    return ask(durable_sqlite_of(base), &it, pause ? "pause the run" : "resume the run");
}

DURABLE_INTERNAL int durable_sqlite_terminate_run(durable_store *base, const char *run_id,
                                                  const char *failure, int64_t now)
{
    asking it = {.run_id = run_id, .failure = failure, .now = now};

    return ask(durable_sqlite_of(base), &it, "terminate the run");
}
