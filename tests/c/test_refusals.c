/* What the kernel, or a sandbox, refuses: real refusals, by a filter. Each case is in a
 * process of its own, since a filter stays. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "posix/probe.h"
#include "posix/run.h"
#include "support.h"

/* Calls that a machine need not have. */
#ifdef SYS_vfork
#define NUMBER_VFORK SYS_vfork
#else
#define NUMBER_VFORK -1
#endif
#ifdef SYS_fork
#define NUMBER_FORK SYS_fork
#else
#define NUMBER_FORK -1
#endif
#define NUMBER_CLONE3 435
#define NUMBER_CLOSE_RANGE 436
#define NUMBER_PIDFD_OPEN 434
#define NUMBER_PIDFD_SEND_SIGNAL 424

static report seen;
static fp_proc proc;

/* Refused as old kernels and sandboxes do: the next rung takes over, and says so. */
static void without_clone3(const void *argument)
{
    const int *code = argument;
    fp_spec spec = SPEC("report", report_path);
    spec.want_pidfd = true;
    if (!refuse(NUMBER_CLONE3, *code))
        return;
    CHECK(spawn_report(&spec, NULL, &seen, &proc));
    CHECK_INT(proc.used, FP_ROUTE_VFORK);
    CHECK_INT(seen.blocked, 0);
    CHECK(!(fp_features() & FP_FEATURE_CLONE3));
    CHECK(spawn_report(&spec, NULL, &seen, &proc));
    CHECK_INT(proc.used, FP_ROUTE_VFORK);
}

static void a_refused_clone3_gives_way_to_vfork(void)
{
    const int codes[] = {ENOSYS, EPERM, EINVAL};
    for (int i = 0; i < 3; i++) {
        test_about("errno %d", codes[i]);
        test_in_child(without_clone3, &codes[i]);
    }
}

/* Put up after the core has looked what there is. */
static void with_vfork_refused_late(const void *argument)
{
    const int *code = argument;
    fp_spec spec = SPEC("report", report_path);
    CHECK(fp_features() & FP_FEATURE_SHARED_VFORK);
    if (!refuse(NUMBER_CLONE3, ENOSYS) || !refuse(NUMBER_VFORK, *code))
        return;
    spec.routes = FP_ROUTES_ALL & ~FP_ROUTE_BIT(FP_ROUTE_POSIX_SPAWN);
    CHECK(spawn_report(&spec, NULL, &seen, &proc));
    CHECK_INT(proc.used, FP_ROUTE_FORK);
    CHECK_INT(seen.blocked, 0);
}

static void a_refused_vfork_gives_way_to_fork(void)
{
    const int codes[] = {ENOSYS, EPERM, EINVAL};
    if (NUMBER_VFORK < 0)
        test_skip("this machine's vfork is a clone");
    for (int i = 0; i < 3; i++) {
        test_about("errno %d", codes[i]);
        test_in_child(with_vfork_refused_late, &codes[i]);
    }
}

static void without_close_range(const void *argument)
{
    fp_spec spec = SPEC("report", report_path);
    spec.stdio[1].kind = FP_STDIO_PIPE;
    (void)argument;
    CHECK(fp_features() & FP_FEATURE_CLOSE_RANGE); /* probed before it is gone */
    open_file_at(400);
    if (!refuse(NUMBER_CLOSE_RANGE, EPERM))
        return;
    CHECK(spawn_report(&spec, NULL, &seen, &proc));
    CHECK_INT(proc.used, FP_ROUTE_CLONE3);
    CHECK_INT(seen.n_fds, 3);
    CHECK(!(fp_features() & FP_FEATURE_CLOSE_RANGE));
    CHECK(spawn_report(&spec, NULL, &seen, &proc));
    CHECK_INT(proc.used, FP_ROUTE_CLONE3);
    CHECK_INT(seen.n_fds, 3);
}

static void a_refused_close_range_leaves_clone3_in_use(void)
{
    test_in_child(without_close_range, NULL);
}

static void without_pidfds(const void *argument)
{
    const fp_route *route = argument;
    fp_spec spec = SPEC("exit", "6");
    fp_ends ends = {{-1, -1, -1}, {-1, -1, -1}, {0}, {0}};
    fp_error error;
    const fp_deadline deadline = fp_deadline_in(60000000000);
    if (!refuse(NUMBER_PIDFD_OPEN, ENOSYS))
        return;
    spec.want_pidfd = true;
    spec.routes = FP_ROUTE_BIT(*route);
    if (!CHECK(fp_spawn(&spec, &ends, &proc, &error)))
        return;
    CHECK_INT(proc.pidfd, FP_NO_FD);
    CHECK_INT(fp_wait_exit(proc.pid, proc.pidfd, &deadline, &error), FP_DONE);
    CHECK_INT(finish(&proc), 6);
}

static void a_child_without_a_pidfd_is_waited_for_all_the_same(void)
{
    for (fp_route route = 0; route < FP_ROUTE_COUNT; route++) {
        test_about("%s", fp_route_name(route));
        test_in_child(without_pidfds, &route);
    }
}

static void without_signals_by_pidfd(const void *argument)
{
    const int *code = argument;
    fp_ends ends = {{-1, -1, -1}, {-1, -1, -1}, {0}, {0}};
    fp_spec spec = SPEC("hang");
    fp_error error;
    spec.want_pidfd = true;
    if (!CHECK(fp_spawn(&spec, &ends, &proc, &error)) || !CHECK(proc.pidfd != FP_NO_FD) ||
        !refuse(NUMBER_PIDFD_SEND_SIGNAL, *code))
        return;
    if (!CHECK_INT(fp_signal(proc.pid, proc.pidfd, SIGKILL), 0))
        kill(proc.pid, SIGKILL);
    CHECK_INT(finish(&proc), -SIGKILL);
}

/* ENOSYS from an old kernel, EPERM from a sandbox: of a child of ours, its pid is as good. */
static void a_child_is_signalled_by_its_pid_where_its_pidfd_is_refused(void)
{
    const int codes[] = {ENOSYS, EPERM};
    for (int i = 0; i < 2; i++) {
        test_about("errno %d", codes[i]);
        test_in_child(without_signals_by_pidfd, &codes[i]);
    }
}

typedef struct refusal {
    fp_route route;
    long numbers[4];
    int code;
    fp_stage stage;
    fp_stdio_kind stdin_kind;
} refusal;

static void start_refused(const void *argument)
{
    const refusal *with = argument;
    fp_spec spec = SPEC("hang");
    fp_error error = {FP_STAGE_NONE, 0};
    static fp_job job;
    test_state before;
    fp_job_init(&job, fp_buffer_grow_malloc, (void *[2]){NULL, NULL});
    spec.stdio[0].kind = with->stdin_kind;
    spec.stdio[1].kind = FP_STDIO_PIPE;
    spec.want_pidfd = true;
    spec.routes = FP_ROUTE_BIT(with->route);
    fp_features(); /* the probe is not refused */
    test_state_take(&before);
    for (int i = 0; i < 4; i++)
        if (with->numbers[i] != 0 && !refuse(with->numbers[i], with->code))
            return;
    if (!CHECK(!fp_run_start(&job, &spec, &error)))
        kill_and_reap(&job);
    CHECK_TEXT(fp_stage_name(error.stage), fp_stage_name(with->stage));
    CHECK_INT(error.code, with->code);
    CHECK_INT(job.proc.pidfd, FP_NO_FD);
    test_state_check(&before);
}

/* The destination's own trouble is the caller's, on every route: no second try. */
static void a_birth_that_fails_is_said_and_leaves_nothing(void)
{
    const int codes[] = {EAGAIN, ENOMEM};
    for (fp_route route = 0; route < FP_ROUTE_COUNT; route++)
        for (int i = 0; i < 2; i++) {
            const refusal with = {route,
                                  {NUMBER_CLONE3, NUMBER_VFORK, SYS_clone, NUMBER_FORK},
                                  codes[i],
                                  FP_STAGE_BIRTH,
                                  FP_STDIO_PIPE};
            test_about("%s, errno %d", fp_route_name(route), codes[i]);
            test_in_child(start_refused, &with);
        }
}

static void a_pipe_or_null_device_that_cannot_be_opened_is_said(void)
{
    for (fp_route route = 0; route < FP_ROUTE_COUNT; route++) {
        refusal with = {route, {SYS_pipe2, 0, 0, 0}, ENFILE, FP_STAGE_PIPE, FP_STDIO_PIPE};
        test_about("%s", fp_route_name(route));
        test_in_child(start_refused, &with);
        with = (refusal){route, {SYS_openat, 0, 0, 0}, EACCES, FP_STAGE_NULL_DEVICE, FP_STDIO_NULL};
        test_in_child(start_refused, &with);
    }
}

SUITE(refusals, CASE(a_refused_clone3_gives_way_to_vfork), CASE(a_refused_vfork_gives_way_to_fork),
      CASE(a_refused_close_range_leaves_clone3_in_use),
      CASE(a_child_without_a_pidfd_is_waited_for_all_the_same),
      CASE(a_child_is_signalled_by_its_pid_where_its_pidfd_is_refused),
      CASE(a_birth_that_fails_is_said_and_leaves_nothing),
      CASE(a_pipe_or_null_device_that_cannot_be_opened_is_said));
