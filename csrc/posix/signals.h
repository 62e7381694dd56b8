/* The signal mask and dispositions around the birth of a child. */
#ifndef FP_SIGNALS_H
#define FP_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* A mask as the kernel knows it: libc's functions hide signals 32 and 33. */
#if defined(__linux__)
typedef struct fp_sigmask {
    unsigned long bits[(NSIG - 1 + 8 * sizeof(long) - 1) / (8 * sizeof(long))];
} fp_sigmask;
#else
typedef struct fp_sigmask {
    sigset_t set;
} fp_sigmask;
#endif

/* Blocks every signal for this thread; the mask as it was goes to `old`. */
void fp_signals_block_all(fp_sigmask *old);

/* Async-signal-safe, as are the rest. */
void fp_signals_restore(const fp_sigmask *mask);

/* Every signal that has a handler gets its default; the ignored stay ignored. */
void fp_signals_drop_handlers(void);

/* What Python itself ignores, and a program does not expect to inherit so, gets
 * its default: SIGPIPE and SIGXFSZ. Returns 0, or minus the error's number. */
long fp_signals_restore_defaults(void);

#endif
