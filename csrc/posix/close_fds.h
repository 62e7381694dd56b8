/* Closing what a child must not inherit. Everything here is async-signal-safe. */
#ifndef FP_CLOSE_FDS_H
#define FP_CLOSE_FDS_H

#include <stdbool.h>
#include <stddef.h>

/* Closes all descriptors from `first` up, now or when the child execs, but for those in `keep` (ascending, each
 * once; those below `first` do not matter). `features`: which of the ways to try;
 * each falls back to the next. Returns 0, or minus the error's number if some may be
 * left open. */
long fp_close_fds(int first, const int *keep, size_t n_keep, unsigned features);

#endif
