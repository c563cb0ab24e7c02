/* api: children, cancellation. */
#include "api/api.h"
