/*
 * history: the text form of a log, as durable.h documents it.
 *
 *     rows -> laws.c -> writer.c (lines), values.c -> export.c -> text, a file, another store
 *     text -> import.c (lines) -> json.c, reader.c, values.c -> laws.c -> rows
 *
 * What is exported can be imported, because both directions ask laws.c.
 */
#ifndef DURABLE_FORMAT_H
#define DURABLE_FORMAT_H

#include "base/arena.h"
#include "store/store.h"

#include <stdio.h>

#define DURABLE_FORMAT_VERSION 1

/* The longest text of a number: "0x1.fffffffffffffp-1022" with a sign, or "nan:" and 16 digits. */
#define DURABLE_REAL_SIZE 32

/* ---- line.c: text that grows --------------------------------------------------------------- */

typedef struct durable_line {
    char *bytes;
    size_t length, size;
    bool failed; /* out of memory: nothing more is added */
} durable_line;

DURABLE_INTERNAL void durable_line_add(durable_line *line, const char *bytes, size_t length);
DURABLE_INTERNAL void durable_line_add_string(durable_line *line, const char *string);
DURABLE_INTERNAL void durable_line_add_integer(durable_line *line, int64_t integer);
DURABLE_INTERNAL void durable_line_add_hex(durable_line *line, const void *bytes, size_t length);

/* Between quotes, with what JSON wants escaped; it must be valid UTF-8. */
DURABLE_INTERNAL void durable_line_add_quoted(durable_line *line, const char *text, size_t length);
DURABLE_INTERNAL void durable_line_free(durable_line *line);

/* ---- words.c: numbers of the file format, by name ------------------------------------------ */

typedef enum durable_vocabulary {
    DURABLE_WORDS_STATUS,
    DURABLE_WORDS_KIND,
    DURABLE_WORDS_OUTCOME,
    DURABLE_WORDS_INTENT,
    DURABLE_WORDS_PARENT_END
} durable_vocabulary;

/* NULL: no such number. */
DURABLE_INTERNAL const char *durable_word_of(durable_vocabulary vocabulary, int number);
/* False: no such word. */
DURABLE_INTERNAL bool durable_word_number(durable_vocabulary vocabulary, const char *word,
                                          int *number);
/* "a, b or c". */
DURABLE_INTERNAL const char *durable_words_list(durable_vocabulary vocabulary);

/* The position in a callback's address, "\t12"; 0: it is no such address. */
DURABLE_INTERNAL int64_t durable_position_of(const char *address, size_t length);

/* ---- values.c: values as text -------------------------------------------------------------- */

/* Whether type and format go together; what does not cannot be added. */
DURABLE_INTERNAL bool durable_datum_fits(const durable_datum *datum);
DURABLE_INTERNAL void durable_line_add_datum(durable_line *line, const durable_datum *datum);

/* A string, or {"text":…} where it is not valid UTF-8. */
DURABLE_INTERNAL void durable_line_add_text(durable_line *line, const char *text, size_t length);

/* An object's only member as a value, whose bytes are put into the arena. DUR_OK, DUR_NOMEM, or
 * DUR_INVALID, and *expected tells what should stand there. */
DURABLE_INTERNAL int durable_datum_of_member(const char *name, const char *text, size_t length,
                                             durable_arena *arena, durable_datum *datum,
                                             const char **expected);

/* Up to `most` hexadecimal digits, in lower case; how many. */
DURABLE_INTERNAL size_t durable_hex_number(const char *text, size_t most, uint64_t *number);

/* The bits of a double in hexadecimal, and back; the way back takes nothing but what the other way
 * makes. */
DURABLE_INTERNAL void durable_real_print(char text[DURABLE_REAL_SIZE], uint64_t bits);
DURABLE_INTERNAL bool durable_real_parse(const char *text, uint64_t *bits);

/* ---- json.c: SQLite's JSON functions ------------------------------------------------------- */

typedef enum durable_json_type {
    DURABLE_JSON_NULL,
    DURABLE_JSON_TRUE,
    DURABLE_JSON_FALSE,
    DURABLE_JSON_INTEGER,
    DURABLE_JSON_NUMBER, /* a fraction, or more than 64 bits hold */
    DURABLE_JSON_TEXT,
    DURABLE_JSON_ARRAY,
    DURABLE_JSON_OBJECT
} durable_json_type;

typedef struct durable_json_member {
    const char *name; /* NULL: an array's element, or what is neither object nor array */
    int type;
    int64_t integer;
    const char *text; /* of a text; of an array or an object: its JSON. With a NUL behind it */
    size_t length;
} durable_json_member;

/* 0: go on; else the visit's result. It must not read JSON. */
typedef int durable_json_visitor(const durable_json_member *member, void *context);

typedef struct durable_json durable_json;

/* DUR_OK, DUR_UNSUPPORTED (this SQLite has no JSON functions) or a database code. */
DURABLE_INTERNAL int durable_json_open(durable_json **json, durable_error *error);
DURABLE_INTERNAL void durable_json_close(durable_json *json);

/* Visit an object's members in order, those of the same name too. The text is valid UTF-8 without
 * NUL bytes. DUR_OK, DUR_INVALID (it is no JSON by RFC 8259, or has no members; the error is not
 * set), what the visitor gave, or a database code. */
DURABLE_INTERNAL int durable_json_visit(durable_json *json, const char *text, size_t length,
                                        durable_json_visitor *visit, void *context,
                                        durable_error *error);

/* ---- laws.c: what rows may hold, and how they may follow one another ------------------------ */

typedef struct durable_laws {
    int type;         /* of the last row; 0: none yet */
    bool in_run;      /* a run has come */
    int64_t position; /* of the last step, or pending one, of this run */
    int64_t epoch;    /* of this run */
    const char *member; /* what is wrong, or "" for the row itself, and how: */
    char problem[320];
} durable_laws;

/* Zeroed to begin with. False: the row breaks a law. */
DURABLE_INTERNAL bool durable_laws_keep(durable_laws *laws, const durable_row *row);

/* "expected …, found …" as an error, `member` in front of it. */
DURABLE_INTERNAL int durable_laws_error(const durable_laws *laws, durable_error *error, int code);

/* ---- writer.c ------------------------------------------------------------------------------ */

/* A row that keeps the laws as one line, its newline included. False: out of memory. */
DURABLE_INTERNAL bool durable_write_row(durable_line *line, const durable_row *row);

/* ---- reader.c ------------------------------------------------------------------------------ */

#define DURABLE_MEMBERS_MAX 32

/* What stands in a line. */
enum { DURABLE_LINE_HEADER = 100, DURABLE_LINE_END = 101 }; /* else DURABLE_ROW_QUEUE, … */

typedef struct durable_reader {
    durable_json *json;
    durable_arena arena; /* what the row points to, until the next line is read */
    durable_json_member members[DURABLE_MEMBERS_MAX];
    bool used[DURABLE_MEMBERS_MAX];
    size_t count;
    int code; /* DUR_OK, or the first problem with this line */
    durable_error *error;
} durable_reader;

/* A line without its newline: *type as above, and *row, or the number of a header or an end.
 * DUR_OK, DUR_INVALID, or a database code; the error tells what was expected and found. */
DURABLE_INTERNAL int durable_read_line(durable_reader *reader, const char *line, size_t length,
                                       int *type, durable_row *row, int64_t *number);

/* ---- export.c, import.c -------------------------------------------------------------------- */

/* See dur_export() and dur_export_file(); `options` is complete. */
DURABLE_INTERNAL int durable_export_text(durable_store *store, const char *run_id,
                                         const dur_export_options *options, dur_write_fn *write,
                                         void *user, durable_error *error);
DURABLE_INTERNAL int durable_export_to_file(durable_store *store, const char *run_id,
                                            const dur_export_options *options, const char *path,
                                            durable_error *error);

/* See dur_export_database(): into an empty store. */
DURABLE_INTERNAL int durable_export_to_store(durable_store *store, const char *run_id,
                                             const dur_export_options *options, durable_store *to,
                                             durable_error *error);

/* See dur_import(). */
DURABLE_INTERNAL int durable_import_text(durable_store *store, const char *text, size_t length,
                                         durable_error *error);
/* What is left of a stream. */
DURABLE_INTERNAL int durable_import_stream(durable_store *store, FILE *stream,
                                           durable_error *error);
DURABLE_INTERNAL int durable_import_store(durable_store *store, durable_store *from,
                                          durable_error *error);

/* ---- visit.c ------------------------------------------------------------------------------- */

/* See dur_visit_steps(). */
DURABLE_INTERNAL int durable_visit_steps(durable_store *store, const char *run_id, int64_t from,
                                         dur_step_visitor *visit, void *user,
                                         durable_error *error);

#endif
