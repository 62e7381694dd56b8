/* What goes on around a birth: the caller's hooks, locks and signals. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

static fp_proc proc;

static char hook_calls[8];

static void before_fork(void *context)
{
    strcat(context, "b");
}

static void after_fork(void *context)
{
    strcat(context, "a");
}

static bool go_on(void *context)
{
    (void)context;
    return true;
}

static void born(void *context)
{
    strcat(context, "n");
}

/* In the child: what the parent did is seen, and what is done here stays here. */
static bool in_child(void *context)
{
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    setenv("FP_TEST_HOOK", strcmp(context, "bn") == 0 && !sigismember(&mask, SIGINT) ? "7" : "8",
           1);
    strcat(context, "c");
    return getenv("FP_TEST_STOP") == NULL;
}

static void hooks_run_around_a_fork_and_in_its_child(void)
{
    const fp_fork_hooks hooks = {before_fork, after_fork, go_on, born, in_child, hook_calls};
    const fp_ends ends = {{-1, -1, -1}, {-1, -1, -1}, {0}, {0}};
    fp_error error = {FP_STAGE_NONE, 0};
    fp_spec spec = SPEC("getenv", "FP_TEST_HOOK");
    spec.hooks = &hooks;
    spec.own_environ = true;
    spec.routes = FP_ROUTE_BIT(FP_ROUTE_CLONE3);
    CHECK(fp_spawn(&spec, &ends, &proc, &error));
    CHECK_INT(proc.used, FP_ROUTE_FORK);
    CHECK_INT(finish(&proc), 7);
    CHECK_TEXT(hook_calls, "ba");
    CHECK(getenv("FP_TEST_HOOK") == NULL);

    spec.own_environ = false; /* then the caller's list is what the program gets */
    hook_calls[0] = '\0';
    CHECK(fp_spawn(&spec, &ends, &proc, &error));
    CHECK_INT(finish(&proc), 99);

    setenv("FP_TEST_STOP", "1", 1); /* the child's hook says no */
    hook_calls[0] = '\0';
    if (!CHECK(!fp_spawn(&spec, &ends, &proc, &error)))
        finish(&proc);
    CHECK_TEXT(fp_stage_name(error.stage), "preexec_fn");
    CHECK_TEXT(hook_calls, "ba");
}

/* A record lock goes when its owner closes the file: the child must not be the owner. */
static void record_locks_of_the_parent_outlive_the_birth(void)
{
    int file = open(report_path, O_RDWR | O_CLOEXEC);
    int high = fcntl(file, F_DUPFD_CLOEXEC, 300);
    EACH_ROUTE(route)
    {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        fp_spec spec = SPEC("exit", "0");
        fp_ends ends = {{-1, -1, -1}, {-1, -1, -1}, {0}, {0}};
        fp_error error;
        test_about("%s", fp_route_name(route));
        spec.routes = FP_ROUTE_BIT(route);
        CHECK(fcntl(file, F_SETLK, &lock) == 0);
        CHECK(fp_spawn(&spec, &ends, &proc, &error));
        CHECK_INT(finish(&proc), 0);
        pid_t other = fork();
        if (other == 0)
            _exit(fcntl(file, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK ? 0 : 1);
        const fp_proc asked = {other, FP_NO_FD, NULL, route};
        CHECK_INT(finish(&asked), 0);
    }
    close(high);
    close(file);
}

static pid_t handlers_owner;
static volatile sig_atomic_t ran_elsewhere;
static atomic_bool stop_signalling;

/* In a child that shares our memory, what a handler notes would be noted here. */
static void note_where(int signum)
{
    (void)signum;
    if (getpid() != handlers_owner)
        ran_elsewhere = 1;
}

static void *signal_group(void *argument)
{
    (void)argument;
    while (!atomic_load(&stop_signalling)) {
        kill(0, SIGUSR2);
        usleep(50);
    }
    return NULL;
}

/* As from a terminal, the whole group gets the signal: a child not yet a program too. */
static void no_handler_of_the_parent_runs_in_the_child(void)
{
    const fp_ends ends = {{-1, -1, -1}, {-1, -1, -1}, {0}, {0}};
    pthread_t thread;
    fp_error error;
    int killed = 0;
    CHECK(setpgid(0, 0) == 0);
    handlers_owner = getpid();
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = note_where;
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR2, &action, NULL);
    CHECK(pthread_create(&thread, NULL, signal_group, NULL) == 0);
    EACH_ROUTE(route)
    {
        fp_spec spec = SPEC("exit", "0");
        test_about("%s", fp_route_name(route));
        spec.routes = FP_ROUTE_BIT(route);
        for (int i = 0; i < 100; i++) {
            CHECK(fp_spawn(&spec, &ends, &proc, &error));
            killed += finish(&proc) == -SIGUSR2;
        }
        CHECK(!ran_elsewhere);
    }
    CHECK(killed > 0); /* so there were signals at the right time */
    atomic_store(&stop_signalling, true);
    pthread_join(thread, NULL);
}

SUITE(births, CASE(hooks_run_around_a_fork_and_in_its_child),
      CASE(record_locks_of_the_parent_outlive_the_birth),
      CASE(no_handler_of_the_parent_runs_in_the_child));
