/* engine: which run a worker takes next: what dead owners left behind, then what is due. */
#include "engine/choice.h"

/* Each so many passes the longest due run is taken, whatever its priority. */
#define FAIR_EACH 8

/* While there is due work, runs left behind are looked for each so many passes: it costs a look at
 * every owner's process. */
#define LEFT_BEHIND_EACH 8

/* The death of an owner is no commit, and neither is the end of its pass one that says whom it
 * concerns: both are looked for again after this. */
#define LOOK_AGAIN_MS 1000

#define US_PER_MS 1000

/* The first run of an owner and workflow, kept until the store is done with its rows: the host may
 * be asked about the owner. */
typedef struct durable_held_head {
    struct durable_held_head *next;
    bool usable; /* all of it fits */
    int64_t lease_end;
    char queue[DUR_NAME_MAX + 1];
    char owner[DURABLE_OWNER_MARK_SIZE];
    char workflow[DUR_NAME_MAX + 1];
    char id[DUR_NAME_MAX + 1];
} durable_held_head;

static void wake_at(durable_chooser *chooser, int64_t time)
{
    if (time < chooser->wake) chooser->wake = time;
}

static void wake_after(durable_chooser *chooser, int64_t duration_ms)
{
    wake_at(chooser, durable_time_after(chooser->now, duration_ms));
}

/* ---- Those that could not be had ----------------------------------------------------------- */

static bool was_missed(durable_chooser *chooser, const char *id)
{
    bool lasts = false;

    if (!durable_recall_was_missed(chooser, id, &lasts)) return false;
    wake_after(chooser, lasts ? LOOK_AGAIN_MS : DURABLE_MISSED_AGAIN_MS);
    return true;
}

/* Only an edited log has longer names. */
static bool copy_name(char to[DUR_NAME_MAX + 1], const char *name)
{
    size_t length = strlen(name);

    if (length > DUR_NAME_MAX) return false;
    memcpy(to, name, length + 1);
    return true;
}

/* ---- Limits of a queue --------------------------------------------------------------------- */

/* A turn is had from the ms on that it falls into. A time further away than an interval was left
 * behind by a clock that was set back since: `now` was asked for after the queue was looked at. */
static bool is_too_early(const durable_queue *queue, int64_t now)
{
    int64_t last_us = durable_time_after(durable_time_us(now), US_PER_MS - 1);

    return queue->next_us > last_us &&
           queue->next_us <= durable_time_after(last_us, queue->limits.interval_us);
}

/* Who counts already fills nothing up: a run that is taken over, and was held by this process. */
typedef struct counted {
    bool in_all;
    bool in_process;
} counted;

static bool is_full(const durable_queue *queue, counted already)
{
    const durable_limits *limits = &queue->limits;

    if (limits->max_active && !already.in_all && queue->active >= limits->max_active) return true;
    return limits->max_active_process && !already.in_process &&
           queue->active_process >= limits->max_active_process;
}

/* May one run of the queue be taken now? If not, when to look again. Others may have had turns
 * since `now`: the clock is asked after the queue, so that they do not seem to lie ahead of it. */
static int ask_queue(durable_chooser *chooser, const char *name, counted already,
                     int64_t *seen_next_us, bool *open)
{
    dur_log *log = chooser->log;
    durable_store *store = log->store;
    durable_queue queue;
    int code = store->methods->look_at_queue(store, name, log->owner,
                                             durable_owner_process_length(log->owner), &queue);

    *open = false;
    *seen_next_us = queue.next_us;
    if (code != DUR_OK) return code;
    if (queue.limits.interval_us) chooser->now = durable_clock_now(&log->clock);
    if (queue.limits.interval_us && is_too_early(&queue, chooser->now))
        wake_at(chooser, queue.next_us / US_PER_MS);
    else if (is_full(&queue, already))
        wake_after(chooser, LOOK_AGAIN_MS);
    else
        *open = true;
    return DUR_OK;
}

/* ---- Left behind --------------------------------------------------------------------------- */

static durable_held_head *copy_head(const char *queue, const durable_held *held)
{
    durable_held_head *head = durable_allocate(sizeof *head);

    if (!head) return NULL;
    head->lease_end = held->lease_end;
    head->usable = copy_name(head->queue, queue) && copy_name(head->workflow, held->workflow) &&
                   copy_name(head->id, held->id) && strlen(held->owner) < sizeof head->owner;
    strncat(head->owner, held->owner, sizeof head->owner - 1);
    return head;
}

static int collect_head(const durable_held *held, void *context)
{
    durable_chooser *chooser = context;
    durable_held_head *head;

    if (!durable_worker_find(chooser->log, held->workflow)) return 0;
    head = copy_head(chooser->queue, held);
    chooser->out_of_memory = !head;
    if (!head) return 1;
    head->next = chooser->heads;
    chooser->heads = head;
    return 0;
}

static int collect_heads(const char *queue, void *context)
{
    durable_chooser *chooser = context;
    durable_store *store = chooser->log->store;
    int code;

    chooser->queue = queue;
    code = store->methods->find_held(store, queue, collect_head, chooser);
    if (code == DUR_OK && chooser->out_of_memory)
        return durable_error_set(&store->error, DUR_NOMEM, "out of memory while looking for work");
    return code;
}

/* This log's own runs are held by open handles; those that are not guard outcomes that could not be
 * recorded. */
static bool is_left_behind(durable_chooser *chooser, const durable_held_head *head)
{
    dur_log *log = chooser->log;

    if (strcmp(head->owner, log->owner) == 0) return !durable_is_open_here(log, head->id);
    if (head->lease_end <= chooser->now) return true;
    if (durable_recall_is_gone(chooser, head->owner, head->lease_end)) return true;
    wake_at(chooser, head->lease_end);
    wake_after(chooser, LOOK_AGAIN_MS);
    return false;
}

/* Keep those that are left behind, in their order. The host's callback may close the log. */
static int judge_heads(durable_chooser *chooser)
{
    durable_held_head **tail = &chooser->gone;

    while (chooser->heads) {
        durable_held_head *head = chooser->heads;
        bool behind = head->usable && is_left_behind(chooser, head);

        if (chooser->log->closed) return DUR_MISUSE;
        chooser->heads = head->next;
        head->next = NULL;
        if (behind) {
            *tail = head;
            tail = &head->next;
        } else {
            durable_free(head);
        }
    }
    return DUR_OK;
}

static void free_heads(durable_held_head **first)
{
    while (*first) {
        durable_held_head *head = *first;

        *first = head->next;
        durable_free(head);
    }
}

/* The one whose lease ends first. */
static durable_held_head *take_head(durable_chooser *chooser)
{
    durable_held_head **best = &chooser->gone, *head;

    for (durable_held_head **link = best; *link; link = &(*link)->next)
        if ((*link)->lease_end < (*best)->lease_end) best = link;
    head = *best;
    if (head) *best = head->next;
    return head;
}

static int consider_head(durable_chooser *chooser, const durable_held_head *head)
{
    durable_choice *choice = &chooser->choice;
    size_t length = durable_owner_process_length(chooser->log->owner);
    counted already = {true, strncmp(head->owner, chooser->log->owner, length) == 0};
    bool open = false;
    int code;

    if (was_missed(chooser, head->id)) return DUR_OK;
    code = ask_queue(chooser, head->queue, already, &choice->seen_next_us, &open);
    if (code != DUR_OK || !open) return code;
    choice->found = choice->held = true;
    choice->due = head->lease_end;
    memcpy(choice->workflow, head->workflow, sizeof choice->workflow);
    memcpy(choice->id, head->id, sizeof choice->id);
    return DUR_OK;
}

static int choose_head(durable_chooser *chooser)
{
    int code = DUR_OK;

    while (code == DUR_OK && !chooser->choice.found && chooser->gone) {
        durable_held_head *head = take_head(chooser);

        code = consider_head(chooser, head);
        durable_free(head);
    }
    return code;
}

/* What one look found is tried one by one, before the next look. */
static int choose_left_behind(durable_chooser *chooser)
{
    int code = choose_head(chooser);

    if (code != DUR_OK || chooser->choice.found) return code;
    durable_recall_forget_living(chooser);
    code = durable_worker_each_queue(chooser->log, collect_heads, chooser);
    if (code == DUR_OK) code = judge_heads(chooser);
    if (code == DUR_OK) code = choose_head(chooser);
    return code;
}

/* ---- Due ----------------------------------------------------------------------------------- */

/* Larger priorities first, and the longest due among equals; in a fair turn the longest due. */
static bool is_before(const durable_chooser *chooser, int priority, int64_t due,
                      const durable_choice *other)
{
    if (!other->found) return true;
    if (!chooser->fair && priority != other->priority) return priority > other->priority;
    return due < other->due;
}

static int consider_due(const durable_due *due, void *context)
{
    durable_chooser *chooser = context;
    durable_choice *best = &chooser->of_queue;

    if (!durable_worker_find(chooser->log, due->workflow)) return 0;
    if (due->due > chooser->now) {
        wake_at(chooser, due->due);
        return 0;
    }
    if (!is_before(chooser, due->priority, due->due, best) || was_missed(chooser, due->id))
        return 0;
    if (!copy_name(best->workflow, due->workflow) || !copy_name(best->id, due->id)) return 0;
    best->found = true;
    best->priority = due->priority;
    best->due = due->due;
    return 0;
}

static int consider_queue(const char *queue, void *context)
{
    const counted no = {false, false};
    durable_chooser *chooser = context;
    durable_store *store = chooser->log->store;
    durable_choice *best = &chooser->of_queue;
    bool open = false;
    int code;

    best->found = false;
    code = store->methods->find_due(store, queue, consider_due, chooser);
    if (code != DUR_OK || !best->found) return code;
    if (!is_before(chooser, best->priority, best->due, &chooser->choice)) return DUR_OK;
    code = ask_queue(chooser, queue, no, &best->seen_next_us, &open);
    if (code == DUR_OK && open) chooser->choice = *best;
    return code;
}

/* ---- Both ---------------------------------------------------------------------------------- */

/* What was begun goes first. */
static int choose(durable_chooser *chooser)
{
    bool looks_behind = chooser->looks++ % LEFT_BEHIND_EACH == 0 || chooser->left_behind;
    int code = DUR_OK;

    if (looks_behind) code = choose_left_behind(chooser);
    chooser->left_behind = chooser->choice.found;
    if (code != DUR_OK || chooser->choice.found) return code;
    code = durable_worker_each_queue(chooser->log, consider_queue, chooser);
    if (code != DUR_OK || chooser->choice.found || looks_behind) return code;
    return choose_left_behind(chooser);
}

DURABLE_INTERNAL int durable_choose(durable_chooser *chooser)
{
    dur_log *log = chooser->log;
    int code;

    chooser->now = durable_clock_now(&log->clock);
    chooser->wake = DURABLE_NEVER;
    chooser->fair = log->turn % FAIR_EACH == FAIR_EACH - 1;
    memset(&chooser->choice, 0, sizeof chooser->choice);
    memset(&chooser->of_queue, 0, sizeof chooser->of_queue);
    code = choose(chooser);
    if (code == DUR_OK || log->closed) return code;
    durable_error_copy(&log->error, &log->store->error);
    durable_error_prefix(&log->error, "looking for work: ");
    return code;
}

/* Where somebody was faster the others that were left behind may be taken, too: look again. */
DURABLE_INTERNAL bool durable_chooser_miss(durable_chooser *chooser, bool lasts)
{
    if (!lasts) free_heads(&chooser->gone);
    return durable_recall_miss(chooser, lasts);
}

DURABLE_INTERNAL void durable_chooser_end(durable_chooser *chooser)
{
    free_heads(&chooser->heads);
    free_heads(&chooser->gone);
    durable_recall_end(chooser);
}
