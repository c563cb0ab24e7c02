/* test/support: child processes that are killed, stopped and waited for. */
#if defined(__unix__) || defined(__APPLE__)

#define _DEFAULT_SOURCE

#include "support/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GATE_PATIENCE_MS 60000

void *process_share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

void process_unshare(void *memory, size_t size)
{
    munmap(memory, size);
}

pid_t process_start(process_body *body, void *user)
{
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) _exit(body(user));
    return pid;
}

static process_end wait_with(pid_t pid, int flags, bool *gone)
{
    process_end end = {false, 0, 0};
    int status = 0;
    pid_t waited;

    do {
        waited = waitpid(pid, &status, flags);
    } while (waited < 0 && errno == EINTR);
    *gone = waited != 0;
    if (waited == pid && WIFEXITED(status)) {
        end.exited = true;
        end.code = WEXITSTATUS(status);
    } else if (waited == pid && WIFSIGNALED(status)) {
        end.signal = WTERMSIG(status);
    }
    return end;
}

process_end process_wait(pid_t pid)
{
    bool gone;

    return wait_with(pid, 0, &gone);
}

process_end process_run(process_body *body, void *user)
{
    return process_wait(process_start(body, user));
}

int64_t process_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void pause_us(int64_t duration_us)
{
    struct timespec duration = {(time_t)(duration_us / 1000000),
                                (long)(duration_us % 1000000) * 1000};

    nanosleep(&duration, NULL);
}

process_end process_kill_after(pid_t pid, int64_t delay_us)
{
    int64_t deadline = process_now_us() + delay_us;
    bool gone = false;
    process_end end = wait_with(pid, WNOHANG, &gone);

    while (!gone && process_now_us() < deadline) {
        int64_t left = deadline - process_now_us();

        pause_us(left > 1000 ? 1000 : left > 0 ? left : 0);
        end = wait_with(pid, WNOHANG, &gone);
    }
    if (gone) return end;
    process_kill(pid);
    return process_wait(pid);
}

void process_kill(pid_t pid)
{
    kill(pid, SIGKILL);
}

void process_stop(pid_t pid)
{
    int status;

    kill(pid, SIGSTOP);
    while (waitpid(pid, &status, WUNTRACED) < 0 && errno == EINTR)
        ;
}

void process_continue(pid_t pid)
{
    kill(pid, SIGCONT);
}

bool process_gate_make(process_gate *gate)
{
    int ends[2];

    if (pipe(ends) != 0) return false;
    gate->read_end = ends[0];
    gate->write_end = ends[1];
    return true;
}

void process_gate_open(process_gate *gate)
{
    while (write(gate->write_end, "", 1) < 0 && errno == EINTR)
        ;
}

bool process_gate_wait(process_gate *gate)
{
    struct pollfd poll_for = {gate->read_end, POLLIN, 0};
    char byte;
    int ready;

    do {
        ready = poll(&poll_for, 1, GATE_PATIENCE_MS);
    } while (ready < 0 && errno == EINTR);
    return ready == 1 && read(gate->read_end, &byte, 1) == 1;
}

void process_gate_close(process_gate *gate)
{
    close(gate->write_end);
    close(gate->read_end);
}

#else
typedef int process_needs_posix;
#endif
