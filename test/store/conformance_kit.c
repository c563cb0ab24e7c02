/* test/store: what the tests of the conformance suite share. */
#include "store/conformance_kit.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct kept {
    kept *next;
};

int conformance_setup(void **state)
{
    conformance *c = calloc(1, sizeof *c);

    assert_non_null(c);
    c->subject = *state;
    c->store = c->subject->open(c->subject, &c->world);
    assert_non_null(c->store);
    *state = c;
    return 0;
}

/* Law 5 is checked after every test: whatever it did, no cursor stays open. */
int conformance_teardown(void **state)
{
    conformance *c = *state;
    bool idle = c->subject->is_idle(c->world);

    c->store->methods->close(c->store);
    c->subject->close(c->world);
    while (c->memory) {
        kept *next = c->memory->next;

        free(c->memory);
        c->memory = next;
    }
    free(c);
    return idle ? 0 : -1;
}

void *keep(conformance *c, const void *bytes, size_t length)
{
    kept *block;

    if (!bytes) return NULL;
    block = malloc(sizeof *block + length + 1);
    assert_non_null(block);
    block->next = c->memory;
    c->memory = block;
    memcpy(block + 1, bytes, length);
    ((char *)(block + 1))[length] = '\0';
    return block + 1;
}

static const char *keep_text(conformance *c, const char *text)
{
    return text ? keep(c, text, strlen(text)) : NULL;
}

static durable_datum keep_datum(conformance *c, const durable_datum *datum)
{
    durable_datum copy = *datum;

    if (copy.type == DURABLE_DATUM_TEXT || copy.type == DURABLE_DATUM_BLOB)
        copy.bytes = copy.length ? keep(c, copy.bytes, copy.length) : "";
    return copy;
}

void reopen(conformance *c)
{
    c->store->methods->close(c->store);
    c->store = c->subject->reopen(c->world);
    assert_non_null(c->store);
}

/* ---- Data ---- */

durable_datum datum_null(void)
{
    return (durable_datum){.type = DURABLE_DATUM_NULL};
}

durable_datum datum_integer(int64_t integer)
{
    return (durable_datum){.type = DURABLE_DATUM_INTEGER, .integer = integer};
}

durable_datum datum_real(double real)
{
    return (durable_datum){.type = DURABLE_DATUM_REAL, .real = real};
}

durable_datum datum_text(const char *text)
{
    return (durable_datum){.type = DURABLE_DATUM_TEXT, .bytes = text, .length = strlen(text)};
}

durable_datum datum_blob(const void *bytes, size_t length)
{
    return (durable_datum){.type = DURABLE_DATUM_BLOB, .bytes = bytes, .length = length};
}

durable_datum datum_format(durable_datum datum, int format)
{
    datum.format = format;
    return datum;
}

size_t datum_specimens(durable_datum *specimens, size_t room)
{
    static const unsigned char bytes[] = {0, 1, 0xff, 0xfe, 0, 0x80};
    const durable_datum all[] = {
        datum_null(),
        datum_integer(0),
        datum_integer(-1),
        datum_integer(INT64_MIN),
        datum_integer(INT64_MAX),
        datum_real(0.0),
        datum_real(-0.0),
        datum_real(1.0), /* not the integer 1 */
        datum_real(0.1),
        datum_real(DBL_MAX),
        datum_real(-DBL_MIN),
        datum_real(4.9406564584124654e-324),
        datum_real((double)INFINITY),
        datum_real(-(double)INFINITY),
        datum_text("text"),
        datum_text(""),
        {.type = DURABLE_DATUM_TEXT, .bytes = "cut here", .length = 3},
        datum_text("123"), /* not an integer */
        datum_text("1e3"),
        datum_text("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
        datum_blob(bytes, sizeof bytes),
        datum_blob("", 0),
        datum_blob("not text", 8),
        {.type = DURABLE_DATUM_BLOB, .bytes = NULL, .length = 0},
        {.type = DURABLE_DATUM_TEXT, .bytes = NULL, .length = 0},
        /* The store does not know what a format means. */
        datum_format(datum_integer(INT64_C(0x7ff8000000000123)), DURABLE_FORMAT_NAN),
        datum_format(datum_integer(INT64_MIN), DURABLE_FORMAT_UNSIGNED),
        datum_format(datum_blob(bytes, sizeof bytes), DURABLE_FORMAT_TEXT),
        datum_format(datum_blob("", 0), DURABLE_FORMAT_TEXT),
        datum_format(datum_blob(bytes, sizeof bytes), DURABLE_FORMAT_OBJECT + 3),
        datum_format(datum_blob(bytes, sizeof bytes), 1000),
    };

    assert_true(COUNT(all) <= room);
    memcpy(specimens, all, sizeof all);
    return COUNT(all);
}

void assert_datum(const durable_datum *actual, const durable_datum *expected)
{
    assert_int_equal(actual->type, expected->type);
    assert_int_equal(actual->format, expected->format);
    switch (expected->type) {
    case DURABLE_DATUM_NULL: break;
    case DURABLE_DATUM_INTEGER: assert_true(actual->integer == expected->integer); break;
    case DURABLE_DATUM_REAL:
        assert_memory_equal(&actual->real, &expected->real, sizeof actual->real);
        break;
    default:
        assert_int_equal(actual->length, expected->length);
        if (expected->length) assert_memory_equal(actual->bytes, expected->bytes, actual->length);
        break;
    }
}

/* ---- Runs ---- */

durable_new_run plain_run(const char *id)
{
    return (durable_new_run){.id = id,
                             .uid = "0123456789abcdef",
                             .workflow = "order",
                             .behaviour = 1,
                             .queue = "orders",
                             .priority = 3,
                             .owner = "owner-1",
                             .token = RUN_TOKEN,
                             .lease_end = RUN_LEASE,
                             .due = DURABLE_NEVER,
                             .deadline = DURABLE_NEVER,
                             .now = RUN_NOW};
}

durable_fence start_run(conformance *c, const durable_new_run *new_run)
{
    durable_fence fence = {0, 0, 0, 0};
    bool created = false;

    assert_int_equal(c->store->methods->create_run(c->store, new_run, &created, &fence), DUR_OK);
    assert_true(created);
    return fence;
}

durable_fence start(conformance *c, const char *id)
{
    durable_new_run new_run = plain_run(id);

    return start_run(c, &new_run);
}

typedef struct look_context {
    conformance *c;
    durable_run_record record;
    int calls;
} look_context;

static int keep_run(const durable_run_record *record, void *context)
{
    look_context *look = context;
    conformance *c = look->c;

    look->calls++;
    look->record = *record;
    look->record.id = keep_text(c, record->id);
    look->record.uid = keep_text(c, record->uid);
    look->record.workflow = keep_text(c, record->workflow);
    look->record.owner = keep_text(c, record->owner);
    look->record.failure = keep_text(c, record->failure);
    look->record.queue = keep_text(c, record->queue);
    look->record.origin = keep_text(c, record->origin);
    look->record.input = keep_datum(c, &record->input);
    look->record.output = keep_datum(c, &record->output);
    return 0;
}

durable_run_record look(conformance *c, const char *id)
{
    look_context context = {.c = c};

    assert_int_equal(c->store->methods->find_run(c->store, id, keep_run, &context), DUR_OK);
    assert_int_equal(context.calls, 1);
    return context.record;
}

bool exists(conformance *c, const char *id)
{
    look_context context = {.c = c};
    int code = c->store->methods->find_run(c->store, id, keep_run, &context);

    assert_int_equal(code, context.calls ? DUR_OK : DUR_NOT_FOUND);
    return context.calls > 0;
}

static void assert_same_text(const char *a, const char *b)
{
    if (a && b)
        assert_string_equal(a, b);
    else
        assert_true(a == b);
}

void assert_same_run(const durable_run_record *a, const durable_run_record *b)
{
    assert_true(a->run == b->run && a->epoch == b->epoch && a->token == b->token);
    assert_true(a->lease_end == b->lease_end && a->claims == b->claims);
    assert_true(a->created == b->created && a->ended == b->ended && a->due == b->due);
    assert_true(a->cancels == b->cancels && a->deadline == b->deadline && a->root == b->root);
    assert_true(a->parent == b->parent && a->called_at == b->called_at && a->depth == b->depth);
    assert_true(a->paused == b->paused && a->generation == b->generation);
    assert_int_equal(a->priority, b->priority);
    assert_same_text(a->queue, b->queue);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->behaviour, b->behaviour);
    assert_same_text(a->id, b->id);
    assert_same_text(a->uid, b->uid);
    assert_same_text(a->workflow, b->workflow);
    assert_same_text(a->owner, b->owner);
    assert_same_text(a->failure, b->failure);
    assert_datum(&a->input, &b->input);
    assert_datum(&a->output, &b->output);
}

durable_claim plain_claim(const durable_fence *fence)
{
    return (durable_claim){.run = fence->run,
                           .seen_epoch = fence->epoch,
                           .seen_token = fence->token,
                           .seen_held = true,
                           .owner = "owner-2",
                           .token = 22,
                           .lease_end = 5000,
                           .claims = 2,
                           .now = 1200};
}

static durable_fence claimed(conformance *c, const durable_claim *claim)
{
    durable_fence taken = {0, 0, 0, 0};
    bool is_claimed = false;

    assert_int_equal(c->store->methods->claim_run(c->store, claim, &is_claimed, &taken), DUR_OK);
    assert_true(is_claimed);
    return taken;
}

durable_fence take_over(conformance *c, const durable_fence *fence)
{
    durable_claim claim = plain_claim(fence);

    return claimed(c, &claim);
}

durable_fence take_up(conformance *c, const durable_fence *fence)
{
    durable_claim claim = plain_claim(fence);

    claim.seen_held = false;
    return claimed(c, &claim);
}

int verdict_of_gone(const conformance *c, int code)
{
    return c->subject->joins && code == DUR_ROLLED_BACK ? DUR_LOST : code;
}

durable_fence other_fence(durable_fence fence, int64_t epoch, int64_t token)
{
    fence.epoch = epoch;
    fence.token = token;
    fence.provisional = 0;
    return fence;
}

/* ---- Steps ---- */

durable_outcome plain_outcome(durable_fence *fence, int64_t position)
{
    return (durable_outcome){.fence = fence,
                             .position = position,
                             .kind = DURABLE_KIND_STEP,
                             .outcome = DURABLE_OUTCOME_RESULT,
                             .name = "step",
                             .name_length = 4,
                             .value = datum_integer(7),
                             .low = position,
                             .attempt = 1,
                             .began = 1100,
                             .took = 5,
                             .site = "order.c:12",
                             .verdict = 77};
}

int append(conformance *c, durable_outcome outcome)
{
    assert_int_equal(c->store->methods->append_outcomes(c->store, &outcome, 1), DUR_OK);
    return outcome.verdict;
}

void record(conformance *c, durable_fence *fence, int64_t position)
{
    assert_int_equal(append(c, plain_outcome(fence, position)), DUR_OK);
}

typedef struct load_context {
    conformance *c;
    history *rows;
} load_context;

static int keep_row(const durable_step_record *record, void *context)
{
    load_context *load = context;
    history *rows = load->rows;
    durable_step_record *row;

    assert_true(rows->count < rows->room);
    row = &rows->rows[rows->count++];
    *row = *record;
    row->name = keep(load->c, record->name, record->name_length);
    row->site = keep_text(load->c, record->site);
    row->value = keep_datum(load->c, &record->value);
    return 0;
}

history load(conformance *c, int64_t run, int64_t from, int64_t to, int64_t limit, bool details)
{
    enum { ROOM = 512 };
    static const durable_step_record none[ROOM];
    history rows = {keep(c, none, sizeof none), 0, ROOM};
    load_context context = {c, &rows};
    int64_t position = -1;

    assert_int_equal(c->store->methods->load_history(c->store, run, from, to, limit, details,
                                                     keep_row, &context, &position),
                     DUR_OK);
    return rows;
}

history load_all(conformance *c, int64_t run)
{
    return load(c, run, 1, DUR_POSITION_MAX, 512, true);
}

durable_history_summary summarize(conformance *c, int64_t run)
{
    durable_history_summary summary = {-1, -1, -1, false};

    assert_int_equal(c->store->methods->summarize_history(c->store, run, &summary), DUR_OK);
    return summary;
}
