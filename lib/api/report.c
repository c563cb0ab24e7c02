/* api: replay checks and their reports. */
#include "api/api.h"
#include "base/text.h"
#include "engine/check.h"

/* Runs that are told by name in the text of a check of all. */
#define NAMED_MAX 100

/* Runs that are listed at once. */
#define PAGE_RUNS 64

struct dur_report {
    dur_verdict verdict;
    int64_t position;
    int64_t counts[DUR_UNREADABLE + 1];
    durable_divergence *divergence;
    char *text;
    char run_id[DUR_NAME_MAX + 1];
};

/* ---- Reading a report ---------------------------------------------------------------------- */

DUR_API dur_verdict dur_report_verdict(const dur_report *report)
{
    return report ? report->verdict : DUR_UNREADABLE;
}

DUR_API const char *dur_report_text(const dur_report *report)
{
    return report ? report->text : "no report";
}

DUR_API const char *dur_report_run_id(const dur_report *report)
{
    return report ? report->run_id : "";
}

DUR_API int64_t dur_report_position(const dur_report *report)
{
    return report ? report->position : 0;
}

DUR_API const dur_divergence *dur_report_divergence(const dur_report *report)
{
    return report ? durable_divergence_report(report->divergence) : NULL;
}

DUR_API int64_t dur_report_count(const dur_report *report, dur_verdict verdict)
{
    if (!report || verdict < DUR_FITS_ENDED || verdict > DUR_UNREADABLE) return 0;
    return report->counts[verdict];
}

static void clear_report(dur_report *report)
{
    durable_divergence_free(report->divergence);
    durable_free(report->text);
    memset(report, 0, sizeof *report);
}

DUR_API void dur_free_report(dur_report *report)
{
    if (!report) return;
    clear_report(report);
    durable_free(report);
}

/* ---- One run ------------------------------------------------------------------------------- */

/* What is checked, and with what. */
typedef struct checking {
    dur_log *log; /* that is checked */
    dur_log *own; /* the check's */
    durable_check check;
    dur_check_options options;
} checking;

static char *print_text(const checking *it, const dur_report *report)
{
    durable_text *text = durable_text_new();
    const dur_divergence *divergence = dur_report_divergence(report);
    long long position = (long long)report->position;

    switch (report->verdict) {
    case DUR_FITS_ENDED:
        durable_text_add(text, "run \"%s\" fits: the code comes to the recorded end",
                         report->run_id);
        break;
    case DUR_FITS_SO_FAR:
        durable_text_add(text, "run \"%s\" fits so far: the code would go on at position %lld with"
                               " %s",
                         report->run_id, position,
                         it->check.next[0] ? it->check.next : it->own->error.message);
        break;
    case DUR_UNKNOWN:
        durable_text_add(text, "run \"%s\": no function is registered for its workflow",
                         report->run_id);
        break;
    default:
        durable_text_add(text, "%s", divergence ? divergence->text : it->own->error.message);
    }
    return durable_text_finish(text);
}

/* The log's error tells it, too, where it does not fit. */
static int take_verdict(checking *it, dur_report *report, const durable_checked *checked)
{
    report->verdict = checked->verdict;
    report->position = checked->position;
    report->counts[checked->verdict] = 1;
    if (checked->verdict == DUR_DIVERGES) {
        report->divergence = it->own->divergence;
        it->own->divergence = NULL;
    }
    report->text = print_text(it, report);
    if (report->text) return DUR_OK;
    return durable_error_set(&it->log->error, DUR_NOMEM, "run \"%s\": out of memory for the report",
                             report->run_id);
}

static int check_into(checking *it, const char *run_id, const char *workflow, dur_workflow *fn,
                      void *user, dur_report *report)
{
    durable_checked checked = {DUR_UNKNOWN, DUR_OK, 0};
    int code = DUR_OK;

    strncat(report->run_id, run_id, DUR_NAME_MAX);
    if (fn) code = durable_check_one(it->own, run_id, workflow, fn, user, &checked);
    if (code != DUR_OK) {
        durable_error_copy(&it->log->error, &it->own->error);
        return code;
    }
    if (checked.verdict == DUR_DIVERGES || checked.verdict == DUR_UNREADABLE)
        durable_error_copy(&it->log->error, &it->own->error);
    code = take_verdict(it, report, &checked);
    if (code != DUR_OK) return code;
    return checked.verdict >= DUR_DIVERGES && checked.verdict != DUR_UNKNOWN ? checked.code : code;
}

static int refuse_check(dur_log *log, const char *why)
{
    return durable_error_set(&log->error, DUR_MISUSE, "the replay check %s", why);
}

static int open_check(checking *it, dur_log *log, const dur_check_options *options)
{
    const dur_check_options defaults = DUR_CHECK_OPTIONS_INIT;

    memset(it, 0, sizeof *it);
    it->log = log;
    it->options = defaults;
    if (options && !durable_copy_struct(&it->options, sizeof it->options, options))
        return refuse_check(log, "needs options set up with DUR_CHECK_OPTIONS_INIT");
    if (it->options.strictness < DUR_CHECK_NAMES || it->options.strictness > DUR_CHECK_SIZES)
        return refuse_check(log, "knows no such strictness");
    if (it->options.until < 0) return refuse_check(log, "takes no negative position");
    it->check.strictness = it->options.strictness;
    it->check.until = it->options.until;
    durable_error_clear(&log->error);
    it->own = durable_check_open(log, &it->check);
    if (it->own) log->checks++;
    if (it->own) return DUR_OK;
    return durable_error_set(&log->error, DUR_NOMEM, "out of memory for the replay check");
}

/* A workflow that closes the log that it is checked against has it closed here. */
static int close_check(checking *it, int code)
{
    durable_log_close(it->own);
    it->log->checks--;
    return durable_visited(it->log, code);
}

/* ---- Which run ----------------------------------------------------------------------------- */

typedef struct only_run {
    const char *workflow;
    int found;
    int64_t last; /* key */
    char id[DUR_NAME_MAX + 1];
} only_run;

static int note_only(const durable_listed *listed, void *context)
{
    only_run *only = context;

    only->last = listed->run;
    if (only->workflow && strcmp(only->workflow, listed->workflow) != 0) return 0;
    if (only->found++ == 0) strncat(only->id, listed->id, DUR_NAME_MAX);
    return only->found > 1;
}

static int find_only(dur_log *log, const char *workflow, only_run *only)
{
    durable_store *store = log->store;
    int64_t last = -1;
    int code = DUR_OK;

    memset(only, 0, sizeof *only);
    only->workflow = workflow;
    while (code == DUR_OK && only->found < 2 && only->last != last) {
        last = only->last;
        code = store->methods->list_runs(store, last, false, PAGE_RUNS, note_only, only);
    }
    if (code != DUR_OK) {
        durable_error_copy(&log->error, &store->error);
        return code;
    }
    if (only->found == 1) return DUR_OK;
    if (only->found == 0)
        return durable_error_set(&log->error, DUR_NOT_FOUND, "there is no run%s%s%s in this log",
                                 workflow ? " of workflow \"" : "", workflow ? workflow : "",
                                 workflow ? "\"" : "");
    return refuse_check(log, "has several runs to choose from: name one in options.run_id");
}

static int check_names(dur_log *log, const char *workflow, const char *run_id)
{
    int code = DUR_OK;

    if (workflow) code = durable_check_name(log, "workflow's name", workflow);
    if (code == DUR_OK && run_id) code = durable_check_name(log, "run id", run_id);
    return code;
}

static int check_only(checking *it, const char *workflow, dur_workflow *fn, void *user,
                      dur_report **report)
{
    const char *run_id = it->options.run_id;
    only_run only;
    int code = check_names(it->log, workflow, run_id);

    if (code == DUR_OK && !run_id) code = find_only(it->log, workflow, &only);
    if (code != DUR_OK) return code;
    *report = durable_allocate(sizeof **report);
    if (!*report) return durable_error_set(&it->log->error, DUR_NOMEM, "out of memory");
    code = check_into(it, run_id ? run_id : only.id, workflow, fn, user, *report);
    if ((*report)->text) return code;
    dur_free_report(*report);
    *report = NULL;
    return code;
}

DUR_API int dur_replay_check(dur_log *recorded, const char *workflow,
                             const dur_check_options *options, dur_workflow *fn, void *user,
                             dur_report **report)
{
    checking it;
    int code = durable_check_log(recorded);

    if (report) *report = NULL;
    if (code != DUR_OK) return code;
    if (!fn || !report)
        return refuse_check(recorded, "needs a function and a place for its report");
    code = open_check(&it, recorded, options);
    if (code != DUR_OK) return code;
    code = check_only(&it, workflow, fn, user, report);
    return close_check(&it, code);
}

/* ---- All runs ------------------------------------------------------------------------------ */

/* A page of the list, with its own copies. */
typedef struct page {
    int64_t last;
    size_t count;
    struct {
        char id[DUR_NAME_MAX + 1];
        char workflow[DUR_NAME_MAX + 1];
    } runs[PAGE_RUNS];
} page;

typedef struct checking_all {
    checking it;
    page page;
    durable_text *text; /* of those that do not fit */
    int64_t named;
    int64_t counts[DUR_UNREADABLE + 1];
} checking_all;

static int note_page(const durable_listed *listed, void *context)
{
    page *list = context;

    list->last = listed->run;
    list->runs[list->count].id[0] = list->runs[list->count].workflow[0] = '\0';
    strncat(list->runs[list->count].id, listed->id, DUR_NAME_MAX);
    strncat(list->runs[list->count].workflow, listed->workflow, DUR_NAME_MAX);
    return ++list->count == PAGE_RUNS;
}

static void tell_one(checking_all *all, const dur_report *report)
{
    dur_check_options *options = &all->it.options;

    all->counts[report->verdict]++;
    if (options->checked) options->checked(report, options->user);
    if (report->verdict != DUR_DIVERGES && report->verdict != DUR_UNREADABLE) return;
    if (all->named++ >= NAMED_MAX) return;
    if (report->divergence) durable_text_add(all->text, "\n%s", report->text);
    else durable_text_add(all->text, "\nrun \"%s\" cannot be checked: %s", report->run_id,
                          report->text);
}

/* A run that has gone meanwhile does not matter any more. */
static int check_listed(checking_all *all, size_t index)
{
    const char *workflow = all->page.runs[index].workflow;
    const durable_registered *registered = durable_worker_find(all->it.log, workflow);
    dur_report report;
    int code;

    memset(&report, 0, sizeof report);
    code = check_into(&all->it, all->page.runs[index].id, workflow,
                      registered ? registered->fn : NULL, registered ? registered->user : NULL,
                      &report);
    if (report.text) tell_one(all, &report);
    if (report.text || code == DUR_NOT_FOUND) code = DUR_OK;
    clear_report(&report);
    return code;
}

static int check_page(checking_all *all)
{
    durable_store *store = all->it.log->store;
    int code;

    all->page.count = 0;
    code = store->methods->list_runs(store, all->page.last, true, PAGE_RUNS, note_page,
                                     &all->page);
    if (code != DUR_OK) durable_error_copy(&all->it.log->error, &store->error);
    for (size_t i = 0; i < all->page.count && code == DUR_OK; i++) code = check_listed(all, i);
    return code;
}

static dur_verdict worst_of(const int64_t counts[DUR_UNREADABLE + 1])
{
    if (counts[DUR_DIVERGES]) return DUR_DIVERGES;
    if (counts[DUR_UNREADABLE]) return DUR_UNREADABLE;
    return counts[DUR_UNKNOWN] ? DUR_UNKNOWN : DUR_FITS_SO_FAR;
}

/* The counts first, then who does not fit. */
static int finish_report(checking_all *all, dur_report **report)
{
    char *details = durable_text_finish(all->text);
    durable_text *text = durable_text_new();
    const int64_t *counts = all->counts;
    long long fit = (long long)counts[DUR_FITS_SO_FAR] + (long long)counts[DUR_FITS_ENDED];

    *report = details ? durable_allocate(sizeof **report) : NULL;
    durable_text_add(text, "%lld fit, %lld diverge, %lld cannot be checked, %lld are of workflows"
                           " that are not registered here%s",
                     fit, (long long)counts[DUR_DIVERGES], (long long)counts[DUR_UNREADABLE],
                     (long long)counts[DUR_UNKNOWN], details ? details + 1 : "");
    if (all->named > NAMED_MAX)
        durable_text_add(text, "\n... and %lld more", (long long)(all->named - NAMED_MAX));
    durable_free(details);
    if (*report) {
        (*report)->text = durable_text_finish(text);
        memcpy((*report)->counts, counts, sizeof all->counts);
        (*report)->verdict = worst_of(counts);
        if ((*report)->text) return DUR_OK;
    } else {
        durable_free(durable_text_finish(text));
    }
    dur_free_report(*report);
    *report = NULL;
    return durable_error_set(&all->it.log->error, DUR_NOMEM, "out of memory for the report");
}

static int check_all(checking_all *all, dur_report **report)
{
    int code = DUR_OK;

    all->text = durable_text_new();
    durable_text_add(all->text, "."); /* an empty text would look like one without memory */
    do {
        code = check_page(all);
    } while (code == DUR_OK && all->page.count == PAGE_RUNS);
    if (code != DUR_OK) {
        durable_free(durable_text_finish(all->text));
        return code;
    }
    code = finish_report(all, report);
    if (code != DUR_OK) return code;
    if (all->counts[DUR_DIVERGES])
        return durable_error_set(&all->it.log->error, DUR_DIVERGED,
                                 "of the open runs %lld do not fit this code: see the report",
                                 (long long)all->counts[DUR_DIVERGES]);
    if (all->counts[DUR_UNREADABLE])
        return durable_error_set(&all->it.log->error, DUR_CORRUPT,
                                 "of the open runs %lld cannot be checked: see the report",
                                 (long long)all->counts[DUR_UNREADABLE]);
    return DUR_OK;
}

static bool names_run(const dur_check_options *options)
{
    dur_check_options full = DUR_CHECK_OPTIONS_INIT;

    return options && durable_copy_struct(&full, sizeof full, options) && full.run_id;
}

DUR_API int dur_replay_check_all(dur_log *log, const dur_check_options *options,
                                 dur_report **report)
{
    checking_all *all;
    int code = durable_check_log(log);

    if (report) *report = NULL;
    if (code != DUR_OK) return code;
    if (!report) return refuse_check(log, "needs a place for its report");
    if (names_run(options))
        return refuse_check(log, "of all runs takes no options.run_id: check that run by itself");
    all = durable_allocate(sizeof *all);
    if (!all) return durable_error_set(&log->error, DUR_NOMEM, "out of memory");
    code = open_check(&all->it, log, options);
    if (code == DUR_OK) {
        all->it.check.until = 0;
        code = check_all(all, report);
        code = close_check(&all->it, code);
    }
    durable_free(all);
    return code;
}
