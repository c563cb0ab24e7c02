/* test/crash: the soak: what each run is to do. */
#if defined(__unix__) || defined(__APPLE__)

#include "soak.h"

#include <stdio.h>
#include <stdlib.h>

const char *const soak_names[SOAK_KINDS] = {"plain",    "joined",  "sleepy",  "stubborn",
                                            "poller",   "long",    "listener", "patient",
                                            "chooser",  "asker",   "parent",  "child"};

const soak_queue soak_queues[SOAK_QUEUES] = {
    {NULL, DUR_QUEUE_LIMITS_INIT},
    {"single", {sizeof(dur_queue_limits), 1, 0, 0, 0}},
    {"narrow", {sizeof(dur_queue_limits), 2, 1, 0, 0}},
    {"paced", {sizeof(dur_queue_limits), 0, 0, 25, 1000}},
};

/* Of sixteen runs, so many of each kind. */
static const soak_kind shares[16] = {
    SOAK_PLAIN,    SOAK_PLAIN,    SOAK_JOINED,  SOAK_SLEEPY,  SOAK_STUBBORN, SOAK_STUBBORN,
    SOAK_POLLER,   SOAK_LONG,     SOAK_LISTENER, SOAK_LISTENER, SOAK_PATIENT, SOAK_CHOOSER,
    SOAK_CHOOSER,  SOAK_ASKER,    SOAK_ASKER,   SOAK_PARENT};

static int draw(fake_clock *chance, int from, int to)
{
    return from + (int)(fake_clock_random(chance) % (uint64_t)(to - from + 1));
}

static int draw_queue(fake_clock *chance)
{
    int number = draw(chance, 0, 39);

    return number < 6 ? 1 : number < 12 ? 2 : number == 12 ? 3 : 0;
}

/* What is sent: everything that a listener waits for; to others perhaps less than they would take,
 * perhaps more. */
static int draw_sends(fake_clock *chance, const soak_plan *plan)
{
    switch (plan->kind) {
    case SOAK_LISTENER: return plan->count;
    case SOAK_PATIENT: return draw(chance, 0, plan->count + 1);
    case SOAK_CHOOSER: return draw(chance, 0, 2);
    default: return 0;
    }
}

static soak_plan draw_plan(fake_clock *chance)
{
    soak_plan plan;

    memset(&plan, 0, sizeof plan);
    plan.kind = shares[draw(chance, 0, 15)];
    plan.count = draw(chance, 1, 4);
    plan.fails = draw(chance, 1, 4);
    plan.ending = draw(chance, 0, 3);
    if (plan.ending > SOAK_GIVES_UP) plan.ending = SOAK_SUCCEEDS;
    plan.sends = draw_sends(chance, &plan);
    plan.pause_ms = draw(chance, 1, 12);
    plan.timeout_ms = draw(chance, 0, 1) ? draw(chance, 5, 60) : 0;
    plan.keyed = draw(chance, 0, 1);
    plan.queue = draw_queue(chance);
    plan.priority = draw(chance, 0, 7);
    return plan;
}

soak_plan soak_plan_of(uint64_t seed, int64_t number)
{
    fake_clock chance;

    fake_clock_init(&chance, seed + (uint64_t)number * 7919);
    return draw_plan(&chance);
}

soak_plan soak_plan_of_child(uint64_t seed, int64_t number, int child)
{
    fake_clock chance;
    soak_plan plan;

    fake_clock_init(&chance, seed + (uint64_t)number * 7919 + (uint64_t)child + 1);
    plan = draw_plan(&chance);
    plan.kind = SOAK_CHILD;
    plan.sends = 0;
    return plan;
}

void soak_plan_print(const soak_plan *plan, char text[SOAK_PLAN_SIZE])
{
    snprintf(text, SOAK_PLAN_SIZE, "%d %d %d %d %d %d %d %d %d %d", (int)plan->kind, plan->count,
             plan->fails, plan->ending, plan->sends, plan->pause_ms, plan->timeout_ms, plan->keyed,
             plan->queue, plan->priority);
}

bool soak_plan_parse(const char *text, soak_plan *plan)
{
    int kind = 0;

    if (!text ||
        sscanf(text, "%d %d %d %d %d %d %d %d %d %d", &kind, &plan->count, &plan->fails,
               &plan->ending, &plan->sends, &plan->pause_ms, &plan->timeout_ms, &plan->keyed,
               &plan->queue, &plan->priority) != 10)
        return false;
    plan->kind = (soak_kind)kind;
    return true;
}

void soak_id(char id[SOAK_ID_SIZE], int64_t number)
{
    snprintf(id, SOAK_ID_SIZE, "r%lld", (long long)number);
}

void soak_child_id(char id[SOAK_ID_SIZE], const char *parent, int child)
{
    snprintf(id, SOAK_ID_SIZE, "%s.%d", parent, child);
}

int64_t soak_number(const char *id)
{
    return strtoll(id + 1, NULL, 10);
}

const char *soak_signal_name(const soak_plan *plan, int n)
{
    switch (plan->kind) {
    case SOAK_PATIENT: return "maybe";
    case SOAK_CHOOSER: return n % 2 ? "left" : "right";
    default: return "go";
    }
}

int soak_start(dur_log *log, const char *id, const soak_plan *plan)
{
    dur_start_options options = DUR_START_OPTIONS_INIT;
    char text[SOAK_PLAN_SIZE];

    soak_plan_print(plan, text);
    options.input = dur_text(text);
    options.queue = soak_queues[plan->queue].name;
    options.priority = plan->priority;
    return dur_start(log, soak_names[plan->kind], id, &options);
}

#else
typedef int soak_plan_needs_posix;
#endif
