/* test/store: the conformance suite, whole logs: visited row by row, and put into others. */
#include "store/conformance_rows.h"
#include "store/conformance_children.h"
#include "support/internal/memory_store.h"

#include <inttypes.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Other logs ---- */

/* A log of the same kind, or the in-memory one. */
typedef struct other_log {
    const conformance_subject *subject;
    void *world;
    durable_store *store;
} other_log;

static other_log open_same(conformance *c)
{
    other_log other = {.subject = c->subject};

    other.store = c->subject->open(c->subject, &other.world);
    assert_non_null(other.store);
    return other;
}

static other_log open_in_memory(void)
{
    return (other_log){.store = memory_store_new()};
}

static void close_log(other_log *other)
{
    bool idle = !other->subject || other->subject->is_idle(other->world);

    other->store->methods->close(other->store);
    if (other->subject) other->subject->close(other->world);
    assert_true(idle);
}

static void assert_same_rows(durable_store *a, durable_store *b)
{
    narrative rows[2];

    narrative_init(&rows[0]);
    narrative_init(&rows[1]);
    assert_int_equal(rows_of(a, NULL, &rows[0]), DUR_OK);
    assert_int_equal(rows_of(b, NULL, &rows[1]), DUR_OK);
    assert_string_equal(rows[0].text, rows[1].text);
    narrative_free(&rows[0]);
    narrative_free(&rows[1]);
}

/* ---- What is visited, in short ---- */

static int add_head(const durable_row *row, void *context)
{
    narrative *heads = context;

    switch (row->type) {
    case DURABLE_ROW_QUEUE: narrative_add(heads, "[%s]", row->of.queue.queue); break;
    case DURABLE_ROW_RUN:
        narrative_add(heads, " %s", row->of.run.id);
        if (row->of.run.parent)
            narrative_add(heads, "<%s@%" PRId64, row->of.run.parent, row->of.run.called_at);
        if (row->of.run.called) narrative_add(heads, "!");
        if (row->of.run.origin) narrative_add(heads, "^%s", row->of.run.origin);
        break;
    case DURABLE_ROW_STEP: narrative_add(heads, " #%" PRId64, row->of.step.position); break;
    case DURABLE_ROW_PENDING: narrative_add(heads, " ?%" PRId64, row->of.pending.position); break;
    case DURABLE_ROW_SIGNAL:
        narrative_add(heads, " ~%s%s", row->of.signal.address,
                      row->of.signal.received < 0 ? "" : "(received)");
        break;
    default: narrative_add(heads, " what?"); break;
    }
    return DUR_OK;
}

static void assert_heads(conformance *c, const char *run_id, const char *expected)
{
    narrative heads;

    narrative_init(&heads);
    assert_int_equal(c->store->methods->visit_rows(c->store, run_id, add_head, &heads), DUR_OK);
    assert_string_equal(heads.text, expected);
    narrative_free(&heads);
}

static durable_fence call(conformance *c, const char *id, const durable_fence *parent,
                          int64_t position, int64_t root, int depth)
{
    const durable_child_spec spec = {
        .id = id, .parent = parent, .position = position, .root = root, .depth = depth};

    return create_child(c, &spec);
}

static void start_child(conformance *c, const char *id, const durable_fence *parent,
                        int64_t position, int on_parent_end)
{
    const durable_child_spec spec = {.id = id,
                                     .parent = parent,
                                     .position = position,
                                     .depth = 1,
                                     .on_parent_end = on_parent_end};

    create_child(c, &spec);
}

static void send_keyed(conformance *c, const char *id, const char *name, const char *key)
{
    durable_signal signal = plain_signal(name, 1, 1300);

    signal.key = key;
    assert_int_equal(send(c, id, signal), DUR_OK);
}

/* ---- The order ---- */

static void a_family_comes_depth_first_and_a_runs_own_rows_before_its_children(void **state)
{
    conformance *c = *state;
    const durable_limits limits = {1, 2, 3};
    durable_fence first, second, late, early, below;

    assert_int_equal(c->store->methods->limit_queue(c->store, "z", &limits), DUR_OK);
    assert_int_equal(c->store->methods->limit_queue(c->store, "\xc3\xa9", &limits), DUR_OK);
    assert_int_equal(c->store->methods->limit_queue(c->store, "a", &limits), DUR_OK);
    first = start(c, "first");
    second = start(c, "second");
    late = call(c, "late", &first, 7, first.run, 1);
    start_child(c, "started", &second, 1, DUR_CHILD_LEAVE);
    early = call(c, "early", &first, 3, first.run, 1);
    below = call(c, "below", &late, 1, first.run, 2);
    start_child(c, "beside", &first, 3, DUR_CHILD_WAIT);
    record(c, &first, 2);
    record(c, &first, 1);
    record(c, &below, 1);
    record(c, &early, 1);
    assert_int_equal(put(c, &first, plain_pending(5)), DUR_OK);
    assert_int_equal(put(c, &first, plain_pending(3)), DUR_OK);
    send_keyed(c, "first", "b", "k");
    send_keyed(c, "first", "a", NULL);
    assert_heads(c, NULL,
                 "[a][z][\xc3\xa9] first #1 #2 ?3 ?5 ~b ~a early<first@3! #1 beside<first@3"
                 " late<first@7! below<late@1! #1 second started<second@1");
    assert_heads(c, "first",
                 " first #1 #2 ?3 ?5 ~b ~a early<first@3! #1 beside<first@3"
                 " late<first@7! below<late@1! #1");
}

static void what_was_received_is_visited_where_it_keeps_a_key(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");

    send_keyed(c, "order-1", "mail", "k");
    send_keyed(c, "order-1", "news", NULL);
    send_keyed(c, "order-1", "news", "k");
    receive(c, &fence, 1, "mail");
    receive(c, &fence, 2, "news");
    assert_heads(c, NULL, " order-1 #1 #2 ~mail(received) ~news");
}

static void a_started_child_may_be_visited_alone(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "parent");
    other_log other = open_same(c);

    call(c, "called", &fence, 1, fence.run, 1);
    start_child(c, "started", &fence, 2, DUR_CHILD_CANCEL);
    assert_heads(c, "started", " started");
    assert_int_equal(rows_copy(c->store, "started", other.store), DUR_OK);
    assert_int_equal(c->store->methods->visit_rows(c->store, "called", add_head, NULL),
                     DUR_CONFLICT);
    assert_int_equal(c->store->methods->visit_rows(c->store, "nobody", add_head, NULL),
                     DUR_NOT_FOUND);
    close_log(&other);
}

static void children_of_one_that_is_gone_have_no_parent(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "parent");

    start_child(c, "child", &fence, 2, DUR_CHILD_CANCEL);
    start(c, "order-1");
    c->subject->delete_run(c->world, "parent");
    assert_heads(c, NULL, " child order-1");
}

/* ---- Where runs come from ---- */

static void restart_at(conformance *c, const char *source, const char *id, int64_t position)
{
    const durable_restart wanted = {.source = source,
                                    .id = id,
                                    .uid = "fedcba9876543210fedcba9876543210",
                                    .position = position,
                                    .now = 5000};

    assert_int_equal(c->store->methods->restart_run(c->store, &wanted), DUR_OK);
}

static void continue_as(conformance *c, durable_fence *fence, const char *id, const char *old_id)
{
    const durable_successor successor = {.id = id,
                                         .old_id = old_id,
                                         .uid = "00112233445566778899aabbccddeeff",
                                         .code_version = "2.1",
                                         .behaviour = 1,
                                         .input = datum_integer(2),
                                         .due = 2500};
    const durable_ending ending = {
        .status = DURABLE_CONTINUED, .successor = &successor, .now = 2500};

    assert_int_equal(c->store->methods->end_run(c->store, fence, &ending), DUR_OK);
}

/* It is told only where an import would find it. */
static void an_origin_is_given_where_it_has_come_before(void **state)
{
    conformance *c = *state;
    durable_fence meter = start(c, "meter");

    record(c, &meter, 1);
    restart_at(c, "meter", "again", 2);
    continue_as(c, &meter, "meter", "meter~1");
    assert_heads(c, NULL, " meter~1 #1 again^meter~1 #1 meter^meter~1");
    assert_heads(c, "again", " again #1");
    assert_heads(c, "meter", " meter");
}

static void an_origin_below_another_run_comes_before_too(void **state)
{
    conformance *c = *state;
    durable_fence parent = start(c, "parent"), child;

    start_child(c, "child", &parent, 1, DUR_CHILD_WAIT);
    child = claim_run_of(c, "child");
    record(c, &child, 1);
    restart_at(c, "child", "again", 2);
    continue_as(c, &child, "child", "child~1");
    assert_heads(c, NULL, " parent child~1<parent@1 #1 child<parent@1^child~1 again^child~1 #1");
    assert_heads(c, "parent", " parent child~1<parent@1 #1 child<parent@1^child~1");
    assert_heads(c, "child", " child");
}

/* ---- One row ---- */

typedef struct only_run {
    conformance *c;
    durable_run_row row; /* of it, without its texts */
} only_run;

static int keep_only_run(const durable_row *row, void *context)
{
    only_run *only = context;

    if (row->type != DURABLE_ROW_RUN) return DUR_OK;
    only->row = row->of.run;
    only->row.failure = keep(only->c, row->of.run.failure,
                             row->of.run.failure ? strlen(row->of.run.failure) : 0);
    return DUR_OK;
}

static durable_run_row row_of_run(conformance *c, const char *id)
{
    only_run only = {.c = c};

    assert_int_equal(c->store->methods->visit_rows(c->store, id, keep_only_run, &only), DUR_OK);
    return only.row;
}

static void one_that_is_held_is_given_as_if_it_were_released(void **state)
{
    conformance *c = *state;
    durable_fence fence = start(c, "order-1");
    durable_ending parked = {.status = DURABLE_PARKED, .failure = "it waits for you", .now = 1600};
    durable_run_row row;

    assert_int_equal(c->store->methods->end_run(c->store, &fence, &parked), DUR_OK);
    row = row_of_run(c, "order-1");
    assert_int_equal(row.status, DURABLE_PARKED);
    assert_string_equal(row.failure, "it waits for you");
    assert_true(row.due == DURABLE_NEVER && row.epoch == 1 && row.claims == 1);
    take_up(c, &fence);
    row = row_of_run(c, "order-1");
    assert_int_equal(row.status, DURABLE_RUNNING);
    assert_null(row.failure);
    assert_true(row.due == RUN_NOW && row.created == RUN_NOW && row.ended == 0);
    assert_true(row.epoch == 2 && row.claims == 2);
}

/* ---- A log with everything in it ---- */

static void record_every_value(conformance *c, durable_fence *fence)
{
    durable_datum specimens[64];
    size_t count = datum_specimens(specimens, COUNT(specimens));

    for (size_t i = 0; i < count; i++) {
        durable_outcome outcome = plain_outcome(fence, (int64_t)i + 1);

        outcome.value = specimens[i];
        outcome.site = i % 2 ? "order.c:12" : NULL;
        outcome.attempt = (int64_t)i + 1;
        outcome.fingerprint = i % 3 ? UINT64_MAX - i : 0;
        assert_int_equal(append(c, outcome), DUR_OK);
    }
}

static void record_every_kind(conformance *c, durable_fence *fence)
{
    for (int kind = DURABLE_KIND_STEP; kind <= DURABLE_KIND_PATCH; kind++)
        for (int how = DURABLE_OUTCOME_RESULT; how <= DURABLE_OUTCOME_TIMED_OUT; how++) {
            durable_outcome outcome = plain_outcome(fence, 3 * kind + how);

            outcome.kind = kind;
            outcome.outcome = how;
            if (how == DURABLE_OUTCOME_FAILURE) outcome.value = datum_text("no");
            if (how == DURABLE_OUTCOME_TIMED_OUT) outcome.value = datum_null();
            assert_int_equal(append(c, outcome), DUR_OK);
        }
}

static void put_every_pending(conformance *c, durable_fence *fence)
{
    for (int i = DURABLE_KIND_STEP; i <= DURABLE_KIND_PATCH; i++) {
        durable_pending pending = i % 2 ? plain_pending(i) : plain_callback(i);

        pending.kind = i;
        pending.intent = i % 4;
        pending.choice = i % 3;
        pending.details = i % 2 ? datum_blob("\0\xff", 2) : datum_real(0.5);
        pending.failure = i % 2 ? "it did not answer" : NULL;
        if (i % 3 == 0) pending.due = DURABLE_NEVER;
        assert_int_equal(put(c, fence, pending), DUR_OK);
    }
}

static void make_waiting(conformance *c)
{
    durable_new_run new_run = plain_run("waiting");
    durable_fence fence;
    durable_signal failure = {.failure = "rejected", .now = 1400};
    durable_callback callback;

    new_run.code_version = "1.4";
    new_run.input = datum_text("in");
    new_run.deadline = 90000;
    fence = start_run(c, &new_run);
    put_every_pending(c, &fence);
    assert_int_equal(put(c, &fence, plain_callback(20)), DUR_OK);
    callback = (durable_callback){fence.run, 20, new_run.uid};
    assert_int_equal(c->store->methods->answer_callback(c->store, &callback, &failure), DUR_OK);
    send_keyed(c, "waiting", "mail", "k1");
    send_keyed(c, "waiting", "mail", "k2");
    send_keyed(c, "waiting", "news", NULL);
    receive(c, &fence, 30, "mail");
    /* It came before: due at once, not when it was sent. */
    assert_int_equal(suspend(c, &fence, DURABLE_NEVER, "news"), DUR_OK);
}

static void make_family(conformance *c)
{
    durable_fence parent = start(c, "parent"), child, below;

    record(c, &parent, 1);
    child = call(c, "parent/2", &parent, 2, parent.run, 1);
    below = call(c, "parent/2/1", &child, 1, parent.run, 2);
    record(c, &below, 1);
    end_as(c, &below, DURABLE_COMPLETED);
    assert_int_equal(suspend(c, &child, 7000, NULL), DUR_OK);
    start_child(c, "mail-1", &parent, 3, DUR_CHILD_CANCEL);
    start_child(c, "mail-2", &parent, 4, DUR_CHILD_LEAVE);
    assert_int_equal(c->store->methods->cancel_run(c->store, "mail-1", 1700), DUR_OK);
    assert_int_equal(suspend(c, &parent, 8000, "approval"), DUR_OK);
}

static void make_ended(conformance *c)
{
    static const struct {
        const char *id;
        int status;
    } runs[] = {{"completed", DURABLE_COMPLETED}, {"failed", DURABLE_FAILED},
                {"parked", DURABLE_PARKED},       {"cancelled", DURABLE_CANCELLED},
                {"timed out", DURABLE_TIMED_OUT}, {"terminated", DURABLE_TERMINATED}};

    for (size_t i = 0; i < COUNT(runs); i++) {
        durable_fence fence = start(c, runs[i].id);
        durable_ending ending = {.status = runs[i].status, .now = 1900};

        if (i % 2)
            ending.failure = "it went wrong";
        else
            ending.output = datum_format(datum_integer(-5), DURABLE_FORMAT_UNSIGNED);
        assert_int_equal(c->store->methods->end_run(c->store, &fence, &ending), DUR_OK);
    }
}

static void make_chain(conformance *c)
{
    durable_fence meter = start(c, "meter");

    record(c, &meter, 1);
    record(c, &meter, 2);
    send_keyed(c, "meter", "reading", "r1");
    send_keyed(c, "meter", "reading", "r2");
    receive(c, &meter, 3, "reading");
    continue_as(c, &meter, "meter", "meter~1");
    meter = claim_run_of(c, "meter");
    record(c, &meter, 1);
    continue_as(c, &meter, "meter", "meter~2");
    restart_at(c, "meter~1", "repaired", 3);
}

static void make_everything(conformance *c)
{
    const durable_limits limits = {10, 2, 1000}, none = {0, 0, 0};
    durable_fence fence;

    assert_int_equal(c->store->methods->limit_queue(c->store, "orders", &limits), DUR_OK);
    assert_int_equal(c->store->methods->limit_queue(c->store, "\xf0\x9f\x98\x80", &none), DUR_OK);
    assert_int_equal(c->store->methods->limit_queue(c->store, "\xef\xbf\xbc", &none), DUR_OK);
    fence = start(c, "values");
    record_every_value(c, &fence);
    fence = start(c, "kinds");
    record_every_kind(c, &fence);
    start_unclaimed(c, "to come", 4000);
    start_unclaimed(c, "paused", 4000);
    assert_int_equal(c->store->methods->pause_run(c->store, "paused", true, 1500), DUR_OK);
    make_waiting(c);
    make_family(c);
    make_ended(c);
    make_chain(c);
}

static void a_log_comes_back_as_it_was(void **state)
{
    conformance *c = *state;
    other_log same = open_same(c), memory = open_in_memory(), again = open_same(c);

    make_everything(c);
    assert_int_equal(rows_copy(c->store, NULL, same.store), DUR_OK);
    assert_same_rows(c->store, same.store);
    assert_int_equal(rows_copy(same.store, NULL, memory.store), DUR_OK);
    assert_same_rows(c->store, memory.store);
    assert_int_equal(rows_copy(memory.store, NULL, again.store), DUR_OK);
    assert_same_rows(c->store, again.store);
    close_log(&same);
    close_log(&memory);
    close_log(&again);
}

/* One that is imported is like any other; nobody holds it. */
static void an_imported_run_goes_on(void **state)
{
    conformance *c = *state;
    other_log from = open_in_memory();
    durable_store *first = c->store;
    durable_fence fence, parent;

    c->store = from.store;
    make_everything(c);
    c->store = first;
    fence = start(c, "order-1");
    assert_int_equal(rows_copy(from.store, NULL, c->store), DUR_OK);
    record(c, &fence, 1);
    fence = claim_run_of(c, "values");
    assert_true(fence.epoch == 2 && fence.run > 1);
    assert_int_equal(load_all(c, fence.run).count, summarize(c, fence.run).last);
    record(c, &fence, 99);
    fence = claim_run_of(c, "waiting");
    assert_true(load_waits(c, fence.run).count > 9);
    assert_false(peek(c, fence.run, "nothing", NULL));
    receive(c, &fence, 31, "mail");
    receive(c, &fence, 32, "news");
    assert_false(peek(c, fence.run, "mail", NULL));
    assert_int_equal(send(c, "parent", plain_signal("approval", 1, 6000)), DUR_OK);
    assert_true(look(c, "parent").due == 6000);
    parent = claim_run_of(c, "parent");
    assert_true(look(c, "parent/2").root == parent.run && look(c, "parent/2").depth == 1);
    assert_true(look(c, "parent/2/1").root == parent.run && look(c, "parent/2/1").depth == 2);
    assert_true(look(c, "mail-1").root == 0 && look(c, "mail-1").cancels);
    close_log(&from);
}

static void a_queue_keeps_the_limits_that_it_has(void **state)
{
    conformance *c = *state;
    const durable_limits here = {7, 0, 0}, there = {1, 2, 3};
    other_log from = open_in_memory();
    durable_queue found;

    assert_int_equal(from.store->methods->limit_queue(from.store, "a", &there), DUR_OK);
    assert_int_equal(from.store->methods->limit_queue(from.store, "b", &there), DUR_OK);
    assert_int_equal(c->store->methods->limit_queue(c->store, "a", &here), DUR_OK);
    assert_int_equal(rows_copy(from.store, NULL, c->store), DUR_OK);
    assert_int_equal(c->store->methods->look_at_queue(c->store, "a", "p", 1, &found), DUR_OK);
    assert_true(found.limits.max_active == 7 && found.limits.interval_us == 0);
    assert_int_equal(c->store->methods->look_at_queue(c->store, "b", "p", 1, &found), DUR_OK);
    assert_true(found.limits.max_active == 1 && found.limits.interval_us == 3);
    close_log(&from);
}

/* ---- The tables ---- */

size_t conformance_row_tests(const struct CMUnitTest **tests)
{
    static const struct CMUnitTest all[] = {
        cmocka_unit_test(a_family_comes_depth_first_and_a_runs_own_rows_before_its_children),
        cmocka_unit_test(what_was_received_is_visited_where_it_keeps_a_key),
        cmocka_unit_test(a_started_child_may_be_visited_alone),
        cmocka_unit_test(children_of_one_that_is_gone_have_no_parent),
        cmocka_unit_test(an_origin_is_given_where_it_has_come_before),
        cmocka_unit_test(an_origin_below_another_run_comes_before_too),
        cmocka_unit_test(one_that_is_held_is_given_as_if_it_were_released),
        cmocka_unit_test(a_log_comes_back_as_it_was),
        cmocka_unit_test(an_imported_run_goes_on),
        cmocka_unit_test(a_queue_keeps_the_limits_that_it_has),
    };

    *tests = all;
    return COUNT(all);
}
