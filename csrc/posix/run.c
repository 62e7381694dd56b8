#include "run.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "probe.h"

#define FP_LARGE_INPUT (64 * 1024)
/* How long a child may stay in its exec beyond the deadline, in nanoseconds. */
#define FP_LATE_EXEC 1000000000

/* A small input goes into its pipe before there is a child: no write to one that is no program
 * after all, and nothing left to do meanwhile. */
static bool fp_write_small_input(fp_input *input, fp_ends *ends, fp_error *error)
{
    if (ends->parent[0] == FP_NO_FD || input->size > FP_SMALL_INPUT)
        return true;
    if (input->size > 0 && write(ends->parent[0], input->data, input->size) < 0) {
        *error = (fp_error){FP_STAGE_DRAIN, errno};
        return false;
    }
    input->sent = input->size;
    close(ends->parent[0]);
    ends->parent[0] = FP_NO_FD;
    return true;
}

/* A large one must not block us. */
static void fp_prepare_large_input(fp_job *job)
{
    int flags;
    if (job->input.fd == FP_NO_FD)
        return;
    if (job->may_widen && job->input.size > FP_LARGE_INPUT)
        fp_widen(job->input.fd);
    fp_set_nonblocking(job->input.fd, &flags);
}

bool fp_run_start(fp_job *job, const fp_spec *spec, fp_error *error)
{
    fp_ends ends;
    if (!fp_ends_open(&ends, spec->stdio, spec->has_pipe_size, spec->pipe_size, error))
        return false;
    bool started =
        fp_write_small_input(&job->input, &ends, error) && fp_spawn(spec, &ends, &job->proc, error);
    fp_ends_close_child(&ends);
    if (!started) {
        fp_ends_close_parent(&ends);
        return false;
    }
    job->input.fd = ends.parent[0];
    job->output[0].fd = ends.parent[1];
    job->output[1].fd = ends.parent[2];
    job->owns_fds = true;
    job->may_widen = !spec->has_pipe_size;
    job->wants_code = true;
    fp_prepare_large_input(job);
    return true;
}

fp_outcome fp_run_on(fp_job *job, const fp_limits *limits, fp_error *error)
{
    fp_job *const jobs[] = {job};
    fp_outcome outcome = fp_communicate(jobs, 1, limits, error);
    /* That there is no such program is said first; but nobody knows how long an exec takes. */
    if (outcome == FP_TIMEOUT && !fp_has_settled(&job->proc, FP_LATE_EXEC))
        return FP_TIMEOUT;
    if (outcome != FP_INTERRUPTED && !fp_settle(&job->proc, job->reaped, error))
        return FP_FAILED; /* there never was a program, whatever became of the rest */
    return outcome;
}

fp_outcome fp_run_kill(fp_job *job, int *refused)
{
    int code = 0;
    fp_error unheard;
    *refused = 0;
    if (job->reaped)
        return FP_DONE;
    /* Looked at first: where somebody else has reaped it, the pid may be a stranger's. */
    fp_reaping reaping = fp_reap(job->proc.pid, false, &code);
    if (reaping == FP_REAP_RUNNING) {
        if (fp_signal(job->proc.pid, job->proc.pidfd, SIGKILL) == EPERM)
            *refused = EPERM;
        reaping = fp_reap(job->proc.pid, true, &code);
    }
    if (reaping == FP_REAP_INTERRUPTED)
        return FP_INTERRUPTED;
    job->reaped = true;
    job->lost = reaping == FP_REAP_GONE;
    job->code = job->lost ? 0 : code;
    fp_settle(&job->proc, true, &unheard);
    return FP_DONE;
}

bool fp_run_again(const fp_spec *spec, const fp_error *error)
{
    if (!spec->run_ahead || error->stage != FP_STAGE_UNSHARE || fp_is_scarcity(error->code))
        return false;
    fp_features_drop(FP_FEATURE_RUN_AHEAD);
    return true;
}

void fp_run_close(fp_job *job)
{
    int *fds[] = {&job->input.fd, &job->output[0].fd, &job->output[1].fd, &job->proc.pidfd};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (*fds[i] != FP_NO_FD)
            close(*fds[i]);
        *fds[i] = FP_NO_FD;
    }
}
