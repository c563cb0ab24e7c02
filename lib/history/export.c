/* history: rows of a log as lines of JSON. */
#include "history/format.h"
