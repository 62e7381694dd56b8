/* Many threads start children at once, while others open descriptors and send signals. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "posix/run.h"
#include "support.h"

#define RUNNERS 4
#define RUNS 60

static atomic_int running;
static atomic_int wrong;
static pthread_t runners[RUNNERS];

/* Captured runs, each with an input of its own; plain ones between, on every route. */
static void *run_many(void *argument)
{
    const int number = *(const int *)argument;
    fp_job *job = malloc(sizeof *job);
    static const fp_limits no_limits = {{false, 0}};
    char text[64];
    for (int i = 0; i < RUNS; i++) {
        fp_error error = {FP_STAGE_NONE, 0};
        fp_route route = (fp_route)((i + number) % FP_ROUTE_COUNT);
        fp_spec echo = SPEC("echo"), exit_with = SPEC("exit", "5");
        fp_spec *spec = i % 3 == 2 ? &exit_with : &echo;
        memset(text, 'a' + number, sizeof text);
        text[i] = 'X';
        spec->routes = FP_ROUTE_BIT(route);
        spec->want_pidfd = i % 2 == 0;
        if (spec == &echo)
            spec->stdio[0].kind = spec->stdio[1].kind = FP_STDIO_PIPE;
        fp_job_init(job, fp_buffer_grow_malloc, (void *[2]){NULL, NULL});
        job->input.data = (const unsigned char *)text;
        job->input.size = sizeof text;
        bool good = fp_run_start(job, spec, &error) && run_on(job, &no_limits, &error) == FP_DONE &&
                    job->proc.used == route && fp_last_route() == route;
        if (spec == &echo)
            good = good && job->code == 0 && job->output[0].buffer.size == sizeof text &&
                   memcmp(job->output[0].buffer.data, text, sizeof text) == 0;
        else
            good = good && job->code == 5;
        if (!good)
            atomic_fetch_add(&wrong, 1);
        fp_run_close(job);
        fp_buffer_free_malloc(&job->output[0].buffer);
    }
    free(job);
    atomic_fetch_sub(&running, 1);
    return NULL;
}

/* Opens and closes descriptors, below and above what the others open; they must stay its
 * own, whatever a child closes. */
static void *open_and_close(void *argument)
{
    (void)argument;
    while (atomic_load(&running) > 0) {
        int fds[8];
        for (int i = 0; i < 8; i++)
            fds[i] = fcntl(0, F_DUPFD_CLOEXEC, i % 2 == 0 ? 3 : 40 + i * 30);
        for (int i = 0; i < 8; i++)
            if (fds[i] < 0 || fcntl(fds[i], F_GETFD) != FD_CLOEXEC || close(fds[i]) != 0)
                atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

static void on_signal(int signum)
{
    (void)signum;
}

static void threads_do_not_disturb_each_other(void)
{
    pthread_t opener;
    int numbers[RUNNERS];
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGUSR1, &action, NULL);
    atomic_store(&running, RUNNERS);
    for (int i = 0; i < RUNNERS; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&runners[i], NULL, run_many, &numbers[i]) == 0);
    }
    CHECK(pthread_create(&opener, NULL, open_and_close, NULL) == 0);
    while (atomic_load(&running) > 0) {
        kill(getpid(), SIGUSR1);
        usleep(500);
    }
    for (int i = 0; i < RUNNERS; i++)
        pthread_join(runners[i], NULL);
    pthread_join(opener, NULL);
    CHECK_INT(atomic_load(&wrong), 0);
}

/* Less than Python allows a thread: it needs some itself. */
#define SMALL_STACK (20 * 1024)

static void *run_one_each(void *argument)
{
    fp_job *job = argument;
    const fp_limits limits = {fp_deadline_in(60000000000)};
    EACH_ROUTE(route)
    {
        fp_error error;
        fp_spec spec = SPEC("say", "10");
        spec.routes = FP_ROUTE_BIT(route);
        spec.stdio[1].kind = FP_STDIO_PIPE;
        fp_job_init(job, fp_buffer_grow_malloc, (void *[2]){NULL, NULL});
        if (!fp_run_start(job, &spec, &error) || run_on(job, &limits, &error) != FP_DONE ||
            job->code != 0 || job->proc.used != route)
            atomic_fetch_add(&wrong, 1);
        fp_run_close(job);
    }
    return NULL;
}

static void a_thread_with_little_stack_can_start_children(void)
{
#if defined(__SANITIZE_ADDRESS__)
    test_skip("AddressSanitizer's frames are larger than the stack");
#endif
    pthread_attr_t attributes;
    pthread_t thread;
    fp_job *job = malloc(sizeof *job);
    /* Some processors have so many registers to be saved that it must be more. */
    long least = sysconf(_SC_THREAD_STACK_MIN) + 4096;
    size_t size = least > SMALL_STACK ? (size_t)least : SMALL_STACK;
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstacksize(&attributes, size) == 0);
    CHECK(pthread_create(&thread, &attributes, run_one_each, job) == 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    CHECK_INT(atomic_load(&wrong), 0);
    free(job);
}

SUITE(threads, CASE(threads_do_not_disturb_each_other),
      CASE(a_thread_with_little_stack_can_start_children));
