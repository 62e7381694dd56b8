/* Waiting for children, and reaping them, with a deadline and without sleeping. */
#ifndef FP_WAIT_H
#define FP_WAIT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

/* A point of CLOCK_MONOTONIC, or never. */
typedef struct fp_deadline {
    bool set;
    int64_t at; /* nanoseconds */
} fp_deadline;

int64_t fp_now(void);

/* The deadline that is `nanoseconds` away (at once, if that is not positive). */
fp_deadline fp_deadline_in(int64_t nanoseconds);

/* poll() until a deadline: FP_DONE (some are ready), FP_TIMEOUT, FP_INTERRUPTED or
 * FP_FAILED. */
fp_outcome fp_poll(struct pollfd *polls, nfds_t count, const fp_deadline *deadline,
                   fp_error *error);

/* A pidfd for a child that we have not reaped; FP_NO_FD where there are none, or when
 * the pid is no child of ours any more: somebody else has reaped it, and it may be a
 * stranger's by now. */
int fp_pidfd_of(pid_t pid);

/* Whether the child has ended, or is none of ours any more; does not reap it. */
bool fp_has_ended(pid_t pid);

/* Waits until the child has ended, and does not reap it: FP_DONE, also when somebody
 * else has reaped it. `pidfd`: FP_NO_FD where there is none. Several threads may wait
 * for one child. */
fp_outcome fp_wait_exit(pid_t pid, int pidfd, const fp_deadline *deadline, fp_error *error);

typedef enum fp_reaping {
    FP_REAP_DONE,
    FP_REAP_RUNNING,    /* it has not ended yet */
    FP_REAP_GONE,       /* there is no such child: somebody else reaped it */
    FP_REAP_INTERRUPTED /* by a signal; only when blocking */
} fp_reaping;

/* Reaps the child, at once or when it ends; its exit code goes to `code`: the status
 * it exited with, or minus the signal that ended it. */
fp_reaping fp_reap(pid_t pid, bool block, int *code);

/* Sends a signal to a child that is not reaped yet. 0, or an errno. */
int fp_signal(pid_t pid, int pidfd, int signum);

#endif
