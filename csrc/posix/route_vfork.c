/* Birth by vfork: memory shared, this thread stopped until exec. */
#include "route.h"

#include <errno.h>
#include <unistd.h>

#include "child.h"
#include "dumpable.h"
#include "probe.h"
#include "sys.h"
#include "wait.h"

/* A function of its own, with nothing in its frame that outlives the call: the child
 * runs on this stack, and its frames overwrite all below. */
static __attribute__((noinline)) pid_t fp_vfork_birth(const fp_plan *plan,
                                                      volatile fp_error *report)
{
    pid_t pid = FP_VFORK();
    if (pid == 0)
        fp_child(plan, report);
    return pid;
}

fp_birth fp_route_vfork(const fp_spec *spec, const fp_ends *ends, fp_proc *proc, fp_error *error)
{
    fp_plan plan;
    volatile fp_error report = {FP_STAGE_NONE, 0};
    fp_birth birth = FP_BIRTH_FAILED;
    unsigned features = fp_features();
    if (!(features & FP_FEATURE_SHARED_VFORK))
        return FP_BIRTH_DECLINED;
    if (!fp_dumpable_lend(spec))
        return FP_BIRTH_DECLINED;

    if (fp_plan_init(&plan, spec, ends, FP_ROUTE_VFORK, features, error)) {
        FP_PLAN_FAULT(&plan);
        fp_signals_block_all(&plan.mask);
        plan.restore_mask = true;
        pid_t pid = fp_vfork_birth(&plan, &report);
        int code = errno;
        fp_signals_restore(&plan.mask);

        if (pid < 0 && !fp_is_scarcity(code)) {
            /* A sandbox that was put up after we had looked. */
            fp_features_drop(FP_FEATURE_SHARED_VFORK);
            birth = FP_BIRTH_DECLINED;
        } else if (pid < 0) {
            *error = (fp_error){FP_STAGE_BIRTH, code};
        } else if (report.stage != FP_STAGE_NONE) {
            fp_reap_failed(pid);
            *error = (fp_error){report.stage, report.code};
        } else {
            proc->pid = pid;
            proc->pidfd = spec->want_pidfd ? fp_pidfd_of(pid) : FP_NO_FD;
            proc->used = FP_ROUTE_VFORK;
            birth = FP_BIRTH_DONE;
        }
    }
    fp_plan_free(&plan);
    fp_dumpable_return(spec, birth == FP_BIRTH_DONE ? proc->pid : 0);
    return birth;
}
