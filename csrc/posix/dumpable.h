/* Whether this process may be dumped, or looked into by its user's other processes.
 *
 * When a child that shares our memory takes another user or group, the kernel clears that
 * flag of the memory: nobody of the child's new user shall look into ours. It would stay
 * cleared: no core file ever again, and /proc/self no longer ours to read. */
#ifndef FP_DUMPABLE_H
#define FP_DUMPABLE_H

#include "spec.h"

/* Before a child for this spec is born into our memory, and once it has left it (or was not
 * born); nothing where it stays the user it is. Any number may be between the two at a time:
 * the flag comes back with the last of them, since until then it guards the others. */
void fp_dumpable_lend(const fp_spec *spec);
void fp_dumpable_return(const fp_spec *spec);

#endif
