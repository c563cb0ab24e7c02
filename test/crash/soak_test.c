/*
 * test/crash: the soak. Laws 1 to 6, all at once: processes work on one file, start runs, send
 * signals and answer callbacks, and are killed, stopped and started again at random moments, until
 * all runs have ended; then an exact oracle looks at the database.
 *
 *   DURABLE_SOAK_RUNS        how many runs (children come on top)
 *   DURABLE_SOAK_PROCESSES   how many workers
 *   DUR_SEED                 of the plans and of the moments
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "soak.h"
#include "support/process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define RUNS 15000
#define WORKERS 4
#define PAUSE_MS 80 /* between two acts of violence on average, divided by the number of workers */
#define STOPPED_MAX 2
#define STOP_MS_MIN 80 /* wakes up while the next owner works … */
#define STOP_MS_MAX 320
#define LONG_STOP_MS 900 /* … or long after it */
#define STALL_US 90000000
#define LEAVE_US 60000000
#define MEMBERS_MAX (SOAK_WORKERS_MAX + SOAK_SENDERS + 1)

typedef struct member {
    process_body *body;
    soak_role role;
    pid_t pid;
    bool stopped;
    int64_t stopped_until_us;
} member;

static member members[MEMBERS_MAX];
static int member_count;
static fake_clock chance;
static int64_t kills, stops, leavings;

static int64_t draw(int64_t from, int64_t to)
{
    return from + (int64_t)(fake_clock_random(&chance) % (uint64_t)(to - from + 1));
}

/* ---- The book -------------------------------------------------------------------------------- */

static int64_t number_from(const char *variable, int64_t otherwise)
{
    const char *text = getenv(variable);

    return text && *text ? strtoll(text, NULL, 10) : otherwise;
}

static int setup(void **state)
{
    (void)state;
    soak = process_share(sizeof *soak);
    if (!soak || !place_make(&soak->here)) return -1;
    soak->seed = (uint64_t)number_from("DUR_SEED", process_now_us());
    soak->runs = number_from("DURABLE_SOAK_RUNS", RUNS);
    soak->workers = (int)number_from("DURABLE_SOAK_PROCESSES", WORKERS);
    if (soak->workers < 1 || soak->workers > SOAK_WORKERS_MAX || soak->runs < 1) return -1;
    soak->slots = process_share((size_t)soak->runs * sizeof *soak->slots);
    for (int i = 0; i < SOAK_SENDERS; i++) {
        soak_sender *sender = &soak->senders[i];

        sender->next = i;
        sender->sent_room = soak->runs * 16 + 1000;
        sender->sent = process_share((size_t)sender->sent_room * sizeof *sender->sent);
        if (!sender->sent) return -1;
    }
    fake_clock_init(&chance, soak->seed);
    return soak->slots ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < SOAK_SENDERS; i++)
        process_unshare(soak->senders[i].sent,
                        (size_t)soak->senders[i].sent_room * sizeof *soak->senders[i].sent);
    process_unshare(soak->slots, (size_t)soak->runs * sizeof *soak->slots);
    if (!getenv("DURABLE_SOAK_KEEP")) place_remove(&soak->here);
    process_unshare(soak, sizeof *soak);
    return 0;
}

/* ---- The members ----------------------------------------------------------------------------- */

/* All workers but one in four have short leases, so that one that is stopped loses its run. */
static void start_member(member *it)
{
    it->role.seed = fake_clock_random(&chance);
    it->role.lease_ms = it->role.index % 4 ? SOAK_SHORT_LEASE_MS : 0;
    it->stopped = false;
    it->pid = process_start(it->body, &it->role);
    if (it->pid < 0) soak_complain("fork");
}

static void add_members(process_body *body, int count)
{
    for (int i = 0; i < count; i++) {
        member *it = &members[member_count++];

        it->body = body;
        it->role.index = i;
        start_member(it);
    }
}

/* One that is stopped is mostly left alone, so that it wakes up. */
static member *any_member(process_body *body)
{
    member *it;

    do {
        it = &members[draw(0, member_count - 1)];
    } while (it->body != body || (it->stopped && draw(0, 49) > 0));
    return it;
}

static int count_stopped(void)
{
    int count = 0;

    for (int i = 0; i < member_count; i++)
        count += members[i].stopped;
    return count;
}

static void continue_those_due(bool all)
{
    for (int i = 0; i < member_count; i++)
        if (members[i].stopped && (all || process_now_us() >= members[i].stopped_until_us)) {
            members[i].stopped = false;
            process_continue(members[i].pid);
        }
}

/* ---- Violence -------------------------------------------------------------------------------- */

/* Nobody leaves without being told to. */
static void kill_member(member *it)
{
    process_end end;

    process_kill(it->pid);
    end = process_wait(it->pid);
    if (end.exited || end.signal != SIGKILL)
        soak_complain("a process has left: code %d, signal %d", end.code, end.signal);
    kills++;
    start_member(it);
}

/* It may hold the file's write lock: then all the others wait. */
static void stop_member(member *it)
{
    int64_t stop_ms = draw(0, 9) ? draw(STOP_MS_MIN, STOP_MS_MAX) : LONG_STOP_MS;

    if (it->stopped || count_stopped() == STOPPED_MAX) return;
    process_stop(it->pid);
    it->stopped = true;
    it->stopped_until_us = process_now_us() + stop_ms * 1000;
    stops++;
}

/* A worker that is told to stop ends its pass and leaves, with DUR_OK. It may wait for the lock of
 * one that is stopped: nobody is. */
static void leave(member *it)
{
    process_end end;

    kill(it->pid, SIGTERM);
    end = process_kill_after(it->pid, LEAVE_US);
    if (end.exited ? end.code != 0 : end.signal != SIGTERM) /* before it knew of the signal */
        soak_complain("a worker did not leave: code %d, signal %d", end.code, end.signal);
    leavings++;
}

static void act(void)
{
    int64_t what = draw(0, 99);

    if (what < 40) {
        kill_member(any_member(soak_work));
    } else if (what < 55) {
        kill_member(any_member(soak_send));
    } else if (what < 95) {
        stop_member(any_member(soak_work));
    } else if (count_stopped() == 0) {
        member *it = any_member(soak_work);

        leave(it);
        start_member(it);
    }
}

/* ---- The whole ------------------------------------------------------------------------------- */

static bool is_over(void)
{
    static int64_t looks_then;

    if (soak->started < soak->runs || soak->settled < soak->runs || soak->open > 0)
        looks_then = soak->looks;
    return soak->looks > looks_then + 30; /* some looks at all of it later */
}

static bool is_stalled(void)
{
    static int64_t sum_then, us_then;
    int64_t sum = soak->steps + soak->started + soak->settled;

    if (sum != sum_then || us_then == 0) us_then = process_now_us();
    sum_then = sum;
    return process_now_us() - us_then > STALL_US;
}

static void end_members(void)
{
    continue_those_due(true);
    soak->finish = true;
    for (int i = 0; i < member_count; i++) {
        process_end end;

        if (members[i].body == soak_work) {
            leave(&members[i]);
            continue;
        }
        end = process_kill_after(members[i].pid, LEAVE_US);
        if (!end.exited || end.code != 0)
            soak_complain("code %d, signal %d at the end", end.code, end.signal);
    }
}

static int64_t passes(int code)
{
    return soak->passes[code + SOAK_CODES / 2];
}

static void tell(int64_t us)
{
    printf("soak: %lld runs, %lld steps in %.1f s; %lld killed, %lld stopped, %lld left\n",
           (long long)soak->runs, (long long)soak->steps, (double)us / 1e6, (long long)kills,
           (long long)stops, (long long)leavings);
    printf("soak: passes: %lld completed, %lld failed, %lld suspended, %lld lost; heartbeats of "
           "fenced owners: %lld; looks at the queues: %lld; DUR_BUSY: %lld\n",
           (long long)passes(DUR_OK), (long long)passes(DUR_FAILED),
           (long long)passes(DUR_SUSPENDED), (long long)passes(DUR_LOST),
           (long long)soak->heartbeats_lost, (long long)soak->looks, (long long)soak->busy);
    for (int i = 0; i < soak->complaint_count && i < SOAK_COMPLAINTS; i++)
        print_error("COMPLAINT %s\n", soak->complaints[i]);
}

static void processes_that_are_killed_and_stopped_lose_nothing(void **state)
{
    int64_t began = process_now_us();
    bool stalled = false;

    (void)state;
    printf("soak: DUR_SEED=%llu DURABLE_SOAK_RUNS=%lld DURABLE_SOAK_PROCESSES=%d\n",
           (unsigned long long)soak->seed, (long long)soak->runs, soak->workers);
    assert_true(soak_prepare());
    add_members(soak_work, soak->workers);
    add_members(soak_send, SOAK_SENDERS);
    add_members(soak_watch, 1);
    while (!is_over() && !stalled) {
        sqlite3_sleep((int)draw(1, 2 * PAUSE_MS / soak->workers));
        continue_those_due(false);
        act();
        stalled = is_stalled();
    }
    end_members();
    tell(process_now_us() - began);
    assert_int_equal(soak_check(), 0);
    assert_false(stalled);
    assert_int_equal(soak->complaint_count, 0);
    assert_int_equal(soak->busy, 0);
    assert_int_equal(soak->over_limit, 0);
    assert_true(kills > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_that_are_killed_and_stopped_lose_nothing),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
