/*
 * test/bench: what a transactional step costs: the host's own UPDATE and the step's row in one
 * commit, or so many of both in one that they share. The yardstick is the same by hand: prepared
 * BEGIN, UPDATE, INSERT and COMMIT on a copy of the file.
 */
#include "fixture.h"
#include "rows.h"
#include "yardstick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCOUNTS 1000
#define VALUE_LENGTH 16
#define TX_BAR_ALONE 1.15
#define TX_BAR_SHARED 1.25

static const char create[] =
    "CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT NOT NULL, cents INTEGER NOT NULL);"
    "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
    "INSERT INTO accounts SELECT i, printf('account %d', i), 1000 FROM n";
static const char update[] = "UPDATE accounts SET cents = cents + 1 WHERE id = ?1";

/* What the host does in a body. */
typedef struct tx_host {
    sqlite3 *db;
    sqlite3_stmt *update;
    bench_random random;
} tx_host;

static void tx_host_open(tx_host *host, sqlite3 *db, uint64_t seed)
{
    host->db = db;
    host->update = bench_prepare(db, update);
    host->random = bench_random_seeded(seed);
}

static void run_statement(sqlite3 *db, sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE || sqlite3_reset(statement) != SQLITE_OK)
        bench_die("%s: %s", sqlite3_sql(statement), sqlite3_errmsg(db));
}

static void pay(tx_host *host)
{
    sqlite3_bind_int64(host->update, 1, 1 + bench_random_below(&host->random, ACCOUNTS));
    run_statement(host->db, host->update);
}

/* ---- The library ----------------------------------------------------------------------------- */

typedef struct tx_library {
    fixture_log fixture;
    dur_run *run;
    tx_host host;
    int64_t shared;
    dur_value value;
    char bytes[VALUE_LENGTH];
} tx_library;

static void pay_in_steps(void *context, int64_t count)
{
    static const dur_step_options options = {.size = sizeof options,
                                             .file = YARD_FILE,
                                             .line = YARD_LINE,
                                             .mode = DUR_TRANSACTIONAL};
    tx_library *self = context;

    for (int64_t i = 0; i < count * self->shared; i++) {
        dur_step *step = NULL;

        fixture_expect(&self->fixture, dur_begin_step(self->run, YARD_NAME, &options, &step),
                       DUR_EXECUTE, "beginning");
        pay(&self->host);
        fixture_expect(&self->fixture, dur_record_result(step, self->value), DUR_OK, "recording");
    }
}

static void open_library(tx_library *self, const char *path, int64_t shared, uint64_t seed)
{
    dur_options options = DUR_OPTIONS_INIT;
    char id[FIXTURE_ID_SIZE];

    memset(self->bytes, 'v', sizeof self->bytes);
    self->value = dur_text_n(self->bytes, sizeof self->bytes);
    self->shared = shared;
    options.shared_commit_steps = shared;
    self->fixture.db = bench_open(path, "OFF");
    bench_execute(self->fixture.db, create);
    fixture_expect(&self->fixture, dur_open(self->fixture.db, &options, &self->fixture.log),
                   DUR_OK, "opening the log");
    fixture_id(id, 1);
    self->run = fixture_begin(&self->fixture, id);
    tx_host_open(&self->host, self->fixture.db, seed);
    fixture_record(&self->fixture, self->run, self->value);
    bench_execute(self->fixture.db, "PRAGMA wal_checkpoint(TRUNCATE)");
}

static void close_library(tx_library *self)
{
    sqlite3_finalize(self->host.update);
    dur_close_run(self->run);
    fixture_close(&self->fixture);
}

/* ---- By hand --------------------------------------------------------------------------------- */

typedef struct tx_raw {
    yard_file file;
    yard_writer writer;
    tx_host host;
    sqlite3_stmt *begin, *commit;
    int64_t shared;
} tx_raw;

static void pay_by_hand(void *context, int64_t count)
{
    tx_raw *self = context;

    for (int64_t i = 0; i < count; i++) {
        run_statement(self->file.db, self->begin);
        for (int64_t j = 0; j < self->shared; j++) {
            pay(&self->host);
            yard_record_at(&self->writer, 0);
        }
        run_statement(self->file.db, self->commit);
    }
}

static void open_raw(tx_raw *self, const char *path, int64_t shared, uint64_t seed)
{
    static const int64_t first[] = {1};

    yard_open(&self->file, path, "OFF", YARD_PACKED, first, 1, seed);
    yard_prepare(&self->writer, &self->file, YARD_UNFENCED, VALUE_LENGTH);
    tx_host_open(&self->host, self->file.db, seed);
    self->begin = bench_prepare(self->file.db, "BEGIN IMMEDIATE");
    self->commit = bench_prepare(self->file.db, "COMMIT");
    self->shared = shared;
}

static void close_raw(tx_raw *self)
{
    sqlite3_finalize(self->begin);
    sqlite3_finalize(self->commit);
    sqlite3_finalize(self->host.update);
    yard_finish(&self->writer);
    yard_close(&self->file);
}

/* ---- The races ------------------------------------------------------------------------------- */

typedef struct tx_race {
    const char *name;
    const char *synchronous;
    int64_t shared;
    int64_t count; /* of commits in a round */
    int rounds;
    double bar;
} tx_race;

static void print_race(const bench_options *options, const tx_race *race,
                       const bench_racer *racers)
{
    double steps = (double)race->shared * 1e3;

    bench_print_row(options, &(bench_row){.name = race->name,
                                          .unit = "us/step",
                                          .value = racers[1].median_ns / steps,
                                          .baseline = racers[0].median_ns / steps,
                                          .ratio = racers[1].ratio,
                                          .bar_of = BENCH_BAR_OF_RATIO,
                                          .bar = race->bar});
}

/* Both have done the same work: as many rows, and as much money. */
static void check_same_work(const tx_library *library, const tx_raw *raw)
{
    static const char work[] = "SELECT (SELECT sum(cents) FROM accounts) * 1000000000 + "
                               "(SELECT count(*) FROM durable_steps)";

    if (bench_query_integer(library->fixture.db, work) != bench_query_integer(raw->file.db, work))
        bench_die("the library and the yardstick have not done the same");
}

static void hold(const bench_options *options, const tx_race *race)
{
    char path[4096], raw_path[4096];
    tx_library *library = bench_allocate(sizeof *library);
    tx_raw *raw = bench_allocate(sizeof *raw);
    bench_racer racers[] = {{.work = pay_by_hand, .context = raw},
                            {.work = pay_in_steps, .context = library}};

    snprintf(path, sizeof path, "%s", bench_path(options, "tx-library"));
    snprintf(raw_path, sizeof raw_path, "%s", bench_path(options, "tx-raw"));
    open_library(library, path, race->shared, options->seed);
    bench_copy_file(path, raw_path);
    open_raw(raw, raw_path, race->shared, options->seed);
    bench_set_synchronous(library->fixture.db, race->synchronous);
    bench_set_synchronous(raw->file.db, race->synchronous);
    bench_race(racers, 2, bench_scaled(options, race->count, 3),
               bench_rounds(options, race->rounds));
    check_same_work(library, raw);
    close_library(library);
    close_raw(raw);
    bench_remove_database(path);
    bench_remove_database(raw_path);
    free(library);
    free(raw);
    print_race(options, race, racers);
}

void bench_transaction(const bench_options *options)
{
    static const tx_race races[] = {
        {"tx.normal", "NORMAL", 1, 5000, 15, TX_BAR_ALONE},
        {"tx.full", "FULL", 1, 200, 11, TX_BAR_ALONE},
        {"tx.shared10", "NORMAL", 10, 1000, 15, TX_BAR_SHARED},
        {"tx.shared100", "NORMAL", 100, 100, 15, TX_BAR_SHARED},
    };

    for (size_t i = 0; i < sizeof races / sizeof races[0]; i++)
        if (bench_wanted(options, races[i].name))
            hold(options, &races[i]);
}
