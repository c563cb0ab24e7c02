/*
 * test/support: a place for a test's database files, a directory of its own under TMPDIR or /tmp.
 * It has no pointers and may lie in memory that processes share. POSIX only.
 */
#ifndef PLACE_H
#define PLACE_H

#include <stdbool.h>

typedef struct place {
    char directory[256];
    char path[300]; /* of the database; there is no file yet */
} place;

bool place_make(place *it);

/* The same in memory, where the system has such a place, unless TMPDIR names one: for thousands of
 * small databases, whose syncs reach no disk. */
bool place_make_in_memory(place *it);

/* Remove a database with all that SQLite keeps beside it, and the same of `<path>-side`. */
void place_clear(const char *path);

/* Copy a file, over an earlier one; false: there is none, or the disk is full. */
bool place_copy(const char *from, const char *to);

/* Remove the directory and all that is in it. */
void place_remove(place *it);

#endif
