/* test/support: a place for a test's database files. */
#if defined(__unix__) || defined(__APPLE__)

#define _DEFAULT_SOURCE

#include "support/place.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool make_in(place *it, const char *otherwise)
{
    const char *parent = getenv("TMPDIR");

    snprintf(it->directory, sizeof it->directory, "%s/durable-XXXXXX",
             parent && strlen(parent) < 200 ? parent : otherwise);
    if (!mkdtemp(it->directory)) return false;
    snprintf(it->path, sizeof it->path, "%s/test.db", it->directory);
    return true;
}

bool place_make(place *it)
{
    return make_in(it, "/tmp");
}

bool place_make_in_memory(place *it)
{
    return make_in(it, "/dev/shm") || make_in(it, "/tmp");
}

void place_clear(const char *path)
{
    static const char *const suffixes[] = {"",      "-journal",      "-wal",      "-shm",
                                           "-side", "-side-journal", "-side-wal", "-side-shm"};
    char name[400];

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        remove(name);
    }
}

bool place_copy(const char *from, const char *to)
{
    char buffer[16384];
    size_t count;
    FILE *in = fopen(from, "rb");
    FILE *out = in ? fopen(to, "wb") : NULL;
    bool copied = out != NULL;

    while (copied && (count = fread(buffer, 1, sizeof buffer, in)) > 0)
        copied = fwrite(buffer, 1, count, out) == count;
    if (out) copied = fclose(out) == 0 && copied;
    if (in) fclose(in);
    return copied;
}

/* Everything goes: SQLite leaves super-journals of other names behind when a commit to several
 * files fails. */
void place_remove(place *it)
{
    DIR *directory = opendir(it->directory);
    const struct dirent *entry;
    char name[600];

    while (directory && (entry = readdir(directory)) != NULL) {
        snprintf(name, sizeof name, "%s/%s", it->directory, entry->d_name);
        if (entry->d_name[0] != '.') remove(name);
    }
    if (directory) closedir(directory);
    rmdir(it->directory);
}

#else
typedef int place_needs_posix;
#endif
