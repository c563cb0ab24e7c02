/* test/store: the SQLite store as a subject of the conformance suite. */
#include "store/conformance_sqlite.h"
#include "store/conformance_kit.h"
#include "store/sqlite/sqlite_store.h"

#include <stdlib.h>

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
    const sqlite_variant *how = subject->variant;
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

/* As the manual says: what belongs to the run goes with it. */
static void delete_run(void *world, const char *id)
{
    const sqlite_world *its = world;

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

static void damage_pending(void *world, const char *id, int64_t position)
{
    const sqlite_world *its = world;

    host_run(its->host.db,
             "UPDATE \"%w\".durable_pending SET kind = 'what' WHERE step ="
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

conformance_subject sqlite_subject(const char *name, const sqlite_variant *variant)
{
    return (conformance_subject){.name = name,
                                 .variant = variant,
                                 .joins = variant->after && strstr(variant->after, "BEGIN"),
                                 .open = open_sqlite,
                                 .reopen = reopen_sqlite,
                                 .delete_run = delete_run,
                                 .damage_step = damage_step,
                                 .damage_pending = damage_pending,
                                 .is_idle = is_idle,
                                 .close = close_sqlite};
}
