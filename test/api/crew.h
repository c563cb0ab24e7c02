/* test/api: what the tests of workers share: a workflow of one step, and what passes came to. */
#ifndef TEST_API_CREW_H
#define TEST_API_CREW_H

#include "api/script.h"
#include "support/narrative.h"

/* "run-1: DUR_OK", one line a pass. */
typedef struct test_crew {
    test_host *host;
    dur_log *log;
    narrative passes;
    int bodies;
    void (*act)(struct test_crew *crew, dur_run *run); /* in the next pass, before its step */
    int64_t wake_ms;
    dur_work_options options;
} test_crew;

static inline int crew_workflow(dur_run *run, void *user)
{
    test_crew *crew = user;
    void (*act)(test_crew *, dur_run *) = crew->act;

    crew->act = NULL;
    if (act) act(crew, run);
    DUR_STEP(run, "step") { crew->bodies++; }
    return 0;
}

static inline void crew_passed(const char *workflow, const char *run_id, int code,
                               const char *message, void *user)
{
    test_crew *crew = user;

    assert_non_null(workflow);
    assert_non_null(message);
    narrative_add(&crew->passes, "%s: %s\n", run_id, dur_code_name(code));
}

/* A worker for "work" with a log of its own; the crew stays where it lies. */
static inline void crew_open(test_crew *crew, test_host *host, const dur_options *options)
{
    const dur_work_options fresh = DUR_WORK_OPTIONS_INIT;

    memset(crew, 0, sizeof *crew);
    crew->host = host;
    assert_code(DUR_OK, dur_open(host->db, options, &crew->log), crew->log);
    narrative_init(&crew->passes);
    crew->options = fresh;
    crew->options.passed = crew_passed;
    crew->options.user = crew;
    assert_code(DUR_OK, dur_register(crew->log, "work", crew_workflow, crew), crew->log);
}

static inline void crew_close(test_crew *crew)
{
    narrative_free(&crew->passes);
    dur_close(crew->log);
}

static inline void crew_start(test_crew *crew, const char *queue, int priority, const char *id)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;

    start.queue = queue;
    start.priority = priority;
    assert_code(DUR_OK, dur_start(crew->log, "work", id, &start), crew->log);
}

static inline int crew_work(test_crew *crew)
{
    narrative_clear(&crew->passes);
    return dur_work(crew->log, &crew->options, &crew->wake_ms);
}

#define assert_passes(crew, expected)                                                              \
    do {                                                                                           \
        assert_code(DUR_OK, crew_work(crew), (crew)->log);                                         \
        assert_string_equal(expected, (crew)->passes.text);                                        \
    } while (0)

#endif
