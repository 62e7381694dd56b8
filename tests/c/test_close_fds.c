/* Closing descriptors, by each of the three ways, in a process of its own. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "posix/close_fds.h"
#include "posix/probe.h"
#include "support.h"

#define TOP 1100 /* the limit of open descriptors in these cases */

static const unsigned ways[] = {FP_FEATURE_CLOSE_RANGE, FP_FEATURE_PROC_FDS, 0};
static const char *const way_names[] = {"close_range", "/proc", "search"};

typedef struct closing {
    int way;
    int first;
    const int *keep;
    size_t n_keep;
    bool dense; /* every number is open; else some, with gaps */
} closing;

/* Numbers at the edges of what the ways handle at a time. */
static bool is_opened(int fd, bool dense)
{
    return dense || fd < 8 || fd == 12 || fd == 63 || fd == 64 || fd == 65 || fd == 254 ||
           fd == 255 || fd == 256 || fd == 257 || fd == 258 || fd == 259 || fd == 511 ||
           fd == 1023 || fd == 1024 || fd == TOP - 1;
}

static bool is_in(int fd, const int *keep, size_t n_keep)
{
    for (size_t i = 0; i < n_keep; i++)
        if (keep[i] == fd)
            return true;
    return false;
}

static void close_and_look(const void *argument)
{
    const closing *task = argument;
    int file = open("/dev/null", O_RDWR);
    bool was_open[TOP];
    limit_fds(TOP);
    for (int fd = 0; fd < TOP; fd++)
        if (fcntl(fd, F_GETFD) < 0 && is_opened(fd, task->dense))
            dup2(file, fd);
    for (int fd = 0; fd < TOP; fd++)
        was_open[fd] = fcntl(fd, F_GETFD) >= 0;
    bool done = fp_close_fds(task->first, task->keep, task->n_keep, ways[task->way]) == 0;
    int wrong = done ? -1 : TOP;
    for (int fd = 0; fd < TOP; fd++) {
        bool stays = was_open[fd] && (fd < task->first || is_in(fd, task->keep, task->n_keep));
        if (stays != (fcntl(fd, F_GETFD) >= 0))
            wrong = fd;
    }
    /* The log is closed too: say it by the exit status. */
    _exit(wrong < 0 ? 0 : 1 + wrong % 250);
}

static void check_closing(const closing *task)
{
    for (int way = 0; way < 3; way++) {
        closing with = *task;
        with.way = way;
        test_about("%s, from %d, %zu kept, the first %d", way_names[way], task->first, task->n_keep,
                   task->n_keep > 0 ? task->keep[0] : -1);
        test_in_child(close_and_look, &with);
    }
}

#define KEEP(...) (const int[]){__VA_ARGS__}, sizeof(const int[]){__VA_ARGS__} / sizeof(int)

static void all_but_the_kept_are_closed(void)
{
    const closing tasks[] = {
        {0, 3, NULL, 0, false},
        {0, 3, NULL, 0, true},
        {0, 3, KEEP(0, 1, 2), true},
        {0, 3, KEEP(3), true},
        {0, 3, KEEP(3, 4, 5, 6), false},
        {0, 3, KEEP(0, 4, 6, 64, 256, 1024), false},
        {0, 3, KEEP(0, 4, 6, 64, 256, 1024), true},
        {0, 3, KEEP(2, 3, 255, 256, 257, TOP - 1), true},
        {0, 3, KEEP(TOP - 2, TOP - 1), true},
        {0, 3, KEEP(100, 101, 5000, 1000000, INT_MAX), true}, /* some not open */
        {0, 300, KEEP(4, 310), true},
        {0, 3, KEEP(9), false}, /* not open: is not made open */
    };
    for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++)
        check_closing(&tasks[i]);
}

/* A thousand lists, the same ones in each run. */
static void random_lists_are_kept(void)
{
    unsigned long state = 20240229;
    for (int round = 0; round < 60; round++) {
        int keep[64];
        size_t count = 0;
        for (int fd = round % 5; fd < TOP && count < 64;) {
            keep[count++] = fd;
            state = state * 6364136223846793005ul + 1442695040888963407ul;
            fd += 1 + (int)(state >> 33) % (round % 7 == 0 ? 3 : 90);
        }
        const closing task = {0, 3, keep, count, round % 2 == 0};
        check_closing(&task);
    }
}

/* The three differ in what they see: what lies above the limit of open descriptors, and
 * was opened before that was lowered, is out of the search's sight. */
static void above_a_lowered_limit(const void *argument)
{
    const int *way = argument;
    limit_fds(TOP);
    dup2(0, TOP - 1);
    limit_fds(40);
    bool done = fp_close_fds(3, NULL, 0, ways[*way]) == 0;
    bool open = fcntl(TOP - 1, F_GETFD) >= 0;
    _exit(done && open == (ways[*way] == 0) ? 0 : 1);
}

static void the_first_two_ways_see_what_is_above_the_limit(void)
{
    for (int way = 0; way < 3; way++) {
        test_about("%s", way_names[way]);
        test_in_child(above_a_lowered_limit, &way);
    }
}

/* Refused by the kernel, each way gives the next one its turn. */
static void with_refusals(const void *argument)
{
    const int *refusals = argument;
    limit_fds(TOP);
    for (int fd = 3; fd < 300; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            dup2(0, fd);
    bool ready = refuse(SYS_close_range, 38 /* ENOSYS */);
    if (*refusals > 1)
        ready = ready && refuse(SYS_getdents64, 1);
    if (*refusals > 2) /* the search then closes number by number */
        ready = ready && refuse(SYS_ppoll, 1) &&
#ifdef SYS_poll
                refuse(SYS_poll, 1);
#else
                true;
#endif
    bool done = fp_close_fds(3, (const int[]){7}, 1, FP_FEATURE_ALL) == 0;
    for (int fd = 3; fd < TOP; fd++)
        if ((fcntl(fd, F_GETFD) >= 0) != (fd == 7))
            _exit(3);
    _exit(ready && done ? 0 : 1);
}

static void a_refused_way_is_followed_by_the_next(void)
{
    for (int refusals = 1; refusals <= 3; refusals++) {
        test_about("%d refused", refusals);
        test_in_child(with_refusals, &refusals);
    }
}

SUITE(close_fds, CASE(all_but_the_kept_are_closed), CASE(random_lists_are_kept),
      CASE(the_first_two_ways_see_what_is_above_the_limit),
      CASE(a_refused_way_is_followed_by_the_next));
