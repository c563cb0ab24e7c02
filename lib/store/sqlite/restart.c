/* store/sqlite: the verb that copies a run's beginning into a new one. */
#include "store/sqlite/verbs.h"

#include "base/text.h"
#include "store/sqlite/fence.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"

/* A run, and its copy. */
typedef struct copied_run {
    int64_t from, to;
} copied_run;

typedef struct restarting {
    durable_sqlite *store;
    durable_write *write;
    const durable_restart *asked;
    int verdict;       /* of what went well as far as SQLite is concerned; the error tells it */
    int64_t end;       /* the first position that is not copied */
    int64_t rows;      /* copied so far */
    copied_run *runs;  /* by rising `from`, the first one is the source */
    size_t count;
} restarting;

/* What is there, the new row included. */
typedef struct restart_look {
    int64_t source, copy; /* keys; 0: none */
    bool called;          /* the source is */
    bool same;            /* the copy is of this source and position, in this queue */
    int64_t first, last;  /* the source's recorded positions; 0: none */
    int64_t undone;       /* its first undo or cancellation before the position; 0: none */
} restart_look;

static const char nothing_to_replace[] =
    "position %lld: a value can be replaced where a step, a wait or a child has recorded one before"
    " the restart";

/* A verdict ends the act, and all of it is taken back. The format takes the number first. */
static int refuse_restart(restarting *it, int code, const char *format, long long number,
                          const char *text)
{
    it->verdict = durable_error_set(&it->store->head.error, code, format, number, text);
    return SQLITE_DONE;
}

/* The first row of a read, or SQLITE_DONE; else the error is set. */
static int read_first(restarting *it, sqlite3_stmt *statement)
{
    int result = durable_sqlite_read(it->store, statement);

    if (result != SQLITE_ROW && result != SQLITE_DONE)
        durable_sqlite_failed(it->store, result, it->write->doing);
    return result;
}

/* ---- The new run's row --------------------------------------------------------------------- */

static int insert_restarted(restarting *it, int *changes)
{
    const durable_restart *asked = it->asked;
    sqlite3_stmt *statement = durable_sqlite_statement(it->store, DURABLE_SQL_RESTART_RUN);
    int result;

    *changes = 0;
    if (!statement) return it->store->head.error.sqlite_code;
    result = durable_bind_string(statement, 1, asked->source);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 2, asked->id);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 3, asked->uid);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 4, asked->code_version);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 6, asked->queue);
    if (result != SQLITE_OK)
        return durable_sqlite_not_bound(it->store, it->write, statement, result);
    sqlite3_bind_int64(statement, 5, asked->position);
    sqlite3_bind_int64(statement, 7, asked->now);
    return durable_sqlite_write_step(it->store, it->write, statement, changes);
}

static void read_restart_look(sqlite3_stmt *statement, restart_look *look)
{
    look->source = sqlite3_column_int64(statement, 0);
    look->called = sqlite3_column_int(statement, 1) != 0;
    look->copy = sqlite3_column_int64(statement, 2);
    look->same = sqlite3_column_int(statement, 3) != 0;
    look->last = sqlite3_column_int64(statement, 4);
    look->undone = sqlite3_column_int64(statement, 5);
    look->first = sqlite3_column_int64(statement, 6);
}

static int look_at_restart(restarting *it, restart_look *look)
{
    const durable_restart *asked = it->asked;
    sqlite3_stmt *statement = durable_sqlite_statement(it->store, DURABLE_SQL_LOOK_AT_RESTART);
    int result;

    memset(look, 0, sizeof *look);
    if (!statement) return it->store->head.error.sqlite_code;
    result = durable_bind_string(statement, 1, asked->source);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 2, asked->id);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 4, asked->queue);
    if (result != SQLITE_OK)
        return durable_sqlite_not_bound(it->store, it->write, statement, result);
    sqlite3_bind_int64(statement, 3, asked->position);
    result = read_first(it, statement);
    if (result == SQLITE_ROW) read_restart_look(statement, look);
    durable_sqlite_rest(statement);
    return result == SQLITE_ROW ? SQLITE_DONE : result;
}

/* ---- One that is there --------------------------------------------------------------------- */

/* A value that was replaced is the only one that may differ; rows that the new run has recorded
 * itself tell nothing. SQLITE_ROW: it is this restart. */
static int compare_copy(restarting *it, const restart_look *look)
{
    const durable_restart *asked = it->asked;
    int64_t from = durable_step_key(look->copy, 1);
    sqlite3_stmt *statement = durable_sqlite_statement(it->store, DURABLE_SQL_COMPARE_COPY);
    int result = SQLITE_OK;

    if (!statement) return it->store->head.error.sqlite_code;
    if (asked->replace_at) result = durable_bind_datum(statement, 6, &asked->value);
    if (result != SQLITE_OK)
        return durable_sqlite_not_bound(it->store, it->write, statement, result);
    sqlite3_bind_int64(statement, 1, from);
    sqlite3_bind_int64(statement, 2, from + asked->position - 2);
    sqlite3_bind_int64(statement, 3, from - durable_step_key(look->source, 1));
    if (asked->replace_at) {
        sqlite3_bind_int64(statement, 4, from + asked->replace_at - 1);
        durable_bind_format(statement, 5, asked->value.format);
    }
    result = read_first(it, statement);
    if (result == SQLITE_ROW && sqlite3_column_int(statement, 0) == 0) result = SQLITE_DONE;
    durable_sqlite_rest(statement);
    return result;
}

static int explain_not_restarted(restarting *it, const restart_look *look)
{
    int result = SQLITE_DONE;

    if (!look->source) return refuse_restart(it, DUR_NOT_FOUND, "there is no such run", 0, NULL);
    if (look->called)
        return refuse_restart(it, DUR_CONFLICT,
                              "it is a child that its parent calls: restart the parent", 0, NULL);
    if (!look->copy) {
        it->verdict = durable_sqlite_had_no_effect(it->store, it->write->doing);
        return SQLITE_DONE;
    }
    if (look->same) result = compare_copy(it, look);
    if (result == SQLITE_ROW) it->verdict = DUR_REPLAYED;
    if (result != SQLITE_DONE) return result == SQLITE_ROW ? SQLITE_DONE : result;
    return refuse_restart(it, DUR_CONFLICT,
                          "position %lld: there is another run of the id \"%s\": choose another id",
                          it->asked->position, it->asked->id);
}

/* ---- Steps --------------------------------------------------------------------------------- */

static int copy_steps(restarting *it, const copied_run *run, int64_t from, int64_t to)
{
    const int64_t keys[] = {durable_step_key(run->from, from), durable_step_key(run->from, to),
                            durable_step_key(run->to, 0) - durable_step_key(run->from, 0)};
    bool counts = run == it->runs; /* a statement that changes nothing is prepared anew */
    int copied = 0, result;

    if (from > to) return SQLITE_DONE;
    result = durable_sqlite_step_integers(it->store, it->write, DURABLE_SQL_COPY_STEPS, keys, 3,
                                          counts ? &copied : NULL);
    it->rows += copied;
    return result;
}

static int copy_replaced(restarting *it, const copied_run *run)
{
    const durable_restart *asked = it->asked;
    sqlite3_stmt *statement = durable_sqlite_statement(it->store, DURABLE_SQL_COPY_REPLACED);
    int copied = 0, result;

    if (!statement) return it->store->head.error.sqlite_code;
    result = durable_bind_datum(statement, 5, &asked->value);
    if (result != SQLITE_OK)
        return durable_sqlite_not_bound(it->store, it->write, statement, result);
    sqlite3_bind_int64(statement, 1, durable_step_key(run->from, asked->replace_at));
    sqlite3_bind_int64(statement, 3, durable_step_key(run->to, 0) - durable_step_key(run->from, 0));
    durable_bind_format(statement, 4, asked->value.format);
    result = durable_sqlite_write_step(it->store, it->write, statement, &copied);
    it->rows += copied;
    if (result != SQLITE_DONE || copied) return result;
    return refuse_restart(it, DUR_MISUSE, nothing_to_replace, asked->replace_at, NULL);
}

/* Rows before the first one that is not copied. */
static int copy_beginning(restarting *it, bool has_rows)
{
    const copied_run *run = &it->runs[0];
    int64_t replaced = it->asked->replace_at;
    int result = copy_steps(it, run, 1, replaced ? replaced - 1 : it->end - 1);

    if (result == SQLITE_DONE && replaced) result = copy_replaced(it, run);
    if (result == SQLITE_DONE && replaced && it->verdict == DUR_OK)
        result = copy_steps(it, run, replaced + 1, it->end - 1);
    if (result == SQLITE_DONE && it->verdict == DUR_OK && has_rows && !it->rows)
        it->verdict = durable_sqlite_had_no_effect(it->store, it->write->doing);
    return result;
}

/* ---- Children ------------------------------------------------------------------------------ */

static int no_memory_to_restart(restarting *it)
{
    durable_error_set(&it->store->head.error, DUR_NOMEM, "out of memory");
    return it->store->head.error.sqlite_code = SQLITE_NOMEM;
}

static bool note_copied(restarting *it, int64_t from, int64_t to)
{
    if ((it->count & (it->count - 1)) == 0) { /* what there is room for is a power of two */
        copied_run *runs = durable_allocate_raw((it->count ? 2 * it->count : 1) * sizeof *runs);

        if (!runs) return false;
        if (it->count) memcpy(runs, it->runs, it->count * sizeof *runs);
        durable_free(it->runs);
        it->runs = runs;
    }
    it->runs[it->count++] = (copied_run){from, to};
    return true;
}

/* 0: it was not copied. */
static int64_t copy_of(const restarting *it, int64_t from)
{
    size_t low = 0, high = it->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (it->runs[middle].from < from)
            low = middle + 1;
        else
            high = middle;
    }
    return low < it->count && it->runs[low].from == from ? it->runs[low].to : 0;
}

/* A run that is called has a greater key than who calls it. SQLITE_ROW, or SQLITE_DONE where there
 * is none behind `after`. */
static int next_called(restarting *it, int64_t after, int64_t found[3])
{
    sqlite3_stmt *statement = durable_sqlite_statement(it->store, DURABLE_SQL_NEXT_CALLED);
    int result;

    if (!statement) return it->store->head.error.sqlite_code;
    sqlite3_bind_int64(statement, 1, it->runs[0].from);
    sqlite3_bind_int64(statement, 2, after);
    result = read_first(it, statement);
    for (int i = 0; result == SQLITE_ROW && i < 3; i++)
        found[i] = sqlite3_column_int64(statement, i);
    durable_sqlite_rest(statement);
    return result;
}

/* Of its parent's copy and its own position, as the engine would call it. False: out of memory. */
static bool print_id(sqlite3_stmt *parent, int64_t position, char id[DUR_NAME_MAX + 1])
{
    const char *name = (const char *)sqlite3_column_text(parent, 0);
    char number[24];

    durable_print(number, sizeof number, "/%lld", (long long)position);
    if (name && strlen(name) + strlen(number) > DUR_NAME_MAX)
        name = (const char *)sqlite3_column_text(parent, 1);
    if (name) durable_print(id, DUR_NAME_MAX + 1, "%s%s", name, number);
    return name != NULL;
}

static int name_child(restarting *it, int64_t parent, int64_t position, char id[DUR_NAME_MAX + 1])
{
    sqlite3_stmt *statement = durable_sqlite_statement(it->store, DURABLE_SQL_LOOK_AT_COPY);
    int result;

    if (!statement) return it->store->head.error.sqlite_code;
    sqlite3_bind_int64(statement, 1, parent);
    result = read_first(it, statement);
    if (result == SQLITE_ROW && !print_id(statement, position, id))
        result = no_memory_to_restart(it);
    durable_sqlite_rest(statement);
    return result == SQLITE_ROW ? SQLITE_DONE : result;
}

/* *copy is 0 where its parent's row was not copied. */
static int insert_child(restarting *it, int64_t child, int64_t parent, const char *id,
                        int64_t *copy)
{
    sqlite3_stmt *statement = durable_sqlite_statement(it->store, DURABLE_SQL_COPY_CHILD);
    int result, changes = 0;

    *copy = 0;
    if (!statement) return it->store->head.error.sqlite_code;
    result = durable_bind_string(statement, 3, id);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 4, it->asked->uid);
    if (result != SQLITE_OK)
        return durable_sqlite_not_bound(it->store, it->write, statement, result);
    sqlite3_bind_int64(statement, 1, child);
    sqlite3_bind_int64(statement, 2, parent);
    sqlite3_bind_int64(statement, 5, it->runs[0].to);
    result = durable_sqlite_write_step(it->store, it->write, statement, &changes);
    if (changes) *copy = sqlite3_last_insert_rowid(it->store->db);
    if (result != SQLITE_CONSTRAINT_UNIQUE) return result;
    return refuse_restart(it, DUR_CONFLICT,
                          "position %lld: there is another run of the id \"%s\", which a child"
                          " would have: choose another id",
                          it->asked->position, id);
}

static int copy_child(restarting *it, const int64_t found[3])
{
    char id[DUR_NAME_MAX + 1];
    int64_t parent = copy_of(it, found[1]), copy = 0;
    int result;

    if (!parent) return SQLITE_DONE;
    result = name_child(it, parent, found[2], id);
    if (result == SQLITE_DONE) result = insert_child(it, found[0], parent, id, &copy);
    if (result != SQLITE_DONE || !copy) return result;
    if (!note_copied(it, found[0], copy)) return no_memory_to_restart(it);
    return copy_steps(it, &it->runs[it->count - 1], 1, DUR_POSITION_MAX);
}

static int copy_children(restarting *it)
{
    int64_t found[3] = {0, 0, 0};
    int result = next_called(it, 0, found);

    while (result == SQLITE_ROW) {
        result = copy_child(it, found);
        if (result != SQLITE_DONE || it->verdict != DUR_OK) return result;
        result = next_called(it, found[0], found);
    }
    return result;
}

/* ---- All of it ----------------------------------------------------------------------------- */

static int copy_signals(restarting *it)
{
    const int64_t keys[] = {it->runs[0].from, it->runs[0].to, it->end};
    int result = durable_sqlite_step_integers(it->store, it->write, DURABLE_SQL_COPY_KEYS, keys,
                                              3, NULL);

    if (result != SQLITE_DONE || !it->asked->with_signals) return result;
    return durable_sqlite_step_integers(it->store, it->write, DURABLE_SQL_COPY_SIGNALS, keys, 2,
                                        NULL);
}

static int copy_source(restarting *it, const restart_look *look)
{
    const durable_restart *asked = it->asked;
    int64_t last = look->last < DUR_POSITION_MAX ? look->last + 1 : DUR_POSITION_MAX;
    int result;

    if (asked->position < 1 || asked->position > last)
        return refuse_restart(it, DUR_MISUSE,
                              "a restart begins at position 1 to %lld, where the log ends", last,
                              NULL);
    it->end = look->undone ? look->undone : asked->position;
    if (asked->replace_at < 0 || asked->replace_at >= it->end)
        return refuse_restart(it, DUR_MISUSE, nothing_to_replace, asked->replace_at, NULL);
    if (!note_copied(it, look->source, look->copy)) return no_memory_to_restart(it);
    result = copy_beginning(it, look->first && look->first < it->end);
    if (result == SQLITE_DONE && it->verdict == DUR_OK) result = copy_children(it);
    if (result == SQLITE_DONE && it->verdict == DUR_OK) result = copy_signals(it);
    return result;
}

/* Inserted first, as a group's first statement is a write; what speaks against it takes it back. */
static int restart_in_group(restarting *it)
{
    restart_look look;
    int changes;
    int result = durable_sqlite_group_begin(it->store, it->write);

    if (result != SQLITE_DONE) return result;
    result = insert_restarted(it, &changes);
    if (result == SQLITE_DONE) result = look_at_restart(it, &look);
    if (result == SQLITE_DONE)
        result = changes ? copy_source(it, &look) : explain_not_restarted(it, &look);
    if (result == SQLITE_DONE && it->verdict != DUR_OK)
        return durable_sqlite_group_undo(it->store, it->write);
    return durable_sqlite_group_end(it->store, it->write, result);
}

DURABLE_INTERNAL int durable_sqlite_restart_run(durable_store *base,
                                                const durable_restart *restart)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_write write;
    restarting it = {.store = store, .write = &write, .asked = restart};
    int result, code = durable_sqlite_settle_schema(store);

    if (code == DUR_OK) code = durable_sqlite_write_begin(store, &write, "restart the run");
    if (code != DUR_OK) return code;
    result = restart_in_group(&it);
    durable_free(it.runs);
    code = durable_sqlite_tables_gone(store, durable_sqlite_write_end(store, &write, result));
    return code == DUR_OK ? it.verdict : code;
}
