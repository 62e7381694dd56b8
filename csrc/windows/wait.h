/* Waiting with a deadline, for handles and for whoever wants to interrupt. */
#ifndef FP_WAIT_H
#define FP_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <windows.h>

#include "common/error.h"

/* A point of time on the performance counter, or never. */
typedef struct fp_deadline {
    bool set;
    int64_t at; /* nanoseconds */
} fp_deadline;

int64_t fp_now(void);

/* The deadline that is `nanoseconds` away (at once, if that is not positive). */
fp_deadline fp_deadline_in(int64_t nanoseconds);

/* Whether it is over; never so where there is none. */
bool fp_passed(const fp_deadline *deadline);

/* What ends a wait early. */
typedef struct fp_limits {
    fp_deadline deadline;
    HANDLE interrupt; /* an event; NULL: nothing interrupts. Who set it resets it. */
} fp_limits;

/* Room for handles in one wait: Windows takes 64, and one is the interrupt. */
#define FP_WAIT_MAX (MAXIMUM_WAIT_OBJECTS - 1)

/* Waits until one of `count` handles is signalled: FP_DONE, and `which`, the first that is.
 * FP_TIMEOUT, FP_INTERRUPTED, FP_FAILED (stage wait). Never returns early for a deadline. */
fp_outcome fp_wait_any(const HANDLE *handles, size_t count, const fp_limits *limits, size_t *which,
                       fp_error *error);

/* Waits for a process to end; its exit code goes to `code`. 259, which Windows also uses to
 * say "still running", is a code like any other here: the handle is what is asked. */
fp_outcome fp_wait_process(HANDLE process, const fp_limits *limits, DWORD *code, fp_error *error);

/* Ends a process with exit code 1. 0, or Windows' code: ERROR_ACCESS_DENIED if it has ended
 * already. */
DWORD fp_terminate(HANDLE process);

/* What the last call left in GetLastError(), under a stage. */
fp_error fp_last_error(fp_stage stage);

#endif
