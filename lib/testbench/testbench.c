/* testbench: a log whose clock, outcomes and deaths a test decides. */
#include "engine/engine.h"
#include "store/guard.h"
