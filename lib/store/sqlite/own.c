/* store/sqlite: logs in connections of the library's own. */
#include "store/sqlite/schema.h"
#include "store/sqlite/verbs.h"

/* ---- Files --------------------------------------------------------------------------------- */

/* The full name, which is never taken for a URI or ":memory:". Gives SQLite's result. */
static int find_full_name(sqlite3_vfs *vfs, const char *path, char **full)
{
    int result;

    *full = durable_allocate((size_t)vfs->mxPathname + 1);
    if (!*full) return SQLITE_NOMEM;
    /* Higher bits tell whether it went through symbolic links. */
    result = vfs->xFullPathname(vfs, path, vfs->mxPathname + 1, *full);
    if ((result & 0xff) == SQLITE_OK) return SQLITE_OK;
    durable_free(*full);
    *full = NULL;
    return result;
}

static int could_not(durable_sqlite *store, const char *what, const char *path, int result)
{
    durable_sqlite_failed(store, result, what);
    durable_error_prefix(&store->head.error, "file \"%s\": ", path);
    return store->head.error.code;
}

/* As SQLite makes its super-journals: only where there is no such file, whoever else tries. One
 * that is there its VFS may open all the same, but then to be read only. */
static int make_file(sqlite3_vfs *vfs, const char *full)
{
    sqlite3_file *file = durable_allocate((size_t)vfs->szOsFile);
    char *name = (char *)(uintptr_t)sqlite3_create_filename(full, "", "", 0, NULL);
    int given = 0, result = SQLITE_NOMEM;

    if (file && name)
        result = vfs->xOpen(vfs, name, file,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE |
                                SQLITE_OPEN_SUPER_JOURNAL,
                            &given);
    if (file && file->pMethods) file->pMethods->xClose(file);
    sqlite3_free_filename(name);
    durable_free(file);
    if (result == SQLITE_OK && (given & SQLITE_OPEN_READONLY)) return SQLITE_CANTOPEN;
    return result;
}

static int make_new_file(durable_sqlite *store, sqlite3_vfs *vfs, const char *full)
{
    int result = make_file(vfs, full), is_there = 0;

    if (result == SQLITE_OK) return DUR_OK;
    if (result != SQLITE_NOMEM) vfs->xAccess(vfs, full, SQLITE_ACCESS_EXISTS, &is_there);
    if (!is_there) return could_not(store, "make it", full, result);
    return durable_error_set(&store->head.error, DUR_CONFLICT,
                             "file \"%s\": it is there already: give another name, or remove it",
                             full);
}

DURABLE_INTERNAL void durable_sqlite_remove(const char *path)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    char *full = NULL;

    /* Without memory for the full name the given one has to do, which most systems take as well. */
    if (!vfs) return;
    vfs->xDelete(vfs, find_full_name(vfs, path, &full) == SQLITE_OK ? full : path, 0);
    durable_free(full);
}

/* ---- Connections --------------------------------------------------------------------------- */

static int connect(durable_sqlite *store, const char *name, int flags)
{
    int result = sqlite3_open_v2(name, &store->db, flags, NULL);

    if (result == SQLITE_OK) return DUR_OK;
    if (store->db) result = sqlite3_extended_errcode(store->db);
    return could_not(store, "open it", name, result);
}

/* The connection that was opened in vain. */
static void disconnect(durable_sqlite *store)
{
    durable_sqlite_forget_statements(store);
    sqlite3_close(store->db);
    store->db = NULL;
}

static int open_new_file(durable_sqlite *store, sqlite3_vfs *vfs, const char *full)
{
    int code = make_new_file(store, vfs, full);

    if (code != DUR_OK) return code;
    code = connect(store, full, SQLITE_OPEN_READWRITE);
    if (code == DUR_OK) code = durable_sqlite_settle(store);
    if (code == DUR_OK) return DUR_OK;
    disconnect(store);
    vfs->xDelete(vfs, full, 0);
    return code;
}

static int open_to_read(durable_sqlite *store, const char *full)
{
    int code = connect(store, full, SQLITE_OPEN_READONLY);

    if (code != DUR_OK) return code;
    code = durable_sqlite_settle(store);
    if (code == DUR_OK) return DUR_OK;
    if (code == DUR_READONLY && store->head.error.sqlite_code == 0)
        durable_error_set(&store->head.error, DUR_INVALID, "it is a database without a log");
    durable_error_prefix(&store->head.error, "file \"%s\": ", full);
    return store->head.error.code;
}

static int open_file(durable_sqlite *store, const char *path, bool is_new)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    char *full = NULL;
    int result = vfs ? find_full_name(vfs, path, &full) : SQLITE_NOMEM;
    int code;

    if (result != SQLITE_OK) return could_not(store, "open it", path, result);
    code = is_new ? open_new_file(store, vfs, full) : open_to_read(store, full);
    durable_free(full);
    return code;
}

DURABLE_INTERNAL int durable_sqlite_open_own(const char *path, durable_sqlite_place place,
                                             const durable_sqlite_options *options,
                                             durable_store **out)
{
    durable_sqlite_options own = *options;
    durable_sqlite *store;
    int code;

    own.schema = NULL;
    own.read_only = place == DURABLE_SQLITE_READ_FILE;
    store = durable_sqlite_new(&own);
    *out = store ? &store->head : NULL;
    if (!store) return DUR_NOMEM;
    store->owns_db = true;
    if (place != DURABLE_SQLITE_MEMORY)
        return open_file(store, path, place == DURABLE_SQLITE_NEW_FILE);
    code = connect(store, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    return code == DUR_OK ? durable_sqlite_settle(store) : code;
}
