/* test/conformance: the worker that executes what others start. */
#ifndef TEST_CONFORMANCE_INVOKE_H
#define TEST_CONFORMANCE_INVOKE_H

#include "conformance/child.h"

#define TARGET "target"
#define CHILD STAGE_RUN "/1"

/* Gives its input. */
static inline int echo(dur_run *run, void *user)
{
    stage *it = user;

    stage_body(it, "echo");
    dur_set_output(run, dur_input(run));
    return 0;
}

static inline int refuse(dur_run *run, void *user)
{
    stage_body(user, "refuse");
    dur_fail(run, "TargetError: not today");
    return 0;
}

/* A pass over the target: by hand, or by a worker that knows no other workflow. The story tells it
 * in brackets. */
static inline void serve(stage *it, const char *child, dur_workflow *target, int expected)
{
    dur_log *log = stage_world(it);
    int64_t next_wake_ms;

    narrative_add(&it->story, "(");
    if (it->by_worker) {
        dur_run_info info = DUR_RUN_INFO_INIT;

        assert_code(DUR_OK, dur_register(log, TARGET, target, it), log);
        assert_code(DUR_OK, dur_work(log, NULL, &next_wake_ms), log);
        assert_code(DUR_OK, dur_read_run(log, child, &info), log);
        assert_int_equal(expected == DUR_OK       ? DUR_COMPLETED
                         : expected == DUR_FAILED ? DUR_RUN_FAILED
                                                  : DUR_RUN_SUSPENDED,
                         info.status);
    } else {
        assert_code(expected, dur_execute(log, TARGET, child, NULL, target, it), log);
    }
    narrative_add(&it->story, " )\n");
}

static inline dur_step *invoke(dur_run *run, const char *name, dur_value input)
{
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_step *child = NULL;

    options.input = input;
    if (dur_start_child(run, name, TARGET, &options, &child) != DUR_OK) return NULL;
    return child;
}

/* A workflow's end: what the target gave is the output; a failure is not caught. */
static inline int give_target(dur_run *run, const char *name)
{
    dur_value value = dur_null();

    if (dur_await(invoke(run, name, dur_input(run)), &value) == DUR_OK) dur_set_output(run, value);
    return 0;
}

static inline int give(dur_run *run, void *user)
{
    (void)user;
    return give_target(run, "invoke");
}

#endif
