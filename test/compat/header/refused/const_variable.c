/* test/compat: a step's variable is an output. */
/* expect: const */
#include <durable.h>

void refused(dur_run *run)
{
    const int number = 0;
    DUR_STEP(run, "const", number) {}
}
