/* System calls as a child that shares our memory may make them: each returns what the
 * kernel does, which for a failure is minus the error's number, and touches nothing else.
 * Not even errno: the child has the errno of the thread that started it, and that thread
 * may be running.
 *
 * Where the machine's convention is not written down here, libc's own functions do it;
 * no child runs beside its parent there. */
#ifndef FP_RAW_H
#define FP_RAW_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdnoreturn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sys.h"

#if FP_LINUX_SYSCALLS && (defined(__x86_64__) || defined(__aarch64__)) && !defined(__ILP32__)
#define FP_RAW_SYSCALLS 1

static inline long fp_raw(long number, long a, long b, long c, long d)
{
#if defined(__x86_64__)
    long result = number;
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
#endif
}

/* FP_CALL(NUMBER, A, B, C, D, libc's call): the first five, or the last. */
#define FP_CALL(number, a, b, c, d, call) \
    fp_raw(SYS_##number, (long)(a), (long)(b), (long)(c), (long)(d))

#else
#define FP_RAW_SYSCALLS 0
#define FP_CALL(number, a, b, c, d, call) fp_result(call)

static inline long fp_result(long result)
{
    return result < 0 ? -errno : result;
}
#endif

static inline long fp_raw_open(const char *path, int flags)
{
    return FP_CALL(openat, AT_FDCWD, path, flags, 0, open(path, flags));
}

static inline long fp_raw_close(int fd)
{
    return FP_CALL(close, fd, 0, 0, 0, close(fd));
}

/* `from` and `to` must differ. */
static inline long fp_raw_dup(int from, int to)
{
    return FP_CALL(dup3, from, to, 0, 0, dup2(from, to));
}

static inline long fp_raw_fcntl(int fd, int command, int argument)
{
    return FP_CALL(fcntl, fd, command, argument, 0, fcntl(fd, command, argument));
}

static inline long fp_raw_fstat(int fd, struct stat *status)
{
    return FP_CALL(fstat, fd, status, 0, 0, fstat(fd, status));
}

static inline long fp_raw_write(int fd, const void *data, size_t size)
{
    return FP_CALL(write, fd, data, size, 0, write(fd, data, size));
}

static inline long fp_raw_chdir(const char *path)
{
    return FP_CALL(chdir, path, 0, 0, 0, chdir(path));
}

static inline long fp_raw_umask(mode_t mask)
{
    return FP_CALL(umask, mask, 0, 0, 0, (long)umask(mask));
}

static inline long fp_raw_setsid(void)
{
    return FP_CALL(setsid, 0, 0, 0, 0, setsid());
}

static inline long fp_raw_setpgid(pid_t pid, pid_t group)
{
    return FP_CALL(setpgid, pid, group, 0, 0, setpgid(pid, group));
}

/* libc's own setreuid and its like send every thread of the process a signal to do the
 * same: in a child that shares memory, those are the parent's threads. */
static inline long fp_raw_setreuid(uid_t user)
{
    return FP_CALL(setreuid, user, user, 0, 0, fp_setreuid(user, user));
}

static inline long fp_raw_setregid(gid_t group)
{
    return FP_CALL(setregid, group, group, 0, 0, fp_setregid(group, group));
}

static inline long fp_raw_setgroups(size_t count, const gid_t *groups)
{
    return FP_CALL(setgroups, count, groups, 0, 0, fp_setgroups(count, groups));
}

static inline long fp_raw_poll(struct pollfd *polls, nfds_t count)
{
    struct timespec none = {0, 0};
    (void)none;
    return FP_CALL(ppoll, polls, count, &none, NULL, poll(polls, count, 0));
}

/* The soft limit of open descriptors. */
static inline long fp_raw_fd_limit(struct rlimit *limit)
{
    return FP_CALL(prlimit64, 0, RLIMIT_NOFILE, NULL, limit, getrlimit(RLIMIT_NOFILE, limit));
}

static inline long fp_raw_execve(const char *program, char *const *argv, char *const *envp)
{
    return FP_CALL(execve, program, argv, envp, 0, execve(program, argv, envp));
}

static inline noreturn void fp_raw_exit(int code)
{
#if FP_RAW_SYSCALLS
    for (;;)
        fp_raw(SYS_exit_group, code, 0, 0, 0);
#else
    _exit(code);
#endif
}

#if FP_LINUX_SYSCALLS
static inline long fp_raw_close_range(unsigned first, unsigned last, unsigned flags)
{
    return FP_CALL(close_range, first, last, flags, 0, fp_close_range(first, last, flags));
}
#endif

#if defined(__linux__)
static inline long fp_raw_getdents(int fd, void *entries, size_t size)
{
    return FP_CALL(getdents64, fd, entries, size, 0, syscall(SYS_getdents64, fd, entries, size));
}
#endif

#endif
