/* engine: what a worker remembers within one call: runs not to be had, and owners it has judged. */
#include "engine/choice.h"

/* ---- Those that could not be had ----------------------------------------------------------- */

typedef struct durable_missed {
    struct durable_missed *next;
    bool lasts;
    char id[];
} durable_missed;

static void forget_missed(durable_chooser *chooser, bool lasting)
{
    durable_missed **link = &chooser->missed;

    while (*link) {
        durable_missed *missed = *link;

        if (missed->lasts && !lasting) {
            link = &missed->next;
            continue;
        }
        *link = missed->next;
        durable_free(missed);
    }
    chooser->race_count = 0;
}

DURABLE_INTERNAL void durable_chooser_hit(durable_chooser *chooser)
{
    forget_missed(chooser, false);
}

DURABLE_INTERNAL bool durable_recall_miss(durable_chooser *chooser, bool lasts)
{
    size_t size = strlen(chooser->choice.id) + 1;
    durable_missed *missed;

    if (!lasts && chooser->race_count == DURABLE_RACES_MAX) return false;
    missed = durable_allocate(sizeof *missed + size);
    if (!missed) return false;
    memcpy(missed->id, chooser->choice.id, size);
    missed->lasts = lasts;
    missed->next = chooser->missed;
    chooser->missed = missed;
    if (!lasts) chooser->race_count++;
    return true;
}

DURABLE_INTERNAL bool durable_recall_was_missed(const durable_chooser *chooser, const char *id,
                                                bool *lasts)
{
    const durable_missed *missed = chooser->missed;

    while (missed && strcmp(missed->id, id) != 0) missed = missed->next;
    if (missed) *lasts = missed->lasts;
    return missed != NULL;
}

/* ---- Owners -------------------------------------------------------------------------------- */

/* A process, or one owner in it where the host is asked, too. */
typedef struct durable_judged {
    struct durable_judged *next;
    bool gone;
    size_t length;
    char mark[];
} durable_judged;

static size_t judged_length(const dur_log *log, const char *owner)
{
    return log->owner_alive ? strlen(owner) : durable_owner_process_length(owner);
}

static void remember(durable_chooser *chooser, const char *owner, size_t length, bool gone)
{
    durable_judged *judged = durable_allocate(sizeof *judged + length);

    if (!judged) return; /* it is judged again */
    memcpy(judged->mark, owner, length);
    judged->length = length;
    judged->gone = gone;
    judged->next = chooser->judged;
    chooser->judged = judged;
}

DURABLE_INTERNAL bool durable_recall_is_gone(durable_chooser *chooser, const char *owner,
                                             int64_t lease_end)
{
    dur_log *log = chooser->log;
    size_t length = judged_length(log, owner);
    bool gone;

    for (const durable_judged *judged = chooser->judged; judged; judged = judged->next)
        if (judged->length == length && memcmp(judged->mark, owner, length) == 0)
            return judged->gone;
    gone = durable_owner_is_gone(log, owner, lease_end, chooser->now);
    remember(chooser, owner, length, gone);
    return gone;
}

static void forget_judged(durable_chooser *chooser, bool dead_ones)
{
    durable_judged **link = &chooser->judged;

    while (*link) {
        durable_judged *judged = *link;

        if (judged->gone && !dead_ones) {
            link = &judged->next;
            continue;
        }
        *link = judged->next;
        durable_free(judged);
    }
}

DURABLE_INTERNAL void durable_recall_forget_living(durable_chooser *chooser)
{
    forget_judged(chooser, false);
}

DURABLE_INTERNAL void durable_recall_end(durable_chooser *chooser)
{
    forget_missed(chooser, true);
    forget_judged(chooser, true);
}
