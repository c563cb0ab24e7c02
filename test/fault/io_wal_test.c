/* test/fault: failing files under a database in WAL mode; see io_sweep.h. */
#define JOURNAL_MODE "wal"
#include "fault/io_sweep.h"

/* A WAL is not deleted while it is in use, and is not truncated. */
static bool must_fire(const fault_kind *kind)
{
    return !(kind->operations & (FAULT_BIT(FAULT_DELETE) | FAULT_BIT(FAULT_TRUNCATE)));
}
