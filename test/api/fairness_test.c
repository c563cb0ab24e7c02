/* test/api: in which order workers take what is due, and that nobody starves. */
#include "api/crew.h"

#include <stdio.h>

/* Chance that has the count of passes begin where the eighth one is the first fair one. */
static void plain_chance(void *bytes, size_t count, void *user)
{
    fake_clock *clock = user;

    memset(bytes, clock->random_bytes ? (int)(clock->random_bytes % 251) : 0, count);
    clock->random_bytes += (int64_t)count;
}

static void open_worker(test_crew *crew, void **state)
{
    test_host *host = *state;
    dur_options options = host_options(host);

    options.random = plain_chance;
    crew_open(crew, host, &options);
}

static void start_later(test_crew *crew, const char *queue, int priority, const char *id)
{
    crew_start(crew, queue, priority, id);
    fake_clock_advance(&crew->host->clock, 1);
}

static void the_longest_due_goes_first(void **state)
{
    test_crew crew;

    open_worker(&crew, state);
    start_later(&crew, NULL, 0, "c");
    start_later(&crew, NULL, 0, "a");
    start_later(&crew, NULL, 0, "b");
    assert_passes(&crew, "c: DUR_OK\na: DUR_OK\nb: DUR_OK\n");
    crew_close(&crew);
}

static void larger_priorities_go_first(void **state)
{
    test_crew crew;
    char id[16];

    open_worker(&crew, state);
    for (int priority = 0; priority < 8; priority++) {
        snprintf(id, sizeof id, "p%d", priority);
        start_later(&crew, NULL, priority, id);
    }
    crew.options.max_passes = 7;
    assert_passes(&crew, "p7: DUR_OK\np6: DUR_OK\np5: DUR_OK\np4: DUR_OK\np3: DUR_OK\np2: DUR_OK\n"
                         "p1: DUR_OK\n");
    assert_passes(&crew, "p0: DUR_OK\n");
    crew_close(&crew);
}

/* Queues and workflows are served alike: by priority, then by who waits the longest. */
static void queues_take_turns_by_who_waits_longest(void **state)
{
    test_crew crew;
    dur_start_options start = DUR_START_OPTIONS_INIT;

    open_worker(&crew, state);
    assert_code(DUR_OK, dur_register(crew.log, "play", crew_workflow, &crew), crew.log);
    assert_code(DUR_OK, dur_serve_queue(crew.log, "nightly", NULL), crew.log);
    start_later(&crew, "nightly", 0, "1");
    start_later(&crew, NULL, 0, "2");
    assert_code(DUR_OK, dur_start(crew.log, "play", "3", &start), crew.log);
    fake_clock_advance(&crew.host->clock, 1);
    start_later(&crew, "nightly", 1, "0");
    start.queue = "nightly";
    assert_code(DUR_OK, dur_start(crew.log, "play", "4", &start), crew.log);
    assert_passes(&crew, "0: DUR_OK\n1: DUR_OK\n2: DUR_OK\n3: DUR_OK\n4: DUR_OK\n");
    crew_close(&crew);
}

static void start_another(test_crew *crew, dur_run *run);

static int restless(dur_run *run, void *user)
{
    test_crew *crew = user;

    crew->bodies++;
    start_another(crew, run);
    return 0;
}

/* Each pass starts another run of the highest priority: the old one is reached all the same. */
static void start_another(test_crew *crew, dur_run *run)
{
    char id[32];

    if (strcmp(dur_run_id(run), "patient") == 0) return;
    snprintf(id, sizeof id, "pushy-%d", crew->bodies);
    crew_start(crew, NULL, 7, id);
}

static void nobody_starves(void **state)
{
    test_crew crew;

    open_worker(&crew, state);
    assert_code(DUR_OK, dur_register(crew.log, "work", restless, &crew), crew.log);
    start_later(&crew, NULL, 0, "patient");
    crew_start(&crew, NULL, 7, "pushy");
    crew.options.max_passes = 8;
    assert_code(DUR_OK, crew_work(&crew), crew.log);
    assert_has(crew.passes.text, "patient: DUR_OK\n");
    assert_int_equal(0, crew.wake_ms);
    crew_close(&crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_EVERY_JOURNAL(the_longest_due_goes_first),
        IN_EVERY_JOURNAL(larger_priorities_go_first),
        IN_EVERY_JOURNAL(queues_take_turns_by_who_waits_longest),
        IN_EVERY_JOURNAL(nobody_starves),
    };

    return cmocka_run_group_tests_name("api.fairness", tests, NULL, NULL);
}
