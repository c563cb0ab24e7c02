/* engine: steps: asking the log, and executing where it has no answer. */
#include "engine/engine.h"

static const char *name_of(const durable_asked *asked)
{
    return asked->name ? asked->name : "(null)";
}

/* A body is open: it was left without reaching its end, or this step stands inside it. The two look
 * the same from here. */
static int stop_in_body(dur_run *run, const char *name)
{
    char site[DURABLE_SITE_SIZE];
    const dur_step *body = run->body;

    durable_site_text(site, body->file, body->line);
    return durable_run_stop(run, DUR_MISUSE,
                            "position %lld: the body of step \"%s\" (%s) has not reached its end,"
                            " and \"%s\" is asked for: it was left by break, goto or return, or"
                            " the step stands inside it; nothing was recorded for it",
                            (long long)body->position, body->name,
                            site[0] ? site : "no call site", name);
}

static void warn_of_spinning(dur_run *run, const char *name)
{
    char message[DURABLE_MESSAGE_SIZE];

    durable_print(message, sizeof message,
                  "run \"%s\" is stopped (%s) and its workflow goes on asking for steps (\"%s\","
                  " %lld requests so far): let its loops ask dur_ok()",
                  run->id, dur_code_name(run->stop), name, (long long)run->stopped_calls);
    run->log->warn(message, run->log->user);
}

/* A stopped run answers each request with its stop. */
static int answer_stopped(dur_run *run, const durable_asked *asked)
{
    if (run->stop == DUR_DIVERGED || run->stop == DUR_MISMATCH)
        durable_divergence_note(run, asked);
    run->stopped_calls++;
    if (run->stopped_calls == DURABLE_SPIN_FIRST ||
        run->stopped_calls % (DURABLE_SPIN_FIRST * 1000) == 0)
        warn_of_spinning(run, name_of(asked));
    return run->stop;
}

static int stop_at_name(dur_run *run, const char *detail)
{
    return durable_run_stop(run, DUR_MISUSE,
                            "position %lld: a step's name must be 1 to %d bytes of UTF-8 without"
                            " control characters%s",
                            (long long)run->position, DUR_NAME_MAX, detail);
}

static int check_request(dur_run *run, const durable_asked *asked, durable_request *request)
{
    const char *name = asked->name;

    if (run->position > DUR_POSITION_MAX)
        return durable_run_stop(run, DUR_MISUSE, "it has used up its %lld positions",
                                (long long)DUR_POSITION_MAX);
    if (!name) return stop_at_name(run, ", not NULL");
    request->position = run->position;
    request->kind = asked->kind;
    request->name = name;
    request->name_length = strlen(name);
    return DUR_OK;
}

/* Asked only where the log does not hold the very same name: what is recorded was checked once. */
static int check_name(dur_run *run, const durable_request *request)
{
    if (durable_name_valid(request->name, request->name_length)) return DUR_OK;
    return stop_at_name(run, "");
}

/* A row is missing where later rows say that everything before them was recorded: lost. */
static int check_gap(dur_run *run, const durable_request *request)
{
    durable_store *store = run->log->store;
    durable_history_summary summary;

    if (run->low == 0) {
        int code = store->methods->summarize_history(store, run->history.run, &summary);

        if (code != DUR_OK)
            return durable_run_stop_with_store(run, code, request->position, request->name);
        run->low = summary.low;
    }
    if (request->position >= run->low) return DUR_OK;
    return durable_run_stop(run, DUR_CORRUPT,
                            "position %lld: its row is lost from the log (later rows show that it"
                            " was recorded): restore the database from a backup",
                            (long long)request->position);
}

static int stop_unreadable(dur_run *run, const durable_request *request, int code,
                           const durable_asked *asked)
{
    if (code == DUR_CORRUPT)
        return durable_run_stop(run, DUR_CORRUPT,
                                "position %lld, step \"%s\": its value and format do not go"
                                " together: the row was damaged or edited",
                                (long long)request->position, request->name);
    return durable_diverge(run, DUR_MISMATCH, request->position, asked,
                           "an object recorded on a machine of other byte order or word size");
}

/* Records that joined a transaction of the host's, and the claim itself, may be gone with it: then
 * nothing is read under a key that may be another run's by now, and nothing is executed on top of a
 * step that did not happen. */
static int confirm(dur_run *run, int64_t position)
{
    durable_store *store = run->log->store;
    int code = store->methods->confirm(store, &run->fence);

    return code == DUR_OK ? DUR_OK : durable_run_stop_with_store(run, code, position, NULL);
}

/* The first batch follows the claim. Before a later one the run may have been deleted, and its key
 * given to another. */
static bool must_confirm_load(const dur_run *run)
{
    return durable_history_must_load(&run->history) &&
           (run->fence.provisional || run->history.loaded > 0);
}

DURABLE_INTERNAL int durable_run_peek(dur_run *run, const durable_step_record **record,
                                      int64_t position)
{
    int code = DUR_OK;

    *record = NULL;
    if (must_confirm_load(run)) code = confirm(run, position);
    if (code != DUR_OK) return code;
    code = durable_history_peek(&run->history, record, &position);
    if (code != DUR_OK) return durable_run_stop_with_store(run, code, position, NULL);
    return DUR_OK;
}

/* A handle for a step that needs no more than to be asked for its value: it lives as long as that,
 * in the run's own memory. */
static dur_step *replayed_handle(dur_run *run, const durable_request *request, int outcome,
                                 dur_value value)
{
    dur_step *step = durable_arena_allocate(&run->arena, sizeof *step);

    if (!step) return NULL;
    step->run = run;
    step->state = DURABLE_STEP_REPLAYED;
    step->position = request->position;
    step->kind = request->kind;
    step->name = durable_arena_copy(&run->arena, request->name, request->name_length);
    step->name_length = request->name_length;
    step->value = value;
    step->outcome = outcome;
    return step->name ? step : NULL;
}

static int stop_without_memory(dur_run *run, const durable_request *request)
{
    return durable_run_stop(run, DUR_NOMEM, "position %lld, step \"%s\": out of memory",
                            (long long)request->position, request->name);
}

static int replay(dur_run *run, const durable_request *request,
                  const durable_step_record *record, const durable_asked *asked,
                  durable_answer *answer)
{
    /* A callback's failure, or a started child's, is told where it is awaited. */
    bool failed = record->outcome == DURABLE_OUTCOME_FAILURE &&
                  request->kind != DURABLE_KIND_CALLBACK &&
                  (request->kind != DURABLE_KIND_CHILD || asked->sequential);
    int outcome = record->outcome;
    dur_value value = dur_null();
    int code = durable_value_decode(&record->value, &value);

    if (code != DUR_OK) return stop_unreadable(run, request, code, asked);
    if (failed) {
        durable_run_set_failure(run, value.as.bytes, value.length);
        value = dur_null();
    } else if (!durable_run_copy_value(run, &value)) {
        return stop_without_memory(run, request);
    }
    if (!asked->sequential) {
        answer->step = replayed_handle(run, request, outcome, value);
        if (!answer->step) return stop_without_memory(run, request);
    }
    if (failed) run->failure_pending = true;
    answer->value = value;
    run->bytes += (int64_t)record->value.length;
    run->in_gap = false;
    run->position++;
    durable_history_pass(&run->history);
    if (failed) return DUR_FAILED;
    return outcome == DURABLE_OUTCOME_TIMED_OUT ? DUR_TIMED_OUT : DUR_REPLAYED;
}

/* ---- Executing ----------------------------------------------------------------------------- */

/* What the log remembers of this position has to be of what the code asks for. */
static int find_progress(dur_run *run, const durable_request *request, const durable_asked *asked,
                         durable_progress **progress)
{
    durable_decision decision;
    int code = durable_progress_take(run, request->position, progress);

    if (code != DUR_OK || !*progress) return code;
    decision = durable_decide_pending(&(*progress)->pending, request);
    if (decision == DURABLE_EXECUTE) return DUR_OK;
    durable_progress_return(run, *progress); /* for the report */
    *progress = NULL;
    return durable_diverge(run, DUR_DIVERGED, request->position, asked, NULL);
}

/* No attempt is left, by the policy: only a person who has looked at the run makes one more. */
static int park_or_go_on(dur_run *run, const durable_request *request,
                         const durable_pending *pending)
{
    if (run->was_parked) return DUR_OK;
    return durable_attempt_give_up(run, request->position, request->name, pending->attempt,
                                   pending->failure);
}

/* The pause after a failed attempt is not over yet: sleep it through, or leave the run. */
static int wait_for_attempt(dur_run *run, const durable_request *request,
                            const durable_pending *pending, int64_t now)
{
    durable_suspension suspension = {.due = pending->due, .now = now};
    char what[DURABLE_MESSAGE_SIZE];

    if (pending->due == DURABLE_NEVER) return park_or_go_on(run, request, pending);
    if (durable_sleeps_through(run, now, pending->due)) {
        durable_sleep_through(run, now, pending->due);
        return DUR_OK;
    }
    durable_print(what, sizeof what, "to try step \"%s\" again (attempt %lld)", request->name,
                  (long long)pending->attempt + 1);
    return durable_run_suspend(run, &suspension, request->position, what);
}

/* A step that may take longer than the claim still holds prolongs it first; so does an owner that
 * finds its lease over, after a long sleep of its machine: somebody else may have taken the run. */
static int prolong_claim(dur_run *run, const durable_request *request,
                         const dur_step_options *options, int64_t now)
{
    durable_store *store = run->log->store;
    int64_t lease_end;
    int code;

    if (now < run->lease_end && (!options || options->lease_ms <= 0)) return DUR_OK;
    lease_end = durable_time_after(now, options && options->lease_ms > 0 ? options->lease_ms
                                                                         : run->log->lease_ms);
    if (lease_end <= run->lease_end) return DUR_OK;
    code = store->methods->renew_lease(store, &run->fence, lease_end);
    if (code != DUR_OK)
        return durable_run_stop_with_store(run, code, request->position, request->name);
    /* In a transaction of the host's it may yet be undone: it is not relied upon. */
    if (!run->fence.provisional) run->lease_end = lease_end;
    if (run->caller) durable_call_prolong(run, lease_end);
    return DUR_OK;
}

static bool has_body(const durable_request *request)
{
    return request->kind == DURABLE_KIND_STEP || request->kind == DURABLE_KIND_UNDO;
}

static const dur_step_options no_options = {.size = sizeof(dur_step_options)};

static void take_options(dur_step *step, const dur_step_options *options)
{
    step->lease_ms = options->lease_ms;
    step->retry = options->retry;
    step->poll = options->poll;
    step->mode = options->mode;
    step->fingerprint = options->fingerprint;
}

/* What is more than a plain step: what has to be in the log, or open, before the body runs. Gives
 * DUR_EXECUTE, or what came instead. */
static int begin_special(dur_step *step, const dur_step_options *options, dur_value *value)
{
    const durable_progress *progress = step->progress;
    int code = DUR_OK;

    if (progress && progress->pending.intent) return durable_intent_settle(step, options, value);
    if (progress && progress->pending.deadline != DURABLE_NEVER)
        code = durable_deadline_check(step);
    else if (options->timeout_ms && step->attempt == 1)
        code = durable_deadline_put(step, options->timeout_ms);
    if (code == DUR_OK && step->mode == DUR_AT_MOST_ONCE) code = durable_intent_put(step);
    if (code == DUR_OK && step->mode == DUR_TRANSACTIONAL) code = durable_transaction_begin(step);
    return code == DUR_OK ? DUR_EXECUTE : code;
}

/* It has its outcome before it was executed, or is not to be. */
static int begin_without_body(dur_run *run, const durable_request *request,
                              const durable_asked *asked, int code, durable_answer *answer)
{
    answer->step = NULL;
    if (run->stop != DUR_OK) return run->stop;
    if (asked->sequential || code < 0) return code;
    answer->step = replayed_handle(run, request,
                                   code == DUR_FAILED ? DURABLE_OUTCOME_FAILURE
                                                      : DURABLE_OUTCOME_RESULT,
                                   answer->value);
    return answer->step ? code : stop_without_memory(run, request);
}

/* What is remembered of the position goes to the step, whatever comes of it. */
static int open_step(dur_run *run, const durable_request *request, const durable_asked *asked,
                     const dur_step_options *options, durable_progress *progress,
                     durable_answer *answer)
{
    int64_t now = durable_clock_now(&run->log->clock);
    dur_step *step = NULL;
    int code = prolong_claim(run, request, options, now);

    if (code == DUR_OK && durable_arena_reserve(&run->arena)) step = durable_step_new(run, request);
    if (!step) {
        durable_progress_free(progress);
        return code == DUR_OK ? stop_without_memory(run, request) : code;
    }
    step->state = DURABLE_STEP_OPEN;
    step->began = now;
    step->file = asked->file;
    step->line = asked->line;
    if (options) take_options(step, options);
    step->retry_after = DURABLE_BY_POLICY;
    step->progress = progress;
    step->attempt = progress ? progress->pending.attempt + 1 : 1;
    durable_step_link(step);
    run->position++;
    answer->step = step;
    if (!options && !(run->interrupts && has_body(request))) return DUR_EXECUTE;
    code = begin_special(step, options ? options : &no_options, &answer->value);
    if (code == DUR_EXECUTE && run->log->before_body && has_body(request))
        code = run->log->before_body(step, &answer->value, run->log->bench);
    return code == DUR_EXECUTE ? code : begin_without_body(run, request, asked, code, answer);
}

/* An earlier pass has failed here, and begun to undo: nothing has its outcome yet. */
static bool is_undone_from(dur_run *run, int64_t position)
{
    const durable_progress *first;

    if (durable_progress_peek(run, position, &first) != DUR_OK || !first) return false;
    return first->pending.position == position && first->pending.kind == DURABLE_KIND_UNDO;
}

/* An owner before this one may have begun it, beside the step that failed. Its position is taken
 * then, by which later passes can tell. */
static int note_perhaps_begun(dur_run *run, const durable_request *request,
                              const dur_step_options *options)
{
    if (run->fence.epoch == 1) return DUR_OK;
    if (durable_undo_note(run, request->position, request->name, options) != DUR_OK)
        return run->stop;
    run->in_gap = true;
    run->position++;
    return DUR_OK;
}

/* An uncaught failure ends the run here, unless the log knows this position: code that goes from
 * step to step had handled the failure then. Otherwise it was open beside the step that failed, as
 * others behind it may have been. */
static int stop_failed(dur_run *run, const durable_request *request, const durable_asked *asked,
                       const dur_step_options *options)
{
    durable_progress *progress;
    int code;

    if (is_undone_from(run, request->position)) return durable_run_stop_failed(run);
    code = find_progress(run, request, asked, &progress);
    if (code != DUR_OK) return code;
    if (progress) durable_progress_return(run, progress);
    if (progress && asked->sequential)
        return durable_diverge(run, DUR_DIVERGED, request->position, NULL, NULL);
    if (progress) run->in_gap = true;
    if (options && options->undo && !asked->sequential)
        code = note_perhaps_begun(run, request, options);
    return code == DUR_OK ? durable_run_stop_failed(run) : code;
}

/* Where that means another attempt, the run's end takes its place. */
static bool is_settled_first(const durable_pending *pending, const dur_step_options *options)
{
    bool retries = options && options->in_doubt == DUR_IN_DOUBT_RETRY;

    return pending->intent && !(retries && pending->intent == DURABLE_INTENT);
}

/* A child in progress is to hear of it first, and a step in doubt is settled before. An open
 * callback was asked for before what lies behind it, and tells where it is awaited. So was what
 * stands open beside something behind it that is remembered. */
static bool goes_on_first(dur_run *run, const durable_request *request, const durable_asked *asked,
                          const dur_step_options *options)
{
    durable_progress *progress = NULL;
    bool goes_on = true;

    /* Behind this position lie steps that the code has asked for before. */
    if (run->undoing || run->in_gap) return true;
    if (find_progress(run, request, asked, &progress) != DUR_OK) return false;
    goes_on = run->progress || (progress && (request->kind == DURABLE_KIND_CHILD ||
                                             request->kind == DURABLE_KIND_CALLBACK ||
                                             is_settled_first(&progress->pending, options)));
    if (progress) durable_progress_return(run, progress);
    return goes_on;
}

/* Where a replay check comes to the end of what is recorded. What was begun here has to fit; an
 * open callback and a child that is there lead on. */
static int check_end_of_log(dur_run *run, const durable_request *request,
                            const durable_asked *asked)
{
    bool leads_on = request->kind == DURABLE_KIND_CHILD || request->kind == DURABLE_KIND_CALLBACK;
    durable_progress *progress;
    int code;

    if (durable_check_ends_before(run, request->position)) return run->stop;
    code = find_progress(run, request, asked, &progress);
    if (code != DUR_OK) return code;
    if (progress) durable_progress_return(run, progress);
    if (progress && leads_on) return DUR_OK;
    if (leads_on && !asked->sequential && durable_check_is_left_open(run)) return DUR_OK;
    return durable_check_frontier(run, request->position, request->kind, request->name);
}

/* Whether the run is to end here. What cannot be read stops it, too. */
static int interrupt(dur_run *run, const durable_request *request, const durable_asked *asked,
                     const dur_step_options *options)
{
    const dur_log *log = run->log;
    bool goes_on;

    if (log->check) return check_end_of_log(run, request, asked);
    if (request->kind == DURABLE_KIND_PATCH) return DUR_OK; /* the next request hears of it */
    if (log->before_step && has_body(request) && log->before_step(run, log->bench) != DUR_OK)
        return run->stop;
    goes_on = goes_on_first(run, request, asked, options);
    if (run->stop != DUR_OK || goes_on) return run->stop;
    return durable_interrupt_deliver(run, options);
}

static int execute(dur_run *run, const durable_request *request, const durable_asked *asked,
                   const dur_step_options *options, durable_answer *answer)
{
    durable_progress *progress = NULL;
    int code = DUR_OK;

    if (run->failure_pending) return stop_failed(run, request, asked, options);
    if (run->interrupts) code = interrupt(run, request, asked, options);
    if (code != DUR_OK) return code;
    if (!run->progress_loaded || run->progress)
        code = find_progress(run, request, asked, &progress);
    if (progress && (request->kind == DURABLE_KIND_STEP || request->kind == DURABLE_KIND_UNDO)) {
        int64_t now = durable_clock_now(&run->log->clock);

        if (now < progress->pending.due)
            code = wait_for_attempt(run, request, &progress->pending, now);
        /* The code may have lost its options since: what was begun is settled all the same. */
        if (progress->pending.intent && !options) options = &no_options;
    }
    if (code == DUR_OK) return open_step(run, request, asked, options, progress, answer);
    durable_progress_free(progress);
    return code;
}

/* Code that goes from step to step without looking at a failure would have failed the run here;
 * the code that wrote this row had handled it. Unless it did fail here, and was being undone. */
static int meet_row_failed(dur_run *run, const durable_step_record *record,
                           const durable_asked *asked)
{
    if (record->kind == DURABLE_KIND_UNDO) return durable_run_stop_failed(run);
    if (!asked->sequential) return DUR_OK;
    return durable_diverge(run, DUR_DIVERGED, record->position, NULL, NULL);
}

/* Noted before the step is begun, and at each pass; a failure that nobody has caught keeps it from
 * being begun. */
static bool is_begun(const dur_run *run, durable_decision decision)
{
    return !run->failure_pending || decision == DURABLE_REPLAY;
}

/* What is to be seen outside the database comes after the commit of what went before. */
static int settle(dur_run *run, const durable_request *request, const dur_step_options *options)
{
    bool shares = options && options->mode == DUR_TRANSACTIONAL;
    int code = shares ? DUR_OK : durable_transaction_settle(run);

    return code == DUR_OK ? confirm(run, request->position) : code;
}

static int meet_other(dur_run *run, const durable_request *request,
                      const durable_step_record *record, const durable_asked *asked,
                      const dur_step_options *options)
{
    if (record->kind == DURABLE_KIND_CANCEL && !run->undoing)
        return durable_interrupt_replay(run, record, options);
    return durable_diverge(run, DUR_DIVERGED, request->position, asked, NULL);
}

static int answer_request(dur_run *run, const durable_request *request,
                          const durable_asked *asked, const dur_step_options *options,
                          durable_answer *answer)
{
    const durable_step_record *record;
    durable_decision decision;
    int code = durable_run_peek(run, &record, request->position);

    if (code != DUR_OK) return code;
    if (run->failure_pending && record && record->position == request->position)
        code = meet_row_failed(run, record, asked);
    if (code != DUR_OK) return code;
    decision = durable_decide(record, request);
    if (options && options->undo && is_begun(run, decision) &&
        durable_undo_note(run, request->position, request->name, options) != DUR_OK)
        return run->stop;
    if (decision == DURABLE_REPLAY && run->interrupts && run->log->check)
        code = durable_check_replayed(run, record, asked, options);
    if (decision == DURABLE_REPLAY && code == DUR_OK)
        return replay(run, request, record, asked, answer);
    if (code != DUR_OK) return code;
    code = check_name(run, request);
    if (code == DUR_OK && run->fence.provisional) code = settle(run, request, options);
    if (code != DUR_OK) return code;
    if (decision == DURABLE_DIVERGE) return meet_other(run, request, record, asked, options);
    if (decision == DURABLE_GAP && check_gap(run, request) != DUR_OK) return run->stop;
    run->in_gap = decision == DURABLE_GAP;
    return execute(run, request, asked, options, answer);
}

DURABLE_INTERNAL int durable_step_begin(dur_run *run, const durable_asked *asked,
                                        const dur_step_options *options, durable_answer *answer)
{
    durable_request request = {0, 0, NULL, 0};
    int code;

    answer->step = NULL;
    answer->value = dur_null();
    if (run->stop != DUR_OK) return answer_stopped(run, asked);
    if (run->ended) return durable_run_misuse(run, "the run has ended: it takes no more steps");
    if (run->body) return stop_in_body(run, name_of(asked));
    if (run->continues) return durable_continue_refuse(run, name_of(asked));
    code = check_request(run, asked, &request);
    if (code != DUR_OK) return code;
    return answer_request(run, &request, asked, options, answer);
}
