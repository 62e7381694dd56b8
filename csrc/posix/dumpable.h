/* Whether this process may be dumped, or looked into by its user's other processes.
 *
 * When a child that shares our memory takes another user or group, the kernel clears that
 * flag of the memory: nobody of the child's new user shall look into ours. It would stay
 * cleared: no core file ever again, and /proc/self no longer ours to read. So it is put back,
 * but not before the child has left: until then it is all that guards us. */
#ifndef FP_DUMPABLE_H
#define FP_DUMPABLE_H

#include <sys/types.h>

#include "spec.h"

/* Before a child for this spec is born into our memory; nothing where it stays the user it is.
 * False: this machine would not guard the memory, or not let us see when the child has left
 * it. Then it must not be shared. */
bool fp_dumpable_lend(const fp_spec *spec);

/* After the child has called exec or exit, or was not born (0). It may still be on its way out
 * of our memory: this waits until it has left. Any number of children may be between the two
 * calls at a time; the flag comes back with the last of them. */
void fp_dumpable_return(const fp_spec *spec, pid_t pid);

#endif
