/* test/engine: a run with a batch of branches; see fan.h. */
#include "fan.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- The workflow ---- */

static int clean_up(dur_run *run, twig *one)
{
    if (!dur_cancelled(run)) return 0;
    one->cancelled++;
    if (one->clean_ms && dur_sleep(run, "settle", one->clean_ms) != DUR_OK) return 0;
    DUR_STEP(run, "tidy") { one->tidied++; }
    return 0;
}

static int grow(dur_run *run, void *context)
{
    twig *one = context;
    int64_t value = 0;

    one->calls++;
    if (one->stops) dur_stop(run, "not now");
    if (one->pause_ms && dur_sleep(run, "pause", one->pause_ms) != DUR_OK)
        return clean_up(run, one);
    DUR_STEP(run, "work", value)
    {
        one->bodies++;
        value = one->value;
    }
    if (one->fails) dur_fail(run, "no luck");
    dur_set_output(run, dur_integer(value));
    return 0;
}

static void tell_branch(char *told, size_t size, int code, dur_value value)
{
    size_t length = strlen(told);

    if (code == DUR_OK)
        snprintf(told + length, size - length, " %" PRId64, value.as.integer);
    else if (code == DUR_FAILED)
        snprintf(told + length, size - length, " [%s]", dur_as_text(value));
    else
        snprintf(told + length, size - length, " %s", code == DUR_CANCELLED ? "open" : "-");
}

static void tell_batch(fan *user)
{
    static const char *const reasons[] = {"none", "all", "enough", "failures"};
    const dur_batch *batch = &user->batch;

    snprintf(user->told, sizeof user->told, "%s %zu/%zu +%zu -%zu:", reasons[batch->reason],
             batch->started, batch->count, batch->succeeded, batch->failed);
    for (size_t i = 0; i < batch->count; i++)
        tell_branch(user->told, sizeof user->told, batch->codes[i], batch->values[i]);
}

int fan_work(dur_run *run, void *context)
{
    fan *user = context;

    user->told[0] = '\0';
    user->code = dur_parallel(run, "fan", user->branches, user->count, &user->options,
                              &user->batch);
    if (user->code == DUR_OK) tell_batch(user);
    DUR_STEP(run, "after") { user->after++; }
    return 0;
}

fan fan_new(size_t count)
{
    const dur_batch_options options = DUR_BATCH_OPTIONS_INIT;
    fan user;

    memset(&user, 0, sizeof user);
    user.count = count;
    user.options = options;
    user.options.file = NULL;
    return user;
}

/* When it stands where it will stay. */
void fan_wire(fan *user)
{
    for (size_t i = 0; i < user->count; i++) {
        user->twigs[i].value = (int64_t)i + 1;
        user->branches[i].fn = grow;
        user->branches[i].user = &user->twigs[i];
        user->branches[i].input = dur_integer((int64_t)i);
    }
}

int fan_execute(engine_world *world, fan *user)
{
    return waits_execute(world, fan_work, user);
}

int fan_execute_at(engine_world *world, fan *user, int64_t now_ms)
{
    return waits_execute_at(world, now_ms, fan_work, user);
}

int fan_calls(const fan *user)
{
    int calls = 0;

    for (size_t i = 0; i < user->count; i++) calls += user->twigs[i].calls;
    return calls;
}
