/* history: a row as a line. The order of the members is part of the format. */
#include "history/format.h"

#include "base/text.h"

/* ---- Members ------------------------------------------------------------------------------- */

/* The first one of a line; the others have a comma in front. */
static void begin(durable_line *line, const char *name)
{
    durable_line_add_string(line, "{\"");
    durable_line_add_string(line, name);
    durable_line_add_string(line, "\":");
}

static void next(durable_line *line, const char *name)
{
    durable_line_add_string(line, ",\"");
    durable_line_add_string(line, name);
    durable_line_add_string(line, "\":");
}

static void end(durable_line *line)
{
    durable_line_add_string(line, "}\n");
}

static void add_integer(durable_line *line, const char *name, int64_t integer)
{
    next(line, name);
    durable_line_add_integer(line, integer);
}

static void add_time(durable_line *line, const char *name, int64_t time)
{
    if (time != DURABLE_NEVER) add_integer(line, name, time);
}

/* Left out where it is `absent`. */
static void add_unless(durable_line *line, const char *name, int64_t integer, int64_t absent)
{
    if (integer != absent) add_integer(line, name, integer);
}

static void add_true(durable_line *line, const char *name, bool is)
{
    if (!is) return;
    next(line, name);
    durable_line_add_string(line, "true");
}

static void add_string(durable_line *line, const char *name, const char *text)
{
    if (!text) return;
    next(line, name);
    durable_line_add_text(line, text, strlen(text));
}

static void add_name(durable_line *line, const char *name, const char *text, size_t length)
{
    next(line, name);
    durable_line_add_text(line, text, length);
}

static void add_word(durable_line *line, const char *name, durable_vocabulary vocabulary,
                     int number)
{
    add_string(line, name, durable_word_of(vocabulary, number));
}

static void add_value(durable_line *line, const char *name, const durable_datum *datum)
{
    next(line, name);
    durable_line_add_datum(line, datum);
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static void write_queue(durable_line *line, const durable_queue_row *queue)
{
    begin(line, "queue");
    durable_line_add_text(line, queue->queue, strlen(queue->queue));
    add_integer(line, "max_active", queue->limits.max_active);
    add_integer(line, "max_active_process", queue->limits.max_active_process);
    add_integer(line, "interval_us", queue->limits.interval_us);
}

/* Of a callback the position, of a signal its name. */
static void write_awaits(durable_line *line, const char *awaits)
{
    const char *separator = "[";

    if (!awaits) return;
    next(line, "awaits");
    for (awaits++; *awaits;) {
        size_t length = strcspn(awaits, "\n");

        durable_line_add_string(line, separator);
        if (*awaits == '\t')
            durable_line_add_integer(line, durable_position_of(awaits, length));
        else
            durable_line_add_text(line, awaits, length);
        separator = ",";
        awaits += length + 1;
    }
    durable_line_add_string(line, "]");
}

static void write_run_times(durable_line *line, const durable_run_row *run)
{
    add_integer(line, "priority", run->priority);
    add_time(line, "due", run->due);
    write_awaits(line, run->awaits);
    add_time(line, "deadline", run->deadline);
    add_integer(line, "created", run->created);
    if (durable_status_has_ended(run->status)) add_integer(line, "ended", run->ended);
    add_integer(line, "epoch", run->epoch);
    add_integer(line, "claims", run->claims);
    add_unless(line, "generation", run->generation, 1);
    add_string(line, "origin", run->origin);
    add_unless(line, "restarted_at", run->restarted_at, 0);
}

static void write_run(durable_line *line, const durable_run_row *run)
{
    begin(line, "run");
    durable_line_add_text(line, run->id, strlen(run->id));
    add_string(line, "uid", run->uid);
    add_string(line, "workflow", run->workflow);
    add_word(line, "status", DURABLE_WORDS_STATUS, run->status);
    add_true(line, "paused", (run->request & DURABLE_REQUEST_PAUSE) != 0);
    add_true(line, "cancelling", (run->request & DURABLE_REQUEST_END) != 0);
    add_integer(line, "behaviour", run->behaviour);
    add_string(line, "code_version", run->code_version);
    add_string(line, "parent", run->parent);
    if (run->parent) add_integer(line, "called_at", run->called_at);
    add_true(line, "called", run->called);
    add_word(line, "on_parent_end", DURABLE_WORDS_PARENT_END, run->on_parent_end);
    add_string(line, "queue", run->queue);
    write_run_times(line, run);
    add_value(line, "input", &run->input);
    if (run->output.type != DURABLE_DATUM_NULL) add_value(line, "output", &run->output);
    add_string(line, "failure", run->failure);
}

static void write_step(durable_line *line, const durable_step_record *step)
{
    char fingerprint[DURABLE_REAL_SIZE];

    begin(line, "step");
    durable_line_add_integer(line, step->position);
    add_word(line, "kind", DURABLE_WORDS_KIND, step->kind);
    add_name(line, "name", step->name, step->name_length);
    add_word(line, "outcome", DURABLE_WORDS_OUTCOME, step->outcome);
    add_value(line, "value", &step->value);
    add_integer(line, "low", step->low);
    add_integer(line, "epoch", step->epoch);
    add_integer(line, "attempt", step->attempt);
    add_integer(line, "began", step->began);
    add_integer(line, "took", step->took);
    durable_print(fingerprint, sizeof fingerprint, "%016llx",
                  (unsigned long long)step->fingerprint);
    if (step->fingerprint) add_string(line, "fingerprint", fingerprint);
    add_string(line, "site", step->site);
}

static void write_pending(durable_line *line, const durable_pending *pending)
{
    begin(line, "pending");
    durable_line_add_integer(line, pending->position);
    add_word(line, "kind", DURABLE_WORDS_KIND, pending->kind);
    add_name(line, "name", pending->name, pending->name_length);
    add_word(line, "intent", DURABLE_WORDS_INTENT, pending->intent);
    add_integer(line, "attempt", pending->attempt);
    add_integer(line, "began", pending->began);
    add_time(line, "due", pending->due);
    add_time(line, "deadline", pending->deadline);
    add_integer(line, "interval", pending->interval);
    add_integer(line, "choice", pending->choice);
    add_value(line, "value", &pending->details);
    add_string(line, "failure", pending->failure);
}

static void write_signal(durable_line *line, const durable_signal_row *signal)
{
    int64_t position = durable_position_of(signal->address, strlen(signal->address));

    begin(line, "signal");
    if (position) {
        durable_line_add_string(line, "null");
        add_integer(line, "callback", position);
    } else {
        durable_line_add_text(line, signal->address, strlen(signal->address));
    }
    add_string(line, "key", signal->key);
    add_value(line, "value", &signal->value);
    add_string(line, "failure", signal->failure);
    add_integer(line, "sent", signal->sent);
    add_unless(line, "received_at", signal->received, -1);
}

DURABLE_INTERNAL bool durable_write_row(durable_line *line, const durable_row *row)
{
    switch (row->type) {
    case DURABLE_ROW_QUEUE: write_queue(line, &row->of.queue); break;
    case DURABLE_ROW_RUN: write_run(line, &row->of.run); break;
    case DURABLE_ROW_STEP: write_step(line, &row->of.step); break;
    case DURABLE_ROW_PENDING: write_pending(line, &row->of.pending); break;
    default: write_signal(line, &row->of.signal); break;
    }
    end(line);
    return !line->failed;
}
