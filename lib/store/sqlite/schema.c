/* store/sqlite: the log's tables: how they are made, known again, and told from strangers. */
#include "store/sqlite/schema.h"

/*
 * The tables are a public format. No STRICT, no generated columns, nothing that an older SQLite
 * could not read; no foreign keys and no triggers, which would cost each step and change with the
 * host's settings. Times are Unix ms. @ stands for the schema.
 *
 * durable_log, one row
 *   schema_version   the version of these tables
 *   min_reader       the lowest schema version a library must know to read them
 *   min_writer       and to write them
 *   created          when
 *   library          the version of the library that made them
 *
 * durable_runs, one row a run; nothing in it changes when a step is recorded
 *   run              small key, never given again while rows of it remain
 *   epoch, token     the fence of the last claim that was given back; while the run is claimed the
 *                    one in durable_claims counts
 *   status           1 running, 2 completed, 3 failed, 4 parked; a claimed run is running
 *   claims           claims in a row without a new step row, up to that claim
 *   request          what somebody asked of the run: 0 nothing (kept for cancel and pause)
 *   id, uid          the host's name for the run; 32 random hex digits, never used twice
 *   workflow         the name of the workflow
 *   code_version     what the host called its code when the run started, or null
 *   behaviour        the number of the library's behaviour that the run was started under
 *   parent           kept for children: null
 *   queue, priority, due   kept for workers: the workflow's name, 0, the time of the start
 *   created, ended   ended is null while the run is not ended
 *   input_format, input, output_format, output   values; see the formats below
 *   failure          why it failed; the report of a parked run; or null
 *
 * durable_claims, one row a run that somebody holds now; few and small, so that the fence, which
 * every record looks at, is in memory however many runs there are
 *   run              the run; deleting a run deletes its claim and its steps
 *   epoch, token     the fence: counted up, and drawn at random, by each claim
 *   owner            the mark of who holds it: version, boot, pid namespace, pid, start time of the
 *                    process, nonce
 *   lease_end        when the claim ends unless it is renewed
 *   claims           claims in a row without a new step row, this one included
 *
 * durable_steps, one row a recorded step; rows are only ever added
 *   step             run * 134217728 + position; positions count from 1
 *   kind             1 step; negative where it failed, and the value is the message
 *   name             checked on replay
 *   format, value    null: as it stands; 1: the integer holds the bits of a NaN; 2: the integer
 *                    holds the bits of an unsigned integer above 9223372036854775807; 3: the blob
 *                    holds text that is no UTF-8 or has NUL bytes; 16 to 19: the blob holds a C
 *                    object, + 1 of a big-endian machine, + 2 of one with 64-bit pointers
 *   low              the lowest position that was open when the row was written: all positions
 *                    below it have rows
 *   epoch            of the claim that recorded it
 *   attempt          1 for the first execution of this step that this epoch knows of
 *   began, took      when the step began, and for how many ms
 *   fingerprint      kept for input fingerprints: null
 *   site             "file.c:12" of the call, or null
 *
 * The key packs run and position into one integer because that is the cheapest b-tree key there
 * is: one seek to append, one range to replay, nothing else to maintain (see test/bench, shapes).
 */
static const char *const tables[] = {
    ("CREATE TABLE IF NOT EXISTS @durable_log(id INTEGER PRIMARY KEY CHECK(id = 1),"
    " schema_version INTEGER NOT NULL, min_reader INTEGER NOT NULL, min_writer INTEGER NOT NULL,"
    " created INTEGER NOT NULL, library TEXT NOT NULL)"),

    ("CREATE TABLE @durable_runs(run INTEGER PRIMARY KEY, epoch INTEGER NOT NULL,"
    " token INTEGER NOT NULL, status INTEGER NOT NULL, claims INTEGER NOT NULL,"
    " request INTEGER NOT NULL, id TEXT NOT NULL UNIQUE, uid TEXT NOT NULL,"
    " workflow TEXT NOT NULL, code_version TEXT, behaviour INTEGER NOT NULL, parent INTEGER,"
    " queue TEXT NOT NULL, priority INTEGER NOT NULL, due INTEGER, created INTEGER NOT NULL,"
    " ended INTEGER, input_format INTEGER, input,"
    " output_format INTEGER, output, failure TEXT)"),

    ("CREATE TABLE @durable_claims(run INTEGER PRIMARY KEY, epoch INTEGER NOT NULL,"
    " token INTEGER NOT NULL, owner TEXT NOT NULL, lease_end INTEGER NOT NULL,"
    " claims INTEGER NOT NULL)"),

    ("CREATE TABLE @durable_steps(step INTEGER PRIMARY KEY, kind INTEGER NOT NULL,"
     " name TEXT NOT NULL, format INTEGER, value,"
     " low INTEGER NOT NULL, epoch INTEGER NOT NULL, attempt INTEGER NOT NULL,"
     " began INTEGER NOT NULL, took INTEGER NOT NULL, fingerprint, site TEXT)"),

    /* For a person who deletes a run by hand: its steps go with it, and its owner loses it. (Where
     * the host has switched triggers off, the owner finds out when it ends the run.) */
    ("CREATE TRIGGER @durable_run_deleted AFTER DELETE ON durable_runs BEGIN"
     " DELETE FROM durable_claims WHERE run = old.run;"
     " DELETE FROM durable_steps"
     " WHERE step BETWEEN old.run << 27 AND (old.run << 27) + 134217727; END"),

#define READABLE_VALUE(format, value)                                                              \
    "CASE " format " WHEN 1 THEN 'NaN' WHEN 2 THEN printf('%llu', " value ") ELSE " value " END"
#define READABLE_TIME(ms)                                                                          \
    "strftime('%Y-%m-%d %H:%M:%f', " ms " / 1000.0, 'unixepoch')"

    ("CREATE VIEW @durable_runs_view AS SELECT r.id AS id, r.workflow AS workflow,"
    " CASE iif(c.run, 1, r.status) WHEN 1 THEN 'running' WHEN 2 THEN 'completed'"
    " WHEN 3 THEN 'failed' WHEN 4 THEN 'parked' ELSE r.status END AS status,"
    " (SELECT count(*) FROM durable_steps AS s"
    " WHERE s.step BETWEEN r.run << 27 AND (r.run << 27) + 134217727) AS steps,"
    " coalesce(c.epoch, r.epoch) AS claims, c.owner AS owner, "
    READABLE_TIME("c.lease_end") " AS lease_end, "
    READABLE_TIME("r.created") " AS created, " READABLE_TIME("r.ended") " AS ended, "
    READABLE_VALUE("r.input_format", "r.input") " AS input, "
    READABLE_VALUE("r.output_format", "r.output") " AS output,"
    " iif(c.run, NULL, r.failure) AS failure, r.code_version AS code_version, r.uid AS uid,"
    " r.run AS run FROM durable_runs AS r LEFT JOIN durable_claims AS c ON c.run = r.run"),

    ("CREATE VIEW @durable_steps_view AS SELECT r.id AS run_id, s.step & 134217727 AS position,"
    " s.name, CASE abs(s.kind) WHEN 1 THEN 'step' ELSE s.kind END AS kind,"
    " iif(s.kind < 0, 'failure', 'result') AS outcome, "
    READABLE_VALUE("s.format", "s.value") " AS value, " READABLE_TIME("s.began") " AS began,"
    " s.took AS took_ms, s.epoch, s.attempt, s.site"
    " FROM durable_runs AS r JOIN durable_steps AS s"
    " ON s.step BETWEEN r.run << 27 AND (r.run << 27) + 134217727"),
};

#define TABLE_COUNT (sizeof tables / sizeof tables[0])

/* Every column that we use, so that tables of somebody else under these names are told apart. */
static const char *const probes[] = {
    ("SELECT run, epoch, token, status, claims, request, id, uid, workflow, code_version,"
    " behaviour, parent, queue, priority, due, created, ended, input_format, input,"
    " output_format, output, failure FROM @durable_runs"),
    "SELECT run, epoch, token, owner, lease_end, claims FROM @durable_claims",
    ("SELECT step, kind, name, format, value, low, epoch, attempt, began, took,"
    " fingerprint, site FROM @durable_steps"),
};

#define PROBE_COUNT (sizeof probes / sizeof probes[0])

static const char *const probed[] = {"a durable_runs", "a durable_claims", "a durable_steps"};

static int foreign(durable_sqlite *store, const char *what)
{
    return durable_error_set(&store->head.error, DUR_FOREIGN,
                             "schema \"%s\" holds %s that is not libdurable's: rename it, or keep"
                             " the log in another database or attached schema",
                             store->schema, what);
}

/* The first column of the first row of a query; *present tells whether there was a row. */
static int query_integer(durable_sqlite *store, const char *sql, int64_t *integer, bool *present)
{
    sqlite3_stmt *statement;
    int result = durable_sqlite_prepare(store, sql, &statement);

    *present = false;
    if (result == SQLITE_OK) {
        result = durable_sqlite_read(store, statement);
        *present = result == SQLITE_ROW;
        if (*present) *integer = sqlite3_column_int64(statement, 0);
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        durable_sqlite_failed(store, result, "read the log");
    else
        result = SQLITE_OK;
    sqlite3_finalize(statement);
    return result == SQLITE_OK ? DUR_OK : store->head.error.code;
}

#define OTHER_OBJECTS                                                                              \
    " FROM @sqlite_master WHERE name COLLATE NOCASE IN ('durable_runs', 'durable_claims',"         \
    " 'durable_steps', 'durable_runs_view', 'durable_steps_view', 'durable_run_deleted')"

/* In one query: between two, another process may make the log. */
static int count_objects(durable_sqlite *store, int64_t *log, int64_t *others)
{
    int64_t both = 0;
    bool present;
    int code = query_integer(store,
                             "SELECT (SELECT 1000 * count(*) FROM @sqlite_master"
                             " WHERE name = 'durable_log' COLLATE NOCASE)"
                             " + (SELECT count(*)" OTHER_OBJECTS ")",
                             &both, &present);

    *log = both / 1000;
    *others = both % 1000;
    return code;
}

/* Names of ours without a durable_log beside them. */
static int foreign_names(durable_sqlite *store)
{
    char names[256] = "a durable_ table";
    sqlite3_stmt *statement;
    int result = durable_sqlite_prepare(store, "SELECT group_concat(name, ', ')" OTHER_OBJECTS,
                                        &statement);

    if (result == SQLITE_OK && durable_sqlite_read(store, statement) == SQLITE_ROW)
        sqlite3_snprintf((int)sizeof names, names, "%s", sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return foreign(store, names);
}

DURABLE_INTERNAL bool durable_sqlite_schema_exists(durable_sqlite *store)
{
    int64_t log = 0, others = 0;

    return count_objects(store, &log, &others) == DUR_OK && log > 0;
}

static int check_columns(durable_sqlite *store)
{
    for (size_t i = 0; i < PROBE_COUNT; i++) {
        sqlite3_stmt *statement;
        int result = durable_sqlite_prepare(store, probes[i], &statement);

        sqlite3_finalize(statement);
        if (result == SQLITE_ERROR)
            return foreign(store, probed[i]);
        if (result != SQLITE_OK) return durable_sqlite_failed(store, result, "read the log");
    }
    return DUR_OK;
}

static int check_version(durable_sqlite *store)
{
    int64_t minimum = 0;
    bool present;
    int code = query_integer(store,
                             "SELECT max(min_reader, min_writer) FROM @durable_log"
                             " WHERE id = 1 AND schema_version > 0 AND created NOT NULL"
                             " AND library NOT NULL",
                             &minimum, &present);

    if (code != DUR_OK && store->head.error.sqlite_code == SQLITE_ERROR)
        return foreign(store, "a durable_log");
    if (code != DUR_OK) return code;
    if (!present)
        return durable_error_set(&store->head.error, DUR_CORRUPT,
                                 "durable_log in schema \"%s\" has lost its row", store->schema);
    if (minimum > DURABLE_SCHEMA_VERSION)
        return durable_error_set(&store->head.error, DUR_VERSION_TOO_NEW,
                                 "the log needs a library that knows schema version %lld, this one"
                                 " (%s) knows %d: upgrade it; the database was not touched",
                                 (long long)minimum, DUR_VERSION, DURABLE_SCHEMA_VERSION);
    return check_columns(store);
}

static int run_template(durable_sqlite *store, durable_write *write, const char *sql)
{
    sqlite3_stmt *statement;
    int result = durable_sqlite_prepare(store, sql, &statement);

    if (result != SQLITE_OK) durable_sqlite_failed(store, result, write->doing);
    if (result == SQLITE_OK) result = durable_sqlite_write_step(store, write, statement, NULL);
    sqlite3_finalize(statement);
    return result;
}

static int write_version(durable_sqlite *store, durable_write *write)
{
    char sql[256];

    sqlite3_snprintf((int)sizeof sql, sql,
                     "INSERT INTO @durable_log VALUES(1, %d, %d, %d, %lld, %Q)",
                     DURABLE_SCHEMA_VERSION, DURABLE_SCHEMA_VERSION, DURABLE_SCHEMA_VERSION,
                     (long long)durable_clock_now(&store->clock), DUR_VERSION);
    return run_template(store, write, sql);
}

static int create_tables(durable_sqlite *store, durable_write *write)
{
    int result = SQLITE_DONE;

    for (size_t i = 1; i < TABLE_COUNT && result == SQLITE_DONE; i++)
        result = run_template(store, write, tables[i]);
    if (result == SQLITE_DONE) result = write_version(store, write);
    return result;
}

/* Another process may have been faster. The first table is made if it is not there: that takes the
 * write lock before anything is read. Empty, it is our own; others leave it with its row. */
static int create_missing(durable_sqlite *store, durable_write *write)
{
    int64_t rows = 0;
    bool present;
    int result = run_template(store, write, tables[0]);

    if (result != SQLITE_DONE) return result;
    if (query_integer(store, "SELECT count(*) FROM @durable_log", &rows, &present) != DUR_OK)
        return store->head.error.sqlite_code;
    return rows == 0 ? create_tables(store, write) : SQLITE_DONE;
}

static int create_schema(durable_sqlite *store)
{
    durable_write write;
    int result, code = durable_sqlite_write_begin(store, &write, "create the log's tables");

    if (code != DUR_OK) return code;
    result = durable_sqlite_group_begin(store, &write);
    if (result == SQLITE_DONE) {
        result = create_missing(store, &write);
        result = durable_sqlite_group_end(store, &write, result);
    }
    return durable_sqlite_write_end(store, &write, result);
}

static int check_schema_name(durable_sqlite *store)
{
    if (sqlite3_db_readonly(store->db, store->schema) >= 0) return DUR_OK;
    if (sqlite3_stricmp(store->schema, "temp") == 0) return DUR_OK; /* made on first use */
    if (sqlite3_db_readonly(store->db, "main") < 0)
        return durable_error_set(&store->head.error, DUR_MISUSE,
                                 "the connection is not open: did sqlite3_open() fail?");
    return durable_error_set(&store->head.error, DUR_MISUSE,
                             "this connection has no schema \"%s\": attach the database first",
                             store->schema);
}

DURABLE_INTERNAL int durable_sqlite_ensure_schema(durable_sqlite *store)
{
    int64_t log = 0, others = 0;
    int code = check_schema_name(store);

    if (code == DUR_OK) code = count_objects(store, &log, &others);
    if (code == DUR_OK && log == 0) {
        if (others > 0) return foreign_names(store);
        if (sqlite3_db_readonly(store->db, store->schema) == 1)
            return durable_error_set(&store->head.error, DUR_READONLY,
                                     "schema \"%s\" holds no log, and is read-only: open it for"
                                     " writing once",
                                     store->schema);
        code = create_schema(store);
    }
    if (code == DUR_OK) code = check_version(store);
    /* In a transaction of the host the tables may be as new as that, whoever made them. */
    if (code == DUR_OK) store->schema_provisional = !sqlite3_get_autocommit(store->db);
    return code;
}
