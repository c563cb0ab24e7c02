/* history: JSON, read by SQLite's own functions on a connection that has nothing else to do. */
#include "history/format.h"

#include <sqlite3.h>

/*
 * json_valid() with one argument keeps to RFC 8259 in every version, also in those whose other
 * functions take JSON5 (sqlite.org/json1.html). As it names no column it is asked once, before the
 * object is looked into.
 */
#define MEMBERS                                                                                    \
    "SELECT key, type, atom, CASE WHEN type IN ('array', 'object') THEN value END"                 \
    " FROM json_each(?1) WHERE json_valid(?1)"

/* What it makes of a text that is none: an error, which out of memory is another one. */
#define LOOK "SELECT 1 FROM json_each(?1)"

struct durable_json {
    sqlite3 *db;
    sqlite3_stmt *members;
    sqlite3_stmt *look;
};

/* ---- Opening ------------------------------------------------------------------------------- */

static int cannot_read(durable_error *error, sqlite3 *db, int result)
{
    int code = DUR_DATABASE;

    if (result == SQLITE_NOMEM)
        code = DUR_NOMEM;
    else if (result == SQLITE_TOOBIG)
        code = DUR_TOO_BIG;
    else if (result == SQLITE_INTERRUPT)
        code = DUR_INTERRUPTED;
    durable_error_set(error, code, "cannot read JSON: %s",
                      code == DUR_NOMEM ? "out of memory" : sqlite3_errmsg(db));
    error->sqlite_code = result;
    return code;
}

/* All that can be missing are the functions. */
static int prepare(durable_json *json, durable_error *error)
{
    int result = sqlite3_prepare_v2(json->db, MEMBERS, -1, &json->members, NULL);

    if (result == SQLITE_OK) result = sqlite3_prepare_v2(json->db, LOOK, -1, &json->look, NULL);
    if (result == SQLITE_OK) return DUR_OK;
    if ((result & 0xff) != SQLITE_ERROR) return cannot_read(error, json->db, result & 0xff);
    return durable_error_set(error, DUR_UNSUPPORTED,
                             "this SQLite was built without its JSON functions");
}

DURABLE_INTERNAL int durable_json_open(durable_json **out, durable_error *error)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;
    durable_json *json = durable_allocate(sizeof *json);
    int result, code;

    *out = NULL;
    if (!json) return durable_error_set(error, DUR_NOMEM, "out of memory");
    result = sqlite3_open_v2(":memory:", &json->db, flags, NULL);
    code = result == SQLITE_OK ? prepare(json, error) : cannot_read(error, json->db, result & 0xff);
    if (code == DUR_OK)
        *out = json;
    else
        durable_json_close(json);
    return code;
}

DURABLE_INTERNAL void durable_json_close(durable_json *json)
{
    if (!json) return;
    sqlite3_finalize(json->members);
    sqlite3_finalize(json->look);
    sqlite3_close(json->db);
    durable_free(json);
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* "\u0000" would end a text where some versions of SQLite copy it. Before each backslash that
 * escapes stands none that does. */
static bool has_escaped_nul(const char *text, size_t length)
{
    const char *at = text, *end = text + length;

    while ((at = memchr(at, '\\', (size_t)(end - at)))) {
        if (end - at >= 6 && memcmp(at, "\\u0000", 6) == 0) return true;
        if (end - at < 2) return false;
        at += 2;
    }
    return false;
}

static int type_of(sqlite3_stmt *row)
{
    static const char *const names[] = {"null", "true", "false", "integer", "real",
                                        "text", "array", "object"};
    const char *name = (const char *)sqlite3_column_text(row, 1);
    int type = DURABLE_JSON_NULL;

    while (name && type < DURABLE_JSON_OBJECT && strcmp(name, names[type]) != 0) type++;
    if (type == DURABLE_JSON_INTEGER && sqlite3_column_type(row, 2) != SQLITE_INTEGER)
        type = DURABLE_JSON_NUMBER; /* too large for one */
    return name ? type : -1;
}

/* False: out of memory. */
static bool read_member(sqlite3_stmt *row, durable_json_member *member)
{
    int type = type_of(row), column = type == DURABLE_JSON_TEXT ? 2 : 3;
    bool has_text = type == DURABLE_JSON_TEXT || type >= DURABLE_JSON_ARRAY;

    memset(member, 0, sizeof *member);
    member->type = type;
    if (sqlite3_column_type(row, 0) == SQLITE_TEXT) {
        member->name = (const char *)sqlite3_column_text(row, 0);
        if (!member->name) return false;
    }
    if (type == DURABLE_JSON_INTEGER) member->integer = sqlite3_column_int64(row, 2);
    if (has_text) {
        member->text = (const char *)sqlite3_column_text(row, column);
        member->length = (size_t)sqlite3_column_bytes(row, column);
    }
    return type >= 0 && (!has_text || member->text);
}

static int bind_and_step(sqlite3_stmt *statement, const char *text, size_t length)
{
    int result = sqlite3_bind_text64(statement, 1, text, length, SQLITE_STATIC, SQLITE_UTF8);

    return result == SQLITE_OK ? sqlite3_step(statement) : result;
}

/* No binding is left that points to the text. */
static void rest(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

/* Without members, and nothing told of the memory that may have been lacking: is it the text? */
static bool is_to_blame(durable_json *json, const char *text, size_t length, int *result)
{
    *result = bind_and_step(json->look, text, length) & 0xff;
    rest(json->look);
    if (*result == SQLITE_ERROR) return true;
    if (*result != SQLITE_ROW && *result != SQLITE_DONE) return false;
    *result = bind_and_step(json->members, text, length) & 0xff;
    return *result == SQLITE_DONE || *result == SQLITE_ERROR;
}

DURABLE_INTERNAL int durable_json_visit(durable_json *json, const char *text, size_t length,
                                        durable_json_visitor *visit, void *context,
                                        durable_error *error)
{
    sqlite3_stmt *row = json->members;
    durable_json_member member;
    int result, code = DUR_OK;

    if (has_escaped_nul(text, length)) return DUR_INVALID;
    result = bind_and_step(row, text, length) & 0xff;
    if (result == SQLITE_DONE || result == SQLITE_ERROR) {
        rest(row);
        if (is_to_blame(json, text, length, &result)) code = DUR_INVALID;
    }
    while (code == DUR_OK && result == SQLITE_ROW) {
        if (!read_member(row, &member)) {
            result = SQLITE_NOMEM;
            break;
        }
        code = visit(&member, context);
        if (code == DUR_OK) result = sqlite3_step(row) & 0xff;
    }
    if (code == DUR_OK && result != SQLITE_DONE) code = cannot_read(error, json->db, result);
    rest(row);
    return code;
}
