/*
 * examples: recorded_test, makes the fixture of the unit test.
 *
 * Introduces the usage of: dur_export_file, dur_export_options.redact, dur_testbench_open,
 * dur_testbench_register, dur_testbench_run, dur_testbench_log.
 *
 *     record [FILE]        default: fixtures/order-42.jsonl
 *
 * The best fixtures are runs that have happened: dur_export_file(log, "42", …) takes one out of
 * the database in which it was executed, with what is secret put out of sight. Here a test bench
 * plays the part of the real shop; a day passes in no time, and each time the same bytes are
 * written. A file that is there stays as it is.
 */
#include "order.h"

#include <stdio.h>
#include <string.h>

/* A text stays a text, so that the run still replays. */
static void hide_card(const dur_exported *what, dur_value *value, void *user)
{
    (void)user;
    if (strcmp(what->what, "input") == 0)
        *value = dur_text("**** **** **** 4242");
}

static int play(dur_testbench *bench, shop *tea, const char *path)
{
    dur_start_options start = DUR_START_OPTIONS_INIT;
    dur_export_options options = DUR_EXPORT_OPTIONS_INIT;
    int code;

    start.input = dur_text("4242 4242 4242 4242");
    options.redact = hide_card;
    code = dur_testbench_register(bench, "order", order, tea);
    if (code == DUR_OK)
        code = dur_testbench_run(bench, "order", "42", &start);
    if (code == DUR_OK)
        code = dur_export_file(dur_testbench_log(bench), "42", &options, path);
    return code;
}

int main(int count, char **arguments)
{
    const char *path = count > 1 ? arguments[1] : "fixtures/order-42.jsonl";
    dur_testbench *bench = NULL;
    shop tea = {0, 0};
    int code = dur_testbench_open(NULL, NULL, &bench);

    if (code == DUR_OK)
        code = play(bench, &tea, path);
    if (code == DUR_OK)
        printf("%s is written\n", path);
    else
        fprintf(stderr, "%s: %s\n", dur_code_name(code), dur_errmsg(dur_testbench_log(bench)));
    dur_testbench_close(bench);
    return code == DUR_OK ? 0 : 1;
}
