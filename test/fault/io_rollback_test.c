/* test/fault: failing files under a database with a rollback journal; see io_sweep.h. */
#define JOURNAL_MODE "delete"
#include "fault/io_sweep.h"

/* No memory is shared, and a file is truncated only when it shrinks. */
static bool must_fire(const fault_kind *kind)
{
    return !(kind->operations &
             (FAULT_BIT(FAULT_SHM_MAP) | FAULT_BIT(FAULT_SHM_LOCK) | FAULT_BIT(FAULT_TRUNCATE)));
}
