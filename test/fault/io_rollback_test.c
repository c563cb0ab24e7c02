/* test/fault: failing files under a database with a rollback journal; see io_sweep.h. */
#include "fault/io_sweep.h"

/* No memory is shared. A journal that is deleted is not truncated. */
static const char *journal_mode_for(const fault_kind *kind)
{
    if (kind->operations & (FAULT_BIT(FAULT_SHM_MAP) | FAULT_BIT(FAULT_SHM_LOCK))) return NULL;
    return kind->operations & FAULT_BIT(FAULT_TRUNCATE) ? "truncate" : "delete";
}
