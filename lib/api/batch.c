/* api: the branches of a batch. */
#include "api/api.h"
