/* test/compat: the object itself is meant, not its address. */
/* expect: DUR_STEP: use const char * for text */
#include <durable.h>

struct point {
    int x, y;
};

void refused(dur_run *run, struct point *point)
{
    DUR_STEP(run, "struct pointer", point) { point->x = 1; }
}
