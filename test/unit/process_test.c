/* test/unit: the mark of an owner, and the judgement whether that owner is gone. "Gone" is said
 * only where it is certain: a run taken from a living owner would be executed twice. */
#define _POSIX_C_SOURCE 200809L

#include "base/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/process.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIELDS = 6 }; /* version, boot, namespace, pid, start, nonce */

typedef struct mark_fields {
    char field[FIELDS][80];
} mark_fields;

static mark_fields split(const char *mark)
{
    mark_fields fields;

    assert_int_equal(sscanf(mark, "%79s %79s %79s %79s %79s %79s", fields.field[0],
                            fields.field[1], fields.field[2], fields.field[3], fields.field[4],
                            fields.field[5]),
                     FIELDS);
    return fields;
}

static bool is_gone(const mark_fields *fields)
{
    char mark[FIELDS * 80];

    snprintf(mark, sizeof mark, "%s %s %s %s %s %s", fields->field[0], fields->field[1],
             fields->field[2], fields->field[3], fields->field[4], fields->field[5]);
    return durable_process_is_gone(mark);
}

static mark_fields own_mark(void)
{
    char mark[DURABLE_OWNER_MARK_SIZE];

    durable_process_mark(mark, 0x0123456789abcdef);
    return split(mark);
}

/* ---- The mark ---- */

static void a_mark_names_this_process_and_the_nonce(void **state)
{
    char mark[DURABLE_OWNER_MARK_SIZE], again[DURABLE_OWNER_MARK_SIZE], pid[32];
    mark_fields fields = own_mark();

    (void)state;
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_string_equal(fields.field[0], "1");
    assert_string_equal(fields.field[3], pid);
    assert_string_equal(fields.field[5], "0123456789abcdef");
    durable_process_mark(mark, 7);
    durable_process_mark(again, 7);
    assert_string_equal(mark, again);
    durable_process_mark(again, 8);
    assert_string_not_equal(mark, again);
    assert_null(strpbrk(mark, "\n\t"));
}

static void marks_of_extreme_nonces_have_16_digits(void **state)
{
    char mark[DURABLE_OWNER_MARK_SIZE];

    (void)state;
    durable_process_mark(mark, 0);
    assert_string_equal(split(mark).field[5], "0000000000000000");
    durable_process_mark(mark, UINT64_MAX);
    assert_string_equal(split(mark).field[5], "ffffffffffffffff");
}

/* ---- Living and dead ---- */

static void this_process_is_not_gone(void **state)
{
    mark_fields fields = own_mark();

    (void)state;
    assert_false(is_gone(&fields));
}

typedef struct child_mark {
    char mark[DURABLE_OWNER_MARK_SIZE];
    process_gate marked;
    process_gate leave;
} child_mark;

static int leave_a_mark(void *user)
{
    child_mark *shared = user;

    durable_process_mark(shared->mark, 1);
    process_gate_open(&shared->marked);
    process_gate_wait(&shared->leave);
    return 0;
}

static child_mark *start_child(process_body *body, pid_t *pid)
{
    child_mark *shared = process_share(sizeof *shared);

    assert_non_null(shared);
    assert_true(process_gate_make(&shared->marked));
    assert_true(process_gate_make(&shared->leave));
    *pid = process_start(body, shared);
    assert_true(*pid > 0);
    process_gate_wait(&shared->marked);
    return shared;
}

static void end_child(child_mark *shared)
{
    process_gate_close(&shared->marked);
    process_gate_close(&shared->leave);
    process_unshare(shared, sizeof *shared);
}

/* Until it is gone for everybody: alive, stopped, dead and not waited for, waited for. */
static void a_child_is_gone_when_it_is_dead_and_not_before(void **state)
{
    siginfo_t info;
    pid_t pid;
    child_mark *shared = start_child(leave_a_mark, &pid);

    (void)state;
    assert_false(durable_process_is_gone(shared->mark));
    process_stop(pid);
    assert_false(durable_process_is_gone(shared->mark));
    process_continue(pid);
    assert_false(durable_process_is_gone(shared->mark));
    kill(pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_true(durable_process_is_gone(shared->mark)); /* a zombie */
    process_wait(pid);
    assert_true(durable_process_is_gone(shared->mark));
    end_child(shared);
}

static void *stay_for_a_while(void *user)
{
    leave_a_mark(user);
    _exit(0);
}

/* The first thread of a process can end before the others: that process still writes. */
static int leave_the_first_thread(void *user)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, stay_for_a_while, user) != 0) return 1;
    pthread_exit(NULL);
}

static char state_of(pid_t pid)
{
    char path[64], text[512] = "";
    const char *bracket;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    bracket = strrchr(text, ')');
    assert_non_null(bracket);
    return bracket[2];
}

static void a_process_whose_first_thread_has_ended_is_not_gone(void **state)
{
    pid_t pid;
    child_mark *shared = start_child(leave_the_first_thread, &pid);

    (void)state;
    while (state_of(pid) != 'Z') sched_yield();
    assert_false(durable_process_is_gone(shared->mark));
    process_gate_open(&shared->leave);
    process_wait(pid);
    assert_true(durable_process_is_gone(shared->mark));
    end_child(shared);
}

static void a_process_of_that_number_that_started_at_another_time_is_another(void **state)
{
    mark_fields fields = own_mark();

    (void)state;
    snprintf(fields.field[4], sizeof fields.field[4], "1");
    assert_true(is_gone(&fields));
}

/* ---- Uncertain ---- */

static void of_another_boot_or_namespace_nothing_is_known(void **state)
{
    pid_t pid;
    child_mark *shared = start_child(leave_a_mark, &pid);
    mark_fields dead = split(shared->mark), other;

    (void)state;
    process_kill(pid);
    process_wait(pid);
    assert_true(is_gone(&dead));
    other = dead;
    other.field[1][0] = other.field[1][0] == 'a' ? 'b' : 'a';
    assert_false(is_gone(&other));
    other = dead;
    strcat(other.field[2], "0");
    assert_false(is_gone(&other));
    for (int field = 1; field <= 4; field++) { /* a system that does not tell */
        other = dead;
        strcpy(other.field[field], "-");
        assert_false(is_gone(&other));
    }
    end_child(shared);
}

static void a_mark_that_cannot_be_read_is_never_gone(void **state)
{
    static const char *const odd_pids[] = {"0",  "-1", "+1",  "1x",
                                           "x", "0x1", "99999999999999999999"};
    static const char *const marks[] = {"", " ", "1", "1 ", "1  ", "x", "host-7 pid 12", "1 a b 1",
                                        "1 a b c d e", "1 a b 1 ", "\n", "1\t2\t3\t4\t5\t6"};
    pid_t pid;
    child_mark *shared = start_child(leave_a_mark, &pid);
    mark_fields dead = split(shared->mark), odd;

    (void)state;
    process_kill(pid);
    process_wait(pid);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        assert_false(durable_process_is_gone(marks[i]));
    for (size_t i = 0; i < sizeof odd_pids / sizeof odd_pids[0]; i++) {
        odd = dead;
        strcpy(odd.field[3], odd_pids[i]);
        if (is_gone(&odd)) fail_msg("pid %s was judged", odd_pids[i]);
    }
    odd = dead;
    strcpy(odd.field[0], "2"); /* a later format of marks */
    assert_false(is_gone(&odd));
    end_child(shared);
}

static void a_mark_with_an_endless_field_is_never_gone(void **state)
{
    mark_fields fields = own_mark();
    char mark[4096];

    (void)state;
    for (int field = 0; field < 5; field++) {
        size_t length = 0;

        for (int i = 0; i < FIELDS; i++) {
            length += (size_t)snprintf(mark + length, sizeof mark - length, "%s",
                                       fields.field[i]);
            if (i == field) {
                memset(mark + length, '1', 600);
                length += 600;
            }
            mark[length++] = ' ';
        }
        mark[length] = '\0';
        assert_false(durable_process_is_gone(mark));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_names_this_process_and_the_nonce),
        cmocka_unit_test(marks_of_extreme_nonces_have_16_digits),
        cmocka_unit_test(this_process_is_not_gone),
        cmocka_unit_test(a_child_is_gone_when_it_is_dead_and_not_before),
        cmocka_unit_test(a_process_whose_first_thread_has_ended_is_not_gone),
        cmocka_unit_test(a_process_of_that_number_that_started_at_another_time_is_another),
        cmocka_unit_test(of_another_boot_or_namespace_nothing_is_known),
        cmocka_unit_test(a_mark_that_cannot_be_read_is_never_gone),
        cmocka_unit_test(a_mark_with_an_endless_field_is_never_gone),
    };

    return cmocka_run_group_tests_name("unit.process", tests, NULL, NULL);
}
