/*
 * test/model: breadth first through all states, each kept once. A state is bad in itself, a move
 * may be, and, when all states are known, one from which no end can be reached: found backwards
 * from the ends, along the moves that need no mishap.
 */
#include "search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char search_stuck[] = "the run is stuck";

#define NONE UINT32_MAX

typedef struct edge {
    uint32_t from;
    uint32_t to;
} edge;

typedef struct search {
    const model_world *world;
    search_result *result;
    size_t states_max;
    model_state *states;
    uint32_t *parents;
    size_t room;
    uint32_t *table; /* open addressing; NONE: free */
    size_t table_size;
    edge *fair; /* grouped by where they come from */
    size_t fair_count, fair_room;
    uint32_t current;
    uint32_t bad;     /* the state that breaks the promise */
    bool bad_is_move; /* or from which a move does */
} search;

/* ---- The states ---------------------------------------------------------------------------- */

static uint64_t hash_state(const model_state *state)
{
    const unsigned char *bytes = (const unsigned char *)state;
    uint64_t hash = UINT64_C(14695981039346656037);
    uint64_t word;
    size_t at = 0;

    for (; at + sizeof word <= sizeof *state; at += sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    for (; at < sizeof *state; at++) hash = (hash ^ bytes[at]) * UINT64_C(1099511628211);
    return hash ^ (hash >> 32);
}

/* Where the state is in the table, or would be. */
static size_t slot_of(const search *all, const model_state *state)
{
    size_t slot = (size_t)hash_state(state) & (all->table_size - 1);

    while (all->table[slot] != NONE &&
           memcmp(&all->states[all->table[slot]], state, sizeof *state) != 0)
        slot = (slot + 1) & (all->table_size - 1);
    return slot;
}

static bool resize(void **memory, size_t count, size_t size)
{
    void *larger = realloc(*memory, count * size);

    if (larger) *memory = larger;
    return larger != NULL;
}

static bool make_table(search *all, size_t size)
{
    uint32_t *table = malloc(size * sizeof *table);

    if (!table) return false;
    memset(table, 0xff, size * sizeof *table);
    free(all->table);
    all->table = table;
    all->table_size = size;
    for (size_t i = 0; i < all->result->states; i++)
        table[slot_of(all, &all->states[i])] = (uint32_t)i;
    return true;
}

static bool grow(search *all)
{
    size_t room = all->room ? 2 * all->room : 1024;

    if (!resize((void **)&all->states, room, sizeof *all->states)) return false;
    if (!resize((void **)&all->parents, room, sizeof *all->parents)) return false;
    all->room = room;
    return make_table(all, 2 * room);
}

/* The state's number; NONE: no room for it. */
static uint32_t add_state(search *all, const model_state *state)
{
    size_t slot;
    uint32_t number = (uint32_t)all->result->states;

    if (number == all->room && !grow(all)) return NONE;
    slot = slot_of(all, state);
    if (all->table[slot] != NONE) return all->table[slot];
    if (number >= all->states_max) return NONE;
    all->states[number] = *state;
    all->parents[number] = all->current;
    all->table[slot] = number;
    all->result->states++;
    return number;
}

static bool add_fair(search *all, uint32_t to)
{
    if (all->fair_count == all->fair_room) {
        size_t room = all->fair_room ? 2 * all->fair_room : 1024;

        if (!resize((void **)&all->fair, room, sizeof *all->fair)) return false;
        all->fair_room = room;
    }
    all->fair[all->fair_count].from = all->current;
    all->fair[all->fair_count++].to = to;
    return true;
}

/* ---- The way ------------------------------------------------------------------------------- */

/* Which move leads from a state, with its owners' names kept, to a known one? */
typedef struct following {
    const model_world *world;
    const model_state *target; /* canonical; NULL: the move that breaks a promise */
    const char *broken;
    model_move move;
    bool found;
} following;

static void follow(const model_move *move, void *context)
{
    following *way = context;
    model_state after = move->after;

    if (way->found) return;
    if (way->target) {
        model_make_canonical(way->world, &after);
        way->found = memcmp(&after, way->target, sizeof after) == 0;
    } else {
        way->found = move->broken == way->broken;
    }
    if (way->found) way->move = *move;
}

typedef struct text {
    char *bytes;
    size_t length;
} text;

static void add_line(text *story, const char *line)
{
    size_t length = strlen(line);
    char *bytes = realloc(story->bytes, story->length + length + 2);

    if (!bytes) return;
    story->bytes = bytes;
    memcpy(bytes + story->length, line, length);
    memcpy(bytes + story->length + length, "\n", 2);
    story->length += length + 1;
}

static void tell_move_to(search *all, model_state *state, const model_state *target, text *story)
{
    following way;
    char line[160];

    memset(&way, 0, sizeof way);
    way.world = all->world;
    way.target = target;
    way.broken = all->result->broken;
    model_moves(all->world, state, follow, &way);
    if (!way.found) {
        add_line(story, SEARCH_LOST);
        return;
    }
    model_tell(state, &way.move, line, sizeof line);
    add_line(story, line);
    *state = way.move.after;
}

static size_t depth_of(const search *all, uint32_t number)
{
    size_t depth = 0;

    while (all->parents[number] != NONE) {
        number = all->parents[number];
        depth++;
    }
    return depth;
}

/* Parents are told backwards: turn the way round first. */
static void tell_way(search *all)
{
    size_t depth = depth_of(all, all->bad);
    uint32_t *way = malloc((depth + 1) * sizeof *way);
    uint32_t number = all->bad;
    text story = {NULL, 0};
    model_state state;

    if (!way) return;
    for (size_t i = depth + 1; i-- > 0; number = all->parents[number]) way[i] = number;
    model_start(all->world, &state);
    for (size_t i = 1; i <= depth; i++)
        tell_move_to(all, &state, &all->states[way[i]], &story);
    if (all->bad_is_move) tell_move_to(all, &state, NULL, &story);
    add_line(&story, all->result->broken);
    all->result->depth = depth + all->bad_is_move;
    free(way);
    all->result->narrative = story.bytes;
}

/* ---- Forwards ------------------------------------------------------------------------------ */

static void take_move(const model_move *move, void *context)
{
    search *all = context;
    model_state after = move->after;
    uint32_t number;

    if (all->result->broken || all->result->too_large) return;
    all->result->transitions++;
    all->result->seen[move->action]++;
    if (move->verdict == MODEL_REFUSED) all->result->refused++;
    model_make_canonical(all->world, &after);
    if (move->broken) {
        all->result->broken = move->broken;
        all->bad = all->current;
        all->bad_is_move = true;
        return;
    }
    number = add_state(all, &after);
    if (number == NONE || (move->fair && !add_fair(all, number))) all->result->too_large = true;
}

static void look_at_current(search *all)
{
    model_state state = all->states[all->current]; /* the array moves when it grows */

    all->result->broken = model_broken(all->world, &state);
    if (all->result->broken)
        all->bad = all->current;
    else
        model_moves(all->world, &state, take_move, all);
}

static void go_forwards(search *all)
{
    model_state start;

    model_start(all->world, &start);
    model_make_canonical(all->world, &start);
    all->current = NONE;
    if (add_state(all, &start) == NONE) {
        all->result->too_large = true;
        return;
    }
    for (all->current = 0; all->current < all->result->states; all->current++) {
        look_at_current(all);
        if (all->result->broken || all->result->too_large) return;
    }
    all->result->depth = depth_of(all, all->current - 1);
}

/* ---- Backwards ----------------------------------------------------------------------------- */

typedef struct backwards {
    uint32_t *first; /* of each state's edges that lead to it; one more at the end */
    uint32_t *from;
    uint32_t *queue;
    bool *ends;
} backwards;

/* Sort the edges by where they lead to, by counting. */
static void turn_edges(const search *all, backwards *back)
{
    for (size_t i = 0; i < all->fair_count; i++) back->first[all->fair[i].to + 1]++;
    for (size_t i = 0; i < all->result->states; i++) back->first[i + 1] += back->first[i];
    for (size_t i = all->fair_count; i-- > 0;)
        back->from[back->first[all->fair[i].to + 1] - 1 - back->queue[all->fair[i].to]++] =
            all->fair[i].from;
}

static void spread(const search *all, backwards *back)
{
    size_t done = 0, count = 0;

    for (uint32_t i = 0; i < all->result->states; i++)
        if (all->states[i].log.status == MODEL_COMPLETED) {
            back->ends[i] = true;
            back->queue[count++] = i;
        }
    for (; done < count; done++) {
        uint32_t to = back->queue[done];

        for (uint32_t at = back->first[to]; at < back->first[to + 1]; at++) {
            uint32_t from = back->from[at];

            if (!back->ends[from]) back->queue[count++] = from;
            back->ends[from] = true;
        }
    }
}

/* The first state, so the one with the shortest way, from which there is no end. */
static void find_stuck(search *all, const backwards *back)
{
    for (uint32_t i = 0; i < all->result->states && !all->result->broken; i++)
        if (!back->ends[i]) {
            all->result->broken = search_stuck;
            all->bad = i;
        }
}

static void go_backwards(search *all)
{
    size_t states = all->result->states;
    backwards back = {calloc(states + 1, sizeof *back.first),
                      calloc(all->fair_count + 1, sizeof *back.from),
                      calloc(states, sizeof *back.queue), calloc(states, sizeof *back.ends)};

    if (back.first && back.from && back.queue && back.ends) {
        turn_edges(all, &back);
        spread(all, &back);
        find_stuck(all, &back);
    } else {
        all->result->too_large = true;
    }
    free(back.first);
    free(back.from);
    free(back.queue);
    free(back.ends);
}

void search_all(const model_world *world, size_t states_max, search_result *result)
{
    search all;

    memset(&all, 0, sizeof all);
    memset(result, 0, sizeof *result);
    all.world = world;
    all.result = result;
    all.states_max = states_max;
    go_forwards(&all);
    if (!result->broken && !result->too_large) go_backwards(&all);
    if (result->broken) tell_way(&all);
    free(all.states);
    free(all.parents);
    free(all.table);
    free(all.fair);
}

void search_free(search_result *result)
{
    free(result->narrative);
    result->narrative = NULL;
}
