/* test/conformance: branches that do as their word says, and what workflows make of a batch. */
#ifndef TEST_CONFORMANCE_BATCH_H
#define TEST_CONFORMANCE_BATCH_H

#include "conformance/child.h"

#include <stdio.h>

#define WORDS_MAX 8
#define WORD_SIZE 16

/* ---- Branches ------------------------------------------------------------------------------- */

/* Gives its word; one that begins with '!' is what it fails with. */
static inline int do_as_told(dur_run *run, void *user)
{
    const char *word = dur_as_text(dur_input(run));

    stage_body(user, "%s", word);
    if (word[0] == '!') dur_fail(run, "%s", word + 1);
    dur_set_output(run, dur_input(run));
    return 0;
}

/* The same by way of a step. */
static inline int do_in_step(dur_run *run, void *user)
{
    const char *word = dur_as_text(dur_input(run));
    const char *said;

    DUR_STEP(run, "say", said) {
        stage_body(user, "%s", word);
        if (word[0] == '!') dur_fail(run, "%s", word + 1);
        said = word;
    }
    if (dur_ok(run)) dur_set_output(run, dur_text(said));
    return 0;
}

/* A word that begins with '~' waits first. */
static inline int do_after_a_wait(dur_run *run, void *user)
{
    const char *word = dur_as_text(dur_input(run));

    if (word[0] == '~' && dur_sleep(run, "nap", 1000 * (int64_t)strlen(word)) != DUR_OK) return 0;
    return do_in_step(run, user);
}

/* ---- Batches -------------------------------------------------------------------------------- */

/* The words of a text, blanks between them, as values that point into `room`. */
static inline size_t split_words(const char *text, char room[WORDS_MAX][WORD_SIZE],
                                 dur_value words[WORDS_MAX])
{
    size_t count = 0;
    int length = 0;

    while (count < WORDS_MAX && sscanf(text, " %15[^ ]%n", room[count], &length) == 1) {
        words[count] = dur_text(room[count]);
        text += length;
        count++;
    }
    return count;
}

/* A branch for each word of the run's input; each is named "branch". */
static inline int branch_out(dur_run *run, stage *it, const char *name, dur_workflow *fn,
                             dur_batch *batch)
{
    char room[WORDS_MAX][WORD_SIZE];
    dur_value words[WORDS_MAX];
    dur_branch branches[WORDS_MAX];
    size_t count = split_words(dur_as_text(dur_input(run)), room, words);

    memset(branches, 0, sizeof branches);
    for (size_t i = 0; i < count; i++) {
        branches[i].fn = fn;
        branches[i].user = it;
        branches[i].input = words[i];
    }
    return dur_parallel(run, name, branches, count, &it->batch, batch);
}

/* An item for each word of the run's input. */
static inline int map_words(dur_run *run, stage *it, const char *name, dur_workflow *fn,
                            dur_batch *batch)
{
    char room[WORDS_MAX][WORD_SIZE];
    dur_value words[WORDS_MAX];
    size_t count = split_words(dur_as_text(dur_input(run)), room, words);

    return dur_map(run, name, words, count, fn, it, &it->batch, batch);
}

/* ---- What a workflow gives ------------------------------------------------------------------ */

/* The results in the order of the branches, commas between them. */
static inline void give_results(dur_run *run, const dur_batch *batch)
{
    char text[256] = "";
    size_t length = 0;

    for (size_t i = 0; i < batch->count; i++) {
        char *at = text + length;

        if (batch->codes[i] != DUR_OK) continue;
        if (batch->values[i].type == DUR_TEXT)
            length += (size_t)snprintf(at, sizeof text - length, "%s,",
                                       dur_as_text(batch->values[i]));
        else
            length += (size_t)snprintf(at, sizeof text - length, "%lld,",
                                       (long long)batch->values[i].as.integer);
    }
    dur_set_output(run, dur_text_n(text, length ? length - 1 : 0));
}

/* "reason status +successes -failures of started". */
static inline void give_counts(dur_run *run, const dur_batch *batch)
{
    static const char *const reasons[] = {"", "all", "min", "failures"};
    char text[64];

    snprintf(text, sizeof text, "%s %s +%zu -%zu of %zu", reasons[batch->reason],
             batch->failed ? "failed" : "ok", batch->succeeded, batch->failed, batch->started);
    dur_set_output(run, dur_text(text));
}

/* A whole workflow: branches that may wait. */
static inline int give_all_after_waits(dur_run *run, void *user)
{
    dur_batch batch = {0};

    if (branch_out(run, user, "fan", do_after_a_wait, &batch) == DUR_OK)
        give_results(run, &batch);
    return 0;
}

/* The row of a batch, as the log shows it. */
#define BATCH_LINE(reason, branches, started, succeeded, failed)                                   \
    "'{\"reason\":\"" reason "\",\"branches\":" #branches ",\"started\":" #started                 \
    ",\"succeeded\":" #succeeded ",\"failed\":" #failed "}'"

#endif
