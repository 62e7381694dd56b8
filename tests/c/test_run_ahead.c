/* A parent that goes on while its child still sets itself up. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "posix/probe.h"
#include "posix/run.h"
#include "support.h"

static fp_job job;
static fp_error error;
static const fp_limits no_limits = {{false, 0}};

/* Once a child has been waited for: on a kernel that has what it takes, it must be so. */
static bool can_run_ahead(void)
{
    const fp_ends ends = {{-1, -1, -1}, {-1, -1, -1}, {0}, {0}};
    fp_spec exits = SPEC("exit", "0");
    fp_proc proc;
    if (!CHECK(fp_spawn(&exits, &ends, &proc, &error)))
        return false;
    CHECK_INT(finish(&proc), 0);
    if (proc.used != FP_ROUTE_CLONE3 || !(fp_features() & FP_FEATURE_CLOSE_RANGE))
        test_skip("needs clone3 and close_range");
    return CHECK(fp_features() & FP_FEATURE_RUN_AHEAD);
}

static fp_spec spec; /* there while a child may look at it */

static bool start_ahead(fp_spec given, unsigned pipes)
{
    spec = given;
    for (unsigned fd = 0; fd < 3; fd++)
        if (pipes & (1u << fd))
            spec.stdio[fd].kind = FP_STDIO_PIPE;
    spec.run_ahead = true;
    fp_job_init(&job, fp_buffer_grow_malloc, (void *[2]){NULL, NULL});
    return CHECK(fp_run_start(&job, &spec, &error));
}

static void end(void)
{
    fp_run_close(&job);
    fp_buffer_free_malloc(&job.output[0].buffer);
    fp_buffer_free_malloc(&job.output[1].buffer);
}

/* Its stack and plan are its own; the parent's copies of its pipes are closed at once. */
static void all_pipes_work_and_nothing_is_left(void)
{
    test_state before;
    if (!can_run_ahead())
        return;
    test_state_take(&before);
    for (unsigned pipes = 0; pipes < 8; pipes++)
        for (int again = 0; again < 50; again++) {
            test_about("pipes %u", pipes);
            fp_spec say = SPEC("say", "3000", "4000");
            const int closed = open("/dev/null", O_RDWR | O_CLOEXEC);
            if (!(pipes & 2))
                say.stdio[1] = (fp_stdio){FP_STDIO_FD, closed};
            if (!(pipes & 4))
                say.stdio[2] = (fp_stdio){FP_STDIO_FD, closed};
            if (start_ahead(say, pipes)) {
                CHECK(job.proc.newborn != NULL);
                CHECK_INT(run_on(&job, &no_limits, &error), FP_DONE);
                CHECK_INT(job.code, 0);
                CHECK(job.proc.newborn == NULL);
                CHECK_INT(job.output[0].buffer.size, pipes & 2 ? 3000 : 0);
                CHECK_INT(job.output[1].buffer.size, pipes & 4 ? 4000 : 0);
            }
            end();
            close(closed);
        }
    test_state_check(&before);
}

/* What went wrong is known at the end, and then it is the run's result. */
static void a_fault_of_the_child_is_said_by_the_run(void)
{
    const fp_stage stages[] = {FP_STAGE_UNSHARE, FP_STAGE_MOVE,  FP_STAGE_CHDIR, FP_STAGE_SIGNALS,
                               FP_STAGE_SESSION, FP_STAGE_CLOSE, FP_STAGE_EXEC};
    test_state before;
    if (!can_run_ahead())
        return;
    test_state_take(&before);
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++)
        for (unsigned pipes = 0; pipes < 8; pipes += 2) {
            const bool moved = pipes != 0;
            if ((stages[i] == FP_STAGE_MOVE) != moved && stages[i] == FP_STAGE_MOVE)
                continue;
            /* Nothing is unshared where the table is the child's own; and where all above
             * 2 was dropped with it, nothing is closed. */
            if ((stages[i] == FP_STAGE_UNSHARE && moved) || (stages[i] == FP_STAGE_CLOSE && !moved))
                continue;
            test_about("fault at %s, pipes %u", fp_stage_name(stages[i]), pipes);
            fp_spec hang = SPEC("hang");
            hang.has_cwd = hang.new_session = true;
            hang.cwd = "/";
            fp_fault_stage = stages[i];
            bool started = start_ahead(hang, pipes);
            fp_fault_stage = FP_STAGE_NONE;
            if (started) {
                CHECK_INT(run_on(&job, &no_limits, &error), FP_FAILED);
                CHECK_TEXT(fp_stage_name(error.stage), fp_stage_name(stages[i]));
                CHECK_INT(error.code, EDOM);
                CHECK(job.reaped);
            }
            end();
        }
    test_state_check(&before);
}

/* With no time at all the child is let come as far as exec: a program that is not there is
 * one, however little time there was to look for it. */
static void a_missing_program_is_no_timeout(void)
{
    const fp_limits none = {fp_deadline_in(0)};
    test_state before;
    if (!can_run_ahead())
        return;
    test_state_take(&before);
    for (int i = 0; i < 100; i++) {
        fp_spec missing = SPEC("hang");
        missing.program = "/nowhere/at/all";
        if (start_ahead(missing, 6)) {
            CHECK_INT(run_on(&job, &none, &error), FP_FAILED);
            CHECK_TEXT(fp_stage_name(error.stage), "exec");
            CHECK_INT(error.code, ENOENT);
            kill_and_reap(&job);
        }
        end();
        if (start_ahead(SPEC("hang"), 6)) {
            CHECK_INT(run_on(&job, &none, &error), FP_TIMEOUT);
            CHECK(job.proc.newborn == NULL);
            kill_and_reap(&job);
            CHECK_INT(job.code, -SIGKILL);
        }
        end();
    }
    test_state_check(&before);
}

/* Who leaves a child alive waits until it looks at nothing of ours. */
static void a_child_settles_when_it_has_become_its_program(void)
{
    test_state before;
    if (!can_run_ahead())
        return;
    test_state_take(&before);
    for (int i = 0; i < 200; i++) {
        if (start_ahead(SPEC("exit", "7"), 0)) {
            CHECK(fp_settle(&job.proc, false, &error));
            CHECK(job.proc.newborn == NULL);
            CHECK(fp_settle(&job.proc, false, &error)); /* nothing is left to settle */
            CHECK_INT(finish(&job.proc), 7);
            job.reaped = true;
        }
        end();
    }
    test_state_check(&before);
}

SUITE(run_ahead, CASE(all_pipes_work_and_nothing_is_left),
      CASE(a_fault_of_the_child_is_said_by_the_run), CASE(a_missing_program_is_no_timeout),
      CASE(a_child_settles_when_it_has_become_its_program));
