/* test/engine: workflows as text, for changes of code. */
#include "patched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>

static void note(char *list, char what)
{
    size_t length = strlen(list);

    assert_true(length < 63);
    list[length] = what;
    list[length + 1] = '\0';
}

static void run_step(dur_run *run, patched *it, const char *name)
{
    DUR_STEP(run, name) { note(it->bodies, *name); }
}

static void run_twice(dur_run *run, patched *it, const char *name)
{
    dur_retry patient = DUR_RETRY_INIT;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    patient.jitter = DUR_JITTER_NONE;
    options.retry = &patient;
    DUR_STEP_VOID(run, name, &options) {
        note(it->bodies, *name);
        if (dur_step_attempt(dur_current_step(run)) == 1) dur_fail(run, "not at first");
    }
}

static const char *behind_bracket(const char *at)
{
    while (*at && *at != ']') at++;
    return *at ? at + 1 : at;
}

/* From behind its name: gives where the code goes on, which is the new way, the old one, or behind
 * both. */
static const char *run_patch(dur_run *run, patched *it, char letter, const char *at)
{
    const char id[2] = {(char)tolower((unsigned char)letter), '\0'};
    bool goes_new = dur_patch(run, id);

    note(it->answers, goes_new ? '1' : '0');
    if (*at != '[') return at;
    if (goes_new) return at + 1;
    while (*at && *at != '|' && *at != ']') at++;
    return *at ? at + 1 : at;
}

static const char *run_next(dur_run *run, patched *it, const char *at)
{
    const char name[2] = {*at, '\0'};
    const char retired[2] = {(char)tolower((unsigned char)at[1]), '\0'};

    if (*at == '|') return behind_bracket(at);
    if (*at == ']') return at + 1;
    if (*at == '-') {
        it->code_of_retire = dur_retire_patch(run, retired);
        return at + 2;
    }
    if (isupper((unsigned char)*at)) return run_patch(run, it, *at, at + 1);
    if (*at == '!') dur_stop(run, "left");
    else if (*at == 'w') assert_true(dur_sleep(run, name, 1000) == dur_run_code(run));
    else if (*at == 'r') run_twice(run, it, name);
    else run_step(run, it, name);
    return at + 1;
}

int patched_workflow(dur_run *run, void *user)
{
    patched *it = user;

    for (const char *at = it->code; *at;) at = run_next(run, it, at);
    return 0;
}

int patched_execute(engine_world *world, const char *code, patched *it)
{
    memset(it, 0, sizeof *it);
    it->code = code;
    return dur_execute(world->log, "letters", PATCHED_ID, NULL, patched_workflow, it);
}

/* ---- What is recorded ---- */

static char rows[128];

static int note_row(const durable_step_record *record, void *context)
{
    int64_t *last = context;

    while (++*last < record->position) note(rows, '#');
    note(rows, record->kind == DURABLE_KIND_PATCH ? (char)toupper((unsigned char)record->name[0])
                                                  : record->name[0]);
    if (record->kind == DURABLE_KIND_PATCH) {
        assert_int_equal(record->outcome, DURABLE_OUTCOME_RESULT);
        assert_int_equal(record->value.type, DURABLE_DATUM_NULL);
    }
    return 0;
}

static int note_pending(const durable_pending *pending, void *context)
{
    (void)context;
    note(rows, '(');
    note(rows, pending->name[0]);
    note(rows, ')');
    return 0;
}

static int note_key(const durable_run_record *record, void *context)
{
    *(int64_t *)context = record->run;
    return DUR_OK;
}

const char *patched_rows(engine_world *world)
{
    durable_store *store = world->witness;
    int64_t key = 0, last = 0;

    rows[0] = '\0';
    assert_int_equal(store->methods->find_run(store, PATCHED_ID, note_key, &key), DUR_OK);
    assert_int_equal(store->methods->load_history(store, key, 1, DUR_POSITION_MAX, 1000, true,
                                                  note_row, &last, NULL),
                     DUR_OK);
    assert_int_equal(store->methods->load_pending(store, key, note_pending, NULL, NULL), DUR_OK);
    return rows;
}
