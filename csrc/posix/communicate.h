/* Feeding children their input, and draining what they say, until they are done.
 *
 * A state machine over a set of children, so that one thread can serve many. Each call
 * goes on from where the last one stopped: nothing read or written is lost when it
 * returns for a signal or a deadline. */
#ifndef FP_COMMUNICATE_H
#define FP_COMMUNICATE_H

#include <stddef.h>

#include "route.h"
#include "stream.h"
#include "wait.h"

typedef struct fp_job {
    fp_proc proc;
    fp_input input;
    fp_output output[2]; /* what it writes to its descriptors 1 and 2 */
    bool owns_fds;       /* each is closed as soon as it has ended */
    bool may_widen;      /* the pipes' sizes are ours to choose */
    bool wants_code;     /* done only when the child is reaped */
    bool held; /* it has ended, but cannot be reaped before its tracer has let it go */
    bool reaped;
    bool lost; /* somebody else reaped it; `code` is 0 then, as the stdlib says */
    int code;
} fp_job;

/* What holds for the whole set. */
typedef struct fp_limits {
    fp_deadline deadline;
} fp_limits;

/* Prepares a job that has nothing to do. `grow` and `owners` serve its two buffers. */
void fp_job_init(fp_job *job, fp_grow_fn grow, void *owners[2]);

/* Serves the jobs until all are done (FP_DONE), or the limits say stop. A job that does
 * not own its descriptors also makes it return FP_DONE when its input has all been
 * sent: close that descriptor, and call again if an output is still open. */
fp_outcome fp_communicate(fp_job *const *jobs, size_t count, const fp_limits *limits,
                          fp_error *error);

/* Whether nothing is left to send, to read or to reap. */
bool fp_job_done(const fp_job *job);

#endif
