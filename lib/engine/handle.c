/* engine: step handles: where they come from, where they wait, and the call sites they carry. */
#include "engine/engine.h"

/* ---- Handles ------------------------------------------------------------------------------- */

DURABLE_INTERNAL void durable_step_free(dur_step *step)
{
    durable_free(step->name_memory);
    durable_free(step->kept_memory);
    durable_free(step->token);
    durable_free(step->not_yet);
    durable_progress_free(step->progress);
    durable_free(step);
}

DURABLE_INTERNAL bool durable_step_set_not_yet(dur_step *step, const dur_value *details)
{
    size_t length = details ? details->length : 0;
    dur_value *copy = details ? durable_allocate(sizeof *copy + length) : NULL;

    if (copy) *copy = *details;
    if (copy && details->type >= DUR_TEXT) {
        if (length) memcpy(copy + 1, details->as.bytes, length);
        copy->as.bytes = copy + 1;
    }
    durable_free(step->not_yet);
    step->not_yet = copy;
    return copy || !details;
}

static void clear_handle(dur_step *step)
{
    if (step->name_memory) durable_free(step->name_memory);
    if (step->kept_memory) durable_free(step->kept_memory);
    if (step->progress) durable_progress_free(step->progress);
    step->progress = NULL;
    step->name_memory = step->kept_memory = NULL;
    step->previous = step->next = NULL;
    step->result = NULL;
    step->kept = step->unrecorded = step->again = step->in_transaction = false;
    step->lease_ms = 0;
    step->fingerprint = 0;
    step->retry = step->poll = NULL;
    step->mode = DUR_AT_LEAST_ONCE;
    if (step->not_yet) durable_step_set_not_yet(step, NULL);
    step->value = dur_null();
    step->key[0] = '\0';
}

static dur_step *take_handle(dur_run *run)
{
    dur_step *step = run->spare_first;

    if (run->spare_count < DURABLE_SPARE_STEPS) {
        step = durable_allocate(sizeof *step);
        if (step) step->run = run;
        return step;
    }
    run->spare_first = step->next;
    if (!run->spare_first) run->spare_last = NULL;
    run->spare_count--;
    clear_handle(step);
    return step;
}

/* To the end of the queue: the longer a closed handle waits for its next use, the better a call on
 * an old one is noticed. */
DURABLE_INTERNAL void durable_step_spare(dur_step *step)
{
    dur_run *run = step->run;

    step->next = NULL;
    step->previous = run->spare_last;
    if (run->spare_last)
        run->spare_last->next = step;
    else
        run->spare_first = step;
    run->spare_last = step;
    run->spare_count++;
}

static bool set_name(dur_step *step, const durable_request *request)
{
    char *name = step->name_inline;

    if (request->name_length >= DURABLE_NAME_INLINE) {
        name = step->name_memory = durable_copy_text(request->name, request->name_length);
        if (!name) return false;
    } else {
        memcpy(name, request->name, request->name_length);
        name[request->name_length] = '\0';
    }
    step->name = name;
    step->name_length = request->name_length;
    return true;
}

DURABLE_INTERNAL dur_step *durable_step_new(dur_run *run, const durable_request *request)
{
    dur_step *step = take_handle(run);

    if (!step) return NULL;
    step->position = request->position;
    step->kind = request->kind;
    if (set_name(step, request)) return step;
    step->state = DURABLE_STEP_CLOSED;
    durable_step_spare(step);
    return NULL;
}

/* Positions only grow, so that the list is in their order. */
DURABLE_INTERNAL void durable_step_link(dur_step *step)
{
    dur_run *run = step->run;

    step->next = NULL;
    step->previous = run->open_last;
    if (run->open_last)
        run->open_last->next = step;
    else
        run->open_first = step;
    run->open_last = step;
}

DURABLE_INTERNAL void durable_step_unlink(dur_step *step)
{
    dur_run *run = step->run;

    if (step->previous)
        step->previous->next = step->next;
    else
        run->open_first = step->next;
    if (step->next)
        step->next->previous = step->previous;
    else
        run->open_last = step->previous;
    step->previous = step->next = NULL;
}

DURABLE_INTERNAL void durable_step_close(dur_step *step)
{
    durable_step_unlink(step);
    step->state = DURABLE_STEP_CLOSED;
    step->kept = step->unrecorded = false;
    durable_step_spare(step);
}

DURABLE_INTERNAL int durable_step_hold_back(dur_step *step, int code)
{
    step->state = DURABLE_STEP_PUT_OFF;
    return durable_run_stop_with_store(step->run, code, step->position, step->name);
}

/* ---- Call sites ---------------------------------------------------------------------------- */

static const char *base_name(const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *base = slash ? slash + 1 : file;

#if defined(_WIN32)
    slash = strrchr(base, '\\');
    if (slash) base = slash + 1;
#endif
    return base;
}

/* By hand, as it is done for each recorded step. */
DURABLE_INTERNAL void durable_site_text(char site[DURABLE_SITE_SIZE], const char *file, int line)
{
    char digits[12];
    size_t count = 0, length;
    unsigned left = line > 0 ? (unsigned)line : 0;

    site[0] = '\0';
    if (!file) return;
    file = base_name(file);
    length = strlen(file);
    do {
        digits[count++] = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (length > DURABLE_SITE_SIZE - sizeof digits - 2) {
        file += length - (DURABLE_SITE_SIZE - sizeof digits - 2);
        length = DURABLE_SITE_SIZE - sizeof digits - 2;
    }
    memcpy(site, file, length);
    site[length++] = ':';
    while (count) site[length++] = digits[--count];
    site[length] = '\0';
}
