/* base: the small door to the operating system: which process is this, and is that one gone? */

/* kill() and readlink() are POSIX, which strict C11 hides; asked for before any header. */
#if defined(__linux__) && !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif

#include "base/process.h"

#include <sqlite3.h>

#define FIELD_SIZE 64

typedef struct process_identity {
    char boot[FIELD_SIZE];
    char space[FIELD_SIZE]; /* pid namespace and time namespace */
    long long pid;
    char start[FIELD_SIZE];
} process_identity;

#if defined(__linux__)

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static void read_boot_id(char boot[FIELD_SIZE])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");

    sqlite3_snprintf(FIELD_SIZE, boot, "-");
    if (!file) return;
    if (fgets(boot, FIELD_SIZE, file)) boot[strcspn(boot, " \n")] = '\0';
    if (boot[0] == '\0') sqlite3_snprintf(FIELD_SIZE, boot, "-");
    fclose(file);
}

/* A link reads "pid:[4026531836]"; a kernel without such namespaces has none. */
static void append_link(char *space, const char *path)
{
    size_t used = strlen(space);
    ssize_t length = readlink(path, space + used, FIELD_SIZE - 1 - used);

    space[length > 0 ? used + (size_t)length : used] = '\0';
}

/* Process numbers mean something within a pid namespace, start times within a time namespace. Asked
 * of this thread: a process whose first thread has ended does not know its own any more. */
static void read_namespaces(char space[FIELD_SIZE])
{
    space[0] = '\0';
    append_link(space, "/proc/thread-self/ns/pid");
    if (space[0] == '\0') {
        sqlite3_snprintf(FIELD_SIZE, space, "-");
        return;
    }
    append_link(space, "/proc/thread-self/ns/time");
    for (char *at = space; *at; at++)
        if ((unsigned char)*at <= ' ') *at = '_';
}

/* The blank-separated field `number` of /proc/PID/stat, counted from 1 as in proc(5). Fields are
 * counted from behind the command's closing bracket, as a command may hold blanks and brackets. */
static bool stat_field(const char *stat, int number, char field[FIELD_SIZE])
{
    const char *at = strrchr(stat, ')');

    for (int i = 2; at && i < number; i++) {
        at = strchr(at, ' ');
        if (at) at++;
    }
    if (!at) return false;
    sqlite3_snprintf(FIELD_SIZE, field, "%.*s", (int)strcspn(at, " \n"), at);
    return field[0] != '\0';
}

static bool read_stat(long long pid, char *stat, size_t size)
{
    char path[FIELD_SIZE];
    FILE *file;
    size_t length;

    sqlite3_snprintf((int)sizeof path, path, "/proc/%lld/stat", pid);
    file = fopen(path, "r");
    if (!file) return false;
    length = fread(stat, 1, size - 1, file);
    stat[length] = '\0';
    fclose(file);
    return length > 0;
}

/* In a new pid namespace under the /proc of an older one the numbers there are other processes'. */
static bool is_proc_ours(void)
{
    char number[FIELD_SIZE] = "";
    ssize_t length = readlink("/proc/self", number, sizeof number - 1);

    return length > 0 && strtoll(number, NULL, 10) == (long long)getpid();
}

static void read_self(process_identity *self)
{
    char stat[1024];

    read_boot_id(self->boot);
    if (!is_proc_ours()) sqlite3_snprintf(FIELD_SIZE, self->boot, "-");
    read_namespaces(self->space);
    self->pid = (long long)getpid();
    if (!read_stat(self->pid, stat, sizeof stat) || !stat_field(stat, 22, self->start))
        sqlite3_snprintf(FIELD_SIZE, self->start, "-");
}

/* A zombie writes no more, unless only its first thread has ended: field 3 is the state, field 20
 * the number of threads. */
static bool is_zombie(const char *stat)
{
    char state[FIELD_SIZE], threads[FIELD_SIZE];

    return stat_field(stat, 3, state) && (state[0] == 'Z' || state[0] == 'X') &&
           stat_field(stat, 20, threads) && strtol(threads, NULL, 10) <= 1;
}

/* With /proc hidden from other users a living process has no stat file, but kill() still knows
 * it. */
static bool is_process_gone(const process_identity *other)
{
    char stat[1024], start[FIELD_SIZE];

    if (kill((pid_t)other->pid, 0) != 0 && errno == ESRCH) return true;
    if (!read_stat(other->pid, stat, sizeof stat)) return false;
    if (is_zombie(stat)) return true;
    return stat_field(stat, 22, start) && strcmp(start, other->start) != 0;
}

#else

static void read_self(process_identity *self)
{
    sqlite3_snprintf(FIELD_SIZE, self->boot, "-");
    sqlite3_snprintf(FIELD_SIZE, self->space, "-");
    sqlite3_snprintf(FIELD_SIZE, self->start, "-");
    self->pid = 0;
}

static bool is_process_gone(const process_identity *other)
{
    (void)other;
    return false;
}

#endif

DURABLE_INTERNAL void durable_process_mark(char mark[DURABLE_OWNER_MARK_SIZE], uint64_t nonce)
{
    process_identity self;

    read_self(&self);
    sqlite3_snprintf(DURABLE_OWNER_MARK_SIZE, mark, "1 %s %s %lld %s %016llx", self.boot,
                     self.space, self.pid, self.start, (unsigned long long)nonce);
}

static const char *next_field(const char *at, char field[FIELD_SIZE])
{
    size_t length = strcspn(at, " ");

    if (length == 0 || length >= FIELD_SIZE) return NULL;
    memcpy(field, at, length);
    field[length] = '\0';
    return at[length] == ' ' ? at + length + 1 : at + length;
}

static bool parse_pid(const char *text, long long *pid)
{
    *pid = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (*pid > 100000000) return false;
        *pid = *pid * 10 + (*text - '0');
    }
    return *text == '\0' && *pid > 0;
}

static bool parse_mark(const char *mark, process_identity *identity)
{
    char version[FIELD_SIZE], pid[FIELD_SIZE];

    return (mark = next_field(mark, version)) && strcmp(version, "1") == 0 &&
           (mark = next_field(mark, identity->boot)) &&
           (mark = next_field(mark, identity->space)) && (mark = next_field(mark, pid)) &&
           parse_pid(pid, &identity->pid) && next_field(mark, identity->start);
}

DURABLE_INTERNAL bool durable_process_is_gone(const char *mark)
{
    process_identity other, self;

    if (!parse_mark(mark, &other)) return false;
    read_self(&self);
    if (strcmp(self.boot, "-") == 0 || strcmp(self.space, "-") == 0 ||
        strcmp(other.start, "-") == 0)
        return false;
    if (strcmp(self.boot, other.boot) != 0 || strcmp(self.space, other.space) != 0) return false;
    return is_process_gone(&other);
}
