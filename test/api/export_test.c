/* test/api: what is exported: the text to the last byte, files, redaction, and what is refused. */
#include "api/recorded.h"

#include <stdio.h>
#include <unistd.h>

/* ---- Text ---------------------------------------------------------------------------------- */

/* recorded_open()'s log; lines of call sites are 0 here, and objects this machine's. */
static const char tour[] =
    "{\"durable\":1}\n"
    "{\"queue\":\"tour\",\"max_active\":7,\"max_active_process\":0,\"interval_us\":0}\n"
    "{\"run\":\"tour\",\"uid\":\"67ec8e65a18debbe5e5532fbeea293f8\",\"workflow\":\"tour\","
    "\"status\":\"suspended\",\"behaviour\":1,\"code_version\":{\"text\":\"76ff2e31\"},\"qu"
    "eue\":\"tour\",\"priority\":3,\"due\":1767225606000,\"deadline\":1767312000000,\"creat"
    "ed\":1767225600000,\"epoch\":2,\"claims\":0,\"input\":\"Ada\"}\n"
    "{\"step\":1,\"kind\":\"step\",\"name\":\"smallest\",\"outcome\":\"result\",\"value\":-"
    "9223372036854775808,\"low\":1,\"epoch\":1,\"attempt\":1,\"began\":1767225600000,\"took"
    "\":0,\"site\":\"recorded.c:0\"}\n"
    "{\"step\":2,\"kind\":\"step\",\"name\":\"largest\",\"outcome\":\"result\",\"value\":{"
    "\"unsigned\":\"18446744073709551615\"},\"low\":2,\"epoch\":1,\"attempt\":1,\"began\":1"
    "767225600000,\"took\":0,\"site\":\"recorded.c:0\"}\n"
    "{\"step\":3,\"kind\":\"step\",\"name\":\"minus zero\",\"outcome\":\"result\",\"value\""
    ":{\"real\":\"-0x0p+0\"},\"low\":3,\"epoch\":1,\"attempt\":1,\"began\":1767225600000,\""
    "took\":0,\"site\":\"recorded.c:0\"}\n"
    "{\"step\":4,\"kind\":\"step\",\"name\":\"text\",\"outcome\":\"result\",\"value\":\"ä"
    "\\t\\u0001/\\\\\\\"🐢\",\"low\":4,\"epoch\":1,\"attempt\":1,\"began\":1767225600000"
    ",\"took\":0,\"site\":\"recorded.c:0\"}\n"
    "{\"step\":5,\"kind\":\"step\",\"name\":\"no text\",\"outcome\":\"result\",\"value\":{"
    "\"text\":\"ff7a\"},\"low\":5,\"epoch\":1,\"attempt\":1,\"began\":1767225600000,\"took"
    "\":0,\"site\":\"recorded.c:0\"}\n"
    "{\"step\":6,\"kind\":\"step\",\"name\":\"blob\",\"outcome\":\"result\",\"value\":{\"bl"
    "ob\":\"0001feff\"},\"low\":6,\"epoch\":1,\"attempt\":1,\"began\":1767225600000,\"took"
    "\":0,\"site\":\"recorded.c:0\"}\n"
    "{\"step\":7,\"kind\":\"step\",\"name\":\"object\",\"outcome\":\"result\",\"value\":{\""
    "little64\":\"000000000000\"},\"low\":7,\"epoch\":1,\"attempt\":1,\"began\":17672256000"
    "00,\"took\":0,\"site\":\"recorded.c:0\"}\n"
    "{\"step\":8,\"kind\":\"step\",\"name\":\"fragile\",\"outcome\":\"failure\",\"value\":"
    "\"broken\\n\\\"for good\\\"\",\"low\":8,\"epoch\":1,\"attempt\":1,\"began\":1767225600"
    "000,\"took\":0,\"fingerprint\":\"fedcba9876543210\",\"site\":\"recorded.c:0\"}\n"
    "{\"step\":9,\"kind\":\"patch\",\"name\":\"new way\",\"outcome\":\"result\",\"value\":n"
    "ull,\"low\":9,\"epoch\":1,\"attempt\":1,\"began\":1767225600000,\"took\":0}\n"
    "{\"step\":12,\"kind\":\"receive\",\"name\":\"payment\",\"outcome\":\"result\",\"value"
    "\":7,\"low\":10,\"epoch\":1,\"attempt\":1,\"began\":1767225600000,\"took\":0}\n"
    "{\"step\":13,\"kind\":\"receive\",\"name\":\"nothing\",\"outcome\":\"timed out\",\"val"
    "ue\":null,\"low\":10,\"epoch\":2,\"attempt\":1,\"began\":1767225600000,\"took\":1000}"
    "\n"
    "{\"pending\":10,\"kind\":\"callback\",\"name\":\"approval\",\"attempt\":0,\"began\":17"
    "67225600000,\"interval\":0,\"choice\":0,\"value\":null}\n"
    "{\"pending\":11,\"kind\":\"child\",\"name\":\"courier\",\"attempt\":0,\"began\":176722"
    "5600000,\"interval\":0,\"choice\":1,\"value\":null}\n"
    "{\"pending\":14,\"kind\":\"step\",\"name\":\"flaky\",\"attempt\":1,\"began\":176722560"
    "1000,\"due\":1767225606000,\"interval\":0,\"choice\":0,\"value\":null,\"failure\":\"no"
    "t ready\"}\n"
    "{\"signal\":\"payment\",\"key\":\"first\",\"value\":null,\"sent\":1767225600000,\"rece"
    "ived_at\":12}\n"
    "{\"signal\":\"payment\",\"value\":{\"real\":\"0x1p-1\"},\"sent\":1767225600000}\n"
    "{\"signal\":\"weather\",\"value\":null,\"failure\":\"too late\",\"sent\":1767225600000"
    "}\n"
    "{\"run\":\"tour/11\",\"uid\":\"b9b501d1d854bb7180021590ff0b4dc3\",\"workflow\":\"couri"
    "er\",\"status\":\"suspended\",\"behaviour\":1,\"code_version\":{\"text\":\"76ff2e31\"}"
    ",\"parent\":\"tour\",\"called_at\":11,\"queue\":\"courier\",\"priority\":0,\"due\":176"
    "7312000000,\"awaits\":[\"arrived\"],\"deadline\":1767312000000,\"created\":17672256000"
    "00,\"epoch\":1,\"claims\":0,\"input\":null}\n"
    "{\"step\":1,\"kind\":\"step\",\"name\":\"drive\",\"outcome\":\"result\",\"value\":null"
    ",\"low\":1,\"epoch\":1,\"attempt\":1,\"began\":1767225600000,\"took\":0,\"site\":\"rec"
    "orded.c:0\"}\n"
    "{\"pending\":2,\"kind\":\"receive\",\"name\":\"arrived\",\"attempt\":0,\"began\":17672"
    "25600000,\"interval\":0,\"choice\":0,\"value\":null}\n"
    "{\"end\":24}\n";

/* "recorded.c:59" becomes "recorded.c:0", and the kind of machine "little64". */
static void make_comparable(char *text)
{
    static const char site[] = "\"recorded.c:";
    static const char *const machines[] = {"{\"little32", "{\"big32", "{\"big64"};
    char *at = text;

    while ((at = strstr(at, site))) {
        size_t digits = strspn(at += strlen(site), "0123456789");

        *at++ = '0';
        memmove(at, at + digits - 1, strlen(at + digits - 1) + 1);
    }
    for (size_t i = 0; i < 3; i++) {
        char *found = strstr(text, machines[i]), *changed;

        if (!found) continue;
        changed = exported_replace(text, machines[i], "{\"little64");
        strcpy(text, changed); /* other machines' names are not longer */
        free(changed);
    }
}

static void the_text_is_as_documented(void **state)
{
    recorded it;
    char *text;

    (void)state;
    recorded_open(&it);
    text = exported_text(it.log, NULL);
    text = realloc(text, strlen(text) + 64);
    make_comparable(text);
    assert_string_equal(text, tour);
    free(text);
    recorded_close(&it);
}

static void a_run_is_exported_with_its_children_and_without_its_parent(void **state)
{
    recorded it;
    char *text, *of_all;

    (void)state;
    recorded_open(&it);
    of_all = exported_text(it.log, NULL);
    text = exported_text(it.log, "tour");
    assert_null(strstr(text, "{\"queue\""));
    assert_non_null(strstr(text, "{\"run\":\"tour\""));
    assert_non_null(strstr(text, "{\"run\":\"tour/11\",\"uid\""));
    assert_non_null(strstr(of_all, "\"parent\":\"tour\",\"called_at\":11"));
    free(text);
    text = exported_text(it.log, "tour/11");
    assert_null(strstr(text, "\"parent\""));
    assert_null(strstr(text, "\"called_at\""));
    assert_non_null(strstr(text, "{\"end\":5}\n"));
    free(text);
    free(of_all);
    recorded_close(&it);
}

static void an_empty_log_is_two_lines(void **state)
{
    recorded it;
    char *text;

    (void)state;
    recorded_open_empty(&it);
    text = exported_text(it.log, NULL);
    assert_string_equal(text, "{\"durable\":1}\n{\"end\":2}\n");
    free(text);
    recorded_close(&it);
}

static int nothing(dur_run *run, void *user)
{
    (void)run, (void)user;
    return 0;
}

static int caller(dur_run *run, void *user)
{
    return dur_call(run, "inner", NULL, nothing, user, NULL);
}

static void what_cannot_be_exported_writes_nothing(void **state)
{
    dur_export_options options = DUR_EXPORT_OPTIONS_INIT;
    recorded it;
    char *text;

    (void)state;
    recorded_open(&it);
    assert_code(DUR_NOT_FOUND, exported_code(it.log, "nobody", NULL, &text), it.log);
    assert_null(text);
    assert_string_equal(dur_errmsg(it.log), "run \"nobody\": there is no such run in this log");
    assert_code(DUR_OK, dur_execute(it.log, "caller", "outer", NULL, caller, NULL), it.log);
    assert_code(DUR_CONFLICT, exported_code(it.log, "outer/1", NULL, &text), it.log);
    assert_null(text);
    options.size = 1;
    assert_code(DUR_MISUSE, exported_code(it.log, NULL, &options, &text), it.log);
    assert_code(DUR_MISUSE, exported_code(it.log, "", NULL, &text), it.log);
    assert_code(DUR_MISUSE, dur_export(it.log, NULL, NULL, NULL, NULL), it.log);
    assert_code(DUR_MISUSE, dur_export_file(it.log, NULL, NULL, NULL), it.log);
    assert_code(DUR_MISUSE, dur_export_database(it.log, NULL, NULL, NULL), it.log);
    assert_int_equal(dur_export(NULL, NULL, NULL, exported_write, NULL), DUR_MISUSE);
    recorded_close(&it);
}

static void who_writes_may_end_it(void **state)
{
    exported_buffer buffer = {.most_lines = 3};
    recorded it;

    (void)state;
    recorded_open(&it);
    assert_code(DUR_STOPPED, dur_export(it.log, NULL, NULL, exported_write, &buffer), it.log);
    assert_int_equal(buffer.lines, 3);
    assert_int_equal(host_active_statements(it.db), 0);
    free(buffer.text);
    recorded_close(&it);
}

/* Law 9: what could not be imported again is told, with its run. */
static void a_damaged_row_is_named(void **state)
{
    static const struct {
        const char *damage, *message;
    } cases[] = {
        {"UPDATE durable_runs SET priority = 9 WHERE id = 'tour'",
         "\"priority\": expected an integer from 0 to 7, found 9"},
        {"UPDATE durable_runs SET uid = 'x' WHERE id = 'tour'",
         "\"uid\": expected 32 hex digits in lower case, found \"x\""},
        {"UPDATE durable_steps SET name = '' WHERE step & 134217727 = 4",
         "run \"tour\": \"name\": expected 1 to 255 bytes of UTF-8 without control characters, "
         "found none"},
        {"UPDATE durable_steps SET name = CAST(x'ff' AS TEXT) WHERE step & 134217727 = 4",
         "found bytes that are no UTF-8"},
        {"UPDATE durable_steps SET low = 5 WHERE step & 134217727 = 4",
         "\"low\": expected an integer from 1 to 4, found 5"},
        {"UPDATE durable_steps SET epoch = 3 WHERE step & 134217727 = 4",
         "\"epoch\": expected an integer from 0 to 2, found 3"},
        {"UPDATE durable_steps SET kind = 77 WHERE step & 134217727 = 4",
         "\"kind\": expected a kind as in durable_steps_view, found number 77"},
        {"UPDATE durable_steps SET format = 2, value = 5 WHERE step & 134217727 = 4",
         "\"value\": expected a value that the format knows, found type 1 with format 2"},
        {"UPDATE durable_runs SET awaits = 'arrived' WHERE id = 'tour/11'",
         "\"awaits\": expected addresses between newlines, found others"},
        {"UPDATE durable_signals SET name = 'a' || char(10)",
         "\"signal\": expected 1 to 255 bytes of UTF-8 without control characters"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        recorded it;

        recorded_open(&it);
        host_run(it.db, "%s", cases[i].damage);
        assert_code(DUR_CORRUPT, exported_code(it.log, NULL, NULL, NULL), it.log);
        assert_has(dur_errmsg(it.log), cases[i].message);
        recorded_close(&it);
    }
}

/* ---- Redaction ----------------------------------------------------------------------------- */

typedef struct redactor {
    char told[4096];
    dur_value instead;
} redactor;

static void redact(const dur_exported *what, dur_value *value, void *user)
{
    redactor *it = user;
    char line[256];

    snprintf(line, sizeof line, "%s %s %s \"%s\" %lld: %d\n", what->run_id, what->workflow,
             what->what, what->name, (long long)what->position, (int)value->type);
    if (strlen(it->told) + strlen(line) < sizeof it->told) strcat(it->told, line);
    if (value->type == DUR_TEXT) *value = it->instead;
}

static const char all_told[] = "tour tour input \"\" 0: 4\n"
                               "tour tour step \"smallest\" 1: 1\n"
                               "tour tour step \"largest\" 2: 2\n"
                               "tour tour step \"minus zero\" 3: 3\n"
                               "tour tour step \"text\" 4: 4\n"
                               "tour tour step \"no text\" 5: 4\n"
                               "tour tour step \"blob\" 6: 5\n"
                               "tour tour step \"object\" 7: 6\n"
                               "tour tour failure \"fragile\" 8: 4\n"
                               "tour tour step \"payment\" 12: 1\n"
                               "tour tour failure \"flaky\" 14: 4\n"
                               "tour tour signal \"payment\" 0: 3\n"
                               "tour tour failure \"weather\" 0: 4\n";

static void every_value_and_failure_may_be_hidden(void **state)
{
    static const char *const secrets[] = {"Ada", "broken", "not ready", "too late", "ff7a"};
    dur_export_options options = DUR_EXPORT_OPTIONS_INIT;
    redactor it_hides = {"", dur_text("secret")};
    recorded it;
    dur_log *again;
    char *text;

    (void)state;
    recorded_open(&it);
    options.redact = redact;
    options.user = &it_hides;
    assert_code(DUR_OK, exported_code(it.log, "tour", &options, &text), it.log);
    assert_string_equal(it_hides.told, all_told);
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        assert_null(strstr(text, secrets[i]));
    again = exported_open(text, NULL);
    dur_close(again);
    free(text);
    recorded_close(&it);
}

static void a_failure_is_hidden_by_a_text_only(void **state)
{
    const dur_value wrong[] = {dur_null(), dur_integer(1), dur_text_n("a\0b", 3),
                               dur_text_n(NULL, 5), {(dur_type)99, {0}, 0}};
    dur_export_options options = DUR_EXPORT_OPTIONS_INIT;
    recorded it;

    (void)state;
    recorded_open(&it);
    options.redact = redact;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        redactor it_hides = {"", wrong[i]};

        options.user = &it_hides;
        assert_code(DUR_MISUSE, exported_code(it.log, "tour", &options, NULL), it.log);
    }
    assert_has(dur_errmsg(it.log), "run \"tour\": redaction of its input");
    recorded_close(&it);
}

static void what_redaction_leaves_alone_stays_as_it_is(void **state)
{
    static const char text[] = "{\"durable\":1}\n"
        "{\"run\":\"r\",\"uid\":\"00000000000000000000000000000000\",\"workflow\":\"w\",\"status\":"
        "\"suspended\",\"behaviour\":1,\"queue\":\"w\",\"priority\":0,\"created\":1,\"epoch\":1,"
        "\"claims\":0,\"input\":{\"big32\":\"01\"}}\n"
        "{\"end\":3}\n";
    dur_export_options options = DUR_EXPORT_OPTIONS_INIT;
    redactor it_hides = {"", dur_text("secret")};
    dur_log *log = exported_open(text, NULL);
    char *again;

    (void)state;
    options.redact = redact;
    options.user = &it_hides;
    assert_code(DUR_OK, exported_code(log, NULL, &options, &again), log);
    assert_string_equal(again, text);
    assert_string_equal(it_hides.told, "r w input \"\" 0: 6\n");
    free(again);
    dur_close(log);
}

/* ---- Files --------------------------------------------------------------------------------- */

static char *text_of_file(const char *path)
{
    size_t size;
    unsigned char *bytes = host_file(path, &size);
    char *text = malloc(size + 1);

    memcpy(text, bytes, size);
    text[size] = '\0';
    free(bytes);
    return text;
}

static void a_file_holds_the_same_text_and_is_never_written_over(void **state)
{
    test_host *host = *state;
    char path[300], *text, *in_file;
    recorded it;

    recorded_open(&it);
    snprintf(path, sizeof path, "%s/tour.jsonl", host->directory);
    text = exported_text(it.log, NULL);
    assert_code(DUR_OK, dur_export_file(it.log, NULL, NULL, path), it.log);
    in_file = text_of_file(path);
    assert_string_equal(in_file, text);
    free(in_file);
    assert_code(DUR_CONFLICT, dur_export_file(it.log, "tour", NULL, path), it.log);
    assert_has(dur_errmsg(it.log), "tour.jsonl\" is there already");
    assert_code(DUR_CONFLICT, dur_export_database(it.log, "tour", NULL, path), it.log);
    in_file = text_of_file(path);
    assert_string_equal(in_file, text);
    free(in_file);
    free(text);
    assert_int_equal(unlink(path), 0);
    recorded_close(&it);
}

static void a_file_that_is_not_complete_is_removed(void **state)
{
    dur_export_options options = DUR_EXPORT_OPTIONS_INIT;
    redactor it_hides = {"", dur_null()}; /* the input may go, the first failure stops it */
    test_host *host = *state;
    char path[300], nowhere[300];
    recorded it;

    recorded_open(&it);
    options.redact = redact;
    options.user = &it_hides;
    snprintf(path, sizeof path, "%s/tour.jsonl", host->directory);
    snprintf(nowhere, sizeof nowhere, "%s/none/tour.jsonl", host->directory);
    assert_code(DUR_MISUSE, dur_export_file(it.log, NULL, &options, path), it.log);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_code(DUR_MISUSE, dur_export_database(it.log, NULL, &options, path), it.log);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_code(DUR_NOT_FOUND, dur_export_file(it.log, "nobody", NULL, path), it.log);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_code(DUR_NOT_FOUND, dur_export_database(it.log, "nobody", NULL, path), it.log);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_code(DUR_IOERR, dur_export_file(it.log, NULL, NULL, nowhere), it.log);
    assert_code(DUR_IOERR, dur_export_database(it.log, NULL, NULL, nowhere), it.log);
    recorded_close(&it);
}

/* Redacted alike, and the same text comes from it. */
static void a_database_is_the_second_form(void **state)
{
    dur_export_options options = DUR_EXPORT_OPTIONS_INIT;
    test_host *host = *state;
    char path[300];

    options.redact = redact;
    for (int redacts = 0; redacts < 2; redacts++) {
        redactor it_hides = {"", dur_text("secret")};
        const dur_export_options *given = redacts ? &options : NULL;
        char *text, *again;
        dur_log *log;
        recorded it;

        options.user = &it_hides;
        recorded_open(&it);
        snprintf(path, sizeof path, "%s/tour.db", host->directory);
        assert_code(DUR_OK, exported_code(it.log, NULL, given, &text), it.log);
        assert_code(DUR_OK, dur_export_database(it.log, NULL, given, path), it.log);
        assert_int_equal(dur_open_recording(path, NULL, &log), DUR_OK);
        again = exported_text(log, NULL);
        assert_string_equal(again, text);
        dur_close(log);
        free(text);
        free(again);
        recorded_close(&it);
        assert_int_equal(unlink(path), 0);
    }
}

/* ---- The host ------------------------------------------------------------------------------ */

/* … also where somebody writes meanwhile. */
static int write_beside(const char *line, size_t length, void *user)
{
    void **both = user;
    test_host *host = both[1];

    host_run(host->other, "UPDATE durable_runs SET priority = 1 - priority");
    host_run(host->other, "DELETE FROM durable_steps");
    return exported_write(line, length, both[0]);
}

static void an_export_is_of_one_moment(void **state)
{
    exported_buffer buffer = {0};
    test_host *host = *state;
    dur_log *log = host_log(host);
    void *both[2] = {&buffer, host};
    char *text;

    for (int i = 0; i < 4; i++) {
        char id[16];

        snprintf(id, sizeof id, "r%d", i);
        assert_code(DUR_OK, dur_execute(log, "caller", id, NULL, caller, NULL), log);
    }
    text = exported_text(log, NULL);
    host->other = host_connect(host, SQLITE_OPEN_READWRITE);
    assert_code(DUR_OK, dur_export(log, NULL, NULL, write_beside, both), log);
    assert_string_equal(buffer.text, text);
    assert_int_equal(host_active_statements(host->db), 0);
    free(text);
    free(buffer.text);
    dur_close(log);
}

/* Law 1. */
static void an_export_leaves_the_hosts_transaction_alone(void **state)
{
    test_host *host = *state;
    dur_log *log = host_log(host);
    char *text, *before;

    host_run(host->db, "CREATE TABLE mine(x)");
    sqlite3_free(host_picture(host->db)); /* looking for the first time opens "temp" */
    before = host_picture(host->db);
    text = exported_text(log, NULL);
    assert_same(before, host_picture(host->db));
    assert_int_equal(host_active_statements(host->db), 0);
    free(text);
    host_run(host->db, "BEGIN");
    assert_code(DUR_OK, dur_start(log, "caller", "r", NULL), log);
    host_run(host->db, "INSERT INTO mine VALUES(1)");
    text = exported_text(log, NULL);
    assert_non_null(strstr(text, "{\"run\":\"r\""));
    free(text);
    assert_false(sqlite3_get_autocommit(host->db));
    host_run(host->db, "ROLLBACK");
    assert_int_equal(host_number(host->db, "SELECT count(*) FROM mine"), 0);
    text = exported_text(log, NULL);
    assert_null(strstr(text, "{\"run\":\"r\""));
    free(text);
    dur_close(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_as_documented),
        cmocka_unit_test(a_run_is_exported_with_its_children_and_without_its_parent),
        cmocka_unit_test(an_empty_log_is_two_lines),
        cmocka_unit_test(what_cannot_be_exported_writes_nothing),
        cmocka_unit_test(who_writes_may_end_it),
        cmocka_unit_test(a_damaged_row_is_named),
        cmocka_unit_test(every_value_and_failure_may_be_hidden),
        cmocka_unit_test(a_failure_is_hidden_by_a_text_only),
        cmocka_unit_test(what_redaction_leaves_alone_stays_as_it_is),
        IN_WAL(a_file_holds_the_same_text_and_is_never_written_over),
        IN_WAL(a_file_that_is_not_complete_is_removed),
        IN_WAL(a_database_is_the_second_form),
        IN_WAL(an_export_is_of_one_moment),
        IN_EVERY_JOURNAL(an_export_leaves_the_hosts_transaction_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
