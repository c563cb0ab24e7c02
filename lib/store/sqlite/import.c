/* store/sqlite: the verbs that put rows of another log into this one. */
#include "store/sqlite/verbs.h"

DURABLE_INTERNAL int durable_sqlite_begin_import(durable_store *base)
{
    return durable_error_set(&base->error, DUR_UNSUPPORTED, "not there yet");
}

DURABLE_INTERNAL int durable_sqlite_put_row(durable_store *base, const durable_row *row)
{
    (void)row;
    return durable_error_set(&base->error, DUR_UNSUPPORTED, "not there yet");
}

DURABLE_INTERNAL int durable_sqlite_end_import(durable_store *base, bool keep)
{
    (void)keep;
    return durable_error_set(&base->error, DUR_UNSUPPORTED, "not there yet");
}
