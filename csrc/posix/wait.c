#include "wait.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ends.h"
#include "probe.h"
#include "sys.h"

#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || \
    defined(__DragonFly__)
#define FP_KQUEUE 1
#include <sys/event.h>
#else
#define FP_KQUEUE 0
#endif

#define FP_SECOND 1000000000

int64_t fp_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * FP_SECOND + now.tv_nsec;
}

fp_deadline fp_deadline_in(int64_t nanoseconds)
{
    int64_t now = fp_now();
    if (nanoseconds < 0)
        nanoseconds = 0;
    return (fp_deadline){true, nanoseconds > INT64_MAX - now ? INT64_MAX : now + nanoseconds};
}

/* More than the BSDs' kernels take, and macOS's, is refused by them; three years on, the
 * caller asks again. */
#define FP_LONGEST (100000000ll * FP_SECOND)

/* The time left; false when there is none. */
static bool fp_time_left(const fp_deadline *deadline, struct timespec *left)
{
    int64_t rest = deadline->at - fp_now();
    if (rest < 0)
        rest = 0;
    if (rest > FP_LONGEST)
        rest = FP_LONGEST;
    left->tv_sec = (time_t)(rest / FP_SECOND);
    left->tv_nsec = (long)(rest % FP_SECOND);
    return rest > 0;
}

fp_outcome fp_poll(struct pollfd *polls, nfds_t count, const fp_deadline *deadline, fp_error *error)
{
    struct timespec left = {0, 0};
    bool in_time = true;
    if (deadline->set)
        in_time = fp_time_left(deadline, &left);
#if defined(__APPLE__)
    /* No ppoll: whole milliseconds, rounded up so as not to spin. */
    int milliseconds = -1;
    if (deadline->set)
        milliseconds = left.tv_sec > 1000000
                           ? 1000000000
                           : (int)(left.tv_sec * 1000 + (left.tv_nsec + 999999) / 1000000);
    int ready = poll(polls, count, milliseconds);
#else
    int ready = ppoll(polls, count, deadline->set ? &left : NULL, NULL);
#endif
    if (ready > 0)
        return FP_DONE;
    if (ready < 0 && errno == EINTR)
        return FP_INTERRUPTED;
    if (ready < 0) {
        *error = (fp_error){FP_STAGE_WAIT, errno};
        return FP_FAILED;
    }
    /* A clamped time-out may end early. */
    return !in_time || fp_now() >= deadline->at ? FP_TIMEOUT : FP_INTERRUPTED;
}

bool fp_has_ended(pid_t pid)
{
    siginfo_t info;
    info.si_pid = 0;
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) < 0)
        return errno != EINTR;
    return info.si_pid != 0;
}

#if FP_KQUEUE

static fp_outcome fp_wait_until(pid_t pid, const fp_deadline *deadline, fp_error *error)
{
    struct kevent event;
    struct timespec left;
    fp_outcome outcome = FP_FAILED;
    int queue = kqueue();
    if (queue < 0) {
        *error = (fp_error){FP_STAGE_WAIT, errno};
        return FP_FAILED;
    }
    EV_SET(&event, (uintptr_t)pid, EVFILT_PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT, 0, NULL);
    if (kevent(queue, &event, 1, NULL, 0, NULL) < 0) {
        const fp_deadline never = {false, 0};
        if (errno == ESRCH) /* it has ended, or is about to */
            outcome = fp_wait_exit(pid, FP_NO_FD, &never, error);
        else
            *error = (fp_error){FP_STAGE_WAIT, errno};
    } else {
        bool in_time = fp_time_left(deadline, &left);
        int ready = kevent(queue, NULL, 0, &event, 1, &left);
        if (ready > 0)
            outcome = FP_DONE;
        else if (ready < 0 && errno == EINTR)
            outcome = FP_INTERRUPTED;
        else if (ready == 0)
            outcome = in_time && fp_now() < deadline->at ? FP_INTERRUPTED : FP_TIMEOUT;
        else
            *error = (fp_error){FP_STAGE_WAIT, errno};
    }
    close(queue);
    return outcome;
}

#else

/* Linux before 5.3, or a sandbox without pidfds: nothing there can wait for one child
 * with a time limit. Look again and again, ever less often; wakes up to 10 ms late. */
static fp_outcome fp_wait_until(pid_t pid, const fp_deadline *deadline, fp_error *error)
{
    int64_t nap = 50000;
    (void)error;
    for (;;) {
        struct timespec left;
        if (fp_has_ended(pid))
            return FP_DONE;
        if (!fp_time_left(deadline, &left))
            return FP_TIMEOUT;
        if (left.tv_sec > 0 || left.tv_nsec > nap)
            left = (struct timespec){0, (long)nap};
        if (nanosleep(&left, NULL) < 0 && errno == EINTR)
            return FP_INTERRUPTED;
        nap = nap * 2 > FP_SECOND / 100 ? FP_SECOND / 100 : nap * 2;
    }
}

#endif

int fp_pidfd_of(pid_t pid)
{
#if FP_LINUX_SYSCALLS
    if (fp_features() & FP_FEATURE_PIDFD) {
        siginfo_t info;
        int pidfd = fp_pidfd_open(pid); /* close-on-exec by itself */
        if (pidfd < 0)
            return FP_NO_FD;
        if (waitid((idtype_t)FP_P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOWAIT | WNOHANG) == 0)
            return pidfd;
        close(pidfd);
    }
#else
    (void)pid;
#endif
    return FP_NO_FD;
}

fp_outcome fp_wait_exit(pid_t pid, int pidfd, const fp_deadline *deadline, fp_error *error)
{
    if (deadline->set && pidfd != FP_NO_FD) {
        struct pollfd child = {pidfd, POLLIN, 0};
        return fp_poll(&child, 1, deadline, error);
    }
    if (deadline->set)
        return fp_wait_until(pid, deadline, error);
    siginfo_t info;
    int result = pidfd != FP_NO_FD
                     ? waitid((idtype_t)FP_P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOWAIT)
                     : waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    if (result == 0 || errno == ECHILD)
        return FP_DONE;
    if (errno == EINTR)
        return FP_INTERRUPTED;
    *error = (fp_error){FP_STAGE_WAIT, errno};
    return FP_FAILED;
}

fp_reaping fp_reap(pid_t pid, bool block, int *code)
{
    int status;
    pid_t reaped = waitpid(pid, &status, block ? 0 : WNOHANG);
    if (reaped == 0)
        return FP_REAP_RUNNING;
    if (reaped < 0)
        return errno == EINTR ? FP_REAP_INTERRUPTED : FP_REAP_GONE;
    *code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    return FP_REAP_DONE;
}

int fp_signal(pid_t pid, int pidfd, int signum)
{
#if FP_LINUX_SYSCALLS
    if (pidfd != FP_NO_FD) {
        if (fp_pidfd_send_signal(pidfd, signum) == 0)
            return 0;
        if (errno != ENOSYS && errno != EPERM)
            return errno;
    }
#else
    (void)pidfd;
#endif
    return kill(pid, signum) == 0 ? 0 : errno;
}
