/* test/store: what the parts of the conformance suite share that are about waiting and driving. */
#include "store/conformance_waits.h"

#include <stdlib.h>

/* ---- Runs without an owner ---- */

durable_new_run unclaimed_run(const char *id)
{
    durable_new_run new_run = plain_run(id);

    new_run.owner = NULL;
    new_run.lease_end = 0;
    new_run.due = 3000;
    return new_run;
}

void start_unclaimed_run(conformance *c, const durable_new_run *new_run)
{
    bool created = false;

    assert_int_equal(c->store->methods->create_run(c->store, new_run, &created, NULL), DUR_OK);
    assert_true(created);
}

void start_unclaimed(conformance *c, const char *id, int64_t due)
{
    durable_new_run new_run = unclaimed_run(id);

    new_run.due = due;
    start_unclaimed_run(c, &new_run);
}

durable_claim claim_on(conformance *c, const char *id)
{
    durable_run_record run = look(c, id);
    durable_fence seen = {run.run, run.epoch, run.token, 0};

    durable_claim claim = plain_claim(&seen);

    claim.seen_held = run.owner != NULL;
    return claim;
}

bool try_claim(conformance *c, const durable_claim *claim, durable_fence *fence)
{
    bool claimed = true;

    assert_int_equal(c->store->methods->claim_run(c->store, claim, &claimed, fence), DUR_OK);
    return claimed;
}

durable_fence claim_run_of(conformance *c, const char *id)
{
    durable_claim claim = claim_on(c, id);
    durable_fence fence = {0, 0, 0, 0};

    assert_true(try_claim(c, &claim, &fence));
    return fence;
}

void release(conformance *c, durable_fence *fence, int64_t due)
{
    assert_int_equal(c->store->methods->release_run(c->store, fence, due), DUR_OK);
}

void end_as(conformance *c, durable_fence *fence, int status)
{
    durable_ending ending = {.status = status, .now = 1900};

    assert_int_equal(c->store->methods->end_run(c->store, fence, &ending), DUR_OK);
}

durable_store *use_other(conformance *c)
{
    durable_store *first = c->store;

    c->store = c->subject->reopen(c->world);
    assert_non_null(c->store);
    return first;
}

void close_other(conformance *c, durable_store *first)
{
    c->store->methods->close(c->store);
    c->store = first;
}

/* ---- Pending rows ---- */

durable_pending plain_pending(int64_t position)
{
    return (durable_pending){.position = position,
                             .kind = DURABLE_KIND_STEP,
                             .name = "charge",
                             .name_length = 6,
                             .attempt = 1,
                             .began = 1100,
                             .due = 2000,
                             .deadline = DURABLE_NEVER,
                             .failure = "no connection"};
}

durable_pending plain_callback(int64_t position)
{
    return (durable_pending){.position = position,
                             .kind = DURABLE_KIND_CALLBACK,
                             .name = "approval",
                             .name_length = 8,
                             .began = 1100,
                             .due = 2000,
                             .deadline = 9000,
                             .interval = 500};
}

int put(conformance *c, durable_fence *fence, durable_pending pending)
{
    return c->store->methods->put_pending(c->store, fence, &pending, 0);
}

typedef struct waits_context {
    conformance *c;
    waits *rows;
} waits_context;

static int keep_pending(const durable_pending *pending, void *context)
{
    waits_context *load = context;
    durable_pending *row;
    size_t length = pending->details.length;
    bool has_bytes =
        pending->details.type == DURABLE_DATUM_TEXT || pending->details.type == DURABLE_DATUM_BLOB;

    assert_true(load->rows->count < load->rows->room);
    row = &load->rows->rows[load->rows->count++];
    *row = *pending;
    row->name = keep(load->c, pending->name, pending->name_length);
    if (has_bytes) row->details.bytes = length ? keep(load->c, pending->details.bytes, length) : "";
    if (pending->failure) row->failure = keep(load->c, pending->failure, strlen(pending->failure));
    return 0;
}

waits load_waits(conformance *c, int64_t run)
{
    enum { ROOM = 64 };
    static const durable_pending none[ROOM];
    waits rows = {keep(c, none, sizeof none), 0, ROOM};
    waits_context context = {c, &rows};
    int64_t position = -1;

    assert_int_equal(
        c->store->methods->load_pending(c->store, run, keep_pending, &context, &position), DUR_OK);
    return rows;
}

void assert_same_pending(const durable_pending *a, const durable_pending *b)
{
    assert_true(a->position == b->position && a->attempt == b->attempt && a->began == b->began);
    assert_true(a->due == b->due && a->deadline == b->deadline && a->interval == b->interval);
    assert_true(a->choice == b->choice);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->intent, b->intent);
    assert_int_equal(a->name_length, b->name_length);
    assert_memory_equal(a->name, b->name, a->name_length);
    assert_datum(&a->details, &b->details);
    assert_int_equal(a->failure != NULL, b->failure != NULL);
    if (a->failure) assert_string_equal(a->failure, b->failure);
}

/* ---- Suspending ---- */

int suspend(conformance *c, durable_fence *fence, int64_t due, const char *address)
{
    const durable_suspension suspension = {
        .due = due, .awaits = &address, .await_count = address != NULL, .now = 1500};

    return c->store->methods->suspend_run(c->store, fence, &suspension);
}

/* ---- Signals ---- */

durable_signal plain_signal(const char *name, int64_t integer, int64_t now)
{
    return (durable_signal){.name = name, .value = datum_integer(integer), .now = now};
}

int send(conformance *c, const char *id, durable_signal signal)
{
    return c->store->methods->send_signal(c->store, id, &signal);
}

typedef struct peek_context {
    conformance *c;
    durable_signal_record record;
    int calls;
} peek_context;

static int keep_signal(const durable_signal_record *record, void *context)
{
    peek_context *look = context;
    const durable_datum *value = &record->value;
    bool has_bytes = value->type == DURABLE_DATUM_TEXT || value->type == DURABLE_DATUM_BLOB;

    look->calls++;
    look->record = *record;
    if (has_bytes)
        look->record.value.bytes =
            value->length ? keep(look->c, value->bytes, value->length) : "";
    if (record->failure)
        look->record.failure = keep(look->c, record->failure, strlen(record->failure));
    return 0;
}

bool peek(conformance *c, int64_t run, const char *address, durable_signal_record *record)
{
    peek_context context = {.c = c};
    int code = c->store->methods->peek_signal(c->store, run, address, keep_signal, &context);

    assert_int_equal(code, context.calls ? DUR_OK : DUR_NOT_FOUND);
    assert_true(context.calls <= 1);
    if (record) *record = context.record;
    return context.calls == 1;
}

void receive(conformance *c, durable_fence *fence, int64_t position, const char *name)
{
    durable_outcome outcome = plain_outcome(fence, position);
    durable_signal_record signal;

    assert_true(peek(c, fence->run, name, &signal));
    outcome.kind = DURABLE_KIND_RECEIVE;
    outcome.value = signal.value;
    outcome.takes_signal = signal.signal;
    assert_int_equal(append(c, outcome), DUR_OK);
}
