/* test/compat: a pointer to an object would point nowhere on replay. */
/* expect: DUR_STEP: use const char * for text */
#include <durable.h>

void refused(dur_run *run)
{
    int *number = 0;
    DUR_STEP(run, "pointer", number) { number = 0; }
}
