/* engine: runs that end and go on as new. */
#include "engine/engine.h"

DURABLE_INTERNAL int durable_continue_ask(dur_run *run, dur_value input)
{
    (void)input;
    return durable_run_misuse(run, "not there yet");
}

DURABLE_INTERNAL int durable_continue_end(dur_run *run)
{
    return durable_run_misuse(run, "not there yet");
}

DURABLE_INTERNAL void durable_continue_tell_long(dur_run *run)
{
    (void)run;
}
