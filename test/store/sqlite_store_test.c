/* test/store: the SQLite store keeps the contract, wherever its log lies. */
#include "store/conformance_sqlite.h"

static int run_variant(const char *name, const sqlite_variant *variant)
{
    const conformance_subject subject = sqlite_subject(name, variant);

    return conformance_run(&subject);
}

int main(void)
{
    static const sqlite_variant memory = {.journal = HOST_MEMORY};
    static const sqlite_variant rollback = {.journal = HOST_ROLLBACK};
    static const sqlite_variant wal = {.journal = HOST_WAL};
    static const sqlite_variant utf16 = {.journal = HOST_ROLLBACK, .encoding = "UTF-16le"};
    static const sqlite_variant attached = {.journal = HOST_WAL,
                                            .schema = "the \"log\"",
                                            .before = "ATTACH ':memory:' AS \"the \"\"log\"\"\""};
    static const sqlite_variant temporary = {.journal = HOST_MEMORY, .schema = "temp"};
    static const sqlite_variant joined = {.journal = HOST_WAL, .after = "BEGIN"};
    static const sqlite_variant nested = {.journal = HOST_ROLLBACK,
                                          .before = "PRAGMA foreign_keys = ON",
                                          .after = "BEGIN; SAVEPOINT one; SAVEPOINT two"};

    return run_variant("store.sqlite in memory", &memory) +
           run_variant("store.sqlite with a rollback journal", &rollback) +
           run_variant("store.sqlite in WAL mode", &wal) +
           run_variant("store.sqlite in UTF-16", &utf16) +
           run_variant("store.sqlite attached", &attached) +
           run_variant("store.sqlite in temp", &temporary) +
           run_variant("store.sqlite in a transaction of the host", &joined) +
           run_variant("store.sqlite in a savepoint of the host", &nested);
}
