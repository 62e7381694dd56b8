/* Few descriptors to be had, and very many open. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "posix/child.h"
#include "posix/probe.h"
#include "posix/run.h"
#include "support.h"
#include "wrap.h"

#define CROWD 19000

static fp_job job;

static void hook_nothing(void *context)
{
    (void)context;
}

static bool hook_true(void *context)
{
    (void)context;
    return true;
}

typedef struct scarce {
    fp_route route;
    fp_stdio_kind kinds[3];
    bool want_pidfd;
    bool hooks;
    int pass; /* 0: none */
} scarce;

/* One run with so many descriptors allowed; it works, or says EMFILE. Whether it did. */
static bool run_scarce(const scarce *with, long allowed)
{
    test_state before;
    fp_error error = {FP_STAGE_NONE, 0};
    fp_spec spec = SPEC("exit", "3");
    fp_fork_hooks hooks = {hook_nothing, hook_nothing, hook_true, hook_nothing, hook_true, NULL};
    const fp_limits limits = {{false, 0}};
    for (int i = 0; i < 3; i++)
        spec.stdio[i].kind = with->kinds[i];
    spec.want_pidfd = with->want_pidfd;
    spec.routes = FP_ROUTE_BIT(with->route);
    spec.hooks = with->hooks ? &hooks : NULL;
    spec.pass_fds = &with->pass;
    spec.n_pass_fds = with->pass > 0;
    fp_job_init(&job, fp_buffer_grow_malloc, (void *[2]){NULL, NULL});
    limit_fds(64);
    test_state_take(&before);
    limit_fds(allowed);
    bool started = fp_run_start(&job, &spec, &error);
    if (started) {
        CHECK_INT(run_on(&job, &limits, &error), FP_DONE);
        CHECK_INT(job.code, 3);
        CHECK_INT(job.proc.used, with->route);
    } else {
        CHECK_INT(error.code, EMFILE);
        CHECK(error.stage == FP_STAGE_PIPE || error.stage == FP_STAGE_NULL_DEVICE ||
              error.stage == FP_STAGE_MOVE);
        CHECK_INT(job.proc.pidfd, FP_NO_FD);
    }
    fp_run_close(&job);
    limit_fds(64);
    test_state_check(&before);
    return started;
}

static void scarce_descriptors(const void *argument)
{
    const scarce *with = argument;
    int worked = 0, last = 0;
    fp_features();
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    wrap_owner = getpid();
    for (long allowed = 3; allowed <= 16; allowed++) {
        test_about("%s, %d %d %d, pidfd %d, %ld descriptors", fp_route_name(with->route),
                   with->kinds[0], with->kinds[1], with->kinds[2], with->want_pidfd, allowed);
        last = run_scarce(with, allowed);
        worked += last;
    }
    CHECK(last); /* sixteen are enough */
    CHECK(worked < 14);
}

static void with_too_few_descriptors_a_run_works_or_leaves_nothing(void)
{
    const fp_stdio_kind kinds[][3] = {
        {FP_STDIO_PIPE, FP_STDIO_PIPE, FP_STDIO_PIPE},
        {FP_STDIO_NULL, FP_STDIO_PIPE, FP_STDIO_STDOUT},
        {FP_STDIO_PIPE, FP_STDIO_NULL, FP_STDIO_NULL},
    };
    for (fp_route route = 0; route < FP_ROUTE_COUNT; route++)
        for (int i = 0; i < 3; i++) {
            scarce with = {route, {kinds[i][0], kinds[i][1], kinds[i][2]}, i != 1, false, 0};
            test_in_child(scarce_descriptors, &with);
            with.hooks = true;
            if (route == FP_ROUTE_FORK)
                test_in_child(scarce_descriptors, &with);
        }
}

/* A descriptor may be passed at the very top of what is allowed, on each route. */
static void top_passed(const void *argument)
{
    const fp_route *route = argument;
    scarce with = {*route, {FP_STDIO_INHERIT, FP_STDIO_PIPE, FP_STDIO_INHERIT}, true, false, 31};
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    open_file_at(31);
    if (*route == FP_ROUTE_POSIX_SPAWN)
        for (int fd = 3; fd < 15; fd++)
            fcntl(0, F_DUPFD_CLOEXEC, fd);
    wrap_owner = getpid();
    test_about("%s", fp_route_name(*route));
    fp_features();
    if (*route == FP_ROUTE_POSIX_SPAWN)
        with.route = FP_ROUTE_FORK; /* it cannot keep one above a gap */
    CHECK(run_scarce(&with, 32));
}

static void the_highest_descriptor_allowed_can_be_passed(void)
{
    for (fp_route route = 0; route < FP_ROUTE_COUNT; route++)
        test_in_child(top_passed, &route);
}

static bool open_crowd(void)
{
    if (!limit_fds(CROWD + 100))
        return false;
    int fd = 0;
    while (fd >= 0 && fd < CROWD)
        fd = fcntl(0, F_DUPFD, fd < 900 ? 3 : fd);
    return fd >= CROWD;
}

/* The first look at what the machine can do falls into a moment of need. */
static void probe_without_descriptors(const void *argument)
{
    (void)argument;
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    limit_fds(3);
    CHECK(!(fp_features() & FP_FEATURE_PIDFD));
    limit_fds(64);
    CHECK(fp_features() & FP_FEATURE_PIDFD);
}

static void probe_without_processes(const void *argument)
{
    struct rlimit limit;
    (void)argument;
    if (geteuid() == 0 && !CHECK(setresuid(65531, 65531, 65531) == 0))
        return;
    getrlimit(RLIMIT_NPROC, &limit);
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 0;
    CHECK(setrlimit(RLIMIT_NPROC, &limit) == 0);
    CHECK(!(fp_features() & (FP_FEATURE_SHARED_VFORK | FP_FEATURE_CLONE3)));
    limit.rlim_cur = before;
    CHECK(setrlimit(RLIMIT_NPROC, &limit) == 0);
    CHECK(fp_features() & FP_FEATURE_SHARED_VFORK);
    CHECK(fp_features() & FP_FEATURE_CLONE3);
}

static void what_is_only_scarce_for_a_while_is_not_given_up_for_good(void)
{
    test_in_child(probe_without_descriptors, NULL);
    test_in_child(probe_without_processes, NULL);
}

typedef struct crowd {
    fp_route route;
    int refused; /* a system call that the child is refused, or 0 */
    unsigned dropped;
    unsigned lost; /* the features that are not used any more after it */
    bool close_fds;
} crowd;

/* A run in the middle of them: all pipes work, and none of the crowd gets through. */
static void run_crowded(const void *argument)
{
    const crowd *with = argument;
    static unsigned char input[70000];
    fp_error error = {FP_STAGE_NONE, 0};
    const fp_limits limits = {fp_deadline_in(90000000000)};
    static report seen;
    fp_proc proc;
    test_state before;

    test_about("%s, %d refused", fp_route_name(with->route), with->refused);
    if (!open_crowd())
        _exit(0); /* the case has looked at this */
    fp_features();
    fp_features_drop(with->dropped);
    if (with->refused != 0 && !refuse(with->refused, EACCES))
        return;
    test_state_take(&before);
    for (int i = 0; i < 2; i++) {
        fp_spec spec = SPEC("echo");
        spec.routes = FP_ROUTE_BIT(with->route);
        spec.want_pidfd = true;
        for (int fd = 0; fd < 3; fd++)
            spec.stdio[fd].kind = FP_STDIO_PIPE;
        memset(input, 'a' + i, sizeof input);
        fp_job_init(&job, fp_buffer_grow_malloc, (void *[2]){NULL, NULL});
        job.input.data = input;
        job.input.size = sizeof input;
        if (!CHECK(fp_run_start(&job, &spec, &error)))
            return;
        CHECK_INT(job.proc.used, with->route);
        CHECK_INT(run_on(&job, &limits, &error), FP_DONE);
        CHECK_INT(job.code, 0);
        CHECK_INT(job.output[0].buffer.size, sizeof input);
        CHECK(memcmp(job.output[0].buffer.data, input, job.output[0].buffer.size) == 0);
        fp_run_close(&job);
        fp_buffer_free_malloc(&job.output[0].buffer);
    }
    if (with->refused == 0) { /* the report opens a file */
        fp_spec spec = SPEC("report", report_path);
        spec.routes = FP_ROUTE_BIT(with->route);
        spec.stdio[1].kind = FP_STDIO_PIPE;
        spec.stdio[2].kind = FP_STDIO_STDOUT;
        CHECK(spawn_report(&spec, NULL, &seen, &proc));
        CHECK_INT(seen.n_fds, 3);
        CHECK(same_file(&seen.fds[1], &seen.fds[2]));
        CHECK(seen.outputs_are_one);
        CHECK_INT(seen.fds[1].access, O_WRONLY);
    }
    CHECK_INT(fp_features() & with->lost, 0);
    if (with->lost == 0)
        CHECK(fp_features() & FP_FEATURE_REOPEN);
    test_state_check(&before);
}

static void limit_is_enough(const void *argument)
{
    (void)argument;
    _exit(limit_fds(CROWD + 100) ? 0 : 1);
}

static void needs_crowd(void)
{
    if (sysconf(_SC_OPEN_MAX) < CROWD + 100 && geteuid() != 0)
        test_skip("the limit of open descriptors is below 19,100, and may not be raised");
    test_in_child(limit_is_enough, NULL);
}

static void pipes_above_a_crowd_work_on_each_route(void)
{
    needs_crowd();
    for (fp_route route = 0; route < FP_ROUTE_COUNT; route++) {
        const crowd with = {route, 0, 0, 0, true};
        test_in_child(run_crowded, &with);
    }
}

/* Where the pipes cannot be opened anew, the table is copied. */
static void pipes_above_a_crowd_work_without_what_makes_them_fast(void)
{
    needs_crowd();
    const unsigned each[] = {FP_FEATURE_REOPEN, FP_FEATURE_CLOSE_RANGE,
                             FP_FEATURE_CLOSE_RANGE | FP_FEATURE_PROC_FDS, FP_FEATURE_ALL};
    for (int i = 0; i < 4; i++) {
        crowd with = {FP_ROUTE_CLONE3, 0, each[i], each[i], true};
        if (each[i] == FP_FEATURE_ALL)
            with.route = FP_ROUTE_FORK;
        test_in_child(run_crowded, &with);
    }
}

static void faulty_reopen(const void *argument)
{
    fp_fault_stage = FP_STAGE_REOPEN;
    run_crowded(argument);
}

static void a_pipe_that_cannot_be_opened_anew_is_copied_and_that_is_remembered(void)
{
    needs_crowd();
    const crowd with = {FP_ROUTE_CLONE3, 0, 0, FP_FEATURE_REOPEN, true};
    test_in_child(faulty_reopen, &with);
}

/* The folder /proc may be another namespace's, where the same name leads to another file. */
static void what_is_not_our_pipe_by_its_name_is_not_taken_for_it(void)
{
    const struct {
        int inode, device;
        bool other;
        fp_error error;
    } cases[] = {{0, 0, false, {FP_STAGE_NONE, 0}},
                 {1, 0, false, {FP_STAGE_REOPEN, ESTALE}},
                 {0, 1, false, {FP_STAGE_REOPEN, ESTALE}},
                 {0, 0, true, {FP_STAGE_REOPEN, ESTALE}}};
    volatile fp_error *told =
        mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int fds[2], others[2];
    CHECK(pipe2(fds, O_CLOEXEC) == 0 && pipe2(others, O_CLOEXEC) == 0);
    int high = fcntl(fds[1], F_DUPFD_CLOEXEC, 400);
    const fp_ends ends = {{-1, fds[0], -1}, {-1, high, -1}, {false, true}, {false, true}};
    const fp_spec spec = SPEC("exit", "5");
    if ((fp_features() & (FP_FEATURE_REOPEN | FP_FEATURE_CLOSE_RANGE)) !=
        (FP_FEATURE_REOPEN | FP_FEATURE_CLOSE_RANGE))
        test_skip("needs close_range, and /proc");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fp_error error;
        fp_plan plan;
        test_about("case %zu", i);
        CHECK(fp_plan_init(&plan, &spec, &ends, FP_ROUTE_CLONE3, fp_features(), &error));
        CHECK_INT(plan.moves[0].kind, FP_MOVE_REOPEN);
        plan.reopen[1].inode += (unsigned)cases[i].inode;
        plan.reopen[1].device += (unsigned)cases[i].device;
        if (cases[i].other)
            snprintf(plan.reopen[1].path, sizeof plan.reopen[1].path, "/proc/%ld/fd/%d",
                     (long)getpid(), others[1]);
        told->stage = FP_STAGE_NONE;
        told->code = 0;
        const fp_proc proc = {fork(), FP_NO_FD, NULL, FP_ROUTE_FORK};
        if (proc.pid == 0)
            fp_child(&plan, told);
        CHECK_INT(finish(&proc), cases[i].error.stage == FP_STAGE_NONE ? 5 : 255);
        CHECK_TEXT(fp_stage_name(told->stage), fp_stage_name(cases[i].error.stage));
        CHECK_INT(told->code, cases[i].error.code);
        fp_plan_free(&plan);
    }
    munmap((void *)told, sizeof *told);
    const int all[] = {high, fds[0], fds[1], others[0], others[1]};
    for (int i = 0; i < 5; i++)
        close(all[i]);
}

/* The kernel's refusal of the whole unsharing call; then of the folder in /proc too. */
static void a_refused_unsharing_is_remembered(void)
{
    needs_crowd();
    const crowd with = {FP_ROUTE_CLONE3, 436 /* close_range */, 0, FP_FEATURE_CLOSE_RANGE, true};
    test_in_child(run_crowded, &with);
}

SUITE(limits, CASE(with_too_few_descriptors_a_run_works_or_leaves_nothing),
      CASE(the_highest_descriptor_allowed_can_be_passed),
      CASE(what_is_only_scarce_for_a_while_is_not_given_up_for_good),
      CASE(pipes_above_a_crowd_work_on_each_route),
      CASE(pipes_above_a_crowd_work_without_what_makes_them_fast),
      CASE(a_pipe_that_cannot_be_opened_anew_is_copied_and_that_is_remembered),
      CASE(what_is_not_our_pipe_by_its_name_is_not_taken_for_it),
      CASE(a_refused_unsharing_is_remembered));
