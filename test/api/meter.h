/* test/api: a workflow that reads a meter, one step a run, and goes on as new until it has read it
 * often enough. */
#ifndef TEST_API_METER_H
#define TEST_API_METER_H

#include "api/script.h"

#include <stdio.h>

#define METER "meter"

typedef struct meter {
    test_host *host;
    dur_log *log;
    int64_t last; /* readings, over all runs of the chain */
    int passes, bodies, undone;
    void (*act)(struct meter *it, dur_run *run);    /* before each step */
    int (*finish)(struct meter *it, dur_run *run);  /* in place of continuing; NULL: continues */
    dur_step_options options;
} meter;

static inline int meter_workflow(dur_run *run, void *user)
{
    meter *it = user;
    int64_t total = dur_input(run).type == DUR_INTEGER ? dur_input(run).as.integer : 0;

    it->passes++;
    if (it->act) it->act(it, run);
    DUR_STEP(run, "read", total, &it->options)
    {
        it->bodies++;
        total = (dur_input(run).type == DUR_INTEGER ? dur_input(run).as.integer : 0) + 1;
    }
    if (!dur_ok(run)) return 0;
    if (it->finish) return it->finish(it, run);
    if (total < it->last) return dur_continue_as_new(run, dur_integer(total));
    dur_set_output(run, dur_integer(total));
    return 0;
}

static inline meter meter_of(test_host *host, int64_t last)
{
    const dur_step_options options = DUR_STEP_OPTIONS_INIT;
    meter fresh;

    memset(&fresh, 0, sizeof fresh);
    fresh.host = host;
    fresh.log = host_log(host);
    fresh.last = last;
    fresh.options = options;
    return fresh;
}

static inline int meter_execute(meter *it)
{
    return dur_execute(it->log, "meter", METER, NULL, meter_workflow, it);
}

/* Until it gives another code than DUR_SUSPENDED. */
static inline int meter_drive(meter *it)
{
    int code = DUR_SUSPENDED;

    for (int i = 0; i < 2000 && code == DUR_SUSPENDED; i++) code = meter_execute(it);
    return code;
}

static inline dur_run_info meter_look(dur_log *log, const char *id)
{
    dur_run_info info = DUR_RUN_INFO_INIT;

    assert_code(DUR_OK, dur_read_run(log, id, &info), log);
    return info;
}

static inline bool meter_exists(dur_log *log, const char *id)
{
    dur_run_info info = DUR_RUN_INFO_INIT;

    return dur_read_run(log, id, &info) == DUR_OK;
}

#endif
