/* Birth by fork: for a caller's own code in the child, and for systems where memory
 * is not shared by any other call. The error comes back through a pipe. */
#include "route.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "child.h"
#include "probe.h"
#include "wait.h"

/* A pipe at numbers that the plan does not name: nothing that the child does hits it. */
static bool fp_report_pipe(const fp_plan *plan, int fds[2], fp_error *error)
{
    fp_ends ends;
    const fp_stdio wish[3] = {{FP_STDIO_INHERIT, 0}, {FP_STDIO_PIPE, 0}, {FP_STDIO_INHERIT, 0}};
    if (!fp_ends_open(&ends, wish, false, 0, error))
        return false;
    fds[0] = ends.parent[1];
    fds[1] = ends.child[1];
    for (int i = 0; i < 2; i++) {
        while (fp_plan_names(plan, fds[i])) {
            int other = fcntl(fds[i], F_DUPFD_CLOEXEC, fds[i] + 1);
            /* EINVAL: that is above every number allowed. */
            int code = errno == EINVAL ? EMFILE : errno;
            close(fds[i]);
            fds[i] = other < 0 ? FP_NO_FD : other;
            if (other < 0) {
                *error = (fp_error){FP_STAGE_PIPE, code};
                return false;
            }
        }
    }
    return true;
}

/* Waits until exec has closed the pipe's other end, or a record has come. */
static void fp_read_report(int fd, const fp_fork_hooks *hooks, fp_error *report)
{
    fp_error record;
    ssize_t count;
    do
        count = read(fd, &record, sizeof record);
    while (count < 0 && errno == EINTR && (hooks == NULL || hooks->interrupted(hooks->context)));
    *report = count == sizeof record ? record : (fp_error){FP_STAGE_NONE, 0};
}

fp_birth fp_route_fork(const fp_spec *spec, const fp_ends *ends, fp_proc *proc, fp_error *error)
{
    fp_plan plan;
    fp_error report;
    int fds[2] = {FP_NO_FD, FP_NO_FD};
    fp_birth birth = FP_BIRTH_FAILED;
    const fp_fork_hooks *hooks = spec->hooks;

    if (fp_plan_init(&plan, spec, ends, FP_ROUTE_FORK, fp_features(), error) &&
        fp_report_pipe(&plan, fds, error) && fp_plan_add_report(&plan, fds[1], error)) {
        FP_PLAN_FAULT(&plan);
        if (hooks != NULL) {
            /* The caller's code runs in the child as it would in the parent: with
             * its signals and their handlers. */
            plan.drop_handlers = false;
            hooks->before_fork(hooks->context);
        } else {
            fp_signals_block_all(&plan.mask);
            plan.restore_mask = true;
        }
        pid_t pid = fork();
        if (pid == 0) {
            if (hooks != NULL)
                hooks->born(hooks->context);
            fp_child(&plan, NULL);
        }
        int code = errno;
        if (hooks != NULL)
            hooks->after_fork(hooks->context);
        else
            fp_signals_restore(&plan.mask);
        close(fds[1]);
        fds[1] = FP_NO_FD;

        if (pid < 0) {
            *error = (fp_error){FP_STAGE_BIRTH, code};
        } else {
            fp_read_report(fds[0], hooks, &report);
            if (report.stage != FP_STAGE_NONE) {
                fp_reap_failed(pid);
                *error = report;
            } else {
                proc->pid = pid;
                proc->pidfd = spec->want_pidfd ? fp_pidfd_of(pid) : FP_NO_FD;
                proc->used = FP_ROUTE_FORK;
                birth = FP_BIRTH_DONE;
            }
        }
    }
    for (int i = 0; i < 2; i++)
        if (fds[i] != FP_NO_FD)
            close(fds[i]);
    fp_plan_free(&plan);
    return birth;
}
