/* api: side values. */
#include "api/api.h"
