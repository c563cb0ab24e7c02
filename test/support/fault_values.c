/* test/support: scenarios of values of each kind, small and large. */
#include "support/fault_passes.h"

#include <math.h>
#include <stdlib.h>

#define LARGE_BYTES 20000

/* ---- values: steps of each kind, on a database that has no log yet ------------------------- */

struct point {
    int32_t x, y;
};

static uint64_t value_numbers(dur_run *run, fault_world *world, uint64_t digest)
{
    int64_t integer = 0;
    uint64_t large = 0;
    double real = 0;
    bool flag = false;

    DUR_STEP (run, "integer", integer) {
        fault_effect(world, "integer");
        integer = -7;
    }
    fault_passed(world, run, "integer");
    DUR_STEP (run, "unsigned", large) {
        fault_effect(world, "unsigned");
        large = UINT64_MAX;
    }
    fault_passed(world, run, "unsigned");
    DUR_STEP (run, "real", real) {
        fault_effect(world, "real");
        real = -0.0;
    }
    fault_passed(world, run, "real");
    DUR_STEP (run, "flag", flag) {
        fault_effect(world, "flag");
        flag = true;
    }
    fault_passed(world, run, "flag");
    digest = fault_mix(digest, &integer, sizeof integer);
    digest = fault_mix(digest, &large, sizeof large);
    digest = fault_mix(digest, &real, sizeof real);
    return fault_mix(digest, &flag, sizeof flag);
}

static uint64_t value_bytes(dur_run *run, fault_world *world, uint64_t digest)
{
    const char *text = NULL;
    char chars[16];
    struct point point;
    dur_value blob;
    double not_a_number = 0;

    DUR_STEP (run, "text", text) {
        fault_effect(world, "text");
        text = "a text";
    }
    fault_passed(world, run, "text");
    DUR_STEP (run, "chars", chars) {
        fault_effect(world, "chars");
        strcpy(chars, "chars");
    }
    fault_passed(world, run, "chars");
    DUR_STEP (run, "object", point) {
        fault_effect(world, "object");
        point.x = 3;
        point.y = 4;
    }
    fault_passed(world, run, "object");
    DUR_STEP (run, "blob", blob) {
        fault_effect(world, "blob");
        blob = dur_text_n("nul\0 and \xff", 10);
    }
    fault_passed(world, run, "blob");
    DUR_STEP (run, "nan", not_a_number) {
        fault_effect(world, "nan");
        not_a_number = (double)NAN;
    }
    fault_passed(world, run, "nan");
    DUR_STEP (run, "nothing")
        fault_effect(world, "nothing");
    fault_passed(world, run, "nothing");
    digest = text ? fault_mix(digest, text, strlen(text)) : digest;
    digest = fault_mix(digest, chars, strlen(chars));
    digest = fault_mix(digest, &point, sizeof point);
    return fault_mix_value(fault_mix(digest, &not_a_number, sizeof not_a_number), blob);
}

static int values_workflow(dur_run *run, void *user)
{
    uint64_t digest = fault_mix_value(1, dur_input(run));

    digest = value_numbers(run, user, digest);
    if (dur_ok(run)) digest = value_bytes(run, user, digest);
    return fault_give_output(run, digest);
}

int fault_values_pass(fault_world *world)
{
    return fault_execute(world, values_workflow);
}

/* ---- large: text and blobs larger than a page ---------------------------------------------- */

static char *large_text(char fill)
{
    char *text = malloc(LARGE_BYTES + 1);

    if (!text) abort();
    memset(text, fill, LARGE_BYTES);
    text[LARGE_BYTES] = '\0';
    return text;
}

static int large_workflow(dur_run *run, void *user)
{
    fault_world *world = user;
    const char *text = NULL;
    dur_value blob;
    uint64_t digest = 1;

    DUR_STEP (run, "large-text", text) {
        fault_effect(world, "large-text");
        text = dur_own(run, large_text('t'), free);
    }
    fault_passed(world, run, "large-text");
    DUR_STEP (run, "large-blob", blob) {
        char *bytes = dur_own(run, large_text('b'), free);

        fault_effect(world, "large-blob");
        blob = dur_blob(bytes, bytes ? LARGE_BYTES : 0);
    }
    fault_passed(world, run, "large-blob");
    if (dur_ok(run)) digest = fault_mix_value(fault_mix(digest, text, strlen(text)), blob);
    return fault_give_output(run, digest);
}

int fault_large_pass(fault_world *world)
{
    return fault_execute(world, large_workflow);
}
