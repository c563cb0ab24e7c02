/* history: a line as a row. */
#include "history/format.h"

#include "base/text.h"

#include <limits.h>

static const char *const type_names[] = {"null", "true", "false", "an integer",
                                         "a number that is no 64-bit integer", "a text",
                                         "an array", "an object"};

/* ---- The members of a line ----------------------------------------------------------------- */

/* The first problem of a line is the one that is told. */
static void complain_about(durable_reader *reader, const char *name, const char *expected,
                           const char *found)
{
    if (reader->code != DUR_OK) return;
    reader->code = durable_error_set(reader->error, DUR_INVALID,
                                     "\"%!.60s\": expected %s, found %s", name, expected, found);
}

static int run_out_of_memory(durable_reader *reader)
{
    reader->code = durable_error_set(reader->error, DUR_NOMEM, "out of memory for a line");
    return reader->code;
}

static const char *copy_or_null(durable_reader *reader, const char *text, size_t length)
{
    const char *copy = durable_arena_copy(&reader->arena, text, length);

    if (!copy) run_out_of_memory(reader);
    return copy;
}

static const durable_json_member *find(const durable_reader *reader, const char *name)
{
    for (size_t i = 0; i < reader->count; i++)
        if (strcmp(reader->members[i].name, name) == 0) return &reader->members[i];
    return NULL;
}

static int note_member(const durable_json_member *member, void *context)
{
    durable_reader *reader = context;
    durable_json_member *copy;

    if (!member->name) {
        reader->code = durable_error_set(reader->error, DUR_INVALID,
                                         "expected a JSON object, found another value");
    } else if (find(reader, member->name)) {
        complain_about(reader, member->name, "it once", "it twice");
    } else if (reader->count == DURABLE_MEMBERS_MAX) {
        complain_about(reader, member->name, "fewer members", "one more than any line has");
    } else {
        copy = &reader->members[reader->count++];
        *copy = *member;
        copy->name = copy_or_null(reader, member->name, strlen(member->name));
        if (copy->text) copy->text = copy_or_null(reader, member->text, member->length);
    }
    return reader->code;
}

/* Each member is taken once; NULL: there is none of that name. */
static const durable_json_member *take(durable_reader *reader, const char *name)
{
    const durable_json_member *member = reader->code == DUR_OK ? find(reader, name) : NULL;

    if (member) reader->used[member - reader->members] = true;
    return member;
}

static const durable_json_member *need(durable_reader *reader, const char *name,
                                       const char *expected)
{
    const durable_json_member *member = take(reader, name);

    if (!member) complain_about(reader, name, expected, "nothing");
    return member;
}

/* ---- Members of each type ------------------------------------------------------------------ */

static int64_t integer_of(durable_reader *reader, const durable_json_member *member)
{
    if (!member || member->type == DURABLE_JSON_INTEGER) return member ? member->integer : 0;
    complain_about(reader, member->name, "an integer", type_names[member->type]);
    return 0;
}

static int64_t take_integer(durable_reader *reader, const char *name)
{
    return integer_of(reader, need(reader, name, "an integer"));
}

static int64_t take_integer_or(durable_reader *reader, const char *name, int64_t absent)
{
    const durable_json_member *member = take(reader, name);

    return member ? integer_of(reader, member) : absent;
}

/* What the row has an int for; the laws tell what it may be. */
static int take_small(durable_reader *reader, const char *name, int absent)
{
    int64_t integer = take_integer_or(reader, name, absent);

    if (integer < INT_MIN || integer > INT_MAX)
        complain_about(reader, name, "a smaller number", "one of more than 32 bits");
    return integer < INT_MIN || integer > INT_MAX ? absent : (int)integer;
}

/* There, and not the one that stands for its absence. */
static int64_t take_number(durable_reader *reader, const char *name, int64_t absent)
{
    const durable_json_member *member = take(reader, name);
    int64_t integer = member ? integer_of(reader, member) : absent;

    if (member && integer == absent)
        complain_about(reader, name, "it to be left out", "a number that stands for none");
    return integer;
}

static int64_t take_time(durable_reader *reader, const char *name)
{
    return take_number(reader, name, DURABLE_NEVER);
}

static bool take_true(durable_reader *reader, const char *name)
{
    const durable_json_member *member = take(reader, name);

    if (member && member->type != DURABLE_JSON_TRUE)
        complain_about(reader, name, "true, or nothing", type_names[member->type]);
    return member != NULL;
}

static const char *text_of(durable_reader *reader, const durable_json_member *member)
{
    if (!member) return "";
    if (member->type == DURABLE_JSON_TEXT) return member->text;
    complain_about(reader, member->name, "a text", type_names[member->type]);
    return "";
}

static const char *take_text(durable_reader *reader, const char *name)
{
    return text_of(reader, need(reader, name, "a text"));
}

static const char *take_text_or_null(durable_reader *reader, const char *name)
{
    const durable_json_member *member = take(reader, name);

    return member ? text_of(reader, member) : NULL;
}

static int word_of(durable_reader *reader, const durable_json_member *member,
                   durable_vocabulary vocabulary)
{
    const char *word = text_of(reader, member);
    char found[80];
    int number = 0;

    if (reader->code != DUR_OK || durable_word_number(vocabulary, word, &number)) return number;
    durable_print(found, sizeof found, "\"%!.40s\"", word);
    complain_about(reader, member->name, durable_words_list(vocabulary), found);
    return 0;
}

static int take_word(durable_reader *reader, const char *name, durable_vocabulary vocabulary)
{
    return word_of(reader, need(reader, name, durable_words_list(vocabulary)), vocabulary);
}

static int take_word_or(durable_reader *reader, const char *name, durable_vocabulary vocabulary,
                        int absent)
{
    const durable_json_member *member = take(reader, name);

    return member ? word_of(reader, member, vocabulary) : absent;
}

/* ---- Values -------------------------------------------------------------------------------- */

/* The only member of an object that stands for a value. */
typedef struct only_member {
    durable_reader *reader;
    const char *of;
    const char *name;
    const char *text;
    size_t length;
    int count;
} only_member;

static int note_only_member(const durable_json_member *member, void *context)
{
    only_member *only = context;

    if (only->count++ > 0 || !member->name) {
        complain_about(only->reader, only->of, "an object with one member",
                       member->name ? "one with several" : "something else");
    } else if (member->type != DURABLE_JSON_TEXT) {
        complain_about(only->reader, only->of, "a text in its object", type_names[member->type]);
    } else {
        only->name = copy_or_null(only->reader, member->name, strlen(member->name));
        only->text = copy_or_null(only->reader, member->text, member->length);
        only->length = member->length;
    }
    return only->reader->code;
}

static void read_object(durable_reader *reader, const durable_json_member *member,
                        durable_datum *datum)
{
    only_member only = {reader, member->name, NULL, NULL, 0, 0};
    const char *expected = "";
    char found[80];
    int code = durable_json_visit(reader->json, member->text, member->length, note_only_member,
                                  &only, reader->error);

    if (code == DUR_INVALID) complain_about(reader, member->name, "a value", "an empty object");
    if (reader->code == DUR_OK) reader->code = code;
    if (reader->code != DUR_OK) return;
    code = durable_datum_of_member(only.name, only.text, only.length, &reader->arena, datum,
                                   &expected);
    if (code == DUR_NOMEM) run_out_of_memory(reader);
    durable_print(found, sizeof found, "{\"%!.20s\":\"%!.24s%s\"}", only.name, only.text,
                  only.length > 24 ? "…" : "");
    if (code == DUR_INVALID) complain_about(reader, member->name, expected, found);
}

static void value_of(durable_reader *reader, const durable_json_member *member,
                     durable_datum *datum)
{
    memset(datum, 0, sizeof *datum);
    if (!member || reader->code != DUR_OK || member->type == DURABLE_JSON_NULL) return;
    switch (member->type) {
    case DURABLE_JSON_INTEGER:
        datum->type = DURABLE_DATUM_INTEGER;
        datum->integer = member->integer;
        return;
    case DURABLE_JSON_TEXT:
        datum->type = DURABLE_DATUM_TEXT;
        datum->bytes = member->text;
        datum->length = member->length;
        return;
    case DURABLE_JSON_OBJECT: read_object(reader, member, datum); return;
    default:
        complain_about(reader, member->name,
                       "a value: null, an integer, a text, or an object with one member",
                       type_names[member->type]);
    }
}

static void take_value(durable_reader *reader, const char *name, durable_datum *datum)
{
    value_of(reader, need(reader, name, "a value"), datum);
}

/* A text, also one that is no UTF-8; NUL bytes cannot stand in it. */
static const char *take_bytes_or_null(durable_reader *reader, const char *name)
{
    const durable_json_member *member = take(reader, name);
    durable_datum datum;
    bool blob;

    value_of(reader, member, &datum);
    if (!member || reader->code != DUR_OK) return NULL;
    blob = datum.type == DURABLE_DATUM_BLOB && datum.format == DURABLE_FORMAT_TEXT;
    if ((blob || datum.type == DURABLE_DATUM_TEXT) && !memchr(datum.bytes, 0, datum.length))
        return datum.bytes;
    complain_about(reader, name, "a text without NUL bytes", blob ? "one" : "another value");
    return NULL;
}

/* ---- Addresses ----------------------------------------------------------------------------- */

typedef struct awaits_context {
    durable_reader *reader;
    durable_line line;
} awaits_context;

static int note_awaited(const durable_json_member *member, void *context)
{
    awaits_context *its = context;
    bool is_text = member->type == DURABLE_JSON_TEXT;

    if (member->name || (!is_text && member->type != DURABLE_JSON_INTEGER) ||
        (is_text && !durable_name_valid(member->text, member->length)))
        complain_about(its->reader, "awaits", "an array of signals' names and positions",
                       "something else in it");
    durable_line_add_string(&its->line, is_text ? "" : "\t");
    if (is_text)
        durable_line_add(&its->line, member->text, member->length);
    else
        durable_line_add_integer(&its->line, member->integer);
    durable_line_add_string(&its->line, "\n");
    return its->reader->code;
}

static const char *take_awaits(durable_reader *reader)
{
    const durable_json_member *member = take(reader, "awaits");
    awaits_context its = {reader, {0}};
    const char *awaits = NULL;
    int code;

    if (!member) return NULL;
    if (member->type != DURABLE_JSON_ARRAY) {
        complain_about(reader, "awaits", "an array", type_names[member->type]);
        return NULL;
    }
    durable_line_add_string(&its.line, "\n");
    code = durable_json_visit(reader->json, member->text, member->length, note_awaited, &its,
                              reader->error);
    if (code == DUR_INVALID)
        complain_about(reader, "awaits", "at least one signal", "an empty array");
    if (reader->code == DUR_OK) reader->code = code;
    if (reader->code == DUR_OK && its.line.failed) run_out_of_memory(reader);
    if (reader->code == DUR_OK) awaits = copy_or_null(reader, its.line.bytes, its.line.length);
    durable_line_free(&its.line);
    return awaits;
}

/* A signal's own name, or null and the position of a callback. */
static const char *take_address(durable_reader *reader)
{
    const durable_json_member *name = need(reader, "signal", "a text or null");
    char address[DURABLE_ADDRESS_SIZE];

    if (!name || name->type != DURABLE_JSON_NULL) return text_of(reader, name);
    durable_print(address, sizeof address, "\t%lld", (long long)take_integer(reader, "callback"));
    if (reader->code == DUR_OK && !durable_position_of(address, strlen(address)))
        complain_about(reader, "callback", "a position", address + 1);
    return copy_or_null(reader, address, strlen(address));
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static void read_queue(durable_reader *reader, durable_queue_row *queue)
{
    queue->queue = take_text(reader, "queue");
    queue->limits.max_active = take_integer(reader, "max_active");
    queue->limits.max_active_process = take_integer(reader, "max_active_process");
    queue->limits.interval_us = take_integer(reader, "interval_us");
}

static void read_run_times(durable_reader *reader, durable_run_row *run)
{
    run->due = take_time(reader, "due");
    run->awaits = take_awaits(reader);
    run->deadline = take_time(reader, "deadline");
    run->created = take_integer(reader, "created");
    if (reader->code == DUR_OK && durable_status_has_ended(run->status))
        run->ended = take_integer(reader, "ended");
    run->epoch = take_integer(reader, "epoch");
    run->claims = take_integer(reader, "claims");
    run->generation = take_small(reader, "generation", 1);
    run->origin = take_text_or_null(reader, "origin");
    run->restarted_at = take_number(reader, "restarted_at", 0);
}

static void read_run(durable_reader *reader, durable_run_row *run)
{
    run->id = take_text(reader, "run");
    run->uid = take_text(reader, "uid");
    run->workflow = take_text(reader, "workflow");
    run->status = take_word(reader, "status", DURABLE_WORDS_STATUS);
    if (take_true(reader, "paused")) run->request |= DURABLE_REQUEST_PAUSE;
    if (take_true(reader, "cancelling")) run->request |= DURABLE_REQUEST_END;
    run->behaviour = take_small(reader, "behaviour", 0);
    run->code_version = take_bytes_or_null(reader, "code_version");
    run->parent = take_text_or_null(reader, "parent");
    if (run->parent) run->called_at = take_integer(reader, "called_at");
    run->called = take_true(reader, "called");
    run->on_parent_end =
        take_word_or(reader, "on_parent_end", DURABLE_WORDS_PARENT_END, DUR_CHILD_WAIT);
    run->queue = take_text(reader, "queue");
    run->priority = take_small(reader, "priority", -1);
    read_run_times(reader, run);
    take_value(reader, "input", &run->input);
    value_of(reader, take(reader, "output"), &run->output);
    run->failure = take_bytes_or_null(reader, "failure");
}

static uint64_t take_fingerprint(durable_reader *reader)
{
    const char *text = take_text_or_null(reader, "fingerprint");
    uint64_t number = 0;
    bool fits;

    if (!text || reader->code != DUR_OK) return 0;
    fits = durable_hex_number(text, 16, &number) == 16 && !text[16];
    if (!fits || number == 0)
        complain_about(reader, "fingerprint", "16 hex digits in lower case, not all 0",
                       "another text");
    return number;
}

static void read_step(durable_reader *reader, durable_step_record *step)
{
    step->position = take_integer(reader, "step");
    step->kind = take_word(reader, "kind", DURABLE_WORDS_KIND);
    step->name = take_text(reader, "name");
    step->name_length = strlen(step->name);
    step->outcome = take_word(reader, "outcome", DURABLE_WORDS_OUTCOME);
    take_value(reader, "value", &step->value);
    step->low = take_integer(reader, "low");
    step->epoch = take_integer(reader, "epoch");
    step->attempt = take_integer(reader, "attempt");
    step->began = take_integer(reader, "began");
    step->took = take_integer(reader, "took");
    step->fingerprint = take_fingerprint(reader);
    step->site = take_bytes_or_null(reader, "site");
}

static void read_pending(durable_reader *reader, durable_pending *pending)
{
    pending->position = take_integer(reader, "pending");
    pending->kind = take_word(reader, "kind", DURABLE_WORDS_KIND);
    pending->name = take_text(reader, "name");
    pending->name_length = strlen(pending->name);
    pending->intent = take_word_or(reader, "intent", DURABLE_WORDS_INTENT, DURABLE_NO_INTENT);
    pending->attempt = take_integer(reader, "attempt");
    pending->began = take_integer(reader, "began");
    pending->due = take_time(reader, "due");
    pending->deadline = take_time(reader, "deadline");
    pending->interval = take_integer(reader, "interval");
    pending->choice = take_integer(reader, "choice");
    take_value(reader, "value", &pending->details);
    pending->failure = take_bytes_or_null(reader, "failure");
}

static void read_signal(durable_reader *reader, durable_signal_row *signal)
{
    signal->address = take_address(reader);
    signal->key = take_text_or_null(reader, "key");
    take_value(reader, "value", &signal->value);
    signal->failure = take_bytes_or_null(reader, "failure");
    signal->sent = take_integer(reader, "sent");
    signal->received = take_number(reader, "received_at", -1);
}

/* ---- Lines --------------------------------------------------------------------------------- */

/* The first member tells what the line is. */
static int type_of_line(durable_reader *reader)
{
    static const struct {
        const char *name;
        int type;
    } lines[] = {{"durable", DURABLE_LINE_HEADER}, {"queue", DURABLE_ROW_QUEUE},
                 {"run", DURABLE_ROW_RUN},         {"step", DURABLE_ROW_STEP},
                 {"pending", DURABLE_ROW_PENDING}, {"signal", DURABLE_ROW_SIGNAL},
                 {"end", DURABLE_LINE_END}};

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (strcmp(reader->members[0].name, lines[i].name) == 0) return lines[i].type;
    complain_about(reader, reader->members[0].name,
                   "\"durable\", \"queue\", \"run\", \"step\", \"pending\", \"signal\" or \"end\" "
                   "as the first member of a line", "it");
    return 0;
}

static int read_members(durable_reader *reader, const char *line, size_t length)
{
    int code;

    durable_arena_clear(&reader->arena);
    memset(reader->used, 0, sizeof reader->used);
    reader->count = 0;
    reader->code = DUR_OK;
    if (memchr(line, 0, length) || !durable_utf8_valid(line, length))
        return durable_error_set(reader->error, DUR_INVALID,
                                 "expected UTF-8, found bytes that are none");
    code = durable_json_visit(reader->json, line, length, note_member, reader, reader->error);
    if (code == DUR_INVALID && reader->code == DUR_OK)
        return durable_error_set(reader->error, DUR_INVALID,
                                 "expected a JSON object (RFC 8259), found none");
    return code;
}

static void refuse_others(durable_reader *reader)
{
    for (size_t i = 0; i < reader->count; i++)
        if (!reader->used[i])
            complain_about(reader, reader->members[i].name, "no such member in this line", "it");
}

/* Whatever else a newer version has in its first line. */
static void read_header(durable_reader *reader, int64_t *number)
{
    *number = take_integer(reader, "durable");
    if (reader->code == DUR_OK && *number > DURABLE_FORMAT_VERSION)
        reader->code = durable_error_set(reader->error, DUR_VERSION_TOO_NEW,
                                         "\"durable\": expected version %d of the format, found "
                                         "%lld: a newer library wrote it",
                                         DURABLE_FORMAT_VERSION, (long long)*number);
}

DURABLE_INTERNAL int durable_read_line(durable_reader *reader, const char *line, size_t length,
                                       int *type, durable_row *row, int64_t *number)
{
    int code = read_members(reader, line, length);

    memset(row, 0, sizeof *row);
    *number = 0;
    if (code != DUR_OK) return code;
    *type = row->type = type_of_line(reader);
    switch (*type) {
    case DURABLE_LINE_HEADER: read_header(reader, number); break;
    case DURABLE_ROW_QUEUE: read_queue(reader, &row->of.queue); break;
    case DURABLE_ROW_RUN: read_run(reader, &row->of.run); break;
    case DURABLE_ROW_STEP: read_step(reader, &row->of.step); break;
    case DURABLE_ROW_PENDING: read_pending(reader, &row->of.pending); break;
    case DURABLE_ROW_SIGNAL: read_signal(reader, &row->of.signal); break;
    case DURABLE_LINE_END: *number = take_integer(reader, "end"); break;
    default: break;
    }
    refuse_others(reader);
    return reader->code;
}
