/* history: a log on its way in, line by line, all of it or nothing. */
#include "history/format.h"

#include "engine/engine.h"

#include <errno.h>

typedef struct importing {
    durable_store *store;
    durable_reader reader;
    durable_laws laws;
    durable_error *error;
    int64_t line;  /* the number of the one that is read, from 1 */
    bool begun;    /* in the store; the header was right */
    bool complete; /* the last line has come */
} importing;

/* ---- Lines --------------------------------------------------------------------------------- */

static int in_line(importing *its, int code)
{
    durable_error_prefix(its->error, "line %lld: ", (long long)its->line);
    return code;
}

static int refuse_line(importing *its, const char *expected, const char *found)
{
    durable_error_set(its->error, DUR_INVALID, "expected %s, found %s", expected, found);
    return in_line(its, DUR_INVALID);
}

static int store_code(importing *its, int code)
{
    if (code != DUR_OK) durable_error_copy(its->error, &its->store->error);
    return code;
}

/* The lock is taken when it is clear that there is a log. */
static int begin(importing *its, int64_t version)
{
    int code;

    if (version != DURABLE_FORMAT_VERSION)
        return refuse_line(its, "version 1 of the format", "one that was never written");
    code = its->store->methods->begin_import(its->store);
    its->begun = code == DUR_OK;
    return store_code(its, code);
}

static int end(importing *its, int64_t lines)
{
    if (lines != its->line) {
        durable_error_set(its->error, DUR_INVALID, "\"end\": expected the number of lines, %lld, "
                                                   "found %lld",
                          (long long)its->line, (long long)lines);
        return in_line(its, DUR_INVALID);
    }
    its->complete = true;
    return DUR_OK;
}

static int too_new(durable_error *error, const durable_row *row)
{
    if (row->type != DURABLE_ROW_RUN || row->of.run.behaviour <= DURABLE_BEHAVIOUR) return DUR_OK;
    return durable_error_set(error, DUR_VERSION_TOO_NEW,
                             "\"behaviour\": expected at most %d, found %d: a newer library began "
                             "run \"%s\"",
                             DURABLE_BEHAVIOUR, row->of.run.behaviour, row->of.run.id);
}

static int put(importing *its, const durable_row *row)
{
    int code = DUR_INVALID;

    if (!durable_laws_keep(&its->laws, row))
        durable_laws_error(&its->laws, its->error, code);
    else
        code = too_new(its->error, row);
    if (code == DUR_OK) code = store_code(its, its->store->methods->put_row(its->store, row));
    return code == DUR_OK ? code : in_line(its, code);
}

static int take_line(importing *its, const char *line, size_t length)
{
    durable_row row;
    int64_t number;
    int code, type;

    its->line++;
    if (its->complete) return refuse_line(its, "nothing behind \"end\"", "one line more");
    code = durable_read_line(&its->reader, line, length, &type, &row, &number);
    if (code != DUR_OK) return in_line(its, code);
    if (!its->begun && type != DURABLE_LINE_HEADER)
        return refuse_line(its, "{\"durable\":1} in the first line", "another member");
    if (type == DURABLE_LINE_END) return end(its, number);
    if (type != DURABLE_LINE_HEADER) return put(its, &row);
    if (its->begun) return refuse_line(its, "\"durable\" in the first line only", "it again");
    return begin(its, number);
}

/* ---- Beginning and end --------------------------------------------------------------------- */

static int open_import(importing *its, durable_store *store, durable_error *error)
{
    memset(its, 0, sizeof *its);
    durable_error_clear(error);
    its->store = store;
    its->error = its->reader.error = error;
    return durable_json_open(&its->reader.json, error);
}

static int close_import(importing *its, int code)
{
    if (code == DUR_OK && !its->complete) {
        its->line++;
        code = refuse_line(its, its->begun ? "{\"end\":…}" : "{\"durable\":1}",
                           "the end of the text");
    }
    if (its->begun && code == DUR_OK)
        code = store_code(its, its->store->methods->end_import(its->store, true));
    else if (its->begun)
        its->store->methods->end_import(its->store, false);
    durable_arena_clear(&its->reader.arena);
    durable_json_close(its->reader.json);
    return code;
}

DURABLE_INTERNAL int durable_import_text(durable_store *store, const char *text, size_t length,
                                         durable_error *error)
{
    const char *end_of_text = text + length;
    importing its;
    int code = open_import(&its, store, error);

    while (code == DUR_OK && text < end_of_text) {
        const char *newline = memchr(text, '\n', (size_t)(end_of_text - text));
        const char *end_of_line = newline ? newline : end_of_text;

        code = take_line(&its, text, (size_t)(end_of_line - text));
        text = newline ? newline + 1 : end_of_text;
    }
    return close_import(&its, code);
}

/* ---- A stream ------------------------------------------------------------------------------ */

#define PIECE_SIZE ((size_t)16384)

/* The lines that are whole by now; what is left of them moves to the front. */
static int take_lines(importing *its, durable_line *read)
{
    size_t at = 0;
    int code = DUR_OK;

    while (code == DUR_OK) {
        const char *line = read->bytes + at;
        const char *newline = memchr(line, '\n', read->length - at);

        if (!newline) break;
        code = take_line(its, line, (size_t)(newline - line));
        at += (size_t)(newline - line) + 1;
    }
    memmove(read->bytes, read->bytes + at, read->length - at);
    read->length -= at;
    return code;
}

/* Looks for a newline only in what is new, so that a long line is not searched again and again. */
static int read_stream(importing *its, FILE *stream, durable_line *read)
{
    char piece[PIECE_SIZE];
    size_t count;
    int code = DUR_OK;

    errno = 0;
    while (code == DUR_OK && (count = fread(piece, 1, sizeof piece, stream)) > 0) {
        durable_line_add(read, piece, count);
        if (read->failed)
            code = durable_error_set(its->error, DUR_NOMEM, "out of memory for a line");
        else if (memchr(piece, '\n', count))
            code = take_lines(its, read);
    }
    if (code == DUR_OK && ferror(stream))
        code = durable_error_set(its->error, DUR_IOERR, "cannot read the file: %s",
                                 strerror(errno ? errno : EIO));
    if (code == DUR_OK && read->length > 0) code = take_line(its, read->bytes, read->length);
    return code;
}

DURABLE_INTERNAL int durable_import_stream(durable_store *store, FILE *stream,
                                           durable_error *error)
{
    durable_line read = {0};
    importing its;
    int code = open_import(&its, store, error);

    if (code == DUR_OK) code = read_stream(&its, stream, &read);
    durable_line_free(&read);
    return close_import(&its, code);
}

/* ---- Another store ------------------------------------------------------------------------- */

static int take_row(const durable_row *row, void *context)
{
    importing *its = context;
    int code = DUR_CORRUPT;

    if (!durable_laws_keep(&its->laws, row))
        durable_laws_error(&its->laws, its->error, code);
    else
        code = too_new(its->error, row);
    return code == DUR_OK ? store_code(its, its->store->methods->put_row(its->store, row)) : code;
}

DURABLE_INTERNAL int durable_import_store(durable_store *store, durable_store *from,
                                          durable_error *error)
{
    importing its;
    int code, ended;

    memset(&its, 0, sizeof its);
    durable_error_clear(error);
    its.store = store;
    its.error = error;
    code = store->methods->begin_import(store);
    if (code != DUR_OK) return store_code(&its, code);
    code = from->methods->visit_rows(from, NULL, take_row, &its);
    if (code != DUR_OK && error->code == DUR_OK) durable_error_copy(error, &from->error);
    ended = store->methods->end_import(store, code == DUR_OK);
    return code == DUR_OK ? store_code(&its, ended) : code;
}
