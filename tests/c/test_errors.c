/* What the parent is told when a child cannot be started, on every route. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

static fp_proc proc;

/* Starts what cannot start, and checks how it is said. */
static void check_refused(fp_spec *spec, fp_stage stage, int code)
{
    test_state before;
    fp_ends ends;
    test_state_take(&before);
    EACH_ROUTE(route)
    {
        fp_error error = {FP_STAGE_NONE, 0};
        spec->routes = FP_ROUTE_BIT(route);
        test_about("%s, for %s", fp_route_name(route), fp_stage_name(stage));
        if (!CHECK(fp_ends_open(&ends, spec->stdio, false, 0, &error)))
            continue;
        proc.pidfd = FP_NO_FD;
        if (!CHECK(!fp_spawn(spec, &ends, &proc, &error)))
            finish(&proc);
        fp_ends_close_child(&ends);
        fp_ends_close_parent(&ends);
        CHECK_TEXT(fp_stage_name(error.stage), fp_stage_name(stage));
        CHECK_INT(error.code, code);
        CHECK_INT(proc.pidfd, FP_NO_FD); /* what is closed is not named any more */
        test_state_check(&before);
    }
}

static void what_cannot_be_executed_is_the_execs_error(void)
{
    fp_spec spec = SPEC("report", report_path);
    spec.want_pidfd = true;
    spec.stdio[0].kind = spec.stdio[1].kind = FP_STDIO_PIPE;
    spec.program = "/no/such/program";
    check_refused(&spec, FP_STAGE_EXEC, ENOENT);
    spec.program = "/";
    check_refused(&spec, FP_STAGE_EXEC, EACCES);
    spec.program = "/etc/passwd/program";
    check_refused(&spec, FP_STAGE_EXEC, ENOTDIR);
    spec.program = report_path;
    chmod(report_path, 0777);
    check_refused(&spec, FP_STAGE_EXEC, ENOEXEC);
    chmod(report_path, 0666);
}

static void a_search_says_the_worst_that_it_met(void)
{
    fp_spec spec = SPEC("report");
    spec.search = true;
    spec.program = "tmp";
    spec.path = "/no/such:/:/usr/none";
    check_refused(&spec, FP_STAGE_EXEC, EACCES); /* the folder /tmp */
    spec.program = "no-such-program";
    spec.path = "/:/etc/passwd:/usr/bin";
    check_refused(&spec, FP_STAGE_EXEC, ENOENT);
    spec.path = "/usr/bin:/etc/passwd";
    check_refused(&spec, FP_STAGE_EXEC, ENOTDIR); /* the last one, as execvpe has it */
}

static void a_bad_folder_is_not_a_bad_program(void)
{
    fp_spec spec = SPEC("exit", "0");
    spec.has_cwd = true;
    spec.cwd = "/no/such/folder";
    check_refused(&spec, FP_STAGE_CHDIR, ENOENT);
    spec.cwd = "/etc/passwd";
    check_refused(&spec, FP_STAGE_CHDIR, ENOTDIR);
    spec.cwd = "/etc";
    spec.program = "no/such/program";
    check_refused(&spec, FP_STAGE_EXEC, ENOENT);
}

static void descriptors_that_are_not_open_are_said(void)
{
    const int pass[] = {300};
    fp_spec spec = SPEC("exit", "0");
    spec.pass_fds = pass;
    spec.n_pass_fds = 1;
    check_refused(&spec, FP_STAGE_INHERIT, EBADF);
    spec.n_pass_fds = 0;
    spec.stdio[1] = (fp_stdio){FP_STDIO_FD, 301};
    check_refused(&spec, FP_STAGE_MOVE, EBADF);
    /* Far above every limit, where posix_spawn refuses to note it down. */
    spec.stdio[1].fd = 1 << 30;
    check_refused(&spec, FP_STAGE_MOVE, EBADF);
}

/* The null device may be opened at the number that was named by mistake. */
static void the_null_device_is_closed_whatever_else_is_named(void)
{
    int next = dup(0);
    close(next);
    const fp_stdio stdio[3] = {{FP_STDIO_FD, next}, {FP_STDIO_NULL, 0}, {FP_STDIO_NULL, 0}};
    fp_ends ends;
    fp_error error;
    CHECK(fp_ends_open(&ends, stdio, false, 0, &error));
    CHECK_INT(ends.child[1], next);
    CHECK_INT(ends.child[2], next); /* one for both */
    fp_ends_close_child(&ends);
    CHECK(fcntl(next, F_GETFD) < 0);
}

static void a_process_group_that_is_not_ours_is_said(void)
{
    fp_spec spec = SPEC("exit", "0");
    spec.has_process_group = true;
    spec.process_group = 1 << 29; /* there is none */
    check_refused(&spec, FP_STAGE_PROCESS_GROUP, EPERM);
    spec.process_group = -5;
    check_refused(&spec, FP_STAGE_PROCESS_GROUP, EINVAL);
}

static void a_spec_that_makes_no_sense_starts_nothing(void)
{
    const int wrong_order[] = {5, 4}, twice[] = {5, 5}, negative[] = {-1};
    fp_ends ends = {{-1, -1, -1}, {-1, -1, -1}, {0}, {0}};
    for (int which = 0; which < 9; which++) {
        fp_spec spec = SPEC("exit", "0");
        fp_error error = {FP_STAGE_NONE, 0};
        test_about("case %d", which);
        switch (which) {
        case 0:
            spec.program = NULL;
            break;
        case 1:
            spec.argv = NULL;
            break;
        case 2:
            spec.envp = NULL;
            break;
        case 3:
            spec.search = true;
            break;
        case 4:
            spec.has_cwd = true;
            break;
        case 5:
            spec.stdio[1].kind = FP_STDIO_STDOUT;
            break;
        case 6:
            spec.stdio[0] = (fp_stdio){FP_STDIO_FD, -1};
            break;
        default:
            spec.pass_fds = which == 7 ? wrong_order : twice;
            spec.n_pass_fds = 2;
        }
        CHECK(!fp_spawn(&spec, &ends, &proc, &error));
        CHECK_TEXT(fp_stage_name(error.stage), "check");
        CHECK_INT(error.code, which == 6 ? EBADF : EINVAL);
    }
    fp_spec spec = SPEC("exit", "0");
    fp_error error = {FP_STAGE_NONE, 0};
    spec.pass_fds = negative;
    spec.n_pass_fds = 1;
    CHECK(!fp_spawn(&spec, &ends, &proc, &error));
    CHECK_INT(error.code, EBADF);
}

SUITE(errors, CASE(what_cannot_be_executed_is_the_execs_error),
      CASE(a_search_says_the_worst_that_it_met), CASE(a_bad_folder_is_not_a_bad_program),
      CASE(descriptors_that_are_not_open_are_said),
      CASE(the_null_device_is_closed_whatever_else_is_named),
      CASE(a_process_group_that_is_not_ours_is_said),
      CASE(a_spec_that_makes_no_sense_starts_nothing));
