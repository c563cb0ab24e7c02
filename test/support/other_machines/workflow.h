/* test/support: a workflow whose log is written on one machine and replayed on another. */
#ifndef OTHER_MACHINES_WORKFLOW_H
#define OTHER_MACHINES_WORKFLOW_H

#include <float.h>

#include "durable.h"

typedef struct machine_pair {
    int32_t first, second;
} machine_pair;

/* What a pass saw. The object comes last: it is bound to its machine. */
typedef struct machine_seen {
    int64_t least;
    uint64_t most;
    uint64_t nan_bits;
    double small;
    float third;
    bool truth;
    char name[8];
    char text[32];
    size_t blob_length;
    char caught[32];
    machine_pair pair;
    int bodies;
} machine_seen;

static void see_numbers(dur_run *run, machine_seen *seen)
{
    double not_a_number = 0;

    DUR_STEP(run, "least", seen->least) {
        seen->bodies++;
        seen->least = INT64_MIN;
    }
    DUR_STEP(run, "most", seen->most) {
        seen->bodies++;
        seen->most = UINT64_MAX;
    }
    DUR_STEP(run, "not-a-number", not_a_number) {
        const uint64_t bits = UINT64_C(0xFFF8000000000123);

        seen->bodies++;
        memcpy(&not_a_number, &bits, sizeof bits);
    }
    memcpy(&seen->nan_bits, &not_a_number, sizeof seen->nan_bits);
    DUR_STEP(run, "small", seen->small) {
        seen->bodies++;
        seen->small = -DBL_MIN;
    }
    DUR_STEP(run, "third", seen->third) {
        seen->bodies++;
        seen->third = 1.0F / 3;
    }
    DUR_STEP(run, "truth", seen->truth) {
        seen->bodies++;
        seen->truth = true;
    }
}

static void see_bytes(dur_run *run, machine_seen *seen)
{
    const char *text = NULL;
    const char *failure;
    dur_value blob;

    DUR_STEP(run, "name", seen->name) {
        seen->bodies++;
        memcpy(seen->name, "8 bytes!", 8);
    }
    DUR_STEP(run, "text", text) {
        seen->bodies++;
        text = "gr\xc3\xbc\xc3\x9f dich";
    }
    if (text) strncat(seen->text, text, sizeof seen->text - 1);
    DUR_STEP(run, "blob", blob) {
        seen->bodies++;
        blob = dur_blob("a\0b", 3);
    }
    seen->blob_length = blob.length;
    DUR_STEP(run, "failing") {
        seen->bodies++;
        dur_fail(run, "out of %s", "paper");
    }
    failure = dur_catch(run);
    if (failure) strncat(seen->caught, failure, sizeof seen->caught - 1);
}

/* Leaves the pass before its end, so that the run can be replayed elsewhere. */
static int see_everything(dur_run *run, void *user)
{
    machine_seen *seen = user;

    see_numbers(run, seen);
    see_bytes(run, seen);
    DUR_STEP(run, "pair", seen->pair) {
        seen->bodies++;
        seen->pair.first = 1;
        seen->pair.second = 2;
    }
    dur_stop(run, "enough seen");
    return 0;
}

#endif
