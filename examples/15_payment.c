/*
 * examples: payment, an effect that must not happen twice and cannot be recognized.
 *
 * Introduces the usage of: DUR_AT_MOST_ONCE, DUR_IN_DOUBT_VERIFY, dur_step_options.verify,
 * dur_resolve_step, DUR_PARKED.
 *
 *     15_payment [DATABASE]        default: payment.db in the current directory, made anew
 *
 * A shop charges cards at a gateway that is easily pleased: it knows no idempotency keys, and who
 * calls it twice has paid twice. So that the body is about to run is committed before it runs. When
 * the program dies before the outcome is recorded the step is in doubt, and the next start does not
 * run the body again but asks the verify function, which looks into the gateway's book.
 *
 * The power fails three times: in order-1 before the money has moved, in order-2 behind that, and
 * in order-3 likewise, but then the gateway's book cannot be read. Nobody knows: the run is parked,
 * and a person who has read the bank statement says what happened. Prints
 *
 *     order-1: calling the gateway
 *     order-1: -- the power fails --
 *     order-1: in doubt, and nothing is in the gateway's book
 *     order-1: calling the gateway
 *     order-1: shipped, with receipt 1
 *     order-2: calling the gateway
 *     order-2: -- the power fails --
 *     order-2: in doubt, and receipt 2 is in the gateway's book
 *     order-2: shipped, with receipt 2
 *     order-3: calling the gateway
 *     order-3: -- the power fails --
 *     order-3: in doubt, and the gateway's book is closed
 *     order-3: parked
 *     a person finds receipt 3 on the bank statement
 *     order-3: shipped, with receipt 3
 *     3 orders, 3 payments
 */
#include <durable.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIVE, DIE_BEFORE_THE_MONEY_MOVES, DIE_BEHIND_IT, BOOK_IS_CLOSED };

typedef struct shop {
    sqlite3 *gateway; /* somebody else's database, far away */
    const char *order;
    int fate;
} shop;

/* Nothing is closed, and nobody is told. */
static void die(const shop *it)
{
    printf("%s: -- the power fails --\n", it->order);
    fflush(stdout);
    _Exit(1);
}

/* ---- The gateway ---------------------------------------------------------------------------- */

static bool change(sqlite3 *db, const char *format, const char *word)
{
    char *sql = sqlite3_mprintf(format, word);
    bool good = sql && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;

    sqlite3_free(sql);
    return good;
}

static int number(sqlite3 *db, const char *format, const char *word)
{
    char *sql = sqlite3_mprintf(format, word);
    sqlite3_stmt *statement = NULL;
    int result = -1;

    if (sql && sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK)
        result = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int(statement, 0) : 0;
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return result;
}

/* The receipt's number, 0 if there is none, -1 if nobody can tell. */
static int look_into_the_book(const shop *it)
{
    if (it->fate == BOOK_IS_CLOSED)
        return -1;
    return number(it->gateway, "SELECT receipt FROM book WHERE reference = %Q", it->order);
}

/* ---- The workflow --------------------------------------------------------------------------- */

static int verify_charge(dur_step *step, void *user)
{
    const shop *it = user;
    int receipt = look_into_the_book(it);

    if (receipt < 0) {
        printf("%s: in doubt, and the gateway's book is closed\n", it->order);
        return 0; /* no outcome: it cannot tell */
    }
    if (receipt == 0) {
        printf("%s: in doubt, and nothing is in the gateway's book\n", it->order);
        return DUR_EXECUTE;
    }
    printf("%s: in doubt, and receipt %d is in the gateway's book\n", it->order, receipt);
    return dur_record_result(step, dur_integer(receipt));
}

static void charge_card(shop *it, dur_run *run, int *receipt)
{
    printf("%s: calling the gateway\n", it->order);
    if (it->fate == DIE_BEFORE_THE_MONEY_MOVES)
        die(it);
    if (!change(it->gateway, "INSERT INTO book(reference) VALUES(%Q)", it->order))
        dur_fail(run, "the gateway: %s", sqlite3_errmsg(it->gateway));
    if (it->fate == DIE_BEHIND_IT)
        die(it);
    *receipt = (int)sqlite3_last_insert_rowid(it->gateway);
}

static int sell(dur_run *run, void *user)
{
    dur_step_options once = DUR_STEP_OPTIONS_INIT;
    shop *it = user;
    int receipt;

    once.mode = DUR_AT_MOST_ONCE;
    once.in_doubt = DUR_IN_DOUBT_VERIFY;
    once.verify = verify_charge;
    once.user = it;
    DUR_STEP(run, "charge", receipt, &once) { charge_card(it, run, &receipt); }
    DUR_STEP(run, "ship") { printf("%s: shipped, with receipt %d\n", it->order, receipt); }
    return 0;
}

/* ---- A start of the shop's program ---------------------------------------------------------- */

/* As in 02_crash_and_resume: nobody else executes runs here. */
static int nobody_else(const char *owner_mark, void *user)
{
    (void)owner_mark;
    (void)user;
    return DUR_OWNER_DEAD;
}

static dur_log *open_log(sqlite3 *db)
{
    dur_options options = DUR_OPTIONS_INIT;
    dur_log *log;

    options.owner_alive = nobody_else;
    if (dur_open(db, &options, &log) == DUR_OK)
        return log;
    fprintf(stderr, "%s\n", dur_errmsg(log));
    dur_close(log);
    return NULL;
}

static int be_shop(sqlite3 *db, sqlite3 *gateway, const char *order, int fate)
{
    shop it = {gateway, order, fate};
    dur_log *log = open_log(db);
    int code = log ? dur_execute(log, "sell", order, NULL, sell, &it) : DUR_DATABASE;

    if (code == DUR_PARKED)
        printf("%s: parked\n", order);
    else if (code != DUR_OK)
        fprintf(stderr, "%s: %s\n", dur_code_name(code), dur_errmsg(log));
    dur_close(log);
    return code;
}

/* What a person would do in some other program: the run's report names position and step. */
static bool be_person(sqlite3 *db, const char *order, int receipt)
{
    dur_run_info info = DUR_RUN_INFO_INIT;
    dur_log *log = open_log(db);
    bool good = log && dur_read_run(log, order, &info) == DUR_OK &&
                info.status == DUR_RUN_PARKED && info.failure &&
                strstr(info.failure, "position 1, step \"charge\": in doubt");

    if (good) {
        printf("a person finds receipt %d on the bank statement\n", receipt);
        good = dur_resolve_step(log, order, 1, DUR_OK, dur_integer(receipt), NULL) == DUR_OK;
    }
    dur_close(log);
    return good;
}

/* ---- What is around ------------------------------------------------------------------------- */

/* Start this very program as the shop's. True if it lived to the end of the order. cmd.exe eats one
 * pair of quotation marks. */
static bool start(const char *program, const char *path, const char *order, int fate)
{
#ifdef _WIN32
    const char *format = "\"\"%s\" \"%s\" %s %d\"";
#else
    const char *format = "\"%s\" \"%s\" %s %d";
#endif
    char *command = sqlite3_mprintf(format, program, path, order, fate);
    bool lived = command && system(command) == 0;

    sqlite3_free(command);
    return lived;
}

static bool play(const char *program, const char *path, sqlite3 *db, sqlite3 *gateway)
{
    bool good = change(gateway, "CREATE TABLE book(receipt INTEGER PRIMARY KEY, reference)", NULL);
    int orders, payments;

    good = good && !start(program, path, "order-1", DIE_BEFORE_THE_MONEY_MOVES) &&
           start(program, path, "order-1", LIVE);
    good = good && !start(program, path, "order-2", DIE_BEHIND_IT) &&
           start(program, path, "order-2", LIVE);
    good = good && !start(program, path, "order-3", DIE_BEHIND_IT) &&
           !start(program, path, "order-3", BOOK_IS_CLOSED) && be_person(db, "order-3", 3) &&
           start(program, path, "order-3", BOOK_IS_CLOSED);
    orders = number(db, "SELECT count(*) FROM durable_runs_view WHERE status = 'completed'", NULL);
    payments = number(gateway, "SELECT count(*) FROM book", NULL);
    printf("%d orders, %d payments\n", orders, payments);
    return good && orders == 3 && payments == 3;
}

static void remove_database(const char *path)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    size_t i;

    for (i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *file = sqlite3_mprintf("%s%s", path, suffixes[i]);

        if (file)
            remove(file);
        sqlite3_free(file);
    }
}

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : "payment.db";
    char *gateway_path = sqlite3_mprintf("%s-gateway", path);
    bool is_shop = count > 3, good = false;
    sqlite3 *db = NULL, *gateway = NULL;

    setvbuf(stdout, NULL, _IONBF, 0); /* what is printed before a crash shall be seen */
    if (!is_shop && gateway_path) {
        remove_database(path);
        remove_database(gateway_path);
    }
    if (!gateway_path || sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_open(gateway_path, &gateway) != SQLITE_OK)
        fprintf(stderr, "%s: no database can be opened there\n", path);
    else if (is_shop)
        good = be_shop(db, gateway, arguments[2], atoi(arguments[3])) == DUR_OK;
    else
        good = play(arguments[0], path, db, gateway);
    if (!good && !is_shop)
        fprintf(stderr, "that is not how a payment is made at most once\n");
    sqlite3_close(db);
    sqlite3_close(gateway);
    sqlite3_free(gateway_path);
    return good ? 0 : 1;
}
