#include "communicate.h"

#include <errno.h>
#include <stdlib.h>

/* How often to look for the end of a child that has no pidfd, in nanoseconds. */
#define FP_LOOK_EVERY 10000000
/* Descriptors that a job can wait for: input, two outputs, or its end. */
#define FP_JOB_POLLS 3

void fp_job_init(fp_job *job, fp_grow_fn grow, void *owners[2])
{
    job->proc = (fp_proc){0, FP_NO_FD, NULL, FP_ROUTE_FORK};
    job->input = (fp_input){FP_NO_FD, NULL, 0, 0};
    for (int i = 0; i < 2; i++)
        fp_output_init(&job->output[i], grow, owners[i]);
    job->owns_fds = job->may_widen = job->wants_code = false;
    job->held = job->reaped = job->lost = false;
    job->code = 0;
}

static bool fp_streams_done(const fp_job *job)
{
    return job->input.fd == FP_NO_FD && job->output[0].fd == FP_NO_FD &&
           job->output[1].fd == FP_NO_FD;
}

bool fp_job_done(const fp_job *job)
{
    return fp_streams_done(job) && (!job->wants_code || job->reaped);
}

static void fp_note_code(fp_job *job, fp_reaping reaping, int code)
{
    job->reaped = true;
    job->lost = reaping == FP_REAP_GONE;
    job->code = job->lost ? 0 : code;
}

/* Whether the child has been reaped now, without waiting. */
static bool fp_reaped_now(fp_job *job)
{
    int code = 0;
    fp_reaping reaping = fp_reap(job->proc.pid, false, &code);
    if (reaping != FP_REAP_DONE && reaping != FP_REAP_GONE)
        return false;
    fp_note_code(job, reaping, code);
    return true;
}

/* Reaps a child that has ended; else sees to it that its end can be polled.
 *
 * A child that has closed its pipes has often ended too: then it needs no pidfd, which
 * costs as much as all other calls together. (To yield the processor to it first is no
 * way: on a busy machine that costs milliseconds.) */
static bool fp_reaped_or_polled(fp_job *job)
{
    if (job->proc.pidfd != FP_NO_FD && !job->held)
        return false;
    if (fp_reaped_now(job))
        return true;
    if (job->proc.pidfd == FP_NO_FD)
        job->proc.pidfd = fp_pidfd_of(job->proc.pid);
    return false;
}

/* What tells of a child's end: nothing does of the end of a tracer's hold. */
static int fp_end_to_poll(const fp_job *job)
{
    return job->held ? FP_NO_FD : job->proc.pidfd;
}

/* Reaps a job's child whose streams have ended, waiting for its end. */
static fp_outcome fp_finish(fp_job *job, const fp_limits *limits, fp_error *error)
{
    int code = 0;
    if (limits->deadline.set) {
        if (fp_reaped_or_polled(job))
            return FP_DONE;
        fp_outcome outcome =
            fp_wait_exit(job->proc.pid, fp_end_to_poll(job), &limits->deadline, error);
        if (outcome == FP_DONE)
            job->held = !fp_reaped_now(job);
        return outcome;
    }
    fp_reaping reaping = fp_reap(job->proc.pid, true, &code);
    if (reaping == FP_REAP_INTERRUPTED)
        return FP_INTERRUPTED;
    fp_note_code(job, reaping, code);
    return FP_DONE;
}

static nfds_t fp_fill_polls(const fp_job *job, struct pollfd *polls)
{
    nfds_t count = 0;
    if (job->input.fd != FP_NO_FD)
        polls[count++] = (struct pollfd){job->input.fd, POLLOUT, 0};
    for (int i = 0; i < 2; i++)
        if (job->output[i].fd != FP_NO_FD)
            polls[count++] = (struct pollfd){job->output[i].fd, POLLIN, 0};
    if (count == 0 && job->wants_code && !job->reaped)
        polls[count++] = (struct pollfd){fp_end_to_poll(job), POLLIN, 0};
    return count;
}

/* Does what one job's descriptors are ready for. */
static fp_outcome fp_serve(fp_job *job, const struct pollfd *polls, nfds_t count, fp_error *error)
{
    fp_outcome outcome = FP_DONE;
    for (nfds_t i = 0; i < count && outcome == FP_DONE; i++) {
        short events = polls[i].revents;
        if (events == 0)
            continue;
        if (events & POLLNVAL) {
            *error = (fp_error){FP_STAGE_DRAIN, EBADF};
            return FP_FAILED;
        }
        if (polls[i].fd == job->input.fd) {
            outcome = fp_push(&job->input, job->owns_fds, error);
            continue;
        }
        int which = polls[i].fd == job->output[0].fd ? 0 : 1;
        if (polls[i].fd != job->output[which].fd) {
            job->held = !fp_reaped_now(job);
        } else if (events & POLLIN) {
            outcome = fp_pull(&job->output[which], job->owns_fds, job->may_widen, error);
        } else {
            fp_end_stream(&job->output[which].fd, job->owns_fds); /* hung up: nothing is left */
        }
    }
    return outcome;
}

/* Serves one job where that needs no poll: false if it does. */
static bool fp_serve_alone(fp_job *job, const fp_limits *limits, fp_outcome *outcome,
                           fp_error *error)
{
    if (fp_streams_done(job)) {
        *outcome = fp_finish(job, limits, error);
        return true;
    }
    if (limits->deadline.set || job->input.fd != FP_NO_FD)
        return false;
    for (int i = 0; i < 2; i++) {
        fp_output *output = &job->output[i];
        if (output->fd != FP_NO_FD && job->output[1 - i].fd == FP_NO_FD && !output->polled) {
            *outcome = fp_pull(output, job->owns_fds, job->may_widen, error);
            return true;
        }
    }
    return false;
}

/* One round over all jobs. */
static fp_outcome fp_round(fp_job *const *jobs, size_t n_jobs, struct pollfd *polls,
                           const fp_limits *limits, fp_error *error)
{
    fp_outcome outcome;
    fp_deadline until = limits->deadline;
    nfds_t total = 0;
    bool blind = false;
    if (n_jobs == 1 && fp_serve_alone(jobs[0], limits, &outcome, error))
        return outcome;
    for (size_t i = 0; i < n_jobs; i++) {
        fp_job *job = jobs[i];
        if (fp_streams_done(job) && !fp_job_done(job) && fp_end_to_poll(job) == FP_NO_FD) {
            if (fp_reaped_or_polled(job))
                return FP_DONE;
            blind |= fp_end_to_poll(job) == FP_NO_FD;
        }
        total += fp_fill_polls(job, polls + total);
    }
    /* Where there are no pidfds, the end of a child whose streams have ended cannot be
     * polled together with the others' streams: look for it now and then. */
    if (blind) {
        const fp_deadline look = fp_deadline_in(FP_LOOK_EVERY);
        blind = !until.set || look.at < until.at;
        until = blind ? look : until;
    }
    outcome = fp_poll(polls, total, &until, error);
    if (blind && outcome == FP_TIMEOUT)
        return FP_DONE;
    total = 0;
    for (size_t i = 0; i < n_jobs && outcome == FP_DONE; i++) {
        struct pollfd scratch[FP_JOB_POLLS];
        nfds_t count = fp_fill_polls(jobs[i], scratch);
        outcome = fp_serve(jobs[i], polls + total, count, error);
        total += count;
    }
    return outcome;
}

static bool fp_all_done(fp_job *const *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!fp_job_done(jobs[i]))
            return false;
    return true;
}

/* How many inputs are open that somebody else must close. */
static size_t fp_foreign_inputs(fp_job *const *jobs, size_t count)
{
    size_t inputs = 0;
    for (size_t i = 0; i < count; i++)
        inputs += !jobs[i]->owns_fds && jobs[i]->input.fd != FP_NO_FD;
    return inputs;
}

fp_outcome fp_communicate(fp_job *const *jobs, size_t count, const fp_limits *limits,
                          fp_error *error)
{
    struct pollfd few[4 * FP_JOB_POLLS];
    struct pollfd *polls = few;
    fp_outcome outcome = FP_DONE;
    if (count > sizeof few / sizeof few[0] / FP_JOB_POLLS) {
        polls = malloc(count * FP_JOB_POLLS * sizeof *polls);
        if (polls == NULL) {
            *error = (fp_error){FP_STAGE_MEMORY, ENOMEM};
            return FP_FAILED;
        }
    }
    for (;;) {
        if (fp_all_done(jobs, count))
            break;
        /* A child that never stops talking must not outrun the deadline; but what is
         * there already is taken, even when there was no time to begin with. */
        bool last = limits->deadline.set && fp_now() >= limits->deadline.at;
        size_t inputs = fp_foreign_inputs(jobs, count);
        outcome = fp_round(jobs, count, polls, limits, error);
        if (outcome != FP_DONE || fp_foreign_inputs(jobs, count) < inputs)
            break;
        if (last) {
            outcome = fp_all_done(jobs, count) ? FP_DONE : FP_TIMEOUT;
            break;
        }
    }
    if (polls != few)
        free(polls);
    return outcome;
}
