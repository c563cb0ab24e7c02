/* store/sqlite: the verbs about signals and callbacks' answers: sending, looking, taking. */
#include "store/sqlite/signals.h"

#include "base/text.h"
#include "store/sqlite/fence.h"
#include "store/sqlite/rows.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/verbs.h"

/* ---- Sending ------------------------------------------------------------------------------- */

/* A signal on its way to a run, or an answer or a heartbeat to a callback. */
typedef struct sending {
    durable_statement which;
    const char *run_id;
    const durable_callback *callback; /* NULL: to the run */
    const char *address;
    const durable_signal *signal;
    const char *doing;
} sending;

static int bind_addressee(sqlite3_stmt *statement, const sending *its)
{
    int result = durable_bind_string(statement, 2, its->address);

    if (result != SQLITE_OK) return result;
    if (!its->callback) return durable_bind_string(statement, 1, its->run_id);
    return sqlite3_bind_int64(statement, 1, its->callback->run);
}

/* A callback comes from outside: no pending row has the key that stands for an impossible one. */
static int64_t callback_key(const durable_callback *callback)
{
    if (callback->run < 1 || callback->run > DURABLE_RUN_KEY_MAX) return 0;
    if (callback->position < 1 || callback->position > DUR_POSITION_MAX) return 0;
    return durable_step_key(callback->run, callback->position);
}

static int bind_sending(sqlite3_stmt *statement, const sending *its)
{
    const durable_signal *signal = its->signal;
    const durable_callback *callback = its->callback;
    int result = bind_addressee(statement, its);

    if (result == SQLITE_OK) result = durable_bind_string(statement, 3, signal->key);
    if (result == SQLITE_OK) result = durable_bind_datum(statement, 5, &signal->value);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 6, signal->failure);
    if (result == SQLITE_OK && callback) result = durable_bind_string(statement, 8, callback->uid);
    if (result != SQLITE_OK) return result;
    durable_bind_format(statement, 4, signal->value.format);
    if (callback) sqlite3_bind_int64(statement, 9, callback_key(callback));
    return sqlite3_bind_int64(statement, 7, signal->now);
}

static int write_sending(durable_sqlite *store, durable_write *write, const sending *its,
                         int *changes)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, its->which);
    int result;

    *changes = 0;
    if (!statement) return store->head.error.sqlite_code;
    result = bind_sending(statement, its);
    if (result != SQLITE_OK) return durable_sqlite_not_bound(store, write, statement, result);
    return durable_sqlite_write_step(store, write, statement, changes);
}

/* To whom it would go, and what is against it. */
typedef struct addressee {
    int64_t run; /* 0: there is none */
    bool key_taken;
    bool closed;
} addressee;

/* DUR_OK or a database code. */
static int find_addressee(durable_sqlite *store, const sending *its, addressee *found)
{
    sqlite3_stmt *statement = durable_sqlite_statement(
        store, its->callback ? DURABLE_SQL_LOOK_AT_CALLER : DURABLE_SQL_LOOK_AT_ADDRESSEE);
    int result, code = DUR_OK;

    memset(found, 0, sizeof *found);
    if (!statement) return store->head.error.code;
    result = bind_addressee(statement, its);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 3, its->signal->key);
    if (result == SQLITE_OK && its->callback)
        result = durable_bind_string(statement, 4, its->callback->uid);
    if (result == SQLITE_OK) result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW) {
        found->run = sqlite3_column_int64(statement, 0);
        found->key_taken = sqlite3_column_int(statement, 1) != 0;
        found->closed = sqlite3_column_int(statement, 2) != 0;
    } else if (result != SQLITE_DONE) {
        code = durable_sqlite_failed(store, result, its->doing);
    }
    durable_sqlite_rest(statement);
    return code;
}

/* What the trigger does, which the host has switched off. */
static int write_and_wake(durable_sqlite *store, durable_write *write, const sending *its,
                          int *changes)
{
    addressee found;
    int result = durable_sqlite_group_begin(store, write);

    if (result != SQLITE_DONE) return result;
    result = write_sending(store, write, its, changes);
    if (result == SQLITE_DONE && *changes) {
        if (find_addressee(store, its, &found) == DUR_OK)
            result = durable_sqlite_wake_run(store, write, found.run, its->signal->now,
                                             its->address);
        else
            result = store->head.error.sqlite_code;
    }
    return durable_sqlite_group_end(store, write, result);
}

DURABLE_INTERNAL bool durable_sqlite_triggers_work(const durable_sqlite *store)
{
    int on = 1;

    return sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, -1, &on) != SQLITE_OK ||
           on;
}

/* A statement that is its own transaction may be committed when the host's progress handler, or
 * another thread, interrupts it at its very end. Sent again, a signal without a key would be there
 * twice; the counts of changes tell: the statement's own is 0 where SQLite has rolled back. */
static int write_alone(durable_sqlite *store, durable_write *write, const sending *its,
                       int *changes)
{
    int before = sqlite3_total_changes(store->db);
    int result = write_sending(store, write, its, changes);

    if ((result & 0xff) != SQLITE_INTERRUPT || write->joined ||
        sqlite3_total_changes(store->db) == before || sqlite3_changes(store->db) == 0)
        return result;
    durable_error_clear(&store->head.error);
    *changes = 1;
    return SQLITE_DONE;
}

static int send_once(durable_sqlite *store, const sending *its, int *changes)
{
    durable_write write;
    int result, code = durable_sqlite_write_begin(store, &write, its->doing);

    if (code != DUR_OK) return code;
    result = its->which == DURABLE_SQL_BEAT_CALLBACK || durable_sqlite_triggers_work(store)
                 ? write_alone(store, &write, its, changes)
                 : write_and_wake(store, &write, its, changes);
    return durable_sqlite_tables_gone(store, durable_sqlite_write_end(store, &write, result));
}

/* Nothing was written: why? DUR_OK where nothing is against it. */
static int explain_sending(durable_sqlite *store, const sending *its)
{
    addressee found;
    int code = find_addressee(store, its, &found);

    if (code != DUR_OK) return code;
    if (!found.run)
        return durable_error_set(&store->head.error, DUR_NOT_FOUND, "there is no such run");
    if (found.key_taken) return DUR_REPLAYED;
    if (!found.closed) return DUR_OK;
    return durable_error_set(&store->head.error, DUR_ENDED,
                             its->callback ? "the callback is answered, or no longer awaited"
                                           : "the run has ended");
}

/* What stood against the first try may be gone when it is looked for: then a second one is due. */
static int deliver(durable_sqlite *store, const sending *its)
{
    int code = durable_sqlite_settle_schema(store);

    for (int i = 0; i < 2 && code == DUR_OK; i++) {
        int changes = 0;

        code = send_once(store, its, &changes);
        if (code == DUR_OK && changes) return DUR_OK;
        if (code == DUR_OK) code = explain_sending(store, its);
    }
    if (code != DUR_OK) return code;
    return durable_sqlite_had_no_effect(store, its->doing);
}

DURABLE_INTERNAL int durable_sqlite_send_signal(durable_store *base, const char *run_id,
                                                const durable_signal *signal)
{
    const sending its = {.which = DURABLE_SQL_SEND_SIGNAL, .run_id = run_id,
                         .address = signal->name, .signal = signal, .doing = "send the signal"};

    return deliver(durable_sqlite_of(base), &its);
}

/* ---- Callbacks ----------------------------------------------------------------------------- */

static int reach_callback(durable_store *base, durable_statement which,
                          const durable_callback *callback, const durable_signal *signal,
                          const char *doing)
{
    char address[DURABLE_ADDRESS_SIZE];
    const sending its = {.which = which, .callback = callback, .address = address,
                         .signal = signal, .doing = doing};

    durable_print(address, sizeof address, "\t%lld", (long long)callback->position);
    return deliver(durable_sqlite_of(base), &its);
}

DURABLE_INTERNAL int durable_sqlite_answer_callback(durable_store *base,
                                                    const durable_callback *callback,
                                                    const durable_signal *signal)
{
    return reach_callback(base, DURABLE_SQL_ANSWER_CALLBACK, callback, signal,
                          "answer the callback");
}

DURABLE_INTERNAL int durable_sqlite_beat_callback(durable_store *base,
                                                  const durable_callback *callback, int64_t now)
{
    const durable_signal beat = {.now = now};

    return reach_callback(base, DURABLE_SQL_BEAT_CALLBACK, callback, &beat,
                          "send the callback's heartbeat");
}

/* ---- Looking and taking -------------------------------------------------------------------- */

/* The first row of DURABLE_SQL_PEEK_SIGNAL. The caller rests *statement, which may be NULL. */
static int peek(durable_sqlite *store, int64_t run, const char *address, sqlite3_stmt **statement)
{
    int result;

    *statement = durable_sqlite_statement(store, DURABLE_SQL_PEEK_SIGNAL);
    if (!*statement) return store->head.error.sqlite_code;
    sqlite3_bind_int64(*statement, 1, run);
    result = durable_bind_string(*statement, 2, address);
    if (result == SQLITE_OK) result = durable_sqlite_read(store, *statement);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        durable_sqlite_failed(store, result, "look for a signal");
    return result;
}

DURABLE_INTERNAL int durable_sqlite_peek_signal(durable_store *base, int64_t run,
                                                const char *address,
                                                durable_signal_visitor *visit, void *context)
{
    durable_sqlite *store = durable_sqlite_of(base);
    durable_signal_record record;
    sqlite3_stmt *statement;
    int code, result = peek(store, run, address, &statement);

    memset(&record, 0, sizeof record);
    if (result == SQLITE_ROW) {
        code = durable_read_signal_row(store, statement, &record);
        if (code == DUR_OK) code = visit(&record, context);
    } else {
        code = result == SQLITE_DONE ? DUR_NOT_FOUND : store->head.error.code;
    }
    if (statement) durable_sqlite_rest(statement);
    return code;
}

DURABLE_INTERNAL int durable_sqlite_is_sent(durable_sqlite *store, int64_t run,
                                            const char *address, bool *sent)
{
    sqlite3_stmt *statement;
    int result = peek(store, run, address, &statement);

    *sent = result == SQLITE_ROW;
    if (statement) durable_sqlite_rest(statement);
    return *sent ? SQLITE_DONE : result;
}

static int wake(durable_sqlite *store, durable_write *write, durable_statement which, int64_t run,
                int64_t now, const char *address)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, which);
    int result;

    if (!statement) return store->head.error.sqlite_code;
    sqlite3_bind_int64(statement, 1, run);
    sqlite3_bind_int64(statement, 2, now);
    result = durable_bind_string(statement, 3, address);
    if (result != SQLITE_OK) return durable_sqlite_not_bound(store, write, statement, result);
    return durable_sqlite_write_step(store, write, statement, NULL);
}

DURABLE_INTERNAL int durable_sqlite_wake_run(durable_sqlite *store, durable_write *write,
                                             int64_t run, int64_t now, const char *address)
{
    int result = wake(store, write, DURABLE_SQL_WAKE_RUN, run, now, address);

    if (result != SQLITE_DONE) return result;
    return wake(store, write, DURABLE_SQL_WAKE_ROOT, run, now, address);
}

/* What the trigger does, which the host has switched off. */
static int wake_parent(durable_sqlite *store, durable_write *write, int64_t child, int64_t now)
{
    sqlite3_stmt *statement = durable_sqlite_statement(store, DURABLE_SQL_LOOK_AT_PARENT);
    char address[DURABLE_ADDRESS_SIZE];
    int64_t parent = 0;
    int result;

    if (!statement) return store->head.error.sqlite_code;
    sqlite3_bind_int64(statement, 1, child);
    result = durable_sqlite_read(store, statement);
    if (result == SQLITE_ROW) {
        parent = sqlite3_column_int64(statement, 0);
        durable_print(address, sizeof address, "\t%lld",
                      (long long)sqlite3_column_int64(statement, 1));
    } else if (result != SQLITE_DONE) {
        durable_sqlite_failed(store, result, "look for the parent");
    }
    durable_sqlite_rest(statement);
    if (result != SQLITE_ROW) return result;
    return durable_sqlite_wake_run(store, write, parent, now, address);
}

DURABLE_INTERNAL int durable_sqlite_tell_parent(durable_sqlite *store, durable_write *write,
                                                int64_t child, int64_t now)
{
    const int64_t integers[2] = {child, now};
    int changes = 0;
    int result = durable_sqlite_step_integers(store, write, DURABLE_SQL_TELL_PARENT, integers, 2,
                                              &changes);

    if (result != SQLITE_DONE || changes == 0 || durable_sqlite_triggers_work(store)) return result;
    return wake_parent(store, write, child, now);
}

DURABLE_INTERNAL int durable_sqlite_take_signal(durable_sqlite *store, durable_write *write,
                                                int64_t run, int64_t signal, int64_t position)
{
    const int64_t integers[3] = {signal, run, position};
    int changes = 0;
    int result = durable_sqlite_step_integers(store, write, DURABLE_SQL_DROP_SIGNAL, integers, 2,
                                              &changes);

    if (result == SQLITE_DONE && changes == 0)
        result = durable_sqlite_step_integers(store, write, DURABLE_SQL_MARK_SIGNAL, integers, 3,
                                              &changes);
    if (result != SQLITE_DONE || changes) return result;
    durable_error_set(&store->head.error, DUR_CORRUPT,
                      "the signal that it receives is gone: somebody deleted it");
    store->head.error.sqlite_code = SQLITE_ABORT;
    return SQLITE_ABORT;
}
