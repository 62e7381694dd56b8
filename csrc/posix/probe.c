#include "probe.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signals.h"
#include "sys.h"

#define FP_PROBED (1u << 31)

/* Refusals and probe results only ever clear bits, so threads that race here agree. */
static atomic_uint fp_known;
static atomic_uint fp_dropped;
static atomic_uint fp_proven;

bool fp_is_scarcity(int code)
{
    return code == EAGAIN || code == ENOMEM || code == EMFILE || code == ENFILE;
}

/* Under qemu-user and on WSL1, vfork is fork, and an error that the child writes
 * to shared memory never reaches the parent. Let one child write a word, and look. */
static bool fp_vfork_shares_memory(bool *certain)
{
    volatile int word = 0;
    fp_sigmask mask;
    fp_signals_block_all(&mask);
    pid_t pid = FP_VFORK();
    if (pid == 0) {
        word = 1;
        _exit(0);
    }
    int code = errno;
    fp_signals_restore(&mask);
    if (pid < 0) {
        *certain &= !fp_is_scarcity(code);
        return false;
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return word == 1;
}

#if FP_LINUX_SYSCALLS
static bool fp_kernel_is(int major, int minor)
{
    struct utsname name;
    int has_major = 0, has_minor = 0;
    if (uname(&name) < 0 || sscanf(name.release, "%d.%d", &has_major, &has_minor) != 2)
        return false;
    return has_major > major || (has_major == major && has_minor >= minor);
}
#endif

/* `certain`: it would be the same at any other time. */
static unsigned fp_probe(bool *certain)
{
    unsigned found = 0;
    *certain = true;
    if (fp_vfork_shares_memory(certain))
        found |= FP_FEATURE_SHARED_VFORK;
#if FP_LINUX_SYSCALLS
    if (found & FP_FEATURE_SHARED_VFORK)
        found |= FP_FEATURE_CLONE3; /* until it is refused */
    /* An empty range: nothing is closed. Not with UNSHARE, which would part this
     * thread's descriptors from the others'; it came with the same kernel. */
    if (fp_close_range(~0u, ~0u, 0) == 0)
        found |= FP_FEATURE_CLOSE_RANGE;
    if (fp_close_range(~0u, ~0u, FP_CLOSE_RANGE_CLOEXEC) == 0)
        found |= FP_FEATURE_RANGE_CLOEXEC;
    if (fp_kernel_is(5, 16))
        found |= FP_FEATURE_LONE_DUMP;
    int pidfd = fp_pidfd_open(getpid());
    if (pidfd >= 0) {
        /* We are no child of ours: a kernel that knows P_PIDFD says so. */
        siginfo_t info;
        if (waitid((idtype_t)FP_P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0 &&
            errno == ECHILD)
            found |= FP_FEATURE_PIDFD;
        close(pidfd);
    } else {
        *certain &= !fp_is_scarcity(errno);
    }
    if (access("/proc/self/fd", R_OK | X_OK) == 0)
        found |= FP_FEATURE_PROC_FDS | FP_FEATURE_REOPEN; /* the second until it fails */
#endif
    return found;
}

unsigned fp_features(void)
{
    unsigned known = atomic_load_explicit(&fp_known, memory_order_acquire);
    if (known == 0) {
        int saved = errno;
        bool certain;
        known = fp_probe(&certain) | FP_PROBED;
        if (certain)
            atomic_store_explicit(&fp_known, known, memory_order_release);
        errno = saved;
    }
    known |= atomic_load_explicit(&fp_proven, memory_order_relaxed);
    return known & ~atomic_load_explicit(&fp_dropped, memory_order_relaxed) & FP_FEATURE_ALL;
}

void fp_features_prove(unsigned features)
{
    if ((atomic_load_explicit(&fp_proven, memory_order_relaxed) & features) != features)
        atomic_fetch_or(&fp_proven, features);
}

void fp_features_drop(unsigned features)
{
    atomic_fetch_or(&fp_dropped, features);
}
