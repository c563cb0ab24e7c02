/* test/crash: the soak: the workflows. What each leaves in the log is in soak_stories.c. */
#if defined(__unix__) || defined(__APPLE__)

#include "soak.h"

#include <stdio.h>
#include <stdlib.h>

#define PATIENTLY_MS 1000

/* What the run was started with; a run that was started with nothing of ours fails. */
static soak_plan plan_of(dur_run *run)
{
    soak_plan plan;

    memset(&plan, 0, sizeof plan);
    if (!soak_plan_parse(dur_as_text(dur_input(run)), &plan)) dur_fail(run, "no plan");
    return plan;
}

static int finish(dur_run *run, int64_t output)
{
    return dur_ok(run) && dur_set_output(run, dur_integer(output)) == DUR_OK ? 0 : 1;
}

/* The body's effect on the world: a row of the host's, in a commit of its own. */
static void effect(const soak_worker *worker, dur_run *run)
{
    char sql[200];

    snprintf(sql, sizeof sql, "INSERT INTO soak_effects VALUES('%s', %lld)", dur_run_id(run),
             (long long)dur_step_position(dur_current_step(run)));
    if (!soak_sql(worker->db, sql)) dur_fail(run, "no effect");
}

/* Some bodies take a while, so that their owners are met at work, and replaced at work; but not so
 * long that a run would be parked because ten of its owners were killed in a row. */
static void work_hard(const soak_worker *worker, const dur_run *run)
{
    int64_t number = soak_number(dur_run_id(run));

    if (sqlite3_get_autocommit(worker->db)) sqlite3_sleep(number % 32 ? (int)(number % 4) : 12);
}

static int64_t steps_with_effects(dur_run *run, const soak_worker *worker, int count)
{
    int64_t sum = 0;

    for (int i = 0; dur_ok(run) && i < count; i++) {
        int64_t value = 0;

        DUR_STEP (run, "step", value) {
            effect(worker, run);
            work_hard(worker, run);
            value = i + 1;
        }
        sum += value;
    }
    return sum;
}

static int plain(dur_run *run, void *user)
{
    soak_plan plan = plan_of(run);

    return finish(run, steps_with_effects(run, user, plan.count));
}

/* Effect and record commit together: exactly once. An owner that was replaced meanwhile is told by
 * the record, and takes its effect back. */
static int joined(dur_run *run, void *user)
{
    soak_worker *worker = user;
    soak_plan plan = plan_of(run);
    int64_t sum = 0;

    for (int i = 0; dur_ok(run) && i < plan.count; i++) {
        if (!soak_sql(worker->db, "BEGIN IMMEDIATE")) return 1;
        sum += steps_with_effects(run, worker, 1);
        soak_sql(worker->db, dur_ok(run) ? "COMMIT" : "ROLLBACK");
    }
    return finish(run, sum);
}

static int sleepy(dur_run *run, void *user)
{
    soak_plan plan = plan_of(run);
    int64_t until = 0;

    (void)steps_with_effects(run, user, 1);
    if (dur_sleep(run, "nap", plan.pause_ms) != DUR_OK) return 1;
    DUR_STEP (run, "look-at-clock", until)
        until = soak_ask(((soak_worker *)user)->db,
                         "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)") +
                plan.pause_ms;
    if (dur_sleep_until(run, "until", until) != DUR_OK) return 1;
    return finish(run, steps_with_effects(run, user, 1));
}

static int stubborn(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_retry retry = DUR_RETRY_INIT;
    soak_plan plan = plan_of(run);
    int64_t attempt = 0;

    retry.initial_ms = plan.pause_ms;
    retry.coefficient = 1;
    retry.max_attempts = plan.ending == SOAK_SUCCEEDS ? plan.fails + 1 : plan.fails;
    options.retry = &retry;
    DUR_STEP (run, "try", attempt, &options) {
        effect(user, run);
        attempt = dur_step_attempt(dur_current_step(run));
        if (attempt <= plan.fails) dur_fail(run, "attempt %lld", (long long)attempt);
    }
    if (plan.ending == SOAK_CATCHES && dur_catch(run)) attempt = -1;
    return finish(run, attempt);
}

/* The count of looks is carried in the log. */
static int poller(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_retry poll = DUR_RETRY_INIT;
    soak_plan plan = plan_of(run);
    int64_t looks = 0;

    poll.initial_ms = plan.pause_ms;
    poll.coefficient = 1.5;
    options.poll = &poll;
    DUR_STEP (run, "poll", looks, &options) {
        looks = dur_step_details(dur_current_step(run)).as.integer;
        effect(user, run);
        if (looks < plan.count) dur_not_yet(dur_current_step(run), dur_integer(looks + 1));
    }
    return finish(run, looks);
}

/* Goes on where the last attempt has told that it was. */
static int long_one(dur_run *run, void *user)
{
    static const int allowed[] = {DUR_OK, DUR_LOST, SOAK_NO_CODE};
    soak_plan plan = plan_of(run);
    int64_t done = 0;

    DUR_STEP (run, "long", done) {
        dur_step *step = dur_current_step(run);
        int code = DUR_OK;

        done = dur_step_details(step).as.integer;
        while (code == DUR_OK && done < plan.count) {
            effect(user, run);
            code = dur_heartbeat(step, dur_integer(++done));
            soak_expect("heartbeat", ((soak_worker *)user)->log, code, allowed);
        }
        if (code == DUR_LOST) soak->heartbeats_lost++;
    }
    return finish(run, done);
}

/* One signal; gives 1 where one came, be it a rejection. */
static int64_t receive(dur_run *run, const char *name, int64_t timeout_ms)
{
    int code = dur_receive(run, name, timeout_ms, NULL);

    return code == DUR_OK || (code == DUR_FAILED && dur_catch(run));
}

static int listener(dur_run *run, void *user)
{
    soak_plan plan = plan_of(run);
    int64_t received = 0;

    for (int i = 0; dur_ok(run) && i < plan.count; i++) {
        received += receive(run, "go", DUR_FOREVER);
        if (i == 0) (void)steps_with_effects(run, user, 1);
    }
    return finish(run, received);
}

static int patient(dur_run *run, void *user)
{
    soak_plan plan = plan_of(run);
    int64_t received = 0;

    (void)user;
    for (int i = 0; dur_ok(run) && i < plan.count; i++)
        received += receive(run, "maybe", plan.timeout_ms);
    return finish(run, received);
}

static int chooser(dur_run *run, void *user)
{
    soak_plan plan = plan_of(run);
    dur_case cases[3];
    size_t which = 0;

    (void)user;
    cases[0] = dur_on_signal("left");
    cases[1] = dur_on_timer(plan.pause_ms + plan.timeout_ms);
    cases[2] = dur_on_signal("right");
    if (dur_select(run, "first", cases, 3, &which) != DUR_OK) return 1;
    if (which != 1 && !receive(run, which ? "right" : "left", 0) && dur_ok(run))
        dur_fail(run, "the signal that came first was not there");
    return finish(run, (int64_t)which);
}

static int asker(dur_run *run, void *user)
{
    dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    soak_plan plan = plan_of(run);
    soak_slot *slot = &soak->slots[soak_number(dur_run_id(run))];
    dur_step *callback = NULL;
    int code;

    (void)user;
    options.timeout_ms = plan.timeout_ms;
    options.heartbeat_ms = plan.keyed ? PATIENTLY_MS : 0;
    if (dur_begin_callback(run, "approval", &options, &callback) != DUR_OK) return 1;
    DUR_STEP (run, "ask") {
        snprintf(slot->token, sizeof slot->token, "%s", dur_callback_token(callback));
        atomic_store(&slot->has_token, true);
    }
    code = dur_await(callback, NULL);
    if (code == DUR_FAILED && dur_catch(run)) code = DUR_OK;
    return finish(run, code == DUR_OK);
}

/* Started twice where a crash comes between the start and the record: the ids are the same. */
static void start_children(dur_run *run, const soak_worker *worker, int count)
{
    static const int allowed[] = {DUR_OK, DUR_REPLAYED, SOAK_NO_CODE};

    for (int child = 0; child < count; child++) {
        soak_plan plan = soak_plan_of_child(soak->seed, soak_number(dur_run_id(run)), child);
        char id[SOAK_ID_SIZE];
        int code;

        soak_child_id(id, dur_run_id(run), child);
        code = soak_start(worker->log, id, &plan);
        soak_expect("start of a child", worker->log, code, allowed);
    }
}

static int parent(dur_run *run, void *user)
{
    soak_plan plan = plan_of(run);
    int64_t sum = 0;

    DUR_STEP (run, "spawn")
        start_children(run, user, plan.count);
    for (int i = 0; dur_ok(run) && i < plan.count; i++) {
        dur_value value = dur_null();

        if (dur_receive(run, "child", DUR_FOREVER, &value) == DUR_OK) sum += value.as.integer;
    }
    return finish(run, sum);
}

/* Told again after a crash it is told once; then the parent may have ended. */
static void tell_parent(dur_run *run, const soak_worker *worker)
{
    static const int allowed[] = {DUR_OK, DUR_REPLAYED, DUR_ENDED, SOAK_NO_CODE};
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;
    const char *id = dur_run_id(run);
    char parent_id[SOAK_ID_SIZE];

    soak_id(parent_id, soak_number(id));
    options.key = id;
    soak_expect("signal to the parent", worker->log,
                dur_signal(worker->log, parent_id, "child",
                           dur_integer(strtoll(strchr(id, '.') + 1, NULL, 10) + 1), &options),
                allowed);
}

static int child_of_parent(dur_run *run, void *user)
{
    soak_plan plan = plan_of(run);
    int64_t sum = steps_with_effects(run, user, plan.count);

    DUR_STEP (run, "tell")
        tell_parent(run, user);
    return finish(run, sum);
}

void soak_register(soak_worker *worker)
{
    static dur_workflow *const functions[SOAK_KINDS] = {
        plain,    joined,  sleepy,  stubborn, poller, long_one,
        listener, patient, chooser, asker,    parent, child_of_parent};
    static const int allowed[] = {DUR_OK, SOAK_NO_CODE};

    for (int i = 0; i < SOAK_KINDS; i++)
        soak_expect("register", worker->log,
                    dur_register(worker->log, soak_names[i], functions[i], worker), allowed);
    for (int i = 1; i < SOAK_QUEUES; i++)
        soak_expect("serve", worker->log,
                    dur_serve_queue(worker->log, soak_queues[i].name, &soak_queues[i].limits),
                    allowed);
}

#else
typedef int soak_workflows_need_posix;
#endif
