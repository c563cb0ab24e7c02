/* test/compat: the header needs nothing before it and says nothing, included twice. */
#include <durable.h>
#include <durable.h>
