/* history: lines of JSON as rows of a log. */
#include "history/format.h"
