/* engine: steps: asking the log, executing, recording. */
#include "engine/engine.h"

#include "engine/decision.h"

/* ---- Handles ------------------------------------------------------------------------------- */

DURABLE_INTERNAL void durable_step_free(dur_step *step)
{
    durable_free(step->name_memory);
    durable_free(step->kept_memory);
    durable_free(step);
}

static void clear_handle(dur_step *step)
{
    if (step->name_memory) durable_free(step->name_memory);
    if (step->kept_memory) durable_free(step->kept_memory);
    step->name_memory = step->kept_memory = NULL;
    step->previous = step->next = NULL;
    step->result = NULL;
    step->kept = step->unrecorded = false;
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
static void put_handle(dur_step *step)
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

static dur_step *new_step(dur_run *run, const durable_request *request)
{
    dur_step *step = take_handle(run);

    if (!step) return NULL;
    step->position = request->position;
    step->kind = request->kind;
    if (set_name(step, request)) return step;
    step->state = DURABLE_STEP_CLOSED;
    put_handle(step);
    return NULL;
}

/* Positions only grow, so that the list is in their order. */
static void link_open(dur_step *step)
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

static void close_step(dur_step *step)
{
    durable_step_unlink(step);
    step->state = DURABLE_STEP_CLOSED;
    step->kept = step->unrecorded = false;
    put_handle(step);
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

/* ---- Asking -------------------------------------------------------------------------------- */

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
                            (long long)body->position, body->name, site, name);
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

static int check_request(dur_run *run, const char *name, durable_request *request)
{
    if (run->position > DUR_POSITION_MAX)
        return durable_run_stop(run, DUR_MISUSE, "it has used up its %lld positions",
                                (long long)DUR_POSITION_MAX);
    if (!name) return stop_at_name(run, ", not NULL");
    request->position = run->position;
    request->kind = DURABLE_KIND_STEP;
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

static int stop_unhandled(dur_run *run)
{
    if (run->stop != DUR_OK) return run->stop;
    run->stop = DUR_FAILED;
    durable_error_set(&run->error, DUR_FAILED, "%s", run->failure);
    durable_error_copy(&run->log->error, &run->error);
    return DUR_FAILED;
}

static bool copy_to_arena(dur_run *run, dur_value *value)
{
    if (value->type < DUR_TEXT) return true;
    value->as.bytes = durable_arena_copy(&run->arena, value->as.bytes, value->length);
    return value->as.bytes != NULL;
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

/* A handle for a step that needs no more than to be asked for its value. */
static dur_step *replayed_handle(dur_run *run, const durable_request *request, dur_value value)
{
    dur_step *step = new_step(run, request);

    if (!step) return NULL;
    step->state = DURABLE_STEP_REPLAYED;
    step->value = value;
    put_handle(step);
    return step;
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
    bool failed = record->outcome == DURABLE_OUTCOME_FAILURE;
    dur_value value = dur_null();
    int code = durable_value_decode(&record->value, &value);

    if (code != DUR_OK) return stop_unreadable(run, request, code, asked);
    if (failed) {
        durable_run_set_failure(run, value.as.bytes, value.length);
        value = dur_null();
    } else if (!copy_to_arena(run, &value)) {
        return stop_without_memory(run, request);
    }
    if (!asked->sequential) {
        answer->step = replayed_handle(run, request, value);
        if (!answer->step) return stop_without_memory(run, request);
    }
    if (failed) run->failure_pending = true;
    answer->value = value;
    run->position++;
    durable_history_pass(&run->history);
    return failed ? DUR_FAILED : DUR_REPLAYED;
}

/* A step that may take longer than the claim still holds prolongs it first. */
static int prolong_claim(dur_run *run, const durable_request *request,
                         const dur_step_options *options, int64_t now)
{
    durable_store *store = run->log->store;
    int64_t lease_end;
    int code;

    if (!options || options->lease_ms <= 0) return DUR_OK;
    lease_end = durable_time_after(now, options->lease_ms);
    if (lease_end <= run->lease_end) return DUR_OK;
    code = store->methods->renew_lease(store, &run->fence, lease_end);
    if (code != DUR_OK)
        return durable_run_stop_with_store(run, code, request->position, request->name);
    run->lease_end = lease_end;
    return DUR_OK;
}

/* Records that joined a transaction of the host's may be gone with it: nothing is executed on top
 * of a step that did not happen. */
static int confirm_records(dur_run *run, const durable_request *request)
{
    durable_store *store = run->log->store;
    int code = DUR_OK;

    if (run->fence.provisional) code = store->methods->confirm(store, &run->fence);
    if (code == DUR_OK) return DUR_OK;
    return durable_run_stop_with_store(run, code, request->position, request->name);
}

static int execute(dur_run *run, const durable_request *request, const durable_asked *asked,
                   const dur_step_options *options, durable_answer *answer)
{
    int64_t now;
    dur_step *step;
    int code;

    if (run->failure_pending) return stop_unhandled(run);
    code = confirm_records(run, request);
    if (code != DUR_OK) return code;
    now = durable_clock_now(&run->log->clock);
    code = prolong_claim(run, request, options, now);
    if (code != DUR_OK) return code;
    step = durable_arena_reserve(&run->arena) ? new_step(run, request) : NULL;
    if (!step) return stop_without_memory(run, request);
    step->state = DURABLE_STEP_OPEN;
    step->began = now;
    step->file = asked->file;
    step->line = asked->line;
    link_open(step);
    run->position++;
    answer->step = step;
    return DUR_EXECUTE;
}

/* Code that goes from step to step without looking at a failure would have failed the run here;
 * the code that wrote this row had handled it. */
static bool ignores_failure(const dur_run *run, const durable_asked *asked)
{
    return run->failure_pending && asked->sequential;
}

static int answer_request(dur_run *run, const durable_request *request,
                          const durable_asked *asked, const dur_step_options *options,
                          durable_answer *answer)
{
    const durable_step_record *record;
    durable_decision decision;
    int64_t position = request->position;
    int code = durable_history_peek(&run->history, &record, &position);

    if (code != DUR_OK) return durable_run_stop_with_store(run, code, position, NULL);
    if (record && record->position == request->position && ignores_failure(run, asked))
        return durable_diverge(run, DUR_DIVERGED, request->position, NULL, NULL);
    decision = durable_decide(record, request);
    if (decision == DURABLE_REPLAY) return replay(run, request, record, asked, answer);
    code = check_name(run, request);
    if (code != DUR_OK) return code;
    if (decision == DURABLE_DIVERGE)
        return durable_diverge(run, DUR_DIVERGED, request->position, asked, NULL);
    if (decision == DURABLE_GAP && check_gap(run, request) != DUR_OK) return run->stop;
    return execute(run, request, asked, options, answer);
}

DURABLE_INTERNAL int durable_step_begin(dur_run *run, const durable_asked *asked,
                                        const dur_step_options *options, durable_answer *answer)
{
    durable_request request;
    int code;

    answer->step = NULL;
    answer->value = dur_null();
    if (run->stop != DUR_OK) return answer_stopped(run, asked);
    if (run->ended) return durable_run_misuse(run, "the run has ended: it takes no more steps");
    if (run->body) return stop_in_body(run, name_of(asked));
    code = check_request(run, asked->name, &request);
    if (code != DUR_OK) return code;
    return answer_request(run, &request, asked, options, answer);
}

/* ---- Recording ----------------------------------------------------------------------------- */

/* Renewed in an outcome's own commit, once half of the lease is used. */
static int64_t renewed_lease(const dur_run *run, int64_t now)
{
    int64_t lease_ms = run->log->lease_ms;

    if (durable_time_between(now, run->lease_end) >= lease_ms / 2) return 0;
    return durable_time_after(now, lease_ms);
}

static bool has_unrecorded(const dur_run *run)
{
    for (const dur_step *step = run->open_first; step; step = step->next)
        if (step->unrecorded) return true;
    return false;
}

/* A stop that came from failed records ends with the last of them. One that a request met stays:
 * its answer was missed, and the positions after it would shift. */
static void lift_stop(dur_run *run)
{
    if (!run->stopped_by_record || has_unrecorded(run)) return;
    run->stop = DUR_OK;
    run->stopped_by_record = false;
}

static void note_recorded(dur_step *step, const durable_outcome *outcome)
{
    dur_run *run = step->run;

    if (outcome->lease_end) run->lease_end = outcome->lease_end;
    if (outcome->outcome == DURABLE_OUTCOME_FAILURE) {
        durable_run_set_failure(run, outcome->value.bytes, outcome->value.length);
        run->failure_pending = true;
    }
    close_step(step);
    lift_stop(run);
}

/* What dur_replay_or_run() hands to its caller, alike to what a replay will give. */
static int give_result(dur_step *step, const durable_outcome *outcome, dur_value *result)
{
    dur_run *run = step->run;

    if (!result || outcome->outcome == DURABLE_OUTCOME_FAILURE) return DUR_OK;
    durable_value_decode(&outcome->value, result);
    if (copy_to_arena(run, result)) return DUR_OK;
    *result = dur_null();
    return durable_run_stop(run, DUR_NOMEM,
                            "position %lld, step \"%s\": it is recorded, but there is no memory to"
                            " hand its result out",
                            (long long)step->position, step->name);
}

static int fail_to_record(dur_step *step, const durable_outcome *outcome, int code)
{
    dur_run *run = step->run;

    if (code == DUR_TOO_BIG) /* the caller may have something smaller to say */
        return durable_run_take_error(run, code, step->position, step->name);
    if (run->stopped_by_record) run->stop = DUR_OK; /* the newest reason is the true one */
    if (run->stop == DUR_OK) run->stopped_by_record = durable_is_transient(code);
    durable_run_stop_with_store(run, code, step->position, step->name);
    if (durable_is_transient(code)) {
        step->unrecorded = true;
        durable_keep(step, outcome);
    } else {
        close_step(step);
    }
    return code;
}

static int append(dur_step *step, durable_outcome *outcome)
{
    dur_run *run = step->run;
    char site[DURABLE_SITE_SIZE];
    int code;

    durable_site_text(site, step->file, step->line);
    outcome->site = step->file ? site : NULL;
    outcome->fence = &run->fence;
    code = run->log->store->methods->append_outcomes(run->log->store, outcome, 1);
    outcome->site = NULL;
    return code == DUR_OK ? outcome->verdict : code;
}

static void describe_outcome(const dur_step *step, int kind_of_outcome,
                             const durable_datum *datum, durable_outcome *outcome)
{
    dur_run *run = step->run;
    int64_t now = durable_clock_now(&run->log->clock);

    memset(outcome, 0, sizeof *outcome);
    outcome->position = step->position;
    outcome->kind = step->kind;
    outcome->outcome = kind_of_outcome;
    outcome->name = step->name;
    outcome->name_length = step->name_length;
    outcome->value = *datum;
    outcome->low = run->open_first->position;
    outcome->attempt = 1;
    outcome->began = step->began;
    outcome->took = durable_time_between(step->began, now);
    outcome->lease_end = renewed_lease(run, now);
}

static int check_recordable(dur_step *step)
{
    dur_run *run = step->run;

    if (!run->log)
        return durable_run_misuse(run, "its log was closed: position %lld, step \"%s\" cannot be"
                                       " recorded any more",
                                  (long long)step->position, step->name);
    if (step->state != DURABLE_STEP_OPEN)
        return durable_run_misuse(run, "position %lld, step \"%s\": it %s: nothing to record",
                                  (long long)step->position, step->name,
                                  step->state == DURABLE_STEP_REPLAYED
                                      ? "was answered from the log"
                                      : "is closed already");
    if (run->ended) return durable_run_misuse(run, "the run has ended: nothing can be recorded");
    if (run->stop != DUR_OK && !durable_is_transient(run->stop)) return run->stop;
    return DUR_OK;
}

DURABLE_INTERNAL int durable_step_conclude(dur_step *step, int outcome, dur_value value)
{
    durable_outcome record;
    durable_datum datum;
    dur_value *result = step->result;
    int code = check_recordable(step);

    if (code != DUR_OK) return code;
    if (durable_value_encode(value, &datum) != DUR_OK)
        return durable_run_misuse(step->run,
                                  "position %lld, step \"%s\": the result is no value (type %d,"
                                  " length %lld)",
                                  (long long)step->position, step->name, (int)value.type,
                                  (long long)value.length);
    if (step->kept)
        record = step->kept_outcome;
    else
        describe_outcome(step, outcome, &datum, &record);
    code = append(step, &record);
    if (code != DUR_OK) return fail_to_record(step, &record, code);
    code = give_result(step, &record, result);
    note_recorded(step, &record);
    return code;
}
