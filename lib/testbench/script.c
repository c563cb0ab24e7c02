/* testbench: what steps and callbacks come to, by script; and how many bodies there were. */
#include "testbench/testbench.h"

#define FAILURE "scripted failure"

/* ---- Setting them -------------------------------------------------------------------------- */

static bool has_bytes(dur_value value)
{
    return value.type >= DUR_TEXT && value.length > 0;
}

static const char *append_text(char **room, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = *room;

    memcpy(copy, text, size);
    *room += size;
    return copy;
}

static durable_bench_script *copy_script(const char *name, const dur_script *script)
{
    const char *failure = script->failure ? script->failure : FAILURE;
    size_t bytes = has_bytes(script->value) ? script->value.length : 0;
    size_t size = strlen(name) + strlen(failure) + 2 + bytes;
    durable_bench_script *copy;
    char *room;

    if (script->run_id) size += strlen(script->run_id) + 1;
    copy = durable_allocate(sizeof *copy + size);
    if (!copy) return NULL;
    copy->is = *script;
    room = copy->name;
    append_text(&room, name);
    copy->is.failure = append_text(&room, failure);
    if (script->run_id) copy->is.run_id = append_text(&room, script->run_id);
    if (!bytes) return copy;
    memcpy(room, script->value.as.bytes, bytes);
    copy->is.value.as.bytes = room;
    return copy;
}

static bool is_same_run(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Those that the new one takes the place of; all of the name where there is none. */
static void drop(dur_testbench *bench, const char *name, const dur_script *script)
{
    durable_bench_script **link = &bench->scripts;

    while (*link) {
        durable_bench_script *old = *link;
        bool goes = strcmp(old->name, name) == 0 &&
                    (!script || (script->undoes == old->is.undoes &&
                                 is_same_run(script->run_id, old->is.run_id)));

        if (goes) {
            *link = old->next;
            durable_free(old);
        } else {
            link = &old->next;
        }
    }
}

DURABLE_INTERNAL int durable_bench_set_script(dur_testbench *bench, const char *name,
                                              const dur_script *script)
{
    durable_bench_script *copy = NULL;

    if (script) {
        copy = copy_script(name, script);
        if (!copy) return DUR_NOMEM;
    }
    drop(bench, name, script);
    if (!copy) return DUR_OK;
    copy->next = bench->scripts;
    bench->scripts = copy;
    return DUR_OK;
}

static durable_bench_script *find_script(const dur_testbench *bench, const dur_step *step)
{
    bool undoes = step->kind == DURABLE_KIND_UNDO;

    for (durable_bench_script *script = bench->scripts; script; script = script->next)
        if (script->is.undoes == undoes && strcmp(script->name, step->name) == 0 &&
            (!script->is.run_id || strcmp(script->is.run_id, step->run->id) == 0))
            return script;
    return NULL;
}

/* One more attempt. */
static bool fails_now(durable_bench_script *script)
{
    script->attempts++;
    return script->is.failures < 0 || script->attempts <= script->is.failures;
}

/* ---- Bodies -------------------------------------------------------------------------------- */

static bool count_body(dur_testbench *bench, const char *name)
{
    durable_bench_count *count = bench->counts;
    size_t size = strlen(name) + 1;

    while (count && strcmp(count->name, name) != 0) count = count->next;
    if (!count) {
        count = durable_allocate(sizeof *count + size);
        if (!count) return false;
        memcpy(count->name, name, size);
        count->next = bench->counts;
        bench->counts = count;
    }
    count->bodies++;
    bench->bodies++;
    bench->bodies_in_pass++;
    return true;
}

DURABLE_INTERNAL int64_t durable_bench_count_of(const dur_testbench *bench, const char *name)
{
    const durable_bench_count *count = bench->counts;

    if (!name) return bench->bodies;
    while (count && strcmp(count->name, name) != 0) count = count->next;
    return count ? count->bodies : 0;
}

static int stop_without_bench_memory(dur_run *run)
{
    return durable_run_stop(run, DUR_NOMEM, "out of memory for the test bench");
}

/* Steps whose bodies run would lose them with the pass. */
static bool has_open_body(const dur_testbench *bench)
{
    for (const dur_run *run = bench->log->runs; run; run = run->next)
        for (const dur_step *step = run->open_first; step; step = step->next)
            if ((step->kind == DURABLE_KIND_STEP || step->kind == DURABLE_KIND_UNDO) &&
                step->state == DURABLE_STEP_OPEN)
                return true;
    return false;
}

DURABLE_INTERNAL int durable_bench_before_step(dur_run *run, void *context)
{
    dur_testbench *bench = context;

    if (bench->dead) return durable_bench_stop_dead(run);
    if (!bench->running || !bench->always_replay) return DUR_OK;
    if (bench->bodies_in_pass == 0 || has_open_body(bench)) return DUR_OK;
    bench->ends_pass = true;
    return durable_run_stop(run, DUR_STOPPED, "the test bench ends the pass, to replay it");
}

/* ---- Playing them -------------------------------------------------------------------------- */

/* It hangs, and when nobody believes any more that it lives somebody ends it. */
static int hang(dur_testbench *bench, dur_step *step)
{
    dur_run *run = step->run;

    durable_bench_pass_time(bench, run->lease_end);
    bench->dead = true;
    return durable_run_stop(run, DUR_LOST,
                            "position %lld, step \"%s\": it did not answer, and its process was"
                            " killed when the claim had ended",
                            (long long)step->position, step->name);
}

static int play(dur_testbench *bench, durable_bench_script *script, dur_step *step,
                dur_value *value)
{
    bool fails = fails_now(script);
    int code;

    if (script->is.never) return hang(bench, step);
    if (script->is.takes_ms)
        durable_bench_pass_time(bench, durable_time_after(bench->now_ms, script->is.takes_ms));
    if (!fails && script->is.executes) return DUR_EXECUTE;
    step->result = value;
    code = fails ? durable_intent_conclude(step, DURABLE_OUTCOME_FAILURE,
                                           dur_text(script->is.failure))
                 : durable_intent_conclude(step, DURABLE_OUTCOME_RESULT, script->is.value);
    step->result = NULL;
    return code;
}

DURABLE_INTERNAL int durable_bench_before_body(dur_step *step, dur_value *value, void *context)
{
    dur_testbench *bench = context;
    durable_bench_script *script = find_script(bench, step);

    if (bench->dead) return durable_bench_stop_dead(step->run);
    if (!count_body(bench, step->name))
        return stop_without_bench_memory(step->run);
    return script ? play(bench, script, step, value) : DUR_EXECUTE;
}

/* ---- Callbacks ----------------------------------------------------------------------------- */

static bool is_known(const dur_testbench *bench, const char *token)
{
    const durable_bench_name *known = bench->tokens;

    while (known && strcmp(known->text, token) != 0) known = known->next;
    return known != NULL;
}

static bool note_token(dur_testbench *bench, const char *token)
{
    size_t size = strlen(token) + 1;
    durable_bench_name *known = durable_allocate(sizeof *known + size);

    if (!known) return false;
    memcpy(known->text, token, size);
    known->next = bench->tokens;
    bench->tokens = known;
    return true;
}

static void forget_last_token(dur_testbench *bench)
{
    durable_bench_name *last = bench->tokens;

    bench->tokens = last->next;
    durable_free(last);
}

/* Counted from when it was made, which may have been in an earlier pass. */
static int schedule(dur_testbench *bench, durable_bench_script *script, const dur_step *callback)
{
    durable_bench_event event;
    int64_t began = callback->progress ? callback->progress->pending.began : callback->began;

    memset(&event, 0, sizeof event);
    event.answers = true;
    event.to = callback->token;
    event.beats_ms = script->is.beats_ms;
    if (fails_now(script))
        event.failure = script->is.failure;
    else
        event.value = script->is.value;
    event.ends_ms = script->is.never ? DURABLE_NEVER
                                     : durable_time_after(began, script->is.takes_ms);
    event.time_ms = event.ends_ms;
    if (event.beats_ms && durable_time_between(began, event.ends_ms) > event.beats_ms)
        event.time_ms = durable_time_after(began, event.beats_ms);
    return durable_bench_add_event(bench, &event);
}

DURABLE_INTERNAL int durable_bench_on_callback(dur_step *callback, void *context)
{
    dur_testbench *bench = context;
    durable_bench_script *script = find_script(bench, callback);

    if (!script || is_known(bench, callback->token)) return DUR_OK;
    if (note_token(bench, callback->token)) {
        if (schedule(bench, script, callback) == DUR_OK) return DUR_OK;
        forget_last_token(bench);
    }
    return stop_without_bench_memory(callback->run);
}
