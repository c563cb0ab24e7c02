/*
 * test/support: child processes that are killed, stopped and waited for. POSIX only.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Zeroed memory that children share with their parent, and that outlives them. It goes with
 * process_unshare(). NULL when there is none. */
void *process_share(size_t size);
void process_unshare(void *memory, size_t size);

/* Run body(user) in a child, which exits with what it returns (0 to 125), without running the
 * parent's exit handlers. Gives the child's pid, -1 if there is none. */
typedef int process_body(void *user);
pid_t process_start(process_body *body, void *user);

typedef struct process_end {
    bool exited; /* of itself, with `code`; else by `signal` */
    int code;
    int signal;
} process_end;

/* Wait until the child is gone; from then on the system knows no process of that pid. */
process_end process_wait(pid_t pid);

/* Start a child and wait for it. */
process_end process_run(process_body *body, void *user);

/* Send SIGKILL `delay_us` microseconds from now, unless the child ends by itself; then wait. */
process_end process_kill_after(pid_t pid, int64_t delay_us);

void process_kill(pid_t pid);

/* SIGSTOP, and return when the child has stopped; SIGCONT. */
void process_stop(pid_t pid);
void process_continue(pid_t pid);

/* A gate that one process waits at until another opens it; made before the fork, and unchanged by
 * its use: it may lie in shared memory. Each opening lets one waiter through. */
typedef struct process_gate {
    int read_end;
    int write_end;
} process_gate;

bool process_gate_make(process_gate *gate);
void process_gate_open(process_gate *gate);
bool process_gate_wait(process_gate *gate); /* false: nobody has opened it for a minute */
void process_gate_close(process_gate *gate);

/* Microseconds of a clock that does not jump. */
int64_t process_now_us(void);

#endif
