/* test/support: faults, fences and the narrative of the in-memory store; see memory_tell.h. */
#include "support/internal/memory_transaction.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

memory_fault memory_next_fault(memory_store *store, const char *verb)
{
    memory_fault fault = {DUR_OK, false, NULL};

    durable_error_clear(&store->head.error);
    if (store->dead) {
        fault.code = DUR_IOERR;
        fault.prevents = true;
    } else if (store->fault_in > 0 &&
               (!store->fault_verb || strcmp(store->fault_verb, verb) == 0) &&
               --store->fault_in == 0) {
        fault.code = store->fault_code;
        fault.prevents = store->fault_when == MEMORY_BEFORE;
    }
    memory_transaction_enter(store, verb, &fault);
    return fault;
}

void memory_end_line(memory_store *store, const memory_fault *fault, int code, const char *result)
{
    narrative *story = &store->log->story;

    if (fault->code)
        narrative_add(story, ": %s%s\n", dur_code_name(fault->code),
                      fault->prevents ? "" : ", survived");
    else if (code || result)
        narrative_add(story, ": %s\n", result ? result : dur_code_name(code));
    else
        narrative_add(story, "\n");
}

int memory_conclude(memory_store *store, const memory_fault *fault, int code)
{
    durable_error *error = &store->head.error;

    memory_transaction_leave(store);
    if (!store->dead && store->dies_in > 0 && --store->dies_in == 0) {
        store->dead = true;
        memory_transaction_abandon(store);
    }
    if (store->dead) return durable_error_set(error, DUR_IOERR, "the owner of this handle died");
    if (fault->code)
        return durable_error_set(error, fault->code, "%s",
                                 fault->why ? fault->why : "a fault was asked for");
    if (code < 0 && error->code != code) /* else a visitor has told it already */
        return durable_error_set(error, code, "%s", dur_code_text(code));
    return code;
}

int memory_finish(memory_store *store, const memory_fault *fault, int code, const char *result,
                  const char *format, ...)
{
    char line[512];
    va_list arguments;

    if (!store->dead) {
        va_start(arguments, format);
        vsnprintf(line, sizeof line, format, arguments);
        va_end(arguments);
        narrative_add(&store->log->story, "%s", line);
        memory_end_line(store, fault, code, result);
    }
    return memory_conclude(store, fault, code);
}

const char *memory_time_text(int64_t time, char text[32])
{
    if (time == DURABLE_NEVER) return "never";
    snprintf(text, 32, "%" PRId64, time);
    return text;
}

const char *memory_address_text(const char *address, char text[DURABLE_ADDRESS_SIZE + 2])
{
    bool is_callback = address[0] == '\t';

    snprintf(text, DURABLE_ADDRESS_SIZE + 2, is_callback ? "#%s" : "\"%s\"",
             is_callback ? address + 1 : address);
    return text;
}

memory_run *memory_fenced_run(const memory_store *store, const durable_fence *fence)
{
    memory_run *run = memory_run_fenced(store->log, fence->run, fence->epoch, fence->token);
    const memory_step *last;

    if (!run || !run->owner) return NULL;
    if (fence->provisional <= 0) return run;
    last = memory_step_at(run, fence->provisional);
    return last && last->epoch == fence->epoch ? run : NULL;
}

int memory_verdict(const memory_store *store, const durable_fence *fence, bool done)
{
    const memory_run *run = memory_run_by_key(store->log, fence->run);
    bool is_taken = run && run->epoch > fence->epoch;

    if (done) return DUR_OK;
    if (is_taken || (run && memory_is_given_back(store, fence, run->status))) return DUR_LOST;
    return fence->provisional ? DUR_ROLLED_BACK : DUR_LOST;
}

bool memory_is_given_back(const memory_store *store, const durable_fence *fence, int status)
{
    const memory_run *run = memory_run_fenced(store->log, fence->run, fence->epoch, fence->token);

    return run && !run->owner && run->status == status;
}

void memory_fill_fence(durable_fence *fence, const memory_run *run)
{
    fence->run = run->key;
    fence->epoch = run->epoch;
    fence->token = run->token;
    fence->provisional = 0;
}

const char *memory_name_of(const memory_store *store, const durable_fence *fence)
{
    return memory_run_name(store->log, fence->run);
}
