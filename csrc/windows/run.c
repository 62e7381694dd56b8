#include "run.h"

#include "fault.h"

/* The events come before the child, so that nothing but the child can fail late. */
static bool fp_open_streams(fp_job *job, fp_ends *ends, fp_error *error)
{
    fp_stream *streams[] = {&job->input.stream, &job->output[0].stream, &job->output[1].stream};
    for (int i = 0; i < 3; i++) {
        if (ends->parent[i] == NULL)
            continue;
        if (!fp_stream_open(streams[i], ends->parent[i], error))
            return false;
        ends->parent[i] = NULL; /* the stream's own now */
    }
    return true;
}

bool fp_run_start(fp_job *job, const fp_spec *spec, fp_error *error)
{
    fp_ends ends;
    if (!fp_ends_open(&ends, spec, FP_PIPE_OVERLAPPED, error))
        return false;
    bool started = fp_open_streams(job, &ends, error) && fp_spawn(spec, &ends, &job->proc, error);
    fp_ends_close_child(&ends);
    if (!started) {
        fp_ends_close_parent(&ends);
        fp_job_cancel(job);
    }
    return started;
}

fp_outcome fp_run_on(fp_job *job, const fp_limits *limits, fp_error *error)
{
    fp_job *const jobs[] = {job};
    return fp_communicate(jobs, 1, limits, error);
}

void fp_run_kill(fp_job *job)
{
    const fp_limits never = {{false, 0}, NULL};
    fp_error ignored;
    if (!job->ended) {
        fp_terminate(job->proc.process);
        job->ended = fp_wait_process(job->proc.process, &never, &job->code, &ignored) == FP_DONE;
    }
    fp_job_take_rest(job);
}

void fp_run_close(fp_job *job)
{
    fp_job_cancel(job);
    if (job->proc.process != NULL)
        CloseHandle(job->proc.process);
    job->proc.process = NULL;
}
