/*
 * test/conformance: a run driven pass by pass on a fake clock, and the story of its passes.
 *
 * Each requirement is played in two ways, with one and the same story expected of both: by hand
 * (dur_execute() on a database in memory, each pass in a log of its own, as after a restart), and
 * by a worker (dur_start() and dur_work() on a file, the outside world on a connection of its own).
 *
 * The story has a line a pass: when it began, in ms since the start, what the workflow told, and
 * the code it came to. stage_body() tells and counts; a replay in which a body runs is an error.
 *
 *     0: fetch/1 = DUR_SUSPENDED
 *     2000: fetch/2 = DUR_OK
 */
#ifndef TEST_CONFORMANCE_STAGE_H
#define TEST_CONFORMANCE_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/host.h"
#include "support/narrative.h"

#define STAGE_WORKFLOW "requirement"
#define STAGE_RUN "the-run"

typedef struct stage {
    test_host host;
    bool by_worker;
    dur_log *log;        /* of who executes */
    dur_log *world;      /* of who answers from outside */
    dur_options options; /* of both logs; to be changed before stage_begin() */
    dur_workflow *workflow;
    dur_start_options start;

    narrative story;
    int passes;
    int bodies;
    int last_code; /* of the last pass, and why */
    char last_message[256];

    /* For the workflows' use. */
    dur_retry policy;
    dur_step_options step; /* its retry and poll are NULL */
    dur_callback_options callback;
    dur_batch_options batch;
    char token[2][DUR_TOKEN_SIZE];
    char text[256];
    int64_t number;
} stage;

int stage_setup(void **state);
int stage_teardown(void **state);
extern const bool stage_by_hand, stage_by_worker;

/* For requirements that are about processes. */
#define BY_A_WORKER(test)                                                                          \
    {                                                                                              \
        #test " (by a worker)", test, stage_setup, stage_teardown,                                 \
            (void *)(uintptr_t)&stage_by_worker                                                    \
    }
#define BOTH_WAYS(test)                                                                            \
    {#test " (by hand)", test, stage_setup, stage_teardown, (void *)(uintptr_t)&stage_by_hand},    \
        BY_A_WORKER(test)

/* Put the run on the stage; no pass is made yet. Bytes of the input must outlive the stage. */
void stage_begin(stage *it, dur_workflow *workflow, dur_value input);

/* Make the next pass: at once if the run is due, else at the time it waits for, after it was seen
 * that nothing happens before. */
void stage_next(stage *it);

/* Make passes until the run waits for somebody or has ended. */
void stage_run_on(stage *it);

/* Whoever asks now, no pass is made. Gives the ms until the run is due; -1: not known. */
int64_t stage_idle(stage *it);

void stage_advance(stage *it, int64_t by_ms);
int64_t stage_ms(const stage *it); /* since the start */

/* The log of the outside world. */
dur_log *stage_world(stage *it);

/* The process goes and another one comes: what is not in the log is forgotten. */
void stage_restart(stage *it);

/* In a child process of the test's, before all else: a connection, a log and random numbers of its
 * own. What the child tells is lost with it. */
void stage_in_child(stage *it);

/* For workflows: a word of the story, from a step's body, and from outside of them. */
void stage_body(stage *it, const char *format, ...) DUR_PRINTF_(2, 3);
void stage_tell(stage *it, const char *format, ...) DUR_PRINTF_(2, 3);

/* For workflows: give a callback's token to the outside world, which checks that each pass gives it
 * the same. */
void stage_hand_out(stage *it, int which, dur_step *callback);

/* What the log says of the run, by its views. A recorded step is "position kind name outcome value
 * /attempt"; one without an outcome "position kind name #attempts wakes ms details failure". */
void stage_assert_story(stage *it, const char *story, const char *file, int line);
void stage_assert_pending(stage *it, const char *rows, const char *file, int line);
void stage_assert_steps(stage *it, const char *rows, const char *file, int line);

/* The run has ended so, these are its rows, nobody holds it and nothing is pending; asked again it
 * answers without a pass; replayed from the first step it comes to the same without a body. */
void stage_assert_end(stage *it, dur_status status, const char *said, const char *rows,
                      const char *file, int line);

#define assert_story(it, story) stage_assert_story((it), (story), __FILE__, __LINE__)
#define assert_pending(it, rows) stage_assert_pending((it), (rows), __FILE__, __LINE__)
#define assert_steps(it, rows) stage_assert_steps((it), (rows), __FILE__, __LINE__)
/* `output` as an SQL literal; `failure` is a part of the message. */
#define assert_completed(it, output, rows)                                                         \
    stage_assert_end((it), DUR_COMPLETED, (output), (rows), __FILE__, __LINE__)
#define assert_failed(it, failure, rows)                                                           \
    stage_assert_end((it), DUR_RUN_FAILED, (failure), (rows), __FILE__, __LINE__)

#endif
