/* test/engine: what the tests of steps that run at most once share: a payment, whose body counts
 * and dies on demand, and its verify function. */
#ifndef INTENTS_H
#define INTENTS_H

#include "waits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What the verify function does. */
typedef enum saying {
    SAY_DONE,      /* it records "verified" */
    SAY_DETAILS,   /* it records what the body's heartbeat has told */
    SAY_FAILED,    /* it records the failure "declined" */
    SAY_EXECUTE,   /* it was not done */
    SAY_TRUTH,     /* one of these, as it is */
    SAY_NOTHING,   /* it cannot tell */
    SAY_FAIL,      /* dur_fail() */
    SAY_STOP,      /* dur_stop() */
    SAY_STEP,      /* it asks for a step */
    SAY_NOT_YET,   /* dur_not_yet(), then that it cannot tell */
    SAY_LOST,      /* another owner takes the run; it was not done */
    SAY_CLOSE      /* it closes the log */
} saying;

typedef struct payment {
    engine_world *world;
    const char *run_id;
    const char *name;
    int mode, in_doubt;
    int64_t timeout_ms;
    dur_retry policy;
    bool retries;
    bool catches;
    bool without_options; /* the step is a plain one */
    bool by_verbs;        /* it is asked for by dur_begin_step() */
    bool beats;
    bool stops;
    bool dies_after;      /* behind the step's record */
    bool dies_next;       /* in the next body */
    int dies_at;          /* in this attempt's, once; 0: never */
    int failures;         /* attempts up to this number fail */
    saying says;
    int calls;            /* of the body */
    int64_t attempts[64];
    char last_failure[80];
    int questions;        /* to the verify function */
    int code;             /* of its own call */
    char caught[80];
    char receipt[80];     /* what the workflow has got */
} payment;

payment new_payment(engine_world *world);
dur_step_options payment_options(payment *user);

/* The workflow; its step's value is "receipt N", N being the attempt. */
int pay(dur_run *run, void *user);
int execute_payment(engine_world *world, payment *user);

/* The owner dies in the body of the next attempt, and another one comes. */
void let_it_die(engine_world *world, payment *user);

#endif
