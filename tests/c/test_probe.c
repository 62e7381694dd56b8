/* The probe once more, as on a system whose vfork is a fork: all of probe.c, under other names. */
#include "posix/sys.h"
#undef FP_VFORK
#define FP_VFORK() fork()
#define fp_is_scarcity copying_is_scarcity
#define fp_features copying_features
#define fp_features_prove copying_features_prove
#define fp_features_drop copying_features_drop
#include "posix/probe.c"
#undef fp_features
#undef fp_features_drop

#include "support.h"

unsigned fp_features(void);

/* Under qemu-user and on WSL1. What a child says there by shared memory nobody hears. */
static void a_vfork_that_copies_memory_is_no_shared_one(void)
{
    const unsigned shared = FP_FEATURE_SHARED_VFORK | FP_FEATURE_CLONE3;
    const unsigned found = copying_features();
    CHECK_INT(found & shared, 0);
    CHECK_INT(found, fp_features() & ~shared);
    CHECK_INT(copying_features(), found);
}

static void a_vfork_that_shares_memory_is_found(void)
{
#if defined(__linux__)
    CHECK(fp_features() & FP_FEATURE_SHARED_VFORK);
#endif
}

SUITE(probe, CASE(a_vfork_that_copies_memory_is_no_shared_one),
      CASE(a_vfork_that_shares_memory_is_found));
