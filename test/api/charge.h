/* test/api: a workflow whose first step runs at most once: it counts its bodies, can be left in the
 * middle of one, and verified. */
#ifndef TEST_API_CHARGE_H
#define TEST_API_CHARGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/host.h"

#include <string.h>

typedef struct order {
    test_host *host;
    int in_doubt;
    bool unplugged; /* the body is left in the middle */
    int bodies;
    int64_t pending, committed; /* rows with an intent, seen in the body by two connections */
    char key[64], verified_key[64];
    int verified;
    dur_value value; /* of the step; its bytes are gone with the run */
    char text[64];
} order;

static inline order new_order(test_host *host)
{
    order fresh;

    memset(&fresh, 0, sizeof fresh);
    fresh.host = host;
    return fresh;
}

static inline void copy_key(char copy[64], dur_step *step)
{
    sqlite3_snprintf(64, copy, "%s", dur_step_idempotency_key(step));
}

static inline int verify_charge(dur_step *step, void *user)
{
    order *it = user;

    it->verified++;
    copy_key(it->verified_key, step);
    return dur_record_result(step, dur_text("found"));
}

static inline int64_t seen_intents(sqlite3 *db)
{
    return host_number(db, "SELECT count(*) FROM durable_pending WHERE intent = 1");
}

static inline int charge(dur_run *run, void *user)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    order *it = user;
    dur_value value = dur_null();

    options.mode = DUR_AT_MOST_ONCE;
    options.in_doubt = it->in_doubt;
    options.user = it;
    if (it->in_doubt == DUR_IN_DOUBT_VERIFY) options.verify = verify_charge;
    DUR_STEP(run, "charge", value, &options) {
        it->bodies++;
        copy_key(it->key, dur_current_step(run));
        it->pending = seen_intents(it->host->db);
        if (it->host->other) it->committed = seen_intents(it->host->other);
        value = dur_text("charged");
        if (it->unplugged) dur_stop(run, "unplugged");
    }
    if (!dur_ok(run)) return 0;
    it->value = value;
    if (dur_as_text(value))
        sqlite3_snprintf(sizeof it->text, it->text, "%s", dur_as_text(value));
    DUR_STEP(run, "ship") {}
    dur_set_output(run, value);
    return 0;
}

static inline int execute(dur_log *log, order *it)
{
    return dur_execute(log, "charge", "order-1", NULL, charge, it);
}

/* A run that is parked because its first step is in doubt. */
static inline dur_log *parked(test_host *host, order *it)
{
    dur_log *log = host_log(host);

    *it = new_order(host);
    it->unplugged = true;
    assert_code(DUR_STOPPED, execute(log, it), log);
    it->unplugged = false;
    assert_code(DUR_PARKED, execute(log, it), log);
    assert_int_equal(it->bodies, 1);
    return log;
}

#endif
