/* engine: a run against recorded steps, without executing or writing anything. */
#include "engine/check.h"

#include "engine/opening.h"
#include "store/guard.h"

/* ---- The check's own log ------------------------------------------------------------------- */

/* Nothing is written, and no claim is asked for: the run may be another owner's. */
static int guard_check(durable_verb verb, durable_error *error, void *context)
{
    (void)context;
    if (verb == DURABLE_VERB_CONFIRM || verb == DURABLE_VERB_END_TRANSACTION ||
        verb == DURABLE_VERB_COMMIT_SHARED)
        return DUR_OK;
    return durable_guard_read_only(verb, error, NULL);
}

DURABLE_INTERNAL dur_log *durable_check_open(const dur_log *log, durable_check *check)
{
    dur_options options = DUR_OPTIONS_INIT;
    durable_store *guarded = durable_guard_new(log->store, false, guard_check, NULL, NULL);
    dur_log *own;

    if (!guarded) return NULL;
    options.retry = log->retry.size ? &log->retry : NULL;
    options.warn = log->warn;
    options.user = log->user;
    own = durable_log_new(guarded, DUR_OK, &options);
    if (!own) return NULL;
    own->clock = log->clock;
    own->lease_ms = log->lease_ms;
    own->transactional_when_attached = log->transactional_when_attached;
    own->check = check;
    return own;
}

/* ---- Beginning ----------------------------------------------------------------------------- */

typedef struct check_opening {
    dur_log *log;
    const char *id;
    const char *workflow;     /* as the caller calls it; NULL: as it is recorded */
    const durable_call *call; /* of a child; NULL: a run by itself */
    dur_run *run;
    bool other_input; /* out: the child was begun with another one */
} check_opening;

static int check_place(const check_opening *open, const durable_run_record *record,
                       durable_error *error)
{
    const durable_call *call = open->call;

    if (open->workflow && strcmp(open->workflow, record->workflow) != 0)
        return durable_error_set(error, DUR_CONFLICT,
                                 "it is a run of workflow \"%s\", not of \"%s\"",
                                 record->workflow, open->workflow);
    if (!call && record->root)
        return durable_error_set(error, DUR_CONFLICT,
                                 "it is a child that its parent calls: check the parent");
    if (!call || (record->root && record->called_at == call->position &&
                  record->parent == call->caller->fence.run))
        return DUR_OK;
    return durable_error_set(error, DUR_CONFLICT, "it is no child of this place");
}

static int check_child_input(check_opening *open, const durable_run_record *record,
                             durable_error *error)
{
    durable_datum input;

    if (!open->call || durable_value_encode(open->call->options->input, &input) != DUR_OK)
        return DUR_OK;
    open->other_input =
        durable_run_check_same(record, record->workflow, &input, error) != DUR_OK;
    return open->other_input ? DUR_CONFLICT : DUR_OK;
}

static void take_recorded_end(dur_run *run, const durable_run_record *record)
{
    run->recorded.status = record->status;
    run->recorded.output = record->output;
    run->recorded.output.bytes = NULL; /* its type and length count */
    run->recorded.failed = record->failure != NULL;
}

static int look_at_recorded(const durable_run_record *record, void *context)
{
    check_opening *open = context;
    durable_error *error = &open->log->store->error;
    int code = check_place(open, record, error);
    dur_run *run;

    if (code == DUR_OK) code = durable_run_check_known(open->log, record, error);
    if (code == DUR_OK) code = check_child_input(open, record, error);
    if (code != DUR_OK) return code;
    open->run = run = durable_opened_new(open->log, record->workflow, record->id);
    if (!run) return durable_error_set(error, DUR_NOMEM, "out of memory");
    code = durable_opened_input(run, &record->input, error);
    if (code != DUR_OK) return code;
    memcpy(run->uid, record->uid, DURABLE_UID_SIZE);
    durable_opened_take(run, record);
    take_recorded_end(run, record);
    run->fence.run = record->run;
    run->fence.epoch = record->epoch + 1; /* as the next owner would find it */
    run->lease_end = DURABLE_NEVER;
    return DUR_OK;
}

static int begin_checked(check_opening *open, dur_run **run)
{
    dur_log *log = open->log;
    int code = log->store->methods->find_run(log->store, open->id, look_at_recorded, open);

    *run = NULL;
    if (code != DUR_OK) {
        if (open->run) durable_opened_free(open->run);
        if (code == DUR_NOT_FOUND)
            durable_error_set(&log->store->error, code, "there is no such run in this log");
        return durable_log_store_error(log, open->id);
    }
    durable_history_init(&open->run->history, log->store, open->run->fence.run, false);
    open->run->history.details = log->check->strictness >= DUR_CHECK_INPUTS;
    durable_opened_link(open->run);
    *run = open->run;
    return DUR_OK;
}

/* ---- Children ------------------------------------------------------------------------------ */

/* A living run is told DUR_CONFLICT there: its child was begun with something else. */
static int diverge_at_child(const durable_call *call)
{
    durable_asked asked = {DURABLE_KIND_CHILD, call->name, call->options->file,
                           call->options->line, true};
    durable_progress *progress = call->step->progress;
    dur_run *run = call->caller;

    call->step->progress = NULL;
    durable_step_close(call->step);
    if (progress) durable_progress_return(run, progress);
    return durable_diverge_as(run, DUR_CHANGE_INPUT, call->position, &asked,
                              "a child that has begun with another input");
}

/* A child that is in the log and has not told its parent: it has begun, or ended and the parent's
 * row was never written. Where it ends the check of its parent ends, too. */
DURABLE_INTERNAL int durable_check_call(const durable_call *call)
{
    check_opening open = {.log = call->log, .id = call->run_id, .workflow = call->name,
                          .call = call};
    dur_run *child;
    int code = begin_checked(&open, &child);

    if (code == DUR_NOT_FOUND) return DUR_SUSPENDED;
    if (open.other_input) return diverge_at_child(call);
    if (!child) return code;
    child->caller = call->caller;
    code = durable_run_pass(child, call->fn, call->user);
    return code >= 0 ? DUR_SUSPENDED : code;
}

typedef struct child_look {
    const dur_value *input;
    bool alike;
    int type;
    size_t length;
} child_look;

static int look_at_child(const durable_run_record *record, void *context)
{
    child_look *look = context;
    dur_value recorded;

    if (record->generation > 1) return DUR_OK; /* it had that of the run before it in its chain */
    if (durable_value_decode(&record->input, &recorded) != DUR_OK) return DUR_OK;
    look->type = (int)recorded.type;
    look->length = recorded.length;
    look->alike = recorded.type == look->input->type && recorded.length == look->input->length;
    return DUR_OK;
}

DURABLE_INTERNAL int durable_check_child(dur_run *run, const durable_asked *asked,
                                         int64_t position, const char *id, const dur_value *input)
{
    durable_store *store = run->log->store;
    child_look look = {input, true, 0, 0};
    char detail[160];

    if (run->log->check->strictness < DUR_CHECK_SIZES) return DUR_OK;
    if (store->methods->find_run(store, id, look_at_child, &look) != DUR_OK) return DUR_OK;
    if (look.alike) return DUR_OK;
    durable_print(detail, sizeof detail,
                  "a child with %s of %lld bytes as its input, and the code gives %s of %lld bytes",
                  durable_type_name((dur_type)look.type), (long long)look.length,
                  durable_type_name(input->type), (long long)input->length);
    return durable_diverge_as(run, DUR_CHANGE_INPUT, position, asked, detail);
}

/* ---- On the way ---------------------------------------------------------------------------- */

static bool has_recorded_end(const dur_run *run)
{
    int status = run->recorded.status;

    /* One that was terminated would have gone on. */
    return durable_status_has_ended(status) && status != DURABLE_TERMINATED;
}

DURABLE_INTERNAL bool durable_check_is_left_open(const dur_run *run)
{
    return has_recorded_end(run);
}

/* The innermost run tells what comes next, the outermost where that is. */
static void reach(dur_run *run, int64_t position, const char *what, const char *name)
{
    durable_check *check = run->log->check;

    check->position = position;
    if (check->reached) return;
    check->reached = true;
    if (run->caller)
        durable_print(check->next, sizeof check->next, "child \"%s\", position %lld: %s%s%s",
                      run->id, (long long)position, what, name ? " " : "", name ? name : "");
    else
        durable_print(check->next, sizeof check->next, "%s%s%s", what, name ? " " : "",
                      name ? name : "");
}

static int end_here(dur_run *run, int64_t position, const char *what, const char *name)
{
    reach(run, position, what, name);
    return durable_run_stop(run, DUR_SUSPENDED, "position %lld: what is recorded ends here",
                            (long long)position);
}

static bool is_beyond(const dur_run *run, int64_t position)
{
    int64_t until = run->log->check->until;

    return until && !run->caller && position > until;
}

DURABLE_INTERNAL bool durable_check_ends_before(dur_run *run, int64_t position)
{
    if (!is_beyond(run, position)) return false;
    end_here(run, position, "whatever comes next: no further was to be checked", NULL);
    return true;
}

DURABLE_INTERNAL bool durable_check_has_ended(const dur_run *run)
{
    return has_recorded_end(run) && !is_beyond(run, run->position);
}

DURABLE_INTERNAL int durable_check_frontier(dur_run *run, int64_t position, int kind,
                                            const char *name)
{
    durable_asked asked = {kind, name, NULL, 0, true};
    char quoted[DUR_NAME_MAX + 4], detail[DURABLE_NAME_INLINE * 2];

    /* A step that was open beside one that failed may have no row. */
    if (has_recorded_end(run) && !is_beyond(run, position) && !run->in_gap) {
        durable_print(detail, sizeof detail, "the end of the run (%s)",
                      durable_name_of_status(run->recorded.status));
        return durable_diverge_as(run, DUR_CHANGE_OUTCOME, position, &asked, detail);
    }
    durable_print(quoted, sizeof quoted, "\"%s\"", name);
    return end_here(run, position, durable_kind_name(kind), quoted);
}

static void describe_fingerprints(char *text, size_t size, uint64_t recorded, uint64_t given)
{
    durable_print(text, size, "an input of fingerprint %016llx, and the code gives %016llx",
                  (unsigned long long)recorded, (unsigned long long)given);
}

DURABLE_INTERNAL int durable_check_replayed(dur_run *run, const durable_step_record *record,
                                            const durable_asked *asked,
                                            const dur_step_options *options)
{
    uint64_t given = options ? options->fingerprint : 0;
    char detail[128];

    if (durable_check_ends_before(run, record->position)) return run->stop;
    if (run->log->check->strictness < DUR_CHECK_INPUTS) return DUR_OK;
    if (!given || !record->fingerprint || given == record->fingerprint) return DUR_OK;
    describe_fingerprints(detail, sizeof detail, record->fingerprint, given);
    return durable_diverge_as(run, DUR_CHANGE_INPUT, record->position, asked, detail);
}

/* ---- The end ------------------------------------------------------------------------------- */

static bool is_output_alike(const durable_datum *recorded, const durable_datum *given)
{
    return recorded->type == given->type && recorded->format == given->format &&
           recorded->length == given->length;
}

static int differ(dur_run *run, const char *ends, const char *failure)
{
    char detail[160];

    durable_print(detail, sizeof detail,
                  "the end of the run (%s), and the code's is another: %s%s%s",
                  durable_name_of_status(run->recorded.status), ends, failure ? ": " : "",
                  failure ? failure : "");
    run->stop = DUR_OK;
    durable_diverge_as(run, DUR_CHANGE_OUTCOME, run->position, NULL, detail);
    return durable_divergence_settle(run);
}

DURABLE_INTERNAL int durable_check_ending(dur_run *run, const durable_ending *ending)
{
    durable_check *check = run->log->check;
    const char *ends = durable_name_of_status(ending->status);

    if (ending->status == DURABLE_PARKED) return DUR_OK;
    if (!has_recorded_end(run)) {
        reach(run, run->position, "the end:", ends);
    } else if (ending->status != run->recorded.status) {
        return differ(run, ends, ending->failure);
    } else if (check->strictness >= DUR_CHECK_SIZES &&
               !is_output_alike(&run->recorded.output, &ending->output)) {
        return differ(run, "an output of another type or size", NULL);
    } else if (!run->caller) {
        check->ended = true;
    }
    run->ended = true;
    return DUR_OK;
}

/* ---- A whole check ------------------------------------------------------------------------- */

static bool is_unreadable(int code)
{
    return code == DUR_CORRUPT || code == DUR_VERSION_TOO_NEW || code == DUR_MISUSE ||
           code == DUR_CONFLICT;
}

/* What the pass came to. DUR_OK, or a code that is no verdict. */
static int judge_pass(dur_log *log, int code, durable_checked *result)
{
    durable_check *check = log->check;

    result->code = code;
    result->position = check->position;
    if (code == DUR_DIVERGED || code == DUR_MISMATCH) {
        const dur_divergence *report = durable_divergence_report(log->divergence);

        result->verdict = DUR_DIVERGES;
        result->position = report ? report->position : 0;
    } else if (check->ended) {
        result->verdict = DUR_FITS_ENDED;
        result->position = 0;
    } else if (check->reached || code == DUR_STOPPED) {
        result->verdict = DUR_FITS_SO_FAR;
    } else if (is_unreadable(code)) {
        result->verdict = DUR_UNREADABLE;
    } else {
        return code;
    }
    return DUR_OK;
}

DURABLE_INTERNAL int durable_check_one(dur_log *log, const char *run_id, const char *workflow,
                                       dur_workflow *fn, void *user, durable_checked *result)
{
    check_opening open = {.log = log, .id = run_id, .workflow = workflow};
    durable_check *check = log->check;
    dur_run *run;
    int code;

    memset(result, 0, sizeof *result);
    check->reached = check->ended = false;
    check->position = 0;
    check->next[0] = '\0';
    code = begin_checked(&open, &run);
    if (code == DUR_OK) code = durable_run_pass(run, fn, user);
    else if (!is_unreadable(code)) return code;
    return judge_pass(log, code, result);
}
