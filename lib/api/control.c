/* api: pausing, terminating, deleting, restarting. */
#include "api/api.h"
