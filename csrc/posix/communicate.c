#include "communicate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* A pipe holds this much unless told otherwise. */
#define FP_PIPE_SIZE (64 * 1024)
/* What a busy pipe of ours is widened to: the most that needs no privilege. */
#define FP_WIDE_PIPE_SIZE (1024 * 1024)
/* How often to look for the end of a child that has no pidfd, in nanoseconds. */
#define FP_LOOK_EVERY 10000000
/* Descriptors that a job can wait for: input, two outputs, or its end. */
#define FP_JOB_POLLS 3

void fp_job_init(fp_job *job, fp_grow_fn grow, void *owners[2])
{
    job->proc = (fp_proc){0, FP_NO_FD, NULL, FP_ROUTE_FORK};
    job->input = (fp_input){FP_NO_FD, NULL, 0, 0};
    for (int i = 0; i < 2; i++) {
        job->output[i].fd = FP_NO_FD;
        job->output[i].widened = job->output[i].polled = false;
        fp_buffer_init(&job->output[i].buffer, grow, owners[i]);
    }
    job->owns_fds = job->may_widen = job->wants_code = job->reaped = job->lost = false;
    job->code = 0;
}

bool fp_set_nonblocking(int fd, int *flags)
{
    *flags = fcntl(fd, F_GETFL);
    return *flags >= 0 && fcntl(fd, F_SETFL, *flags | O_NONBLOCK) == 0;
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

static void fp_widen(int fd)
{
#ifdef F_SETPIPE_SZ
    /* Refused when the user has too much in pipes already: then it stays as it is. */
    fcntl(fd, F_SETPIPE_SZ, FP_WIDE_PIPE_SIZE);
#else
    (void)fd;
#endif
}

static void fp_end_stream(const fp_job *job, int *fd)
{
    if (job->owns_fds)
        close(*fd);
    *fd = FP_NO_FD;
}

/* Writes as much as the pipe takes. */
static fp_outcome fp_push(fp_job *job, fp_error *error)
{
    fp_input *input = &job->input;
    ssize_t count = write(input->fd, input->data + input->sent, input->size - input->sent);
    if (count >= 0) {
        input->sent += (size_t)count;
    } else if (errno == EPIPE) {
        /* It closed its end: not an error, only the rest is not wanted. */
        input->sent = input->size;
    } else if (errno != EAGAIN && errno != EINTR) {
        *error = (fp_error){FP_STAGE_DRAIN, errno};
        return FP_FAILED;
    }
    if (input->sent >= input->size)
        fp_end_stream(job, &input->fd);
    return FP_DONE;
}

/* Reads what is there. Only a read of nothing is the end: a pipe of packets, which a child
 * can make of ours, gives one at a time. */
static fp_outcome fp_pull(fp_job *job, fp_output *output, fp_error *error)
{
    fp_buffer *buffer = &output->buffer;
    /* The first read goes to the buffer's own room; later ones may be large. */
    if (buffer->size > 0 && !fp_buffer_reserve(buffer, FP_PIPE_SIZE)) {
        *error = (fp_error){FP_STAGE_MEMORY, ENOMEM};
        return FP_FAILED;
    }
    size_t room = buffer->capacity - buffer->size;
    ssize_t count = read(output->fd, buffer->data + buffer->size, room);
    if (count < 0) {
        if (errno == EINTR)
            return FP_INTERRUPTED;
        if (errno == EAGAIN) {
            output->polled = true;
            return FP_DONE;
        }
        *error = (fp_error){FP_STAGE_DRAIN, errno};
        return FP_FAILED;
    }
    buffer->size += (size_t)count;
    if (count == 0) {
        fp_end_stream(job, &output->fd);
    } else if (count >= FP_PIPE_SIZE && job->may_widen && !output->widened) {
        output->widened = true;
        fp_widen(output->fd);
    }
    return FP_DONE;
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
    if (job->proc.pidfd != FP_NO_FD)
        return false;
    if (fp_reaped_now(job))
        return true;
    job->proc.pidfd = fp_pidfd_of(job->proc.pid);
    return false;
}

/* Reaps a job's child whose streams have ended, waiting for its end. */
static fp_outcome fp_finish(fp_job *job, const fp_limits *limits, fp_error *error)
{
    int code = 0;
    if (limits->deadline.set) {
        if (fp_reaped_or_polled(job))
            return FP_DONE;
        fp_outcome outcome = fp_wait_exit(job->proc.pid, job->proc.pidfd, &limits->deadline, error);
        if (outcome != FP_DONE)
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
        polls[count++] = (struct pollfd){job->proc.pidfd, POLLIN, 0};
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
            outcome = fp_push(job, error);
            continue;
        }
        int which = polls[i].fd == job->output[0].fd ? 0 : 1;
        if (polls[i].fd != job->output[which].fd) {
            fp_reaped_now(job);
        } else if (events & POLLIN) {
            outcome = fp_pull(job, &job->output[which], error);
        } else {
            fp_end_stream(job, &job->output[which].fd); /* hung up, and nothing is left */
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
            *outcome = fp_pull(job, output, error);
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
        if (fp_streams_done(job) && !fp_job_done(job) && job->proc.pidfd == FP_NO_FD) {
            if (fp_reaped_or_polled(job))
                return FP_DONE;
            blind |= job->proc.pidfd == FP_NO_FD;
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
