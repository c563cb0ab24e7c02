/* api: the test bench for workflows. */
#include "api/api.h"
