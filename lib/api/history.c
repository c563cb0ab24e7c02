/* api: recorded steps, export and import. */
#include "api/api.h"
#include "api/open.h"
#include "history/format.h"

/* "SQLite format 3" and its NUL, which a database file begins with. */
#define DATABASE_HEAD "SQLite format 3"
#define DATABASE_HEAD_SIZE sizeof DATABASE_HEAD

static int of_run(dur_log *log, const char *run_id, int code)
{
    if (run_id && code != DUR_OK) durable_error_prefix(&log->error, "run \"%s\": ", run_id);
    return code;
}

DUR_API int dur_visit_steps(dur_log *log, const char *run_id, int64_t from,
                            dur_step_visitor *visit, void *user)
{
    int code = durable_check_log(log);

    if (code == DUR_OK) code = durable_check_name(log, "run id", run_id);
    if (code != DUR_OK) return code;
    if (!visit || from < 0)
        return of_run(log, run_id,
                      durable_error_set(&log->error, DUR_MISUSE,
                                        "dur_visit_steps() needs a visitor, and a position from 0"
                                        " on"));
    log->visiting = true;
    code = durable_visit_steps(log->store, run_id, from, visit, user, &log->error);
    return durable_visited(log, of_run(log, run_id, code));
}

/* ---- Export -------------------------------------------------------------------------------- */

/* DUR_OK: and the log is being visited, until told() has been asked. */
static int check_export(dur_log *log, const char *run_id, const dur_export_options *given,
                        const char *what, dur_export_options *options)
{
    const dur_export_options defaults = DUR_EXPORT_OPTIONS_INIT;
    int code = durable_check_log(log);

    *options = defaults;
    if (code == DUR_OK && run_id) code = durable_check_name(log, "run id", run_id);
    if (code != DUR_OK) return code;
    if (what) return durable_error_set(&log->error, DUR_MISUSE, "an export needs %s", what);
    log->visiting = !given || durable_copy_struct(options, sizeof *options, given);
    if (log->visiting) return DUR_OK;
    return durable_error_set(&log->error, DUR_MISUSE,
                             "the export options must be set up with DUR_EXPORT_OPTIONS_INIT");
}

/* What the store says of a run that it does not export. */
static int told(dur_log *log, const char *run_id, int code)
{
    if (code == DUR_NOT_FOUND && run_id)
        durable_error_set(&log->error, code, "run \"%s\": there is no such run in this log",
                          run_id);
    return durable_visited(log, code);
}

DUR_API int dur_export(dur_log *log, const char *run_id, const dur_export_options *options,
                       dur_write_fn *write, void *user)
{
    dur_export_options full;
    int code = check_export(log, run_id, options, write ? NULL : "a function to write with", &full);

    if (code != DUR_OK) return code;
    return told(log, run_id,
                durable_export_text(log->store, run_id, &full, write, user, &log->error));
}

DUR_API int dur_export_file(dur_log *log, const char *run_id, const dur_export_options *options,
                            const char *path)
{
    dur_export_options full;
    int code = check_export(log, run_id, options, path ? NULL : "a path", &full);

    if (code != DUR_OK) return code;
    return told(log, run_id,
                durable_export_to_file(log->store, run_id, &full, path, &log->error));
}

/* The new file's clock is the host's, as far as a log has one. */
static int open_own(const durable_clock *clock, const char *path, durable_own how,
                    durable_store **store, durable_error *error)
{
    dur_options options = DUR_OPTIONS_INIT;
    int code;

    options.now_ms = clock->now_ms;
    options.random = clock->random;
    options.sleep = clock->sleep;
    options.user = clock->user;
    code = durable_open_own_store(path, how, &options, store);
    if (code == DUR_OK) return code;
    if (!*store) return durable_error_set(error, DUR_NOMEM, "out of memory for \"%s\"", path);
    durable_error_copy(error, &(*store)->error);
    (*store)->methods->close(*store);
    return code;
}

DUR_API int dur_export_database(dur_log *log, const char *run_id,
                                const dur_export_options *options, const char *path)
{
    dur_export_options full;
    durable_store *to;
    int code = check_export(log, run_id, options, path ? NULL : "a path", &full);

    if (code != DUR_OK) return code;
    code = open_own(&log->clock, path, DURABLE_OWN_NEW, &to, &log->error);
    if (code != DUR_OK) return durable_visited(log, code);
    code = durable_export_to_store(log->store, run_id, &full, to, &log->error);
    to->methods->close(to);
    if (code != DUR_OK) durable_remove_own(path);
    return told(log, run_id, code);
}

/* ---- Import -------------------------------------------------------------------------------- */

DUR_API int dur_import(dur_log *log, const char *text, size_t length)
{
    int code = durable_check_log(log);

    if (code != DUR_OK) return code;
    if (!text)
        return durable_error_set(&log->error, DUR_MISUSE, "dur_import() needs a text, not NULL");
    return durable_import_text(log->store, text, length, &log->error);
}

static int import_database(durable_store *store, const durable_clock *clock, const char *path,
                           durable_error *error)
{
    durable_store *from;
    int code = open_own(clock, path, DURABLE_OWN_READ, &from, error);

    if (code != DUR_OK) return code;
    code = durable_import_store(store, from, error);
    from->methods->close(from);
    return code;
}

/* A file of either form, by its first bytes. */
static int import_file(durable_store *store, const durable_clock *clock, const char *path,
                       durable_error *error)
{
    char head[DATABASE_HEAD_SIZE] = "";
    FILE *stream = fopen(path, "rb");
    bool is_database;
    int code;

    if (!stream) return durable_error_set(error, DUR_IOERR, "cannot open \"%s\"", path);
    is_database = fread(head, 1, sizeof head, stream) == sizeof head &&
                  memcmp(head, DATABASE_HEAD, sizeof head) == 0;
    clearerr(stream);
    rewind(stream);
    code = is_database ? DUR_OK : durable_import_stream(store, stream, error);
    fclose(stream);
    if (is_database) code = import_database(store, clock, path, error);
    if (code != DUR_OK) durable_error_prefix(error, "\"%s\": ", path);
    return code;
}

DUR_API int dur_import_file(dur_log *log, const char *path)
{
    int code = durable_check_log(log);

    if (code != DUR_OK) return code;
    if (!path)
        return durable_error_set(&log->error, DUR_MISUSE,
                                 "dur_import_file() needs a path, not NULL");
    return import_file(log->store, &log->clock, path, &log->error);
}

/* ---- Recordings ---------------------------------------------------------------------------- */

DUR_API int dur_open_recording(const char *path, const dur_options *options, dur_log **log)
{
    dur_options full;
    dur_retry retry;
    durable_store *store;
    durable_error error; /* the store's own is cleared when what was imported is taken back */
    durable_clock clock;
    int code;

    if (log) *log = NULL;
    if (!log) return DUR_MISUSE;
    code = durable_take_options("dur_open_recording()", options, &full, &retry, log);
    if (code != DUR_OK) return code;
    code = durable_open_own_store(NULL, DURABLE_OWN_MEMORY, &full, &store);
    durable_clock_init(&clock, &full);
    if (code == DUR_OK && path) {
        code = import_file(store, &clock, path, &error);
        if (code != DUR_OK) durable_error_copy(&store->error, &error);
    }
    if (full.read_only) code = durable_only_read(code, &store);
    return durable_open_log(store, code, &full, log);
}
