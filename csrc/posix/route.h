/* The ways in which a child is born. Each replays the same plan, and sets `proc` only when
 * it succeeds.
 *
 * A signal that came meanwhile has had its handler run when they return: a caller whose
 * handlers only take a note looks at its notes before it waits for the child.
 *
 * A route declines up front what it cannot express, or what this machine refuses;
 * it never starts half a child. */
#ifndef FP_ROUTE_H
#define FP_ROUTE_H

#include <stdint.h>

#include "plan.h"

typedef struct fp_newborn fp_newborn;

typedef struct fp_proc {
    pid_t pid;
    int pidfd;        /* FP_NO_FD: not wanted, or not to be had */
    fp_newborn *newborn; /* what a child still reads that was not waited for; or NULL */
    fp_route used;
} fp_proc;

typedef enum fp_birth {
    FP_BIRTH_DONE,     /* exec has succeeded; or proc->newborn is there, and may tell */
    FP_BIRTH_DECLINED, /* nothing was started; the next route may */
    FP_BIRTH_FAILED    /* see the error; nothing is left to reap */
} fp_birth;

fp_birth fp_route_clone3(const fp_spec *spec, const fp_ends *ends, fp_proc *proc, fp_error *error);
fp_birth fp_route_vfork(const fp_spec *spec, const fp_ends *ends, fp_proc *proc, fp_error *error);
fp_birth fp_route_posix_spawn(const fp_spec *spec, const fp_ends *ends, fp_proc *proc,
                              fp_error *error);
fp_birth fp_route_fork(const fp_spec *spec, const fp_ends *ends, fp_proc *proc, fp_error *error);

/* With spec->run_ahead, a child may be left to set itself up while the parent goes on: then
 * proc->newborn is there, `spec` and all that it points to must stay as they are, and no
 * error has been seen yet. This waits until the child looks at none of that any more, which
 * is when exec has succeeded (true), or something has failed (false, and `error`; the child
 * is the caller's to reap). `gone`: it has ended, as the caller knows. Where there is no
 * newborn, true. */
bool fp_settle(fp_proc *proc, bool gone, fp_error *error);

/* Whether that wait would be none, or be over within so many nanoseconds. */
bool fp_has_settled(const fp_proc *proc, int64_t within);

/* What two or more of them need. */

/* Reaps a child that is about to exit, and so does not make us wait. */
void fp_reap_failed(pid_t pid);

#ifdef FP_FAULTS
/* The stage at which the next children fail; C tests only. */
extern fp_stage fp_fault_stage;
#define FP_PLAN_FAULT(plan) ((plan)->fault = fp_fault_stage)
#else
#define FP_PLAN_FAULT(plan) ((void)0)
#endif

#endif
