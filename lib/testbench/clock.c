/* testbench: time that jumps, chance from a seed, and what happens at given times. */
#include "testbench/testbench.h"

static int64_t bench_now(void *user)
{
    return ((dur_testbench *)user)->now_ms;
}

static void bench_sleep(int64_t duration_ms, void *user)
{
    dur_testbench *bench = user;

    if (duration_ms > 0) bench->now_ms = durable_time_after(bench->now_ms, duration_ms);
}

/* splitmix64: Guy Steele, Doug Lea, Christine Flood, "Fast Splittable Pseudorandom Number
 * Generators", 2014. Byte by byte, so that the order of bytes in a word does not matter. */
static uint64_t draw(dur_testbench *bench)
{
    uint64_t z = bench->random_state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void bench_random(void *bytes, size_t count, void *user)
{
    unsigned char *drawn = bytes;
    uint64_t number = 0;

    for (size_t i = 0; i < count; i++) {
        if (i % 8 == 0) number = draw(user);
        drawn[i] = (unsigned char)(number >> i % 8 * 8 & 0xff);
    }
}

DURABLE_INTERNAL void durable_bench_set_clock(dur_testbench *bench, dur_options *options)
{
    options->now_ms = bench_now;
    options->random = bench_random;
    options->sleep = bench_sleep;
    options->user = bench;
}

/* ---- What is to be sent -------------------------------------------------------------------- */

/* Behind those of the same time. */
static void insert(dur_testbench *bench, durable_bench_event *event)
{
    durable_bench_event **link = &bench->events;

    while (*link && (*link)->time_ms <= event->time_ms) link = &(*link)->next;
    event->next = *link;
    *link = event;
}

static const char *take_text(char **room, const char *text)
{
    const char *copy = *room;
    size_t size;

    if (!text) return NULL;
    size = strlen(text) + 1;
    memcpy(*room, text, size);
    *room += size;
    return copy;
}

static size_t size_of(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

DURABLE_INTERNAL int durable_bench_add_event(dur_testbench *bench,
                                             const durable_bench_event *event)
{
    bool has_bytes = event->value.type >= DUR_TEXT && event->value.length > 0;
    size_t size = size_of(event->to) + size_of(event->name) + size_of(event->failure);
    durable_bench_event *copy;
    char *room;

    copy = durable_allocate(sizeof *copy + size + (has_bytes ? event->value.length : 0));
    if (!copy) return DUR_NOMEM;
    *copy = *event;
    room = copy->text;
    copy->to = take_text(&room, event->to);
    copy->name = take_text(&room, event->name);
    copy->failure = take_text(&room, event->failure);
    if (has_bytes) {
        memcpy(room, event->value.as.bytes, event->value.length);
        copy->value.as.bytes = room;
    }
    insert(bench, copy);
    return DUR_OK;
}

/* A callback may be over by then: its time was up, or its run has ended. */
static bool is_over_by_now(int code)
{
    return code == DUR_ENDED || code == DUR_NOT_FOUND;
}

/* It shows life until it is answered; true: it is to come again. */
static bool beat(dur_testbench *bench, durable_bench_event *event, int *code)
{
    int64_t next_ms = durable_time_after(event->time_ms, event->beats_ms);

    *code = durable_send_heartbeat(bench->log, event->to);
    if (*code == DUR_OK) {
        event->time_ms = next_ms < event->ends_ms ? next_ms : event->ends_ms;
        return true;
    }
    if (is_over_by_now(*code)) *code = DUR_OK;
    return false;
}

static int answer(dur_testbench *bench, const durable_bench_event *event)
{
    int code = durable_send_answer(bench->log, event->to, event->value, event->failure);

    return is_over_by_now(code) ? DUR_OK : code;
}

static int send_event(dur_testbench *bench, durable_bench_event *event, bool *again)
{
    int code;

    if (!event->answers)
        return durable_send_signal(bench->log, event->to, event->name, event->value, NULL, NULL);
    if (event->time_ms >= event->ends_ms) return answer(bench, event);
    *again = beat(bench, event, &code);
    return code;
}

/* Out of the list, then sent. What a database in trouble did not take comes first the next time. */
static int send_first(dur_testbench *bench)
{
    durable_bench_event *event = bench->events;
    bool again = false;
    int code;

    bench->events = event->next;
    code = send_event(bench, event, &again);
    if (again) {
        insert(bench, event);
    } else if (durable_is_transient(code)) {
        event->next = bench->events;
        bench->events = event;
    } else {
        durable_free(event);
    }
    return code;
}

DURABLE_INTERNAL int durable_bench_send_due(dur_testbench *bench)
{
    int code = DUR_OK;

    while (code == DUR_OK && bench->events && bench->events->time_ms <= bench->now_ms)
        code = send_first(bench);
    return code;
}

static void note_trouble(dur_testbench *bench, int code)
{
    if (code == DUR_OK || bench->trouble != DUR_OK) return;
    bench->trouble = code;
    durable_error_copy(&bench->error, &bench->log->error);
}

DURABLE_INTERNAL void durable_bench_pass_time(dur_testbench *bench, int64_t until_ms)
{
    while (!bench->in_step && bench->trouble == DUR_OK && bench->events &&
           bench->events->time_ms <= until_ms) {
        if (bench->now_ms < bench->events->time_ms) bench->now_ms = bench->events->time_ms;
        note_trouble(bench, send_first(bench));
    }
    if (bench->now_ms < until_ms) bench->now_ms = until_ms;
}
