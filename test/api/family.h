/* test/api: a parent that calls one child, whatever that does, and what both came to. */
#ifndef TEST_API_FAMILY_H
#define TEST_API_FAMILY_H

#include "api/script.h"
#include "support/narrative.h"

#include <stdio.h>

#define PARENT "the-run"
#define CHILD "the-run/1"

typedef struct family {
    test_host *host;
    dur_workflow *child; /* what the parent calls; its user is this */
    dur_child_options options;
    bool catches;

    /* What came of it. */
    int passes, child_passes, bodies;
    int code; /* of dur_call() */
    dur_value value;
    char caught[128];
    char token[DUR_TOKEN_SIZE];
    dur_retry retry;
} family;

static inline family family_of(test_host *host, dur_workflow *child)
{
    const dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    const dur_retry retry = DUR_RETRY_INIT;
    family fresh;

    memset(&fresh, 0, sizeof fresh);
    fresh.host = host;
    fresh.child = child;
    fresh.options = options;
    fresh.retry = retry;
    fresh.retry.initial_ms = 1000;
    fresh.retry.jitter = DUR_JITTER_NONE;
    return fresh;
}

static inline void catch_failure(family *it, dur_run *run)
{
    const char *failure = it->catches ? dur_catch(run) : NULL;

    if (failure) snprintf(it->caught, sizeof it->caught, "%s", failure);
}

/* One call and one step behind it, which gives 5. */
static inline int parent_workflow(dur_run *run, void *user)
{
    family *it = user;
    int64_t after = 0;

    it->passes++;
    it->code = dur_call(run, "child", &it->options, it->child, it, &it->value);
    catch_failure(it, run);
    DUR_STEP(run, "after", after) { after = 5; }
    if (dur_ok(run)) dur_set_output(run, it->value);
    return 0;
}

static inline int family_execute(family *it, dur_log *log)
{
    return dur_execute(log, "parent", PARENT, NULL, parent_workflow, it);
}

static inline dur_status family_status(dur_log *log, const char *id)
{
    dur_run_info info = DUR_RUN_INFO_INIT;

    assert_code(DUR_OK, dur_read_run(log, id, &info), log);
    return info.status;
}

/* Steps in the log of this run, or of every run where it is NULL. */
static inline int64_t family_rows(family *it, const char *id)
{
    return host_number(it->host->db,
                       "SELECT count(*) FROM durable_steps_view WHERE %d OR run_id = %Q",
                       id == NULL, id);
}

/* So that the next execute is a pass of its own over the recorded rows. */
static inline void forget_end(family *it, const char *id)
{
    host_run(it->host->db, "UPDATE durable_runs SET status = 1, ended = NULL WHERE id = %Q", id);
}

#endif
