/* test/bench: result rows, as a table for people or one JSON object a line. */
#include "bench.h"

#include <stdio.h>
#include <string.h>

static int rows_printed;
static int bars_missed;

bool bench_wanted(const bench_options *options, const char *name)
{
    size_t asked = strlen(options->only);
    size_t length = strlen(name);

    return strncmp(options->only, name, asked < length ? asked : length) == 0;
}

static bool passes(const bench_row *row)
{
    double measured = row->bar_of == BENCH_BAR_OF_VALUE ? row->value : row->ratio;

    return row->bar_of == BENCH_NO_BAR || measured <= row->bar;
}

void bench_print_head(const bench_options *options)
{
    if (options->json)
        return;
    printf("SQLite %s%s, seed %llu, scale %g; ratios are to raw SQLite in the same rounds\n\n",
           sqlite3_libversion(), options->serialized ? " serialized" : "",
           (unsigned long long)options->seed, options->scale);
    printf("%-42s %12s %-13s %12s %7s %9s %9s\n", "row", "value", "unit", "baseline", "ratio",
           "cheapest", "bar");
}

static void print_json_number(const char *key, double number)
{
    if (number > 0)
        printf(",\"%s\":%.10g", key, number);
    else
        printf(",\"%s\":null", key);
}

static void print_json(const bench_row *row)
{
    printf("{\"name\":\"%s\"", row->name);
    if (row->skipped)
        printf(",\"value\":null,\"unit\":\"%s\",\"baseline\":null,\"ratio\":null", row->unit);
    else {
        printf(",\"value\":%.10g,\"unit\":\"%s\"", row->value, row->unit);
        print_json_number("baseline", row->baseline);
        print_json_number("ratio", row->ratio);
        if (row->cheapest > 0) {
            print_json_number("cheapest", row->cheapest);
            print_json_number("cheapest_ratio", row->cheapest_ratio);
        }
    }
    if (row->bar_of != BENCH_NO_BAR)
        printf(",\"bar\":%g,\"bar_of\":\"%s\"", row->bar,
               row->bar_of == BENCH_BAR_OF_VALUE ? "value" : "ratio");
    if (row->skipped)
        printf(",\"skipped\":\"%s\"", row->skipped);
    else if (row->bar_of != BENCH_NO_BAR)
        printf(",\"pass\":%s", passes(row) ? "true" : "false");
    puts("}");
}

static void print_cell(double number, int width, int decimals)
{
    if (number > 0)
        printf(" %*.*f", width, decimals, number);
    else
        printf(" %*s", width, "-");
}

static void print_human(const bench_row *row)
{
    printf("%-42s", row->name);
    if (row->skipped) {
        printf(" skipped: %s\n", row->skipped);
        return;
    }
    print_cell(row->value, 12, row->value < 1000 ? 3 : 0);
    printf(" %-13s", row->unit);
    print_cell(row->baseline, 12, row->baseline < 1000 ? 3 : 0);
    print_cell(row->ratio, 7, 3);
    print_cell(row->cheapest_ratio, 9, 3);
    if (row->bar_of != BENCH_NO_BAR)
        printf(" %9g%s", row->bar, passes(row) ? "" : "  MISSED");
    putchar('\n');
}

void bench_print_row(const bench_options *options, const bench_row *row)
{
    rows_printed++;
    if (!row->skipped && !passes(row))
        bars_missed++;
    if (options->json)
        print_json(row);
    else
        print_human(row);
    fflush(stdout);
}

bool bench_print_foot(const bench_options *options)
{
    if (!options->json)
        printf("\n%d rows, %d bars missed\n", rows_printed, bars_missed);
    return bars_missed == 0;
}
