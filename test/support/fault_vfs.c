/* test/support: a VFS over the default one that fails on command and counts. */
#include "support/fault_vfs.h"

#include "support/fault_power.h"

#include <signal.h>
#include <string.h>

#include <sqlite3.h>

typedef enum fault_action { RETURN_CODE, KILL_PROCESS, CUT_POWER } fault_action;

typedef struct fault_file {
    sqlite3_file base;
    sqlite3_file *real; /* lies behind this struct */
    const char *name;   /* NULL: a temporary file; SQLite keeps it while the file is open */
} fault_file;

static sqlite3_vfs *under; /* the default VFS */
static fault_plan plan;
static unsigned plan_operations;
static int plan_code;
static fault_action plan_action;
static bool sync_for_real;
static fault_vfs_counts counts;

static void kill_process(void)
{
#ifdef SIGKILL
    raise(SIGKILL);
#endif
}

/* Every call comes by here first: SQLITE_OK lets it pass. */
static int strike(fault_operation operation)
{
    counts.calls[operation]++;
    if (fault_power_is_off()) return SQLITE_IOERR;
    if (!(plan_operations & FAULT_BIT(operation)) || !fault_plan_fires(&plan)) return SQLITE_OK;
    if (plan_action == RETURN_CODE) return plan_code;
    if (plan_action == KILL_PROCESS) kill_process();
    fault_power_off();
    return SQLITE_IOERR;
}

/* ---- Files --------------------------------------------------------------------------------- */

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((fault_file *)file)->real;
}

static int file_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int file_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset)
{
    int code = strike(FAULT_READ);

    return code ? code : real_of(file)->pMethods->xRead(real_of(file), bytes, count, offset);
}

/* A file that is cut off keeps nothing of the write; one that fails, the first half. */
static int file_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset)
{
    const char *name = ((fault_file *)file)->name;
    int code = strike(FAULT_WRITE);
    int kept = !code ? count : fault_power_is_off() ? 0 : count / 2;
    int real_code;

    if (kept == 0) return code;
    real_code = real_of(file)->pMethods->xWrite(real_of(file), bytes, kept, offset);
    counts.bytes_written += kept;
    if (name) fault_power_written(name, bytes, (size_t)kept, offset);
    return code ? code : real_code;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    const char *name = ((fault_file *)file)->name;
    int code = strike(FAULT_TRUNCATE);

    if (code) return code;
    if (name) fault_power_truncated(name, size);
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    const char *name = ((fault_file *)file)->name;
    int code = strike(FAULT_SYNC);

    if (code) return code;
    if (name) fault_power_synced(name);
    return sync_for_real ? real_of(file)->pMethods->xSync(real_of(file), flags) : SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    int code = strike(FAULT_SIZE);

    return code ? code : real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int file_lock(sqlite3_file *file, int level)
{
    int code = strike(FAULT_LOCK);

    return code ? code : real_of(file)->pMethods->xLock(real_of(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int file_check_reserved(sqlite3_file *file, int *reserved)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), reserved);
}

static int file_control(sqlite3_file *file, int operation, void *argument)
{
    int code = operation == SQLITE_FCNTL_COMMIT_PHASETWO ? strike(FAULT_COMMIT) : SQLITE_OK;

    if (code) return code;
    if (operation == SQLITE_FCNTL_MMAP_SIZE) return SQLITE_NOTFOUND;
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int file_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

/* Only what the equipment honours: a write leaves the bytes beside it alone. */
static int file_device(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file)) &
           SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory)
{
    int code = strike(FAULT_SHM_MAP);

    return code ? code
                : real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, memory);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    int code = flags & SQLITE_SHM_UNLOCK ? SQLITE_OK : strike(FAULT_SHM_LOCK);

    return code ? code : real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int file_shm_unmap(sqlite3_file *file, int delete_it)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), delete_it);
}

static const sqlite3_io_methods file_methods = {
    2,           file_close,   file_read,     file_write,          file_truncate,  file_sync,
    file_size,   file_lock,    file_unlock,   file_check_reserved, file_control,   file_sector_size,
    file_device, file_shm_map, file_shm_lock, file_shm_barrier,    file_shm_unmap, NULL,
    NULL,
};

/* ---- The file system ----------------------------------------------------------------------- */

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *out_flags)
{
    fault_file *self = (fault_file *)file;
    int code = strike(FAULT_OPEN);

    (void)vfs;
    self->base.pMethods = NULL;
    self->real = (sqlite3_file *)(self + 1);
    self->name = flags & SQLITE_OPEN_DELETEONCLOSE ? NULL : name;
    if (code == SQLITE_OK) code = under->xOpen(under, name, self->real, flags, out_flags);
    if (code) return code;
    self->base.pMethods = &file_methods;
    if (self->name) fault_power_opened(self->name);
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_directory)
{
    int code = strike(FAULT_DELETE);

    (void)vfs;
    if (code) return code;
    fault_power_deleted(name, sync_directory != 0);
    return under->xDelete(under, name, sync_for_real ? sync_directory : 0);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
    int code = strike(FAULT_ACCESS);

    (void)vfs;
    return code ? code : under->xAccess(under, name, flags, result);
}

static int vfs_full_pathname(sqlite3_vfs *vfs, const char *name, int size, char *full)
{
    (void)vfs;
    return under->xFullPathname(under, name, size, full);
}

static int vfs_randomness(sqlite3_vfs *vfs, int count, char *bytes)
{
    (void)vfs;
    return under->xRandomness(under, count, bytes);
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return microseconds;
}

static int vfs_current_time(sqlite3_vfs *vfs, double *julian_day)
{
    (void)vfs;
    return under->xCurrentTime(under, julian_day);
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *text)
{
    (void)vfs;
    return under->xGetLastError(under, size, text);
}

int fault_vfs_register(void)
{
    static sqlite3_vfs vfs;

    if (under) return SQLITE_OK;
    under = sqlite3_vfs_find(NULL);
    if (!under) return SQLITE_ERROR;
    vfs.iVersion = 1;
    vfs.szOsFile = (int)sizeof(fault_file) + under->szOsFile;
    vfs.mxPathname = under->mxPathname;
    vfs.zName = FAULT_VFS_NAME;
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    vfs.xAccess = vfs_access;
    vfs.xFullPathname = vfs_full_pathname;
    vfs.xRandomness = vfs_randomness;
    vfs.xSleep = vfs_sleep;
    vfs.xCurrentTime = vfs_current_time;
    vfs.xGetLastError = vfs_last_error;
    return sqlite3_vfs_register(&vfs, 0);
}

/* ---- What a test asks for ------------------------------------------------------------------ */

static void arm(unsigned operations, fault_action action, int code, int64_t nth, bool persistent)
{
    plan_operations = operations;
    plan_action = action;
    plan_code = code;
    fault_plan_arm(&plan, nth, persistent);
}

void fault_vfs_arm(unsigned operations, int code, int64_t nth, bool persistent)
{
    arm(operations, RETURN_CODE, code, nth, persistent);
}

void fault_vfs_arm_kill(unsigned operations, int64_t nth)
{
    arm(operations, KILL_PROCESS, SQLITE_OK, nth, false);
}

void fault_vfs_arm_cut(unsigned operations, int64_t nth)
{
    arm(operations, CUT_POWER, SQLITE_OK, nth, false);
}

void fault_vfs_disarm(void)
{
    fault_plan_disarm(&plan);
}

int64_t fault_vfs_fired(void)
{
    return plan.fired;
}

const fault_vfs_counts *fault_vfs_seen(void)
{
    return &counts;
}

void fault_vfs_reset(void)
{
    fault_plan_arm(&plan, 0, false);
    memset(&counts, 0, sizeof counts);
    sync_for_real = false;
}

void fault_vfs_sync_for_real(bool yes)
{
    sync_for_real = yes;
}
