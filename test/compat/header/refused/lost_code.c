/* test/compat: the code of a function that waits cannot be lost by oversight. */
/* expect: warn_unused_result */
#include <durable.h>

void refused(dur_run *run)
{
    dur_step *step;
    dur_begin_step(run, "lost code", 0, &step);
}
