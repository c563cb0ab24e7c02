/* api: the one door between the public interface and a store. */
#include "api/open.h"

#include "store/sqlite/sqlite_store.h"

DURABLE_INTERNAL int durable_open_store(struct sqlite3 *db, const dur_options *options,
                                        durable_store **store)
{
    durable_sqlite_options store_options;

    memset(&store_options, 0, sizeof store_options);
    store_options.schema = options->schema;
    store_options.busy_wait_ms = options->busy_wait_ms;
    durable_clock_init(&store_options.clock, options);
    return durable_sqlite_open(db, &store_options, store);
}
