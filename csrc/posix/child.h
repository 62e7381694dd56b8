/* The child's half: replays a plan, then becomes the program, or reports and exits.
 *
 * It may run in the parent's memory, while the parent's threads go on: all but the one that
 * started it, and in a run ahead that one too. So nothing here, nor anything it calls:
 *   - allocates, takes a lock, or touches stdio, locale or the environment: another
 *     thread may hold that lock, and a write would stay in the parent;
 *   - runs with a signal let through while a handler is set: it would run in, and
 *     change, the parent;
 *   - uses libc's setuid and its like: those signal every thread of the parent;
 *   - returns to its caller, or calls exit().
 * What the object files of the child may import is a list in the tests. */
#ifndef FP_CHILD_H
#define FP_CHILD_H

#include <stdnoreturn.h>

#include "plan.h"

/* Before a call that does not return, AddressSanitizer looks at the stack of the thread, which
 * a child's need not be, and tells of what it thinks of it. */
#if defined(__SANITIZE_ADDRESS__)
#define FP_ON_ANY_STACK __attribute__((no_sanitize_address))
#else
#define FP_ON_ANY_STACK
#endif

/* Where a child without shared memory writes an fp_error is plan->report_fd; one that
 * shares memory writes to *report, which the parent set to FP_STAGE_NONE. */
noreturn void fp_child(const fp_plan *plan, volatile fp_error *report);

#endif
