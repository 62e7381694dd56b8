/* Where a child's 0, 1 and 2 come from: every way, for real, on every route. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "posix/probe.h"
#include "support.h"

/* What posix_spawn declines among them: a cycle, which needs a saved copy. */
static bool has_cycle(const fp_ends *ends)
{
    fp_move moves[FP_MAX_MOVES];
    int count = fp_plan_moves(moves, ends);
    for (int i = 0; i < count; i++)
        if (moves[i].kind == FP_MOVE_SAVE)
            return true;
    return false;
}

/* The descriptors 0 to 5, each a file of its own; all above are for us alone. */
static void open_six(void)
{
    for (int fd = 6; fd < REPORT_FDS; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    for (int fd = 0; fd < 6; fd++)
        open_file_at(fd);
}

static void all_from_files(const void *argument)
{
    const int *route = argument;
    report_fd files[6];
    open_six();
    for (int fd = 0; fd < 6; fd++)
        files[fd] = identity(fd);
    /* Each layout with descriptors that exec keeps, and with ones that it closes. */
    for (int code = 0; code < 2 * 7 * 7 * 7; code++) {
        const bool close_on_exec = code >= 7 * 7 * 7;
        if (code == 7 * 7 * 7)
            for (int fd = 0; fd < 6; fd++)
                fcntl(fd, F_SETFD, FD_CLOEXEC);
        fp_ends ends = {
            {-1, -1, -1}, {code % 7 - 1, code / 7 % 7 - 1, code / 49 % 7 - 1}, {0}, {0}};
        fp_spec spec = SPEC("report", report_path);
        static report seen;
        fp_proc proc;
        test_about("%s, from %d %d %d", fp_route_name((fp_route)*route), ends.child[0],
                   ends.child[1], ends.child[2]);
        spec.routes = FP_ROUTE_BIT(*route);
        if (!spawn_report(&spec, &ends, &seen, &proc))
            continue;
        bool declined = *route == FP_ROUTE_POSIX_SPAWN && has_cycle(&ends);
        CHECK_INT(proc.used, declined ? FP_ROUTE_FORK : (fp_route)*route);
        int expected_open = 0;
        for (int to = 0; to < 3; to++) {
            const report_fd none = {false, 0, 0, 0};
            const report_fd *want = &files[to];
            if (ends.child[to] != FP_NO_FD)
                want = &files[ends.child[to]];
            else if (close_on_exec)
                want = &none;
            expected_open += want->open;
            CHECK(same_file(&seen.fds[to], want));
        }
        CHECK_INT(seen.n_fds, expected_open);
    }
}

static void each_layout_of_files_reaches_the_child(void)
{
    for (int route = 0; route < FP_ROUTE_COUNT; route++)
        test_in_child(all_from_files, &route);
}

/* The wishes that are tried for each of the three, and the last for stderr only. */
static const fp_stdio wishes[] = {
    {FP_STDIO_INHERIT, 0}, {FP_STDIO_PIPE, 0}, {FP_STDIO_NULL, 0}, {FP_STDIO_FD, 0},
    {FP_STDIO_FD, 1},      {FP_STDIO_FD, 2},   {FP_STDIO_FD, 5},   {FP_STDIO_STDOUT, 0},
};
#define WISHES 7

static const char *const wish_names[] = {"inherit", "pipe", "null", "0", "1", "2", "5", "stdout"};

typedef struct closed_case {
    fp_route route;
    unsigned closed; /* which of 0, 1 and 2 the parent has not got */
    bool close_fds;
} closed_case;

static void check_one(const closed_case *with, const report_fd *files, const fp_spec *spec,
                      fp_ends *ends)
{
    static report seen;
    fp_proc proc;
    report_fd null = {true, 0, 0, 0};
    struct stat status;
    stat("/dev/null", &status);
    null.device = status.st_dev;
    null.inode = status.st_ino;
    bool declined = with->route == FP_ROUTE_POSIX_SPAWN && has_cycle(ends);

    if (!spawn_report(spec, ends, &seen, &proc))
        return;
    CHECK_INT(proc.used, declined ? FP_ROUTE_FORK : with->route);
    int expected_open = with->close_fds ? 0 : 1; /* 5 stays open then */
    report_fd out = files[1];
    for (int to = 0; to < 3; to++) {
        const fp_stdio *wish = &spec->stdio[to];
        report_fd want = files[to];
        switch (wish->kind) {
        case FP_STDIO_INHERIT:
            break;
        case FP_STDIO_PIPE:
            want = identity(ends->parent[to]);
            CHECK_INT(seen.fds[to].access, to == 0 ? O_RDONLY : O_WRONLY);
            break;
        case FP_STDIO_NULL:
            want = null;
            CHECK_INT(seen.fds[to].access, O_RDWR);
            break;
        case FP_STDIO_FD:
            want = files[wish->fd];
            break;
        case FP_STDIO_STDOUT:
            want = out;
            break;
        }
        if (to == 1)
            out = want;
        if (wish->kind == FP_STDIO_STDOUT && want.open)
            CHECK(seen.outputs_are_one);
        expected_open += want.open;
        CHECK(same_file(&seen.fds[to], &want));
    }
    CHECK_INT(seen.n_fds, expected_open);
}

static void all_wishes(const void *argument)
{
    const closed_case *with = argument;
    report_fd files[6];
    open_six();
    close(3);
    close(4);
    for (int fd = 0; fd < 3; fd++)
        if (with->closed & (1u << fd))
            close(fd);
    for (int fd = 0; fd < 6; fd++)
        files[fd] = identity(fd);
    test_state before;
    test_state_take(&before);
    for (int code = 0; code < WISHES * WISHES * (WISHES + 1); code++) {
        const int chosen[3] = {code % WISHES, code / WISHES % WISHES, code / WISHES / WISHES};
        fp_spec spec = SPEC("report", report_path);
        fp_ends ends;
        fp_error error;
        bool sensible = true;
        for (int to = 0; to < 3; to++) {
            spec.stdio[to] = wishes[chosen[to]];
            if (spec.stdio[to].kind == FP_STDIO_FD)
                sensible = sensible && files[spec.stdio[to].fd].open;
            if (spec.stdio[to].kind == FP_STDIO_STDOUT && spec.stdio[1].kind == FP_STDIO_INHERIT)
                sensible = sensible && files[1].open;
        }
        if (!sensible)
            continue; /* a descriptor that is not open: test_spawn.c */
        test_about("%s, %s %s %s, closed %x", fp_route_name(with->route), wish_names[chosen[0]],
                   wish_names[chosen[1]], wish_names[chosen[2]], with->closed);
        spec.routes = FP_ROUTE_BIT(with->route);
        spec.close_fds = with->close_fds;
        if (!CHECK(fp_ends_open(&ends, spec.stdio, false, 0, &error)))
            continue;
        check_one(with, files, &spec, &ends);
        fp_ends_close_child(&ends);
        fp_ends_close_parent(&ends);
    }
    test_state_check(&before);
}

static void each_wish_is_met_with_all_of_0_1_2_open(void)
{
    for (int route = 0; route < FP_ROUTE_COUNT; route++)
        for (int close_fds = 0; close_fds < 2; close_fds++) {
            const closed_case with = {(fp_route)route, 0, close_fds != 0};
            test_in_child(all_wishes, &with);
        }
}

/* Pipes and the null device then land on 0, 1 and 2 themselves. */
static void each_wish_is_met_with_some_of_0_1_2_closed(void)
{
    for (int route = 0; route < FP_ROUTE_COUNT; route++)
        for (unsigned closed = 1; closed < 8; closed++) {
            const closed_case with = {(fp_route)route, closed, true};
            test_in_child(all_wishes, &with);
        }
}

SUITE(layouts, CASE(each_layout_of_files_reaches_the_child),
      CASE(each_wish_is_met_with_all_of_0_1_2_open),
      CASE(each_wish_is_met_with_some_of_0_1_2_closed));
