/* api: what the public functions check first. */
#ifndef DURABLE_API_H
#define DURABLE_API_H

#include "engine/engine.h"

/* May the log be used? DUR_OK, DUR_MISUSE for NULL, or why it could not be opened. */
DURABLE_INTERNAL int durable_check_log(dur_log *log);

/* After log->visiting was set for callbacks that are shown its rows: gives `code` back, or closes
 * the log where one of them has asked for that. */
DURABLE_INTERNAL int durable_visited(dur_log *log, int code);

/* May the run be used? DUR_OK, or DUR_MISUSE for NULL and for a run whose log was closed. */
DURABLE_INTERNAL int durable_check_run(dur_run *run);

/* What a call on the run gives: the code has heard of its stop. */
static inline int durable_told(dur_run *run, int code)
{
    if (code < 0) run->told = true;
    return code;
}

/* Sets the log's error where the name breaks the rules at DUR_NAME_MAX; `what` names it. */
DURABLE_INTERNAL int durable_check_name(dur_log *log, const char *what, const char *name);

/* The fields that a caller's struct of `size` bytes holds, copied over defaults. False: the struct
 * was not made by its init macro. */
DURABLE_INTERNAL bool durable_copy_struct(void *full, size_t full_size, const void *given);

/* What is wrong with a log's options, of which `of_policy`: with their retry policy; NULL: nothing,
 * and the policy is a complete copy in *retry. */
DURABLE_INTERNAL const char *durable_options_problem(dur_options *options, dur_retry *retry,
                                                     bool *of_policy);

/* The options that `caller` was given, NULL or not, complete and checked. DUR_OK; else *log is one
 * that was refused, or NULL with DUR_NOMEM. */
DURABLE_INTERNAL int durable_take_options(const char *caller, const dur_options *given,
                                          dur_options *full, dur_retry *retry, dur_log **log);

/* A log on a store that was opened with this code; NULL: out of memory. Gives the code. */
DURABLE_INTERNAL int durable_open_log(durable_store *store, int code, const dur_options *options,
                                      dur_log **log);

/* The start options, checked; NULL stays NULL. `waits`: they may tell a time to start at. */
DURABLE_INTERNAL int durable_check_start(dur_log *log, const char *run_id, bool waits,
                                         const dur_start_options **start, dur_start_options *full);

/* durable_step_begin() after a look at the options, which may be NULL; where `asked` has no call
 * site it is theirs. */
DURABLE_INTERNAL int durable_begin_step(dur_run *run, durable_asked *asked,
                                        const dur_step_options *options, durable_answer *answer);

#endif
