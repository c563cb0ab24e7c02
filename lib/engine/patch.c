/* engine: patch markers: which way a run goes where its code has changed. An id's first answer in a
 * pass is its answer, and depends on nothing but the log, so that each pass gives the same. */
#include "engine/engine.h"

/* What stands where the code asks. */
typedef enum durable_patch_place {
    DURABLE_PATCH_STOPPED, /* it cannot be read */
    DURABLE_PATCH_MARKER,  /* the marker of this id */
    DURABLE_PATCH_OTHER,   /* another row; or the run has been behind this place */
    DURABLE_PATCH_END      /* the log ends here */
} durable_patch_place;

static const durable_patch *find_patch(const dur_run *run, const char *id)
{
    const durable_patch *patch = id ? run->patches : NULL;

    while (patch && strcmp(patch->id, id) != 0) patch = patch->next;
    return patch;
}

static int stop_at_id(dur_run *run, const char *detail)
{
    return durable_run_stop(run, DUR_MISUSE,
                            "position %lld: a patch's id must be 1 to %d bytes of UTF-8 without"
                            " control characters%s",
                            (long long)run->position, DUR_NAME_MAX, detail);
}

/* A stopped run gives no new answers, which is one request more that it has missed. While a report
 * is made of its code, a marker that the report shows is on the code's way. */
static bool ask_stopped(dur_run *run, const durable_asked *asked)
{
    durable_answer answer;
    bool shown = durable_divergence_shows_patch(run, asked->name);

    if (shown)
        durable_step_begin(run, asked, NULL, &answer);
    else
        run->stopped_calls++;
    return shown;
}

/* Where nothing may be asked, that is said as it is of a step: a body, for one, would not ask again
 * when it is replayed. */
static bool may_ask(dur_run *run, const durable_asked *asked)
{
    bool refuses = run->ended || run->body || run->continues;
    const char *id = asked->name;
    durable_answer answer;

    if (refuses) durable_step_begin(run, asked, NULL, &answer);
    else if (!id) stop_at_id(run, ", not NULL");
    else if (!durable_name_valid(id, strlen(id))) stop_at_id(run, "");
    else return true;
    return false;
}

static bool is_marker(const dur_run *run, const durable_step_record *record, const char *id)
{
    return record->position == run->position && record->kind == DURABLE_KIND_PATCH &&
           record->name_length == strlen(id) && memcmp(record->name, id, record->name_length) == 0;
}

static durable_patch_place look_here(dur_run *run, const char *id)
{
    const durable_step_record *record;
    const durable_progress *first;

    if (durable_run_peek(run, &record, run->position) != DUR_OK) return DURABLE_PATCH_STOPPED;
    if (record) return is_marker(run, record, id) ? DURABLE_PATCH_MARKER : DURABLE_PATCH_OTHER;
    if (durable_progress_peek(run, run->position, &first) != DUR_OK) return DURABLE_PATCH_STOPPED;
    return first ? DURABLE_PATCH_OTHER : DURABLE_PATCH_END;
}

/* Whatever else is open, and whether or not a failure waits to be caught: the marker shows that the
 * code has been here. */
static int pass_marker(dur_run *run, const durable_asked *asked)
{
    const durable_step_record *record;
    int code = durable_run_peek(run, &record, run->position);

    if (code == DUR_OK && run->log->check)
        code = durable_check_replayed(run, record, asked, NULL);
    if (code != DUR_OK) return code;
    run->in_gap = false;
    run->position++;
    durable_history_pass(&run->history);
    return DUR_OK;
}

/* Nothing was executed, so nothing is kept of a marker that could not be recorded: the next pass
 * asks again, and finds the same. A failure that waits has nothing to do with it. */
static int record_marker(dur_run *run, const durable_asked *asked)
{
    bool failed = run->failure_pending;
    durable_answer answer;
    int code;

    run->failure_pending = false;
    code = durable_step_begin(run, asked, NULL, &answer);
    if (code == DUR_EXECUTE)
        code = durable_wait_conclude(answer.step, DURABLE_OUTCOME_RESULT, dur_null(), 0, NULL);
    run->failure_pending = failed;
    return code;
}

/* Room for the answer is there before a marker is: what is recorded is remembered. */
static int settle_patch(dur_run *run, const durable_asked *asked, durable_patch_place place,
                        durable_patch *patch)
{
    if (place == DURABLE_PATCH_END && run->log->check && durable_check_has_ended(run))
        place = DURABLE_PATCH_OTHER;
    patch->answer = place != DURABLE_PATCH_OTHER;
    if (place == DURABLE_PATCH_MARKER) return pass_marker(run, asked);
    return place == DURABLE_PATCH_END ? record_marker(run, asked) : DUR_OK;
}

static int answer_patch(dur_run *run, const durable_asked *asked, durable_patch_place place)
{
    size_t size = strlen(asked->name) + 1;
    durable_patch *patch;
    int code;

    if (place == DURABLE_PATCH_STOPPED) return run->stop;
    patch = durable_allocate(sizeof *patch + size);
    if (!patch)
        return durable_run_stop(run, DUR_NOMEM, "position %lld, patch \"%s\": out of memory",
                                (long long)run->position, asked->name);
    memcpy(patch->id, asked->name, size);
    code = settle_patch(run, asked, place, patch);
    if (code != DUR_OK) {
        durable_free(patch);
        return code;
    }
    patch->next = run->patches;
    run->patches = patch;
    return DUR_OK;
}

DURABLE_INTERNAL bool durable_patch_ask(dur_run *run, const char *id)
{
    const durable_asked asked = {DURABLE_KIND_PATCH, id, NULL, 0, true};
    const durable_patch *known = find_patch(run, id);

    if (known) return known->answer;
    if (run->stop != DUR_OK) return ask_stopped(run, &asked);
    if (!may_ask(run, &asked)) return false;
    if (answer_patch(run, &asked, look_here(run, id)) != DUR_OK) return false;
    return run->patches->answer;
}

/* A marker that is passed is an answer, too, for those who still ask. */
DURABLE_INTERNAL int durable_patch_retire(dur_run *run, const char *id)
{
    const durable_asked asked = {DURABLE_KIND_PATCH, id, NULL, 0, true};
    durable_patch_place place;

    if (run->stop != DUR_OK) ask_stopped(run, &asked);
    if (run->stop != DUR_OK || find_patch(run, id)) return run->stop;
    if (!may_ask(run, &asked)) return run->stop != DUR_OK ? run->stop : DUR_MISUSE;
    place = look_here(run, id);
    return place == DURABLE_PATCH_MARKER ? answer_patch(run, &asked, place) : run->stop;
}

DURABLE_INTERNAL void durable_patch_free(dur_run *run)
{
    while (run->patches) {
        durable_patch *patch = run->patches;

        run->patches = patch->next;
        durable_free(patch);
    }
}
