/* history: numbers of the file format, by name. */
#include "history/format.h"

typedef struct vocabulary {
    int first; /* the number of the first word */
    const char *list;
    const char *words[10];
} vocabulary;

/* As in durable_runs_view, durable_steps_view and durable_pending_view. */
static const vocabulary vocabularies[] = {
    [DURABLE_WORDS_STATUS] = {DURABLE_RUNNING, "a status as in durable_runs_view",
                              {"running", "completed", "failed", "parked", "suspended",
                               "cancelled", "timed out", "continued", "terminated", NULL}},
    [DURABLE_WORDS_KIND] = {DURABLE_KIND_STEP, "a kind as in durable_steps_view",
                            {"step", "timer", "receive", "select", "callback", "child", "undo",
                             "cancel", "patch", NULL}},
    [DURABLE_WORDS_OUTCOME] = {DURABLE_OUTCOME_RESULT, "\"result\", \"failure\" or \"timed out\"",
                               {"result", "failure", "timed out", NULL}},
    [DURABLE_WORDS_INTENT] = {DURABLE_INTENT, "\"begun\", \"result\" or \"failure\"",
                              {"begun", "result", "failure", NULL}},
    [DURABLE_WORDS_PARENT_END] = {DUR_CHILD_CANCEL, "\"cancel\" or \"leave\"",
                                  {"cancel", "leave", NULL}},
};

DURABLE_INTERNAL const char *durable_word_of(durable_vocabulary which, int number)
{
    const vocabulary *of = &vocabularies[which];

    for (int i = 0; of->words[i]; i++)
        if (of->first + i == number) return of->words[i];
    return NULL;
}

DURABLE_INTERNAL bool durable_word_number(durable_vocabulary which, const char *word, int *number)
{
    const vocabulary *of = &vocabularies[which];

    for (int i = 0; of->words[i]; i++) {
        if (strcmp(of->words[i], word) != 0) continue;
        *number = of->first + i;
        return true;
    }
    return false;
}

DURABLE_INTERNAL const char *durable_words_list(durable_vocabulary which)
{
    return vocabularies[which].list;
}

DURABLE_INTERNAL bool durable_status_has_ended(int status)
{
    return status != DURABLE_RUNNING && status != DURABLE_PARKED && status != DURABLE_SUSPENDED;
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
