/*
 * store/sqlite: the verbs that delete runs which have ended.
 *
 * Deleting a run's row is what a person would do by hand: the trigger of the schema takes along
 * what belongs to it. (Where the host has switched triggers off, we do the same ourselves.)
 *
 * A retention deletes those that ended first, and passes over those that something open still
 * refers to. These may be many, and stand in front for as long as what refers to them is open. So
 * that they neither end a batch early nor are looked at again for each batch, a store remembers
 * where a full batch has ended, and the next one of the same kind goes on behind it. One that is
 * not full has been looked for from the beginning: all of its kind are gone. The look is a read, in
 * pieces, before the write; whether a run may still be deleted is asked again within that.
 */
#include "base/text.h"
#include "store/sqlite/fence.h"
#include "store/sqlite/requests.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/signals.h"
#include "store/sqlite/verbs.h"

/* So many rows are looked at before others may write again. */
#define LOOK_ROWS 256

/* ---- One run ------------------------------------------------------------------------------- */

/* What the trigger does, behind the deletion of run ?1. */
#define RUN_AND_BELOW                                                                              \
    "(SELECT ?1 AS run UNION ALL SELECT run FROM @durable_runs WHERE root = ?1)"
#define OF_THEIR_KEYS(table)                                                                       \
    "DELETE FROM " table " WHERE step IN (SELECT k.step FROM " RUN_AND_BELOW " AS r"               \
    " CROSS JOIN " table " AS k ON k.step BETWEEN r.run << 27 AND (r.run << 27) + 134217727)"
static const char *const what_goes_with_a_run[] = {
    "DELETE FROM @durable_claims WHERE run IN " RUN_AND_BELOW,
    OF_THEIR_KEYS("@durable_pending"),
    OF_THEIR_KEYS("@durable_steps"),
    "DELETE FROM @durable_signals WHERE received IS NULL AND run IN " RUN_AND_BELOW,
    "DELETE FROM @durable_signals WHERE key NOT NULL AND run IN " RUN_AND_BELOW,
    "UPDATE @durable_runs SET origin = NULL WHERE origin = ?1",
    "DELETE FROM @durable_runs WHERE root = ?1",
};

static int delete_by_hand(durable_sqlite *store, durable_write *write, int64_t run)
{
    size_t count = sizeof what_goes_with_a_run / sizeof what_goes_with_a_run[0];
    int result = SQLITE_DONE;

    for (size_t i = 0; i < count && result == SQLITE_DONE; i++) {
        sqlite3_stmt *statement;

        result = durable_sqlite_prepare(store, what_goes_with_a_run[i], &statement);
        if (result != SQLITE_OK) {
            durable_sqlite_failed(store, result, write->doing);
            return result;
        }
        sqlite3_bind_int64(statement, 1, run);
        result = durable_sqlite_write_step(store, write, statement, NULL);
        sqlite3_finalize(statement);
    }
    return result;
}

/* *changes is 0 where the run may not be deleted. */
static int delete_one(durable_sqlite *store, durable_write *write, int64_t run, int *changes)
{
    int result =
        durable_sqlite_step_integers(store, write, DURABLE_SQL_DELETE_RUN, &run, 1, changes);

    if (result != SQLITE_DONE || *changes == 0 || durable_sqlite_triggers_work(store))
        return result;
    return delete_by_hand(store, write, run);
}

/* ---- By its id ----------------------------------------------------------------------------- */

/* What stands against a deletion; names of other runs, "" where there is none. */
typedef struct deletion_look {
    int64_t run; /* 0: there is no such run */
    bool called, ended;
    char part_of[DUR_NAME_MAX + 1];
    char parent[DUR_NAME_MAX + 1], child[DUR_NAME_MAX + 1], heir[DUR_NAME_MAX + 1];
} deletion_look;

static void copy_column(char name[DUR_NAME_MAX + 1], sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);

    if (text) durable_print(name, DUR_NAME_MAX + 1, "%s", (const char *)text);
}

static void read_deletion_look(sqlite3_stmt *statement, void *context)
{
    deletion_look *look = context;

    look->run = sqlite3_column_int64(statement, 0);
    look->called = sqlite3_column_int(statement, 1) != 0;
    copy_column(look->part_of, statement, 2);
    look->ended = sqlite3_column_int(statement, 3) != 0;
    copy_column(look->parent, statement, 4);
    copy_column(look->child, statement, 5);
    copy_column(look->heir, statement, 6);
}

static int look_at_deletion(durable_sqlite *store, const char *run_id, deletion_look *look)
{
    memset(look, 0, sizeof *look);
    return durable_sqlite_look_by_id(store, DURABLE_SQL_LOOK_AT_DELETION, run_id,
                                     read_deletion_look, look);
}

/* A write that changes nothing takes the lock, so that what is found then holds. */
static int delete_in_group(durable_sqlite *store, durable_write *write, const char *run_id,
                           deletion_look *look, int *changes)
{
    int result = durable_sqlite_group_begin(store, write);

    if (result != SQLITE_DONE) return result;
    result = durable_sqlite_step_integers(store, write, DURABLE_SQL_DROP_CLAIM, NULL, 0, NULL);
    if (result == SQLITE_DONE) result = look_at_deletion(store, run_id, look);
    if (result == SQLITE_DONE && look->run)
        result = delete_one(store, write, look->run, changes);
    return durable_sqlite_group_end(store, write, result);
}

static int refuse_deletion(durable_sqlite *store, const char *whose, const char *name)
{
    return durable_error_set(&store->head.error, DUR_NOT_ENDED,
                             "%s \"%s\", which has not ended, refers to it", whose, name);
}

static int explain_deletion(durable_sqlite *store, const deletion_look *look)
{
    if (!look->run)
        return durable_error_set(&store->head.error, DUR_NOT_FOUND, "there is no such run");
    if (look->called) return durable_sqlite_refuse_called(store, look->part_of);
    if (!look->ended)
        return durable_error_set(&store->head.error, DUR_NOT_ENDED,
                                 "it has not ended: cancel or terminate it first");
    if (look->parent[0]) return refuse_deletion(store, "its parent", look->parent);
    if (look->child[0]) return refuse_deletion(store, "its child", look->child);
    if (look->heir[0])
        return refuse_deletion(store, "the run that goes on from it", look->heir);
    return durable_sqlite_had_no_effect(store, "delete the run");
}

DURABLE_INTERNAL int durable_sqlite_delete_run(durable_store *base, const char *run_id)
{
    durable_sqlite *store = durable_sqlite_of(base);
    deletion_look look = {.run = 0};
    durable_write write;
    int result, changes = 0;
    int code = durable_sqlite_request_begin(store, &write, "delete the run");

    if (code != DUR_OK) return code;
    result = delete_in_group(store, &write, run_id, &look, &changes);
    code = durable_sqlite_tables_gone(store, durable_sqlite_write_end(store, &write, result));
    return code == DUR_OK && changes == 0 ? explain_deletion(store, &look) : code;
}

/* ---- A retention --------------------------------------------------------------------------- */

/* A batch: where the look for it stands, and what it has found. */
typedef struct batch {
    const durable_retention *retention;
    durable_retained at;
    int64_t *runs;
    int64_t count, room;
    int64_t wanted;
    bool ends; /* nothing is left to be looked at */
} batch;

static int add_doomed(durable_sqlite *store, batch *it, int64_t run)
{
    if (it->count == it->room) {
        int64_t room = it->room ? 2 * it->room : 64;
        int64_t *runs = durable_allocate((size_t)room * sizeof *runs);

        if (!runs) {
            durable_error_set(&store->head.error, DUR_NOMEM, "out of memory");
            store->head.error.sqlite_code = SQLITE_NOMEM;
            return SQLITE_NOMEM;
        }
        if (it->count) memcpy(runs, it->runs, (size_t)it->count * sizeof *runs);
        durable_free(it->runs);
        it->runs = runs;
        it->room = room;
    }
    it->runs[it->count++] = run;
    return SQLITE_DONE;
}

/* The last one that is not kept: those behind it are. */
static int find_bound(durable_sqlite *store, batch *it)
{
    sqlite3_stmt *statement;
    int result;

    it->at.until_ended = INT64_MAX;
    it->at.until_run = INT64_MAX;
    if (it->retention->keep == 0) return SQLITE_DONE;
    statement = durable_sqlite_statement(store, DURABLE_SQL_LAST_NOT_KEPT);
    if (!statement) return store->head.error.sqlite_code;
    result = durable_bind_string(statement, 1, it->retention->workflow);
    if (result == SQLITE_OK) result = sqlite3_bind_int64(statement, 2, it->retention->keep);
    if (result == SQLITE_OK) result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW) {
        it->at.until_ended = sqlite3_column_int64(statement, 0);
        it->at.until_run = sqlite3_column_int64(statement, 1);
    } else if (result == SQLITE_DONE) {
        it->ends = true;
    } else {
        durable_sqlite_failed(store, result, "look for runs that have ended");
    }
    durable_sqlite_rest(statement);
    return result == SQLITE_ROW ? SQLITE_DONE : result;
}

static int bind_look(sqlite3_stmt *statement, const batch *it)
{
    const durable_retention *retention = it->retention;
    bool by_age = retention->ended_until < it->at.until_ended;
    int result = durable_bind_string(statement, 5, retention->workflow);

    if (result != SQLITE_OK) return result;
    sqlite3_bind_int64(statement, 1, it->at.ended);
    sqlite3_bind_int64(statement, 2, it->at.run);
    sqlite3_bind_int64(statement, 3, by_age ? retention->ended_until : it->at.until_ended);
    sqlite3_bind_int64(statement, 4, by_age ? INT64_MAX : it->at.until_run);
    return sqlite3_bind_int64(statement, 6, LOOK_ROWS);
}

/* Gives SQLITE_ROW while there are more to be read. */
static int take_row(durable_sqlite *store, sqlite3_stmt *statement, batch *it)
{
    int64_t run = sqlite3_column_int64(statement, 0);
    int result;

    it->at.run = run;
    it->at.ended = sqlite3_column_int64(statement, 1);
    if (sqlite3_column_int(statement, 2)) {
        result = add_doomed(store, it, run);
        if (result != SQLITE_DONE || it->count == it->wanted) return result;
    }
    result = sqlite3_step(statement);
    if (result == SQLITE_ROW || result == SQLITE_DONE) return result;
    result = sqlite3_extended_errcode(store->db);
    durable_sqlite_failed(store, result, "look for runs that have ended");
    return result;
}

static int look_at_piece(durable_sqlite *store, batch *it)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_LOOK_AT_ENDED);
    int result, rows = 0;

    if (!statement) return store->head.error.sqlite_code;
    result = bind_look(statement, it);
    if (result == SQLITE_OK) result = durable_sqlite_read(store, statement);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        durable_sqlite_failed(store, result, "look for runs that have ended");
    for (; result == SQLITE_ROW; rows++) result = take_row(store, statement, it);
    it->ends = rows < LOOK_ROWS && it->count < it->wanted;
    durable_sqlite_rest(statement);
    return result;
}

static int look_from(durable_sqlite *store, batch *it)
{
    int result = SQLITE_DONE;

    it->count = 0;
    it->ends = false;
    if (!it->at.goes_on) {
        it->at.ended = it->at.run = INT64_MIN;
        result = find_bound(store, it);
    }
    while (result == SQLITE_DONE && !it->ends && it->count < it->wanted)
        result = look_at_piece(store, it);
    return result;
}

/* A batch that is not full behind the last one is looked for anew. */
static int look_for_batch(durable_sqlite *store, batch *it)
{
    int result = look_from(store, it);

    if (result != SQLITE_DONE || !it->at.goes_on || it->count == it->wanted) return result;
    it->at.goes_on = false;
    return look_from(store, it);
}

static int delete_found(durable_sqlite *store, durable_write *write, const batch *it,
                        int64_t *deleted)
{
    int result = SQLITE_DONE;

    for (int64_t i = 0; i < it->count && result == SQLITE_DONE; i++) {
        int changes = 0;

        result = delete_one(store, write, it->runs[i], &changes);
        if (result == SQLITE_DONE && changes) ++*deleted;
    }
    return result;
}

/* Others may have deleted them meanwhile, or referred to them: those that are missing are looked
 * for once more, where nobody else can. */
static int delete_batch(durable_sqlite *store, durable_write *write, batch *it, int64_t *deleted)
{
    int64_t before;
    int result = durable_sqlite_group_begin(store, write);

    if (result != SQLITE_DONE) return result;
    result = delete_found(store, write, it, deleted);
    if (result == SQLITE_DONE && *deleted < it->count) {
        before = *deleted;
        it->wanted = it->retention->max_runs - before;
        it->at.goes_on = false;
        result = look_from(store, it);
        if (result == SQLITE_DONE) result = delete_found(store, write, it, deleted);
        if (result == SQLITE_DONE && *deleted - before < it->count) {
            durable_sqlite_had_no_effect(store, write->doing);
            result = SQLITE_AUTH;
        }
    }
    return durable_sqlite_group_end(store, write, result);
}

static bool is_same_kind(const durable_retained *at, const durable_retention *retention)
{
    const char *workflow = retention->workflow;

    if (at->keep != retention->keep || at->of_any != !workflow) return false;
    return !workflow || strcmp(at->workflow, workflow) == 0;
}

static void begin_batch(const durable_sqlite *store, batch *it, const durable_retention *retention)
{
    memset(it, 0, sizeof *it);
    it->retention = retention;
    it->wanted = retention->max_runs;
    if (store->retained.goes_on && is_same_kind(&store->retained, retention))
        it->at = store->retained;
}

/* What joins a transaction of the host's may be taken back. */
static void end_batch(durable_sqlite *store, batch *it, bool full)
{
    const char *workflow = it->retention->workflow;

    durable_free(it->runs);
    store->retained.goes_on = false;
    if (!full || (workflow && strlen(workflow) > DUR_NAME_MAX)) return;
    store->retained = it->at;
    store->retained.goes_on = true;
    store->retained.keep = it->retention->keep;
    store->retained.of_any = !workflow;
    durable_print(store->retained.workflow, sizeof store->retained.workflow, "%s",
                  workflow ? workflow : "");
}

DURABLE_INTERNAL int durable_sqlite_delete_ended(durable_store *base,
                                                 const durable_retention *retention,
                                                 int64_t *deleted)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_write write;
    batch it;
    int result, code = durable_sqlite_request_begin(store, &write, "delete runs that have ended");

    *deleted = 0;
    if (code != DUR_OK) return code;
    begin_batch(store, &it, retention);
    result = look_for_batch(store, &it);
    if (result == SQLITE_DONE && it.count) result = delete_batch(store, &write, &it, deleted);
    code = durable_sqlite_tables_gone(store, durable_sqlite_write_end(store, &write, result));
    if (code != DUR_OK) *deleted = 0;
    end_batch(store, &it, *deleted == retention->max_runs && !write.joined);
    return code;
}
