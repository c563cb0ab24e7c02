/* test/fault: failing files under a database in WAL mode; see io_sweep.h. */
#include "fault/io_sweep.h"

/* While it is in use, a WAL is neither deleted nor truncated. */
static const char *journal_mode_for(const fault_kind *kind)
{
    return kind->operations & (FAULT_BIT(FAULT_DELETE) | FAULT_BIT(FAULT_TRUNCATE)) ? NULL : "wal";
}
