/*
 * test/unit: the arrows of the design, and the signs at the doors. Every source file is read and
 * held to the rules of its room; then each rule is shown a file that breaks it.
 *
 *     cli, examples -> include;  api -> engine -> store.h -> base;  store/sqlite -> store.h, base
 *     api -> history, testbench -> engine
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 12

/* What a file may do, by the first rule whose folder its path begins with. */
typedef struct rule {
    const char *folder;
    const char *room;           /* how its first line begins; NULL: anything */
    const char *includes[MOST]; /* of our own headers in folders: how the allowed ones begin */
    bool sqlite;                /* may include <sqlite3.h> */
    bool statements;            /* may prepare and step statements, and hold SQL */
} rule;

static const rule rules[] = {
    {"include/durable_cmocka.h", "durable_cmocka.h - ", {"durable.h"}, false, false},
    {"include/", "durable.h - ", {NULL}, false, false},
    {"lib/base/", "base: ", {"durable.h", "base/"}, true, false},
    {"lib/engine/",
     "engine: ",
     {"durable.h", "engine/", "store/store.h", "store/guard.h", "base/"},
     false,
     false},
    {"lib/store/sqlite/",
     "store/sqlite: ",
     {"durable.h", "store/sqlite/", "store/store.h", "base/"},
     true,
     true},
    {"lib/store/",
     "store: ",
     {"durable.h", "store/store.h", "store/guard.h", "base/"},
     false,
     false},
    {"lib/history/json.c", "history: ", {"history/", "base/"}, true, true},
    {"lib/history/",
     "history: ",
     {"durable.h", "history/", "engine/", "store/store.h", "base/"},
     false,
     false},
    {"lib/testbench/",
     "testbench: ",
     {"durable.h", "testbench/", "engine/", "store/store.h", "store/guard.h", "base/"},
     false,
     false},
    {"lib/api/",
     "api: ",
     {"durable.h", "api/", "engine/", "history/", "testbench/", "store/store.h", "store/guard.h",
      "store/sqlite/sqlite_store.h", "base/"},
     true,
     false},
    {"lib/cli/", "cli: ", {"durable.h", "cli/"}, true, true},
    {"lib/", NULL, {NULL}, false, false},
    {"examples/", "examples: ", {NULL}, true, true},
    {"test/api/", "test/api: ", {"api/", "support/"}, true, true},
    {"test/conformance/", "test/conformance: ", {"conformance/", "support/"}, true, true},
    {"test/support/internal/",
     "test/support",
     {"support/", "base/", "engine/", "store/", "api/"},
     true,
     true},
    {"test/support/", "test/support: ", {"support/"}, true, true},
    {"test/compat/golden/", "test/compat: ", {"support/"}, true, true},
    {"test/compat/", "test/compat: ", {NULL}, true, true},
    {"test/", "test/", {""}, true, true},
};

static const char *const statement_functions[] = {
    "sqlite3_prepare", "sqlite3_step",     "sqlite3_bind_",  "sqlite3_column_", "sqlite3_exec",
    "sqlite3_reset",   "sqlite3_finalize", "sqlite3_get_table", "sqlite3_blob_", "sqlite3_stmt"};

/* Words that a string literal with SQL holds, in the capitals that the house writes SQL in. */
static const char *const sql_words[] = {"SELECT ",  "INSERT ", "UPDATE ",    "DELETE FROM",
                                        "CREATE ",  "DROP ",   "ALTER ",     "PRAGMA ",
                                        "BEGIN",    "COMMIT",  "SAVEPOINT",  "ROLLBACK",
                                        "RELEASE ", " WHERE ", "RETURNING "};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

/* ---- One file ------------------------------------------------------------------------------ */

typedef struct source {
    const char *path; /* from the top of the tree, such as "lib/engine/run.c" */
    const char *text;
    char *code;     /* the text, comments and what is in string literals blanked out */
    char *literals; /* the text, all but what is in string literals blanked out */
    const rule *rule;
    char complaint[512];
} source;

static bool complain(source *file, const char *format, ...)
{
    va_list arguments;
    size_t used;

    if (file->complaint[0])
        return false;
    snprintf(file->complaint, sizeof file->complaint, "%s: ", file->path);
    used = strlen(file->complaint);
    va_start(arguments, format);
    vsnprintf(file->complaint + used, sizeof file->complaint - used, format, arguments);
    va_end(arguments);
    return false;
}

static char *blank_copy(const char *text)
{
    size_t length = strlen(text);
    char *copy = malloc(length + 1);

    assert_non_null(copy);
    for (size_t i = 0; i < length; i++)
        copy[i] = text[i] == '\n' ? '\n' : ' ';
    copy[length] = 0;
    return copy;
}

static size_t comment_length(const char *at)
{
    const char *end = NULL;

    if (begins_with(at, "/*"))
        end = strstr(at + 2, "*/");
    else if (begins_with(at, "//"))
        return strcspn(at, "\n");
    else
        return 0;
    return end ? (size_t)(end - at) + 2 : strlen(at);
}

static size_t literal_length(const char *at)
{
    size_t length = 1;

    while (at[length] && at[length] != at[0] && at[length] != '\n')
        length += at[length] == '\\' && at[length + 1] ? 2 : 1;
    return at[length] == at[0] ? length + 1 : length;
}

/* The name in an #include is no literal: it stays in the code. */
static bool in_include(const char *text, const char *at)
{
    while (at > text && at[-1] != '\n')
        at--;
    at += strspn(at, " ");
    return *at == '#' && begins_with(at + 1 + strspn(at + 1, " "), "include");
}

static void separate(source *file)
{
    const char *at = file->text;

    file->code = blank_copy(file->text);
    file->literals = blank_copy(file->text);
    while (*at) {
        size_t offset = (size_t)(at - file->text);
        size_t length = comment_length(at);

        if (length == 0 && (*at == '"' || *at == '\'') && !in_include(file->text, at)) {
            length = literal_length(at);
            memcpy(file->literals + offset, at, length);
        } else if (length == 0) {
            length = 1;
            file->code[offset] = *at;
        }
        at += length;
    }
}

/* ---- The rules ----------------------------------------------------------------------------- */

/* Lower case, digits and underscores; no abbreviation could be told by a machine. */
static bool check_name(source *file)
{
    const char *name = strrchr(file->path, '/');
    size_t length;

    name = name ? name + 1 : file->path;
    length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    name += length;
    if (length == 0 || (strcmp(name, ".c") && strcmp(name, ".h") && strcmp(name, ".cpp")))
        return complain(file, "file names are lower_case.c or lower_case.h");
    return true;
}

/* The first line of a file names its room. */
static bool check_first_line(source *file)
{
    const char *text = file->text;

    if (!file->rule->room)
        return complain(file, "lib/ has no such room");
    if (begins_with(text, "/*\n * "))
        text += strlen("/*\n * ");
    else if (begins_with(text, "/* "))
        text += strlen("/* ");
    else
        return complain(file, "begins without a comment");
    if (!begins_with(text, file->rule->room))
        return complain(file, "its first line does not begin with \"%s\"", file->rule->room);
    return true;
}

static bool check_quoted_include(source *file, const char *name)
{
    const char *const *allowed = file->rule->includes;

    for (size_t i = 0; i < MOST && allowed[i]; i++) {
        if (begins_with(name, allowed[i]))
            return true;
    }
    /* Beside it in a room outside the library. */
    if (!begins_with(file->path, "lib/") && !strchr(name, '/'))
        return true;
    return complain(file, "may not include \"%s\"", name);
}

static bool check_system_include(source *file, const char *name)
{
    static const char *const rooms[] = {"base/", "engine/", "store/", "api/"};

    if (strcmp(name, "sqlite3.h") == 0 && !file->rule->sqlite)
        return complain(file, "may not include <sqlite3.h>");
    for (size_t i = 0; i < COUNT(rooms); i++) {
        if (begins_with(name, rooms[i]))
            return complain(file, "may not include <%s>", name);
    }
    return true;
}

static bool check_include_line(source *file, const char *at)
{
    char name[256];
    char close = *at == '<' ? '>' : '"';
    size_t length;

    if (*at != '<' && *at != '"')
        return complain(file, "an #include names its file");
    length = strcspn(at + 1, "<>\"\n");
    if (at[length + 1] != close || length >= sizeof name)
        return complain(file, "an #include is broken");
    memcpy(name, at + 1, length);
    name[length] = 0;
    if (strstr(name, "..") || (begins_with(file->path, "lib/") && ends_with(name, ".c")))
        return complain(file, "may not include \"%s\"", name);
    return close == '>' ? check_system_include(file, name) : check_quoted_include(file, name);
}

static bool check_includes(source *file)
{
    const char *at = file->code;

    while ((at = strchr(at, '#'))) {
        at += 1 + strspn(at + 1, " \t");
        if (!begins_with(at, "include"))
            continue;
        at += strlen("include");
        if (!check_include_line(file, at + strspn(at, " \t")))
            return false;
    }
    return true;
}

/* Statements and SQL are the SQLite store's. */
static bool check_statements(source *file)
{
    if (file->rule->statements)
        return true;
    for (size_t i = 0; i < COUNT(statement_functions); i++) {
        if (strstr(file->code, statement_functions[i]))
            return complain(file, "%s… belongs to lib/store/sqlite", statement_functions[i]);
    }
    for (size_t i = 0; i < COUNT(sql_words); i++) {
        if (strstr(file->literals, sql_words[i]))
            return complain(file, "SQL text (%s) belongs to lib/store/sqlite", sql_words[i]);
    }
    return true;
}

/* What one file of the library shows another begins with durable_. */
static bool check_internal_names(source *file)
{
    static const char word[] = "\nDURABLE_INTERNAL ";
    const char *at = file->code;

    while (begins_with(file->path, "lib/") && (at = strstr(at, word))) {
        size_t line;
        const char *name;

        at += strlen(word);
        line = strcspn(at, "(=;\n");
        name = at + line;
        while (name > at && name[-1] != ' ' && name[-1] != '*')
            name--;
        if (!begins_with(name, "durable_"))
            return complain(file, "internal names begin with durable_: %.*s", (int)line, at);
    }
    return true;
}

/* 100 columns, blanks for tabs, nothing at a line's end. */
static bool check_lines(source *file)
{
    size_t columns = 0;
    int line = 1;

    for (const char *at = file->text; *at; at++) {
        if (*at == '\t')
            return complain(file, "line %d has a tab", line);
        if (*at == '\n' && at > file->text && at[-1] == ' ')
            return complain(file, "line %d ends with a blank", line);
        columns = *at == '\n' ? 0 : columns + ((*at & 0xc0) != 0x80);
        if (columns > 100)
            return complain(file, "line %d has more than 100 columns", line);
        line += *at == '\n';
    }
    return true;
}

/* The first complaint about a file, or "". */
static void judge(source *file)
{
    file->complaint[0] = 0;
    for (size_t i = 0; i < COUNT(rules) && !file->rule; i++) {
        if (begins_with(file->path, rules[i].folder))
            file->rule = &rules[i];
    }
    separate(file);
    if (!file->rule)
        complain(file, "stands in no room");
    else if (check_name(file) && check_first_line(file) && check_includes(file) &&
             check_statements(file) && check_internal_names(file))
        check_lines(file);
    free(file->code);
    free(file->literals);
}

/* ---- The tree ------------------------------------------------------------------------------ */

typedef struct survey {
    int files;
    int complaints;
    int doors; /* files of lib/api that open the SQLite store */
} survey;

static char *read_text(const char *path)
{
    FILE *stream = fopen(path, "rb");
    char *text;
    long size;

    assert_non_null(stream);
    assert_int_equal(fseek(stream, 0, SEEK_END), 0);
    size = ftell(stream);
    assert_true(size >= 0);
    rewind(stream);
    text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, stream), (size_t)size);
    fclose(stream);
    return text;
}

static void join(char *path, size_t size, const char *folder, const char *name)
{
    assert_true(strlen(folder) + strlen(name) + 2 <= size);
    strcpy(path, folder);
    strcat(path, "/");
    strcat(path, name);
}

static void survey_file(survey *all, const char *path)
{
    char full[4096];
    source file = {.path = path};
    char *text;

    join(full, sizeof full, DUR_SOURCE_DIR, path);
    text = read_text(full);
    file.text = text;
    judge(&file);
    all->files++;
    if (file.complaint[0]) {
        all->complaints++;
        print_error("%s\n", file.complaint);
    }
    if (begins_with(path, "lib/api/") && strstr(text, "#include \"store/sqlite/"))
        all->doors++;
    free(text);
}

static void survey_folder(survey *all, const char *folder)
{
    char path[4096];
    DIR *directory;
    struct dirent *entry;

    join(path, sizeof path, DUR_SOURCE_DIR, folder);
    directory = opendir(path);
    if (!directory)
        return; /* a file, or a room that is not built yet */
    while ((entry = readdir(directory))) {
        if (entry->d_name[0] == '.')
            continue;
        join(path, sizeof path, folder, entry->d_name);
        if (ends_with(path, ".c") || ends_with(path, ".h") || ends_with(path, ".cpp"))
            survey_file(all, path);
        else
            survey_folder(all, path);
    }
    closedir(directory);
}

static void every_file_keeps_the_rules_of_its_room(void **state)
{
    survey all = {0};

    (void)state;
    survey_folder(&all, "include");
    survey_folder(&all, "lib");
    survey_folder(&all, "examples");
    survey_folder(&all, "test");
    assert_true(all.files > 40);
    assert_int_equal(all.complaints, 0);
    assert_int_equal(all.doors, 1);
}

/* ---- Violations ---------------------------------------------------------------------------- */

typedef struct planted {
    const char *path;
    const char *text;
    const char *complaint; /* a part of it; "" where there is none */
} planted;

static const planted plants[] = {
    /* What is allowed stays allowed. */
    {"lib/engine/run.c", "/* engine: x */\n#include \"store/store.h\"\n#include <string.h>\n", ""},
    {"lib/engine/run.c", "/* engine: SELECT in a comment, sqlite3_step too */\n", ""},
    {"lib/store/sqlite/a.c", "/* store/sqlite: x */\n#include <sqlite3.h>\nchar s[] = \"BEGIN\";\n",
     ""},
    {"lib/api/log.c", "/* api: x */\n#include \"store/sqlite/sqlite_store.h\"\n", ""},
    {"lib/base/error.c", "/* base: x */\n#include <sqlite3.h>\n", ""},
    {"examples/01_hello.c", "/*\n * examples: x\n */\n#include <durable.h>\n", ""},

    /* Each arrow against its direction. */
    {"lib/base/a.c", "/* base: x */\n#include \"engine/run.h\"\n", "may not include \"engine"},
    {"lib/base/a.h", "/* base: x */\n#include \"store/store.h\"\n", "may not include \"store"},
    {"lib/store/store.h", "/* store: x */\n#include \"engine/run.h\"\n", "may not include"},
    {"lib/store/store.h", "/* store: x */\n#include <sqlite3.h>\n", "may not include <sqlite3.h>"},
    {"lib/engine/a.c", "/* engine: x */\n#include \"store/sqlite/rows.h\"\n", "may not include"},
    {"lib/engine/a.c", "/* engine: x */\n#include \"api/log.h\"\n", "may not include \"api/log.h"},
    {"lib/engine/a.c", "/* engine: x */\n#include \"../store/sqlite/rows.h\"\n", "may not incl"},
    {"lib/engine/a.c", "/* engine: x */\n#  include <sqlite3.h>\n", "may not include <sqlite3"},
    {"lib/engine/a.c", "/* engine: x */\n#include <store/sqlite/rows.h>\n", "may not include <s"},
    {"lib/engine/a.c", "/* engine: x */\n#include \"engine/b.c\"\n", "may not include"},
    {"lib/engine/a.c", "/* engine: x */\n#include HEADER\n", "names its file"},
    {"lib/store/sqlite/a.c", "/* store/sqlite: x */\n#include \"engine/run.h\"\n", "may not incl"},
    {"lib/api/log.c", "/* api: x */\n#include \"store/sqlite/rows.h\"\n", "may not include"},
    {"lib/cli/main.c", "/* cli: x */\n#include \"engine/run.h\"\n", "may not include"},
    {"examples/01_a.c", "/* examples: x */\n#include \"base/error.h\"\n", "may not include"},
    {"test/api/a_test.c", "/* test/api: x */\n#include \"engine/run.h\"\n", "may not include"},
    {"test/support/a.c", "/* test/support: x */\n#include \"store/store.h\"\n", "may not incl"},

    /* Statements and SQL outside their room. */
    {"lib/engine/a.c", "/* engine: x */\nint a = sqlite3_step(s);\n", "sqlite3_step"},
    {"lib/base/a.c", "/* base: x */\nint a = sqlite3_exec(d, s, 0, 0, 0);\n", "sqlite3_exec"},
    {"lib/api/a.c", "/* api: x */\nsqlite3_stmt *a;\n", "sqlite3_stmt"},
    {"lib/api/a.c", "/* api: x */\nchar s[] = \"SELECT 1\";\n", "SQL text"},
    {"lib/engine/a.c", "/* engine: x */\nchar s[] = \"a \\\" COMMIT\";\n", "SQL text"},

    /* Signs at the doors. */
    {"lib/engine/a.c", "#include <string.h>\n", "begins without a comment"},
    {"lib/engine/a.c", "/* api: x */\n", "does not begin with \"engine: \""},
    {"lib/queue/a.c", "/* queue: x */\n", "lib/ has no such room"},
    {"misc/a.c", "/* misc: x */\n", "stands in no room"},
    {"lib/engine/RunStep.c", "/* engine: x */\n", "file names are lower_case"},
    {"lib/engine/a.h", "/* engine: x */\nDURABLE_INTERNAL int run_step(int a);\n", "internal nam"},
    {"lib/engine/a.h", "/* engine: x */\nDURABLE_INTERNAL char *durable_a(int a);\n", ""},
    {"lib/engine/a.c", "/* engine: x */\n\tint a;\n", "line 2 has a tab"},
    {"lib/engine/a.c", "/* engine: x */ \n", "line 1 ends with a blank"},
};

static void every_planted_violation_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(plants); i++) {
        source file = {.path = plants[i].path, .text = plants[i].text};

        judge(&file);
        if (plants[i].complaint[0] ? !strstr(file.complaint, plants[i].complaint)
                                   : file.complaint[0] != 0)
            fail_msg("planted in %s:\n%s\nexpected \"%s\", got \"%s\"", plants[i].path,
                     plants[i].text, plants[i].complaint, file.complaint);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_planted_violation_is_found),
        cmocka_unit_test(every_file_keeps_the_rules_of_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
