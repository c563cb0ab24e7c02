/* engine: what is said and done when code and log disagree. */
#include "engine/engine.h"

/* Recorded rows looked at: the one before, the one at the divergence, and those after it. */
#define ROWS_MAX (DURABLE_EVIDENCE_MAX + 1)

#define DURABLE_DETAIL_SIZE 160

typedef struct noted_step {
    int64_t position;
    int kind;
    int64_t began;
    char name[DUR_NAME_MAX + 1];
    char site[DURABLE_SITE_SIZE];
} noted_step;

struct durable_divergence {
    dur_divergence report; /* what the host sees; points into the rest */
    int64_t position;
    dur_change told; /* the class, where it is known; else DUR_CHANGE_UNKNOWN */
    bool checked;    /* by a replay check: nothing is parked */
    char detail[DURABLE_DETAIL_SIZE]; /* of a mismatch; "": a divergence */
    noted_step rows[ROWS_MAX];
    size_t row_count;
    noted_step asked[DURABLE_EVIDENCE_MAX];
    size_t asked_count;
    char run_id[DUR_NAME_MAX + 1];
    char workflow[DUR_NAME_MAX + 1];
    char *text;
};

DURABLE_INTERNAL const char *durable_kind_name(int kind)
{
    const char *name = durable_name_of_kind(kind);

    return name ? name : "entry of an unknown kind";
}

/* ---- Noting -------------------------------------------------------------------------------- */

static void set_text(char *to, size_t size, const char *from, size_t length)
{
    if (length >= size) length = size - 1;
    memcpy(to, from, length);
    to[length] = '\0';
}

static int note_row(const durable_step_record *record, void *context)
{
    durable_divergence *divergence = context;
    noted_step *row = &divergence->rows[divergence->row_count++];

    row->position = record->position;
    row->kind = record->kind;
    row->began = record->began;
    set_text(row->name, sizeof row->name, record->name, record->name_length);
    if (record->site) set_text(row->site, sizeof row->site, record->site, strlen(record->site));
    return divergence->row_count == ROWS_MAX;
}

DURABLE_INTERNAL void durable_divergence_note(dur_run *run, const durable_asked *asked)
{
    durable_divergence *divergence = run->divergence;
    const char *name = asked->name ? asked->name : "(null)";
    noted_step *note;

    if (!divergence || divergence->asked_count == DURABLE_EVIDENCE_MAX) return;
    if (divergence->told == DUR_CHANGE_ENDED_EARLY) return;
    note = &divergence->asked[divergence->asked_count];
    note->position = divergence->position + (int64_t)divergence->asked_count++;
    note->kind = asked->kind;
    set_text(note->name, sizeof note->name, name, strlen(name));
    durable_site_text(note->site, asked->file, asked->line);
}

static const noted_step *row_at(const durable_divergence *divergence, int64_t position)
{
    for (size_t i = 0; i < divergence->row_count; i++)
        if (divergence->rows[i].position == position) return &divergence->rows[i];
    return NULL;
}

DURABLE_INTERNAL bool durable_divergence_shows_patch(const dur_run *run, const char *id)
{
    const durable_divergence *divergence = run->divergence;

    if (!divergence || !id) return false;
    for (size_t i = 0; i < divergence->row_count; i++) {
        const noted_step *row = &divergence->rows[i];

        if (row->position < divergence->position || row->kind != DURABLE_KIND_PATCH) continue;
        if (strcmp(row->name, id) == 0) return true;
    }
    return false;
}

/* What has no outcome yet is no row, but it is in the log, and the code has to ask for it. */
static void note_progress(durable_divergence *divergence, const durable_progress *progress)
{
    const durable_pending *pending = progress ? &progress->pending : NULL;
    noted_step *row;

    if (!pending || pending->position != divergence->position) return;
    if (row_at(divergence, pending->position) || divergence->row_count == ROWS_MAX) return;
    row = &divergence->rows[divergence->row_count++];
    row->position = pending->position;
    row->kind = pending->kind;
    row->began = pending->began;
    set_text(row->name, sizeof row->name, pending->name, pending->name_length);
}

/* ---- The stop ------------------------------------------------------------------------------ */

static const char *site_of(const noted_step *step)
{
    return step && step->site[0] ? step->site : "no call site";
}

static const char *name_of(const noted_step *step)
{
    return step ? step->name : "(cannot be read)";
}

static const char *kind_of(const noted_step *step)
{
    return durable_kind_name(step ? step->kind : DURABLE_KIND_STEP);
}

static int stop(dur_run *run, int code, const durable_divergence *divergence)
{
    const noted_step *row = row_at(divergence, divergence->position);
    const noted_step *asked = divergence->asked_count ? &divergence->asked[0] : NULL;
    long long position = (long long)divergence->position;

    if (divergence->told == DUR_CHANGE_OUTCOME)
        return durable_run_stop(run, code, "position %lld: the log holds %s", position,
                                divergence->detail);
    if (divergence->detail[0])
        return durable_run_stop(run, code, "position %lld, %s \"%s\" (%s): the log holds %s",
                                position, kind_of(asked), name_of(asked), site_of(asked),
                                divergence->detail);
    if (!asked)
        return durable_run_stop(run, code,
                                "position %lld: the log holds %s \"%s\" (%s), but the code ended"
                                " without asking for it",
                                position, kind_of(row), name_of(row), site_of(row));
    return durable_run_stop(run, code,
                            "position %lld: the log holds %s \"%s\" (%s), the code asks for %s"
                            " \"%s\" (%s)",
                            position, kind_of(row), name_of(row), site_of(row), kind_of(asked),
                            asked->name, site_of(asked));
}

static int diverge(dur_run *run, int code, dur_change change, int64_t position,
                   const durable_asked *asked, const char *detail)
{
    durable_divergence *divergence = durable_allocate(sizeof *divergence);
    durable_store *store = run->log->store;

    if (!divergence)
        return durable_run_stop(run, code, "position %lld: code and log disagree (and there is no"
                                           " memory for the report)",
                                (long long)position);
    run->divergence = divergence;
    divergence->position = position;
    /* Code that has failed by then may go on asking: that is no way of its own. */
    divergence->told = asked || change ? change : DUR_CHANGE_ENDED_EARLY;
    divergence->checked = run->log->check != NULL;
    if (detail) set_text(divergence->detail, sizeof divergence->detail, detail, strlen(detail));
    set_text(divergence->run_id, sizeof divergence->run_id, run->id, strlen(run->id));
    set_text(divergence->workflow, sizeof divergence->workflow, run->workflow,
             strlen(run->workflow));
    /* A failing read only makes the report poorer. */
    store->methods->load_history(store, run->fence.run, position > 1 ? position - 1 : 1,
                                 DUR_POSITION_MAX, ROWS_MAX, true, note_row, divergence, NULL);
    note_progress(divergence, run->progress);
    if (asked) durable_divergence_note(run, asked);
    return stop(run, code, divergence);
}

DURABLE_INTERNAL int durable_diverge(dur_run *run, int code, int64_t position,
                                     const durable_asked *asked, const char *detail)
{
    dur_change change = detail ? DUR_CHANGE_RETYPED : DUR_CHANGE_UNKNOWN;

    if (asked && run->log->check && durable_check_ends_before(run, position)) return run->stop;
    return diverge(run, code, change, position, asked, detail);
}

DURABLE_INTERNAL int durable_diverge_as(dur_run *run, dur_change change, int64_t position,
                                        const durable_asked *asked, const char *detail)
{
    return diverge(run, DUR_DIVERGED, change, position, asked, detail);
}

/* ---- The report ---------------------------------------------------------------------------- */

static size_t gather_evidence(const noted_step *steps, size_t count, int64_t from,
                              durable_evidence *evidence)
{
    size_t found = 0;

    for (size_t i = 0; i < count && found < DURABLE_EVIDENCE_MAX; i++) {
        if (steps[i].position < from) continue;
        evidence[found].kind = steps[i].kind;
        evidence[found++].name = steps[i].name;
    }
    return found;
}

static dur_change tell_change(const durable_divergence *divergence, bool left_early)
{
    durable_evidence recorded[DURABLE_EVIDENCE_MAX], asked[DURABLE_EVIDENCE_MAX];
    size_t recorded_count, asked_count;

    if (divergence->told) return divergence->told;
    recorded_count = gather_evidence(divergence->rows, divergence->row_count, divergence->position,
                                     recorded);
    asked_count =
        gather_evidence(divergence->asked, divergence->asked_count, divergence->position, asked);
    return durable_classify(recorded, recorded_count, asked, asked_count, left_early);
}

static const char *change_text(dur_change change)
{
    switch (change) {
    case DUR_CHANGE_INSERTED: return "inserted: the code has a new step before the recorded one";
    case DUR_CHANGE_REMOVED: return "removed: the recorded step is gone from the code";
    case DUR_CHANGE_RENAMED: return "renamed: same place, other name";
    case DUR_CHANGE_REORDERED: return "reordered: two neighbouring steps have changed places";
    case DUR_CHANGE_ENDED_EARLY: return "ended early: the code returned, recorded steps remain";
    case DUR_CHANGE_RETYPED: return "retyped: same step, but its value does not fit";
    case DUR_CHANGE_INPUT: return "input: same step, but it is given something else";
    case DUR_CHANGE_OUTCOME: return "outcome: the code comes to another end";
    case DUR_CHANGE_UNKNOWN: break;
    }
    return "unknown: the code did not show enough of its way to tell";
}

static void append_side(durable_text *text, const char *label, const noted_step *step,
                        const char *absent)
{
    durable_text_add(text, "  %-16s", label);
    if (!step) {
        durable_text_add(text, "%s\n", absent);
        return;
    }
    durable_text_add(text, "%s \"%s\" (%s)", durable_kind_name(step->kind), step->name,
                     site_of(step));
    if (step->began > 0) {
        char time[DURABLE_TIME_SIZE];

        durable_time_print(time, step->began);
        durable_text_add(text, ", recorded %s", time);
    }
    durable_text_add(text, "\n");
}

static void append_advice(durable_text *text, const durable_divergence *divergence)
{
    const noted_step *row = row_at(divergence, divergence->position);

    bool patched = row && row->kind == DURABLE_KIND_PATCH;

    durable_text_add(text, "  %-16s", "what to do");
    if (patched)
        durable_text_add(text, "This run goes the way of patch \"%s\". Code that still has it asks"
                               " dur_patch() here,\n  %-16sor dur_retire_patch() where it knows no"
                               " other way.",
                         row->name, "");
    if (!divergence->checked)
        durable_text_add(text, "%s%*sThe run is parked; its log is unchanged. Execute it again with"
                               " %s,\n  %-16sor start a new run under another id.",
                         patched ? "\n" : "", patched ? 18 : 0, "",
                         divergence->detail[0] ? "the type that was recorded"
                                               : "code that asks for these steps",
                         "");
    else if (divergence->told == DUR_CHANGE_UNKNOWN && !patched)
        durable_text_add(text, "Let dur_patch() keep the old way for runs that have come so far, or"
                               " end them\n  %-16swith the old code before the new one is"
                               " deployed.",
                         "");
    else if (!patched)
        durable_text_add(text, "Give runs that have come so far what they were given, or end them"
                               " with the old\n  %-16scode before the new one is deployed.",
                         "");
}

static void write_text(durable_divergence *divergence)
{
    durable_text *text = durable_text_new();
    int64_t position = divergence->position;

    durable_text_add(text, "run \"%s\" (workflow \"%s\"): code and log disagree at position %lld\n",
                        divergence->run_id, divergence->workflow, (long long)position);
    append_side(text, "the log holds", row_at(divergence, position),
                divergence->told == DUR_CHANGE_OUTCOME ? divergence->detail : "(cannot be read)");
    if (divergence->told == DUR_CHANGE_RETYPED)
        durable_text_add(text, "  %-16s%s\n", "its value", divergence->detail);
    if (divergence->told == DUR_CHANGE_INPUT)
        durable_text_add(text, "  %-16s%s\n", "its input", divergence->detail);
    append_side(text, "the code wants", divergence->asked_count ? divergence->asked : NULL,
                "nothing more: it has ended");
    append_side(text, "before it", row_at(divergence, position - 1), "nothing");
    append_side(text, "after it", row_at(divergence, position + 1), "nothing");
    durable_text_add(text, "  %-16s%s\n", "the change", change_text(divergence->report.change));
    append_advice(text, divergence);
    divergence->text = durable_text_finish(text);
}

static void fill_side(dur_step_info *info, const noted_step *step)
{
    memset(info, 0, sizeof *info);
    if (!step) return;
    info->position = step->position;
    info->kind = durable_kind_name(step->kind);
    info->name = step->name;
    info->site = step->site;
    info->recorded_ms = step->began;
}

static void write_report(durable_divergence *divergence, bool left_early)
{
    dur_divergence *report = &divergence->report;
    int64_t position = divergence->position;

    report->run_id = divergence->run_id;
    report->workflow = divergence->workflow;
    report->position = position;
    report->change = tell_change(divergence, left_early);
    fill_side(&report->recorded, row_at(divergence, position));
    fill_side(&report->requested, divergence->asked_count ? divergence->asked : NULL);
    fill_side(&report->before, row_at(divergence, position - 1));
    fill_side(&report->after, row_at(divergence, position + 1));
    write_text(divergence);
    report->text = divergence->text ? divergence->text : "(no memory for the report's text)";
}

/* ---- Settling ------------------------------------------------------------------------------ */

static void park(dur_run *run, const char *report)
{
    durable_store *store = run->log->store;
    durable_ending ending;

    memset(&ending, 0, sizeof ending);
    ending.status = DURABLE_PARKED;
    ending.failure = report;
    ending.now = durable_clock_now(&run->log->clock);
    run->ended = store->methods->end_run(store, &run->fence, &ending) == DUR_OK;
}

/* Where parking fails the run is only left: the next owner will find the same and park it. */
DURABLE_INTERNAL int durable_divergence_settle(dur_run *run)
{
    durable_divergence *divergence = run->divergence;

    if (run->ended) return run->stop;
    if (divergence) write_report(divergence, run->told);
    if (!run->log->check) park(run, divergence ? divergence->report.text : run->error.message);
    if (divergence) {
        durable_divergence_free(run->log->divergence);
        run->log->divergence = divergence;
        run->divergence = NULL;
    }
    return run->stop;
}

DURABLE_INTERNAL const dur_divergence *durable_divergence_report(const durable_divergence *report)
{
    return report ? &report->report : NULL;
}

DURABLE_INTERNAL void durable_divergence_free(durable_divergence *report)
{
    if (!report) return;
    durable_free(report->text);
    durable_free(report);
}
