/* history: a line of JSON, read by SQLite's own functions. */
#include "history/format.h"
