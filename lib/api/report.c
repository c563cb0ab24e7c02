/* api: replay checks and their reports. */
#include "api/api.h"
