#include "signals.h"

#include <stddef.h>
#include <string.h>

#include "sys.h"

static bool fp_signal_has_handler(int signum)
{
    struct sigaction action;
    /* Fails for the signals that libc keeps for itself, and for KILL and STOP. */
    if (sigaction(signum, NULL, &action) < 0)
        return false;
    /* sa_sigaction shares its place with sa_handler. */
    return action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
}

#if defined(__linux__)

void fp_signals_block_all(fp_sigmask *old)
{
    fp_sigmask all;
    for (size_t i = 0; i < sizeof all.bits / sizeof all.bits[0]; i++)
        all.bits[i] = ~0ul;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, old, sizeof all);
}

void fp_signals_restore(const fp_sigmask *mask)
{
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, NULL, sizeof *mask);
}

bool fp_signals_pending(const fp_sigmask *mask)
{
    fp_sigmask pending = {{0}};
    if (syscall(SYS_rt_sigpending, &pending, sizeof pending) < 0)
        return false;
    const int word = 8 * sizeof pending.bits[0];
    for (int i = 0; i < (int)(sizeof pending.bits / sizeof pending.bits[0]); i++) {
        unsigned long let = pending.bits[i] & ~mask->bits[i];
        for (int signum = i * word + 1; let != 0; signum++, let >>= 1)
            if ((let & 1) && fp_signal_has_handler(signum))
                return true;
    }
    return false;
}

#else

void fp_signals_block_all(fp_sigmask *old)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old->set);
}

void fp_signals_restore(const fp_sigmask *mask)
{
    pthread_sigmask(SIG_SETMASK, &mask->set, NULL);
}

bool fp_signals_pending(const fp_sigmask *mask)
{
    sigset_t pending;
    if (sigpending(&pending) < 0)
        return false;
    for (int signum = 1; signum < NSIG; signum++)
        if (sigismember(&pending, signum) == 1 && sigismember(&mask->set, signum) == 0 &&
            fp_signal_has_handler(signum))
            return true;
    return false;
}

#endif

void fp_signals_drop_handlers(void)
{
    for (int signum = 1; signum < NSIG; signum++) {
        struct sigaction action;
        if (!fp_signal_has_handler(signum))
            continue;
        memset(&action, 0, sizeof action);
        action.sa_handler = SIG_DFL;
        sigaction(signum, &action, NULL);
    }
}

bool fp_signals_restore_defaults(void)
{
    static const int signums[] = {
        SIGPIPE,
#ifdef SIGXFSZ
        SIGXFSZ,
#endif
#ifdef SIGXFZ
        SIGXFZ,
#endif
    };
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    for (size_t i = 0; i < sizeof signums / sizeof signums[0]; i++)
        if (sigaction(signums[i], &action, NULL) < 0)
            return false;
    return true;
}
