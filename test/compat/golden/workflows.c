/* test/compat: the workflows of the recordings in this folder. As they stand here they have to be
 * found in the recordings of every version: what is new gets a workflow of its own. */
#include "golden.h"

#include <math.h>

/* ---- An order ---- */

static int refund(dur_step *step, void *user)
{
    golden *world = user;

    world->bodies++;
    return dur_record_result(step, dur_step_value(step));
}

static int order(dur_run *run, void *user)
{
    golden *world = user;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_value input = dur_input(run);
    int64_t payment = 0, parcel = 0;

    options.fingerprint = dur_fingerprint(0, "card 4242", 9);
    options.undo = refund;
    options.user = world;
    DUR_STEP(run, "charge", payment, &options) {
        world->bodies++;
        payment = 4711;
    }
    if (dur_sleep(run, "cool-off", GOLDEN_DAY_MS) != DUR_OK) return 0;
    DUR_TX_STEP(run, "ship", parcel) {
        world->bodies++;
        if (sqlite3_exec(world->db, "INSERT INTO ledger(cents) VALUES(100)", NULL, NULL, NULL))
            dur_fail(run, "%s", sqlite3_errmsg(world->db));
        parcel = sqlite3_changes(world->db);
    }
    if (input.type == DUR_TEXT && input.length == 4) dur_fail(run, "the parcel came back");
    return dur_set_output(run, dur_integer(payment));
}

/* ---- Values ---- */

static void step_value(dur_run *run, golden *world, const char *name, dur_value given)
{
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    dur_value value;

    options.fingerprint = dur_fingerprint(UINT64_MAX, name, 1);
    DUR_STEP(run, name, value, &options) {
        world->bodies++;
        value = given;
    }
}

static double with_bits(uint64_t bits)
{
    double real;

    memcpy(&real, &bits, sizeof real);
    return real;
}

static int values(dur_run *run, void *user)
{
    golden *world = user;
    int64_t now_ms;
    uint64_t number;
    char uuid[DUR_UUID_SIZE];

    step_value(run, world, "null", dur_null());
    step_value(run, world, "least", dur_integer(INT64_MIN));
    step_value(run, world, "most", dur_unsigned(UINT64_MAX));
    step_value(run, world, "third", dur_real(1.0 / 3));
    step_value(run, world, "minus nothing", dur_real(-0.0));
    step_value(run, world, "smallest", dur_real(with_bits(1)));
    step_value(run, world, "infinite", dur_real((double)-INFINITY));
    step_value(run, world, "no number", dur_real(with_bits(UINT64_C(0xFFF8000000000123))));
    step_value(run, world, "text",
               dur_text("gr\xc3\xbc\xc3\x9f dich,\n\"Welt\"\\ \xf0\x9f\x8d\xb5"));
    step_value(run, world, "no utf-8", dur_text_n("\xff\xc3", 2));
    step_value(run, world, "with a nul", dur_text_n("a\0b", 3));
    step_value(run, world, "empty", dur_text(""));
    step_value(run, world, "bytes", dur_blob("\0\x01\xfe\xff", 4));
    step_value(run, world, "no bytes", dur_blob(NULL, 0));
    DUR_STEP(run, "failing") { dur_fail(run, "out of %s", "paper"); }
    if (!dur_catch(run)) return 1;
    if (dur_now(run, "now", &now_ms) != DUR_OK || dur_random(run, "random", &number) != DUR_OK)
        return 0;
    if (dur_uuid(run, "uuid", uuid) != DUR_OK) return 0;
    return dur_set_output(run, dur_real(with_bits(UINT64_C(0x7FF8000000000456))));
}

typedef struct pair {
    int32_t first, second;
} pair;

/* Its bytes are of one machine. */
static int object(dur_run *run, void *user)
{
    pair both = {0, 0};

    (void)user;
    DUR_STEP(run, "pair", both) {
        both.first = 1;
        both.second = 2;
    }
    return both.second != 2;
}

/* ---- Waits ---- */

static bool see_what_came(dur_run *run)
{
    dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    dur_step *callback = NULL;
    dur_case cases[2];
    dur_value value;
    size_t which;

    if (dur_sleep(run, "nap", GOLDEN_DAY_MS) != DUR_OK) return false;
    if (dur_receive(run, "word", DUR_FOREVER, &value) != DUR_OK) return false;
    if (dur_receive(run, "payment", DUR_FOREVER, &value) == DUR_FAILED) dur_catch(run);
    cases[0] = dur_on_timer(GOLDEN_DAY_MS);
    cases[1] = dur_on_signal("late");
    if (dur_select(run, "first", cases, 2, &which) != DUR_OK) return false;
    options.timeout_ms = GOLDEN_DAY_MS;
    if (dur_begin_callback(run, "unanswered", &options, &callback) != DUR_OK) return false;
    if (dur_await(callback, &value) != DUR_TIMED_OUT) return false;
    return dur_receive(run, "nobody", 0, &value) == DUR_TIMED_OUT;
}

/* Two attempts fail, a day apart, with how far they came. */
static void upload(dur_run *run, golden *world)
{
    dur_retry patient = DUR_RETRY_INIT;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;

    patient.initial_ms = GOLDEN_DAY_MS;
    patient.jitter = DUR_JITTER_NONE;
    options.retry = &patient;
    options.timeout_ms = 100 * GOLDEN_DAY_MS;
    DUR_STEP_VOID(run, "upload", &options) {
        dur_step *step = dur_current_step(run);

        world->bodies++;
        if (dur_step_attempt(step) < 3) {
            dur_heartbeat(step, dur_unsigned(UINT64_MAX));
            dur_fail(run, "gr\xc3\xbc\xc3\x9f dich %d", (int)dur_step_attempt(step));
        }
    }
}

static int waits(dur_run *run, void *user)
{
    golden *world = user;
    dur_callback_options options = DUR_CALLBACK_OPTIONS_INIT;
    dur_step *approval = NULL;
    dur_value value;

    if (!see_what_came(run)) return 0;
    options.timeout_ms = 1000 * GOLDEN_DAY_MS;
    options.heartbeat_ms = 500 * GOLDEN_DAY_MS;
    if (dur_begin_callback(run, "approval", &options, &approval) != DUR_OK) return 0;
    memcpy(world->approval, dur_callback_token(approval), strlen(dur_callback_token(approval)) + 1);
    upload(run, world);
    if (dur_receive(run, "late", DUR_FOREVER, &value) != DUR_OK) return 0;
    if (dur_await(approval, &value) != DUR_OK) return 0;
    return dur_set_output(run, value);
}

/* One wait, and what it brings is the output. */
static int clerk(dur_run *run, void *user)
{
    dur_value go;

    (void)user;
    if (dur_receive(run, "go", DUR_FOREVER, &go) != DUR_OK) return 0;
    return dur_set_output(run, go);
}

/* ---- Children ---- */

static int give_input(dur_run *run, void *user)
{
    golden *world = user;
    int64_t twice = 0;

    DUR_STEP(run, "twice", twice) {
        world->bodies++;
        twice = 2 * dur_input(run).as.integer;
    }
    if (twice == 4) dur_fail(run, "no luck with %d", (int)twice);
    return dur_set_output(run, dur_integer(twice));
}

/* Three children that have ended, a batch of three, a started one; then two that wait. */
static int family(dur_run *run, void *user)
{
    static const int64_t numbers[] = {1, 2, 3};
    dur_child_options options = DUR_CHILD_OPTIONS_INIT;
    dur_value items[3], value;
    dur_step *early = NULL, *late = NULL;
    dur_batch batch = {DUR_ALL_COMPLETED, 0, 0, 0, 0, NULL, NULL};

    options.input = dur_integer(1);
    if (dur_call(run, "good", &options, give_input, user, &value) != DUR_OK) return 0;
    options.input = dur_integer(2);
    if (dur_call(run, "bad", &options, give_input, user, NULL) == DUR_FAILED) dur_catch(run);
    for (int i = 0; i < 3; i++) items[i] = dur_integer(numbers[i]);
    if (dur_map(run, "fan", items, 3, give_input, user, NULL, &batch) != DUR_OK) return 0;
    options.input = dur_null();
    if (dur_start_child(run, "early", "clerk", &options, &early) != DUR_OK) return 0;
    if (dur_await(early, &value) != DUR_OK) return 0;
    options.timeout_ms = 1000 * GOLDEN_DAY_MS;
    if (dur_start_child(run, "late", "clerk", &options, &late) != DUR_OK) return 0;
    if (dur_call(run, "inside", &options, clerk, user, &value) != DUR_OK) return 0;
    if (dur_await(late, &value) != DUR_OK) return 0;
    return dur_set_output(run, value);
}

static int clerk_or_not(dur_run *run, void *user)
{
    return dur_input(run).as.integer == 2 ? clerk(run, user) : give_input(run, user);
}

/* A batch whose second branch waits. */
static int crowd(dur_run *run, void *user)
{
    dur_batch_options options = DUR_BATCH_OPTIONS_INIT;
    dur_value items[] = {dur_integer(1), dur_integer(2), dur_integer(3)};
    dur_batch batch = {DUR_ALL_COMPLETED, 0, 0, 0, 0, NULL, NULL};

    options.max_concurrency = 2;
    if (dur_map(run, "fan", items, 3, clerk_or_not, user, &options, &batch) != DUR_OK) return 0;
    return dur_set_output(run, dur_integer((int64_t)batch.succeeded));
}

/* ---- Ends ---- */

static int doubt(dur_run *run, void *user)
{
    golden *world = user;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    double charged = 0;

    options.mode = DUR_AT_MOST_ONCE;
    DUR_STEP(run, "charge", charged, &options) {
        world->bodies++;
        charged = 0.5;
        if (world->unplugged) dur_stop(run, "unplugged");
    }
    return dur_set_output(run, dur_real(charged));
}

/* Two steps that can be taken back, and a wait that a request to end is delivered to. */
static int ends(dur_run *run, void *user)
{
    golden *world = user;
    dur_step_options options = DUR_STEP_OPTIONS_INIT;
    uint64_t taken = 0;

    options.undo = refund;
    options.user = world;
    DUR_STEP(run, "take", taken, &options) { taken = UINT64_MAX; }
    DUR_STEP_VOID(run, "book", &options) { world->bodies++; }
    if (dur_input(run).type == DUR_TEXT) dur_fail(run, "sold out");
    if (dur_receive(run, "go", DUR_FOREVER, NULL) == DUR_OK || !dur_cancelled(run)) return 0;
    DUR_STEP(run, "clean") { world->bodies++; }
    return 0;
}

/* The second step is recorded first. */
static int gap(dur_run *run, void *user)
{
    golden *world = user;
    dur_step *first = NULL, *second = NULL;

    if (dur_begin_step(run, "first", NULL, &first) < 0) return 0;
    if (dur_begin_step(run, "second", NULL, &second) == DUR_EXECUTE)
        dur_record_result(second, dur_integer(2));
    if (world->unplugged) dur_stop(run, "unplugged");
    else dur_record_result(first, dur_integer(1));
    return 0;
}

/* ---- Changes ---- */

/* A counter that starts anew with each reading, up to the third. */
static int meter(dur_run *run, void *user)
{
    int64_t count = dur_input(run).as.integer;
    dur_value reading;

    (void)user;
    if (count == 3) {
        if (dur_receive(run, "stop", DUR_FOREVER, NULL) != DUR_OK) return 0;
        return dur_set_output(run, dur_integer(count));
    }
    if (dur_receive(run, "reading", DUR_FOREVER, &reading) != DUR_OK) return 0;
    return dur_continue_as_new(run, dur_integer(count + 1));
}

static int patched(dur_run *run, void *user)
{
    golden *world = user;

    if (!world->older && dur_patch(run, "audit"))
        DUR_STEP(run, "audit") { world->bodies++; }
    DUR_STEP(run, "work") { world->bodies++; }
    return dur_receive(run, "go", DUR_FOREVER, NULL) == DUR_FAILED;
}

static int renamed(dur_run *run, void *user)
{
    golden *world = user;

    DUR_STEP(run, world->other ? "another name" : "a name") { world->bodies++; }
    return dur_receive(run, "go", DUR_FOREVER, NULL) == DUR_FAILED;
}

/* ---- The world ---- */

const golden_workflow golden_workflows[] = {
    {"order", order},   {"values", values}, {"object", object}, {"waits", waits},
    {"clerk", clerk},   {"family", family}, {"crowd", crowd},   {"doubt", doubt},
    {"ends", ends},     {"gap", gap},       {"meter", meter},   {"patched", patched},
    {"renamed", renamed}, {NULL, NULL}};

static int64_t golden_now(void *user)
{
    const golden *world = user;

    return world->now_ms;
}

/* xorshift64 (Marsaglia, Xorshift RNGs, 2003): the same in each making. */
static void golden_random(void *bytes, size_t count, void *user)
{
    golden *world = user;
    unsigned char *to = bytes;

    for (size_t i = 0; i < count; i++) {
        world->chance ^= world->chance << 13;
        world->chance ^= world->chance >> 7;
        world->chance ^= world->chance << 17;
        to[i] = (unsigned char)(world->chance >> 32);
    }
}

void golden_init(golden *world, sqlite3 *db, dur_options *options)
{
    const dur_options defaults = DUR_OPTIONS_INIT;

    memset(world, 0, sizeof *world);
    world->db = db;
    world->now_ms = INT64_C(1767225600000);
    world->chance = 88172645463325252;
    *options = defaults;
    options->now_ms = golden_now;
    options->random = golden_random;
    options->code_version = "golden 1";
    options->user = world;
}

int golden_open(golden *world, const dur_options *options, dur_log **log)
{
    int code;

    if (!options->read_only)
        sqlite3_exec(world->db, "CREATE TABLE IF NOT EXISTS ledger(cents INTEGER)", NULL, NULL,
                     NULL);
    code = dur_open(world->db, options, log);
    for (const golden_workflow *one = golden_workflows; code == DUR_OK && one->name; one++)
        code = dur_register(*log, one->name, one->fn, world);
    if (code == DUR_OK) code = dur_serve_queue(*log, "a queue", NULL);
    return code;
}

dur_workflow *golden_find(const char *workflow)
{
    for (const golden_workflow *one = golden_workflows; one->name; one++)
        if (strcmp(one->name, workflow) == 0) return one->fn;
    return NULL;
}
