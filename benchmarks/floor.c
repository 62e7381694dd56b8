#define _GNU_SOURCE
#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int make_pipe(int fd[2])
{
#if defined(__APPLE__)
    if (pipe(fd) != 0)
        return -1;
    fcntl(fd[0], F_SETFD, FD_CLOEXEC);
    fcntl(fd[1], F_SETFD, FD_CLOEXEC);
    return 0;
#else
    return pipe2(fd, O_CLOEXEC);
#endif
}

/* In a child that shares this memory: system calls, then exec. */
static void child(const fp_floor_job *job, char *const *envp, int out, int err)
{
    if (out >= 0 && (dup2(out, 1) < 0 || dup2(err, 2) < 0))
        _exit(126);
    if (job->cwd != NULL && chdir(job->cwd) != 0)
        _exit(126);
    if (job->new_session && setsid() < 0)
        _exit(126);
    execve(job->program, job->argv, envp);
    _exit(127);
}

static pid_t start(const fp_floor_job *job, int out, int err)
{
    char *const *envp = job->envp != NULL ? job->envp : environ;
    pid_t pid = vfork();

    if (pid == 0)
        child(job, envp, out, err);
    return pid;
}

static int drain(int out, int err)
{
    struct pollfd set[2] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
    char buffer[65536];
    int open = 2;

    while (open > 0) {
        if (poll(set, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            return errno;
        }
        for (int i = 0; i < 2; i++) {
            ssize_t n;

            if (set[i].revents == 0)
                continue;
            n = read(set[i].fd, buffer, sizeof buffer);
            if (n < 0 && errno != EINTR)
                return errno;
            if (n == 0) {
                set[i].fd = -1;
                set[i].revents = 0;
                open--;
            }
        }
    }
    return 0;
}

/* Returns -1 while the child runs, which only WNOHANG can say. */
static int reap(pid_t pid, int options)
{
    int status;
    pid_t reaped;

    while ((reaped = waitpid(pid, &status, options)) < 0)
        if (errno != EINTR)
            return errno;
    if (reaped == 0)
        return -1;
    return status == 0 ? 0 : ECHILD;
}

static int wait_with_deadline(pid_t pid)
{
#ifdef SYS_pidfd_open
    struct pollfd set = {(int)syscall(SYS_pidfd_open, pid, 0), POLLIN, 0};
    int ready;

    if (set.fd < 0)
        return errno;
    do
        ready = poll(&set, 1, 30000);
    while (ready < 0 && errno == EINTR);
    close(set.fd);
    return ready == 1 ? 0 : ETIMEDOUT;
#else
    (void)pid;
    return ENOSYS;
#endif
}

/* Waits for the child's end, and reaps it whatever comes. */
static int end(const fp_floor_job *job, pid_t pid)
{
    int failed = 0, result = -1;

    if (job->deadline) {
        if (job->captured)
            result = reap(pid, WNOHANG);
        if (result < 0)
            failed = wait_with_deadline(pid);
    }
    if (result < 0)
        result = reap(pid, 0);
    return failed != 0 ? failed : result;
}

static int run_once(const fp_floor_job *job)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1};
    int failed = 0, result;
    pid_t pid;

    if (job->captured && (make_pipe(out) != 0 || make_pipe(err) != 0)) {
        failed = errno;
        goto done;
    }
    pid = start(job, out[1], err[1]);
    if (pid < 0) {
        failed = errno;
        goto done;
    }
    if (job->captured) {
        close(out[1]);
        close(err[1]);
        out[1] = err[1] = -1;
        failed = drain(out[0], err[0]);
    }
    result = end(job, pid);
    if (failed == 0)
        failed = result;

done:
    if (job->captured) {
        for (int i = 0; i < 2; i++) {
            if (out[i] >= 0)
                close(out[i]);
            if (err[i] >= 0)
                close(err[i]);
        }
    }
    return failed;
}

int fp_floor_loop(const fp_floor_job *job, size_t count, uint64_t *ns)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t start = now();
        int failed = run_once(job);

        if (failed != 0)
            return failed;
        ns[i] = now() - start;
    }
    return 0;
}

struct share {
    const fp_floor_job *job;
    size_t count;
    int failed;
};

static void *work(void *argument)
{
    struct share *share = argument;

    for (size_t i = 0; i < share->count && share->failed == 0; i++)
        share->failed = run_once(share->job);
    return NULL;
}

int fp_floor_threads(const fp_floor_job *job, size_t threads, size_t count, uint64_t *ns)
{
    pthread_t *ids = calloc(threads, sizeof *ids);
    struct share *shares = calloc(threads, sizeof *shares);
    size_t started = 0;
    uint64_t start = now();
    int failed = 0;

    if (ids == NULL || shares == NULL) {
        failed = ENOMEM;
        goto done;
    }
    for (; started < threads && failed == 0; started++) {
        shares[started] = (struct share){job, count, 0};
        failed = pthread_create(&ids[started], NULL, work, &shares[started]);
        if (failed != 0)
            break;
    }
    for (size_t i = 0; i < started; i++) {
        pthread_join(ids[i], NULL);
        if (failed == 0)
            failed = shares[i].failed;
    }
    *ns = now() - start;

done:
    free(ids);
    free(shares);
    return failed;
}
