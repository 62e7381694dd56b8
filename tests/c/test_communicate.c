/* Serving several children at once, and children whose descriptors belong to others. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "posix/probe.h"
#include "posix/run.h"
#include "support.h"

#define MOST 12

static fp_job jobs[MOST];
static fp_job *all[MOST];
static unsigned char input[1 << 20];
static fp_error error;
static const fp_limits no_limits = {{false, 0}};

static void fill_input(void)
{
    for (size_t i = 0; i < sizeof input; i++)
        input[i] = (unsigned char)(i * 31 / 7);
}

static void start_job(int which, fp_spec spec, const unsigned char *data, size_t size)
{
    all[which] = &jobs[which];
    fp_job_init(&jobs[which], fp_buffer_grow_malloc, (void *[2]){NULL, NULL});
    jobs[which].input.data = data;
    jobs[which].input.size = size;
    if (!CHECK(fp_run_start(&jobs[which], &spec, &error)))
        exit(1);
}

static void end_job(int which)
{
    fp_run_close(&jobs[which]);
    fp_buffer_free_malloc(&jobs[which].output[0].buffer);
    fp_buffer_free_malloc(&jobs[which].output[1].buffer);
}

static fp_outcome serve(size_t count, const fp_limits *limits)
{
    fp_outcome outcome;
    do
        outcome = fp_communicate(all, count, limits, &error);
    while (outcome == FP_INTERRUPTED);
    return outcome;
}

static void each_job_of_a_set_gets_its_own(void)
{
    const size_t counts[] = {1, 2, 3, 4, 5, 9, MOST};
    const size_t sizes[] = {0, 1, 4096, 4097, 65536, 65537, sizeof input};
    fill_input();
    for (int pidfds = 1; pidfds >= 0; pidfds--) {
        if (!pidfds)
            fp_features_drop(FP_FEATURE_PIDFD);
        for (int deadline = 0; deadline < 2; deadline++)
            for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
                int count = (int)counts[c];
                const fp_limits limits = {{deadline, fp_now() + 60000000000}};
                test_about("%d jobs, pidfds %d, deadline %d", count, pidfds, deadline);
                for (int i = 0; i < count; i++) {
                    fp_spec echo = SPEC("echo"), say = SPEC("say", "70000", "150000");
                    echo.stdio[0].kind = echo.stdio[1].kind = FP_STDIO_PIPE;
                    say.stdio[1].kind = say.stdio[2].kind = FP_STDIO_PIPE;
                    echo.want_pidfd = say.want_pidfd = pidfds;
                    if (i % 3 == 2)
                        start_job(i, say, NULL, 0);
                    else
                        start_job(i, echo, input, sizes[(c + (size_t)i) % 7]);
                }
                CHECK_INT(serve(counts[c], &limits), FP_DONE);
                for (int i = 0; i < count; i++) {
                    const fp_buffer *out = &jobs[i].output[0].buffer;
                    size_t size = i % 3 == 2 ? 70000 : sizes[(c + (size_t)i) % 7];
                    CHECK(jobs[i].reaped && !jobs[i].lost && fp_job_done(&jobs[i]));
                    CHECK_INT(jobs[i].code, 0);
                    if (CHECK_INT(out->size, size) && i % 3 != 2)
                        CHECK(memcmp(out->data, input, size) == 0);
                    CHECK_INT(jobs[i].output[1].buffer.size, i % 3 == 2 ? 150000 : 0);
                    end_job(i);
                }
            }
    }
}

/* One that hangs does not keep the others' output, and their ends, from being seen. */
static void at_the_deadline_the_others_are_served(void)
{
    for (int pidfds = 1; pidfds >= 0; pidfds--) {
        if (!pidfds)
            fp_features_drop(FP_FEATURE_PIDFD);
        for (int mute = 0; mute < 2; mute++) {
            enum { COUNT = 6 };
            for (int i = 0; i < COUNT; i++) {
                fp_spec say = SPEC("say", "100000");
                fp_spec hang = SPEC(mute ? "hang-mute" : "hang");
                say.stdio[1].kind = hang.stdio[1].kind = FP_STDIO_PIPE;
                say.want_pidfd = hang.want_pidfd = pidfds;
                start_job(i, i == 2 ? hang : say, NULL, 0);
            }
            test_about("pidfds %d, %s", pidfds, mute ? "streams closed" : "streams open");
            /* However long the machine needs for it: the case's time is the limit. */
            for (int reaped = 0; reaped < COUNT - 1;) {
                const fp_limits limits = {fp_deadline_in(20000000)};
                CHECK_INT(serve(COUNT, &limits), FP_TIMEOUT);
                CHECK(fp_now() >= limits.deadline.at);
                reaped = 0;
                for (int i = 0; i < COUNT; i++)
                    reaped += jobs[i].reaped;
            }
            CHECK(!jobs[2].reaped);
            kill_and_reap(&jobs[2]);
            CHECK_INT(jobs[2].code, -SIGKILL);
            CHECK_INT(serve(COUNT, &no_limits), FP_DONE);
            for (int i = 0; i < COUNT; i++) {
                CHECK_INT(jobs[i].output[0].buffer.size, i == 2 ? 0 : 100000);
                end_job(i);
            }
        }
    }
}

static volatile sig_atomic_t signals;

static void count_signal(int signum)
{
    (void)signum;
    signals++;
}

static void handle_usr1(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = count_signal;
    sigaction(SIGUSR1, &action, NULL);
}

/* A child that signals us comes through, whatever we wait for; nothing is lost by it. */
static void a_signal_interrupts_and_the_next_call_goes_on(void)
{
    handle_usr1();
    for (int shape = 0; shape < 6; shape++) {
        int line[2];
        fp_spec pester = SPEC("pester", "10"), echo = SPEC("echo");
        const fp_limits limits = {{shape % 2 == 1, fp_now() + 60000000000}};
        size_t count = shape < 4 ? 1 : 2;
        test_about("shape %d", shape);
        CHECK(pipe2(line, O_CLOEXEC) == 0);
        pester.stdio[0] = (fp_stdio){FP_STDIO_FD, line[0]};
        if (shape / 2 == 1)
            pester.stdio[1].kind = FP_STDIO_PIPE;
        start_job(0, pester, NULL, 0);
        if (count == 2) {
            echo.stdio[0] = (fp_stdio){FP_STDIO_FD, line[0]};
            echo.stdio[1].kind = echo.stdio[2].kind = FP_STDIO_PIPE;
            start_job(1, echo, NULL, 0);
        }
        for (int i = 0; i < 3; i++)
            CHECK_INT(fp_communicate(all, count, &limits, &error), FP_INTERRUPTED);
        CHECK(signals > 0);
        close(line[0]);
        close(line[1]);
        CHECK_INT(serve(count, &limits), FP_DONE);
        CHECK_INT(jobs[0].code, 0);
        end_job(0);
        if (count == 2)
            end_job(1);
    }
}

/* What Popen does: the descriptors are the caller's, who closes the input when told. */
static void descriptors_of_others_are_left_open(void)
{
    fill_input();
    for (int with_error = 0; with_error < 2; with_error++) {
        fp_spec spec = SPEC("echo");
        fp_ends ends;
        fp_proc proc;
        int flags;
        spec.stdio[0].kind = spec.stdio[1].kind = FP_STDIO_PIPE;
        if (with_error)
            spec.stdio[2].kind = FP_STDIO_PIPE;
        CHECK(fp_ends_open(&ends, spec.stdio, false, 0, &error));
        CHECK(fp_spawn(&spec, &ends, &proc, &error));
        fp_ends_close_child(&ends);
        all[0] = &jobs[0];
        fp_job_init(&jobs[0], fp_buffer_grow_malloc, (void *[2]){NULL, NULL});
        jobs[0].proc = proc;
        jobs[0].input = (fp_input){ends.parent[0], input, sizeof input, 0};
        jobs[0].output[0].fd = ends.parent[1];
        jobs[0].output[1].fd = ends.parent[2];
        CHECK(fp_set_nonblocking(ends.parent[0], &flags));
        CHECK(!(flags & O_NONBLOCK));
        CHECK_INT(serve(1, &no_limits), FP_DONE);
        CHECK_INT(jobs[0].input.sent, sizeof input);
        CHECK_INT(jobs[0].input.fd, FP_NO_FD);
        CHECK(!fp_job_done(&jobs[0]));
        CHECK(fcntl(ends.parent[0], F_GETFD) >= 0);
        close(ends.parent[0]);
        ends.parent[0] = FP_NO_FD;
        CHECK_INT(serve(1, &no_limits), FP_DONE);
        CHECK(fp_job_done(&jobs[0]));
        CHECK_INT(jobs[0].output[0].buffer.size, sizeof input);
        CHECK(memcmp(jobs[0].output[0].buffer.data, input, sizeof input) == 0);
        CHECK(fcntl(ends.parent[1], F_GETFD) >= 0);
        fp_ends_close_parent(&ends);
        fp_buffer_free_malloc(&jobs[0].output[0].buffer);
        CHECK_INT(finish(&proc), 0);
    }
}

/* The caller may have made an output non-blocking: then there is nothing to read yet, and
 * asking again and again would never let a signal's handler run. */
static void a_nonblocking_output_is_waited_for(void)
{
    int line[2], flags;
    fp_spec spec = SPEC("pester", "10");
    handle_usr1();
    CHECK(pipe2(line, O_CLOEXEC) == 0);
    spec.stdio[0] = (fp_stdio){FP_STDIO_FD, line[0]};
    spec.stdio[1].kind = FP_STDIO_PIPE;
    start_job(0, spec, NULL, 0);
    CHECK(fp_set_nonblocking(jobs[0].output[0].fd, &flags));
    alarm(10); /* instead of the case's hundred seconds */
    for (int i = 0; i < 3; i++)
        CHECK_INT(fp_communicate(all, 1, &no_limits, &error), FP_INTERRUPTED);
    alarm(60);
    close(line[0]);
    close(line[1]);
    CHECK_INT(serve(1, &no_limits), FP_DONE);
    CHECK_INT(jobs[0].code, 0);
    end_job(0);
}

static size_t granted;

/* By half as much again of what is there already, at the most; and no more than a GiB. */
static bool modest_grow(fp_buffer *buffer, size_t capacity)
{
    const size_t most = buffer->capacity / 2 * 3 + 64 * 1024;
    granted = capacity;
    return CHECK(capacity <= most) && capacity <= (size_t)1 << 30 &&
           fp_buffer_grow_malloc(buffer, capacity);
}

/* There is always something to read: only the clock can end this. */
static void output_without_an_end_does_not_outrun_the_deadline(void)
{
    for (int which = 0; which < 2; which++) {
        int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
        fp_output *output = &jobs[0].output[which];
        const fp_limits limits = {fp_deadline_in(10000000)};
        all[0] = &jobs[0];
        fp_job_init(&jobs[0], modest_grow, (void *[2]){NULL, NULL});
        jobs[0].may_widen = true;
        output->fd = zeros;
        CHECK_INT(serve(1, &limits), FP_TIMEOUT);
        CHECK(fp_now() >= limits.deadline.at);
        CHECK(output->buffer.size > 0 && output->buffer.size <= granted);
        const size_t so_far = output->buffer.size;
        const fp_limits again = {fp_deadline_in(0)};
        CHECK_INT(serve(1, &again), FP_TIMEOUT);
        CHECK(output->buffer.size >= so_far);
        fp_buffer_free_malloc(&output->buffer);
        close(zeros);
    }
}

static void a_descriptor_that_is_not_open_is_an_error(void)
{
    all[0] = &jobs[0];
    fp_job_init(&jobs[0], fp_buffer_grow_malloc, (void *[2]){NULL, NULL});
    jobs[0].output[0].fd = 400;
    CHECK_INT(fp_communicate(all, 1, &no_limits, &error), FP_FAILED);
    CHECK_INT(error.code, EBADF);
    jobs[0].output[1].fd = 401;
    CHECK_INT(fp_communicate(all, 1, &no_limits, &error), FP_FAILED);
    CHECK_INT(error.code, EBADF);
    CHECK_TEXT(fp_stage_name(error.stage), "drain");
    CHECK_INT(fp_communicate(all, 0, &no_limits, &error), FP_DONE); /* no jobs at all */
}

SUITE(communicate, CASE(each_job_of_a_set_gets_its_own),
      CASE(at_the_deadline_the_others_are_served),
      CASE(a_signal_interrupts_and_the_next_call_goes_on),
      CASE(descriptors_of_others_are_left_open), CASE(a_nonblocking_output_is_waited_for),
      CASE(output_without_an_end_does_not_outrun_the_deadline),
      CASE(a_descriptor_that_is_not_open_is_an_error));
