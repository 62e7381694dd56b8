/* Waiting, reaping and signalling: with a pidfd, and without. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "posix/probe.h"
#include "posix/wait.h"
#include "support.h"

#define WITH_AND_WITHOUT_PIDFD(with) for (int with = 1; with >= 0; with--)

static fp_error error;

/* Starts the program with a pidfd or without, its stdin a pipe that `line` writes to. */
static fp_proc start(fp_spec spec, bool with_pidfd, int *line)
{
    fp_proc proc = {0, FP_NO_FD, NULL, FP_ROUTE_FORK};
    fp_ends ends;
    if (line != NULL)
        spec.stdio[0].kind = FP_STDIO_PIPE;
    spec.want_pidfd = with_pidfd;
    CHECK(fp_ends_open(&ends, spec.stdio, false, 0, &error));
    CHECK(fp_spawn(&spec, &ends, &proc, &error));
    CHECK((proc.pidfd != FP_NO_FD) == with_pidfd);
    test_about("%s pidfd", with_pidfd ? "with" : "without");
    fp_ends_close_child(&ends);
    if (line != NULL)
        *line = ends.parent[0];
    return proc;
}

static void each_way_to_end_has_its_code(void)
{
    WITH_AND_WITHOUT_PIDFD(with)
    {
        const struct {
            const char *job, *value;
            int code;
        } ways[] = {{"exit", "0", 0},     {"exit", "1", 1},     {"exit", "255", 255},
                    {"raise", "9", -9},   {"raise", "15", -15}, {"raise", "11", -11},
                    {"raise", "34", -34}, {"raise", "64", -64}, {"exit", "77", 77}};
        for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
            fp_proc proc = start(SPEC(ways[i].job, ways[i].value), with, NULL);
            const fp_deadline never = {false, 0}, soon = fp_deadline_in(60000000000);
            fp_outcome outcome;
            do
                outcome = fp_wait_exit(proc.pid, proc.pidfd, i % 2 == 0 ? &never : &soon, &error);
            while (outcome == FP_INTERRUPTED);
            CHECK_INT(outcome, FP_DONE);
            /* Waiting reaps nothing: it can be done again. */
            CHECK_INT(fp_wait_exit(proc.pid, proc.pidfd, &soon, &error), FP_DONE);
            CHECK_INT(finish(&proc), ways[i].code);
        }
    }
}

static void a_deadline_that_has_passed_still_sees_who_has_ended(void)
{
    WITH_AND_WITHOUT_PIDFD(with)
    {
        int line;
        const fp_deadline long_ago = {true, 0};
        fp_proc proc = start(SPEC("echo"), with, &line);
        CHECK_INT(fp_wait_exit(proc.pid, proc.pidfd, &long_ago, &error), FP_TIMEOUT);
        close(line);
        const fp_deadline never = {false, 0};
        CHECK_INT(fp_wait_exit(proc.pid, proc.pidfd, &never, &error), FP_DONE);
        CHECK_INT(fp_wait_exit(proc.pid, proc.pidfd, &long_ago, &error), FP_DONE);
        CHECK_INT(finish(&proc), 0);
    }
}

static void a_deadline_ends_the_wait_and_not_before(void)
{
    WITH_AND_WITHOUT_PIDFD(with)
    {
        fp_proc proc = start(SPEC("hang"), with, NULL);
        const fp_deadline soon = fp_deadline_in(30000000);
        CHECK_INT(fp_wait_exit(proc.pid, proc.pidfd, &soon, &error), FP_TIMEOUT);
        CHECK(fp_now() >= soon.at);
        int code = 0;
        CHECK_INT(fp_reap(proc.pid, false, &code), FP_REAP_RUNNING);
        CHECK_INT(fp_signal(proc.pid, proc.pidfd, SIGKILL), 0);
        CHECK_INT(finish(&proc), -SIGKILL);
    }
}

static void deadlines_reach_from_now_to_the_end_of_time(void)
{
    int64_t before = fp_now();
    CHECK(fp_deadline_in(-5).at >= before && fp_deadline_in(-5).at <= fp_now());
    CHECK(fp_deadline_in(INT64_MIN).set && fp_deadline_in(INT64_MIN).at >= before);
    CHECK_INT(fp_deadline_in(INT64_MAX).at, INT64_MAX);
    CHECK(fp_deadline_in(1000000000).at >= before + 1000000000);
    WITH_AND_WITHOUT_PIDFD(with)
    {
        const fp_deadline last = fp_deadline_in(INT64_MAX);
        fp_proc proc = start(SPEC("exit", "4"), with, NULL);
        fp_outcome outcome;
        do
            outcome = fp_wait_exit(proc.pid, proc.pidfd, &last, &error);
        while (outcome == FP_INTERRUPTED);
        CHECK_INT(outcome, FP_DONE);
        CHECK_INT(finish(&proc), 4);
    }
}

static volatile sig_atomic_t signals;

static void count_signal(int signum)
{
    (void)signum;
    signals++;
}

static void handle(int signum)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = count_signal; /* no SA_RESTART, as Python has it */
    sigaction(signum, &action, NULL);
}

static void a_signal_interrupts_the_wait(void)
{
    handle(SIGUSR1);
    WITH_AND_WITHOUT_PIDFD(with)
    {
        for (int with_deadline = 0; with_deadline < 2; with_deadline++) {
            int line, code = 0;
            const fp_deadline deadline = {with_deadline, fp_now() + 60000000000};
            fp_proc proc = start(SPEC("pester", "10" /* SIGUSR1 */), with, &line);
            CHECK_INT(fp_wait_exit(proc.pid, proc.pidfd, &deadline, &error), FP_INTERRUPTED);
            CHECK(signals > 0);
            CHECK_INT(fp_reap(proc.pid, true, &code), FP_REAP_INTERRUPTED);
            close(line);
            CHECK_INT(finish(&proc), 0);
        }
    }
}

static void a_stopped_child_has_not_ended(void)
{
    WITH_AND_WITHOUT_PIDFD(with)
    {
        int status, code = 0;
        fp_proc proc = start(SPEC("hang"), with, NULL);
        CHECK_INT(fp_signal(proc.pid, proc.pidfd, SIGSTOP), 0);
        CHECK_INT(waitpid(proc.pid, &status, WUNTRACED), proc.pid);
        CHECK(WIFSTOPPED(status));
        const fp_deadline soon = fp_deadline_in(1000000);
        CHECK_INT(fp_wait_exit(proc.pid, proc.pidfd, &soon, &error), FP_TIMEOUT);
        CHECK_INT(fp_reap(proc.pid, false, &code), FP_REAP_RUNNING);
        CHECK_INT(fp_signal(proc.pid, proc.pidfd, SIGKILL), 0);
        CHECK_INT(finish(&proc), -SIGKILL);
    }
}

static void who_was_reaped_by_another_is_gone_not_an_error(void)
{
    WITH_AND_WITHOUT_PIDFD(with)
    {
        int code = 5;
        const fp_deadline never = {false, 0}, soon = fp_deadline_in(60000000000);
        fp_proc proc = start(SPEC("exit", "3"), with, NULL);
        while (waitpid(proc.pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        CHECK_INT(fp_wait_exit(proc.pid, proc.pidfd, &never, &error), FP_DONE);
        CHECK_INT(fp_wait_exit(proc.pid, proc.pidfd, &soon, &error), FP_DONE);
        CHECK_INT(fp_reap(proc.pid, true, &code), FP_REAP_GONE);
        CHECK_INT(fp_reap(proc.pid, false, &code), FP_REAP_GONE);
        CHECK_INT(fp_signal(proc.pid, proc.pidfd, 0), ESRCH);
        if (proc.pidfd != FP_NO_FD)
            close(proc.pidfd);
    }
}

static void with_sigchld_ignored_the_child_is_gone_once_it_ends(void)
{
    signal(SIGCHLD, SIG_IGN);
    WITH_AND_WITHOUT_PIDFD(with)
    {
        for (int with_deadline = 0; with_deadline < 2; with_deadline++) {
            int line;
            const fp_deadline deadline = {with_deadline, fp_now() + 60000000000};
            fp_proc proc = start(SPEC("echo"), with, &line);
            close(line);
            CHECK_INT(fp_wait_exit(proc.pid, proc.pidfd, &deadline, &error), FP_DONE);
            CHECK_INT(finish(&proc), -1000);
        }
    }
}

static void a_zombie_can_be_signalled_without_harm(void)
{
    WITH_AND_WITHOUT_PIDFD(with)
    {
        const fp_deadline never = {false, 0};
        fp_proc proc = start(SPEC("exit", "3"), with, NULL);
        CHECK_INT(fp_wait_exit(proc.pid, proc.pidfd, &never, &error), FP_DONE);
        CHECK_INT(fp_signal(proc.pid, proc.pidfd, SIGKILL), 0);
        CHECK_INT(finish(&proc), 3);
    }
}

/* Elsewhere than here, poll's own limits are lower than a deadline can be. */
static void polling_ends_with_its_deadline_or_its_event(void)
{
    int fds[2];
    CHECK(pipe(fds) == 0);
    struct pollfd one = {fds[0], POLLIN, 0};
    fp_deadline deadline = fp_deadline_in(5000000);
    CHECK_INT(fp_poll(&one, 1, &deadline, &error), FP_TIMEOUT);
    CHECK(fp_now() >= deadline.at);
    CHECK_INT(write(fds[1], "x", 1), 1);
    CHECK_INT(fp_poll(&one, 1, &deadline, &error), FP_DONE);
    deadline = fp_deadline_in(INT64_MAX);
    CHECK_INT(fp_poll(&one, 1, &deadline, &error), FP_DONE);
    deadline.set = false;
    CHECK_INT(fp_poll(&one, 1, &deadline, &error), FP_DONE);
    CHECK_INT(one.revents, POLLIN);
    close(fds[0]);
    close(fds[1]);
}

SUITE(wait, CASE(each_way_to_end_has_its_code),
      CASE(a_deadline_that_has_passed_still_sees_who_has_ended),
      CASE(a_deadline_ends_the_wait_and_not_before),
      CASE(deadlines_reach_from_now_to_the_end_of_time), CASE(a_signal_interrupts_the_wait),
      CASE(a_stopped_child_has_not_ended), CASE(who_was_reaped_by_another_is_gone_not_an_error),
      CASE(with_sigchld_ignored_the_child_is_gone_once_it_ends),
      CASE(a_zombie_can_be_signalled_without_harm),
      CASE(polling_ends_with_its_deadline_or_its_event));
