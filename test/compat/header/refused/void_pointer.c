/* test/compat: nobody knows what is behind a void *. */
/* expect: DUR_STEP: use const char * for text */
#include <durable.h>

void refused(dur_run *run)
{
    const void *memory = 0;
    DUR_STEP(run, "void pointer", memory) { memory = 0; }
}
