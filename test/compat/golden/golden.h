/* test/compat: the workflows of the recordings in this folder, and the world that they see. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <durable.h>
#include <sqlite3.h>

#define GOLDEN_DAY_MS INT64_C(86400000)

/* The user of every workflow. What is set by the program that makes the recordings changes what
 * bodies come to, or stands for code of an earlier version; a check sets none of it. */
typedef struct golden {
    sqlite3 *db;
    int64_t now_ms;
    uint64_t chance;
    bool unplugged; /* in a body that may run at most once: the power fails */
    bool older;     /* the code as it was before a patch */
    bool other;     /* code that asks for something else */
    int bodies;
    char approval[DUR_TOKEN_SIZE]; /* of the callback that is open in the run "waits" */
} golden;

typedef struct golden_workflow {
    const char *name;
    dur_workflow *fn;
} golden_workflow;

/* Up to one without a name. */
extern const golden_workflow golden_workflows[];

/* A world, its clock at 2026-01-01, with options for its log: its clock and its chance. */
void golden_init(golden *world, sqlite3 *db, dur_options *options);

/* A log with all the workflows, and the table that some of them write to. What dur_open() gave. */
int golden_open(golden *world, const dur_options *options, dur_log **log);

dur_workflow *golden_find(const char *workflow);

#endif
