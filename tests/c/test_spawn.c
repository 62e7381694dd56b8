/* What a child gets besides its 0, 1 and 2, on every route. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

static report seen;
static fp_proc proc;

static unsigned long long bit(int signum)
{
    return 1ull << (signum - 1);
}

static void the_route_asked_for_is_the_route_used(void)
{
    EACH_ROUTE(route)
    {
        fp_spec spec = SPEC("report", report_path);
        test_about("%s", fp_route_name(route));
        spec.routes = FP_ROUTE_BIT(route);
        CHECK(spawn_report(&spec, NULL, &seen, &proc));
        CHECK_INT(proc.used, route);
        CHECK_INT(fp_last_route(), route);
        CHECK_INT(seen.blocked, 0);
        CHECK_TEXT(fp_route_name(proc.used), fp_route_name(route));
    }
}

/* Whatever needs the caller's memory only shares it: just hooks fork. */
static void each_option_reaches_the_child(void)
{
    EACH_ROUTE(route)
    {
        fp_spec spec = SPEC("report", report_path);
        test_about("%s", fp_route_name(route));
        spec.routes = FP_ROUTE_BIT(route);
        spec.has_cwd = true;
        spec.cwd = "/usr";
        spec.new_session = true;
        spec.want_pidfd = true;
        CHECK(spawn_report(&spec, NULL, &seen, &proc));
        CHECK_INT(proc.used, route);
        CHECK_TEXT(seen.folder, "/usr");
        CHECK_INT(seen.session, proc.pid);

        spec.has_cwd = spec.new_session = false;
        spec.has_process_group = true;
        spec.process_group = 0;
        CHECK(spawn_report(&spec, NULL, &seen, &proc));
        CHECK_INT(proc.used, route);
        CHECK_INT(seen.group, proc.pid);
        CHECK(seen.session != proc.pid);

        mode_t mask = umask(022);
        spec.has_umask = true;
        spec.umask = 0137;
        CHECK(spawn_report(&spec, NULL, &seen, &proc));
        CHECK_INT(proc.used, route == FP_ROUTE_POSIX_SPAWN ? FP_ROUTE_FORK : route);
        CHECK_INT(seen.umask, 0137);
        CHECK_INT(umask(mask), 022);
    }
}

static void the_childs_credentials_are_not_the_parents(void)
{
    if (geteuid() != 0)
        test_skip("only root may change credentials");
    const gid_t groups[] = {7, 65533};
    EACH_ROUTE(route)
    {
        fp_spec spec = SPEC("report", report_path);
        test_about("%s", fp_route_name(route));
        spec.program = "/bin/sh"; /* ours may lie where others must not look */
        const char *const argv[] = {"sh", "-c", "[ \"$(id -u) $(id -g) $(id -G)\" = \"$0\" ]",
                                    "65534 65532 65532 7 65533", NULL};
        spec.argv = (char *const *)argv;
        spec.routes = FP_ROUTE_BIT(route);
        spec.has_user = spec.has_group = spec.has_groups = true;
        spec.user = 65534;
        spec.group = 65532;
        spec.groups = groups;
        spec.n_groups = 2;
        fp_ends ends = {{-1, -1, -1}, {-1, -1, -1}, {0}, {0}};
        fp_error error;
        if (!CHECK(fp_spawn(&spec, &ends, &proc, &error)))
            continue;
        CHECK_INT(proc.used, route == FP_ROUTE_POSIX_SPAWN ? FP_ROUTE_FORK : route);
        CHECK_INT(finish(&proc), 0);
        CHECK_INT(getuid() + geteuid() + getgid(), 0);
    }
}

static void on_signal(int signum)
{
    (void)signum;
}

static void signals_reach_the_child_as_they_should(void)
{
    sigset_t blocked, before;
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGRTMAX, on_signal);
    signal(SIGXFSZ, SIG_IGN);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGRTMIN + 3);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    EACH_ROUTE(route)
    {
        fp_spec spec = SPEC("report", report_path);
        test_about("%s", fp_route_name(route));
        spec.routes = FP_ROUTE_BIT(route);
        CHECK(spawn_report(&spec, NULL, &seen, &proc));
        CHECK_INT(proc.used, route);
        CHECK_INT(seen.blocked, bit(SIGTERM) | bit(SIGRTMIN + 3));
        CHECK_INT(seen.caught & ~(bit(32) | bit(33)), 0);
        CHECK_INT(seen.ignored & ~(bit(32) | bit(33)), bit(SIGUSR2));
        spec.restore_signals = false;
        CHECK(spawn_report(&spec, NULL, &seen, &proc));
        CHECK_INT(seen.ignored & ~(bit(32) | bit(33)), bit(SIGUSR2) | bit(SIGPIPE) | bit(SIGXFSZ));
        struct sigaction now;
        sigaction(SIGUSR1, NULL, &now);
        CHECK(now.sa_handler == on_signal);
        sigaction(SIGPIPE, NULL, &now);
        CHECK(now.sa_handler == SIG_IGN);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static void passed_descriptors_keep_their_numbers(void)
{
    EACH_ROUTE(route)
    {
        const int lists[][4] = {{3, 4, 5, 6}, {3, 5, 9, 10}, {0, 1, 2, 3}, {1, 7, 600, 601}};
        for (size_t list = 0; list < sizeof lists / sizeof lists[0]; list++) {
            fp_spec spec = SPEC("report", report_path);
            bool mine[4];
            test_about("%s, list %zu", fp_route_name(route), list);
            for (int i = 0; i < 4; i++) {
                mine[i] = fcntl(lists[list][i], F_GETFD) < 0;
                if (mine[i])
                    open_file_at(lists[list][i]);
                if (mine[i] && i % 2 == 0)
                    fcntl(lists[list][i], F_SETFD, FD_CLOEXEC);
            }
            spec.routes = FP_ROUTE_BIT(route);
            spec.pass_fds = lists[list];
            spec.n_pass_fds = 4;
            spec.stdio[1].kind = FP_STDIO_NULL;
            CHECK(spawn_report(&spec, NULL, &seen, &proc));
            /* posix_spawn can only close all from some number up. */
            bool declined = route == FP_ROUTE_POSIX_SPAWN && (list == 1 || list == 3);
            CHECK_INT(proc.used, declined ? FP_ROUTE_FORK : route);
            for (int i = 0; i < 4; i++) {
                report_fd own = identity(lists[list][i]);
                if (lists[list][i] != 1)
                    CHECK(same_file(&seen.fds[lists[list][i]], &own));
                if (mine[i]) {
                    bool close_on_exec = fcntl(lists[list][i], F_GETFD) & FD_CLOEXEC;
                    CHECK(close_on_exec == (i % 2 == 0)); /* the parent's is as it was */
                    close(lists[list][i]);
                }
            }
            CHECK_INT(seen.n_fds, 3 + (lists[list][1] > 2) + (lists[list][2] > 2) +
                                      (lists[list][3] > 2) + (lists[list][0] > 2));
        }
    }
}

SUITE(spawn, CASE(the_route_asked_for_is_the_route_used), CASE(each_option_reaches_the_child),
      CASE(the_childs_credentials_are_not_the_parents),
      CASE(signals_reach_the_child_as_they_should), CASE(passed_descriptors_keep_their_numbers));
