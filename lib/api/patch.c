/* api: patch markers, and continuing as new. */
#include "api/api.h"
