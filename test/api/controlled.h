/* test/api: a run that something is done to from outside: a step, a wait, a step. */
#ifndef TEST_API_CONTROLLED_H
#define TEST_API_CONTROLLED_H

#include "api/script.h"

#include <stdio.h>

#define RUN "the-run"
#define SECOND INT64_C(1000)

typedef struct controlled {
    test_host *host;
    dur_log *log;
    int passes, bodies;
    int code; /* of the last wait, or call */
    int64_t wake_ms; /* of the last dur_work() */
    dur_step_options options;
    void (*meanwhile)(struct controlled *it); /* in the first step's body, once */
} controlled;

static inline controlled controlled_of(test_host *host)
{
    const dur_step_options options = DUR_STEP_OPTIONS_INIT;
    controlled fresh;

    memset(&fresh, 0, sizeof fresh);
    fresh.host = host;
    fresh.log = host_log(host);
    fresh.options = options;
    return fresh;
}

static inline int controlled_workflow(dur_run *run, void *user)
{
    controlled *it = user;

    it->passes++;
    DUR_STEP_VOID(run, "work", &it->options) {
        void (*meanwhile)(controlled *) = it->meanwhile;

        it->bodies++;
        it->meanwhile = NULL;
        if (meanwhile) meanwhile(it);
    }
    it->code = dur_receive(run, "go", DUR_FOREVER, NULL);
    DUR_STEP(run, "after") { it->bodies++; }
    return 0;
}

static inline int controlled_execute(controlled *it, const char *run_id)
{
    return dur_execute(it->log, "work", run_id, NULL, controlled_workflow, it);
}

static inline void controlled_serve(controlled *it)
{
    assert_code(DUR_OK, dur_register(it->log, "work", controlled_workflow, it), it->log);
}

/* So many passes were made by a worker that had all the time. */
static inline int controlled_work(controlled *it)
{
    int before = it->passes;

    assert_code(DUR_OK, dur_work(it->log, NULL, &it->wake_ms), it->log);
    return it->passes - before;
}

static inline void controlled_start(controlled *it, const char *run_id)
{
    assert_code(DUR_OK, dur_start(it->log, "work", run_id, NULL), it->log);
}

static inline int controlled_go(controlled *it, const char *run_id)
{
    return dur_signal(it->log, run_id, "go", dur_null(), NULL);
}

static inline dur_run_info controlled_info(controlled *it, const char *run_id)
{
    dur_run_info info = DUR_RUN_INFO_INIT;

    assert_code(DUR_OK, dur_read_run(it->log, run_id, &info), it->log);
    return info;
}

/* All rows of the log's tables. */
static inline int64_t controlled_rows(controlled *it)
{
    return host_number(it->host->db,
                       "SELECT (SELECT count(*) FROM durable_runs)"
                       " + (SELECT count(*) FROM durable_claims)"
                       " + (SELECT count(*) FROM durable_steps)"
                       " + (SELECT count(*) FROM durable_pending)"
                       " + (SELECT count(*) FROM durable_signals)");
}

#endif
