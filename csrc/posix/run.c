#include "run.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

/* What fits into an empty pipe at once, whatever its size. */
#define FP_ATOMIC_WRITE PIPE_BUF
#define FP_LARGE_INPUT (64 * 1024)

/* A small input is in the pipe before anybody polls; a large one must not block us. */
static void fp_prepare_input(fp_job *job)
{
    fp_input *input = &job->input;
    int flags;
    if (input->fd == FP_NO_FD)
        return;
    if (input->size > 0 && input->size <= FP_ATOMIC_WRITE) {
        ssize_t count = write(input->fd, input->data, input->size);
        if (count > 0)
            input->sent = (size_t)count;
        else
            input->sent = input->size; /* its reader has gone already */
    }
    if (input->sent >= input->size) {
        close(input->fd);
        input->fd = FP_NO_FD;
        return;
    }
    if (job->may_widen && input->size > FP_LARGE_INPUT)
        fp_widen(input->fd);
    fp_set_nonblocking(input->fd, &flags);
}

bool fp_run_start(fp_job *job, const fp_spec *spec, fp_error *error)
{
    fp_ends ends;
    if (!fp_ends_open(&ends, spec->stdio, spec->has_pipe_size, spec->pipe_size, error))
        return false;
    bool started = fp_spawn(spec, &ends, &job->proc, error);
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
    fp_prepare_input(job);
    return true;
}

fp_outcome fp_run_on(fp_job *job, const fp_limits *limits, fp_error *error)
{
    fp_job *const jobs[] = {job};
    fp_outcome outcome = fp_communicate(jobs, 1, limits, error);
    if (outcome != FP_INTERRUPTED && !fp_settle(&job->proc, job->reaped, error))
        return FP_FAILED; /* there never was a program, whatever became of the rest */
    return outcome;
}

fp_outcome fp_run_kill(fp_job *job, int *refused)
{
    int code = 0;
    *refused = 0;
    if (job->reaped)
        return FP_DONE;
    code = fp_signal(job->proc.pid, job->proc.pidfd, SIGKILL);
    if (code == EPERM)
        *refused = code;
    fp_reaping reaping = fp_reap(job->proc.pid, true, &code);
    if (reaping == FP_REAP_INTERRUPTED)
        return FP_INTERRUPTED;
    job->reaped = true;
    job->lost = reaping == FP_REAP_GONE;
    job->code = job->lost ? 0 : code;
    return FP_DONE;
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
