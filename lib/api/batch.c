/* api: branches, one for each function or for each item. */
#include "api/api.h"

static int refuse_batch(dur_run *run, const char *problem)
{
    return durable_told(run, durable_run_stop(run, DUR_MISUSE, "position %lld: a batch %s",
                                            (long long)run->position, problem));
}

/* What is wrong with the options; NULL: nothing. */
static const char *find_policy_problem(const dur_batch_options *options, size_t count)
{
    if (options->max_concurrency < 0 || options->min_successes < 0 || options->max_failures < 0)
        return "takes no negative max_concurrency, min_successes or max_failures";
    if (!(options->max_failure_percent >= 0.0 && options->max_failure_percent <= 100.0))
        return "takes a max_failure_percent from 0 to 100";
    if (options->fails_fast && options->max_failures > 0)
        return "either fails fast or tolerates max_failures, not both";
    if (options->min_successes > (int64_t)count)
        return "cannot have more min_successes than branches";
    return NULL;
}

static bool take_batch_options(dur_run *run, const dur_batch_options *options, size_t count,
                               dur_batch_options *full)
{
    const dur_batch_options defaults = DUR_BATCH_OPTIONS_INIT;
    const char *problem;

    *full = defaults;
    full->file = NULL;
    if (options && !durable_copy_struct(full, sizeof *full, options)) {
        refuse_batch(run, "needs options that were set up with DUR_BATCH_OPTIONS_INIT");
        return false;
    }
    problem = find_policy_problem(full, count);
    if (problem) refuse_batch(run, problem);
    return !problem;
}

static const char *find_branch_problem(const dur_branch *branch)
{
    durable_datum datum;

    if (!branch->fn) return "needs a workflow function for each branch, not NULL";
    if (branch->name && !durable_name_valid(branch->name, strlen(branch->name)))
        return "takes names of branches of 1 to 255 bytes of UTF-8 without control characters";
    if (durable_value_encode(branch->input, &datum) != DUR_OK)
        return "has a branch whose input is no value";
    return NULL;
}

static int run_checked(dur_run *run, const char *name, const dur_branch *branches, size_t count,
                       const dur_batch_options *options, dur_batch *batch)
{
    dur_batch_options full;

    if (!take_batch_options(run, options, count, &full)) return run->stop;
    for (size_t i = 0; i < count; i++) {
        const char *problem = find_branch_problem(&branches[i]);

        if (problem) return refuse_batch(run, problem);
    }
    return durable_told(run, durable_batch_run(run, name, branches, count, &full, batch));
}

/* Whether so many can be in a batch; if not, the run is stopped. */
static bool check_batch_count(dur_run *run, const void *list, size_t count)
{
    if (count <= DUR_BRANCHES_MAX && (list || count == 0)) return true;
    refuse_batch(run, list ? "has at most 100000 branches" : "needs a list, not NULL");
    return false;
}

DUR_API int dur_parallel(dur_run *run, const char *name, const dur_branch *branches, size_t count,
                         const dur_batch_options *options, dur_batch *batch)
{
    int code = durable_check_run(run);

    if (batch) memset(batch, 0, sizeof *batch);
    if (code != DUR_OK) return code;
    if (!check_batch_count(run, branches, count)) return run->stop;
    return run_checked(run, name, branches, count, options, batch);
}

static dur_branch *make_branches(const dur_value *items, size_t count, dur_workflow *fn,
                                 void *user)
{
    dur_branch *branches = durable_allocate((count + 1) * sizeof *branches);

    for (size_t i = 0; branches && i < count; i++) {
        branches[i].name = "item";
        branches[i].fn = fn;
        branches[i].user = user;
        branches[i].input = items[i];
    }
    return branches;
}

DUR_API int dur_map(dur_run *run, const char *name, const dur_value *items, size_t count,
                    dur_workflow *fn, void *user, const dur_batch_options *options,
                    dur_batch *batch)
{
    dur_branch *branches;
    int code = durable_check_run(run);

    if (batch) memset(batch, 0, sizeof *batch);
    if (code != DUR_OK) return code;
    if (!fn) return refuse_batch(run, "needs a workflow function, not NULL");
    if (!check_batch_count(run, items, count)) return run->stop;
    branches = make_branches(items, count, fn, user);
    if (!branches)
        return durable_told(run, durable_run_stop(run, DUR_NOMEM,
                                                "position %lld: out of memory for a batch",
                                                (long long)run->position));
    code = run_checked(run, name, branches, count, options, batch);
    durable_free(branches);
    return code;
}

DUR_API void dur_run_job(dur_job *job, dur_log *log)
{
    if (job) durable_job_run(job, log);
}
