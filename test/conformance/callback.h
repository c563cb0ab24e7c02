/* test/conformance: both sides of a callback, the workflow that asks and the world that answers. */
#ifndef TEST_CONFORMANCE_CALLBACK_H
#define TEST_CONFORMANCE_CALLBACK_H

#include "conformance/stage.h"

/* ---- In the workflow ----------------------------------------------------------------------- */

/* NULL where the run is stopped; awaiting that is harmless. */
static inline dur_step *ask(dur_run *run, stage *it, int which, const char *name)
{
    dur_step *callback = NULL;

    if (dur_begin_callback(run, name, &it->callback, &callback) == DUR_OK)
        stage_hand_out(it, which, callback);
    return callback;
}

/* A workflow's end: the answer is the output; a rejection is not caught; and as a timeout is an
 * outcome that no run fails from, this is what makes a failure of it. */
static inline int give_answer(dur_run *run, dur_step *callback)
{
    dur_value value = dur_null();
    int code = dur_await(callback, &value);

    if (code == DUR_TIMED_OUT) dur_fail(run, "no answer in time");
    if (code == DUR_OK) dur_set_output(run, value);
    return 0;
}

/* ---- Outside ------------------------------------------------------------------------------- */

static inline int answer(stage *it, int which, dur_value value)
{
    return dur_complete_callback(stage_world(it), it->token[which], value);
}

static inline int reject(stage *it, int which, const char *message)
{
    return dur_fail_callback(stage_world(it), it->token[which], message);
}

#endif
