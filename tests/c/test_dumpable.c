/* Children with another user: our memory is theirs for a moment, and nobody else's. */
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#define NOBODY 65534
#define SPIES 2
#define BIRTHS 1500

static fp_proc proc;
static fp_error error;
static const fp_ends no_ends = {{-1, -1, -1}, {-1, -1, -1}, {0}, {0}};

static fp_spec as_nobody(fp_spec spec)
{
    spec.has_user = spec.has_group = true;
    spec.user = spec.group = NOBODY;
    return spec;
}

static bool is_root(void)
{
    if (geteuid() != 0)
        test_skip("needs root, to change credentials");
    return true;
}

static void the_flag_comes_back_on_each_route(void)
{
    if (!is_root() || !CHECK_INT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1))
        return;
    EACH_ROUTE(route)
    {
        fp_spec spec = as_nobody(SPEC("exit", "0"));
        test_about("%s", fp_route_name(route));
        spec.routes = FP_ROUTE_BIT(route);
        if (CHECK(fp_spawn(&spec, &no_ends, &proc, &error)))
            CHECK_INT(finish(&proc), 0);
        CHECK_INT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
        spec.program = "/nowhere";
        CHECK(!fp_spawn(&spec, &no_ends, &proc, &error));
        CHECK_INT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
    }
}

static volatile unsigned long secret;

typedef struct shared {
    atomic_int last; /* pid of the newest child */
    atomic_bool stop;
    atomic_long hits;
} shared;

/* Reads the secret from each process that may be the next child. */
static noreturn void spy(shared *common)
{
    volatile unsigned long seen = 0;
    const struct iovec to = {(void *)&seen, sizeof seen};
    const struct iovec from = {(void *)&secret, sizeof secret};
    const gid_t none = NOBODY;
    if (setgroups(1, &none) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) < 0)
        _exit(2);
    while (!atomic_load(&common->stop)) {
        const int last = atomic_load(&common->last);
        for (int pid = last; pid < last + 4; pid++)
            if (process_vm_readv(pid, &to, 1, &from, 1, 0) > 0 && seen == 42)
                atomic_fetch_add(&common->hits, 1);
    }
    _exit(0);
}

static void nobody_of_the_child_s_user_sees_our_memory(void)
{
    pid_t spies[SPIES];
    shared *common;
    if (!is_root())
        return;
    common = mmap(NULL, sizeof *common, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!CHECK(common != MAP_FAILED))
        return;
    atomic_store(&common->last, getpid());
    for (int i = 0; i < SPIES; i++) {
        spies[i] = fork();
        if (spies[i] == 0)
            spy(common);
    }
    secret = 42; /* here, and in no copy of us */
    for (fp_route route = FP_ROUTE_CLONE3; route <= FP_ROUTE_VFORK; route++)
        for (int i = 0; i < BIRTHS; i++) {
            fp_spec spec = as_nobody(SPEC("exit", "0"));
            spec.routes = FP_ROUTE_BIT(route);
            if (i % 3 == 0)
                spec.program = "/nowhere";
            if (fp_spawn(&spec, &no_ends, &proc, &error)) {
                CHECK_INT(proc.used, route);
                CHECK_INT(finish(&proc), 0);
                atomic_store(&common->last, proc.pid);
            } else {
                CHECK_INT(i % 3, 0);
            }
        }
    secret = 0;
    atomic_store(&common->stop, true);
    for (int i = 0; i < SPIES; i++) {
        const fp_proc one = {spies[i], FP_NO_FD, NULL, FP_ROUTE_FORK};
        CHECK_INT(finish(&one), 0);
    }
    CHECK_INT(atomic_load(&common->hits), 0);
    CHECK_INT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
    munmap(common, sizeof *common);
}

/* Where the call that tells when a child has left is refused, nothing is shared. */
static void what_cannot_be_seen_to_leave_is_not_let_in(void)
{
    if (!is_root() || !CHECK(refuse(SYS_process_vm_readv, EPERM)))
        return;
    fp_spec spec = as_nobody(SPEC("exit", "0"));
    if (CHECK(fp_spawn(&spec, &no_ends, &proc, &error))) {
        CHECK_INT(proc.used, FP_ROUTE_FORK);
        CHECK_INT(finish(&proc), 0);
    }
    CHECK_INT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
}

SUITE(dumpable, CASE(the_flag_comes_back_on_each_route),
      CASE(nobody_of_the_child_s_user_sees_our_memory),
      CASE(what_cannot_be_seen_to_leave_is_not_let_in));
