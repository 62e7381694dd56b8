/* What this kernel, libc and sandbox let us use. Found out once, and remembered;
 * a feature that is later refused is dropped for good. */
#ifndef FP_PROBE_H
#define FP_PROBE_H

#include <stdbool.h>

enum {
    FP_FEATURE_CLONE3 = 1u << 0,        /* clone3 with CLONE_CLEAR_SIGHAND */
    FP_FEATURE_SHARED_VFORK = 1u << 1,  /* a vfork child shares our memory */
    FP_FEATURE_CLOSE_RANGE = 1u << 2,   /* close_range, and CLOSE_RANGE_UNSHARE */
    FP_FEATURE_PIDFD = 1u << 3,         /* pidfd_open, and waitid(P_PIDFD) */
    FP_FEATURE_PROC_FDS = 1u << 4,      /* /proc/<pid>/fd can be opened */
    FP_FEATURE_REOPEN = 1u << 5,        /* a pipe of ours can be opened through that */
    FP_FEATURE_RUN_AHEAD = 1u << 6,     /* proven by a child that was waited for */
    FP_FEATURE_RANGE_CLOEXEC = 1u << 7, /* CLOSE_RANGE_CLOEXEC */
    FP_FEATURE_LONE_DUMP = 1u << 8,     /* a core dump does not end others with the memory */
    FP_FEATURE_ALL = (1u << 9) - 1u
};

/* Whether a call was refused for want of something: another time it is to be had. */
bool fp_is_scarcity(int code);

/* The features in use. The first call probes; it may start and reap one child. */
unsigned fp_features(void);

/* Uses features, from now on, that only work itself can prove. */
void fp_features_prove(unsigned features);

/* Stops using some features from now on: one was refused, or a test says so. */
void fp_features_drop(unsigned features);

#endif
