/* test/compat: a char * is not text: who would own what it points to? */
/* expect: DUR_STEP: use const char * for text */
#include <durable.h>

void refused(dur_run *run)
{
    char *text = 0;
    DUR_STEP(run, "char pointer", text) { text = 0; }
}
