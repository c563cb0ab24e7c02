/* test/store: the SQLite store keeps the contract, wherever its log lies. */
#include "store/sqlite/sqlite_store.h"
#include "store/conformance_kit.h"
#include "support/host.h"

#include <stdlib.h>

typedef struct variant {
    host_journal journal;
    const char *encoding; /* NULL: UTF-8 */
    const char *schema;   /* NULL: main */
    const char *before;   /* SQL to be run before the store is opened, or NULL */
    const char *after;    /* and when it was opened */
} variant;

typedef struct sqlite_world {
    test_host host;
    const char *schema; /* never NULL */
} sqlite_world;

static durable_store *open_on(sqlite_world *world)
{
    dur_options options = host_options(&world->host);
    durable_sqlite_options sqlite_options = {.schema = world->schema};
    durable_store *store = NULL;

    durable_clock_init(&sqlite_options.clock, &options);
    if (durable_sqlite_open(world->host.db, &sqlite_options, &store) != DUR_OK)
        fail_msg("%s", store ? store->error.message : "out of memory");
    return store;
}

static durable_store *open_sqlite(const conformance_subject *subject, void **world)
{
    const variant *how = subject->variant;
    sqlite_world *made = calloc(1, sizeof *made);
    durable_store *store;

    assert_non_null(made);
    if (how->encoding)
        host_open_encoded(&made->host, how->journal, how->encoding);
    else
        host_open(&made->host, how->journal);
    made->schema = how->schema ? how->schema : "main";
    if (how->before) host_run(made->host.db, "%s", how->before);
    store = open_on(made);
    if (how->after) host_run(made->host.db, "%s", how->after);
    *world = made;
    return store;
}

static durable_store *reopen_sqlite(void *world)
{
    return open_on(world);
}

static void delete_run(void *world, const char *id)
{
    const sqlite_world *its = world;

    host_run(its->host.db,
             "DELETE FROM \"%w\".durable_steps WHERE step >> 27 ="
             " (SELECT run FROM \"%w\".durable_runs WHERE id = %Q)",
             its->schema, its->schema, id);
    host_run(its->host.db, "DELETE FROM \"%w\".durable_runs WHERE id = %Q", its->schema, id);
}

static void damage_step(void *world, const char *id, int64_t position)
{
    const sqlite_world *its = world;

    host_run(its->host.db,
             "UPDATE \"%w\".durable_steps SET kind = 'what' WHERE step ="
             " (SELECT run FROM \"%w\".durable_runs WHERE id = %Q) * 134217728 + %lld",
             its->schema, its->schema, id, (long long)position);
}

static bool is_idle(void *world)
{
    return host_active_statements(((sqlite_world *)world)->host.db) == 0;
}

static void close_sqlite(void *world)
{
    sqlite_world *its = world;

    host_close(&its->host);
    free(its);
}

static int run_variant(const char *name, const variant *how)
{
    const conformance_subject subject = {.name = name,
                                         .variant = how,
                                         .joins = how->after && strstr(how->after, "BEGIN"),
                                         .open = open_sqlite,
                                         .reopen = reopen_sqlite,
                                         .delete_run = delete_run,
                                         .damage_step = damage_step,
                                         .is_idle = is_idle,
                                         .close = close_sqlite};

    return conformance_run(&subject);
}

int main(void)
{
    static const variant memory = {.journal = HOST_MEMORY};
    static const variant rollback = {.journal = HOST_ROLLBACK};
    static const variant wal = {.journal = HOST_WAL};
    static const variant utf16 = {.journal = HOST_ROLLBACK, .encoding = "UTF-16le"};
    static const variant attached = {.journal = HOST_WAL,
                                     .schema = "the \"log\"",
                                     .before = "ATTACH ':memory:' AS \"the \"\"log\"\"\""};
    static const variant temporary = {.journal = HOST_MEMORY, .schema = "temp"};
    static const variant joined = {.journal = HOST_WAL, .after = "BEGIN"};
    static const variant nested = {.journal = HOST_ROLLBACK,
                                   .before = "PRAGMA foreign_keys = ON",
                                   .after = "BEGIN; SAVEPOINT one; SAVEPOINT two"};

    return run_variant("store.sqlite in memory", &memory) +
           run_variant("store.sqlite with a rollback journal", &rollback) +
           run_variant("store.sqlite in WAL mode", &wal) +
           run_variant("store.sqlite in UTF-16", &utf16) +
           run_variant("store.sqlite attached", &attached) +
           run_variant("store.sqlite in temp", &temporary) +
           run_variant("store.sqlite in a transaction of the host", &joined) +
           run_variant("store.sqlite in a savepoint of the host", &nested);
}
