/*
 * examples: transfer, steps whose SQL and whose record are one commit.
 *
 * Introduces the usage of: DUR_TX_STEP, dur_fail in such a body.
 *
 *     12_transfer [DATABASE]        default: payroll.db in the current directory, made anew
 *
 * A payroll moves money between accounts in the host's own tables. A plain step would move it at
 * least once: a crash between the host's commit and the record makes the body run again. The body
 * of a transactional step works on the host's connection as ever, without BEGIN and COMMIT; what it
 * changes and the step's record are committed together. So each transfer happens exactly once, and
 * half a transfer never. A body that fails takes back what it has changed, and the failure is
 * recorded in its stead.
 *
 * The first process dies between the two halves of bob's transfer. Prints
 *
 *     ann gets 3000
 *     bob gets 2000, and the process dies halfway
 *     payroll 7000, ann 3000, bob 0, carol 0: 10000 in all
 *     bob gets 2000
 *     carol gets 9000
 *     carol is not paid: the payroll has not so much
 *     payroll 5000, ann 3000, bob 2000, carol 0: 10000 in all
 *
 * POSIX only: fork().
 */
#define _XOPEN_SOURCE 700
#include <durable.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct office {
    sqlite3 *db;
    bool dies; /* in the middle of bob's transfer */
} office;

typedef struct salary {
    const char *name;
    int amount;
} salary;

/* ---- The workflow --------------------------------------------------------------------------- */

static int change(office *bank, const char *name, int amount)
{
    char *sql = sqlite3_mprintf("UPDATE accounts SET amount = amount + %d WHERE name = %Q", amount,
                                name);
    int result = sql ? sqlite3_exec(bank->db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;

    sqlite3_free(sql);
    return result;
}

/* The employee is paid first: where the payroll has not so much that is taken back. A database that
 * is full or busy is no failure of the transfer: the run goes on when it is executed again. */
static void pay(dur_run *run, office *bank, const salary *one)
{
    bool dies = bank->dies && one->amount == 2000;
    int result = change(bank, one->name, one->amount);

    printf("%s gets %d%s\n", one->name, one->amount, dies ? ", and the process dies halfway" : "");
    fflush(stdout);
    if (dies)
        _exit(0);
    if (result == SQLITE_OK)
        result = change(bank, "payroll", -one->amount);
    if (result == SQLITE_CONSTRAINT)
        dur_fail(run, "the payroll has not so much");
    else if (result != SQLITE_OK)
        dur_stop(run, "no transfer now: %s", sqlite3_errmsg(bank->db));
}

static int pay_everybody(dur_run *run, void *user)
{
    static const salary salaries[] = {{"ann", 3000}, {"bob", 2000}, {"carol", 9000}};
    size_t i;

    for (i = 0; i < sizeof salaries / sizeof *salaries && dur_ok(run); i++) {
        const char *failure;

        DUR_TX_STEP(run, salaries[i].name) { pay(run, user, &salaries[i]); }
        failure = dur_catch(run);
        if (failure)
            printf("%s is not paid: %s\n", salaries[i].name, failure);
    }
    return 0;
}

/* ---- The host ------------------------------------------------------------------------------- */

static int amount_of(sqlite3 *db, const char *name)
{
    sqlite3_stmt *statement = NULL;
    int result = -1;

    if (sqlite3_prepare_v2(db, "SELECT sum(amount) FROM accounts WHERE name GLOB ?1", -1,
                           &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        result = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return result;
}

static void print_accounts(sqlite3 *db)
{
    printf("payroll %d, ann %d, bob %d, carol %d: %d in all\n", amount_of(db, "payroll"),
           amount_of(db, "ann"), amount_of(db, "bob"), amount_of(db, "carol"), amount_of(db, "*"));
}

static sqlite3 *open_database(const char *path)
{
    sqlite3 *db = NULL;

    if (sqlite3_open(path, &db) == SQLITE_OK && sqlite3_busy_timeout(db, 5000) == SQLITE_OK &&
        sqlite3_exec(db,
                     "CREATE TABLE IF NOT EXISTS accounts(name TEXT PRIMARY KEY,"
                     " amount INTEGER CHECK(amount >= 0));"
                     "INSERT OR IGNORE INTO accounts VALUES('payroll', 10000), ('ann', 0),"
                     " ('bob', 0), ('carol', 0)",
                     NULL, NULL, NULL) == SQLITE_OK)
        return db;
    fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
    sqlite3_close(db);
    return NULL;
}

/* Each process has a connection of its own. The second one takes the run over at once, as its owner
 * is dead, and goes on behind ann's transfer. */
static int work(const char *path, bool dies)
{
    office bank = {open_database(path), dies};
    dur_log *log = NULL;
    int code;

    if (!bank.db)
        return 1;
    code = dur_open(bank.db, NULL, &log);
    if (code == DUR_OK)
        code = dur_execute(log, "payroll", "november", NULL, pay_everybody, &bank);
    if (code != DUR_OK)
        fprintf(stderr, "payroll: %s: %s\n", dur_code_name(code), dur_errmsg(log));
    dur_close(log);
    print_accounts(bank.db);
    sqlite3_close(bank.db);
    return code == DUR_OK ? 0 : 1;
}

static bool die_halfway(const char *path)
{
    pid_t child = fork();
    sqlite3 *db;

    if (child == 0)
        _exit(work(path, true));
    if (child < 0 || waitpid(child, NULL, 0) != child)
        return false;
    db = open_database(path);
    if (db)
        print_accounts(db);
    sqlite3_close(db);
    return db != NULL;
}

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : "payroll.db";

    remove(path);
    fflush(stdout);
    return die_halfway(path) ? work(path, false) : 1;
}
