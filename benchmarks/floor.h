/* The floor: what starting a program costs when nothing but C and the kernel
 * is in the way.  Loaded into the process that is measured, through ctypes,
 * which releases the GIL for the length of the call. */
#ifndef FP_BENCH_FLOOR_H
#define FP_BENCH_FLOOR_H

#include <stddef.h>
#include <stdint.h>

/* One kind of run.  Everything is borrowed and only read. */
typedef struct fp_floor_job {
    const char *program;    /* a path, executed as it is */
    char *const *argv;
    char *const *envp;      /* NULL: the environment of this process */
    const char *cwd;        /* NULL: stay */
    int new_session;        /* setsid in the child */
    int captured;           /* stdout and stderr read to their ends */
    int deadline;           /* waits as a call with a deadline must: see below */
} fp_floor_job;

/* With `deadline`, the end of the child is waited for by a pidfd, in a poll with a timeout of
 * 30 s; not where it has ended by the time that its output has.  Where there are no pidfds
 * that is ENOSYS. */

/* Runs the job `count` times, one after the other, and stores the
 * nanoseconds of each in `ns`.  Returns 0, or the errno of the first failure
 * (a child that did not exit with 0 is ECHILD). */
int fp_floor_loop(const fp_floor_job *job, size_t count, uint64_t *ns);

/* `threads` threads run the job `count` times each, at once.  Stores the
 * nanoseconds from before the first thread to after the last in `ns`. */
int fp_floor_threads(const fp_floor_job *job, size_t threads, size_t count, uint64_t *ns);

#endif
