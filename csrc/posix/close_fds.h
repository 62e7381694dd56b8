/* Closing what a child must not inherit. Everything here is async-signal-safe. */
#ifndef FP_CLOSE_FDS_H
#define FP_CLOSE_FDS_H

#include <stdbool.h>
#include <stddef.h>

/* Closes all descriptors from `first` up, but for those in `keep` (ascending, each
 * once; those below `first` do not matter). `features`: which of the ways to try;
 * each falls back to the next. False with errno set if some may be left open. */
bool fp_close_fds(int first, const int *keep, size_t n_keep, unsigned features);

#endif
