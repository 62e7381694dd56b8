/* The whole run in one call, on every route. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "posix/probe.h"
#include "posix/run.h"
#include "support.h"

static fp_job job;
static fp_error error;
static unsigned char input[3 << 20];
static const fp_limits no_limits = {{false, 0}};

/* Starts a run; `pipes` has a bit for each of stdin, stdout and stderr. */
static void start(fp_spec spec, fp_route route, unsigned pipes, size_t size)
{
    spec.routes = FP_ROUTE_BIT(route);
    for (unsigned fd = 0; fd < 3; fd++)
        if (pipes & (1u << fd))
            spec.stdio[fd].kind = FP_STDIO_PIPE;
    fp_job_init(&job, fp_buffer_grow_malloc, (void *[2]){NULL, NULL});
    job.input.data = input;
    job.input.size = size;
    test_about("%s", fp_route_name(route));
    if (!CHECK(fp_run_start(&job, &spec, &error)))
        exit(1);
    CHECK_INT(job.proc.used, route);
}

static void end(void)
{
    fp_run_close(&job);
    fp_buffer_free_malloc(&job.output[0].buffer);
    fp_buffer_free_malloc(&job.output[1].buffer);
}

static void all_that_goes_in_comes_out(void)
{
    const size_t sizes[] = {0, 1, 4095, 4096, 4097, 65536, 65537, sizeof input};
    for (size_t i = 0; i < sizeof input; i++)
        input[i] = (unsigned char)(i * 17 / 3);
    EACH_ROUTE(route)
    {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            start(SPEC("echo"), route, i % 2 == 0 ? 3 : 7, sizes[i]);
            CHECK_INT(run_on(&job, &no_limits, &error), FP_DONE);
            CHECK_INT(job.code, 0);
            if (CHECK_INT(job.output[0].buffer.size, sizes[i]))
                CHECK(memcmp(job.output[0].buffer.data, input, sizes[i]) == 0);
            end();
        }
    }
}

static void both_outputs_are_drained_side_by_side(void)
{
    EACH_ROUTE(route)
    {
        start(SPEC("say", "3000000", "2000001"), route, 6, 0);
        CHECK_INT(run_on(&job, &no_limits, &error), FP_DONE);
        CHECK_INT(job.output[0].buffer.size, 3000000);
        CHECK_INT(job.output[1].buffer.size, 2000001);
        CHECK(memchr(job.output[0].buffer.data, 'e', 3000000) == NULL);
        CHECK(memchr(job.output[1].buffer.data, 'o', 2000001) == NULL);
        end();
    }
}

/* The child never reads; it has gone before we write, or goes while we do. */
static void input_that_nobody_wants_is_no_error(void)
{
    const size_t sizes[] = {10, 4096, 100000, sizeof input};
    EACH_ROUTE(route)
    {
        for (int i = 0; i < 4; i++) {
            start(SPEC("exit", "5"), route, 3, sizes[i]);
            CHECK_INT(run_on(&job, &no_limits, &error), FP_DONE);
            CHECK_INT(job.code, 5);
            end();
        }
    }
}

/* A pipe as small as they come still takes what is written before anybody reads. */
static void a_small_input_does_not_wait_for_its_reader(void)
{
    const size_t sizes[] = {1, 4095, 4096, 4097};
    EACH_ROUTE(route)
    {
        for (int size = 1; size <= 8192; size *= 8)
            for (int i = 0; i < 4; i++) {
                fp_spec spec = SPEC("hang");
                const fp_limits limits = {fp_deadline_in(1000000)};
                spec.has_pipe_size = true;
                spec.pipe_size = size;
                alarm(20);
                start(spec, route, 1, sizes[i]);
                CHECK_INT(run_on(&job, &limits, &error), FP_TIMEOUT);
                kill_and_reap(&job);
                CHECK_INT(job.code, -SIGKILL);
                end();
            }
    }
}

static void a_pipe_has_the_size_asked_for(void)
{
    fp_spec spec = SPEC("hang");
    spec.has_pipe_size = true;
    spec.pipe_size = 8192;
    start(spec, FP_ROUTE_CLONE3, 7, 100000);
    CHECK_INT(fcntl(job.input.fd, F_GETPIPE_SZ), 8192);
    CHECK_INT(fcntl(job.output[0].fd, F_GETPIPE_SZ), 8192);
    CHECK_INT(fcntl(job.output[1].fd, F_GETPIPE_SZ), 8192);
    kill_and_reap(&job);
    end();
    spec.pipe_size = -1;
    spec.stdio[1].kind = FP_STDIO_PIPE;
    fp_job_init(&job, fp_buffer_grow_malloc, (void *[2]){NULL, NULL});
    CHECK(!fp_run_start(&job, &spec, &error));
    CHECK_TEXT(fp_stage_name(error.stage), "pipesize");
    CHECK_INT(error.code, EINVAL);
}

static void at_the_deadline_what_was_said_so_far_is_there(void)
{
    EACH_ROUTE(route)
    {
        const char script[] = "echo before; exec 3>&1; echo also >&2; kill -STOP $$";
        const char *const argv[] = {"sh", "-c", script, NULL};
        fp_spec spec = spec_of(argv);
        int status;
        spec.program = "/bin/sh";
        start(spec, route, 6, 0);
        /* It has said it all when it stops. */
        CHECK_INT(waitpid(job.proc.pid, &status, WUNTRACED), job.proc.pid);
        const fp_limits limits = {fp_deadline_in(2000000)};
        CHECK_INT(run_on(&job, &limits, &error), FP_TIMEOUT);
        CHECK(!job.reaped);
        kill_and_reap(&job);
        CHECK_INT(job.code, -SIGKILL);
        CHECK_INT(job.output[0].buffer.size, 7);
        CHECK_INT(job.output[1].buffer.size, 5);
        end();
    }
}

/* The child has ended, but a process that it left has its stdout. */
static void a_grandchild_that_holds_a_pipe_does_not_outlast_the_deadline(void)
{
    EACH_ROUTE(route)
    {
        int line[2];
        char number[16];
        CHECK(pipe2(line, O_CLOEXEC) == 0);
        CHECK(line[0] < 10);
        number[0] = (char)('0' + line[0]);
        number[1] = '\0';
        fp_spec spec = SPEC("leave", number);
        spec.pass_fds = line;
        spec.n_pass_fds = 1;
        spec.want_pidfd = true;
        start(spec, route, 2, 0);
        const fp_limits limits = {fp_deadline_in(50000000)};
        CHECK_INT(run_on(&job, &limits, &error), FP_TIMEOUT);
        kill_and_reap(&job); /* the child itself: ended long since, or killed now */
        CHECK(job.reaped && !job.lost);
        close(line[0]);
        close(line[1]);
        /* With the line the grandchild ends: its pipe too. */
        CHECK_INT(run_on(&job, &no_limits, &error), FP_DONE);
        end();
    }
}

static void a_run_without_a_deadline_waits_for_who_holds_the_pipe(void)
{
    int line[2];
    CHECK(pipe2(line, O_CLOEXEC) == 0);
    const char number[] = {(char)('0' + line[0]), '\0'};
    fp_spec spec = SPEC("leave", number);
    spec.pass_fds = line;
    spec.n_pass_fds = 1;
    start(spec, FP_ROUTE_CLONE3, 6, 0);
    close(line[0]);
    close(line[1]);
    CHECK_INT(run_on(&job, &no_limits, &error), FP_DONE);
    CHECK_INT(job.code, 0);
    end();
}

static void a_child_reaped_by_another_has_code_0_and_is_lost(void)
{
    signal(SIGCHLD, SIG_IGN);
    EACH_ROUTE(route)
    {
        for (int with_deadline = 0; with_deadline < 2; with_deadline++)
            for (int with_pidfd = 0; with_pidfd < 2; with_pidfd++) {
                fp_spec spec = SPEC("exit", "9");
                const fp_limits limits = {{with_deadline, fp_now() + 60000000000}};
                spec.want_pidfd = with_pidfd;
                start(spec, route, 2, 0);
                CHECK_INT(run_on(&job, &limits, &error), FP_DONE);
                CHECK(job.reaped && job.lost);
                CHECK_INT(job.code, 0);
                kill_and_reap(&job); /* nobody is killed now */
                CHECK(job.lost);
                end();
            }
    }
}

static volatile sig_atomic_t signals;

static void count_signal(int signum)
{
    (void)signum;
    signals++;
}

/* A handler is set for the signal that comes when a child ends: nothing else changes. */
static void children_that_signal_their_end_are_run_like_others(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = count_signal;
    sigaction(SIGCHLD, &action, NULL);
    EACH_ROUTE(route)
    {
        for (int i = 0; i < 50; i++) {
            start(SPEC("say", "10"), route, i % 2 ? 2 : 6, 0);
            CHECK_INT(run_on(&job, &no_limits, &error), FP_DONE);
            CHECK_INT(job.code, 0);
            CHECK_INT(job.output[0].buffer.size, 10);
            end();
        }
    }
    CHECK(signals > 0);
}

SUITE(run, CASE(all_that_goes_in_comes_out), CASE(both_outputs_are_drained_side_by_side),
      CASE(input_that_nobody_wants_is_no_error), CASE(a_small_input_does_not_wait_for_its_reader),
      CASE(a_pipe_has_the_size_asked_for), CASE(at_the_deadline_what_was_said_so_far_is_there),
      CASE(a_grandchild_that_holds_a_pipe_does_not_outlast_the_deadline),
      CASE(a_run_without_a_deadline_waits_for_who_holds_the_pipe),
      CASE(a_child_reaped_by_another_has_code_0_and_is_lost),
      CASE(children_that_signal_their_end_are_run_like_others));
