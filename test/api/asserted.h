/* test/api: a recorded order, and assertions about it that fail in a process of their own. */
#ifndef TEST_API_ASSERTED_H
#define TEST_API_ASSERTED_H

#include "durable_cmocka.h"

#include "support/host.h"
#include "support/process.h"

#include <stdlib.h>

/* ---- A recording ---- */

typedef enum edition { FIRST, WITH_FRAUD, SHORT, RENAMED, ANOTHER_AMOUNT } edition;

typedef struct shop {
    edition edition;
    int bodies;
    bool waits; /* at its end, for "go" */
} shop;

static inline void record_values(dur_run *run, shop *here)
{
    static const unsigned char seal[] = {0, 1, 255};
    const char *note = NULL, *failure;
    double weight = 0;
    dur_value value;

    DUR_STEP(run, "weigh", weight) { weight = 0.1; }
    DUR_STEP(run, "note", note) { note = "fragile: two eggs, and a letter to whom it may concern"; }
    DUR_STEP(run, "seal", value) { value = dur_blob(seal, sizeof seal); }
    DUR_STEP(run, "nothing") { here->bodies++; }
    DUR_STEP(run, "insure") { dur_fail(run, "too fragile"); }
    failure = dur_catch(run);
    if (failure) here->bodies += 100;
    if (dur_receive(run, "hurry", 0, NULL) == DUR_TIMED_OUT) here->bodies += 1000;
}

static inline int order(dur_run *run, void *user)
{
    shop *here = user;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    int payment = 0, parcel = 0;
    int amount = here->edition == ANOTHER_AMOUNT ? 18 : 17;

    options.fingerprint = dur_fingerprint(0, &amount, sizeof amount);
    if (here->edition == WITH_FRAUD) DUR_STEP(run, "fraud") { here->bodies++; }
    DUR_STEP(run, "charge", payment, &options) { payment = 4711; }
    record_values(run, here);
    for (int i = 0; i < (here->edition == SHORT ? 2 : 3); i++)
        DUR_STEP(run, here->edition == RENAMED ? "send" : "ship", parcel) { parcel = 10 * (i + 1); }
    if (here->waits && dur_receive(run, "go", DUR_FOREVER, NULL) != DUR_OK) return 0;
    return dur_set_output(run, dur_text("sent"));
}

/* A file with the one run "42", which has ended; or waits at position 11. */
static inline void record(test_host *host, const char *path, bool waits)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_log *log = host_log(host);
    shop here = {FIRST, 0, waits};

    start.input = dur_integer(17);
    assert_code(waits ? DUR_SUSPENDED : DUR_OK,
                dur_execute(log, "order", "42", &start, order, &here), log);
    remove(path);
    assert_code(DUR_OK, dur_export_file(log, "42", NULL, path), log);
    dur_close(log);
}

typedef struct fixture {
    test_host *host;
    char path[256], printed[256];
} fixture;

static inline fixture fixture_of(test_host *host, bool waits)
{
    fixture it = {.host = host};

    snprintf(it.path, sizeof it.path, "%s/order-42.jsonl", host->directory);
    snprintf(it.printed, sizeof it.printed, "%s/printed.txt", host->directory);
    record(host, it.path, waits);
    return it;
}

static inline void drop(fixture *it)
{
    remove(it->path);
    remove(it->printed);
}

/* ---- They fail ---- */

typedef struct failing {
    void (*act)(fixture *it, dur_log *log);
    fixture *it;
} failing;

static failing child;

/* So that the parent knows the line. */
#define AT(...)                                                                                    \
    do {                                                                                           \
        fprintf(stderr, "asserted in line %d\n", __LINE__);                                        \
        __VA_ARGS__;                                                                               \
    } while (0)

static inline void act(void **state)
{
    dur_log *log = dur_assert_recording(child.it->path);

    (void)state;
    child.act(child.it, log);
    fprintf(stderr, "it passed\n");
}

static inline int fail_in_child(void *user)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(act)};
    fixture *it = user;

    if (!freopen(it->printed, "wb", stderr)) return 2;
    setvbuf(stderr, NULL, _IONBF, 0);
    return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}

/* The call sites of the steps are no matter. */
static inline void forget_lines(char *text)
{
    static const char file[] = "asserted.h:";
    char *at = text;

    while ((at = strstr(at, file)) != NULL) {
        at += strlen(file);
        *at++ = 'N';
        memmove(at, at + strspn(at, "0123456789"), strlen(at + strspn(at, "0123456789")) + 1);
    }
}

/* The test fails in its own line, and prints these lines before. */
static inline void assert_prints(fixture *it, void (*how)(fixture *, dur_log *),
                                 const char *expected, bool whole)
{
    process_end end;
    char *printed, *begin, *behind, place[64];
    size_t size;
    int line = 0;

    child.act = how;
    child.it = it;
    end = process_run(fail_in_child, it);
    assert_true(end.exited);
    assert_int_equal(1, end.code);
    printed = (char *)host_file(it->printed, &size);
    printed = realloc(printed, size + 1);
    assert_non_null(printed);
    printed[size] = '\0';
    begin = strstr(printed, "asserted in line ");
    assert_non_null(begin);
    assert_int_equal(1, sscanf(begin, "asserted in line %d", &line));
    begin = strchr(begin, '\n') + 1;
    behind = strstr(begin, "[  ERROR ");
    assert_non_null(behind);
    snprintf(place, sizeof place, "_test.c:%d: error: Failure!", line);
    assert_has(behind, place);
    *behind = '\0';
    forget_lines(begin);
    if (!whole && strlen(begin) > strlen(expected)) begin[strlen(expected)] = '\0';
    assert_string_equal(expected, begin);
    free(printed);
}

#define assert_fails(it, how, expected) assert_prints(it, how, expected, true)
#define assert_begins(it, how, expected) assert_prints(it, how, expected, false)

#endif
