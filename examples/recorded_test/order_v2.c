/*
 * examples: recorded_test, a second version: cards are asked about before they are charged.
 *
 * For new orders it is right. But one that was charged yesterday, and cools off, would be asked
 * about now, though its log says that it was charged first; the library would notice, execute
 * nothing, and park the run. Its unit test notices before, and prints
 *
 *    fixtures/order-42.jsonl: the code does not fit what is recorded:
 *    run "42" (workflow "order"): code and log disagree at position 1
 *      the log holds   step "charge" (order.c:20), recorded 2000-01-01 00:00:00 UTC
 *      the code wants  step "ask-about-card" (order_v2.c:32)
 *      before it       nothing
 *      after it        timer "cool-off" (no call site), recorded 2000-01-01 00:00:00 UTC
 *      the change      inserted: the code has a new step before the recorded one
 *      what to do      Let dur_patch() keep the old way for runs that have come so far, or end them
 *                      with the old code before the new one is deployed.
 */
#include "order.h"

static int64_t charge_card(shop *tea, const char *card)
{
    tea->charged++;
    return card ? 4711 : 0;
}

int order(dur_run *run, void *user)
{
    shop *tea = user;
    bool stolen = false;
    int64_t payment = 0;

    DUR_STEP(run, "ask-about-card", stolen) { stolen = dur_as_text(dur_input(run)) == NULL; }
    if (stolen)
        dur_fail(run, "the card is stolen");
    DUR_STEP(run, "charge", payment) { payment = charge_card(tea, dur_as_text(dur_input(run))); }
    if (dur_sleep(run, "cool-off", ORDER_COOLS_OFF_MS) != DUR_OK)
        return 0;
    DUR_STEP(run, "ship") { tea->shipped++; }
    return dur_set_output(run, dur_integer(payment));
}
