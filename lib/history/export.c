/* history: a log on its way out, as text or into another store. */
#include "history/format.h"

#include "base/text.h"
#include "engine/batch.h"

#include <errno.h>

typedef struct exporting exporting;

struct exporting {
    const dur_export_options *options;
    durable_error *error;
    durable_laws laws;
    char run_id[DUR_NAME_MAX + 1]; /* of the run that came last; "": none */
    char workflow[DUR_NAME_MAX + 1];
    int (*put)(exporting *its, const durable_row *row); /* DUR_OK, or the export's end */
    durable_arena names; /* of a row that is shown to the host */
    durable_line line;
    int64_t lines;
    dur_write_fn *write;
    void *user;
    durable_store *to;
};

/* ---- Redaction ----------------------------------------------------------------------------- */

static int refuse_redacted(exporting *its, const dur_exported *what, const char *problem)
{
    return durable_error_set(its->error, DUR_MISUSE,
                             "run \"%s\": redaction of its %s \"%s\" at position %lld: %s",
                             what->run_id, what->what, what->name, (long long)what->position,
                             problem);
}

static bool is_same(const dur_value *a, const dur_value *b)
{
    if (a->type != b->type || a->length != b->length) return false;
    if (a->type >= DUR_TEXT) return a->as.bytes == b->as.bytes;
    return memcmp(&a->as, &b->as, sizeof a->as) == 0;
}

/* An object of another machine is shown as one of this one; left alone, it stays what it was. */
static int redact_value(exporting *its, const dur_exported *what, durable_datum *datum)
{
    dur_value value, before;
    int code;

    if (!its->options->redact || datum->type == DURABLE_DATUM_NULL || !durable_datum_fits(datum))
        return DUR_OK;
    code = durable_value_decode(datum, &value);
    if (code == DUR_MISMATCH) value = dur_object(datum->bytes, datum->length);
    before = value;
    its->options->redact(what, &value, its->options->user);
    if (is_same(&before, &value)) return DUR_OK;
    if (durable_value_encode(value, datum) == DUR_OK) return DUR_OK;
    return refuse_redacted(its, what, "the value has an unknown type, or NULL for its bytes");
}

/* What stands for it has to live as long as the row. */
static int redact_failure(exporting *its, const dur_exported *given, const char **failure)
{
    dur_exported what = *given;
    dur_value value;
    const char *bytes;

    if (!its->options->redact || !*failure) return DUR_OK;
    what.what = "failure";
    value = dur_text(*failure);
    its->options->redact(&what, &value, its->options->user);
    bytes = value.as.bytes;
    if (value.type == DUR_TEXT && bytes == *failure && bytes[value.length] == '\0') return DUR_OK;
    if (value.type != DUR_TEXT || (!bytes && value.length) ||
        !durable_utf8_valid(bytes ? bytes : "", value.length))
        return refuse_redacted(its, &what, "the message of a failure must be a text in UTF-8");
    *failure = durable_arena_copy(&its->names, bytes, value.length);
    if (*failure) return DUR_OK;
    return durable_error_set(its->error, DUR_NOMEM, "out of memory for a failure's message");
}

/* What a batch came to is a line of the library's own, without which it does not replay. */
static bool is_summary(bool of_child, const durable_datum *datum)
{
    return of_child && datum->type == DURABLE_DATUM_TEXT &&
           durable_summary_is(datum->bytes, datum->length);
}

/* A failed step's value is its message. */
static int redact_step(exporting *its, dur_exported *what, durable_step_record *step)
{
    const char *failure;
    int code;

    what->name = durable_arena_copy(&its->names, step->name, step->name_length);
    what->position = step->position;
    what->what = "step";
    if (!what->name) return durable_error_set(its->error, DUR_NOMEM, "out of memory for a name");
    if (is_summary(step->kind == DURABLE_KIND_CHILD, &step->value)) return DUR_OK;
    if (step->outcome != DURABLE_OUTCOME_FAILURE)
        return redact_value(its, what, &step->value);
    if (step->value.type != DURABLE_DATUM_TEXT) return DUR_OK;
    failure = durable_arena_copy(&its->names, step->value.bytes, step->value.length);
    if (!failure) return durable_error_set(its->error, DUR_NOMEM, "out of memory for a failure");
    code = redact_failure(its, what, &failure);
    step->value.bytes = failure;
    step->value.length = strlen(failure);
    return code;
}

static int redact_pending(exporting *its, dur_exported *what, durable_pending *pending)
{
    int code;

    what->name = durable_arena_copy(&its->names, pending->name, pending->name_length);
    what->position = pending->position;
    what->what = "pending";
    if (!what->name) return durable_error_set(its->error, DUR_NOMEM, "out of memory for a name");
    code = redact_value(its, what, &pending->details);
    return code == DUR_OK ? redact_failure(its, what, &pending->failure) : code;
}

static int redact_signal(exporting *its, dur_exported *what, durable_signal_row *signal)
{
    int code;

    what->position = durable_position_of(signal->address, strlen(signal->address));
    if (!what->position) what->name = signal->address;
    what->what = "signal";
    code = redact_value(its, what, &signal->value);
    return code == DUR_OK ? redact_failure(its, what, &signal->failure) : code;
}

static int redact_run(exporting *its, dur_exported *what, durable_run_row *run)
{
    int code;

    what->what = "input";
    code = redact_value(its, what, &run->input);
    what->what = "output";
    if (code == DUR_OK && !is_summary(run->called, &run->output))
        code = redact_value(its, what, &run->output);
    return code == DUR_OK ? redact_failure(its, what, &run->failure) : code;
}

static int redact_row(exporting *its, durable_row *row)
{
    dur_exported what = {its->run_id, its->workflow, "", "", 0};

    if (!its->options->redact) return DUR_OK;
    switch (row->type) {
    case DURABLE_ROW_RUN: return redact_run(its, &what, &row->of.run);
    case DURABLE_ROW_STEP: return redact_step(its, &what, &row->of.step);
    case DURABLE_ROW_PENDING: return redact_pending(its, &what, &row->of.pending);
    case DURABLE_ROW_SIGNAL: return redact_signal(its, &what, &row->of.signal);
    default: return DUR_OK;
    }
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static int refuse_damaged(exporting *its)
{
    int code = durable_laws_error(&its->laws, its->error, DUR_CORRUPT);

    if (its->run_id[0]) durable_error_prefix(its->error, "run \"%s\": ", its->run_id);
    return code;
}

/* What the row holds is looked at before its names are relied upon, and again as it goes out. */
static int export_row(const durable_row *row, void *context)
{
    exporting *its = context;
    durable_row redacted = *row;
    int code;

    durable_arena_clear(&its->names);
    if (row->type == DURABLE_ROW_RUN) its->run_id[0] = '\0';
    if (!durable_laws_keep(&its->laws, row)) return refuse_damaged(its);
    if (row->type == DURABLE_ROW_RUN) {
        durable_print(its->run_id, sizeof its->run_id, "%s", row->of.run.id);
        durable_print(its->workflow, sizeof its->workflow, "%s", row->of.run.workflow);
    }
    code = redact_row(its, &redacted);
    return code == DUR_OK ? its->put(its, &redacted) : code;
}

static int visit(exporting *its, durable_store *store, const char *run_id)
{
    int code;

    durable_error_clear(its->error);
    code = store->methods->visit_rows(store, run_id, export_row, its);
    durable_arena_clear(&its->names);
    if (code == DUR_OK || its->error->code != DUR_OK) return code;
    durable_error_copy(its->error, &store->error);
    return code;
}

/* ---- Text ---------------------------------------------------------------------------------- */

static int send_line(exporting *its)
{
    if (its->line.failed)
        return durable_error_set(its->error, DUR_NOMEM, "out of memory for a line");
    its->lines++;
    if (its->write(its->line.bytes, its->line.length, its->user) == 0) return DUR_OK;
    return durable_error_set(its->error, DUR_STOPPED, "the export was ended by who writes it");
}

static int send_number(exporting *its, const char *name, int64_t number)
{
    its->line.length = 0;
    durable_line_add_string(&its->line, "{\"");
    durable_line_add_string(&its->line, name);
    durable_line_add_string(&its->line, "\":");
    durable_line_add_integer(&its->line, number);
    durable_line_add_string(&its->line, "}\n");
    return send_line(its);
}

/* The header goes out with the first row: where there is none to be had, nothing is written. */
static int send_header(exporting *its)
{
    return its->lines ? DUR_OK : send_number(its, "durable", DURABLE_FORMAT_VERSION);
}

static int send_row(exporting *its, const durable_row *row)
{
    int code = send_header(its);

    if (code != DUR_OK) return code;
    its->line.length = 0;
    durable_write_row(&its->line, row);
    return send_line(its);
}

DURABLE_INTERNAL int durable_export_text(durable_store *store, const char *run_id,
                                         const dur_export_options *options, dur_write_fn *write,
                                         void *user, durable_error *error)
{
    exporting its = {.options = options, .error = error, .write = write, .user = user};
    int code;

    its.put = send_row;
    code = visit(&its, store, run_id);
    if (code == DUR_OK) code = send_header(&its);
    if (code == DUR_OK) code = send_number(&its, "end", its.lines + 1);
    durable_line_free(&its.line);
    return code;
}

/* ---- A file -------------------------------------------------------------------------------- */

typedef struct new_file {
    const char *path;
    FILE *stream;
    int trouble; /* errno */
} new_file;

/* Made with the first line, and only if there is none. */
static int write_to_file(const char *line, size_t length, void *user)
{
    new_file *file = user;

    errno = 0;
    if (!file->stream) file->stream = fopen(file->path, "wbx");
    if (file->stream && fwrite(line, 1, length, file->stream) == length) return 0;
    file->trouble = errno ? errno : EIO;
    return 1;
}

static int tell_trouble(const new_file *file, durable_error *error)
{
    if (file->trouble == EEXIST && !file->stream)
        return durable_error_set(error, DUR_CONFLICT, "\"%s\" is there already", file->path);
    return durable_error_set(error, file->trouble == ENOSPC ? DUR_FULL : DUR_IOERR,
                             "cannot write \"%s\": %s", file->path, strerror(file->trouble));
}

DURABLE_INTERNAL int durable_export_to_file(durable_store *store, const char *run_id,
                                            const dur_export_options *options, const char *path,
                                            durable_error *error)
{
    new_file file = {path, NULL, 0};
    int code = durable_export_text(store, run_id, options, write_to_file, &file, error);
    bool opened = file.stream != NULL;

    if (code == DUR_STOPPED) code = tell_trouble(&file, error);
    errno = 0;
    if (opened && fclose(file.stream) != 0 && code == DUR_OK) {
        file.trouble = errno ? errno : EIO;
        code = tell_trouble(&file, error);
    }
    if (opened && code != DUR_OK) remove(path);
    return code;
}

/* ---- Another store ------------------------------------------------------------------------- */

static int put_row(exporting *its, const durable_row *row)
{
    int code = its->to->methods->put_row(its->to, row);

    if (code == DUR_OK) return code;
    durable_error_copy(its->error, &its->to->error);
    if (its->run_id[0]) durable_error_prefix(its->error, "run \"%s\": ", its->run_id);
    return code;
}

DURABLE_INTERNAL int durable_export_to_store(durable_store *store, const char *run_id,
                                             const dur_export_options *options, durable_store *to,
                                             durable_error *error)
{
    exporting its = {.options = options, .error = error, .to = to};
    int code = to->methods->begin_import(to), ended;

    if (code != DUR_OK) {
        durable_error_copy(error, &to->error);
        return code;
    }
    its.put = put_row;
    code = visit(&its, store, run_id);
    ended = to->methods->end_import(to, code == DUR_OK);
    if (code != DUR_OK || ended == DUR_OK) return code;
    durable_error_copy(error, &to->error);
    return ended;
}
