/* store/sqlite: the verbs about queues, and what their limits mean for a claim. */
#include "store/sqlite/queues.h"

#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/verbs.h"

/* ---- Looking ---- */

/* The queue's row, or no limits. DUR_OK, DUR_CORRUPT or a database code. */
static int read_queue(durable_sqlite *store, const char *name, durable_queue *queue)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_LOOK_AT_QUEUE);
    int result, code = DUR_OK;

    memset(queue, 0, sizeof *queue);
    if (!statement) return store->head.error.code;
    result = durable_bind_string(statement, 1, name);
    if (result == SQLITE_OK) result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW)
        code = durable_read_queue_row(store, statement, queue);
    else if (result != SQLITE_DONE)
        code = durable_sqlite_failed(store, result, "look at the queue");
    durable_sqlite_rest(statement);
    return code;
}

/* Held runs of the queue, of all processes where `process` is NULL; no more than `most` are
 * counted. */
static int count_active(durable_sqlite *store, const char *queue, const char *process,
                        size_t process_length, int64_t most, int64_t *count)
{
    sqlite3_stmt *statement = durable_sqlite_statement(
        store, process ? DURABLE_SQL_COUNT_ACTIVE_PROCESS : DURABLE_SQL_COUNT_ACTIVE);
    int result, code = DUR_OK;

    *count = 0;
    if (!statement) return store->head.error.code;
    sqlite3_bind_int64(statement, 2, most);
    result = durable_bind_string(statement, 1, queue);
    if (result == SQLITE_OK && process)
        result = durable_bind_text(statement, 3, process, process_length);
    if (result == SQLITE_OK) result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW)
        *count = sqlite3_column_int64(statement, 0);
    else
        code = durable_sqlite_failed(store, result, "count the queue's active runs");
    durable_sqlite_rest(statement);
    return code;
}

DURABLE_INTERNAL int durable_sqlite_look_at_queue(durable_store *base, const char *queue,
                                                  const char *process, size_t process_length,
                                                  durable_queue *found)
{
    durable_sqlite *store = durable_sqlite_of(base);
    int code = durable_sqlite_settle_schema(store);

    memset(found, 0, sizeof *found);
    if (code == DUR_OK) code = read_queue(store, queue, found);
    if (code == DUR_OK && found->limits.max_active)
        code = count_active(store, queue, NULL, 0, found->limits.max_active, &found->active);
    if (code == DUR_OK && found->limits.max_active_process)
        code = count_active(store, queue, process, process_length,
                            found->limits.max_active_process, &found->active_process);
    return code;
}

/* ---- Setting ---- */

static int write_limits(durable_sqlite *store, durable_write *write, const char *queue,
                        const durable_limits *limits)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_LIMIT_QUEUE);
    int result;

    if (!statement) return store->head.error.sqlite_code;
    result = durable_bind_string(statement, 1, queue);
    if (result != SQLITE_OK) return durable_sqlite_not_bound(store, write, statement, result);
    sqlite3_bind_int64(statement, 2, limits->max_active);
    sqlite3_bind_int64(statement, 3, limits->max_active_process);
    sqlite3_bind_int64(statement, 4, limits->interval_us);
    return durable_sqlite_write_step(store, write, statement, NULL);
}

DURABLE_INTERNAL int durable_sqlite_limit_queue(durable_store *base, const char *queue,
                                                const durable_limits *limits)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_write write;
    int code = durable_sqlite_settle_schema(store);

    if (code == DUR_OK) code = durable_sqlite_write_begin(store, &write, "limit the queue");
    if (code != DUR_OK) return code;
    return durable_sqlite_write_end(store, &write, write_limits(store, &write, queue, limits));
}

/* ---- A claim's turn ---- */

/* In a group a verb's code is of no use: SQLite's result stands for it. */
static int as_result(const durable_sqlite *store, int code)
{
    if (code == DUR_OK) return SQLITE_DONE;
    return store->head.error.sqlite_code ? store->head.error.sqlite_code : SQLITE_ERROR;
}

static int read_turn(durable_sqlite *store, sqlite3_stmt *statement, const durable_claim *claim,
                     durable_turn *turn)
{
    const char *queue = (const char *)sqlite3_column_text(statement, 0);
    const char *owner = (const char *)sqlite3_column_text(statement, 1);

    if (!queue || !owner || strlen(queue) > DUR_NAME_MAX)
        return durable_error_set(&store->head.error, DUR_CORRUPT,
                                 "its claim names no queue or no owner");
    memcpy(turn->queue, queue, strlen(queue) + 1);
    turn->is_new_to_process =
        turn->is_new || strncmp(owner, claim->owner, claim->process_length) != 0;
    return DUR_OK;
}

DURABLE_INTERNAL int durable_sqlite_look_at_turn(durable_sqlite *store, const durable_claim *claim,
                                                 durable_turn *turn)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_LOOK_AT_CLAIM);
    int result, code = DUR_OK;

    if (!statement) return store->head.error.sqlite_code;
    sqlite3_bind_int64(statement, 1, claim->run);
    result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW)
        code = read_turn(store, statement, claim, turn);
    else if (result != SQLITE_DONE)
        code = durable_sqlite_failed(store, result, "look at the claim");
    durable_sqlite_rest(statement);
    return as_result(store, code);
}

static int64_t one_more(int64_t most)
{
    return most < INT64_MAX ? most + 1 : most;
}

/* A run that is only taken over counts already: where a limit was lowered below what is held, the
 * runs of dead owners would otherwise stay theirs. */
static int keep_limits(durable_sqlite *store, const durable_claim *claim, const durable_turn *turn,
                       const durable_limits *limits, bool *passes)
{
    int64_t active = 0, active_process = 0;
    int code = DUR_OK;

    if (limits->max_active && turn->is_new)
        code = count_active(store, turn->queue, NULL, 0, one_more(limits->max_active), &active);
    if (code == DUR_OK && limits->max_active_process && turn->is_new_to_process)
        code = count_active(store, turn->queue, claim->owner, claim->process_length,
                            one_more(limits->max_active_process), &active_process);
    *passes = active <= limits->max_active && active_process <= limits->max_active_process;
    return code;
}

/* What was seen tells a clock that was set back from a claimer that was held up: see the contract.
 * What the claim has waited for its lock is no mystery: the pass begins as much later. */
static int keep_rate(durable_sqlite *store, durable_write *write, const char *queue,
                     const durable_claim *claim, bool *passes)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_TAKE_TURN);
    int64_t now_us = durable_time_us(durable_time_after(claim->now, write->waited_ms));
    int result, changes = 0;

    if (!statement) return store->head.error.sqlite_code;
    result = durable_bind_string(statement, 1, queue);
    if (result != SQLITE_OK) return durable_sqlite_not_bound(store, write, statement, result);
    sqlite3_bind_int64(statement, 2, now_us);
    sqlite3_bind_int64(statement, 3, durable_time_after(now_us, 999));
    sqlite3_bind_int64(statement, 4, claim->seen_next_us);
    result = durable_sqlite_write_step(store, write, statement, &changes);
    *passes = changes > 0;
    return result;
}

DURABLE_INTERNAL int durable_sqlite_take_turn(durable_sqlite *store, durable_write *write,
                                              const durable_claim *claim, const durable_turn *turn,
                                              bool *passes)
{
    durable_queue queue;
    int code = read_queue(store, turn->queue, &queue);

    if (code == DUR_OK) code = keep_limits(store, claim, turn, &queue.limits, passes);
    if (code != DUR_OK || !*passes || !queue.limits.interval_us) return as_result(store, code);
    return keep_rate(store, write, turn->queue, claim, passes);
}
