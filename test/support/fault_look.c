/* test/support: what another process sees of the run. */
#include "support/fault_look.h"

#include <stdio.h>
#include <stdlib.h>

/* A line for the text, if the first column has one, and what the second one adds to the digest. */
static void add_row(fault_picture *picture, sqlite3_stmt *statement)
{
    const char *line = (const char *)sqlite3_column_text(statement, 0);
    size_t length = strlen(picture->text);

    if (line) snprintf(picture->text + length, sizeof picture->text - length, "%s\n", line);
    for (const char *at = (const char *)sqlite3_column_text(statement, 1); at && *at; at++)
        picture->digest = (picture->digest ^ (unsigned char)*at) * UINT64_C(1099511628211);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        fprintf(stderr, "fault look: %s\n", sqlite3_errmsg(db));
        abort();
    }
    return statement;
}

static bool has_table(sqlite3 *db, const char *name)
{
    sqlite3_stmt *statement = prepare(db, "SELECT 1 FROM sqlite_master WHERE name = ?1");
    bool has;

    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    has = sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_finalize(statement);
    return has;
}

/* The run and its children. */
#define OF_RUNS "(SELECT run FROM durable_runs WHERE id GLOB '" FAULT_ID "*')"

/* Steps; the attempts at them that have failed; what is pending, sent, and left of the run. */
static const char *const queries[] = {
    "SELECT name, (step & 134217727) || '|' || kind || '|' || name || '|' || attempt || '|' ||"
    " quote(format) || '|' || quote(value) FROM durable_steps WHERE step >> 27 IN " OF_RUNS
    " ORDER BY step",
    "WITH failed(name, count) AS (SELECT name, attempt - 1 FROM durable_steps"
    " WHERE step >> 27 IN " OF_RUNS " UNION ALL SELECT name, attempt FROM durable_pending"
    " WHERE step >> 27 IN " OF_RUNS "),"
    " attempts(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM attempts WHERE number < 9)"
    " SELECT name || '#' || number, NULL FROM failed JOIN attempts ON number <= count",
    "SELECT NULL, 'pending ' || name || '|' || kind || '|' || attempt FROM durable_pending"
    " WHERE step >> 27 IN " OF_RUNS " ORDER BY step",
    "SELECT NULL, 'signal ' || name || '|' || quote(key) || '|' || quote(value) || '|' ||"
    " quote(received) FROM durable_signals WHERE run IN " OF_RUNS " ORDER BY signal",
    ("SELECT NULL, 'run ' || status || '|' || quote(due) || '|' || quote(awaits) || '|' ||"
     " (SELECT count(*) FROM durable_claims AS c WHERE c.run = r.run) FROM durable_runs AS r"
     " WHERE id GLOB '" FAULT_ID "*' ORDER BY run"),
    ("SELECT NULL, 'queue ' || queue || '|' || max_active || '|' || max_active_process || '|' ||"
     " interval_us FROM durable_queues ORDER BY queue"),
};

static void look_at_rows(sqlite3 *db, fault_picture *picture)
{
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        sqlite3_stmt *statement = prepare(db, queries[i]);

        while (sqlite3_step(statement) == SQLITE_ROW)
            add_row(picture, statement);
        sqlite3_finalize(statement);
    }
}

static void look_at_run(sqlite3 *db, fault_picture *picture)
{
    sqlite3_stmt *statement =
        prepare(db, "SELECT status, (SELECT count(*) FROM durable_pending WHERE step >> 27 IN "
                    OF_RUNS ") + (SELECT count(*) FROM durable_signals AS s WHERE s.run IN "
                    OF_RUNS " AND received IS NULL) FROM durable_runs WHERE id = '" FAULT_ID "'");

    if (sqlite3_step(statement) == SQLITE_ROW) {
        picture->status = sqlite3_column_int64(statement, 0);
        picture->left = sqlite3_column_int64(statement, 1);
    }
    sqlite3_finalize(statement);
}

/* A transfer's result is what it moved from ann to bob. */
static void look_at_accounts(sqlite3 *db, fault_picture *picture)
{
    sqlite3_stmt *statement =
        prepare(db, "SELECT (SELECT coalesce(sum(value), 0) FROM durable_steps WHERE kind > 0 AND"
                    " name GLOB 'transfer-*') - (SELECT cents FROM accounts WHERE name = 'bob'),"
                    " 1000 - (SELECT sum(cents) FROM accounts)");

    if (sqlite3_step(statement) == SQLITE_ROW) {
        picture->torn = sqlite3_column_int64(statement, 0);
        if (!picture->torn) picture->torn = sqlite3_column_int64(statement, 1);
    }
    sqlite3_finalize(statement);
}

void fault_look(const fault_world *world, fault_picture *picture)
{
    char path[400];
    sqlite3 *db;

    memset(picture, 0, sizeof *picture);
    strcpy(picture->text, "\n");
    snprintf(path, sizeof path, "%s%s", world->path, world->scenario->schema ? "-side" : "");
    if (sqlite3_open(path, &db) != SQLITE_OK) abort();
    if (has_table(db, "durable_steps")) {
        look_at_rows(db, picture);
        look_at_run(db, picture);
        if (has_table(db, "accounts")) look_at_accounts(db, picture);
    }
    sqlite3_close(db);
}

bool fault_picture_holds(const fault_picture *picture, const char *name)
{
    char line[64];

    snprintf(line, sizeof line, "\n%s\n", name);
    return strstr(picture->text, line) != NULL;
}
