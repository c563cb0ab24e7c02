/*
 * examples: recorded_test, the second version as it can be shipped.
 *
 * Introduces the usage of: dur_patch.
 *
 * dur_patch() gives new orders the new step, and lets those that were begun before go the way they
 * came. When the last order of version 1 has ended it becomes dur_retire_patch(), and when those
 * with its marker have ended, too, that goes.
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

    if (dur_patch(run, "ask-about-card"))
        DUR_STEP(run, "ask-about-card", stolen) { stolen = dur_as_text(dur_input(run)) == NULL; }
    if (stolen)
        dur_fail(run, "the card is stolen");
    DUR_STEP(run, "charge", payment) { payment = charge_card(tea, dur_as_text(dur_input(run))); }
    if (dur_sleep(run, "cool-off", ORDER_COOLS_OFF_MS) != DUR_OK)
        return 0;
    DUR_STEP(run, "ship") { tea->shipped++; }
    return dur_set_output(run, dur_integer(payment));
}
