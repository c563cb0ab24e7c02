/* base: the small door to the operating system: which process is this, and is that one gone? */
#ifndef DURABLE_PROCESS_H
#define DURABLE_PROCESS_H

#include "base/base.h"

/* Holds every mark. */
#define DURABLE_OWNER_MARK_SIZE 192

/*
 * The mark of an owner: "1 BOOT NAMESPACE PID START NONCE", single blanks between. BOOT is the boot
 * id, NAMESPACE the pid and time namespaces, PID the process, START its start time in clock ticks
 * since boot, NONCE 16 hex digits that tell the logs of one process apart. Where the system does
 * not tell (any but Linux today), BOOT, NAMESPACE and START are "-", and such an owner is never
 * judged: its lease decides.
 */
DURABLE_INTERNAL void durable_process_mark(char mark[DURABLE_OWNER_MARK_SIZE], uint64_t nonce);

/*
 * True only if the owner that left this mark is certainly gone: same boot and same pid namespace
 * as this process, and no process of that number, or one with another start time, or one that is
 * dead but not yet waited for.
 */
DURABLE_INTERNAL bool durable_process_is_gone(const char *mark);

#endif
