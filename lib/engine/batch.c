/* engine: branches: a child that calls children until a policy is met. */
#include "engine/batch.h"

/* ---- The policy ---------------------------------------------------------------------------- */

static bool has_too_many_failures(const durable_batch *it)
{
    const dur_batch_options *options = it->options;
    int64_t failed = (int64_t)it->failed;

    if (options->fails_fast && failed) return true;
    if (options->max_failures && failed > options->max_failures) return true;
    return options->max_failure_percent > 0.0 &&
           (double)failed * 100.0 > options->max_failure_percent * (double)it->count;
}

/* Each row makes one more true: that one is the reason. With the last branch two may hold; then the
 * one that the caller has asked for. */
static int judge(const durable_batch *it)
{
    int64_t enough = it->options->min_successes;

    if (has_too_many_failures(it)) return DUR_TOO_MANY_FAILURES;
    if (enough && (int64_t)it->succeeded >= enough) return DUR_MIN_SUCCESSES_REACHED;
    return it->succeeded + it->failed == it->count ? DUR_ALL_COMPLETED : 0;
}

/* ---- Positions ----------------------------------------------------------------------------- */

static const char *name_of_branch(const durable_batch *it, size_t index)
{
    const char *name = it->branches[index].name;

    return name ? name : "branch";
}

/* The next branch's position: its row is counted, or it is open. Values are read when all of it is
 * complete. */
static int begin_branch(durable_batch *it)
{
    dur_run *run = it->run;
    durable_asked asked = {DURABLE_KIND_CHILD, name_of_branch(it, it->begun), it->options->file,
                           it->options->line, true};
    uint64_t mark = durable_arena_mark(&run->arena);
    durable_answer answer;
    int code = durable_step_begin(run, &asked, NULL, &answer);

    if (run->stop != DUR_OK) return run->stop;
    it->begun++;
    if (code == DUR_EXECUTE) {
        it->open++;
        if (!it->to_call) it->to_call = answer.step;
        return DUR_OK;
    }
    if (code == DUR_REPLAYED) it->succeeded++;
    else it->failed++;
    run->failure_pending = false;
    durable_arena_release(&run->arena, mark);
    return DUR_OK;
}

/* Whether the log holds a row for the next position or one behind it, or remembers that a child is
 * there. */
static bool knows_more(dur_run *run)
{
    const durable_step_record *record;
    const durable_progress *first;

    if (durable_run_peek(run, &record, run->position) != DUR_OK) return false;
    return record || (durable_progress_peek(run, run->position, &first) == DUR_OK && first);
}

/* What earlier passes have begun. */
static int begin_known(durable_batch *it)
{
    dur_run *run = it->run;

    while (run->stop == DUR_OK && it->begun < it->count && knows_more(run)) begin_branch(it);
    if (run->stop == DUR_OK && it->begun == it->count && knows_more(run))
        durable_diverge(run, DUR_DIVERGED, run->position, NULL, NULL);
    return run->stop;
}

/* The run is to end: those that are open hear of it first, and no other is begun. */
static bool is_ending(const dur_run *run)
{
    return run->interrupts && durable_interrupt_reason(run) != DUR_OK;
}

/* A replay check calls one branch after the other: nothing of them is executed. */
static bool has_executor(const durable_batch *it)
{
    return it->options->execute && !it->run->log->check;
}

static bool may_begin(const durable_batch *it)
{
    int64_t most = it->options->max_concurrency;

    if (it->reason || it->begun == it->count) return false;
    if (most && (int64_t)it->open >= most) return false;
    if (!has_executor(it) && it->to_call) return false; /* one after the other */
    return it->open == 0 || !is_ending(it->run);
}

/* ---- Calling ------------------------------------------------------------------------------- */

DURABLE_INTERNAL void durable_batch_describe(const durable_batch *it, dur_step *step,
                                             char id[DUR_NAME_MAX + 1],
                                             dur_child_options *options, durable_call *call)
{
    const dur_child_options defaults = DUR_CHILD_OPTIONS_INIT;
    size_t index = (size_t)(step->position - 1);
    dur_run *run = it->run;

    durable_child_id_print(id, run, step->position);
    *options = defaults;
    options->input = it->branches[index].input;
    memset(call, 0, sizeof *call);
    call->log = run->log;
    call->caller = run;
    call->step = step;
    call->position = step->position;
    call->run_id = id;
    call->name = name_of_branch(it, index);
    call->cancels = it->reason || run->cancels;
    call->options = options;
    call->fn = it->branches[index].fn;
    call->user = it->branches[index].user;
}

/* Which of them this is to end is recorded as its attempt. */
static int record_branch(durable_batch *it, dur_step *step, bool succeeded, dur_value value)
{
    int outcome = succeeded ? DURABLE_OUTCOME_RESULT : DURABLE_OUTCOME_FAILURE;
    int code;

    step->attempt = (int64_t)(it->succeeded + it->failed) + 1;
    code = durable_wait_conclude(step, outcome, value, 0, NULL);
    if (code != DUR_OK) return code;
    if (succeeded) it->succeeded++;
    else it->failed++;
    it->reason = judge(it);
    return DUR_OK;
}

static bool is_child_over(int code)
{
    return code == DUR_OK || code == DUR_FAILED || code == DUR_CANCELLED || code == DUR_TIMED_OUT;
}

/* In the branch's own words, which name its run. */
static int stop_as_branch(dur_run *run, int code, const char *message)
{
    run->stop = durable_error_set(&run->error, code, "%s", message);
    durable_run_tell_log(run);
    return code;
}

/* Those that end when the batch is complete have no say any more, and take no row. */
DURABLE_INTERNAL int durable_batch_take(durable_batch *it, dur_step *step, int code,
                                        dur_value output, const char *message)
{
    dur_run *run = it->run;

    if (code == DUR_SUSPENDED) return DUR_OK;
    if (code == DUR_LOST) code = DUR_OWNED; /* the branch's claim: the batch still has its own */
    if (!is_child_over(code)) return stop_as_branch(run, code, message);
    it->open--;
    if (it->reason) {
        durable_step_close(step);
        return DUR_OK;
    }
    if (code == DUR_OK) return record_branch(it, step, true, output);
    durable_run_set_failure(run, message, strlen(message));
    return record_branch(it, step, false, dur_text(run->failure));
}

static int call_here(durable_batch *it)
{
    dur_run *run = it->run;
    dur_step *step = it->to_call;
    char id[DUR_NAME_MAX + 1];
    dur_child_options options;
    durable_call call;
    int code;

    it->to_call = step->next;
    durable_batch_describe(it, step, id, &options, &call);
    code = durable_call_run(&call);
    if (!run->log) return DUR_MISUSE; /* closed by the branch */
    if (run->stop != DUR_OK) return run->stop;
    return durable_batch_take(it, step, code, run->log->output, run->log->error.message);
}

/* ---- The child that is the batch ----------------------------------------------------------- */

static int call_all(durable_batch *it)
{
    dur_run *run = it->run;
    int code = run->stop;

    while (code == DUR_OK) {
        if (it->reason && !it->told) {
            it->told = true;
            it->to_call = run->open_first;
        }
        while (code == DUR_OK && may_begin(it)) code = begin_branch(it);
        if (code != DUR_OK || !it->to_call) return code;
        code = has_executor(it) ? durable_batch_execute(it) : call_here(it);
    }
    return code;
}

/* It is due when one of its branches is. */
static int suspend_batch(const durable_batch *it)
{
    dur_run *run = it->run;
    durable_suspension suspension = {.due = DURABLE_NEVER};
    char what[64];

    suspension.now = durable_clock_now(&run->log->clock);
    durable_print(what, sizeof what, "for %lld of its branches", (long long)it->open);
    return durable_run_suspend(run, &suspension, run->open_first->position, what);
}

static int run_batch(dur_run *run, void *user)
{
    durable_batch *it = user;
    durable_store *store = run->log->store;
    char text[DURABLE_SUMMARY_SIZE];

    it->run = run;
    if (has_executor(it) && store->methods->is_joined(store))
        return durable_run_stop(run, DUR_MISUSE,
                                "an executor cannot work within a transaction of the host's: end"
                                " that first");
    if (begin_known(it) != DUR_OK) return 0;
    it->reason = judge(it);
    if (call_all(it) != DUR_OK) return 0;
    if (it->open) return suspend_batch(it);
    durable_summary_print(text, it);
    return durable_run_set_output(run, dur_text(text));
}

DURABLE_INTERNAL int durable_batch_run(dur_run *run, const char *name, const dur_branch *branches,
                                       size_t count, const dur_batch_options *options,
                                       dur_batch *batch)
{
    durable_batch it = {.branches = branches, .count = count, .options = options};
    dur_child_options described = DUR_CHILD_OPTIONS_INIT;
    durable_child child = {name, NULL, &described, run_batch, &it};
    durable_asked asked = {DURABLE_KIND_CHILD, name, options->file, options->line, true};
    int64_t position = run->position;
    dur_value summary = dur_null();
    int code;

    described.file = options->file;
    described.line = options->line;
    described.input = dur_integer((int64_t)count);
    code = durable_child_call(run, &child, &summary);
    /* Branches that were cancelled with their run, or had no time left, tell nothing of it. */
    if (code == DUR_OK) code = durable_interrupt_behind_child(run);
    if (code != DUR_OK) return code;
    return durable_summary_read(run, position, &asked, dur_as_text(summary), count, batch);
}
