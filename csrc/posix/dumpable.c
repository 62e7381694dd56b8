#include "dumpable.h"

#if defined(__linux__)

#include <sched.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The process whose thread is in here, or 0. A number, since a copy of us that another thread
 * forks has not got the thread that it would wait for. */
static _Atomic pid_t fp_inside;

/* Of the process `owner`: a copy of it has lent nothing. */
static struct {
    pid_t owner;
    unsigned long children; /* that share our memory now */
    bool dumpable;          /* the flag is to come back after the last of them */
} fp_lent;

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

void fp_dumpable_lend(const fp_spec *spec)
{
    if (!spec->has_user && !spec->has_group)
        return;
    fp_enter(getpid());
    /* A value of 2 is the administrator's, and not ours to set. */
    if (fp_lent.children++ == 0)
        fp_lent.dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1;
    fp_leave();
}

void fp_dumpable_return(const fp_spec *spec)
{
    if (!spec->has_user && !spec->has_group)
        return;
    fp_enter(getpid());
    if (--fp_lent.children == 0 && fp_lent.dumpable)
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    fp_leave();
}

#else

void fp_dumpable_lend(const fp_spec *spec)
{
    (void)spec;
}

void fp_dumpable_return(const fp_spec *spec)
{
    (void)spec;
}

#endif
