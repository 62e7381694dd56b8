#include "signals.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "raw.h"

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
    FP_CALL(rt_sigprocmask, SIG_SETMASK, mask, NULL, sizeof *mask,
            syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, NULL, sizeof *mask));
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

static long fp_signal_default(int signum)
{
#if FP_RAW_SYSCALLS
    /* The kernel's record, all zeroes, whose order the machines do not agree on: handler,
     * flags, restorer and mask. */
    const struct {
        unsigned long words[3];
        uint64_t mask;
    } action = {{0}, 0};
    return fp_raw(SYS_rt_sigaction, signum, (long)&action, 0, sizeof action.mask);
#else
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    return fp_result(sigaction(signum, &action, NULL));
#endif
}

long fp_signals_restore_defaults(void)
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
    long result = 0;
    for (size_t i = 0; i < sizeof signums / sizeof signums[0] && result >= 0; i++)
        result = fp_signal_default(signums[i]);
    return result;
}
