/* test/compat: the single-file form included into a program, with nothing of it seen outside. */
#define DUR_API static
#include "durable.c"

#include "program.c"
