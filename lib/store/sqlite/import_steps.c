/* store/sqlite: what belongs to the runs of another log. */
#include "store/sqlite/import.h"

#include "store/sqlite/rows.h"

#include <limits.h>

static bool is_imported_position(int64_t position)
{
    return position >= 1 && position <= DUR_POSITION_MAX;
}

static const char *problem_of_step(const durable_step_record *row)
{
    bool failed = row->outcome == DURABLE_OUTCOME_FAILURE;
    bool timed_out = row->outcome == DURABLE_OUTCOME_TIMED_OUT;

    if (!is_imported_position(row->position)) return "the step's position is none";
    if (row->kind < DURABLE_KIND_STEP || row->kind == INT_MAX || !row->name)
        return "the step has no kind, or no name";
    if (row->outcome != DURABLE_OUTCOME_RESULT && !failed && !timed_out)
        return "the step's outcome is none";
    if (!durable_is_imported_value(&row->value)) return "the step's value is none";
    if (failed && row->value.type != DURABLE_DATUM_TEXT) return "the step's failure is no text";
    if (timed_out && row->value.type != DURABLE_DATUM_NULL)
        return "the step timed out and has a value";
    if (row->low < 1 || row->low > row->position) return "the step's `low` is no position up to it";
    if (row->epoch < 0) return "the step was recorded by no claim";
    return NULL;
}

static int bind_imported_step(sqlite3_stmt *statement, int64_t run, const durable_step_record *row)
{
    bool timed_out = row->outcome == DURABLE_OUTCOME_TIMED_OUT;
    int result;

    sqlite3_bind_int64(statement, 1, durable_step_key(run, row->position));
    sqlite3_bind_int(statement, 2,
                     row->outcome == DURABLE_OUTCOME_FAILURE ? -row->kind : row->kind);
    result = durable_bind_text(statement, 3, row->name, row->name_length);
    if (result == SQLITE_OK) result = durable_bind_imported_value(statement, 4, &row->value);
    if (timed_out) sqlite3_bind_int(statement, 4, DURABLE_FORMAT_TIMED_OUT);
    sqlite3_bind_int64(statement, 6, row->low);
    sqlite3_bind_int64(statement, 7, row->epoch);
    sqlite3_bind_int64(statement, 8, row->attempt);
    sqlite3_bind_int64(statement, 9, row->began);
    sqlite3_bind_int64(statement, 10, row->took);
    durable_bind_reference(statement, 11, (int64_t)row->fingerprint);
    return result == SQLITE_OK ? durable_bind_string(statement, 12, row->site) : result;
}

DURABLE_INTERNAL int durable_import_step(durable_sqlite *store, durable_write *write,
                                         const durable_step_record *row)
{
    const char *problem = problem_of_step(row);
    sqlite3_stmt *statement;

    if (problem) return durable_not_imported(store, problem);
    statement = durable_sqlite_statement(store, DURABLE_SQL_IMPORT_STEP);
    if (!statement) return store->head.error.code;
    return durable_import_row(store, write, statement,
                              bind_imported_step(statement, store->import_run, row),
                              "the step's position comes twice");
}

static const char *problem_of_pending(const durable_pending *row)
{
    if (!is_imported_position(row->position)) return "the pending one's position is none";
    if (row->kind < DURABLE_KIND_STEP || !row->name)
        return "the pending one has no kind, or no name";
    if (row->intent < DURABLE_NO_INTENT || row->intent > DURABLE_RESOLVED_FAILURE)
        return "the pending one's intent is none";
    if (row->attempt < 0 || row->attempt == INT64_MAX || row->interval < 0)
        return "the pending one's numbers are below 0";
    return durable_is_imported_value(&row->details) ? NULL : "the pending one's value is none";
}

static int bind_imported_pending(sqlite3_stmt *statement, int64_t run, const durable_pending *row)
{
    int result;

    sqlite3_bind_int64(statement, 1, durable_step_key(run, row->position));
    sqlite3_bind_int(statement, 2, row->kind);
    result = durable_bind_text(statement, 3, row->name, row->name_length);
    sqlite3_bind_int64(statement, 4, row->attempt);
    sqlite3_bind_int64(statement, 5, row->began);
    durable_bind_time(statement, 6, row->due);
    durable_bind_time(statement, 7, row->deadline);
    sqlite3_bind_int64(statement, 8, row->interval);
    sqlite3_bind_int64(statement, 9, row->choice);
    if (result == SQLITE_OK) result = durable_bind_imported_value(statement, 10, &row->details);
    sqlite3_bind_int(statement, 13, row->intent);
    return result == SQLITE_OK ? durable_bind_string(statement, 12, row->failure) : result;
}

DURABLE_INTERNAL int durable_import_pending(durable_sqlite *store, durable_write *write,
                                            const durable_pending *row)
{
    const char *problem = problem_of_pending(row);
    sqlite3_stmt *statement;

    if (problem) return durable_not_imported(store, problem);
    statement = durable_sqlite_statement(store, DURABLE_SQL_IMPORT_PENDING);
    if (!statement) return store->head.error.code;
    return durable_import_row(store, write, statement,
                              bind_imported_pending(statement, store->import_run, row),
                              "the pending one's position comes twice");
}

static const char *problem_of_signal(const durable_signal_row *row)
{
    if (!row->address || !*row->address) return "the signal has no name";
    if (row->received < -1 || row->received > DUR_POSITION_MAX)
        return "the signal was received at no position";
    if (row->received >= 0 && !row->key) return "the signal was received, and has no key to keep";
    return durable_is_imported_value(&row->value) ? NULL : "the signal's value is none";
}

/* What was not received is put as if it were, and then set right. */
DURABLE_INTERNAL int durable_import_signal(durable_sqlite *store, durable_write *write,
                                           const durable_signal_row *row)
{
    const char *problem = problem_of_signal(row);
    sqlite3_stmt *statement;
    int64_t key;
    int result, code;

    if (problem) return durable_not_imported(store, problem);
    statement = durable_sqlite_statement(store, DURABLE_SQL_IMPORT_SIGNAL);
    if (!statement) return store->head.error.code;
    sqlite3_bind_int64(statement, 1, store->import_run);
    result = durable_bind_string(statement, 2, row->address);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 3, row->key);
    if (result == SQLITE_OK) result = durable_bind_imported_value(statement, 4, &row->value);
    if (result == SQLITE_OK) result = durable_bind_string(statement, 6, row->failure);
    sqlite3_bind_int64(statement, 7, row->sent);
    sqlite3_bind_int64(statement, 8, row->received < 0 ? 0 : row->received);
    code = durable_import_row(store, write, statement, result, "the signal's key comes twice");
    if (code != DUR_OK || row->received >= 0) return code;
    key = sqlite3_last_insert_rowid(store->db);
    result =
        durable_sqlite_step_integers(store, write, DURABLE_SQL_IMPORT_UNRECEIVED, &key, 1, NULL);
    return result == SQLITE_DONE ? DUR_OK : store->head.error.code;
}
