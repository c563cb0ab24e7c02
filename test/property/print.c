/* test/property: programs in words. */
#include "program.h"

#include <inttypes.h>
#include <stdio.h>

static void print_flag(bool is_set, const char *word)
{
    if (is_set) fprintf(stderr, " %s", word);
}

static void print_step(const program_node *it)
{
    static const char *const forms[] = {"void",  "int",    "bool",  "real",  "text",
                                        "chars", "object", "value", "verbs", "function"};
    static const char *const modes[] = {"plain", "transactional", "at-most-once"};
    static const char *const doubts[] = {"park", "retry", "fail", "verify"};

    fprintf(stderr, "step %s %s", modes[it->mode], forms[it->form]);
    if (it->mode == DUR_AT_MOST_ONCE) fprintf(stderr, " in doubt: %s", doubts[it->in_doubt]);
    if (it->fails) fprintf(stderr, " fails %d times", it->fails);
    print_flag(it->fails_at_last, "fails at last");
    print_flag(it->fails_at_last && it->never, "for good");
    print_flag(it->polls, "polls");
    print_flag(it->beats, "beats");
    print_flag(it->times, "timeout");
    print_flag(it->undoes, "undo");
    if (it->undoes && it->undo_fails) fprintf(stderr, " (fails %d times)", it->undo_fails);
}

static const char *const answers[] = {"value", "failure", "nothing"};

static void print_wait(const char *kind, const program_node *it)
{
    fprintf(stderr, "%s: %s comes, %d of them, %" PRId64 " ms", kind, answers[it->answer],
            it->count, it->time_ms);
}

static void print_batch(const program_node *it)
{
    const dur_batch_options *policy = &it->policy;

    fprintf(stderr, "%s of bodies %d to %d, at once %d, successes %d, failures %d%s",
            it->maps ? "map" : "parallel", it->body, it->body + it->count - 1,
            (int)policy->max_concurrency, (int)policy->min_successes, (int)policy->max_failures,
            policy->fails_fast ? ", fails fast" : "");
}

static void print_child(const program_node *it)
{
    static const char *const ends[] = {"wait", "cancel", "leave"};
    static const char *const awaits[] = {"never", "now", "at last"};

    if (it->kind == NODE_CALL) fprintf(stderr, "call body %d", it->body);
    else
        fprintf(stderr, "start body %d, %s, awaited %s", it->body, ends[it->on_parent_end],
                awaits[it->awaits]);
    print_flag(it->named, "named");
}

static void print_node(const program_node *it)
{
    static const char *const causes[] = {"is cancelled", "meets its deadline", "batch is over"};

    switch (it->kind) {
    case NODE_STEP: print_step(it); break;
    case NODE_PAIR: fprintf(stderr, "two open steps"); break;
    case NODE_SLEEP: fprintf(stderr, "sleep %" PRId64 " ms", it->time_ms); break;
    case NODE_RECEIVE: print_wait("receive", it); break;
    case NODE_CALLBACK: print_wait("callback", it); break;
    case NODE_SELECT: print_wait("select", it); break;
    case NODE_SIDE: fprintf(stderr, "side value"); break;
    case NODE_BATCH: print_batch(it); break;
    case NODE_BLOCK: fprintf(stderr, "block until the run %s", causes[it->cause]); break;
    default: print_child(it); break;
    }
    print_flag(it->caught, "caught");
}

void program_print(const whole_program *it)
{
    fprintf(stderr, "program of seed %" PRIu64 "\n", it->seed);
    for (int i = 0; i < it->count; i++) {
        const program_body *body = &it->bodies[i];

        fprintf(stderr, " body %d (%s body %d)", i, body->started ? "started by" : "of",
                body->parent);
        print_flag(body->fails, "fails");
        print_flag(body->careless, "careless");
        print_flag(body->releases, "releases");
        print_flag(program_is_racy(it, i), "racy");
        fprintf(stderr, "\n");
        for (int j = 0; j < body->count; j++) {
            if (body->nodes[j].dropped) continue;
            fprintf(stderr, "  n%d.%d ", i, j);
            print_node(&body->nodes[j]);
            fprintf(stderr, "\n");
        }
    }
}
