/* test/bench: what the library takes: code in the file, heap for an open run. */
#include "fixture.h"
#include "rows.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BAR_BYTES 98304
#define HEAP_BAR_BYTES 16384
#define STEPS 10
#define LENGTH 16
#define RUNS 100

/* ---- Text ------------------------------------------------------------------------------------ */

/* What size(1) calls text: every section that is loaded and never written: code, constants, tables
 * for linking and unwinding. */
static double text_of(const ElfW(Shdr) *sections, size_t count)
{
    double bytes = 0;

    for (size_t i = 0; i < count; i++)
        if ((sections[i].sh_flags & SHF_ALLOC) && !(sections[i].sh_flags & SHF_WRITE) &&
            sections[i].sh_type != SHT_NOBITS)
            bytes += (double)sections[i].sh_size;
    return bytes;
}

static double read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    ElfW(Ehdr) header;
    ElfW(Shdr) *sections = NULL;
    double bytes = -1;

    if (!file)
        bench_die("%s: %s", path, strerror(errno));
    if (fread(&header, sizeof header, 1, file) == 1 &&
        memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
        header.e_shentsize == sizeof *sections &&
        fseek(file, (long)header.e_shoff, SEEK_SET) == 0) {
        sections = bench_allocate(header.e_shnum * sizeof *sections);
        if (fread(sections, sizeof *sections, header.e_shnum, file) == header.e_shnum)
            bytes = text_of(sections, header.e_shnum);
        free(sections);
    }
    fclose(file);
    return bytes;
}

static void print_text(const bench_options *options, bench_row row, const char *path)
{
    row.unit = "bytes";
    row.value = read_text(path);
    if (row.value < 0)
        row.skipped = "the library is not an ELF file";
    bench_print_row(options, &row);
}

/* The whole library: the file from which it was loaded, which is not the program itself. */
static void measure_text(const bench_options *options)
{
    Dl_info info;
    const char *(*function)(void) = dur_version;
    void *address = NULL;

    if (!bench_wanted(options, "text_bytes"))
        return;
    memcpy(&address, &function, sizeof address);
    if (!dladdr(address, &info))
        bench_die("the library's file cannot be found");
    print_text(options, (bench_row){.name = "text_bytes"}, info.dli_fname);
}

/* What of it a program carries that uses floors 1 and 2 only, and leaves the rest to the linker. */
static void measure_core_text(const bench_options *options)
{
    bench_row row = {
        .name = "text_bytes.core", .bar_of = BENCH_BAR_OF_VALUE, .bar = TEXT_BAR_BYTES};

    if (bench_wanted(options, row.name))
        print_text(options, row, BENCH_CORE);
}

/* ---- Heap ------------------------------------------------------------------------------------ */

static int64_t connection_memory(sqlite3 *db)
{
    static const int kinds[] = {SQLITE_DBSTATUS_CACHE_USED, SQLITE_DBSTATUS_SCHEMA_USED,
                                SQLITE_DBSTATUS_STMT_USED};
    int64_t sum = 0;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        int current = 0;
        int highest = 0;

        bench_sqlite(db, sqlite3_db_status(db, kinds[i], &current, &highest, 0), "measuring");
        sum += current;
    }
    return sum;
}

/* The library's heap with so many runs open, without the connection's own. */
static int64_t heap_with_runs(fixture_log *fixture, int64_t count)
{
    dur_run *runs[RUNS];
    char id[FIXTURE_ID_SIZE];
    int64_t bytes = 0;

    for (int64_t i = 0; i < count; i++) {
        fixture_id(id, i + 1);
        runs[i] = fixture_begin(fixture, id);
        fixture_replay(fixture, runs[i], STEPS);
    }
    bytes = sqlite3_memory_used() - connection_memory(fixture->db);
    for (int64_t i = 0; i < count; i++)
        dur_close_run(runs[i]);
    return bytes;
}

static void measure_heap(const bench_options *options)
{
    const char *path = bench_path(options, "heap");
    bench_row row = {.name = "run_heap_bytes",
                     .unit = "bytes/run",
                     .bar_of = BENCH_BAR_OF_VALUE,
                     .bar = HEAP_BAR_BYTES};
    fixture_log fixture;
    int64_t bytes = 0;

    if (!bench_wanted(options, row.name))
        return;
    fixture_runs(path, RUNS, 1, STEPS, LENGTH);
    path = bench_path(options, "heap");
    fixture_open(&fixture, path, "OFF");
    heap_with_runs(&fixture, RUNS); /* fills the connection's cache */
    bytes = heap_with_runs(&fixture, RUNS) - heap_with_runs(&fixture, 0);
    fixture_close(&fixture);
    bench_remove_database(bench_path(options, "heap"));
    row.value = (double)bytes / RUNS - STEPS * LENGTH;
    if (bytes <= 0)
        row.skipped = "this SQLite does not count its memory";
    bench_print_row(options, &row);
}

void bench_size(const bench_options *options)
{
    measure_text(options);
    measure_core_text(options);
    measure_heap(options);
}
