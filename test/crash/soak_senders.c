/* test/crash: the soak: the processes that start runs and send to them. */
#if defined(__unix__) || defined(__APPLE__)

#include "soak.h"

#include <stdio.h>

#define WINDOW 60 /* runs that are open at once, about */
#define PICKS 64

/* A line in the sender's own book, written before anything is sent. NULL: it is full. */
static soak_sent *note_sending(int sender, int64_t run, int signal, int64_t *number)
{
    soak_sender *book = &soak->senders[sender];
    int64_t at = book->sent_count;
    soak_sent *sent = &book->sent[at];

    if (at >= book->sent_room) {
        soak_complain("sender %d has sent too much", sender);
        return NULL;
    }
    sent->run = run;
    sent->signal = signal;
    sent->code = SOAK_NO_CODE;
    *number = sender * SOAK_SENT_STEP + at;
    book->sent_count = at + 1;
    return sent;
}

/* Every eighth is a rejection. */
static const char *rejection(int64_t number, char text[24])
{
    snprintf(text, 24, "#%lld", (long long)number);
    return number % 8 == 3 ? text : NULL;
}

static int send_signal(int sender, dur_log *log, int64_t run, const soak_plan *plan, int n)
{
    static const int allowed[] = {DUR_OK, DUR_REPLAYED, DUR_ENDED, SOAK_NO_CODE};
    static const int allowed_before[] = {DUR_OK,    DUR_REPLAYED, DUR_ENDED, DUR_NOT_FOUND,
                                         SOAK_NO_CODE};
    dur_signal_options options = DUR_SIGNAL_OPTIONS_INIT;
    bool started = soak->slots[run].started;
    char id[SOAK_ID_SIZE], key[24], text[24];
    int64_t number = 0;
    soak_sent *sent = note_sending(sender, run, n, &number);

    if (!sent) return DUR_ENDED;
    soak_id(id, run);
    snprintf(key, sizeof key, "k%d", n);
    if (plan->keyed) options.key = key;
    options.failure = rejection(number, text);
    sent->code = dur_signal(log, id, soak_signal_name(plan, n),
                            options.failure ? dur_null() : dur_integer(number), &options);
    soak_expect("dur_signal", log, sent->code, started ? allowed : allowed_before);
    return sent->code;
}

static void send_next(int sender, dur_log *log, int64_t run, const soak_plan *plan,
                      fake_clock *chance)
{
    soak_slot *slot = &soak->slots[run];
    int n = (int)(fake_clock_random(chance) % (uint64_t)plan->sends);
    int code;

    /* Who has delivered the last one may have been killed before it could say so. */
    if (slot->delivered == (1u << plan->sends) - 1 && !plan->keyed) slot->settled = true;
    if (slot->delivered >> n & 1 && (!plan->keyed || fake_clock_random(chance) % 4)) return;
    code = send_signal(sender, log, run, plan, n);
    if (code == DUR_OK && plan->keyed && fake_clock_random(chance) % 4 == 0)
        code = send_signal(sender, log, run, plan, n);
    if (code == DUR_OK || code == DUR_REPLAYED) atomic_fetch_or(&slot->delivered, 1u << n);
    if (code == DUR_ENDED || slot->delivered == (1u << plan->sends) - 1) slot->settled = true;
}

/* All senders answer, until they hear that somebody has; the first answer counts. */
static void answer(int sender, dur_log *log, int64_t run, fake_clock *chance)
{
    static const int allowed[] = {DUR_OK, DUR_ENDED, SOAK_NO_CODE};
    soak_slot *slot = &soak->slots[run];
    int64_t number = 0;
    soak_sent *sent;
    char text[24];

    if (!slot->has_token) return;
    if (fake_clock_random(chance) % 4 == 0)
        soak_expect("heartbeat from outside", log, dur_heartbeat_callback(log, slot->token),
                    allowed);
    sent = note_sending(sender, run, -1, &number);
    if (!sent) return;
    if (rejection(number, text))
        sent->code = dur_fail_callback(log, slot->token, text);
    else
        sent->code = dur_complete_callback(log, slot->token, dur_integer(number));
    soak_expect("answer", log, sent->code, allowed);
    if (sent->code == DUR_ENDED) slot->settled = true;
}

static void start_next(int sender, dur_log *log)
{
    static const int allowed[] = {DUR_OK, DUR_REPLAYED, SOAK_NO_CODE};
    int64_t run = soak->senders[sender].next;
    soak_plan plan = soak_plan_of(soak->seed, run);
    char id[SOAK_ID_SIZE];
    int code;

    soak_id(id, run);
    code = soak_start(log, id, &plan);
    soak_expect("dur_start", log, code, allowed);
    if (code != DUR_OK && code != DUR_REPLAYED) return;
    if (plan.kind != SOAK_ASKER && plan.sends == 0) soak->slots[run].settled = true;
    soak->slots[run].started = true;
    soak->senders[sender].next = run + SOAK_SENDERS;
}

/* One of the runs that wait to be settled; now and then one that is not there yet. */
static bool send_something(int sender, dur_log *log, fake_clock *chance)
{
    int64_t first = soak->settled;
    int64_t last = soak->senders[sender].next + SOAK_SENDERS;
    soak_plan plan;
    int64_t run = 0;
    int picks = 0;

    if (last > soak->runs) last = soak->runs;
    if (first >= last) return false;
    do {
        run = first + (int64_t)(fake_clock_random(chance) % (uint64_t)(last - first));
    } while (soak->slots[run].settled && ++picks < PICKS);
    plan = soak_plan_of(soak->seed, run);
    if (soak->slots[run].settled) return false;
    if (plan.kind == SOAK_ASKER)
        answer(sender, log, run, chance);
    else if (plan.sends > 0)
        send_next(sender, log, run, &plan, chance);
    return true;
}

/* Counted from the slots, as a sender may be killed between any two of its acts. */
static void advance_started(void)
{
    long long first = soak->started;

    while (first < soak->runs && soak->slots[first].started &&
           atomic_compare_exchange_strong(&soak->started, &first, first + 1))
        first++;
}

static void advance_settled(void)
{
    long long first = soak->settled;

    while (first < soak->runs && soak->slots[first].settled &&
           atomic_compare_exchange_strong(&soak->settled, &first, first + 1))
        first++;
}

int soak_send(void *user)
{
    const soak_role *role = user;
    soak_worker sender;
    fake_clock chance;
    bool busy;

    soak_end_with_parent();
    fake_clock_init(&chance, role->seed);
    if (!soak_open(&sender, NULL)) return 1;
    while (!soak->finish) {
        busy = soak->open < WINDOW && soak->senders[role->index].next < soak->runs;
        if (busy) start_next(role->index, sender.log);
        for (int i = 0; i < 3; i++)
            busy |= send_something(role->index, sender.log, &chance);
        advance_started();
        advance_settled();
        sqlite3_sleep(busy ? 1 : 5);
    }
    soak_close(&sender);
    return 0;
}

#else
typedef int soak_senders_need_posix;
#endif
