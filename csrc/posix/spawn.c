#include "spawn.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "probe.h"

typedef fp_birth (*fp_route_fn)(const fp_spec *, const fp_ends *, fp_proc *, fp_error *);

typedef struct fp_rung {
    fp_route route;
    fp_route_fn start;
} fp_rung;

/* Elsewhere than on Linux the system's own call comes first: on macOS a child that
 * shares memory, or is forked by a program with threads, is asking for trouble. */
static const fp_rung fp_ladder[] = {
#if defined(__linux__)
    {FP_ROUTE_CLONE3, fp_route_clone3},
    {FP_ROUTE_VFORK, fp_route_vfork},
    {FP_ROUTE_POSIX_SPAWN, fp_route_posix_spawn},
#else
    {FP_ROUTE_POSIX_SPAWN, fp_route_posix_spawn},
    {FP_ROUTE_VFORK, fp_route_vfork},
#endif
    {FP_ROUTE_FORK, fp_route_fork},
};

static _Thread_local fp_route fp_last = FP_ROUTE_FORK;

#ifdef FP_FAULTS
fp_stage fp_fault_stage = FP_STAGE_NONE;
#endif

const char *fp_route_name(fp_route route)
{
    switch (route) {
    case FP_ROUTE_CLONE3:
        return "clone3";
    case FP_ROUTE_VFORK:
        return "vfork";
    case FP_ROUTE_POSIX_SPAWN:
        return "posix_spawn";
    case FP_ROUTE_FORK:
        return "fork";
    }
    return "unknown";
}

fp_route fp_last_route(void)
{
    return fp_last;
}

void fp_reap_failed(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

bool fp_spawn(const fp_spec *spec, const fp_ends *ends, fp_proc *proc, fp_error *error)
{
    if (!fp_check(spec, error))
        return false;
    /* On failure they stay so: a number that is closed again must not be seen. */
    proc->pidfd = FP_NO_FD;
    proc->newborn = NULL;
    for (size_t i = 0; i < sizeof fp_ladder / sizeof fp_ladder[0]; i++) {
        const fp_rung *rung = &fp_ladder[i];
        bool last = rung->route == FP_ROUTE_FORK;
        if (!last && (spec->hooks != NULL || !(spec->routes & FP_ROUTE_BIT(rung->route))))
            continue;
        switch (rung->start(spec, ends, proc, error)) {
        case FP_BIRTH_DONE:
            fp_last = proc->used;
            return true;
        case FP_BIRTH_FAILED:
            return false;
        case FP_BIRTH_DECLINED:
            break;
        }
    }
    *error = (fp_error){FP_STAGE_BIRTH, ENOSYS}; /* fork never declines */
    return false;
}
