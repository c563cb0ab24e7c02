/*
 * examples: agent, a language model's agent loop that survives whatever kills it.
 *
 * Introduces the usage of: DUR_STEP in a loop, dur_ok, dur_fail, dur_catch, dur_stop, dur_own,
 * dur_mark, dur_release, dur_step_idempotency_key for effects in the outside world.
 *
 *     05_agent [DATABASE]        default: agent.db in the current directory
 *
 * The agent works at the service desk of a small shop. It reads tickets, looks orders up, pays
 * money back, asks a person where it must, and writes replies. The loop is the usual one: ask the
 * model, do what it says, show it what came of that, until it says that it is done. Two kinds of
 * steps make it durable: "ask-model", and one for each use of a tool. All that the model has said
 * and seen is rebuilt from their recorded results, so a new process goes on in the middle of the
 * conversation, and no answer that was recorded is asked and paid for again.
 *
 * There is no network here. The model and the payment provider are local stand-ins behind the
 * function pointers where real ones would be. The stand-in decides by nothing but the
 * conversation, so that two runs can be compared word by word.
 *
 * Start it a second time with the same database: the run is completed, the answer comes from the
 * log. `durable_demo` kills this very agent again and again.
 */
#include <durable.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Answers a conversation with one line, "tool argument …" or "done answer", from malloc(); NULL
 * if it does not answer. Behind `user` a real one has its address and its key. */
typedef char *model_fn(void *user, const char *conversation);

typedef struct agent {
    sqlite3 *db;
    model_fn *ask;
    void *model;
    int model_ms; /* how long the stand-in for the model thinks */
    int tool_ms;  /* how long the stand-ins for the outside world take to answer */
    int attempt;  /* which start of the program this is, for our own records */
    bool talkative;
} agent;

/* ---- SQL of our own: business tables in the database that also holds the log ---------------- */

static const char *const shop =
    "CREATE TABLE IF NOT EXISTS tickets(id INTEGER PRIMARY KEY, order_id INT, text TEXT,"
    " state TEXT DEFAULT 'open');"
    "CREATE TABLE IF NOT EXISTS orders(id INTEGER PRIMARY KEY, item TEXT, cents INT, state TEXT);"
    /* What the payment provider and the post office know: one row for each key, and how often
     * it was sent to them. */
    "CREATE TABLE IF NOT EXISTS refunds(key TEXT PRIMARY KEY, order_id INT, cents INT,"
    " requests INT DEFAULT 1);"
    "CREATE TABLE IF NOT EXISTS replies(key TEXT PRIMARY KEY, ticket INT, text TEXT,"
    " requests INT DEFAULT 1);"
    /* Our diary: a row whenever the body of a step begins. The library does not need it. */
    "CREATE TABLE IF NOT EXISTS executions(attempt INT, position INT, step TEXT);"
    "INSERT OR IGNORE INTO tickets(id, order_id, text) VALUES"
    " (1, 101, 'The kettle arrived broken.'),"
    " (2, 102, 'Where is my parcel?'),"
    " (3, 103, 'The bicycle came with a broken frame.'),"
    " (4, 104, 'I got the wrong colour.'),"
    " (5, 105, 'When will the lamp arrive?'),"
    " (6, 106, 'One of the plates is broken.');"
    "INSERT OR IGNORE INTO orders(id, item, cents, state) VALUES"
    " (101, 'kettle', 3900, 'delivered'), (102, 'novel', 1250, 'shipped'),"
    " (103, 'bicycle', 24900, 'delivered'), (104, 'curtain', 4500, 'delivered'),"
    " (105, 'lamp', 8900, 'packed'), (106, 'plates', 5200, 'delivered');";

/* Run SQL made as by sqlite3_mprintf(). */
static bool change(sqlite3 *db, const char *format, ...)
{
    va_list arguments;
    char *sql;
    bool good;

    va_start(arguments, format);
    sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    good = sql && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_free(sql);
    return good;
}

/* The first column of the first row as text, for sqlite3_free(); NULL if there is none. */
static char *look_up(sqlite3 *db, const char *format, ...)
{
    sqlite3_stmt *statement = NULL;
    va_list arguments;
    char *sql, *text = NULL;

    va_start(arguments, format);
    sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    if (sql && sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        text = sqlite3_mprintf("%s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return text;
}

/* ---- The conversation ----------------------------------------------------------------------- */

/* Lines that begin with "> " (the model said), "< " (a tool answered) or "! " (a mishap). */
typedef struct conversation {
    char *text;
    size_t length;
} conversation;

/* Without memory there is no going on in this pass; it is no reason for the run to fail. */
static void add(dur_run *run, conversation *talk, const char *mark, const char *words)
{
    size_t more = strlen(mark) + strlen(words) + 1;
    char *text = realloc(talk->text, talk->length + more + 1);

    if (!text) {
        dur_stop(run, "out of memory");
        return;
    }
    snprintf(text + talk->length, more + 1, "%s%s\n", mark, words);
    talk->text = text;
    talk->length += more;
}

static bool starts_with(const char *text, const char *start)
{
    return text && strncmp(text, start, strlen(start)) == 0;
}

static const char *next_line(const char *text)
{
    const char *end = strchr(text, '\n');

    return end ? end + 1 : NULL;
}

/* What follows `mark` in the last line that begins with it; NULL if there is no such line. */
static const char *last_line(const char *text, const char *mark)
{
    const char *found = NULL;

    for (; text && *text; text = next_line(text))
        if (starts_with(text, mark))
            found = text + strlen(mark);
    return found;
}

static bool line_has(const char *line, const char *word)
{
    const char *found = line ? strstr(line, word) : NULL;

    return found && found < line + strcspn(line, "\n");
}

static int count_lines(const char *text, const char *mark)
{
    int count = 0;

    for (; text && *text; text = next_line(text))
        count += starts_with(text, mark);
    return count;
}

/* ---- The stand-in for the model: a clerk who goes by the book ------------------------------- */

/* Take the ticket after the one that was just answered, or stop. */
static void next_ticket(const char *talk, char *line, size_t size)
{
    const char *answered = last_line(talk, "> reply ");
    int number = (answered ? atoi(answered) : 0) + 1;
    char wanted[16];

    snprintf(wanted, sizeof wanted, " %d", number);
    if (line_has(last_line(talk, "< open tickets:"), wanted))
        snprintf(line, size, "read-ticket %d", number);
    else
        snprintf(line, size, "done %d tickets answered, %d orders refunded",
                 count_lines(talk, "> reply "), count_lines(talk, "< refunded "));
}

/* An order has been read: pay back what came broken or wrong, else ask for patience. */
static void judge(const char *talk, int ticket, int order, const char *seen, char *line,
                  size_t size)
{
    const char *complaint = last_line(talk, "< ticket about order ");
    const char *price = strstr(seen, "costs ");

    if (line_has(complaint, "broken") || line_has(complaint, "wrong"))
        snprintf(line, size, "refund %d %d", order, price ? atoi(price + 6) : 0);
    else
        snprintf(line, size, "reply %d It is on its way to you.", ticket);
}

static void decide(const char *talk, char *line, size_t size)
{
    const char *asked_for = last_line(talk, "> refund ");
    const char *said = last_line(talk, "> "), *seen = last_line(talk, "< ");
    const char *ticket_line = last_line(talk, "> read-ticket ");
    const char *order_line = last_line(talk, "< ticket about order ");
    int ticket = ticket_line ? atoi(ticket_line) : 0, order = order_line ? atoi(order_line) : 0;

    if (!said)
        snprintf(line, size, "list-tickets");
    else if (starts_with(said, "list-tickets") || starts_with(said, "reply "))
        next_ticket(talk, line, size);
    else if (starts_with(said, "read-ticket "))
        snprintf(line, size, "read-order %d", order);
    else if (starts_with(said, "read-order "))
        judge(talk, ticket, order, seen, line, size);
    else if (starts_with(seen, "failed: above the limit"))
        snprintf(line, size, "ask-boss %d", order);
    else if (starts_with(said, "ask-boss ")) /* the refund again, with the boss's word */
        snprintf(line, size, "refund %.*s approved", (int)strcspn(asked_for, "\n"), asked_for);
    else
        snprintf(line, size, "reply %d We are sorry, your money is on its way.", ticket);
}

/* Real models are busy now and then. This one is when the ninth answer lies before it. */
static char *stand_in_model(void *user, const char *talk)
{
    const agent *desk = user;
    char line[160];
    char *answer;

    sqlite3_sleep(desk->model_ms);
    if (count_lines(talk, "< ") == 9 && !last_line(talk, "! "))
        return NULL;
    decide(talk, line, sizeof line);
    answer = malloc(strlen(line) + 1);
    if (answer)
        strcpy(answer, line);
    return answer;
}

/* ---- The tools ------------------------------------------------------------------------------ */

/* A tool gives text for sqlite3_free(), or NULL after dur_fail() or dur_stop(). It runs in a step's
 * body. */
typedef char *tool_fn(agent *desk, dur_run *run, const char *argument);

/* That something is not there is an answer, for the model. That the database is busy is none: the
 * pass ends, nothing is recorded, and the tool is used again when the run goes on. */
static char *found(agent *desk, dur_run *run, char *text, const char *what)
{
    if (!text && sqlite3_errcode(desk->db) == SQLITE_OK)
        dur_fail(run, "there is no such %s", what);
    else if (!text)
        dur_stop(run, "cannot read the %s now: %s", what, sqlite3_errmsg(desk->db));
    return text;
}

static char *list_tickets(agent *desk, dur_run *run, const char *argument)
{
    char *text = look_up(desk->db, "SELECT 'open tickets: ' || group_concat(id, ' ') FROM"
                                   " (SELECT id FROM tickets WHERE state = 'open' ORDER BY id)");

    (void)argument;
    return found(desk, run, text, "list");
}

static char *read_ticket(agent *desk, dur_run *run, const char *argument)
{
    char *text = look_up(desk->db, "SELECT 'ticket about order ' || order_id || ': ' || text"
                                   " FROM tickets WHERE id = %d", atoi(argument));

    return found(desk, run, text, "ticket");
}

static char *read_order(agent *desk, dur_run *run, const char *argument)
{
    char *text = look_up(desk->db, "SELECT item || ', costs ' || cents || ' cents, ' || state"
                                   " FROM orders WHERE id = %d", atoi(argument));

    return found(desk, run, text, "order");
}

/* Only a person may allow this. The stand-in for the person always does. */
static char *ask_boss(agent *desk, dur_run *run, const char *argument)
{
    (void)run;
    sqlite3_sleep(desk->tool_ms);
    return sqlite3_mprintf("the boss approves the refund of order %d", atoi(argument));
}

/*
 * Money goes out. Should the process die after the provider has paid and before the step is
 * recorded, the step runs again, with the same key, and the provider does not pay again.
 */
static char *refund(agent *desk, dur_run *run, const char *argument)
{
    const char *key = dur_step_idempotency_key(dur_current_step(run));
    int order = 0, cents = 0;

    if (sscanf(argument, "%d %d", &order, &cents) != 2) {
        dur_fail(run, "a refund needs an order and an amount");
        return NULL;
    }
    if (cents > 10000 && !strstr(argument, "approved")) {
        dur_fail(run, "above the limit of 10000 cents, ask the boss");
        return NULL;
    }
    if (!change(desk->db, "INSERT INTO refunds(key, order_id, cents) VALUES(%Q, %d, %d)"
                          " ON CONFLICT(key) DO UPDATE SET requests = requests + 1",
                key, order, cents)) {
        dur_stop(run, "cannot pay now: %s", sqlite3_errmsg(desk->db));
        return NULL;
    }
    sqlite3_sleep(desk->tool_ms); /* its answer is still on the way */
    return sqlite3_mprintf("refunded %d cents", cents);
}

static char *reply_to(agent *desk, dur_run *run, const char *argument)
{
    const char *key = dur_step_idempotency_key(dur_current_step(run));
    const char *text = strchr(argument, ' ');

    if (!change(desk->db, "INSERT INTO replies(key, ticket, text) VALUES(%Q, %d, %Q)"
                          " ON CONFLICT(key) DO UPDATE SET requests = requests + 1;"
                          "UPDATE tickets SET state = 'answered' WHERE id = %d",
                key, atoi(argument), text ? text + 1 : "", atoi(argument))) {
        dur_stop(run, "cannot reply now: %s", sqlite3_errmsg(desk->db));
        return NULL;
    }
    sqlite3_sleep(desk->tool_ms);
    return sqlite3_mprintf("reply sent");
}

typedef struct tool {
    const char *name;
    tool_fn *use;
} tool;

static const tool *find_tool(const char *said)
{
    static const tool tools[] = {
        {"list-tickets", list_tickets}, {"read-ticket", read_ticket}, {"read-order", read_order},
        {"ask-boss", ask_boss},         {"refund", refund},           {"reply", reply_to},
    };
    size_t i, length = strcspn(said, " ");

    for (i = 0; i < sizeof tools / sizeof *tools; i++)
        if (strlen(tools[i].name) == length && strncmp(tools[i].name, said, length) == 0)
            return &tools[i];
    return NULL;
}

/* ---- The agent itself: this is the part to read --------------------------------------------- */

static void note_execution(agent *desk, dur_run *run, const char *step)
{
    change(desk->db, "INSERT INTO executions(attempt, position, step) VALUES(%d, %lld, %Q)",
           desk->attempt, (long long)dur_step_position(dur_current_step(run)), step);
}

/* Use the tool that the model asked for. A tool that fails is no reason to give up: the failure is
 * recorded like a result, and the model is told. */
static void act(agent *desk, dur_run *run, const char *said, conversation *talk)
{
    const tool *asked = find_tool(said);
    const char *argument = strchr(said, ' '), *seen, *failure;

    if (!asked) {
        add(run, talk, "< failed: ", "there is no such tool");
        return;
    }
    DUR_STEP(run, asked->name, seen) {
        char *text;
        note_execution(desk, run, asked->name);
        text = asked->use(desk, run, argument ? argument + 1 : "");
        seen = dur_own(run, text, sqlite3_free);
    }
    failure = dur_catch(run);
    if (failure)
        add(run, talk, "< failed: ", failure);
    else
        add(run, talk, "< ", seen ? seen : "");
}

/* Ask the model. Gives its line, or NULL if it did not answer; what it said is added to `talk`. */
static const char *ask(agent *desk, dur_run *run, conversation *talk)
{
    const char *said;

    DUR_STEP(run, "ask-model", said) {
        char *text;
        note_execution(desk, run, "ask-model");
        text = desk->ask(desk->model, talk->text);
        said = dur_own(run, text, free);
        if (!text)
            dur_fail(run, "the model is busy");
    }
    if (dur_catch(run)) {
        add(run, talk, "! ", "the model is busy, asking again");
        return NULL;
    }
    if (said)
        add(run, talk, "> ", said);
    return said;
}

static int serve(dur_run *run, void *user)
{
    agent *desk = user;
    conversation talk = {NULL, 0};
    int mishaps = 0;
    bool done = false;

    add(run, &talk, "", dur_as_text(dur_input(run)));
    while (dur_ok(run) && !done) {
        uint64_t mark = dur_mark(run);
        const char *said = ask(desk, run, &talk);

        if (!dur_ok(run))
            break; /* stopped, for example because the disk is full: leave, come back later */
        if (!said) {
            if (++mishaps == 3)
                dur_fail(run, "the model did not answer three times");
        } else if (starts_with(said, "done ")) {
            dur_set_output(run, dur_text(said + 5));
            done = true;
        } else {
            act(desk, run, said, &talk);
        }
        dur_release(run, mark); /* `talk` has a copy; a long run does not grow */
    }
    if (desk->talkative && talk.text)
        printf("%s", talk.text);
    free(talk.text);
    return 0;
}

/* Start or resume the run on the database at `path`. Gives the code of dur_execute(), and the
 * answer, for sqlite3_free(), if the run is completed. */
static int start_agent(const char *path, const dur_options *options, agent *desk, char **answer)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_log *log = NULL;
    int code = DUR_DATABASE;

    *answer = NULL;
    start.input = dur_text("Answer all open tickets.");
    if (sqlite3_open(path, &desk->db) != SQLITE_OK ||
        !change(desk->db, "PRAGMA journal_mode = WAL; %s", shop))
        fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(desk->db));
    else if ((code = dur_open(desk->db, options, &log)) == DUR_OK)
        code = dur_execute(log, "serve", "desk-1", &start, serve, desk);
    if (code == DUR_OK)
        *answer = sqlite3_mprintf("%s", dur_as_text(dur_output(log)));
    else if (log)
        fprintf(stderr, "%s: %s\n", dur_code_name(code), dur_errmsg(log));
    dur_close(log);
    sqlite3_close(desk->db);
    return code;
}

/* The demo brings a main() of its own. */
#ifndef AGENT_WITHOUT_MAIN

/* Has every refund been paid once, and only those that ought to be? */
static bool books_are_right(const char *path)
{
    sqlite3 *db;
    char *paid = NULL;
    bool right;

    if (sqlite3_open(path, &db) == SQLITE_OK)
        paid = look_up(db, "SELECT group_concat(line, ', ') FROM (SELECT order_id || ' ' || cents"
                           " AS line FROM refunds ORDER BY order_id)");
    right = paid && strcmp(paid, "101 3900, 103 24900, 104 4500, 106 5200") == 0;
    printf("refunds: %s\n", paid ? paid : "unknown");
    sqlite3_free(paid);
    sqlite3_close(db);
    return right;
}

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : "agent.db";
    agent desk = {NULL, stand_in_model, NULL, 2, 1, 1, true};
    char *answer;
    bool good;

    desk.model = &desk;
    good = start_agent(path, NULL, &desk, &answer) == DUR_OK && books_are_right(path);
    if (answer)
        printf("answer: %s\n", answer);
    good = good && answer && strcmp(answer, "6 tickets answered, 4 orders refunded") == 0;
    sqlite3_free(answer);
    if (!good)
        fprintf(stderr, "the desk is in disorder\n");
    return good ? 0 : 1;
}

#endif
