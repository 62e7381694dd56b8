/* Starting a child. */
#ifndef FP_SPAWN_H
#define FP_SPAWN_H

#include "ends.h"

typedef struct fp_proc {
    HANDLE process; /* the caller closes it; NULL: none */
    DWORD pid;
} fp_proc;

/* Starts the program by CreateProcessW: true, and `proc`; or false, and `error`, and no
 * child and no handle is left. `ends` come from fp_ends_open, or are set by the caller; they
 * stay open, and are the caller's.
 *
 * The child inherits the ends and spec->handle_list and nothing else, whatever other threads
 * start meanwhile, and no lock is held: the ends are duplicated for the call, and named in a
 * handle list. Only close_fds=false without a handle list inherits all that is inheritable.
 * Safe to call from many threads at once. */
bool fp_spawn(const fp_spec *spec, const fp_ends *ends, fp_proc *proc, fp_error *error);

#endif
