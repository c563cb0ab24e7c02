/* test/compat: a step has a name. */
/* expect: dur_step_needs_a_run_and_a_name */
#include <durable.h>

void refused(dur_run *run)
{
    DUR_STEP(run) {}
}
