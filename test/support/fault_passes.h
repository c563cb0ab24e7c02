/*
 * test/support: what the scenarios share, and their passes; fault_scenario.c puts them into its
 * table.
 */
#ifndef FAULT_PASSES_H
#define FAULT_PASSES_H

#include "support/fault_scenario.h"

/* SQL of the host's; SQLite's code. */
int fault_host_sql(fault_world *world, const char *sql);

/* The step's effect on the world outside the database. */
void fault_effect(fault_world *world, const char *name);

/* The library said that the step is recorded; the second one: after a DUR_STEP, by going on. */
void fault_acknowledge(fault_world *world, const char *name);
void fault_passed(fault_world *world, dur_run *run, const char *name);

/* What was acknowledged in a transaction that is gone is not recorded. */
void fault_unacknowledge_all(fault_world *world);

/* A law that the pass itself saw broken; the first one is kept. */
void fault_broken(fault_world *world, const char *format, ...) DUR_PRINTF_(2, 3);

/* Digests: every byte of every value ends up in the run's output. */
uint64_t fault_mix(uint64_t digest, const void *bytes, size_t count);
uint64_t fault_mix_value(uint64_t digest, dur_value value);
int fault_give_output(dur_run *run, uint64_t digest);
int fault_note_output(fault_world *world, int code);

/* One pass over the run; and passes as long as it is suspended, each begun when it is due. */
int fault_execute(fault_world *world, dur_workflow *workflow);
int fault_drive(fault_world *world, dur_workflow *workflow);

/* Whether a call that gave this code may be made again at once. */
bool fault_worth_a_second_try(int code);

/* fault_values.c, fault_steps.c, fault_host.c */
fault_pass fault_values_pass, fault_large_pass;
fault_pass fault_caught_pass, fault_failed_pass, fault_half_loop_pass, fault_loop_pass,
    fault_diverged_pass, fault_explicit_pass, fault_read_pass, fault_renewal_pass;
fault_pass fault_host_commit_pass, fault_host_rollback_pass;

/* fault_transfer.c */
fault_pass fault_transfer_begun, fault_transfer_pass;

/* fault_waits.c: those that are begun are put off, or wait, when the pass begins. */
fault_pass fault_retry_begun, fault_retry_pass;
fault_pass fault_timer_begun, fault_timer_pass;
fault_pass fault_receive_begun, fault_receive_pass;
fault_pass fault_select_begun, fault_select_pass;
fault_pass fault_callback_pass;

/* fault_undo.c */
fault_pass fault_undone_pass;

/* fault_once.c: begun, the first of its steps is in doubt. */
fault_pass fault_once_begun, fault_once_pass;

/* fault_children.c: the called child waits when the pass begins. */
fault_pass fault_called_begun, fault_called_pass, fault_started_pass;

/* fault_branches.c: two of them wait when the pass begins. */
fault_pass fault_branches_begun, fault_branches_pass;

/* fault_restart.c: there is a run to be restarted when the pass begins. */
fault_pass fault_restart_begun, fault_restart_pass, fault_restart_other;

/* fault_continue.c: the run has not begun, and signals wait for it. */
fault_pass fault_continued_begun, fault_continued_pass;

/* fault_patched.c: an old run has come half its way when the pass begins. */
fault_pass fault_patched_begun, fault_patched_pass;

/* fault_control.c: a run waits when the pass begins, a family, too, and some have ended. */
fault_pass fault_control_begun, fault_control_pass, fault_control_other;

/* fault_driving.c */
fault_pass fault_work_pass;

#endif
