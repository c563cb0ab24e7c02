/* history: numbers of the file format, by name. */
#include "history/format.h"

typedef struct vocabulary {
    int first; /* the number of the first word */
    const char *list;
    const char *(*name)(int number); /* NULL: the words are these */
    const char *words[4];
} vocabulary;

static const vocabulary vocabularies[] = {
    [DURABLE_WORDS_STATUS] = {DURABLE_RUNNING, "a status as in durable_runs_view",
                              durable_name_of_status, {NULL}},
    [DURABLE_WORDS_KIND] = {DURABLE_KIND_STEP, "a kind as in durable_steps_view",
                            durable_name_of_kind, {NULL}},
    [DURABLE_WORDS_OUTCOME] = {DURABLE_OUTCOME_RESULT, "\"result\", \"failure\" or \"timed out\"",
                               NULL, {"result", "failure", "timed out", NULL}},
    [DURABLE_WORDS_INTENT] = {DURABLE_INTENT, "\"begun\", \"result\" or \"failure\"",
                              NULL, {"begun", "result", "failure", NULL}},
    [DURABLE_WORDS_PARENT_END] = {DUR_CHILD_CANCEL, "\"cancel\" or \"leave\"",
                                  NULL, {"cancel", "leave", NULL}},
};

static const char *word_at(const vocabulary *of, int index)
{
    return of->name ? of->name(of->first + index) : of->words[index];
}

DURABLE_INTERNAL const char *durable_word_of(durable_vocabulary which, int number)
{
    const vocabulary *of = &vocabularies[which];

    for (int i = 0; word_at(of, i); i++)
        if (of->first + i == number) return word_at(of, i);
    return NULL;
}

DURABLE_INTERNAL bool durable_word_number(durable_vocabulary which, const char *word, int *number)
{
    const vocabulary *of = &vocabularies[which];

    for (int i = 0; word_at(of, i); i++) {
        if (strcmp(word_at(of, i), word) != 0) continue;
        *number = of->first + i;
        return true;
    }
    return false;
}

DURABLE_INTERNAL const char *durable_words_list(durable_vocabulary which)
{
    return vocabularies[which].list;
}

DURABLE_INTERNAL int64_t durable_position_of(const char *address, size_t length)
{
    int64_t position = 0;

    if (length < 2 || length > 10 || address[0] != '\t' || address[1] == '0') return 0;
    for (size_t i = 1; i < length; i++) {
        if (address[i] < '0' || address[i] > '9') return 0;
        position = position * 10 + (address[i] - '0');
    }
    return position <= DUR_POSITION_MAX ? position : 0;
}
