/* test/property: one program, played in every way, and made smaller where it fails. */
#include "trial.h"

#include "support/narrative.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- One way ------------------------------------------------------------------------------- */

static void tell_difference(narrative *to, const char *expected, const char *found)
{
    while (*expected && *found) {
        size_t one = strcspn(expected, "\n"), other = strcspn(found, "\n");

        if (one != other || memcmp(expected, found, one) != 0) break;
        expected += one + (expected[one] == '\n');
        found += other + (found[other] == '\n');
    }
    narrative_add(to, "expected: %.*s\nfound:    %.*s\n", (int)strcspn(expected, "\n"), expected,
                  (int)strcspn(found, "\n"), found);
}

char *trial_describe(const world *it, const char *expected, const char *found)
{
    const disturbing *how = &it->disturbance;
    narrative text;

    narrative_init(&text);
    narrative_add(&text, "played on %s, chance %" PRIu64 ", %d deaths, %d troubles%s%s%s%s, %d"
                         " share a commit\n",
                  how->store == ON_SQLITE ? "SQLite" : "the in-memory store", how->chance,
                  how->deaths, how->troubles, how->stops ? ", stops" : "",
                  how->moves ? ", moves" : "", how->reopens ? ", reopens" : "",
                  how->sleeps ? ", sleeps" : "", how->shared_commit_steps);
    if (it->outside->violation[0]) narrative_add(&text, "%s\n", it->outside->violation);
    else tell_difference(&text, expected, found);
    if (getenv("DUR_PROPERTY_SHOW")) {
        narrative_add(&text, "%s", found);
        if (it->witness) narrative_add(&text, "%s", memory_store_narrative(it->witness));
    }
    return text.text;
}

static outer_world the_outside;

char *trial_run(const whole_program *program, const disturbing *how, const char *expected,
                char **picture)
{
    world it;
    char *found, *wrong = NULL;

    if (!world_open(&it, program, how, &the_outside)) abort();
    drive(&it);
    found = picture_take(&it);
    check_effects(&it);
    if (it.outside->violation[0] || (expected && strcmp(expected, found) != 0))
        wrong = trial_describe(&it, expected ? expected : found, found);
    world_close(&it);
    if (picture && !wrong) *picture = found;
    else free(found);
    return wrong;
}

/* ---- Every way ----------------------------------------------------------------------------- */

#define WAYS 9

/* Of so many programs one is moved from log to log, which takes a while. */
#define ONE_MOVES 8

static void choose_ways(uint64_t seed, disturbing ways[WAYS])
{
    const char *store = getenv("DUR_PROPERTY_STORE");

    memset(ways, 0, WAYS * sizeof *ways);
    for (int i = 0; i < WAYS - 1; i++) ways[i].chance = chance_next(&seed);
    ways[1].sleeps = true;
    ways[2].stops = ways[2].reopens = true;
    ways[3].deaths = 1;
    ways[3].within = 60;
    ways[4].deaths = 6;
    ways[4].within = 12;
    ways[4].sleeps = true;
    ways[5].troubles = 4;
    ways[5].within = 30;
    ways[6].deaths = 9;
    ways[6].within = 20;
    ways[6].reopens = true;
    ways[7].deaths = 3;
    ways[7].within = 30;
    for (int i = 0; i < WAYS - 1; i++) {
        ways[i].store = chance_below(&seed, 20) ? IN_MEMORY_STORE : ON_SQLITE;
        ways[i].shared_commit_steps = chance_below(&seed, 2) * chance_below(&seed, 5);
    }
    for (int i = 0; i < WAYS && store; i++) ways[i].store = (store_kind)atoi(store);
    ways[8].chance = chance_next(&seed);
    ways[8].moves = true;
    ways[8].store = ON_SQLITE;
}

char *trial_run_all(const whole_program *program)
{
    disturbing ways[WAYS];
    char *expected = NULL, *wrong;

    choose_ways(program->seed, ways);
    wrong = trial_run(program, &ways[0], NULL, &expected);
    for (int i = 1; i < WAYS && !wrong; i++) {
        if (ways[i].moves && program->seed % ONE_MOVES) continue;
        wrong = trial_run(program, &ways[i], expected, NULL);
    }
    free(expected);
    return wrong;
}

/* ---- Making it smaller --------------------------------------------------------------------- */

/* With other deaths than before, as there are fewer places for them. */
static bool still_fails(const whole_program *it)
{
    whole_program copy = *it;

    for (int i = 0; i < 60; i++) {
        char *wrong = trial_run_all(&copy);

        free(wrong);
        if (wrong) return true;
        copy.seed += UINT64_C(0x100000000);
    }
    return false;
}

void trial_shrink(whole_program *it)
{
    bool smaller = true;

    while (smaller) {
        smaller = false;
        for (int i = 0; i < it->count; i++) {
            for (int j = 0; j < it->bodies[i].count; j++) {
                program_node *node = &it->bodies[i].nodes[j];

                if (node->dropped) continue;
                node->dropped = true;
                if (still_fails(it)) smaller = true;
                else node->dropped = false;
            }
        }
    }
}
