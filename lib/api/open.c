/* api: the one door between the public interface and a store. */
#include "api/open.h"

#include "store/guard.h"
#include "store/sqlite/sqlite_store.h"

static void fill_options(durable_sqlite_options *store_options, const dur_options *options)
{
    memset(store_options, 0, sizeof *store_options);
    store_options->schema = options->schema;
    store_options->busy_wait_ms = options->busy_wait_ms;
    store_options->read_only = options->read_only;
    durable_clock_init(&store_options->clock, options);
}

/* A store that was refused keeps its error, which a guard in front of it would hide. */
DURABLE_INTERNAL int durable_only_read(int code, durable_store **store)
{
    durable_store *guard;

    if (code != DUR_OK) return code;
    guard = durable_guard_new(*store, true, durable_guard_read_only, NULL, NULL);
    if (!guard) (*store)->methods->close(*store);
    *store = guard;
    return guard ? DUR_OK : DUR_NOMEM;
}

DURABLE_INTERNAL int durable_open_store(struct sqlite3 *db, const dur_options *options,
                                        durable_store **store)
{
    durable_sqlite_options store_options;
    int code;

    fill_options(&store_options, options);
    code = durable_sqlite_open(db, &store_options, store);
    return options->read_only ? durable_only_read(code, store) : code;
}

DURABLE_INTERNAL int durable_open_own_store(const char *path, durable_own how,
                                            const dur_options *options, durable_store **store)
{
    static const durable_sqlite_place places[] = {DURABLE_SQLITE_MEMORY, DURABLE_SQLITE_NEW_FILE,
                                                  DURABLE_SQLITE_READ_FILE};
    durable_sqlite_options store_options;
    int code;

    fill_options(&store_options, options);
    code = durable_sqlite_open_own(path, places[how], &store_options, store);
    return how == DURABLE_OWN_READ ? durable_only_read(code, store) : code;
}

DURABLE_INTERNAL void durable_remove_own(const char *path)
{
    durable_sqlite_remove(path);
}

DURABLE_INTERNAL void durable_abandon_store(durable_store *store)
{
    durable_sqlite_abandon(store);
}
