/* Starting a child: the parent's half. */
#ifndef FP_SPAWN_H
#define FP_SPAWN_H

#include "route.h"

/* Starts spec->program, and returns once exec has succeeded (true, and `proc`) or
 * something has failed (false, and `error`; no child and no descriptor is left).
 *
 * With spec->run_ahead it may return earlier: see fp_settle in route.h.
 *
 * `ends` come from fp_ends_open, or are set by the caller; they stay open, and are
 * the caller's. Takes the first route of spec->routes, in the order of this system,
 * that does not decline. A route that has to block signals puts the mask back. Safe to
 * call from many threads at once. */
bool fp_spawn(const fp_spec *spec, const fp_ends *ends, fp_proc *proc, fp_error *error);

/* The route of this thread's last fp_spawn that succeeded. */
fp_route fp_last_route(void);

#endif
