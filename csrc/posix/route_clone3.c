/* Birth by clone3: memory shared, signal handlers reset by the kernel (one flag instead of a
 * system call per signal), and the table of descriptors shared until the child drops it.
 * This thread is stopped until exec, or, in a whole run, goes on meanwhile: that spares it
 * being put to sleep and woken once more. */
#include "route.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "dumpable.h"
#include "probe.h"
#include "sys.h"
#include "wait.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)0)
#endif

#if FP_LINUX_SYSCALLS && (defined(__x86_64__) || defined(__aarch64__)) && !defined(__ILP32__)

/* From the kernel's interface; older headers lack some. */
#define FP_CLONE_PIDFD 0x00001000ull
#define FP_CLONE_CLEAR_SIGHAND 0x100000000ull

/* Not the private kind: what the kernel wakes when a child has left is the other. */
#define FP_FUTEX_WAIT 0

/* struct clone_args, first version: eight 64-bit words. */
typedef struct fp_clone_args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
} fp_clone_args;

/* More than the child's frames take: a few small calls deep, and no handler runs on them. */
#if defined(__SANITIZE_ADDRESS__)
#define FP_CHILD_STACK (128 * 1024)
#else
#define FP_CHILD_STACK (16 * 1024)
#endif

/* How often to look whether a child has died in our memory, in nanoseconds. */
#define FP_LOOK_EVERY 100000000

/* What a child looks at. Where it runs beside its parent it has a stack of its own here. */
struct fp_newborn {
    fp_plan plan;
    volatile fp_error report;
    _Atomic uint32_t present; /* the kernel makes it 0, and wakes a futex, when it has left */
    _Alignas(16) char stack[];
};

FP_ON_ANY_STACK static noreturn void fp_newborn_run(void *argument)
{
    fp_newborn *newborn = argument;
    fp_child(&newborn->plan, &newborn->report);
}

/* The call itself. The child must not return from here, not even to libc's wrapper: it
 * calls `run`. Where it has no stack of its own it is on ours, as after vfork, below what
 * is in use, while we are stopped: a thread may have little more. Returns the pid, or minus
 * errno. */
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

static long fp_clone3_birth(fp_newborn *newborn, int *pidfd)
{
    fp_clone_args args = {
        .flags = CLONE_VM | FP_CLONE_CLEAR_SIGHAND,
        .exit_signal = SIGCHLD,
    };
    if (newborn->plan.run_ahead) {
        args.flags |= CLONE_CHILD_CLEARTID;
        args.child_tid = (uint64_t)(uintptr_t)&newborn->present;
        args.stack = (uint64_t)(uintptr_t)newborn->stack;
        args.stack_size = FP_CHILD_STACK;
    } else {
        args.flags |= CLONE_VFORK;
    }
    if (pidfd != NULL) {
        args.flags |= FP_CLONE_PIDFD;
        args.pidfd = (uint64_t)(uintptr_t)pidfd;
    }
    if (newborn->plan.table == FP_TABLE_SHARE)
        args.flags |= CLONE_FILES;
    long result = fp_clone3(&args, fp_newborn_run, newborn);
    /* The child's frames never returned: their red zones are still marked. */
    if (!newborn->plan.run_ahead)
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

/* The birth, and what is to be seen to around it. Returns the pid, or minus errno. */
static long fp_clone3_unsignalled(fp_newborn *newborn, int *pidfd)
{
    fp_plan *plan = &newborn->plan;
    /* A child that has no handlers from birth runs none, and signals need not be blocked. But
     * where one that dumps core ends all who have its memory, they must be. */
    plan->restore_mask = !(plan->features & FP_FEATURE_LONE_DUMP);
    if (plan->restore_mask)
        fp_signals_block_all(&plan->mask);
    long pid = fp_clone3_birth(newborn, pidfd);
    /* No room for a pidfd is no reason not to start: waiting works without. */
    if (pidfd != NULL && (pid == -EMFILE || pid == -ENFILE))
        pid = fp_clone3_birth(newborn, NULL);
    if (plan->restore_mask)
        fp_signals_restore(&plan->mask);
    return pid;
}

static fp_birth fp_clone3_once(const fp_spec *spec, const fp_ends *ends, unsigned features,
                               fp_proc *proc, fp_error *error)
{
    fp_newborn here, *newborn = &here;
    fp_birth birth = FP_BIRTH_FAILED;

    bool pidfd_wanted = spec->want_pidfd && (features & FP_FEATURE_PIDFD);

    if (spec->run_ahead && (features & FP_FEATURE_RUN_AHEAD))
        newborn = malloc(sizeof *newborn + FP_CHILD_STACK);
    if (newborn == NULL) {
        *error = (fp_error){FP_STAGE_MEMORY, ENOMEM};
        return birth;
    }
    fp_plan *plan = &newborn->plan;
    newborn->report.stage = FP_STAGE_NONE;
    newborn->present = 1;
    if (fp_plan_init(plan, spec, ends, FP_ROUTE_CLONE3, features, error) &&
        (!pidfd_wanted || fp_sources_are_open(plan, ends, error))) {
        FP_PLAN_FAULT(plan);
        int pidfd = FP_NO_FD;
        long pid = fp_clone3_unsignalled(newborn, pidfd_wanted ? &pidfd : NULL);
        if (pid == -ENOSYS || pid == -EPERM || pid == -EINVAL) {
            /* An older kernel, or a sandbox that refuses the call. */
            fp_features_drop(FP_FEATURE_CLONE3);
            birth = FP_BIRTH_DECLINED;
        } else if (pid < 0) {
            *error = (fp_error){FP_STAGE_BIRTH, (int)-pid};
        } else if (!plan->run_ahead && newborn->report.stage != FP_STAGE_NONE) {
            fp_reap_failed((pid_t)pid);
            if (pidfd != FP_NO_FD)
                close(pidfd);
            *error = (fp_error){newborn->report.stage, newborn->report.code};
        } else {
            proc->pid = (pid_t)pid;
            proc->pidfd = pidfd;
            proc->used = FP_ROUTE_CLONE3;
            birth = FP_BIRTH_DONE;
            if (plan->run_ahead) {
                proc->newborn = newborn;
                return birth;
            }
            if (plan->table == FP_TABLE_SHARE)
                fp_features_prove(FP_FEATURE_RUN_AHEAD);
        }
    }
    fp_plan_free(plan);
    if (newborn != &here)
        free(newborn);
    return birth;
}

bool fp_has_settled(const fp_proc *proc, int64_t within)
{
    fp_newborn *newborn = proc->newborn;
    if (newborn == NULL || newborn->present == 0)
        return true;
    const fp_deadline deadline = fp_deadline_in(within);
    for (int64_t left = within; left > 0 && newborn->present != 0; left = deadline.at - fp_now()) {
        const struct timespec time = {left / 1000000000, left % 1000000000};
        syscall(SYS_futex, &newborn->present, FP_FUTEX_WAIT, 1, &time, NULL, 0);
    }
    return newborn->present == 0;
}

bool fp_settle(fp_proc *proc, bool gone, fp_error *error)
{
    fp_newborn *newborn = proc->newborn;
    if (newborn == NULL)
        return true;
    while (!gone && !fp_has_settled(proc, FP_LOOK_EVERY))
        gone = fp_has_ended(proc->pid); /* a core dump leaves the word as it was, before 5.16 */
    bool born = newborn->report.stage == FP_STAGE_NONE;
    if (!born)
        *error = (fp_error){newborn->report.stage, newborn->report.code};
    proc->newborn = NULL;
    fp_plan_free(&newborn->plan);
    free(newborn);
    return born;
}

static fp_birth fp_clone3_twice(const fp_spec *spec, const fp_ends *ends, unsigned features,
                                fp_proc *proc, fp_error *error)
{
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
    if (!fp_is_scarcity(error->code))
        fp_features_drop(refused);
    return fp_clone3_once(spec, ends, features & ~refused, proc, error);
}

fp_birth fp_route_clone3(const fp_spec *spec, const fp_ends *ends, fp_proc *proc, fp_error *error)
{
    unsigned features = fp_features();
    if (!(features & FP_FEATURE_CLONE3))
        return FP_BIRTH_DECLINED;
    if (!fp_dumpable_lend(spec))
        return FP_BIRTH_DECLINED;
    fp_birth birth = fp_clone3_twice(spec, ends, features, proc, error);
    fp_dumpable_return(spec, birth == FP_BIRTH_DONE ? proc->pid : 0);
    return birth;
}

#else

fp_birth fp_route_clone3(const fp_spec *spec, const fp_ends *ends, fp_proc *proc, fp_error *error)
{
    (void)spec, (void)ends, (void)proc, (void)error;
    return FP_BIRTH_DECLINED;
}

bool fp_settle(fp_proc *proc, bool gone, fp_error *error)
{
    (void)proc, (void)gone, (void)error;
    return true;
}

bool fp_has_settled(const fp_proc *proc, int64_t within)
{
    (void)proc, (void)within;
    return true;
}

#endif
