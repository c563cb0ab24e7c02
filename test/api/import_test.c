/*
 * test/api: what is imported, and what is not: whatever stands in a text, it is taken whole, or
 * refused with the line that is wrong, and nothing has changed. Law 9.
 */
#include "api/recorded.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- A small log --------------------------------------------------------------------------- */

#define UID_A "0123456789abcdef0123456789abcdef"
#define UID_B "ffffffffffffffffffffffffffffffff"
#define RUN                                                                                        \
    "{\"run\":\"r\",\"uid\":\"" UID_A "\",\"workflow\":\"w\",\"status\":\"suspended\","            \
    "\"behaviour\":1,\"queue\":\"w\",\"priority\":0,\"due\":50,\"awaits\":[\"go\",3],"             \
    "\"created\":10,\"epoch\":2,\"claims\":0,\"input\":null}\n"
#define STEP_1                                                                                     \
    "{\"step\":1,\"kind\":\"step\",\"name\":\"one\",\"outcome\":\"result\",\"value\":5,\"low\":1," \
    "\"epoch\":1,\"attempt\":1,\"began\":20,\"took\":1,\"fingerprint\":\"00000000000000ff\","      \
    "\"site\":\"a.c:1\"}\n"
#define STEP_2                                                                                     \
    "{\"step\":2,\"kind\":\"timer\",\"name\":\"two\",\"outcome\":\"timed out\",\"value\":null,"    \
    "\"low\":2,\"epoch\":1,\"attempt\":1,\"began\":21,\"took\":1}\n"
#define PENDING                                                                                    \
    "{\"pending\":3,\"kind\":\"callback\",\"name\":\"three\",\"attempt\":0,\"began\":22,"          \
    "\"interval\":0,\"choice\":0,\"value\":null}\n"
#define SIGNAL "{\"signal\":null,\"callback\":3,\"value\":{\"blob\":\"00ff\"},\"sent\":30}\n"
#define CHILD                                                                                      \
    "{\"run\":\"r/4\",\"uid\":\"" UID_B "\",\"workflow\":\"c\",\"status\":\"completed\","          \
    "\"behaviour\":1,\"parent\":\"r\",\"called_at\":4,\"called\":true,\"queue\":\"\","             \
    "\"priority\":0,\"created\":11,\"ended\":12,\"epoch\":1,\"claims\":1,\"input\":null,"          \
    "\"output\":{\"real\":\"0x1.8p+1\"}}\n"
#define HEADER "{\"durable\":1}\n"
#define QUEUE "{\"queue\":\"w\",\"max_active\":1,\"max_active_process\":0,\"interval_us\":0}\n"

static const char small[] =
    HEADER QUEUE RUN STEP_1 STEP_2 PENDING SIGNAL CHILD "{\"end\":9}\n";

typedef struct world {
    sqlite3 *db;
    dur_log *log;
    char *before; /* all rows of the log, in which a run is already */
} world;

static void open_world(world *it)
{
    assert_int_equal(sqlite3_open(":memory:", &it->db), SQLITE_OK);
    if (dur_open(it->db, NULL, &it->log) != DUR_OK) fail_msg("%s", dur_errmsg(it->log));
    assert_code(DUR_OK, dur_start(it->log, "w", "here", NULL), it->log);
    it->before = host_log_rows(it->db, "main");
}

/* It holds what it held. */
static void check_world(world *it, const char *text)
{
    char *after = host_log_rows(it->db, "main");

    if (strcmp(after, it->before) != 0) fail_msg("changed by\n%s", text);
    assert_true(sqlite3_get_autocommit(it->db));
    assert_int_equal(host_active_statements(it->db), 0);
    sqlite3_free(after);
}

static void leave_world(world *it)
{
    sqlite3_free(it->before);
    dur_close(it->log);
    assert_int_equal(sqlite3_close(it->db), SQLITE_OK);
}

static void close_world(world *it, const char *text)
{
    check_world(it, text);
    leave_world(it);
}

static void the_small_log_is_imported_and_exported_again(void **state)
{
    dur_log *log = exported_open(small, NULL);
    char *again = exported_text(log, NULL);

    (void)state;
    assert_string_equal(again, small);
    free(again);
    dur_close(log);
}

/* ---- Hostile texts ------------------------------------------------------------------------- */

typedef struct hostile {
    const char *from, *to;
    const char *message; /* the end of it is left out where SQLite has a say in it */
} hostile;

static const hostile texts[] = {
    /* Lines. */
    {HEADER, "", "line 1: expected {\"durable\":1} in the first line, found another member"},
    {HEADER, HEADER HEADER, "line 2: expected \"durable\" in the first line only, found it again"},
    {HEADER, "\n", "line 1: expected a JSON object (RFC 8259), found none"},
    {HEADER, "[1]\n", "line 1: expected a JSON object, found another value"},
    {HEADER, "17\n", "line 1: expected a JSON object, found another value"},
    {HEADER, "\"durable\"\n", "line 1: expected a JSON object, found another value"},
    {HEADER, "null\n", "line 1: expected a JSON object, found another value"},
    {HEADER, "{}\n", "line 1: expected a JSON object (RFC 8259), found none"},
    {HEADER, "{\"durable\":0}\n",
     "line 1: expected version 1 of the format, found one that was never written"},
    {HEADER, "{\"durable\":\"1\"}\n",
     "line 1: \"durable\": expected an integer, found a text"},
    {HEADER, "{\"durable\":1,\"more\":1}\n",
     "line 1: \"more\": expected no such member in this line, found it"},
    {HEADER, "\xEF\xBB\xBF" HEADER, "line 1: expected a JSON object (RFC 8259), found none"},
    {"{\"end\":9}\n", "", "line 9: expected {\"end\":…}, found the end of the text"},
    {"{\"end\":9}\n", "{\"end\":8}\n",
     "line 9: \"end\": expected the number of lines, 9, found 8"},
    {"{\"end\":9}\n", "{\"end\":9}\n{\"end\":10}\n",
     "line 10: expected nothing behind \"end\", found one line more"},
    {"{\"end\":9}\n", "{\"end\":9}\n\n",
     "line 10: expected nothing behind \"end\", found one line more"},
    {STEP_1, "", "line 8: \"end\": expected the number of lines, 8, found 9"},
    {STEP_1, STEP_1 STEP_1, "line 5: \"step\": expected a position behind 1, found 1"},
    {STEP_1 STEP_2, STEP_2 STEP_1, "line 5: \"step\": expected a position behind 2, found 1"},
    {RUN STEP_1, STEP_1 RUN, "line 3: expected a run, found a step before any"},
    {STEP_2 PENDING, PENDING STEP_2,
     "line 6: expected steps, then what is pending, then signals of a run, found a step behind "
     "what is pending"},
    {PENDING SIGNAL, SIGNAL PENDING,
     "line 7: expected steps, then what is pending, then signals of a run, found what is pending "
     "behind a signal"},
    {QUEUE RUN, RUN QUEUE, "line 3: expected queues before runs, found a queue behind a run"},
    {PENDING, PENDING PENDING, "line 7: \"pending\": expected a position behind 3, found 3"},
    {RUN STEP_1 STEP_2 PENDING SIGNAL CHILD, CHILD RUN STEP_1 STEP_2 PENDING SIGNAL,
     "line 3: the run's parent does not come before it"},
    {CHILD, CHILD CHILD, "line 9: the run comes twice"},
    {CHILD, RUN, "line 8: the run comes twice"},

    /* JSON: no extension, in whatever version. */
    {"{\"end\":9}", "{end:9}", "line 9: expected a JSON object (RFC 8259), found none"},
    {"{\"end\":9}", "{'end':9}", "line 9: expected a JSON object (RFC 8259), found none"},
    {"{\"end\":9}", "{\"end\":9,}", "line 9: expected a JSON object (RFC 8259), found none"},
    {"{\"end\":9}", "{\"end\":+9}", "line 9: expected a JSON object (RFC 8259), found none"},
    {"{\"end\":9}", "{\"end\":0x9}", "line 9: expected a JSON object (RFC 8259), found none"},
    {"{\"end\":9}", "{\"end\":09}", "line 9: expected a JSON object (RFC 8259), found none"},
    {"{\"end\":9}", "{\"end\":9} // it", "line 9: expected a JSON object (RFC 8259), found none"},
    {"{\"end\":9}", "/* */{\"end\":9}", "line 9: expected a JSON object (RFC 8259), found none"},
    {"{\"end\":9}", "{\"end\":9}}", "line 9: expected a JSON object (RFC 8259), found none"},
    {"{\"end\":9}", "{\"end\":Infinity}", "line 9: expected a JSON object (RFC 8259), found none"},
    {"{\"end\":9}", "{\"end\":NaN}", "line 9: expected a JSON object (RFC 8259), found none"},
    {"{\"end\":9}", "{\"end\":.9}", "line 9: expected a JSON object (RFC 8259), found none"},
    {"{\"end\":9}", "{\"end\":9}{\"end\":9}",
     "line 9: expected a JSON object (RFC 8259), found none"},
    {"{\"end\":9}", "{\"end\":9", "line 9: expected a JSON object (RFC 8259), found none"},
    {"\"name\":\"one\"", "\"name\":\"o\tne\"",
     "line 4: expected a JSON object (RFC 8259), found none"},
    {"\"name\":\"one\"", "\"name\":\"o\\x6ee\"",
     "line 4: expected a JSON object (RFC 8259), found none"},
    {"\"name\":\"one\"", "\"name\":\"o\\u0000ne\"",
     "line 4: expected a JSON object (RFC 8259), found none"},
    {"\"name\":\"one\"", "\"name\":\"o\xFFne\"",
     "line 4: expected UTF-8, found bytes that are none"},
    {"\"name\":\"one\"", "\"name\":\"o\\ud800ne\"",
     "line 4: \"name\": expected 1 to 255 bytes of UTF-8 without control characters, found bytes "
     "that are no UTF-8"},

    /* Members. */
    {"\"workflow\":\"w\",", "", "line 3: \"workflow\": expected a text, found nothing"},
    {"\"input\":null}\n{\"step\"", "\"in\":null}\n{\"step\"",
     "line 3: \"input\": expected a value, found nothing"},
    {"\"created\":10", "\"created\":10,\"created\":10",
     "line 3: \"created\": expected it once, found it twice"},
    {"\"created\":10", "\"created\":10,\"colour\":\"red\"",
     "line 3: \"colour\": expected no such member in this line, found it"},
    {"\"created\":10", "\"created\":10,\"ended\":11",
     "line 3: \"ended\": expected no such member in this line, found it"},
    {"\"ended\":12,", "", "line 8: \"ended\": expected an integer, found nothing"},
    {"\"kind\":\"step\"", "\"kinds\":\"step\"",
     "line 4: \"kind\": expected a kind as in durable_steps_view, found nothing"},
    {"\"callback\":3,", "", "line 7: \"callback\": expected an integer, found nothing"},
    {"\"signal\":null,\"callback\":3", "\"signal\":\"go\",\"callback\":3",
     "line 7: \"callback\": expected no such member in this line, found it"},
    {"\"called_at\":4,", "", "line 8: \"called_at\": expected an integer, found nothing"},
    {"\"parent\":\"r\",", "",
     "line 8: \"called_at\": expected no such member in this line, found it"},
    {"{\"step\":1,", "{\"at\":1,\"step\":1,",
     "line 4: \"at\": expected \"durable\", \"queue\", \"run\", \"step\", \"pending\", \"signal\" "
     "or \"end\" as the first member of a line, found it"},
    {"\"parent\":\"r\",\"called_at\":4,\"called\":true,\"queue\":\"\"",
     "\"called\":true,\"queue\":\"\"",
     "line 8: \"called\": expected it beside \"parent\", found none"},

    /* Numbers. */
    {"\"created\":10", "\"created\":10.0",
     "line 3: \"created\": expected an integer, found a number that is no 64-bit integer"},
    {"\"created\":10", "\"created\":1e1",
     "line 3: \"created\": expected an integer, found a number that is no 64-bit integer"},
    {"\"created\":10", "\"created\":9223372036854775808",
     "line 3: \"created\": expected an integer, found a number that is no 64-bit integer"},
    {"\"created\":10", "\"created\":-9223372036854775809",
     "line 3: \"created\": expected an integer, found a number that is no 64-bit integer"},
    {"\"created\":10", "\"created\":1000000000000000000000000000000000000000",
     "line 3: \"created\": expected an integer, found a number that is no 64-bit integer"},
    {"\"created\":10", "\"created\":\"10\"",
     "line 3: \"created\": expected an integer, found a text"},
    {"\"created\":10", "\"created\":true", "line 3: \"created\": expected an integer, found true"},
    {"\"created\":10", "\"created\":null", "line 3: \"created\": expected an integer, found null"},
    {"\"created\":10", "\"created\":[10]",
     "line 3: \"created\": expected an integer, found an array"},
    {"\"value\":5", "\"value\":5.5",
     "line 4: \"value\": expected a value: null, an integer, a text, or an object with one member, "
     "found a number that is no 64-bit integer"},
    {"\"due\":50", "\"due\":9223372036854775807",
     "line 3: \"due\": expected it to be left out, found a number that stands for none"},
    {"\"priority\":0,\"due\"", "\"priority\":8,\"due\"",
     "line 3: \"priority\": expected an integer from 0 to 7, found 8"},
    {"\"priority\":0,\"due\"", "\"priority\":-1,\"due\"",
     "line 3: \"priority\": expected an integer from 0 to 7, found -1"},
    {"\"priority\":0,\"due\"", "\"priority\":4294967296,\"due\"",
     "line 3: \"priority\": expected a smaller number, found one of more than 32 bits"},
    {"\"behaviour\":1,\"queue\"", "\"behaviour\":0,\"queue\"",
     "line 3: \"behaviour\": expected an integer from 1 to 2147483647, found 0"},
    {"\"epoch\":2", "\"epoch\":-1", "line 3: \"epoch\": expected an integer from 0 on, found -1"},
    {"\"epoch\":2", "\"epoch\":9223372036854775807",
     "line 3: \"epoch\": expected an integer from 0 to 4611686018427387903, found "
     "9223372036854775807"},
    {"\"epoch\":2", "\"epoch\":4611686018427387904",
     "line 3: \"epoch\": expected an integer from 0 to 4611686018427387903, found "
     "4611686018427387904"},
    {"\"epoch\":2", "\"epoch\":0",
     "line 4: \"epoch\": expected an integer from 0 to 0, found 1"},
    {"\"claims\":0", "\"claims\":-1",
     "line 3: \"claims\": expected an integer from 0 on, found -1"},
    {"\"claims\":0", "\"claims\":9223372036854775806",
     "line 3: \"claims\": expected an integer from 0 to 4611686018427387903, found "
     "9223372036854775806"},
    {"\"claims\":0", "\"claims\":0,\"generation\":0",
     "line 3: \"generation\": expected an integer from 1 to 2147483647, found 0"},
    {"\"claims\":0", "\"claims\":0,\"restarted_at\":134217728",
     "line 3: \"restarted_at\": expected an integer from 0 to 134217727, found 134217728"},
    {"{\"step\":1,", "{\"step\":0,",
     "line 4: \"step\": expected an integer from 1 to 134217727, found 0"},
    {"{\"step\":2,", "{\"step\":134217728,",
     "line 5: \"step\": expected an integer from 1 to 134217727, found 134217728"},
    {"{\"pending\":3,", "{\"pending\":-3,",
     "line 6: \"pending\": expected an integer from 1 to 134217727, found -3"},
    {"\"low\":1", "\"low\":2", "line 4: \"low\": expected an integer from 1 to 1, found 2"},
    {"\"attempt\":0", "\"attempt\":-1",
     "line 6: \"attempt\": expected an integer from 0 on, found -1"},
    {"\"attempt\":0", "\"attempt\":9223372036854775806",
     "line 6: \"attempt\": expected an integer from 0 to 4611686018427387903, found "
     "9223372036854775806"},
    {"\"interval\":0", "\"interval\":-1",
     "line 6: \"interval\": expected an integer from 0 on, found -1"},
    {"\"called_at\":4", "\"called_at\":0",
     "line 8: \"called_at\": expected an integer from 1 to 134217727, found 0"},
    {"\"callback\":3", "\"callback\":0", "line 7: \"callback\": expected a position, found 0"},
    {"\"sent\":30", "\"sent\":30,\"received_at\":-1",
     "line 7: \"received_at\": expected it to be left out, found a number that stands for none"},
    {"\"max_active\":1", "\"max_active\":-1",
     "line 2: \"max_active\": expected an integer from 0 on, found -1"},
    {"00000000000000ff", "0000000000000000",
     "line 4: \"fingerprint\": expected 16 hex digits in lower case, not all 0, found another "
     "text"},
    {"00000000000000ff", "00000000000000FF",
     "line 4: \"fingerprint\": expected 16 hex digits in lower case, not all 0, found another "
     "text"},
    {"00000000000000ff", "ff",
     "line 4: \"fingerprint\": expected 16 hex digits in lower case, not all 0, found another "
     "text"},

    /* Names and words. */
    {"{\"run\":\"r\"", "{\"run\":\"\"",
     "line 3: \"run\": expected 1 to 255 bytes of UTF-8 without control characters, found none"},
    {"{\"run\":\"r\"", "{\"run\":\"r\\n\"",
     "line 3: \"run\": expected 1 to 255 bytes of UTF-8 without control characters, found \"r \""},
    {"{\"run\":\"r\"", "{\"run\":5", "line 3: \"run\": expected a text, found an integer"},
    {UID_A, "0123456789abcdef0123456789abcde",
     "line 3: \"uid\": expected 32 hex digits in lower case, found "
     "\"0123456789abcdef0123456789abcde\""},
    {UID_A, "0123456789ABCDEF0123456789abcdef",
     "line 3: \"uid\": expected 32 hex digits in lower case, found "
     "\"0123456789ABCDEF0123456789abcdef\""},
    {"\"suspended\"", "\"sleeping\"",
     "line 3: \"status\": expected a status as in durable_runs_view, found \"sleeping\""},
    {"\"suspended\"", "5", "line 3: \"status\": expected a text, found an integer"},
    {"\"behaviour\":1,\"queue\"", "\"paused\":false,\"behaviour\":1,\"queue\"",
     "line 3: \"paused\": expected true, or nothing, found false"},
    {"\"kind\":\"step\"", "\"kind\":\"leap\"",
     "line 4: \"kind\": expected a kind as in durable_steps_view, found \"leap\""},
    {"\"outcome\":\"result\"", "\"outcome\":\"fine\"",
     "line 4: \"outcome\": expected \"result\", \"failure\" or \"timed out\", found \"fine\""},
    {"\"outcome\":\"result\"", "\"outcome\":\"failure\"",
     "line 4: \"value\": expected the text of a failure, found another value"},
    {"\"outcome\":\"result\"", "\"outcome\":\"timed out\"",
     "line 4: \"value\": expected null of what timed out, found another value"},
    {"\"attempt\":0", "\"intent\":\"none\",\"attempt\":0",
     "line 6: \"intent\": expected \"begun\", \"result\" or \"failure\", found \"none\""},
    {"\"called\":true,\"queue\":\"\"", "\"called\":true,\"on_parent_end\":\"wait\",\"queue\":\"\"",
     "line 8: \"on_parent_end\": expected \"cancel\" or \"leave\", found \"wait\""},
    {"\"called\":true,\"queue\":\"\"", "\"called\":true,\"queue\":\"q\"",
     "line 8: \"queue\": expected \"\" for a run that is called, found \"q\""},
    {"\"called\":true,", "",
     "line 8: \"queue\": expected 1 to 255 bytes of UTF-8 without control characters, found none"},
    {"\"suspended\"", "\"parked\"",
     "line 3: \"due\": expected none for a run that is parked, found 50"},
    {"\"behaviour\":1,\"queue\"", "\"paused\":true,\"behaviour\":1,\"queue\"",
     "line 3: \"due\": expected none for a run that is paused, found 50"},

    /* Values. */
    {"\"value\":5", "\"value\":true",
     "line 4: \"value\": expected a value: null, an integer, a text, or an object with one member, "
     "found true"},
    {"\"value\":5", "\"value\":[]",
     "line 4: \"value\": expected a value: null, an integer, a text, or an object with one member, "
     "found an array"},
    {"\"value\":5", "\"value\":{}", "line 4: \"value\": expected a value, found an empty object"},
    {"\"value\":5", "\"value\":{\"blob\":\"\",\"text\":\"\"}",
     "line 4: \"value\": expected an object with one member, found one with several"},
    {"\"value\":5", "\"value\":{\"blob\":5}",
     "line 4: \"value\": expected a text in its object, found an integer"},
    {"\"value\":5", "\"value\":{\"blob\":{\"blob\":{}}}",
     "line 4: \"value\": expected a text in its object, found an object"},
    {"\"value\":5", "\"value\":{\"blob\":\"123\"}",
     "line 4: \"value\": expected bytes as pairs of hex digits in lower case, found "
     "{\"blob\":\"123\"}"},
    {"\"value\":5", "\"value\":{\"blob\":\"AB\"}",
     "line 4: \"value\": expected bytes as pairs of hex digits in lower case, found "
     "{\"blob\":\"AB\"}"},
    {"\"value\":5", "\"value\":{\"glob\":\"12\"}",
     "line 4: \"value\": expected a value: null, an integer, a text, or an object with one member "
     "of those that the format knows, found {\"glob\":\"12\"}"},
    {"\"value\":5", "\"value\":{\"unsigned\":\"5\"}",
     "line 4: \"value\": expected a number from 9223372036854775808 to 18446744073709551615, found "
     "{\"unsigned\":\"5\"}"},
    {"\"value\":5", "\"value\":{\"unsigned\":\"18446744073709551616\"}",
     "line 4: \"value\": expected a number from 9223372036854775808 to 18446744073709551615, found "
     "{\"unsigned\":\"18446744073709551616\"}"},
    {"\"value\":5", "\"value\":{\"real\":\"1.5\"}",
     "line 4: \"value\": expected a double such as \"0x1.8p+1\", \"infinity\" or "
     "\"nan:7ff8000000000000\", found {\"real\":\"1.5\"}"},
    {"\"value\":5", "\"value\":{\"real\":\"nan:3ff0000000000000\"}",
     "line 4: \"value\": expected a double such as \"0x1.8p+1\", \"infinity\" or "
     "\"nan:7ff8000000000000\", found {\"real\":\"nan:3ff0000000000000\"}"},
    {"\"site\":\"a.c:1\"", "\"site\":{\"text\":\"00\"}",
     "line 4: \"site\": expected a text without NUL bytes, found one"},
    {"\"site\":\"a.c:1\"", "\"site\":{\"blob\":\"41\"}",
     "line 4: \"site\": expected a text without NUL bytes, found another value"},
    {"\"sent\":30", "\"failure\":\"no\",\"sent\":30",
     "line 7: \"value\": expected null beside a failure, found another value"},
    {"[\"go\",3]", "[]", "line 3: \"awaits\": expected at least one signal, found an empty array"},
    {"[\"go\",3]", "\"go\"", "line 3: \"awaits\": expected an array, found a text"},
    {"[\"go\",3]", "[\"go\",[3]]",
     "line 3: \"awaits\": expected an array of signals' names and positions, found something else "
     "in it"},
    {"[\"go\",3]", "[\"go\\nx\",3]",
     "line 3: \"awaits\": expected an array of signals' names and positions, found something else "
     "in it"},
    {"[\"go\",3]", "[\"go\",-3]",
     "line 3: \"awaits\": expected names and positions, found something else"},

    /* What is no step of this run. */
    {"\"claims\":0", "\"claims\":0,\"origin\":\"here\"",
     "line 3: the run that this one goes back to does not come before it"},
    {"\"parent\":\"r\"", "\"parent\":\"here\"",
     "line 8: the run's parent does not come before it"},
};

static void a_hostile_text_is_refused_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        char *text = exported_replace(small, texts[i].from, texts[i].to);
        world it;
        int code;

        open_world(&it);
        code = exported_import(it.log, text);
        if (code != DUR_INVALID || strcmp(dur_errmsg(it.log), texts[i].message) != 0)
            print_error("%s, but expected \"%s\", of\n%s: %s\n", dur_code_name(code),
                        texts[i].message, texts[i].to, dur_errmsg(it.log));
        assert_int_equal(code, DUR_INVALID);
        assert_string_equal(dur_errmsg(it.log), texts[i].message);
        close_world(&it, text);
        free(text);
    }
}

static void a_newer_log_is_too_new(void **state)
{
    static const hostile newer[] = {
        {HEADER, "{\"durable\":2}\n",
         "line 1: \"durable\": expected version 1 of the format, found 2: a newer library wrote "
         "it"},
        {HEADER, "{\"durable\":2,\"and\":{\"more\":true}}\n",
         "line 1: \"durable\": expected version 1 of the format, found 2: a newer library wrote "
         "it"},
        {"\"behaviour\":1,\"queue\"", "\"behaviour\":2000000000,\"queue\"",
         "line 3: \"behaviour\": expected at most 1, found 2000000000: a newer library began run "
         "\"r\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(newer); i++) {
        char *text = exported_replace(small, newer[i].from, newer[i].to);
        world it;

        open_world(&it);
        assert_code(DUR_VERSION_TOO_NEW, exported_import(it.log, text), it.log);
        assert_string_equal(dur_errmsg(it.log), newer[i].message);
        close_world(&it, text);
        free(text);
    }
}

static void a_run_that_is_there_is_a_conflict(void **state)
{
    char *text = exported_replace(small, "\"run\":\"r/4\"", "\"run\":\"here\"");
    world it;

    (void)state;
    open_world(&it);
    assert_code(DUR_CONFLICT, exported_import(it.log, text), it.log);
    assert_string_equal(dur_errmsg(it.log),
                        "line 8: run \"here\": there is a run of that id already");
    close_world(&it, text);
    free(text);
}

/* Deep, or long: refused without a deep recursion, and in time that grows with the length only. */
static void large_texts_are_no_trouble(void **state)
{
    static const char piece[] = "[[[[[[[[[[[[[[[[";
    const size_t size = 1 << 20;
    char *deep = malloc(size + 64), *text;
    world it;

    (void)state;
    strcpy(deep, "\"value\":");
    for (size_t i = strlen(deep); i < size; i += 16) strcpy(deep + i, piece);
    text = exported_replace(small, "\"value\":5", deep);
    open_world(&it);
    assert_code(DUR_INVALID, exported_import(it.log, text), it.log);
    assert_has(dur_errmsg(it.log), "line 4: expected a JSON object (RFC 8259), found none");
    close_world(&it, text);
    free(text);
    memset(deep + 9, 'x', size);
    memcpy(deep, "\"value\":\"", 9);
    strcpy(deep + size, "\"");
    text = exported_replace(small, "\"value\":5", deep);
    for (int i = 0; i < 2; i++) {
        dur_log *log = exported_open(text, NULL);
        char *again = exported_text(log, NULL);

        assert_string_equal(again, text);
        free(again);
        dur_close(log);
    }
    free(text);
    free(deep);
}

/* ---- What is taken ------------------------------------------------------------------------- */

/* Members in another order, blanks, other line ends: the same log. */
static void other_ways_to_write_it_are_taken(void **state)
{
    static const hostile ways[] = {
        {"\"name\":\"one\",\"outcome\":\"result\",\"value\":5",
         "\"value\":5,\"outcome\":\"result\",\"name\":\"one\"", ""},
        {"\"name\":\"one\"", " \"name\"\t: \"one\" ", ""},
        {"\"name\":\"one\"", "\"name\":\"\\u006fn\\u0065\"", ""},
        {"{\"end\":9}\n", "{\"end\":9}", ""},
        {"{\"end\":9}\n", "{\"end\":9}\r", ""},
        {HEADER, "{\"durable\":1}\r\n", ""},
        {"\"output\":{\"real\":\"0x1.8p+1\"}}\n", "\"output\":{\"real\":\"0x1.8p+1\"}}\r\n", ""},
        {"\"input\":null}\n{\"step\"", "\"input\":null,\"output\":null}\n{\"step\"", ""},
        {"\"site\":\"a.c:1\"", "\"site\":{\"text\":\"612e633a31\"}", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(ways); i++) {
        char *text = exported_replace(small, ways[i].from, ways[i].to), *again;
        dur_log *log = exported_open(text, NULL);

        again = exported_text(log, NULL);
        assert_string_equal(again, small);
        free(again);
        free(text);
        dur_close(log);
    }
}

static void values_of_every_form_come_back(void **state)
{
    static const char *const values[] = {
        "null", "0", "-1", "9223372036854775807", "-9223372036854775808", "\"\"",
        "\"\xC3\xA4\xF0\x9F\x90\xA2\\n\\\\\\\"/\\u001f\x7F\"",
        "{\"text\":\"00\"}",
        "{\"text\":\"\"}", "{\"text\":\"61\"}", "{\"text\":\"efbfbe\"}",
        "{\"blob\":\"\"}", "{\"blob\":\"00ff\"}",
        "{\"little32\":\"01\"}", "{\"big32\":\"\"}",
        "{\"little64\":\"0102\"}", "{\"big64\":\"03\"}",
        "{\"unsigned\":\"9223372036854775808\"}", "{\"unsigned\":\"18446744073709551615\"}",
        "{\"real\":\"0x0p+0\"}", "{\"real\":\"-0x0p+0\"}", "{\"real\":\"0x1.8p+1\"}",
        "{\"real\":\"0x0.0000000000001p-1022\"}", "{\"real\":\"-0x1.fffffffffffffp+1023\"}",
        "{\"real\":\"infinity\"}", "{\"real\":\"-infinity\"}",
        "{\"real\":\"nan:7ff0000000000001\"}",
        "{\"real\":\"nan:fff8000000000000\"}", "{\"real\":\"nan:7fffffffffffffff\"}"};

    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        char value[128], *text, *again;
        dur_log *log;

        snprintf(value, sizeof value, "\"value\":%s", values[i]);
        text = exported_replace(small, "\"value\":5", value);
        log = exported_open(text, NULL);
        again = exported_text(log, NULL);
        assert_string_equal(again, text);
        free(again);
        free(text);
        dur_close(log);
    }
}

/* ---- Damage -------------------------------------------------------------------------------- */

/* A changed text is refused, or comes back as it was read; never a crash, never half of it. A world
 * that has changed makes room for a new one. */
static void try_changed(world *it, const char *text, size_t length)
{
    int code = dur_import(it->log, text, length);

    if (code == DUR_OK) {
        char *first = exported_text(it->log, NULL), *second;
        dur_log *log = exported_open(first, NULL);

        second = exported_text(log, NULL);
        assert_string_equal(second, first);
        free(first);
        free(second);
        dur_close(log);
        leave_world(it);
        open_world(it);
        return;
    }
    if (code != DUR_INVALID && code != DUR_CONFLICT && code != DUR_VERSION_TOO_NEW)
        fail_msg("%s: %s\n%.*s", dur_code_name(code), dur_errmsg(it->log), (int)length, text);
    assert_has(dur_errmsg(it->log), "line ");
    check_world(it, text);
}

static void a_text_that_is_cut_anywhere_is_refused(void **state)
{
    size_t length = strlen(small);
    world it;

    (void)state;
    open_world(&it);
    for (size_t cut = 0; cut < length - 1; cut++) {
        char *part = malloc(cut ? cut : 1); /* no byte more, for who looks behind the end */

        memcpy(part, small, cut);
        assert_code(DUR_INVALID, dur_import(it.log, part, cut), it.log);
        check_world(&it, small);
        free(part);
    }
    leave_world(&it);
}

static void lines_are_left_out_doubled_and_swapped(void **state)
{
    const char *lines[16] = {small};
    char changed[2 * sizeof small];
    size_t count = 1;
    world it;

    (void)state;
    open_world(&it);
    while (*(lines[count] = strchr(lines[count - 1], '\n') + 1)) count++;
    for (size_t i = 0; i < count; i++) {
        snprintf(changed, sizeof changed, "%.*s%s", (int)(lines[i] - small), small, lines[i + 1]);
        try_changed(&it, changed, strlen(changed));
        snprintf(changed, sizeof changed, "%.*s%s", (int)(lines[i + 1] - small), small, lines[i]);
        try_changed(&it, changed, strlen(changed));
        for (size_t j = i + 1; j < count; j++) {
            snprintf(changed, sizeof changed, "%.*s%.*s%.*s%.*s%s", (int)(lines[i] - small), small,
                     (int)(lines[j + 1] - lines[j]), lines[j], (int)(lines[j] - lines[i + 1]),
                     lines[i + 1], (int)(lines[i + 1] - lines[i]), lines[i], lines[j + 1]);
            try_changed(&it, changed, strlen(changed));
        }
    }
    leave_world(&it);
}

static void each_byte_is_changed(void **state)
{
    static const char others[] = "\"0\\{";
    char changed[sizeof small];
    world it;

    (void)state;
    open_world(&it);
    for (size_t i = 0; i < sizeof small - 1; i++) {
        for (size_t j = 0; j < sizeof others; j++) { /* the last one is a NUL */
            memcpy(changed, small, sizeof small);
            changed[i] = others[j];
            try_changed(&it, changed, sizeof small - 1);
        }
    }
    leave_world(&it);
}

/* ---- Where it goes ------------------------------------------------------------------------- */

/* Law 1: it joins the host's transaction, and takes back its own part of it alone. */
static void an_import_joins_the_hosts_transaction(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    char *bad = exported_replace(small, "\"claims\":1", "\"claims\":-1");

    host_run(host->db, "CREATE TABLE mine(x)");
    for (int keeps = 0; keeps < 2; keeps++) {
        host_run(host->db, "BEGIN");
        host_run(host->db, "INSERT INTO mine VALUES(1)");
        assert_code(DUR_INVALID, exported_import(log, bad), log);
        assert_false(sqlite3_get_autocommit(host->db));
        assert_int_equal(host_number(host->db, "SELECT count(*) FROM mine"), 1);
        assert_int_equal(host_number(host->db, "SELECT count(*) FROM durable_runs"), 0);
        assert_code(DUR_OK, exported_import(log, small), log);
        assert_false(sqlite3_get_autocommit(host->db));
        host_run(host->db, keeps ? "COMMIT" : "ROLLBACK");
        assert_int_equal(host_number(host->db, "SELECT count(*) FROM mine"), keeps);
        assert_int_equal(host_number(host->db, "SELECT count(*) FROM durable_runs"), 2 * keeps);
        assert_int_equal(host_number(host->db, "SELECT count(*) FROM durable_steps"), 2 * keeps);
    }
    free(bad);
    dur_close(log);
}

static void misuse_is_refused(void **state)
{
    world it;

    (void)state;
    open_world(&it);
    assert_int_equal(dur_import(NULL, small, 1), DUR_MISUSE);
    assert_code(DUR_MISUSE, dur_import(it.log, NULL, 0), it.log);
    assert_code(DUR_MISUSE, dur_import_file(it.log, NULL), it.log);
    assert_code(DUR_INVALID, dur_import(it.log, "", 0), it.log);
    assert_string_equal(dur_errmsg(it.log),
                        "line 1: expected {\"durable\":1}, found the end of the text");
    close_world(&it, small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_small_log_is_imported_and_exported_again),
        cmocka_unit_test(a_hostile_text_is_refused_with_its_line),
        cmocka_unit_test(a_newer_log_is_too_new),
        cmocka_unit_test(a_run_that_is_there_is_a_conflict),
        cmocka_unit_test(large_texts_are_no_trouble),
        cmocka_unit_test(other_ways_to_write_it_are_taken),
        cmocka_unit_test(values_of_every_form_come_back),
        cmocka_unit_test(a_text_that_is_cut_anywhere_is_refused),
        cmocka_unit_test(lines_are_left_out_doubled_and_swapped),
        cmocka_unit_test(each_byte_is_changed),
        IN_EVERY_JOURNAL(an_import_joins_the_hosts_transaction),
        cmocka_unit_test(misuse_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
