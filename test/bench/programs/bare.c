/* test/bench: the bare program: opens a database, reads a row, says so, and waits to be killed. */
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

static int read_row(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(db, "SELECT id, workflow FROM durable_runs LIMIT 1", -1,
                                    &statement, NULL);

    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return result;
}

int main(int argument_count, char **arguments)
{
    sqlite3 *db = NULL;

    if (argument_count != 2 ||
        sqlite3_open_v2(arguments[1], &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        read_row(db) != SQLITE_ROW) {
        fprintf(stderr, "bare: %s\n", db ? sqlite3_errmsg(db) : "no database");
        return 1;
    }
    if (write(STDOUT_FILENO, "r", 1) != 1)
        return 1;
    for (;;)
        pause();
}
