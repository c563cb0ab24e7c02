/*
 * examples: host transaction, business rows and step records in one commit.
 *
 * Introduces the usage of: steps inside BEGIN and COMMIT of the host, dur_stop, DUR_ROLLED_BACK,
 * dur_read_run, DUR_NOT_FOUND, a SAVEPOINT inside a step.
 *
 *     04_host_transaction [DATABASE]        default: bank.db in the current directory, made anew
 *
 * The log lives in the host's database, so a host transaction can hold both the effect of a step
 * and its record. Then there is no moment between the two: after a crash either both are there or
 * neither is, and the step has happened exactly once. The price is that the record is as durable
 * as that transaction, and no more: rolled back, it is gone, and the library says so.
 */
#include <durable.h>
#include <sqlite3.h>
#include <stdio.h>

typedef struct branch {
    sqlite3 *db;
    bool change_of_mind; /* roll the transfer back after it was recorded */
    int transfers;       /* how often money was moved in this process */
    int letters;
} branch;

static bool run_sql(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
    return false;
}

static int number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int result = -1;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        result = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return result;
}

static int balance_of_bob(branch *bank)
{
    return number(bank->db, "SELECT cents FROM accounts WHERE name = 'bob'");
}

static void move_money(dur_run *run, void *user)
{
    branch *bank = user;

    bank->transfers++;
    if (!run_sql(bank->db, "UPDATE accounts SET cents = cents - 300 WHERE name = 'alice';"
                           "UPDATE accounts SET cents = cents + 300 WHERE name = 'bob'"))
        dur_stop(run, "no transfer now: %s", sqlite3_errmsg(bank->db));
}

/*
 * A database that is busy or full is no failure of the run, which would be for good: dur_stop()
 * leaves this pass, and the run goes on when it is executed again.
 *
 * On replay the transaction around "move-money" is empty, which costs nothing.
 *
 * After a ROLLBACK the workflow leaves. The library finds at its next write that the record is
 * gone, and stops the run with DUR_ROLLED_BACK; the body of a step begun here could be executed
 * before that, for a transfer that did not happen.
 */
static int transfer(dur_run *run, void *user)
{
    branch *bank = user;
    int letters;

    if (!run_sql(bank->db, "BEGIN IMMEDIATE")) {
        dur_stop(run, "no transaction now: %s", sqlite3_errmsg(bank->db));
        return 0;
    }
    DUR_STEP(run, "move-money") { move_money(run, bank); }
    if (bank->change_of_mind || !dur_ok(run) || !run_sql(bank->db, "COMMIT")) {
        run_sql(bank->db, "ROLLBACK");
        return 0;
    }
    DUR_STEP(run, "write-letter", letters) { letters = ++bank->letters; }
    return 0;
}

/* 1. Money and record are committed together; executed again, the run moves nothing. */
static bool commit_together(dur_log *log, branch *bank)
{
    int first = dur_execute(log, "transfer", "transfer-1", NULL, transfer, bank);
    int again = dur_execute(log, "transfer", "transfer-1", NULL, transfer, bank);

    printf("transfer-1: moved %d time, bob has %d cents\n", bank->transfers,
           balance_of_bob(bank));
    return first == DUR_OK && again == DUR_OK && bank->transfers == 1 &&
           balance_of_bob(bank) == 300;
}

/* 2. The host rolls back: money and record vanish together, and the run says DUR_ROLLED_BACK. It
 * did not go wrong, it did not happen; to execute it again is right. */
static bool roll_back_together(dur_log *log, branch *bank)
{
    int first, again;

    bank->change_of_mind = true;
    first = dur_execute(log, "transfer", "transfer-2", NULL, transfer, bank);
    printf("transfer-2: %s, bob has %d cents\n  %s\n", dur_code_name(first), balance_of_bob(bank),
           dur_errmsg(log));
    if (first != DUR_ROLLED_BACK || balance_of_bob(bank) != 300)
        return false;

    bank->change_of_mind = false;
    again = dur_execute(log, "transfer", "transfer-2", NULL, transfer, bank);
    printf("transfer-2: %s, bob has %d cents, %d letters were written\n", dur_code_name(again),
           balance_of_bob(bank), bank->letters);
    return again == DUR_OK && balance_of_bob(bank) == 600 && bank->letters == 2;
}

static int book(dur_run *run, void *user)
{
    int room;

    (void)user;
    DUR_STEP(run, "choose-room", room) { room = 7; }
    dur_set_output(run, dur_integer(room));
    return 0;
}

/* 3. A whole run can join a transaction, its start and its end included: no booking without its
 * row, no row without its booking. */
static bool whole_run(dur_log *log, branch *bank)
{
    dur_run_info info = DUR_RUN_INFO_INIT;
    int first, known, again;

    run_sql(bank->db, "BEGIN IMMEDIATE; INSERT INTO bookings VALUES('booking-1')");
    first = dur_execute(log, "book", "booking-1", NULL, book, bank);
    run_sql(bank->db, "ROLLBACK");
    known = dur_read_run(log, "booking-1", &info);
    printf("booking-1: %s, then ROLLBACK, then %s\n", dur_code_name(first), dur_code_name(known));
    if (first != DUR_OK || known != DUR_NOT_FOUND)
        return false;

    run_sql(bank->db, "BEGIN IMMEDIATE; INSERT INTO bookings VALUES('booking-1')");
    again = dur_execute(log, "book", "booking-1", NULL, book, bank);
    run_sql(bank->db, "COMMIT");
    known = dur_read_run(log, "booking-1", &info);
    printf("booking-1: %s, then COMMIT, now room %d\n", dur_code_name(again),
           (int)info.output.as.integer);
    return again == DUR_OK && known == DUR_OK && info.status == DUR_COMPLETED &&
           info.output.as.integer == 7 && number(bank->db, "SELECT count(*) FROM bookings") == 1;
}

/* The SAVEPOINT is inside the step, and is gone before the step is recorded: what a bad batch has
 * written is undone, that it was bad stays recorded. */
static void import_batch(dur_run *run, branch *bank, const char *rows)
{
    int result = sqlite3_exec(bank->db, "SAVEPOINT batch", NULL, NULL, NULL);

    if (result == SQLITE_OK)
        result = sqlite3_exec(bank->db, rows, NULL, NULL, NULL);
    if (result == SQLITE_CONSTRAINT) {
        dur_fail(run, "%s", sqlite3_errmsg(bank->db));
        result = sqlite3_exec(bank->db, "ROLLBACK TO batch", NULL, NULL, NULL);
    }
    if (result == SQLITE_OK)
        result = sqlite3_exec(bank->db, "RELEASE batch", NULL, NULL, NULL);
    if (result != SQLITE_OK)
        dur_stop(run, "no import now: %s", sqlite3_errmsg(bank->db));
}

static int import(dur_run *run, void *user)
{
    static const char *const batches[] = {
        "INSERT INTO accounts VALUES('carol', 100), ('dave', 200)",
        "INSERT INTO accounts VALUES('erin', 300); INSERT INTO accounts VALUES('bob', 400)",
        "INSERT INTO accounts VALUES('frank', 500)",
    };
    branch *bank = user;
    int skipped = 0;
    size_t i;

    for (i = 0; i < sizeof batches / sizeof *batches && dur_ok(run); i++) {
        const char *failure;

        if (!run_sql(bank->db, "BEGIN IMMEDIATE")) {
            dur_stop(run, "no transaction now: %s", sqlite3_errmsg(bank->db));
            return 0;
        }
        DUR_STEP(run, "batch") { import_batch(run, bank, batches[i]); }
        failure = dur_catch(run);
        if (failure) {
            printf("  batch %d is skipped: %s\n", (int)i + 1, failure);
            skipped++;
        }
        if (!dur_ok(run) || !run_sql(bank->db, "COMMIT")) {
            run_sql(bank->db, "ROLLBACK");
            return 0;
        }
    }
    dur_set_output(run, dur_integer(skipped));
    return 0;
}

/* 4. An importer skips the batch that names an account twice, all of it, and goes on. */
static bool skip_bad_batch(dur_log *log, branch *bank)
{
    int code = dur_execute(log, "import", "import-1", NULL, import, bank);
    int accounts = number(bank->db, "SELECT count(*) FROM accounts");

    printf("import-1: %s, %d batch skipped, %d accounts\n", dur_code_name(code),
           (int)dur_output(log).as.integer, accounts);
    return code == DUR_OK && dur_output(log).as.integer == 1 && accounts == 5;
}

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : "bank.db";
    branch bank = {NULL, false, 0, 0};
    bool good = false;
    dur_log *log = NULL;

    remove(path);
    if (sqlite3_open(path, &bank.db) != SQLITE_OK)
        fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(bank.db));
    else if (sqlite3_busy_timeout(bank.db, 5000) == SQLITE_OK &&
             run_sql(bank.db, "CREATE TABLE accounts(name TEXT PRIMARY KEY, cents INTEGER);"
                              "INSERT INTO accounts VALUES('alice', 1000), ('bob', 0);"
                              "CREATE TABLE bookings(id TEXT PRIMARY KEY)") &&
             dur_open(bank.db, NULL, &log) == DUR_OK)
        good = commit_together(log, &bank) && roll_back_together(log, &bank) &&
               whole_run(log, &bank) && skip_bad_batch(log, &bank);
    if (!good)
        fprintf(stderr, "that is not how records join a transaction: %s\n", dur_errmsg(log));
    dur_close(log);
    sqlite3_close(bank.db);
    return good ? 0 : 1;
}
