/*
 * test/support: cutting the power. While it is watched, the fault VFS keeps aside what each file
 * surely holds (what was synced) and every write since. When the power is cut, each of those
 * writes is kept, dropped, or torn at sectors of 512 bytes, by a seed: SQLite writes promise no
 * more than that.
 *
 *     fault_power_watch(true);
 *     fault_vfs_arm_cut(FAULT_POWER_OPERATIONS, nth);
 *     ... work until calls fail with SQLITE_IOERR; close all connections ...
 *     fault_power_restore(seed);
 *     ... open again: the files are as the cut left them, -shm is gone ...
 *     fault_power_forget();
 */
#ifndef FAULT_POWER_H
#define FAULT_POWER_H

#include "support/fault_vfs.h"

#include <stddef.h>

/* The calls between which a power cut makes a difference. */
#define FAULT_POWER_OPERATIONS                                                                     \
    (FAULT_BIT(FAULT_WRITE) | FAULT_BIT(FAULT_TRUNCATE) | FAULT_BIT(FAULT_SYNC) |                  \
     FAULT_BIT(FAULT_DELETE))

/* Watch every named file that the fault VFS opens from now on. A file that is there counts as
 * synced; one that is created is sure to exist once it was synced. A deleted file is gone at
 * once where `unlink_is_sure`; else only after a sync of its directory, and may come back. */
void fault_power_watch(bool unlink_is_sure);

/* Turn the power off now; from here on every call of the VFS fails. */
void fault_power_off(void);
bool fault_power_is_off(void);

/* With all connections closed: make the files what a cut with this seed leaves, remove their
 * -shm files and turn the power on again. Gives the number of writes that were not kept whole. */
int64_t fault_power_restore(uint64_t seed);

/* Stop watching; everything kept aside is freed. */
void fault_power_forget(void);

/* For the VFS: what happens to the files. */
void fault_power_opened(const char *name);
void fault_power_written(const char *name, const void *bytes, size_t count, int64_t offset);
void fault_power_truncated(const char *name, int64_t size);
void fault_power_synced(const char *name);
void fault_power_deleted(const char *name, bool directory_synced);

#endif
