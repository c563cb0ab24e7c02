/* history: what rows may hold, and how they may follow one another, exported or imported. */
#include "history/format.h"

#include "base/text.h"

#include <limits.h>

/* An epoch, claims, attempts: no run comes so far, and none that comes from here to the end of what
 * the log can hold. */
#define COUNT_MOST (INT64_MAX / 2)

/* ---- Complaints ---------------------------------------------------------------------------- */

static bool complain(durable_laws *laws, const char *member, const char *format, ...)
{
    va_list arguments;

    laws->member = member;
    va_start(arguments, format);
    durable_print_list(laws->problem, sizeof laws->problem, format, arguments);
    va_end(arguments);
    return false;
}

DURABLE_INTERNAL int durable_laws_error(const durable_laws *laws, durable_error *error, int code)
{
    if (!laws->member[0]) return durable_error_set(error, code, "%s", laws->problem);
    return durable_error_set(error, code, "\"%s\": %s", laws->member, laws->problem);
}

static bool is_between(durable_laws *laws, const char *member, int64_t found, int64_t least,
                       int64_t most)
{
    if (found >= least && found <= most) return true;
    if (found < least && most >= COUNT_MOST)
        return complain(laws, member, "expected an integer from %lld on, found %lld",
                        (long long)least, (long long)found);
    return complain(laws, member, "expected an integer from %lld to %lld, found %lld",
                    (long long)least, (long long)most, (long long)found);
}

static bool is_word(durable_laws *laws, const char *member, durable_vocabulary vocabulary,
                    int number)
{
    if (durable_word_of(vocabulary, number)) return true;
    return complain(laws, member, "expected %s, found number %d", durable_words_list(vocabulary),
                    number);
}

#define SHOWN_SIZE 64

/* Text for a message: cut at a character, between quotes; what is no UTF-8 is not shown. */
static const char *show(char shown[SHOWN_SIZE], const char *text, size_t length)
{
    size_t most = SHOWN_SIZE - 3, count = length;

    if (length == 0) return "none";
    if (!durable_utf8_valid(text, length)) return "bytes that are no UTF-8";
    if (count > most)
        for (count = most; ((unsigned char)text[count] & 0xC0u) == 0x80u;) count--;
    shown[0] = '"';
    memcpy(shown + 1, text, count);
    shown[count + 1] = '"';
    shown[count + 2] = '\0';
    return shown;
}

static bool is_name(durable_laws *laws, const char *member, const char *name, size_t length)
{
    char shown[SHOWN_SIZE];

    if (durable_name_valid(name, length)) return true;
    return complain(laws, member,
                    "expected 1 to %d bytes of UTF-8 without control characters, found %s",
                    DUR_NAME_MAX, show(shown, name, length));
}

static bool is_string_name(durable_laws *laws, const char *member, const char *name)
{
    return is_name(laws, member, name, strlen(name));
}

static bool is_value(durable_laws *laws, const char *member, const durable_datum *datum)
{
    if (durable_datum_fits(datum)) return true;
    return complain(laws, member,
                    "expected a value that the format knows, found type %d with format %d",
                    datum->type, datum->format);
}

/* ---- Runs ---------------------------------------------------------------------------------- */

static bool is_uid(durable_laws *laws, const char *uid)
{
    size_t length = strspn(uid, "0123456789abcdef");
    char shown[SHOWN_SIZE];

    if (length == 32 && uid[length] == '\0') return true;
    return complain(laws, "uid", "expected 32 hex digits in lower case, found %s",
                    show(shown, uid, strlen(uid)));
}

/* A called child is in no queue of a worker's, any other run is. */
static bool is_placed(durable_laws *laws, const durable_run_row *run)
{
    char shown[SHOWN_SIZE];

    if (run->parent && !is_string_name(laws, "parent", run->parent)) return false;
    if (run->parent && !is_between(laws, "called_at", run->called_at, 1, DUR_POSITION_MAX))
        return false;
    if (run->called && !run->parent)
        return complain(laws, "called", "expected it beside \"parent\", found none");
    if (!run->called) return is_string_name(laws, "queue", run->queue);
    if (run->queue[0] == '\0') return true;
    return complain(laws, "queue", "expected \"\" for a run that is called, found %s",
                    show(shown, run->queue, strlen(run->queue)));
}

static bool is_timed(durable_laws *laws, const durable_run_row *run)
{
    bool ended = durable_status_has_ended(run->status);
    bool waits = run->status == DURABLE_RUNNING || run->status == DURABLE_SUSPENDED;

    if (run->due != DURABLE_NEVER && (!waits || (run->request & DURABLE_REQUEST_PAUSE)))
        return complain(laws, "due", "expected none for a run that is %s, found %lld",
                        waits ? "paused" : durable_word_of(DURABLE_WORDS_STATUS, run->status),
                        (long long)run->due);
    if (ended || run->ended == 0) return true;
    return complain(laws, "ended", "expected none for a run that is %s, found %lld",
                    durable_word_of(DURABLE_WORDS_STATUS, run->status), (long long)run->ended);
}

/* Names, or a tab and a position, each between newlines. */
static bool are_addresses(durable_laws *laws, const char *awaits)
{
    if (!awaits) return true;
    if (*awaits++ != '\n' || !*awaits)
        return complain(laws, "awaits", "expected addresses between newlines, found others");
    while (*awaits) {
        size_t length = strcspn(awaits, "\n");
        bool callback = *awaits == '\t';
        bool fits = callback ? durable_position_of(awaits, length) != 0
                             : durable_name_valid(awaits, length);

        if (!fits || awaits[length] != '\n')
            return complain(laws, "awaits", "expected names and positions, found something else");
        awaits += length + 1;
    }
    return true;
}

static bool is_run(durable_laws *laws, const durable_run_row *run)
{
    const int requests = DURABLE_REQUEST_END | DURABLE_REQUEST_PAUSE;

    laws->in_run = true;
    laws->position = 0;
    laws->epoch = run->epoch;
    if (run->request & ~requests)
        return complain(laws, "", "expected requests to end or to pause, found number %d",
                        run->request);
    if (run->on_parent_end != DUR_CHILD_WAIT &&
        !is_word(laws, "on_parent_end", DURABLE_WORDS_PARENT_END, run->on_parent_end))
        return false;
    return is_string_name(laws, "run", run->id) && is_uid(laws, run->uid) &&
           is_string_name(laws, "workflow", run->workflow) &&
           is_word(laws, "status", DURABLE_WORDS_STATUS, run->status) &&
           is_between(laws, "behaviour", run->behaviour, 1, INT_MAX) && is_placed(laws, run) &&
           is_between(laws, "priority", run->priority, 0, 7) && is_timed(laws, run) &&
           are_addresses(laws, run->awaits) &&
           is_between(laws, "epoch", run->epoch, 0, COUNT_MOST) &&
           is_between(laws, "claims", run->claims, 0, COUNT_MOST) &&
           is_between(laws, "generation", run->generation, 1, INT_MAX) &&
           (!run->origin || is_string_name(laws, "origin", run->origin)) &&
           is_between(laws, "restarted_at", run->restarted_at, 0, DUR_POSITION_MAX) &&
           is_value(laws, "input", &run->input) && is_value(laws, "output", &run->output);
}

/* ---- What belongs to a run ----------------------------------------------------------------- */

static bool is_next(durable_laws *laws, const char *member, int64_t position)
{
    if (!is_between(laws, member, position, 1, DUR_POSITION_MAX)) return false;
    if (position <= laws->position)
        return complain(laws, member, "expected a position behind %lld, found %lld",
                        (long long)laws->position, (long long)position);
    laws->position = position;
    return true;
}

/* A failure is its message, and nothing is left of a wait that was in vain. */
static bool is_outcome(durable_laws *laws, const durable_step_record *step)
{
    const durable_datum *value = &step->value;

    if (!is_word(laws, "outcome", DURABLE_WORDS_OUTCOME, step->outcome)) return false;
    if (step->outcome == DURABLE_OUTCOME_FAILURE &&
        (value->type != DURABLE_DATUM_TEXT || !durable_utf8_valid(value->bytes, value->length)))
        return complain(laws, "value", "expected the text of a failure, found another value");
    if (step->outcome == DURABLE_OUTCOME_TIMED_OUT && value->type != DURABLE_DATUM_NULL)
        return complain(laws, "value", "expected null of what timed out, found another value");
    return is_value(laws, "value", value);
}

static bool is_step(durable_laws *laws, const durable_step_record *step)
{
    return is_next(laws, "step", step->position) &&
           is_word(laws, "kind", DURABLE_WORDS_KIND, step->kind) &&
           is_name(laws, "name", step->name, step->name_length) && is_outcome(laws, step) &&
           is_between(laws, "low", step->low, 1, step->position) &&
           is_between(laws, "epoch", step->epoch, 0, laws->epoch) &&
           is_between(laws, "attempt", step->attempt, 0, COUNT_MOST);
}

static bool is_pending(durable_laws *laws, const durable_pending *pending)
{
    if (pending->intent != DURABLE_NO_INTENT &&
        !is_word(laws, "intent", DURABLE_WORDS_INTENT, pending->intent))
        return false;
    return is_next(laws, "pending", pending->position) &&
           is_word(laws, "kind", DURABLE_WORDS_KIND, pending->kind) &&
           is_name(laws, "name", pending->name, pending->name_length) &&
           is_between(laws, "attempt", pending->attempt, 0, COUNT_MOST) &&
           is_between(laws, "interval", pending->interval, 0, INT64_MAX) &&
           is_value(laws, "value", &pending->details);
}

static bool is_signal(durable_laws *laws, const durable_signal_row *signal)
{
    const char *address = signal->address;

    if (address[0] == '\t' ? durable_position_of(address, strlen(address)) == 0
                           : !is_string_name(laws, "signal", address))
        return address[0] == '\t' ? complain(laws, "callback", "expected a position, found none")
                                  : false;
    if (signal->key && !is_string_name(laws, "key", signal->key)) return false;
    if (signal->failure && signal->value.type != DURABLE_DATUM_NULL)
        return complain(laws, "value", "expected null beside a failure, found another value");
    return is_between(laws, "received_at", signal->received, -1, DUR_POSITION_MAX) &&
           is_value(laws, "value", &signal->value);
}

static bool is_queue(durable_laws *laws, const durable_queue_row *queue)
{
    const durable_limits *limits = &queue->limits;

    return is_string_name(laws, "queue", queue->queue) &&
           is_between(laws, "max_active", limits->max_active, 0, INT64_MAX) &&
           is_between(laws, "max_active_process", limits->max_active_process, 0, INT64_MAX) &&
           is_between(laws, "interval_us", limits->interval_us, 0, INT64_MAX);
}

/* ---- Rows ---------------------------------------------------------------------------------- */

/* Queues, then runs; in each run steps, what is pending, signals. */
static bool is_in_order(durable_laws *laws, int type)
{
    static const char *const rows[] = {"", "a queue", "a run", "a step", "what is pending",
                                       "a signal"};
    int last = laws->type;

    laws->type = type;
    if (type == DURABLE_ROW_QUEUE && laws->in_run)
        return complain(laws, "", "expected queues before runs, found a queue behind %s",
                        rows[last]);
    if (type > DURABLE_ROW_RUN && !laws->in_run)
        return complain(laws, "", "expected a run, found %s before any", rows[type]);
    if (type > DURABLE_ROW_RUN && type < last)
        return complain(laws, "", "expected steps, then what is pending, then signals of a run, "
                                  "found %s behind %s", rows[type], rows[last]);
    if (type != last) laws->position = 0;
    return true;
}

DURABLE_INTERNAL bool durable_laws_keep(durable_laws *laws, const durable_row *row)
{
    if (!is_in_order(laws, row->type)) return false;
    switch (row->type) {
    case DURABLE_ROW_QUEUE: return is_queue(laws, &row->of.queue);
    case DURABLE_ROW_RUN: return is_run(laws, &row->of.run);
    case DURABLE_ROW_STEP: return is_step(laws, &row->of.step);
    case DURABLE_ROW_PENDING: return is_pending(laws, &row->of.pending);
    default: return is_signal(laws, &row->of.signal);
    }
}
