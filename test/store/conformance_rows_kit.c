/* test/store: rows of whole logs as text, and from one log to another. */
#include "store/conformance_rows.h"

#include <inttypes.h>
#include <string.h>

static void add_text(narrative *lines, const char *name, const char *text)
{
    narrative_add(lines, " %s=", name);
    for (; text && *text; text++)
        narrative_add(lines, *text >= ' ' ? "%c" : "\\x%02x", (unsigned char)*text);
    if (!text) narrative_add(lines, "NULL");
}

static void add_number(narrative *lines, const char *name, int64_t number)
{
    if (number == DURABLE_NEVER)
        narrative_add(lines, " %s=never", name);
    else
        narrative_add(lines, " %s=%" PRId64, name, number);
}

/* Bit by bit. */
static void add_datum(narrative *lines, const char *name, const durable_datum *datum)
{
    const unsigned char *bytes = datum->bytes;
    uint64_t bits;

    narrative_add(lines, " %s=%d/%d:", name, datum->type, datum->format);
    switch (datum->type) {
    case DURABLE_DATUM_NULL: break;
    case DURABLE_DATUM_INTEGER: narrative_add(lines, "%" PRId64, datum->integer); break;
    case DURABLE_DATUM_REAL:
        memcpy(&bits, &datum->real, sizeof bits);
        narrative_add(lines, "%016" PRIx64, bits);
        break;
    default:
        for (size_t i = 0; i < datum->length; i++) narrative_add(lines, "%02x", bytes[i]);
        break;
    }
}

static void add_run(narrative *lines, const durable_run_row *row)
{
    add_text(lines, "run", row->id);
    add_text(lines, "uid", row->uid);
    add_text(lines, "workflow", row->workflow);
    add_text(lines, "code_version", row->code_version);
    add_number(lines, "status", row->status);
    add_number(lines, "request", row->request);
    add_number(lines, "behaviour", row->behaviour);
    add_text(lines, "parent", row->parent);
    add_number(lines, "called_at", row->called_at);
    add_number(lines, "called", row->called);
    add_number(lines, "on_parent_end", row->on_parent_end);
    add_text(lines, "queue", row->queue);
    add_number(lines, "priority", row->priority);
    add_number(lines, "due", row->due);
    add_text(lines, "awaits", row->awaits);
    add_number(lines, "deadline", row->deadline);
    add_number(lines, "created", row->created);
    add_number(lines, "ended", row->ended);
    add_number(lines, "epoch", row->epoch);
    add_number(lines, "claims", row->claims);
    add_number(lines, "generation", row->generation);
    add_text(lines, "origin", row->origin);
    add_number(lines, "restarted_at", row->restarted_at);
    add_datum(lines, "input", &row->input);
    add_datum(lines, "output", &row->output);
    add_text(lines, "failure", row->failure);
}

static void add_step(narrative *lines, const durable_step_record *row)
{
    add_number(lines, "step", row->position);
    narrative_add(lines, " name=%.*s", (int)row->name_length, row->name);
    add_number(lines, "kind", row->kind);
    add_number(lines, "outcome", row->outcome);
    add_datum(lines, "value", &row->value);
    add_text(lines, "site", row->site);
    add_number(lines, "epoch", row->epoch);
    add_number(lines, "began", row->began);
    add_number(lines, "took", row->took);
    add_number(lines, "low", row->low);
    add_number(lines, "attempt", row->attempt);
    narrative_add(lines, " fingerprint=%" PRIu64, row->fingerprint);
}

static void add_pending(narrative *lines, const durable_pending *row)
{
    add_number(lines, "pending", row->position);
    narrative_add(lines, " name=%.*s", (int)row->name_length, row->name);
    add_number(lines, "kind", row->kind);
    add_number(lines, "intent", row->intent);
    add_number(lines, "attempt", row->attempt);
    add_number(lines, "began", row->began);
    add_number(lines, "due", row->due);
    add_number(lines, "deadline", row->deadline);
    add_number(lines, "interval", row->interval);
    add_number(lines, "choice", row->choice);
    add_datum(lines, "details", &row->details);
    add_text(lines, "failure", row->failure);
}

static void add_signal(narrative *lines, const durable_signal_row *row)
{
    add_text(lines, "signal", row->address);
    add_text(lines, "key", row->key);
    add_datum(lines, "value", &row->value);
    add_text(lines, "failure", row->failure);
    add_number(lines, "sent", row->sent);
    add_number(lines, "received", row->received);
}

static void add_queue(narrative *lines, const durable_queue_row *row)
{
    add_text(lines, "queue", row->queue);
    add_number(lines, "max_active", row->limits.max_active);
    add_number(lines, "max_active_process", row->limits.max_active_process);
    add_number(lines, "interval_us", row->limits.interval_us);
}

static int add_row(const durable_row *row, void *context)
{
    narrative *lines = context;

    if (row->type == DURABLE_ROW_QUEUE) add_queue(lines, &row->of.queue);
    if (row->type == DURABLE_ROW_RUN) add_run(lines, &row->of.run);
    if (row->type == DURABLE_ROW_STEP) add_step(lines, &row->of.step);
    if (row->type == DURABLE_ROW_PENDING) add_pending(lines, &row->of.pending);
    if (row->type == DURABLE_ROW_SIGNAL) add_signal(lines, &row->of.signal);
    narrative_add(lines, "\n");
    return DUR_OK;
}

int rows_of(durable_store *store, const char *run_id, narrative *lines)
{
    return store->methods->visit_rows(store, run_id, add_row, lines);
}

/* ---- From one log to another --------------------------------------------------------------- */

static int put_into(const durable_row *row, void *context)
{
    durable_store *to = context;

    return to->methods->put_row(to, row);
}

int rows_copy(durable_store *from, const char *run_id, durable_store *to)
{
    int code = to->methods->begin_import(to), end;

    if (code != DUR_OK) return code;
    code = from->methods->visit_rows(from, run_id, put_into, to);
    end = to->methods->end_import(to, code == DUR_OK);
    return code == DUR_OK ? end : code;
}
