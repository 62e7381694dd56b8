/* System calls that libc lacks, or wraps in ways that a child which shares our
 * memory must not use. Nothing here decides anything. */
#ifndef FP_SYS_H
#define FP_SYS_H

#include <errno.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

/* Android's sandbox kills a process for an unknown call instead of refusing it. */
#if defined(__linux__) && !defined(__ANDROID__)
#define FP_LINUX_SYSCALLS 1
#else
#define FP_LINUX_SYSCALLS 0
#endif

#if defined(__linux__)
#include <sys/syscall.h>

/* Numbers from the kernel's common table, for headers older than the kernel. */
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

/* On 32-bit machines the plain numbers still take 16-bit ids. */
#ifdef SYS_setreuid32
#define FP_SYS_SETREUID SYS_setreuid32
#define FP_SYS_SETREGID SYS_setregid32
#define FP_SYS_SETGROUPS SYS_setgroups32
#else
#define FP_SYS_SETREUID SYS_setreuid
#define FP_SYS_SETREGID SYS_setregid
#define FP_SYS_SETGROUPS SYS_setgroups
#endif
#endif

#define FP_P_PIDFD 3 /* of waitid; a name that older headers lack */

#if FP_LINUX_SYSCALLS
#define FP_CLOSE_RANGE_UNSHARE 2u
#define FP_CLOSE_RANGE_CLOEXEC 4u

static inline int fp_close_range(unsigned first, unsigned last, unsigned flags)
{
    return (int)syscall(SYS_close_range, first, last, flags);
}

static inline int fp_pidfd_open(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

static inline int fp_pidfd_send_signal(int pidfd, int signum)
{
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signum, NULL, 0);
}
#endif

/* macOS advises against vfork; but it is what is left where posix_spawn cannot express
 * the plan, and better than fork. */
#if defined(__APPLE__)
#define FP_VFORK()                                                                \
    _Pragma("clang diagnostic push")                                              \
        _Pragma("clang diagnostic ignored \"-Wdeprecated-declarations\"") vfork() \
            _Pragma("clang diagnostic pop")
#else
#define FP_VFORK() vfork()
#endif

/* Not libc's, which would reach out to the parent's threads: see raw.h. */
static inline int fp_setreuid(uid_t real, uid_t effective)
{
#if defined(__linux__)
    return (int)syscall(FP_SYS_SETREUID, real, effective);
#else
    return setreuid(real, effective);
#endif
}

static inline int fp_setregid(gid_t real, gid_t effective)
{
#if defined(__linux__)
    return (int)syscall(FP_SYS_SETREGID, real, effective);
#else
    return setregid(real, effective);
#endif
}

#if defined(__linux__)
static inline int fp_setgroups(size_t count, const gid_t *groups)
{
    return (int)syscall(FP_SYS_SETGROUPS, count, groups);
}
#else
#include <grp.h>
static inline int fp_setgroups(size_t count, const gid_t *groups)
{
    return setgroups((int)count, groups);
}
#endif

#endif
