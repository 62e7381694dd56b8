/* All suites, in the order in which they run. */
#include "support.h"

#define SUITES(X)  \
    X(buffer)      \
    X(strings)     \
    X(probe)       \
    X(plan)        \
    X(close_fds)   \
    X(layouts)     \
    X(spawn)       \
    X(errors)      \
    X(births)      \
    X(dumpable)    \
    X(refusals)    \
    X(faults)      \
    X(limits)      \
    X(wait)        \
    X(communicate) \
    X(run)         \
    X(run_ahead)   \
    X(threads)

#define DECLARE(name) extern const test_suite name##_suite;
SUITES(DECLARE)

#define POINT(name) &name##_suite,
const test_suite *const support_suites[] = {SUITES(POINT) NULL};
