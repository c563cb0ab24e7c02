/* test/support: cutting the power under the fault VFS. */
#include "support/fault_power.h"

#include "support/fake_clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR_BYTES 512

/* A write or a truncation that no sync has made sure. */
typedef struct change {
    struct change *next;
    bool truncates;
    int64_t offset; /* of a truncation: the new size */
    size_t count;
    unsigned char bytes[];
} change;

typedef struct content {
    unsigned char *bytes;
    size_t size;
} content;

/* A file by its name. Its writes go through to the real file; here is what a cut would spare. */
typedef struct watched {
    struct watched *next;
    char *name;
    bool present; /* it is in the directory now … */
    bool sure;    /* … and would be after a cut */
    content synced;
    change *first; /* since then */
    change **end;
    bool has_ghost; /* a file of this name was deleted, and may come back: */
    content ghost;
} watched;

static bool watching;
static bool unlink_sure;
static bool off;
static watched *files;

/* ---- Memory: apart from SQLite's, which is being counted ----------------------------------- */

static void *allocate(size_t size)
{
    void *memory = calloc(1, size ? size : 1);

    if (!memory) abort();
    return memory;
}

static void content_resize(content *it, size_t size)
{
    unsigned char *bytes = allocate(size);

    if (it->size > 0) memcpy(bytes, it->bytes, it->size < size ? it->size : size);
    free(it->bytes);
    it->bytes = bytes;
    it->size = size;
}

static void content_clear(content *it)
{
    free(it->bytes);
    it->bytes = NULL;
    it->size = 0;
}

static void changes_clear(watched *file)
{
    while (file->first) {
        change *next = file->first->next;

        free(file->first);
        file->first = next;
    }
    file->end = &file->first;
}

/* ---- Files --------------------------------------------------------------------------------- */

static watched *find(const char *name)
{
    watched *file = files;

    while (file && strcmp(file->name, name) != 0)
        file = file->next;
    return file;
}

static void content_load(content *it, const char *name)
{
    FILE *stream = fopen(name, "rb");
    unsigned char buffer[4096];
    size_t count;

    if (!stream) return;
    while ((count = fread(buffer, 1, sizeof buffer, stream)) > 0) {
        size_t before = it->size;

        content_resize(it, before + count);
        memcpy(it->bytes + before, buffer, count);
    }
    fclose(stream);
}

static void content_store(const content *it, const char *name)
{
    FILE *stream = fopen(name, "wb");

    if (!stream) abort();
    if (it->size > 0 && fwrite(it->bytes, 1, it->size, stream) != it->size) abort();
    if (fclose(stream) != 0) abort();
}

static watched *add(const char *name)
{
    watched *file = allocate(sizeof *file);

    file->name = allocate(strlen(name) + 1);
    strcpy(file->name, name);
    file->end = &file->first;
    file->next = files;
    files = file;
    content_load(&file->synced, name);
    file->sure = file->synced.size > 0;
    return file;
}

/* Sectors are those of the file: a sector of a write that is torn is there or is not. */
static void apply(content *to, const change *it, fake_clock *chance, bool torn)
{
    size_t end = (size_t)it->offset + it->count;
    size_t at = (size_t)it->offset;

    if (it->truncates) {
        if (at < to->size) content_resize(to, at);
        return;
    }
    if (end > to->size) content_resize(to, end);
    while (at < end) {
        size_t next = (at / SECTOR_BYTES + 1) * SECTOR_BYTES;

        if (next > end) next = end;
        if (!torn || fake_clock_random(chance) % 2)
            memcpy(to->bytes + at, it->bytes + (at - (size_t)it->offset), next - at);
        at = next;
    }
}

static void add_change(const char *name, bool truncates, const void *bytes, size_t count,
                       int64_t offset)
{
    watched *file = watching ? find(name) : NULL;
    change *it;

    if (!file) return;
    it = allocate(sizeof *it + count);
    it->truncates = truncates;
    it->offset = offset;
    it->count = count;
    if (count > 0) memcpy(it->bytes, bytes, count);
    *file->end = it;
    file->end = &it->next;
}

void fault_power_opened(const char *name)
{
    watched *file;

    if (!watching) return;
    file = find(name);
    if (!file) file = add(name);
    file->present = true;
}

void fault_power_written(const char *name, const void *bytes, size_t count, int64_t offset)
{
    add_change(name, false, bytes, count, offset);
}

void fault_power_truncated(const char *name, int64_t size)
{
    add_change(name, true, NULL, 0, size);
}

void fault_power_synced(const char *name)
{
    watched *file = watching ? find(name) : NULL;

    if (!file) return;
    for (change *it = file->first; it; it = it->next)
        apply(&file->synced, it, NULL, false);
    changes_clear(file);
    content_clear(&file->ghost);
    file->has_ghost = false;
    file->sure = true;
}

void fault_power_deleted(const char *name, bool directory_synced)
{
    watched *file = watching ? find(name) : NULL;

    if (!file) return;
    if (directory_synced || unlink_sure) {
        content_clear(&file->ghost);
        content_clear(&file->synced);
        file->has_ghost = false;
    } else if (file->sure) {
        content_clear(&file->ghost);
        file->ghost = file->synced;
        file->has_ghost = true;
        file->synced = (content){NULL, 0};
    }
    changes_clear(file);
    content_clear(&file->synced);
    file->present = false;
    file->sure = false;
}

/* ---- The cut ------------------------------------------------------------------------------- */

/* Of each change a third is kept, a third dropped and a third torn. */
static int64_t survive(watched *file, fake_clock *chance)
{
    int64_t harmed = 0;

    for (change *it = file->first; it; it = it->next) {
        uint64_t fate = fake_clock_random(chance) % 3;

        if (fate != 0) harmed++;
        if (fate == 0 || (fate == 1 && !it->truncates)) apply(&file->synced, it, chance, fate == 1);
    }
    return harmed;
}

static void remove_shm(const char *name)
{
    char *shm = allocate(strlen(name) + sizeof "-shm");

    sprintf(shm, "%s-shm", name);
    remove(shm);
    free(shm);
}

static int64_t restore(watched *file, fake_clock *chance)
{
    int64_t harmed = 0;

    if (file->present && (file->sure || fake_clock_random(chance) % 2)) {
        harmed = survive(file, chance);
        content_store(&file->synced, file->name);
    } else if (file->has_ghost && fake_clock_random(chance) % 2) {
        content_store(&file->ghost, file->name);
    } else {
        remove(file->name);
    }
    remove_shm(file->name);
    return harmed;
}

int64_t fault_power_restore(uint64_t seed)
{
    bool unlink_was_sure = unlink_sure;
    int64_t harmed = 0;
    fake_clock chance;

    fake_clock_init(&chance, seed);
    for (watched *file = files; file; file = file->next)
        harmed += restore(file, &chance);
    fault_power_forget();
    fault_power_watch(unlink_was_sure);
    return harmed;
}

void fault_power_watch(bool unlink_is_sure)
{
    watching = true;
    unlink_sure = unlink_is_sure;
}

void fault_power_off(void)
{
    off = true;
}

bool fault_power_is_off(void)
{
    return off;
}

void fault_power_forget(void)
{
    while (files) {
        watched *file = files;

        files = file->next;
        changes_clear(file);
        content_clear(&file->synced);
        content_clear(&file->ghost);
        free(file->name);
        free(file);
    }
    watching = false;
    off = false;
}
