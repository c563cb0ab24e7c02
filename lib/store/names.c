/* store: numbers of the file format, by the names that the views give them. */
#include "store/store.h"

static const char *const statuses[] = {"running",   "completed", "failed",    "parked",
                                       "suspended", "cancelled", "timed out", "continued",
                                       "terminated"};

static const char *const kinds[] = {"step",  "timer", "receive", "select", "callback",
                                    "child", "undo",  "cancel",  "patch"};

DURABLE_INTERNAL const char *durable_name_of_status(int status)
{
    int count = (int)(sizeof statuses / sizeof statuses[0]);

    return status > 0 && status <= count ? statuses[status - 1] : NULL;
}

DURABLE_INTERNAL const char *durable_name_of_kind(int kind)
{
    int count = (int)(sizeof kinds / sizeof kinds[0]);

    return kind > 0 && kind <= count ? kinds[kind - 1] : NULL;
}
