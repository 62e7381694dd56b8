#include "dumpable.h"

#if defined(__linux__)

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "wait.h"

/* How long a child may take from its exec, or exit, to leaving our memory: microseconds, but
 * its user's other processes can hold it up. Nanoseconds. */
#define FP_LONGEST_WAY_OUT 1000000000

/* The process whose thread is in here, or 0. A number, since a copy of us that another thread
 * forks has not got the thread that it would wait for. */
static _Atomic pid_t fp_inside;

/* Of the process `owner`: a copy of it has lent nothing. */
static struct {
    pid_t owner;
    unsigned long children; /* that may have our memory now */
    bool dumpable;          /* the flag is to come back after the last of them */
} fp_lent;

static pthread_once_t fp_prepared = PTHREAD_ONCE_INIT;

/* A fork copies the flag, cleared as it may be, and nobody else's child is in the copy. */
static void fp_in_a_copy(void)
{
    if (fp_lent.children > 0 && fp_lent.dumpable)
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void fp_prepare(void)
{
    pthread_atfork(NULL, NULL, fp_in_a_copy);
}

static void fp_enter(pid_t us)
{
    pid_t inside = 0;
    while (!atomic_compare_exchange_weak(&fp_inside, &inside, us)) {
        if (inside == us) {
            sched_yield();
            inside = 0;
        }
    }
    if (fp_lent.owner != us) {
        fp_lent.owner = us;
        fp_lent.children = 0;
    }
}

static void fp_leave(void)
{
    atomic_store(&fp_inside, 0);
}

/* Whether a process has our memory itself. To one's own memory this call needs no permission,
 * and it takes the lock that a process holds while it changes to another. */
static bool fp_has_our_memory(pid_t pid)
{
    volatile unsigned long ours = (unsigned long)&ours ^ (unsigned long)pid, theirs = 0;
    const struct iovec to = {(void *)&theirs, sizeof theirs}, from = {(void *)&ours, sizeof ours};
    return process_vm_readv(pid, &to, 1, &from, 1, 0) == (ssize_t)sizeof theirs && theirs == ours;
}

/* With fs.suid_dumpable at 1, "debug", the kernel does not clear the flag, but sets it. */
static bool fp_kernel_guards(void)
{
    char mode = '1';
    int file = open("/proc/sys/fs/suid_dumpable", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    bool known = read(file, &mode, 1) == 1;
    close(file);
    return known && mode != '1';
}

static bool fp_concerns(const fp_spec *spec)
{
    return spec->has_user || spec->has_group;
}

bool fp_dumpable_lend(const fp_spec *spec)
{
    if (!fp_concerns(spec))
        return true;
    pid_t us = getpid();
    if (!fp_kernel_guards() || !fp_has_our_memory(us))
        return false;
    pthread_once(&fp_prepared, fp_prepare);
    fp_enter(us);
    /* Another value than 1 is the administrator's, or the program's own wish. */
    if (fp_lent.children == 0)
        fp_lent.dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1;
    fp_lent.children++;
    fp_leave();
    return true;
}

void fp_dumpable_return(const fp_spec *spec, pid_t pid)
{
    if (!fp_concerns(spec))
        return;
    const fp_deadline latest = fp_deadline_in(FP_LONGEST_WAY_OUT);
    bool gone = pid <= 0 || !fp_has_our_memory(pid);
    while (!gone && fp_now() < latest.at) {
        sched_yield();
        gone = !fp_has_our_memory(pid);
    }
    fp_enter(getpid());
    /* Better no core file of ours than somebody else in our memory. */
    fp_lent.dumpable &= gone;
    if (--fp_lent.children == 0 && fp_lent.dumpable)
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    fp_leave();
}

#else

bool fp_dumpable_lend(const fp_spec *spec)
{
    (void)spec;
    return true;
}

void fp_dumpable_return(const fp_spec *spec, pid_t pid)
{
    (void)spec, (void)pid;
}

#endif
