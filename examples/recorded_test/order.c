/*
 * examples: recorded_test, the workflow as it was when fixtures/order-42.jsonl was recorded.
 *
 * Orders that were begun with it may wait for a day, and go on with whatever version of this
 * program is there then.
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
    int64_t payment = 0;

    DUR_STEP(run, "charge", payment) { payment = charge_card(tea, dur_as_text(dur_input(run))); }
    if (dur_sleep(run, "cool-off", ORDER_COOLS_OFF_MS) != DUR_OK)
        return 0;
    DUR_STEP(run, "ship") { tea->shipped++; }
    return dur_set_output(run, dur_integer(payment));
}
