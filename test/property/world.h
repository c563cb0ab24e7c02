/*
 * test/property: what a program's runs live in: the world outside, which remembers what was done
 * to it, and a log, on the in-memory store or on SQLite, whose owners die.
 */
#ifndef WORLD_H
#define WORLD_H

#include "program.h"
#include "support/fake_clock.h"
#include "support/internal/memory_store.h"

#include <stdarg.h>

#define MAIN_ID "main"
#define KID_WORKFLOW "kid"

/* What has happened of one node. */
typedef struct node_trace {
    int begun;            /* bodies that began */
    int effects;
    int64_t last_attempt; /* whose body had its effect */
    int undone;
    int sent;             /* signals, answers, requests to end */
    bool stopped;
    bool is_known;        /* what the two below are */
    uint64_t seed;        /* of its value */
    char key[64];
    char token[DUR_TOKEN_SIZE];
} node_trace;

/* It has no pointers, and may lie in memory that processes share. */
typedef struct outer_world {
    fake_clock clock; /* the first member: the callbacks' user pointer is this one's too */
    node_trace traces[BODIES_MAX][NODES_MAX];
    char run_ids[BODIES_MAX][DUR_NAME_MAX + 1]; /* "" until its body has begun */
    int undone_last[BODIES_MAX];                /* the node that was undone last, + 1; 0: none */
    int passes;
    char violation[600]; /* the first one; "": none */
} outer_world;

typedef enum store_kind { IN_MEMORY_STORE, ON_SQLITE } store_kind;

/* How a program is disturbed; all 0: not at all. */
typedef struct disturbing {
    store_kind store;
    uint64_t chance;   /* of the random ones */
    int deaths;        /* owners who die at random acts */
    int within;        /* … of so many */
    bool stops;        /* each node is stopped before, once */
    bool reopens;      /* the log is closed at each suspension */
    bool moves;        /* … and exported, and imported into another one; on SQLite */
    bool sleeps;       /* pauses are slept through */
    int troubles;      /* stores that fail once at random acts */
    int shared_commit_steps;
    const char *path;  /* of the database on SQLite; NULL: in memory */
    const char *vfs;   /* NULL: the default one */
    bool goes_on;      /* with the world that there is, after its process was killed */
} disturbing;

typedef struct world {
    const whole_program *program;
    disturbing disturbance;
    outer_world *outside;
    dur_options options;
    durable_store *witness, *store; /* of the in-memory store */
    struct sqlite3 *db;             /* of SQLite */
    dur_log *log;
    bool dead;    /* the owner on SQLite */
    int acts;     /* until the owner dies; 0: he does not */
    int hooks;    /* the same, of places in bodies */
    int fails_in; /* commits until one fails; 0: none */
    uint64_t chance;
    struct thing *things; /* memory of this pass */
} world;

bool world_open(world *it, const whole_program *program, const disturbing *disturbance,
                outer_world *outside);
void world_close(world *it);

/* The owner is dead, or leaves; another one comes. */
void world_succeed(world *it);
bool world_is_dead(const world *it);

/* All of the log goes on in another database: exported, imported, and exported again it is the
 * same text. */
void world_move(world *it);

/* A place where an owner may die: false if he is dead. */
bool world_lives_on(world *it);

/* A body's own SQL on the host's connection; and how many such rows there are. */
void world_write(world *it, int body, int index);
int world_written(world *it, int body, int index);

/* Memory until the pass has ended. */
void *world_take(world *it, size_t size);
void world_drop(world *it);

/* Something that must not happen. The first one counts. */
void world_accuse(world *it, const char *format, ...) DUR_PRINTF_(2, 3);

#endif
