/*
 * test/support: a VFS over the default one that fails, kills the process or cuts the power at the
 * Nth call, and counts what passes through it.
 *
 *     fault_vfs_register();
 *     sqlite3_open_v2(path, &db, flags, FAULT_VFS_NAME);
 *     fault_vfs_arm(FAULT_BIT(FAULT_WRITE), SQLITE_IOERR_WRITE, 3, false);
 *
 * Its files are of version 2: there is no memory-mapped way around it. Syncing reaches the disk
 * only where a test asks for it, and SQLite's sleeping takes no time: what is tested is the order
 * of calls.
 */
#ifndef FAULT_VFS_H
#define FAULT_VFS_H

#include "support/fault_plan.h"

#define FAULT_VFS_NAME "fault"

typedef enum fault_operation {
    FAULT_OPEN,
    FAULT_READ,
    FAULT_WRITE, /* a write that fails leaves the first half of its bytes, as a full disk does */
    FAULT_TRUNCATE,
    FAULT_SYNC,
    FAULT_SIZE,
    FAULT_LOCK,
    FAULT_SHM_MAP,
    FAULT_SHM_LOCK,
    FAULT_DELETE,
    FAULT_ACCESS,
    FAULT_COMMIT, /* a transaction that wrote is committed, in any journal mode; a fault here is a
                   * commit that is done and reported as failed */
    FAULT_OPERATIONS /* how many there are */
} fault_operation;

#define FAULT_BIT(operation) (1u << (operation))
#define FAULT_ALL ((1u << FAULT_OPERATIONS) - 1)

/* What has passed through since fault_vfs_reset(). */
typedef struct fault_vfs_counts {
    int64_t calls[FAULT_OPERATIONS];
    int64_t bytes_written;
} fault_vfs_counts;

/* Register the VFS, not as the default one; harmless when repeated. Gives SQLite's code. */
int fault_vfs_register(void);

/* The nth call from now on of one of the operations (FAULT_BIT()s) fails with `code`, an SQLite
 * result code; see fault_plan. */
void fault_vfs_arm(unsigned operations, int code, int64_t nth, bool persistent);

/* At the nth call the process kills itself with SIGKILL, before the call takes effect. */
void fault_vfs_arm_kill(unsigned operations, int64_t nth);

/* At the nth call the power goes off; see fault_power.h. */
void fault_vfs_arm_cut(unsigned operations, int64_t nth);

void fault_vfs_disarm(void);

/* How often the armed fault has fired. */
int64_t fault_vfs_fired(void);

const fault_vfs_counts *fault_vfs_seen(void);

/* No faults, all counts 0, syncs do not reach the disk. */
void fault_vfs_reset(void);
void fault_vfs_sync_for_real(bool yes);

#endif
