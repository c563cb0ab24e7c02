/* test/api: what the tests of restarts share. */
#ifndef TEST_API_RESTARTED_H
#define TEST_API_RESTARTED_H

#include "api/script.h"

/* The run "the-run", restarted under another id. */
static inline int restart(dur_log *log, const char *id, int64_t position)
{
    return dur_restart(log, "the-run", id, position, NULL);
}

static inline int restart_replaced(dur_log *log, const char *id, int64_t position,
                                   int64_t replace_at, dur_value value)
{
    dur_restart_options options = DUR_RESTART_OPTIONS_INIT;

    options.replace_at = replace_at;
    options.value = value;
    return dur_restart(log, "the-run", id, position, &options);
}

static inline int64_t steps_of(test_host *host, const char *id)
{
    return host_number(host->db,
                       "SELECT steps FROM durable_runs_view WHERE id = '%q'", id);
}

#endif
