/* api: patch markers. */
#include "api/api.h"

DUR_API bool dur_patch(dur_run *run, const char *id)
{
    return durable_check_run(run) == DUR_OK && durable_patch_ask(run, id);
}

DUR_API int dur_retire_patch(dur_run *run, const char *id)
{
    int code = durable_check_run(run);

    return code == DUR_OK ? durable_told(run, durable_patch_retire(run, id)) : code;
}
