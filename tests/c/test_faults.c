/* A fault at each stage, on each route: said as it is, and nothing is left. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "posix/probe.h"
#include "posix/run.h"
#include "support.h"
#include "wrap.h"

static void hook_parent(void *context)
{
    ++*(int *)context;
}

static bool hook_go_on(void *context)
{
    (void)context;
    return true;
}

static void hook_born(void *context)
{
    (void)context;
}

static bool hook_child(void *context)
{
    (void)context;
    return true;
}

/* Lets the child come to the stage: asks for what is done there. */
static void ask_for(fp_spec *spec, fp_stage stage, fp_fork_hooks *hooks)
{
    static const int pass[] = {2};
    static const gid_t groups[] = {0};
    switch (stage) {
    case FP_STAGE_INHERIT:
        spec->pass_fds = pass;
        spec->n_pass_fds = 1;
        break;
    case FP_STAGE_CHDIR:
        spec->has_cwd = true;
        spec->cwd = "/";
        break;
    case FP_STAGE_SESSION:
        spec->new_session = true;
        break;
    case FP_STAGE_PROCESS_GROUP:
        spec->has_process_group = true;
        break;
    case FP_STAGE_GROUPS:
        spec->has_groups = true;
        spec->groups = groups;
        spec->n_groups = 1;
        break;
    case FP_STAGE_GROUP:
        spec->has_group = true;
        spec->group = getgid();
        break;
    case FP_STAGE_USER:
        spec->has_user = true;
        spec->user = getuid();
        break;
    case FP_STAGE_PREEXEC:
        spec->hooks = hooks;
        break;
    default:
        break;
    }
}

static void check_fault(fp_route route, fp_stage stage, bool with_run)
{
    static fp_job job;
    test_state before;
    fp_error error = {FP_STAGE_NONE, 0};
    fp_spec spec = SPEC("hang");
    fp_ends ends = {{-1, -1, -1}, {-1, -1, -1}, {0}, {0}};
    int parent_hooks = 0;
    fp_fork_hooks hooks = {hook_parent, hook_parent, hook_go_on,
                           hook_born,   hook_child,  &parent_hooks};

    test_about("%s, fault at %s", fp_route_name(route), fp_stage_name(stage));
    test_state_take(&before);
    ask_for(&spec, stage, &hooks);
    spec.routes = FP_ROUTE_BIT(route);
    spec.want_pidfd = true;
    fp_fault_stage = stage;
    fp_job_init(&job, fp_buffer_grow_malloc, (void *[2]){NULL, NULL});
    bool started;
    if (with_run) {
        for (int i = 0; i < 3; i++)
            spec.stdio[i].kind = FP_STDIO_PIPE;
        job.input.data = (const unsigned char *)"input";
        job.input.size = 5;
        started = fp_run_start(&job, &spec, &error);
    } else {
        ends.child[1] = 2;
        started = fp_spawn(&spec, &ends, &job.proc, &error);
    }
    fp_fault_stage = FP_STAGE_NONE;
    if (!CHECK(!started)) {
        kill_and_reap(&job);
        fp_run_close(&job);
    }
    CHECK_TEXT(fp_stage_name(error.stage), fp_stage_name(stage));
    CHECK_INT(error.code, EDOM);
    CHECK_INT(job.proc.pidfd, FP_NO_FD);
    CHECK_INT(parent_hooks, stage == FP_STAGE_PREEXEC ? 2 : 0);
    test_state_check(&before);
}

/* Routes on which the child replays the plan: posix_spawn's own child does not, and what
 * it says of real failures is in test_spawn.c and test_refusals.c. */
static const fp_route replaying[] = {FP_ROUTE_CLONE3, FP_ROUTE_VFORK, FP_ROUTE_FORK};

static void a_fault_in_the_child_is_said_and_leaves_nothing(void)
{
    for (int i = 0; i < 3; i++)
        for (fp_stage stage = FP_STAGE_UNSHARE; stage <= FP_STAGE_EXEC; stage++) {
            if (stage == FP_STAGE_REOPEN)
                continue; /* only above a crowd, and never final: test_limits.c */
            if (stage == FP_STAGE_PREEXEC && replaying[i] != FP_ROUTE_FORK)
                continue;
            check_fault(replaying[i], stage, false);
            check_fault(replaying[i], stage, true);
        }
}

/* Each allocation of a whole run is the one that fails, until none is left to fail. */
static void run_with_failing_memory(fp_route route, bool *ran)
{
    static fp_job job;
    static unsigned char input[100000];
    test_state before;
    fp_error error = {FP_STAGE_NONE, 0};
    fp_spec spec = SPEC("echo");
    const fp_limits limits = {fp_deadline_in(60000000000)};
    char folder[4096];
    strcpy(folder, program);
    *strrchr(folder, '/') = '\0';

    test_state_take(&before);
    spec.program = "program";
    spec.search = true;
    spec.path = folder;
    spec.routes = FP_ROUTE_BIT(route);
    spec.stdio[0].kind = spec.stdio[1].kind = FP_STDIO_PIPE;
    fp_job_init(&job, fp_buffer_grow_malloc, (void *[2]){NULL, NULL});
    job.input.data = input;
    job.input.size = sizeof input;
    bool started = fp_run_start(&job, &spec, &error);
    fp_outcome outcome = started ? run_on(&job, &limits, &error) : FP_FAILED;
    int left = wrap_failing_allocation;
    wrap_failing_allocation = -1;
    if (outcome == FP_DONE) {
        CHECK_INT(job.code, 0);
        CHECK_INT(job.output[0].buffer.size, sizeof input);
        *ran = left >= 0; /* the failure was still to come */
    } else {
        CHECK_TEXT(fp_stage_name(error.stage), "memory");
        CHECK_INT(error.code, ENOMEM);
    }
    if (started && outcome != FP_DONE)
        kill_and_reap(&job);
    fp_run_close(&job);
    fp_buffer_free_malloc(&job.output[0].buffer);
    test_state_check(&before);
}

static void memory_that_is_out_is_said_and_leaves_nothing(void)
{
    for (fp_route route = 0; route < FP_ROUTE_COUNT; route++) {
        bool ran = false;
        int which = 0;
        for (; !ran && which < 50; which++) {
            test_about("%s, allocation %d fails", fp_route_name(route), which);
            wrap_failing_allocation = which;
            run_with_failing_memory(route, &ran);
        }
        CHECK(ran);
        CHECK(which > 2); /* else nothing was put to the test */
    }
}

/* With more jobs than there is room for on the stack. */
static void a_set_of_jobs_without_memory_for_it_can_go_on_later(void)
{
    enum { COUNT = 6 };
    static fp_job jobs[COUNT];
    fp_job *all[COUNT];
    fp_error error = {FP_STAGE_NONE, 0};
    const fp_limits limits = {{false, 0}};
    for (int i = 0; i < COUNT; i++) {
        fp_spec spec = SPEC("say", "3000", "10");
        spec.stdio[1].kind = spec.stdio[2].kind = FP_STDIO_PIPE;
        all[i] = &jobs[i];
        fp_job_init(&jobs[i], fp_buffer_grow_malloc, (void *[2]){NULL, NULL});
        CHECK(fp_run_start(&jobs[i], &spec, &error));
    }
    wrap_failing_allocation = 0;
    CHECK_INT(fp_communicate(all, COUNT, &limits, &error), FP_FAILED);
    CHECK_TEXT(fp_stage_name(error.stage), "memory");
    wrap_failing_allocation = -1;
    CHECK_INT(fp_communicate(all, COUNT, &limits, &error), FP_DONE);
    for (int i = 0; i < COUNT; i++) {
        CHECK_INT(jobs[i].output[0].buffer.size, 3000);
        CHECK_INT(jobs[i].output[1].buffer.size, 10);
        CHECK_INT(jobs[i].code, 0);
        fp_run_close(&jobs[i]);
    }
}

SUITE(faults, CASE(a_fault_in_the_child_is_said_and_leaves_nothing),
      CASE(memory_that_is_out_is_said_and_leaves_nothing),
      CASE(a_set_of_jobs_without_memory_for_it_can_go_on_later));
