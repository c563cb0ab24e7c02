/* test/support: the in-memory store, the first witness of the storage contract. */
#include "support/internal/memory_store.h"

#include "support/internal/memory_queues.h"
#include "support/internal/memory_transaction.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Runs ---- */

static int find_run(durable_store *base, const char *id, durable_run_visitor *visit, void *context)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "find");
    const memory_run *run = memory_run_by_id(store->log, id);
    char result[64] = "none";
    int code = DUR_NOT_FOUND;

    if (run) {
        snprintf(result, sizeof result, "%s epoch %" PRId64, memory_status_name(run->status),
                 run->epoch);
        code = fault.prevents ? DUR_OK : memory_run_show(store->log, run, visit, context);
    }
    return memory_finish(store, &fault, code, result, "find %s", id);
}

static int claim_run(durable_store *base, const durable_claim *claim, bool *claimed,
                     durable_fence *fence)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "claim");
    memory_run *run =
        memory_run_fenced(store->log, claim->run, claim->seen_epoch, claim->seen_token);

    *claimed = !fault.prevents && run && (run->owner != NULL) == claim->seen_held &&
               (run->owner || !(run->paused || memory_run_has_ended(run)));
    if (*claimed && claim->limited) {
        *claimed = memory_queue_admits(store->log, run, claim);
        if (*claimed) memory_queue_note_claim(store->log, run, claim);
    }
    if (*claimed) {
        run->epoch++;
        run->claims = claim->claims;
        memory_run_resume(run);
        memory_run_take(run, claim->owner, claim->token, claim->lease_end);
        memory_fill_fence(fence, run);
        store->log->version++;
    }
    return memory_finish(store, &fault, DUR_OK, *claimed ? NULL : "refused",
                         "claim %s after epoch %" PRId64 " claims %" PRId64 "%s",
                         memory_run_name(store->log, claim->run), claim->seen_epoch, claim->claims,
                         claim->limited ? " limited" : "");
}

static int release_run(durable_store *base, durable_fence *fence, int64_t due)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "release");
    memory_run *run = memory_fenced_run(store, fence);
    bool done = run || memory_is_given_back(store, fence, DURABLE_RUNNING);

    if (run && !fault.prevents) {
        memory_run_give_back(run, due);
        store->log->version++;
    }
    return memory_finish(store, &fault, memory_verdict(store, fence, done), NULL,
                         "release %s", memory_name_of(store, fence));
}

static int renew_lease(durable_store *base, durable_fence *fence, int64_t lease_end)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "renew");
    memory_run *run = memory_fenced_run(store, fence);

    if (run && !fault.prevents) {
        run->lease_end = lease_end;
        store->log->version++;
    }
    return memory_finish(store, &fault, memory_verdict(store, fence, run), NULL,
                         "renew %s until %" PRId64, memory_name_of(store, fence), lease_end);
}

static int confirm(durable_store *base, const durable_fence *fence)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "confirm");

    return memory_finish(store, &fault,
                         memory_verdict(store, fence, memory_fenced_run(store, fence)), NULL,
                         "confirm %s", memory_name_of(store, fence));
}

/* ---- Handles ---- */

static void close_store(durable_store *base)
{
    memory_log *log = ((memory_store *)base)->log;

    memory_transaction_abandon((memory_store *)base);
    free(base);
    if (--log->handles == 0) memory_log_free(log);
}

static int read_version(durable_store *base, int64_t *version)
{
    memory_store *store = (memory_store *)base;
    memory_fault fault = memory_next_fault(store, "version");

    if (!fault.prevents) *version = store->log->version;
    return memory_conclude(store, &fault, DUR_OK);
}

static bool is_joined(durable_store *base)
{
    (void)base;
    return false;
}

static const durable_store_methods memory_methods = {.find_run = find_run,
                                                     .create_run = memory_create_run,
                                                     .claim_run = claim_run,
                                                     .release_run = release_run,
                                                     .suspend_run = memory_suspend_run,
                                                     .end_run = memory_end_run,
                                                     .renew_lease = renew_lease,
                                                     .confirm = confirm,
                                                     .append_outcomes = memory_append_outcomes,
                                                     .load_history = memory_load_history,
                                                     .summarize_history = memory_summarize_history,
                                                     .put_pending = memory_put_pending,
                                                     .load_pending = memory_load_pending,
                                                     .send_signal = memory_send_signal,
                                                     .answer_callback = memory_answer_callback,
                                                     .beat_callback = memory_beat_callback,
                                                     .cancel_run = memory_cancel_run,
                                                     .resolve_step = memory_resolve_step,
                                                     .earliest_due = memory_earliest_due,
                                                     .restart_run = memory_restart_run,
                                                     .pause_run = memory_pause_run,
                                                     .terminate_run = memory_terminate_run,
                                                     .delete_run = memory_delete_run,
                                                     .delete_ended = memory_delete_ended,
                                                     .list_runs = memory_list_runs,
                                                     .visit_rows = memory_visit_rows,
                                                     .begin_import = memory_begin_import,
                                                     .put_row = memory_put_row,
                                                     .end_import = memory_end_import,
                                                     .begin_transaction = memory_begin_transaction,
                                                     .end_transaction = memory_end_transaction,
                                                     .commit_shared = memory_commit_shared,
                                                     .peek_signal = memory_peek_signal,
                                                     .find_due = memory_find_due,
                                                     .find_held = memory_find_held,
                                                     .look_at_queue = memory_look_at_queue,
                                                     .limit_queue = memory_limit_queue,
                                                     .read_version = read_version,
                                                     .is_joined = is_joined,
                                                     .close = close_store};

static durable_store *new_handle(memory_log *log)
{
    memory_store *store = calloc(1, sizeof *store);

    if (!store) abort();
    store->head.methods = &memory_methods;
    store->log = log;
    log->handles++;
    return &store->head;
}

durable_store *memory_store_new(void)
{
    return new_handle(memory_log_new());
}

durable_store *memory_store_share(durable_store *store)
{
    return new_handle(((memory_store *)store)->log);
}

const char *memory_store_narrative(const durable_store *store)
{
    return ((const memory_store *)store)->log->story.text;
}

void memory_store_forget(durable_store *store)
{
    narrative_clear(&((memory_store *)store)->log->story);
}
