/* test/api: law 1, the guest. Whatever is called, the host's connection stays as it was. */
#include "api/script.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- A host that has set all it can set, and looks after every call -------------------------- */

typedef enum place { IN_MAIN = 0, IN_TEMP = 1, IN_ATTACHED = 2 } place;
typedef enum around { NOTHING = 0, A_BEGIN = 1, AN_IMMEDIATE = 2, SAVEPOINTS = 3 } around;

typedef struct circumstances {
    host_journal journal;
    place place;
    around around;
    bool thorough; /* PRAGMAs and rows after every call; they read, and so begin a transaction */
    bool foreign_keys;
    bool busy_timeout;
    bool utf16;
    bool odd; /* settings that few hosts have */
} circumstances;

typedef struct test_guest {
    circumstances as;
    test_host host;
    dur_log *log;
    char *picture;
    sqlite3_int64 rowid;
    int64_t schema_version; /* -1: may change */
    bool looking;           /* the SQL that is traced is the test's own */
    int autocommit;
    int updates, commits, rollbacks, frames, questions, progress;
    int calls;
    int bodies;
} test_guest;

/* All that is handed to the library begins like this, so that it can be found where it was left. */
#define MARK "GuestBytes"

static const char *schema_of(const test_guest *guest)
{
    static const char *const names[] = {"main", "temp", "side"};

    return names[guest->as.place];
}

static void on_update(void *user, int what, const char *schema, const char *table,
                      sqlite3_int64 rowid)
{
    test_guest *guest = user;

    (void)what, (void)schema, (void)table, (void)rowid;
    guest->updates++;
}

static int on_commit(void *user)
{
    test_guest *guest = user;

    guest->commits++;
    return 0;
}

static void on_rollback(void *user)
{
    test_guest *guest = user;

    guest->rollbacks++;
}

static int on_frames(void *user, sqlite3 *db, const char *schema, int pages)
{
    test_guest *guest = user;

    (void)db, (void)schema, (void)pages;
    guest->frames++;
    return SQLITE_OK;
}

static int on_question(void *user, int action, const char *a, const char *b, const char *c,
                       const char *d)
{
    test_guest *guest = user;

    (void)action, (void)a, (void)b, (void)c, (void)d;
    guest->questions++;
    return SQLITE_OK;
}

static int on_progress(void *user)
{
    test_guest *guest = user;

    guest->progress++;
    return 0;
}

/* Law 1: no PRAGMA is set, ever, and what the host began is the host's to end. */
static int on_statement(unsigned what, void *user, void *statement, void *text)
{
    const test_guest *guest = user;
    const char *sql = text;

    (void)what, (void)statement;
    if (guest->looking) return 0;
    if (sqlite3_strnicmp(sql, "PRAGMA", 6) == 0) assert_null(strchr(sql, '='));
    if (guest->as.around != NOTHING) {
        assert_int_not_equal(0, sqlite3_strnicmp(sql, "BEGIN", 5));
        assert_int_not_equal(0, sqlite3_strnicmp(sql, "COMMIT", 6));
        assert_int_not_equal(0, sqlite3_strnicmp(sql, "END", 3));
        if (sqlite3_strnicmp(sql, "ROLLBACK", 8) == 0) assert_non_null(strstr(sql, " TO "));
    }
    return 0;
}

static void install_hooks(test_guest *guest)
{
    sqlite3 *db = guest->host.db;

    sqlite3_update_hook(db, on_update, guest);
    sqlite3_commit_hook(db, on_commit, guest);
    sqlite3_rollback_hook(db, on_rollback, guest);
    sqlite3_wal_hook(db, on_frames, guest);
    sqlite3_set_authorizer(db, on_question, guest);
    sqlite3_progress_handler(db, 50, on_progress, guest);
    sqlite3_trace_v2(db, SQLITE_TRACE_STMT, on_statement, guest);
}

/* Each setter gives back the argument that was set before. */
static void check_hooks(test_guest *guest)
{
    sqlite3 *db = guest->host.db;
    int questions = guest->questions;
    int progress = guest->progress;

    assert_ptr_equal(guest, sqlite3_update_hook(db, on_update, guest));
    assert_ptr_equal(guest, sqlite3_commit_hook(db, on_commit, guest));
    assert_ptr_equal(guest, sqlite3_rollback_hook(db, on_rollback, guest));
    assert_ptr_equal(guest, sqlite3_wal_hook(db, on_frames, guest));
    assert_int_equal(500, host_number(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                                          "FROM n WHERE i < 500) SELECT max(i) FROM n"));
    assert_true(guest->questions > questions);
    assert_true(guest->progress > progress);
}

static void set_settings(const test_guest *guest)
{
    sqlite3 *db = guest->host.db;

    host_run(db, "PRAGMA user_version = 77; PRAGMA application_id = 1234; PRAGMA cache_size = -321;"
                 "PRAGMA foreign_keys = %d", guest->as.foreign_keys);
    if (guest->as.busy_timeout) sqlite3_busy_timeout(db, 17);
    if (guest->as.odd)
        host_run(db, "PRAGMA reverse_unordered_selects = ON; PRAGMA recursive_triggers = ON;"
                     "PRAGMA count_changes = ON; PRAGMA full_column_names = ON;"
                     "PRAGMA short_column_names = OFF; PRAGMA trusted_schema = OFF;"
                     "PRAGMA cell_size_check = ON; PRAGMA secure_delete = ON;"
                     "PRAGMA case_sensitive_like = ON; PRAGMA ignore_check_constraints = ON");
    if (guest->as.odd) {
        sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
        sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
        sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_extended_result_codes(db, 1);
    }
}

static void attach(const test_guest *guest)
{
    sqlite3 *db = guest->host.db;

    if (guest->as.journal == HOST_MEMORY) {
        host_run(db, "ATTACH ':memory:' AS side");
        return;
    }
    host_run(db, "ATTACH '%q-side' AS side", guest->host.path);
    host_run(db, "PRAGMA side.synchronous = OFF");
    if (guest->as.journal == HOST_WAL) host_run(db, "PRAGMA side.journal_mode = WAL");
}

/* Tables with what the host has of everything; a log that mistook one of them would be noticed. */
static void make_business(const test_guest *guest)
{
    host_run(guest->host.db,
             "CREATE TABLE parcel (id INTEGER PRIMARY KEY, what TEXT UNIQUE, weight REAL);"
             "CREATE TABLE stamp (parcel REFERENCES parcel (id) DEFERRABLE INITIALLY DEFERRED,"
             "                    face BLOB);"
             "CREATE TABLE steps (step, name); CREATE TABLE runs (id, uid);"
             "CREATE INDEX by_weight ON parcel (weight);"
             "CREATE VIEW heavy AS SELECT * FROM parcel WHERE weight > 10;"
             "CREATE TABLE journal (line);"
             "CREATE TRIGGER note AFTER INSERT ON parcel BEGIN"
             "    INSERT INTO journal VALUES (new.what); END;"
             "CREATE TEMP TABLE scratch (x); CREATE TABLE side.elsewhere (y);"
             "INSERT INTO scratch VALUES (1); INSERT INTO side.elsewhere VALUES (2);"
             "INSERT INTO parcel VALUES (5, 'piano', 400.5), (6, 'feather', 1e-3);"
             "INSERT INTO stamp VALUES (5, x'00ff'); INSERT INTO steps VALUES (NULL, 'mine')");
}

static void begin_transaction(const test_guest *guest)
{
    static const char *const sql[] = {"", "BEGIN", "BEGIN IMMEDIATE",
                                      "SAVEPOINT outer; SAVEPOINT \"inner one\"; SAVEPOINT outer"};

    host_run(guest->host.db, "%s", sql[guest->as.around]);
}

static void look(test_guest *guest)
{
    sqlite3_free(guest->picture);
    guest->picture = host_picture(guest->host.db);
    guest->schema_version = host_number(guest->host.db, "PRAGMA %s.schema_version",
                                        schema_of(guest));
}

/* What the host itself has just done is no fault of the library. */
static void host_did(test_guest *guest)
{
    guest->looking = true;
    guest->rowid = sqlite3_last_insert_rowid(guest->host.db);
    guest->autocommit = sqlite3_get_autocommit(guest->host.db);
    if (guest->as.thorough) look(guest);
    guest->looking = false;
}

static int make_guest(void **state)
{
    test_guest *fresh = calloc(1, sizeof *fresh);
    const circumstances *as = *state;

    assert_non_null(fresh);
    fresh->as = *as;
    *state = fresh;
    host_open_encoded(&fresh->host, as->journal, as->utf16 ? "UTF-16le" : "UTF-8");
    attach(fresh);
    make_business(fresh);
    set_settings(fresh);
    look(fresh);
    install_hooks(fresh);
    fresh->looking = true;
    begin_transaction(fresh);
    sqlite3_set_last_insert_rowid(fresh->host.db, 4711);
    host_did(fresh);
    return 0;
}

static int free_guest(void **state)
{
    test_guest *guest = *state;

    sqlite3_free(guest->picture);
    sqlite3_trace_v2(guest->host.db, 0, NULL, NULL);
    host_close(&guest->host);
    free(guest);
    return 0;
}

/* ---- The look after every call --------------------------------------------------------------- */

static void check_connection(test_guest *guest)
{
    sqlite3 *db = guest->host.db;

    assert_int_equal(0, host_active_statements(db));
    assert_int_equal(guest->rowid, sqlite3_last_insert_rowid(db));
    assert_int_equal(guest->autocommit, sqlite3_get_autocommit(db));
    if (guest->autocommit) assert_int_equal(SQLITE_TXN_NONE, sqlite3_txn_state(db, NULL));
    assert_false(host_statements_hold(db, MARK));
    assert_false(host_statements_hold(db, "########"));
}

static void check_picture(test_guest *guest)
{
    char *before = sqlite3_mprintf("%s", guest->picture);

    assert_same(before, host_picture(guest->host.db));
    if (guest->schema_version >= 0)
        assert_int_equal(guest->schema_version, host_number(guest->host.db,
                                                            "PRAGMA %s.schema_version",
                                                            schema_of(guest)));
}

static void check(test_guest *guest, const char *call, int line)
{
    guest->calls++;
    guest->looking = true;
    if (host_active_statements(guest->host.db) ||
        guest->rowid != sqlite3_last_insert_rowid(guest->host.db) ||
        guest->autocommit != sqlite3_get_autocommit(guest->host.db))
        print_error("line %d: %s\n", line, call);
    check_connection(guest);
    if (guest->as.thorough) {
        check_hooks(guest);
        check_picture(guest);
    }
    guest->looking = false;
}

/* Make a call, then look. */
#define CALL(guest, call)                                                                          \
    do {                                                                                           \
        call;                                                                                      \
        check((guest), #call, __LINE__);                                                           \
    } while (0)

/* Memory of the host that is gone when the call has returned. */
static char *lend(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);

    assert_non_null(copy);
    memcpy(copy, text, size);
    return copy;
}

static void take_back(char *text)
{
    memset(text, '#', strlen(text));
    free(text);
}

#define LENT(guest, text, call)                                                                    \
    do {                                                                                           \
        char *lent = lend(text);                                                                   \
        call;                                                                                      \
        take_back(lent);                                                                           \
        check((guest), #call, __LINE__);                                                           \
    } while (0)

/* ---- Every public call ----------------------------------------------------------------------- */

static void open_guest_log(test_guest *guest)
{
    dur_options options = host_options(&guest->host);
    char schema[8];
    int code = -1;

    snprintf(schema, sizeof schema, "%s", schema_of(guest));
    options.schema = schema;
    guest->schema_version = -1;
    CALL(guest, code = dur_open(guest->host.db, &options, &guest->log));
    memset(schema, '#', sizeof schema);
    assert_code(DUR_OK, code, guest->log);
    host_did(guest);
    CALL(guest, dur_errmsg(guest->log));
    CALL(guest, dur_sqlite_errcode(guest->log));
    CALL(guest, dur_get_divergence(guest->log));
}

static int answer(dur_step *step, void *user)
{
    test_guest *guest = user;
    int code = -1;

    guest->bodies++;
    CALL(guest, dur_step_idempotency_key(step));
    CALL(guest, dur_step_position(step));
    CALL(guest, dur_step_value(step));
    LENT(guest, MARK " answer", code = dur_record_result(step, dur_text(lent)));
    return code;
}

static int refuse(dur_step *step, void *user)
{
    test_guest *guest = user;
    int code = -1;

    guest->bodies++;
    LENT(guest, MARK " refusal", code = dur_record_failure(step, lent));
    return code;
}

static void business_of_the_host(test_guest *guest)
{
    guest->looking = true;
    host_run(guest->host.db, "INSERT INTO parcel (what, weight) VALUES ('book %d', 0.5)",
             ++guest->bodies);
    host_did(guest);
}

static void use_the_verbs(dur_run *run, test_guest *guest)
{
    dur_value value = dur_null();
    uint64_t mark = 0;
    int code = -1;

    CALL(guest, mark = dur_mark(run));
    LENT(guest, MARK " call",
         code = dur_replay_or_run(run, lent, NULL, answer, guest, &value));
    assert_int_equal(DUR_OK, code);
    assert_int_equal(DUR_TEXT, value.type);
    assert_string_equal(MARK " answer", value.as.bytes);
    CALL(guest, dur_release(run, mark));
    LENT(guest, MARK " refused", code = dur_replay_or_run(run, lent, NULL, refuse, guest, NULL));
    assert_int_equal(DUR_FAILED, code);
    CALL(guest, dur_ok(run));
    CALL(guest, assert_has(dur_catch(run), MARK " refusal"));
}

static int whole_workflow(dur_run *run, void *user)
{
    test_guest *guest = user;
    const char *text;
    char word[24];
    double number;
    dur_value bytes;

    CALL(guest, dur_run_id(run));
    CALL(guest, dur_input(run));
    DUR_STEP(run, MARK " text", text) {
        char *copy = sqlite3_mprintf("%s of a body", MARK);

        check(guest, "DUR_STEP begun", __LINE__);
        business_of_the_host(guest);
        CALL(guest, text = dur_own(run, copy, sqlite3_free));
        CALL(guest, dur_step_position(dur_current_step(run)));
        CALL(guest, dur_step_idempotency_key(dur_current_step(run)));
    }
    check(guest, "DUR_STEP ended", __LINE__);
    assert_string_equal(MARK " of a body", text);
    DUR_STEP(run, MARK " word", word) { memcpy(word, MARK, sizeof MARK); }
    check(guest, "DUR_STEP", __LINE__);
    memset(word, '#', sizeof word);
    DUR_STEP(run, MARK " number", number) { number = 1.5; }
    check(guest, "DUR_STEP", __LINE__);
    DUR_STEP(run, MARK " bytes", bytes) { bytes = dur_blob(MARK, sizeof MARK); }
    check(guest, "DUR_STEP", __LINE__);
    DUR_STEP(run, MARK " failing") { CALL(guest, dur_fail(run, "%s %d", MARK, 7)); }
    check(guest, "DUR_STEP", __LINE__);
    CALL(guest, dur_catch(run));
    use_the_verbs(run, guest);
    CALL(guest, assert_int_equal(DUR_OK, dur_run_code(run)));
    CALL(guest, dur_run_errmsg(run));
    LENT(guest, MARK " output", assert_int_equal(DUR_OK, dur_set_output(run, dur_text(lent))));
    return 0;
}

static void execute_twice(test_guest *guest)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_run_info info = DUR_RUN_INFO_INIT;
    char *input = lend(MARK " input");
    int code = -1;
    int bodies;

    start.input = dur_text(input);
    LENT(guest, MARK "-run",
         code = dur_execute(guest->log, MARK, lent, &start, whole_workflow, guest));
    assert_code(DUR_OK, code, guest->log);
    bodies = guest->bodies;
    LENT(guest, MARK "-run",
         code = dur_execute(guest->log, MARK, lent, &start, whole_workflow, guest));
    take_back(input);
    check(guest, "the input taken back", __LINE__);
    assert_code(DUR_OK, code, guest->log);
    assert_int_equal(bodies, guest->bodies);
    CALL(guest, assert_string_equal(MARK " output", dur_output(guest->log).as.bytes));
    LENT(guest, MARK "-run", code = dur_read_run(guest->log, lent, &info));
    assert_code(DUR_OK, code, guest->log);
    assert_string_equal(MARK " input", info.input.as.bytes);
    CALL(guest, assert_int_equal(DUR_NOT_FOUND, dur_read_run(guest->log, "no such", &info)));
}

/* Floor 2: the first pass leaves a gap, the second replays around it. */
static void explicit_pass(test_guest *guest, bool first)
{
    dur_run *run = NULL, *none = NULL;
    dur_step *one = NULL, *two = NULL;
    int code = -1;

    LENT(guest, MARK "-open", code = dur_begin_run(guest->log, MARK, lent, NULL, &run));
    assert_code(DUR_OK, code, guest->log);
    CALL(guest, code = dur_begin_run(guest->log, MARK, MARK "-open", NULL, &none));
    assert_code(DUR_OWNED, code, guest->log);
    LENT(guest, MARK " one", code = dur_begin_step(run, lent, NULL, &one));
    assert_int_equal(DUR_EXECUTE, code);
    LENT(guest, MARK " two", code = dur_begin_step(run, lent, NULL, &two));
    assert_int_equal(first ? DUR_EXECUTE : DUR_REPLAYED, code);
    if (first)
        LENT(guest, MARK " 2", assert_int_equal(DUR_OK, dur_record_result(two, dur_text(lent))));
    CALL(guest, dur_step_value(two));
    if (!first) {
        LENT(guest, MARK " 1", code = dur_record_result(one, dur_blob(lent, strlen(lent))));
        assert_int_equal(DUR_OK, code);
        LENT(guest, MARK " end", code = dur_complete_run(run, dur_text(lent)));
        assert_code(DUR_OK, code, guest->log);
    }
    CALL(guest, dur_close_run(run));
}

static void fail_a_run(test_guest *guest)
{
    dur_run *run = NULL;
    int code = -1;

    CALL(guest, code = dur_begin_run(guest->log, MARK, MARK "-failing", NULL, &run));
    assert_code(DUR_OK, code, guest->log);
    LENT(guest, MARK " reason", assert_int_equal(DUR_OK, dur_fail_run(run, lent)));
    CALL(guest, dur_close_run(run));
    CALL(guest, code = dur_begin_run(guest->log, MARK, MARK "-failing", NULL, &run));
    assert_code(DUR_FAILED, code, guest->log);
}

static int ask_one(dur_run *run, void *user)
{
    test_guest *guest = user;

    DUR_STEP(run, MARK " asked") { }
    check(guest, "DUR_STEP", __LINE__);
    return 0;
}

/* The calls that are refused, and a divergence. */
static void be_refused(test_guest *guest)
{
    dur_run *run = NULL;
    dur_step *step = NULL;
    int code = -1;

    CALL(guest, code = dur_begin_run(guest->log, MARK, MARK "-diverging", NULL, &run));
    assert_code(DUR_OK, code, guest->log);
    assert_int_equal(DUR_EXECUTE, dur_begin_step(run, MARK " recorded", NULL, &step));
    CALL(guest, assert_int_equal(DUR_OK, dur_record_result(step, dur_null())));
    CALL(guest, assert_int_equal(DUR_MISUSE, dur_record_result(step, dur_null())));
    CALL(guest, dur_close_run(run));
    CALL(guest, code = dur_execute(guest->log, MARK, MARK "-diverging", NULL, ask_one, guest));
    assert_code(DUR_DIVERGED, code, guest->log);
    CALL(guest, assert_non_null(dur_get_divergence(guest->log)));
    CALL(guest, code = dur_execute(guest->log, "other", MARK "-run", NULL, ask_one, guest));
    assert_code(DUR_CONFLICT, code, guest->log);
    CALL(guest, code = dur_execute(guest->log, "", MARK "-run", NULL, ask_one, guest));
    assert_code(DUR_MISUSE, code, guest->log);
}

static void end_transaction(test_guest *guest)
{
    guest->looking = true;
    assert_int_equal(guest->as.around == NOTHING, sqlite3_get_autocommit(guest->host.db));
    if (guest->as.around == SAVEPOINTS)
        host_run(guest->host.db, "RELEASE outer; RELEASE \"inner one\"; RELEASE outer");
    else if (guest->as.around != NOTHING)
        host_run(guest->host.db, "COMMIT");
    host_did(guest);
}

static void law1_every_call_leaves_the_connection_as_it_was(void **state)
{
    test_guest *guest = *state;

    open_guest_log(guest);
    execute_twice(guest);
    explicit_pass(guest, true);
    explicit_pass(guest, false);
    fail_a_run(guest);
    be_refused(guest);
    CALL(guest, dur_close(guest->log));
    open_guest_log(guest);
    CALL(guest, dur_close(guest->log));
    end_transaction(guest);
    assert_true(guest->calls > 60);
    assert_true(guest->updates > 0);
    guest->as.thorough = true;
    look(guest);
    check(guest, "the end", __LINE__);
    assert_int_equal(4, host_number(guest->host.db, "SELECT count(*) FROM %s.durable_runs_view",
                                    schema_of(guest)));
}

/* ---- All circumstances ----------------------------------------------------------------------- */

#define ALL_CIRCUMSTANCES (3 * 3 * 4 * 2)

/* Journal, place and transaction in all their combinations; the rest goes round. */
static circumstances circumstances_of(unsigned number)
{
    circumstances as;
    unsigned rest = number / 2;

    as.thorough = number % 2;
    as.journal = (host_journal)(rest % 3);
    as.place = (place)(rest / 3 % 3);
    as.around = (around)(rest / 9);
    as.foreign_keys = (rest + as.thorough) % 2;
    as.busy_timeout = rest / 2 % 2;
    as.utf16 = rest / 4 % 2;
    as.odd = (rest + rest / 3) % 2;
    return as;
}

static void name_circumstances(const circumstances *as, char *name, size_t size)
{
    static const char *const journals[] = {"memory", "rollback", "WAL"};
    static const char *const places[] = {"main", "temp", "attached"};
    static const char *const arounds[] = {"autocommit", "BEGIN", "BEGIN IMMEDIATE", "savepoints"};

    snprintf(name, size, "law 1: %s, %s, %s%s%s%s%s%s", journals[as->journal], places[as->place],
             arounds[as->around], as->foreign_keys ? ", foreign keys" : "",
             as->busy_timeout ? ", busy timeout" : "", as->utf16 ? ", UTF-16" : "",
             as->odd ? ", odd settings" : "", as->thorough ? ", every PRAGMA" : "");
}

int main(void)
{
    static circumstances all[ALL_CIRCUMSTANCES];
    static char names[ALL_CIRCUMSTANCES][128];
    struct CMUnitTest tests[ALL_CIRCUMSTANCES];

    for (unsigned i = 0; i < ALL_CIRCUMSTANCES; i++) {
        const struct CMUnitTest test = {names[i], law1_every_call_leaves_the_connection_as_it_was,
                                        make_guest, free_guest, &all[i]};

        all[i] = circumstances_of(i);
        name_circumstances(&all[i], names[i], sizeof names[i]);
        memcpy(&tests[i], &test, sizeof test);
    }
    return cmocka_run_group_tests_name("guest", tests, NULL, NULL);
}
