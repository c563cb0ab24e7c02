/* api: how long a run has become, and continuing it as new. */
#include "api/api.h"

DUR_API int64_t dur_run_length(const dur_run *run)
{
    return run ? run->position - 1 : 0;
}

DUR_API int dur_continue_as_new(dur_run *run, dur_value input)
{
    int code = durable_check_run(run);

    return code == DUR_OK ? durable_told(run, durable_continue_ask(run, input)) : code;
}
