/* Birth by clone3: memory shared, this thread stopped until exec, signal handlers
 * reset by the kernel (one flag instead of a system call per signal), a pidfd from
 * birth, and the table of descriptors shared until the child drops it. */
#include "route.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "child.h"
#include "probe.h"
#include "sys.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)0)
#endif

#if FP_LINUX_SYSCALLS && (defined(__x86_64__) || defined(__aarch64__)) && !defined(__ILP32__)

/* From the kernel's interface; older headers lack some. */
#define FP_CLONE_PIDFD 0x00001000ull
#define FP_CLONE_CLEAR_SIGHAND 0x100000000ull

/* struct clone_args, first version: eight 64-bit words. */
typedef struct fp_clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
} fp_clone_args;

/* More than the child's frames take: a few small calls deep, and no handler runs on them. */
#define FP_CHILD_STACK (64 * 1024)

typedef struct fp_newborn {
    const fp_plan *plan;
    volatile fp_error *report;
} fp_newborn;

static noreturn void fp_newborn_run(void *argument)
{
    const fp_newborn *newborn = argument;
    fp_child(newborn->plan, newborn->report);
}

/* The call itself. As after vfork, the child is on our stack, below what is in use, while
 * we are stopped: a thread may have little more. So it must not return from here, not even
 * to libc's wrapper: it calls `run`. Returns the pid, or minus errno. */
static long fp_clone3(fp_clone_args *args, void (*run)(void *), void *argument)
{
#if defined(__x86_64__)
    long result = SYS_clone3;
    register void *r8 __asm__("r8") = argument;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "sub $128, %%rsp\n\t" /* what a function may use below it */
                     "and $-16, %%rsp\n\t"
                     "mov %%r8, %%rdi\n\t"
                     "call *%%rdx\n\t"
                     "ud2\n"
                     "1:"
                     : "+a"(result)
                     : "D"(args), "S"(sizeof *args), "d"(run), "r"(r8)
                     : "rcx", "r11", "memory", "cc");
    return result;
#else
    register long x8 __asm__("x8") = SYS_clone3;
    register long x0 __asm__("x0") = (long)args;
    register long x1 __asm__("x1") = (long)sizeof *args;
    register void *x2 __asm__("x2") = (void *)run;
    register void *x3 __asm__("x3") = argument;
    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, xzr\n\t"
                     "mov x30, xzr\n\t"
                     "mov x0, x3\n\t"
                     "blr x2\n\t"
                     "brk #1\n"
                     "1:"
                     : "+r"(x0)
                     : "r"(x1), "r"(x2), "r"(x3), "r"(x8)
                     : "memory", "cc");
    return x0;
#endif
}

static long fp_clone3_birth(const fp_plan *plan, volatile fp_error *report, int *pidfd)
{
    fp_newborn newborn = {plan, report};
    fp_clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | FP_CLONE_CLEAR_SIGHAND,
        .exit_signal = SIGCHLD,
    };
    if (pidfd != NULL) {
        args.flags |= FP_CLONE_PIDFD;
        args.pidfd = (uint64_t)(uintptr_t)pidfd;
    }
    if (plan->table == FP_TABLE_SHARE)
        args.flags |= CLONE_FILES;
    long result = fp_clone3(&args, fp_newborn_run, &newborn);
    /* The child's frames never returned: their red zones are still marked. */
    ASAN_UNPOISON_MEMORY_REGION((char *)__builtin_frame_address(0) - FP_CHILD_STACK,
                                FP_CHILD_STACK);
    return result;
}

/* The kernel puts the pidfd where the lowest free number is, and a child with the same
 * table finds it there: also where the caller, by mistake, names a closed one. */
static bool fp_sources_are_open(const fp_plan *plan, const fp_ends *ends, fp_error *error)
{
    for (int i = 0; i < 3; i++) {
        if (ends->child[i] != FP_NO_FD && !ends->child_own[i] &&
            fcntl(ends->child[i], F_GETFD) < 0) {
            *error = (fp_error){FP_STAGE_MOVE, errno};
            return false;
        }
    }
    for (size_t i = 0; i < plan->spec->n_pass_fds; i++) {
        if (fcntl(plan->spec->pass_fds[i], F_GETFD) < 0) {
            *error = (fp_error){FP_STAGE_INHERIT, errno};
            return false;
        }
    }
    return true;
}

static fp_birth fp_clone3_once(const fp_spec *spec, const fp_ends *ends, unsigned features,
                               fp_proc *proc, fp_error *error)
{
    fp_plan plan;
    volatile fp_error report = {FP_STAGE_NONE, 0};
    fp_birth birth = FP_BIRTH_FAILED;

    bool pidfd_wanted = spec->want_pidfd && (features & FP_FEATURE_PIDFD);

    if (fp_plan_init(&plan, spec, ends, FP_ROUTE_CLONE3, features, error) &&
        (!pidfd_wanted || fp_sources_are_open(&plan, ends, error))) {
        FP_PLAN_FAULT(&plan);
        fp_signals_block_all(&plan.mask);
        plan.restore_mask = true;
        int pidfd = FP_NO_FD;
        long pid = fp_clone3_birth(&plan, &report, pidfd_wanted ? &pidfd : NULL);
        /* No room for a pidfd is no reason not to start: waiting works without. */
        if (pidfd_wanted && (pid == -EMFILE || pid == -ENFILE))
            pid = fp_clone3_birth(&plan, &report, NULL);
        proc->interrupted |= fp_signals_pending(&plan.mask);
        fp_signals_restore(&plan.mask);

        if (pid == -ENOSYS || pid == -EPERM || pid == -EINVAL) {
            /* An older kernel, or a sandbox that refuses the call. */
            fp_features_drop(FP_FEATURE_CLONE3);
            birth = FP_BIRTH_DECLINED;
        } else if (pid < 0) {
            *error = (fp_error){FP_STAGE_BIRTH, (int)-pid};
        } else if (report.stage != FP_STAGE_NONE) {
            fp_reap_failed((pid_t)pid);
            if (pidfd != FP_NO_FD)
                close(pidfd);
            *error = (fp_error){report.stage, report.code};
        } else {
            proc->pid = (pid_t)pid;
            proc->pidfd = pidfd;
            proc->used = FP_ROUTE_CLONE3;
            birth = FP_BIRTH_DONE;
        }
    }
    fp_plan_free(&plan);
    return birth;
}

fp_birth fp_route_clone3(const fp_spec *spec, const fp_ends *ends, fp_proc *proc, fp_error *error)
{
    unsigned features = fp_features();
    if (!(features & FP_FEATURE_CLONE3))
        return FP_BIRTH_DECLINED;
    fp_birth birth = fp_clone3_once(spec, ends, features, proc, error);
    if (birth != FP_BIRTH_FAILED)
        return birth;
    /* These two stages only save time, and come before anything that can be seen from
     * outside: without them the table is copied. */
    unsigned refused = 0;
    if (error->stage == FP_STAGE_REOPEN)
        refused = FP_FEATURE_REOPEN;
    else if (error->stage == FP_STAGE_UNSHARE)
        refused = FP_FEATURE_CLOSE_RANGE;
    if (refused == 0)
        return birth;
    if (error->code != ENOMEM && error->code != ENFILE && error->code != EMFILE)
        fp_features_drop(refused);
    return fp_clone3_once(spec, ends, features & ~refused, proc, error);
}

#else

fp_birth fp_route_clone3(const fp_spec *spec, const fp_ends *ends, fp_proc *proc, fp_error *error)
{
    (void)spec, (void)ends, (void)proc, (void)error;
    return FP_BIRTH_DECLINED;
}

#endif
