/* engine: runs that end and go on as new: a chain of runs under one id, and when it is time. */
#include "engine/engine.h"

#include <limits.h>

/* '~' and the generation have to fit behind the id of any run that continues. */
#define SUFFIX_MAX 20

/* ---- Ids ----------------------------------------------------------------------------------- */

static void print_suffix(char suffix[SUFFIX_MAX + 1], const dur_run *run)
{
    durable_print(suffix, SUFFIX_MAX + 1, "~%d", run->generation);
}

/* The id of its chain. A run that has continued already, and is only read, bears its later name. */
static void print_chain(char chain[DUR_NAME_MAX + 1], const dur_run *run)
{
    char suffix[SUFFIX_MAX + 1];
    size_t length = strlen(run->id), of_suffix;

    durable_print(chain, DUR_NAME_MAX + 1, "%s", run->id);
    if (!run->renamed) return;
    print_suffix(suffix, run);
    of_suffix = strlen(suffix);
    if (length > of_suffix && length <= DUR_NAME_MAX &&
        strcmp(chain + length - of_suffix, suffix) == 0)
        chain[length - of_suffix] = '\0';
}

/* The first run of a chain does not know yet that it will be one; the others bear the name already
 * that they will have. What is too long is cut, and no id of a child begins with it then. */
DURABLE_INTERNAL void durable_continue_child_prefix(char prefix[DUR_NAME_MAX + 1],
                                                    const dur_run *run)
{
    char suffix[SUFFIX_MAX + 1];

    if (run->generation == 1) {
        print_chain(prefix, run);
        return;
    }
    print_suffix(suffix, run);
    durable_print(prefix, DUR_NAME_MAX + 1, "%s%s", run->id, run->renamed ? "" : suffix);
}

/* ---- Asking -------------------------------------------------------------------------------- */

static int refuse_continuing(dur_run *run, const char *problem)
{
    return durable_run_stop(run, DUR_MISUSE, "position %lld: dur_continue_as_new() %s",
                            (long long)run->position, problem);
}

static int check_chain(dur_run *run)
{
    char chain[DUR_NAME_MAX + 1];

    print_chain(chain, run);
    if (strlen(chain) > DUR_NAME_MAX - SUFFIX_MAX)
        return refuse_continuing(run, "needs a run whose id is shorter: the one that ends is called"
                                      " by it with '~' and a number behind it, and this is too long"
                                      " for that");
    if (run->generation == INT_MAX)
        return refuse_continuing(run, "was called in the last run that a chain can have");
    return DUR_OK;
}

static int check_ask(dur_run *run)
{
    if (run->stop != DUR_OK) {
        run->stopped_calls++;
        return run->stop;
    }
    if (run->ended) return durable_run_misuse(run, "the run has ended: it does not continue");
    if (run->body)
        return refuse_continuing(run, "was called in the body of a step, which runs only once:"
                                      " call it behind the body");
    if (run->failure_pending) return durable_run_stop_failed(run);
    return check_chain(run);
}

DURABLE_INTERNAL int durable_continue_ask(dur_run *run, dur_value input)
{
    durable_datum datum;
    char *bytes = NULL;
    int code = check_ask(run);

    if (code != DUR_OK) return code;
    if (durable_value_encode(input, &datum) != DUR_OK)
        return refuse_continuing(run, "was given an input that is no value");
    if (input.type >= DUR_TEXT) {
        bytes = durable_copy_text(input.as.bytes, input.length);
        if (!bytes)
            return durable_run_stop(run, DUR_NOMEM, "out of memory for its successor's input");
        input.as.bytes = bytes;
    }
    durable_free(run->next_input_bytes);
    run->next_input_bytes = bytes;
    run->next_input = input;
    run->continues = true;
    return DUR_OK;
}

DURABLE_INTERNAL int durable_continue_refuse(dur_run *run, const char *name)
{
    return durable_run_stop(run, DUR_MISUSE,
                            "position %lld: \"%s\" is asked for behind dur_continue_as_new():"
                            " return from the workflow there; the rest is its successor's",
                            (long long)run->position, name);
}

/* ---- Ending -------------------------------------------------------------------------------- */

static void describe_successor(dur_run *run, const char *id, char uid[DURABLE_UID_SIZE],
                               durable_successor *successor)
{
    durable_new_run described;

    durable_run_describe(run->log, run->workflow, id, NULL, uid, &described);
    successor->id = id;
    successor->uid = uid;
    successor->code_version = described.code_version;
    /* What a run calls behaves as it does. */
    successor->behaviour = run->root ? run->behaviour : described.behaviour;
    successor->due = durable_clock_now(&run->log->clock);
}

DURABLE_INTERNAL int durable_continue_end(dur_run *run)
{
    char chain[DUR_NAME_MAX + 1], old_id[DUR_NAME_MAX + 1], suffix[SUFFIX_MAX + 1];
    char uid[DURABLE_UID_SIZE];
    durable_successor successor = {.old_id = old_id};
    int code = durable_value_encode(run->next_input, &successor.input);

    if (code != DUR_OK) return code; /* which was asked before */
    print_chain(chain, run);
    print_suffix(suffix, run);
    durable_print(old_id, sizeof old_id, "%s%s", chain, suffix);
    describe_successor(run, chain, uid, &successor);
    code = durable_run_write_ending(run, DURABLE_CONTINUED, NULL, NULL, &successor);
    if (code != DUR_OK) return code;
    durable_error_set(&run->error, DUR_SUSPENDED,
                      "run \"%s\": it has continued as new: its successor, the %d. of its chain, is"
                      " due",
                      chain, run->generation + 1);
    durable_run_tell_log(run);
    return DUR_SUSPENDED;
}

/* ---- When it is time ----------------------------------------------------------------------- */

DURABLE_INTERNAL void durable_continue_tell_long(dur_run *run)
{
    if (run->long_run_told || !run->log->long_run) return;
    run->long_run_told = true;
    run->log->long_run(run->id, run->position - 1, run->bytes, run->log->user);
}
