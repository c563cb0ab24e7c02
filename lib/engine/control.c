/* engine: what is asked of a run from outside, and of the log as a whole. */
#include "engine/engine.h"
