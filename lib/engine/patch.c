/* engine: patch markers: which way a run goes where its code has changed. */
#include "engine/engine.h"

DURABLE_INTERNAL bool durable_patch_ask(dur_run *run, const char *id)
{
    (void)run, (void)id;
    return false;
}

DURABLE_INTERNAL int durable_patch_retire(dur_run *run, const char *id)
{
    (void)run, (void)id;
    return DUR_OK;
}

DURABLE_INTERNAL void durable_patch_free(dur_run *run)
{
    (void)run;
}
