/* engine: waiting for the first of several things. */
#include "engine/wait.h"

/* One dur_select(), as far as it has come. */
typedef struct selection {
    dur_step *wait;
    const dur_case *cases;
    size_t count;
    int64_t now;
    int64_t due;      /* of the earliest timer, or DURABLE_NEVER */
    size_t choice;    /* that timer's case */
    int64_t wake;     /* no later than that, and than any callback's time */
    bool executing;   /* a step among the cases is */
    size_t await_count;
    const char *awaits[DUR_CASES_MAX];
    char *memory; /* of the addresses of callbacks among them */
} selection;

static bool is_timer(const dur_case *one)
{
    return one->kind == DUR_CASE_TIMER_ || one->kind == DUR_CASE_TIME_;
}

static int64_t time_of(const dur_case *one, int64_t now)
{
    if (one->kind == DUR_CASE_TIME_) return one->time_ms;
    return one->time_ms <= 0 ? now : durable_time_after(now, one->time_ms);
}

/* ---- Looking at the cases ------------------------------------------------------------------ */

static const char *wrong_case(const dur_run *run, const dur_case *one)
{
    switch (one->kind) {
    case DUR_CASE_TIMER_:
    case DUR_CASE_TIME_: return NULL;
    case DUR_CASE_SIGNAL_:
        if (one->signal && durable_name_valid(one->signal, strlen(one->signal))) return NULL;
        return "its signal's name breaks the rules of names";
    case DUR_CASE_STEP_:
        return one->step && one->step->run == run ? NULL : "its step is none of this run";
    default: return "it was not made by one of the dur_on_… functions";
    }
}

static int check_cases(dur_run *run, const dur_case *cases, size_t count)
{
    if (!cases || count == 0 || count > DUR_CASES_MAX)
        return durable_run_stop(run, DUR_MISUSE,
                                "position %lld: dur_select() takes 1 to %d cases",
                                (long long)run->position, DUR_CASES_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *problem = wrong_case(run, &cases[i]);

        if (problem)
            return durable_run_stop(run, DUR_MISUSE,
                                    "position %lld: case %lld of dur_select(): %s",
                                    (long long)run->position, (long long)i, problem);
    }
    return DUR_OK;
}

/* The deadline is the log's, if it was fixed there. */
static void find_deadline(selection *it)
{
    const durable_progress *progress = it->wait->progress;

    it->due = DURABLE_NEVER;
    for (size_t i = 0; i < it->count && !progress; i++) {
        int64_t due = is_timer(&it->cases[i]) ? time_of(&it->cases[i], it->now) : DURABLE_NEVER;

        if (due >= it->due) continue;
        it->due = due;
        it->choice = i;
    }
    if (progress) {
        it->due = progress->pending.due;
        it->choice = (size_t)progress->pending.choice;
    }
    it->wake = it->due;
}

/* Code that was changed while the run waited could wait for a timer that is gone. */
static int check_choice(const selection *it)
{
    durable_asked asked = {DURABLE_KIND_SELECT, it->wait->name, NULL, 0, true};

    if (it->due == DURABLE_NEVER) return DUR_OK;
    if (it->choice < it->count && is_timer(&it->cases[it->choice])) return DUR_OK;
    return durable_diverge(it->wait->run, DUR_MISMATCH, it->wait->position, &asked,
                           "a deadline for a case that is no timer in the list");
}

static int look_at_signal(selection *it, const dur_case *one, bool *ready)
{
    durable_found found;
    int code = durable_wait_peek(it->wait->run, it->wait->position, one->signal, false, &found);

    *ready = found.signal && durable_wait_counts(it->wait, it->now, found.sent);
    it->awaits[it->await_count++] = one->signal;
    return code;
}

/* As with signals, what came after the earliest deadline came too late. */
static bool came_first(const selection *it, const dur_step *callback, durable_standing standing,
                       const durable_found *found)
{
    if (standing == DURABLE_UNANSWERED) return false;
    return durable_wait_counts(it->wait, it->now,
                               standing == DURABLE_ANSWERED ? found->sent
                                                            : callback->progress->pending.due);
}

static int look_at_callback(selection *it, dur_step *callback, bool *ready)
{
    durable_standing standing;
    durable_found found;
    char *address = it->memory + it->await_count * DURABLE_ADDRESS_SIZE;
    int code = durable_callback_look(callback, false, &standing, &found);

    *ready = code == DUR_OK && came_first(it, callback, standing, &found);
    durable_wait_address(address, callback->position);
    it->awaits[it->await_count++] = address;
    if (callback->progress->pending.due < it->wake) it->wake = callback->progress->pending.due;
    return code;
}

static int look_at_step(selection *it, dur_step *step, bool *ready)
{
    *ready = step->state == DURABLE_STEP_REPLAYED || step->state == DURABLE_STEP_CLOSED;
    if (*ready) return DUR_OK;
    if (step->token) return look_at_callback(it, step, ready);
    it->executing = true;
    return DUR_OK;
}

static int look_at_case(selection *it, size_t at, bool *ready)
{
    const dur_case *one = &it->cases[at];

    *ready = false;
    if (one->kind == DUR_CASE_SIGNAL_) return look_at_signal(it, one, ready);
    if (one->kind == DUR_CASE_STEP_) return look_at_step(it, one->step, ready);
    *ready = at == it->choice && it->now >= it->due;
    return DUR_OK;
}

/* ---- What follows -------------------------------------------------------------------------- */

/* The position is given back; the deadline stays in the log, and with the run. */
static int ask_again(selection *it)
{
    dur_step *wait = it->wait;
    dur_run *run = wait->run;
    durable_pending pending;
    int code = DUR_OK;

    if (!wait->progress && it->due != DURABLE_NEVER) {
        durable_progress_describe(wait, &pending);
        pending.due = it->due;
        pending.choice = (int64_t)it->choice;
        code = durable_progress_put(wait, &pending, 0);
    }
    if (code != DUR_OK)
        return durable_run_stop_with_store(run, code, wait->position, wait->name);
    if (wait->progress) durable_progress_return(run, wait->progress);
    wait->progress = NULL;
    run->position--;
    durable_step_close(wait);
    return DUR_EXECUTE;
}

static int suspend(selection *it)
{
    durable_wanted wanted = {it->due,    (int64_t)it->choice, it->wake,
                             it->awaits, it->await_count,     it->now};

    return durable_wait_suspend(it->wait, &wanted);
}

static int choose(selection *it, size_t *which)
{
    for (size_t i = 0; i < it->count; i++) {
        bool ready;
        int code = look_at_case(it, i, &ready);

        if (code != DUR_OK) return code;
        if (!ready) continue;
        if (which) *which = i;
        return durable_wait_conclude(it->wait, DURABLE_OUTCOME_RESULT, dur_integer((int64_t)i), 0,
                                     NULL);
    }
    return it->executing ? ask_again(it) : suspend(it);
}

static int select_first(dur_step *wait, const dur_case *cases, size_t count, size_t *which)
{
    dur_run *run = wait->run;
    selection it;
    int code;

    memset(&it, 0, sizeof it);
    it.wait = wait;
    it.cases = cases;
    it.count = count;
    it.now = durable_clock_now(&run->log->clock);
    it.memory = durable_allocate(count * DURABLE_ADDRESS_SIZE);
    if (!it.memory)
        return durable_run_stop(run, DUR_NOMEM, "position %lld, select \"%s\": out of memory",
                                (long long)wait->position, wait->name);
    find_deadline(&it);
    code = durable_progress_confirm(run, wait->progress);
    if (code == DUR_OK) code = check_choice(&it);
    if (code == DUR_OK) code = choose(&it, which);
    durable_free(it.memory);
    return code;
}

static int replay_choice(dur_run *run, const char *name, dur_value value, size_t count,
                         size_t *which)
{
    durable_asked asked = {DURABLE_KIND_SELECT, name, NULL, 0, true};

    if (value.type != DUR_INTEGER || value.as.integer < 0 ||
        (uint64_t)value.as.integer >= (uint64_t)count)
        return durable_diverge(run, DUR_MISMATCH, run->position - 1, &asked,
                               "the index of a case that is not in the list");
    if (which) *which = (size_t)value.as.integer;
    return DUR_OK;
}

DURABLE_INTERNAL int durable_select(dur_run *run, const char *name, const dur_case *cases,
                                    size_t count, size_t *which)
{
    durable_answer answer;
    int code = run->stop == DUR_OK ? check_cases(run, cases, count) : DUR_OK;

    if (code != DUR_OK) return code;
    code = durable_wait_begin(run, DURABLE_KIND_SELECT, name, &answer);
    if (code == DUR_REPLAYED) return replay_choice(run, name, answer.value, count, which);
    if (code != DUR_EXECUTE) return code;
    return select_first(answer.step, cases, count, which);
}
