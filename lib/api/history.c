/* api: recorded steps, export and import. */
#include "api/api.h"
