/* test/api: two workers on one file and one queue, "work". */
#ifndef TEST_API_PAIR_H
#define TEST_API_PAIR_H

#include "api/crew.h"

#include <stdio.h>

/* Two workers on two connections; the clock is one. Both are in this process. */
typedef struct pair {
    test_host other;
    test_crew mine, theirs;
} pair;

static inline void open_pair_with(pair *two, test_host *host, const dur_options *mine,
                                  const dur_options *theirs)
{
    two->other = *host;
    two->other.db = host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    crew_open(&two->mine, host, mine);
    crew_open(&two->theirs, &two->other, theirs);
}

static inline void open_pair(pair *two, test_host *host)
{
    dur_options options = host_options(host);

    open_pair_with(two, host, &options, &options);
}

static inline void close_pair(pair *two)
{
    crew_close(&two->mine);
    crew_close(&two->theirs);
}

static inline void limit(test_crew *crew, int64_t active, int64_t process, int64_t starts,
                         int64_t period_ms)
{
    dur_queue_limits limits = DUR_QUEUE_LIMITS_INIT;

    limits.max_active = active;
    limits.max_active_process = process;
    limits.max_starts = starts;
    limits.period_ms = period_ms;
    assert_code(DUR_OK, dur_serve_queue(crew->log, "work", &limits), crew->log);
}

static inline void start_runs(test_crew *crew, int count)
{
    char id[16];

    for (int i = 1; i <= count; i++) {
        snprintf(id, sizeof id, "run-%d", i);
        crew_start(crew, NULL, 0, id);
    }
}

#endif
