/*
 * test/fuzz: gives each file of the folders named to the fuzz target, in any compiler: what a
 * fuzzer has found once stays tested.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int replay_file(const char *path)
{
    FILE *stream = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t size = 0, count;

    if (!stream) return 0;
    do {
        bytes = realloc(bytes, size + 4096);
        if (!bytes) abort();
        count = fread(bytes + size, 1, 4096, stream);
        size += count;
    } while (count > 0);
    fclose(stream);
    bytes = realloc(bytes, size ? size : 1); /* not a byte more, for who looks behind the end */
    printf("%s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    return 1;
}

static int replay_folder(const char *folder)
{
    DIR *directory = opendir(folder);
    struct dirent *entry;
    char path[4096];
    int files = 0;

    if (!directory) return 0;
    while ((entry = readdir(directory))) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        files += replay_file(path);
    }
    closedir(directory);
    return files;
}

int main(int count, char **folders)
{
    int files = 0;

    for (int i = 1; i < count; i++) files += replay_folder(folders[i]);
    printf("%d files\n", files);
    return files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
