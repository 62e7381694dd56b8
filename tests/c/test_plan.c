/* The plan: moves over all layouts on a model of a table, search paths, and how the
 * child comes to its table. Nothing is started here. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "posix/plan.h"
#include "posix/probe.h"
#include "support.h"

#define MODEL_FDS 16

/* A table of descriptors: which file each number stands for, and its flag. */
typedef struct model {
    int file[MODEL_FDS]; /* 0: not open */
    bool close_on_exec[MODEL_FDS];
} model;

static bool model_dup(model *table, int from, int to)
{
    if (from < 0 || from >= MODEL_FDS || table->file[from] == 0)
        return false;
    table->file[to] = table->file[from];
    if (from != to)
        table->close_on_exec[to] = false;
    return true;
}

static bool model_replay(model *table, const fp_move *moves, int count)
{
    int saved = -1;
    for (int i = 0; i < count; i++) {
        const fp_move *move = &moves[i];
        switch (move->kind) {
        case FP_MOVE_KEEP:
            if (move->from != move->to || table->file[move->to] == 0)
                return false;
            table->close_on_exec[move->to] = false;
            break;
        case FP_MOVE_DUP:
            if (move->from == move->to || !model_dup(table, move->from, move->to))
                return false;
            break;
        case FP_MOVE_SAVE:
            if (saved >= 0)
                return false; /* the child remembers but one */
            for (saved = 3; table->file[saved] != 0;)
                saved++;
            if (!model_dup(table, move->from, saved))
                return false;
            table->close_on_exec[saved] = true;
            break;
        case FP_MOVE_DUP_SAVED:
            if (!model_dup(table, saved, move->to))
                return false;
            break;
        case FP_MOVE_REOPEN:
            return false; /* not the moves' own decision */
        }
    }
    return true;
}

/* Every layout of three ends over nothing and 0 to 5; no number above tells more. */
static void every_layout_of_moves_ends_in_its_place(void)
{
    for (int code = 0; code < 7 * 7 * 7; code++) {
        fp_ends ends = {{-1, -1, -1}, {code % 7 - 1, code / 7 % 7 - 1, code / 49 - 1}, {0}, {0}};
        fp_move moves[FP_MAX_MOVES + 4];
        model table = {{0}, {0}};
        for (int fd = 0; fd < 6; fd++) {
            table.file[fd] = fd + 1;
            table.close_on_exec[fd] = true;
        }
        test_about("child ends %d %d %d", ends.child[0], ends.child[1], ends.child[2]);
        memset(moves, 0x55, sizeof moves);
        int count = fp_plan_moves(moves, &ends);
        CHECK(count >= 0 && count <= FP_MAX_MOVES);
        if (!CHECK(model_replay(&table, moves, count)))
            continue;
        int saves = 0;
        for (int i = 0; i < count; i++)
            saves += moves[i].kind == FP_MOVE_SAVE;
        for (int to = 0; to < 3; to++) {
            bool given = ends.child[to] != FP_NO_FD;
            CHECK_INT(table.file[to], given ? ends.child[to] + 1 : to + 1);
            CHECK(table.close_on_exec[to] == !given);
        }
        for (int fd = 3; fd < 6; fd++)
            CHECK(table.file[fd] == fd + 1 && table.close_on_exec[fd]);
        /* A copy is saved only where there is a cycle: 0 and 1 swapped, for one. */
        bool cycle = false;
        for (int start = 0; start < 3; start++) {
            int at = ends.child[start], steps = 1;
            while (at >= 0 && at < 3 && at != start && steps < 4) {
                at = ends.child[at];
                steps++;
            }
            cycle |= at == start && steps > 1;
        }
        CHECK_INT(saves, cycle ? 1 : 0);
    }
}

static bool plan_search(fp_plan *plan, const char *name, const char *path, bool search)
{
    const char *const argv[] = {name, NULL};
    const fp_ends ends = {{-1, -1, -1}, {-1, -1, -1}, {0}, {0}};
    fp_error error;
    static fp_spec spec;
    spec = spec_of(argv);
    spec.program = name;
    spec.search = search;
    spec.path = path;
    return fp_plan_init(plan, &spec, &ends, FP_ROUTE_VFORK, 0, &error);
}

/* `expected`: the candidates, joined by spaces. */
static void check_search(const char *name, const char *path, bool search, const char *expected)
{
    fp_plan plan;
    char all[256] = "";
    test_about("%s on %s", name, path);
    if (CHECK(plan_search(&plan, name, path, search)))
        for (const char *const *candidate = plan.programs; *candidate != NULL; candidate++) {
            if (candidate != plan.programs)
                strcat(all, " ");
            strcat(all, *candidate);
        }
    CHECK_TEXT(all, expected);
    fp_plan_free(&plan);
}

static void each_folder_of_the_path_gives_a_candidate_in_order(void)
{
    check_search("ls", "/bin", true, "/bin/ls");
    check_search("ls", "/bin:/usr/bin", true, "/bin/ls /usr/bin/ls");
    check_search("ls", "/bin/:/", true, "/bin/ls /ls");
    check_search("ls", "", true, "ls");
    check_search("ls", ":", true, "ls ls");
    check_search("ls", ":/a:", true, "ls /a/ls ls");
    check_search("ls", "a::b//", true, "a/ls ls b//ls");
    check_search("", "/a:/b", true, "/a/ /b/");
}

static void a_program_with_a_slash_or_no_search_is_taken_as_it_is(void)
{
    check_search("./ls", "/bin:/usr/bin", true, "./ls");
    check_search("a/ls", "/bin", true, "a/ls");
    check_search("ls", "/bin:/usr/bin", false, "ls");
    check_search("ls", NULL, false, "ls");
}

static void a_search_of_long_lists_stays_in_its_memory(void)
{
    /* AddressSanitizer watches the block; here the text itself is checked. */
    static char path[70000], name[300];
    fp_plan plan;
    memset(name, 'n', sizeof name - 1);
    for (size_t i = 0; i + 8 < sizeof path; i += 7)
        memcpy(path + i, "/folder:" + (i % 3 == 0), 8 - (i % 3 == 0));
    size_t folders = 1;
    for (const char *c = path; *c != '\0'; c++)
        folders += *c == ':';
    if (!CHECK(plan_search(&plan, name, path, true)))
        return;
    size_t count = 0;
    for (; plan.programs[count] != NULL; count++)
        CHECK(strlen(plan.programs[count]) >= sizeof name - 1);
    CHECK_INT(count, folders);
    CHECK(strstr(plan.programs[count - 1], name) != NULL);
    fp_plan_free(&plan);
}

static void the_top_is_the_highest_number_that_the_plan_names(void)
{
    const int keep[] = {4, 40};
    fp_ends ends = {{-1, -1, -1}, {-1, -1, -1}, {0}, {0}};
    fp_spec spec = SPEC("exit");
    fp_plan plan;
    fp_error error;
    CHECK(fp_plan_init(&plan, &spec, &ends, FP_ROUTE_VFORK, 0, &error));
    CHECK_INT(fp_plan_top(&plan), 2);
    ends.child[1] = 7;
    CHECK(fp_plan_init(&plan, &spec, &ends, FP_ROUTE_VFORK, 0, &error));
    CHECK_INT(fp_plan_top(&plan), 7);
    spec.pass_fds = keep;
    spec.n_pass_fds = 2;
    CHECK(fp_plan_init(&plan, &spec, &ends, FP_ROUTE_VFORK, 0, &error));
    CHECK_INT(fp_plan_top(&plan), 40);
}

/* The table is shared only where the child's first call parts with it. */
static void the_table_is_shared_by_clone3_alone_and_only_when_descriptors_are_closed(void)
{
    const unsigned all = FP_FEATURE_ALL;
    const fp_ends ends = {{-1, -1, -1}, {-1, 9, -1}, {0}, {0}};
    fp_spec spec = SPEC("exit");
    fp_plan plan;
    fp_error error;
    CHECK(fp_plan_init(&plan, &spec, &ends, FP_ROUTE_CLONE3, all, &error));
    CHECK_INT(plan.table, FP_TABLE_SHARE);
    CHECK_INT(plan.unshare_from, 10);
    CHECK(!plan.drop_handlers);
    const fp_route others[] = {FP_ROUTE_VFORK, FP_ROUTE_POSIX_SPAWN, FP_ROUTE_FORK};
    for (int i = 0; i < 3; i++) {
        CHECK(fp_plan_init(&plan, &spec, &ends, others[i], all, &error));
        CHECK_INT(plan.table, FP_TABLE_COPY);
        CHECK(plan.drop_handlers);
    }
    CHECK(fp_plan_init(&plan, &spec, &ends, FP_ROUTE_CLONE3,
                       all & ~(unsigned)FP_FEATURE_CLOSE_RANGE, &error));
    CHECK_INT(plan.table, FP_TABLE_COPY);
    spec.close_fds = false;
    CHECK(fp_plan_init(&plan, &spec, &ends, FP_ROUTE_CLONE3, all, &error));
    CHECK_INT(plan.table, FP_TABLE_COPY);
}

/* A parent that goes on closes what it opened for the child, whose table it must not be. */
static void a_parent_that_goes_on_shares_a_table_only_where_it_closes_nothing(void)
{
    const struct {
        fp_ends ends;
        fp_table table;
    } cases[] = {
        {{{-1, -1, -1}, {-1, -1, -1}, {0}, {0}}, FP_TABLE_SHARE},
        {{{-1, -1, -1}, {-1, 2, 1}, {0}, {0}}, FP_TABLE_SHARE},
        {{{-1, -1, -1}, {-1, 9, -1}, {0}, {0}}, FP_TABLE_COPY},
        {{{-1, 8, -1}, {-1, 9, -1}, {false, true, false}, {false, true, false}}, FP_TABLE_COPY},
        {{{-1, 0, -1}, {-1, 1, -1}, {false, true, false}, {false, true, false}}, FP_TABLE_COPY},
    };
    const unsigned unproven = FP_FEATURE_ALL & ~(unsigned)FP_FEATURE_RUN_AHEAD;
    fp_spec spec = SPEC("exit");
    fp_plan plan;
    fp_error error;
    spec.run_ahead = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK(fp_plan_init(&plan, &spec, &cases[i].ends, FP_ROUTE_CLONE3, FP_FEATURE_ALL, &error));
        CHECK(plan.run_ahead);
        CHECK_INT(plan.table, cases[i].table);
        CHECK(fp_plan_init(&plan, &spec, &cases[i].ends, FP_ROUTE_CLONE3, unproven, &error));
        CHECK(!plan.run_ahead);
        CHECK_INT(plan.table, FP_TABLE_SHARE);
        CHECK(fp_plan_init(&plan, &spec, &cases[i].ends, FP_ROUTE_VFORK, FP_FEATURE_ALL, &error));
        CHECK(!plan.run_ahead);
    }
}

/* One pipe at a high number, and what the plan does with it. */
static void a_pipe_above_a_crowd_is_opened_anew_only_where_that_can_do(void)
{
    const int pass[] = {5};
    const unsigned without_reopen = FP_FEATURE_ALL & ~(unsigned)FP_FEATURE_REOPEN;
    int fds[2];
    fp_plan plan;
    fp_error error;
    if (!CHECK(pipe(fds) == 0))
        return;
    int high = fcntl(fds[1], F_DUPFD_CLOEXEC, 400);
    fp_ends ends = {{-1, fds[0], -1}, {-1, high, -1}, {false, true, false}, {false, true, false}};
    fp_spec spec = SPEC("exit");

    CHECK(fp_plan_init(&plan, &spec, &ends, FP_ROUTE_CLONE3, FP_FEATURE_ALL, &error));
    CHECK_INT(plan.table, FP_TABLE_SHARE);
    CHECK_INT(plan.unshare_from, 3);
    CHECK_INT(plan.moves[0].kind, FP_MOVE_REOPEN);
    /* What it opens anew must be there until it has: the parent waits. */
    spec.run_ahead = true;
    CHECK(fp_plan_init(&plan, &spec, &ends, FP_ROUTE_CLONE3, FP_FEATURE_ALL, &error));
    CHECK_INT(plan.moves[0].kind, FP_MOVE_REOPEN);
    CHECK(!plan.run_ahead);
    spec.run_ahead = false;
    /* Without the feature, with pass_fds, or where the end is not our pipe: a copy. */
    CHECK(fp_plan_init(&plan, &spec, &ends, FP_ROUTE_CLONE3, without_reopen, &error));
    CHECK_INT(plan.table, FP_TABLE_COPY);
    CHECK_INT(plan.moves[0].kind, FP_MOVE_DUP);
    spec.pass_fds = pass;
    spec.n_pass_fds = 1;
    CHECK(fp_plan_init(&plan, &spec, &ends, FP_ROUTE_CLONE3, FP_FEATURE_ALL, &error));
    CHECK_INT(plan.table, FP_TABLE_COPY);
    spec.n_pass_fds = 0;
    ends.piped[1] = false;
    CHECK(fp_plan_init(&plan, &spec, &ends, FP_ROUTE_CLONE3, FP_FEATURE_ALL, &error));
    CHECK_INT(plan.table, FP_TABLE_COPY);
    CHECK_INT(plan.moves[0].kind, FP_MOVE_DUP);
    close(high);
    close(fds[0]);
    close(fds[1]);
}

/* Wherever the report's number lies among those that are passed, the order holds. */
static void the_report_takes_its_place_among_the_kept(void)
{
    const int keep[] = {1, 4, 9};
    const fp_ends ends = {{-1, -1, -1}, {-1, 6, -1}, {0}, {0}};
    const int reports[] = {3, 5, 8, 10};
    for (int i = 0; i < 4; i++) {
        fp_spec spec = SPEC("exit");
        fp_plan plan;
        fp_error error;
        spec.pass_fds = keep;
        spec.n_pass_fds = 3;
        CHECK(fp_plan_init(&plan, &spec, &ends, FP_ROUTE_FORK, 0, &error));
        for (int fd = 0; fd < 11; fd++)
            CHECK_INT(fp_plan_names(&plan, fd), fd < 3 || fd == 4 || fd == 6 || fd == 9);
        CHECK(fp_plan_add_report(&plan, reports[i], &error));
        CHECK_INT(plan.n_keep_fds, 4);
        for (size_t at = 1; at < plan.n_keep_fds; at++)
            CHECK(plan.keep_fds[at - 1] < plan.keep_fds[at]);
        CHECK(fp_plan_names(&plan, reports[i]) && fp_plan_names(&plan, 9));
        fp_plan_free(&plan);
    }
}

SUITE(plan, CASE(every_layout_of_moves_ends_in_its_place),
      CASE(each_folder_of_the_path_gives_a_candidate_in_order),
      CASE(a_program_with_a_slash_or_no_search_is_taken_as_it_is),
      CASE(a_search_of_long_lists_stays_in_its_memory),
      CASE(the_report_takes_its_place_among_the_kept),
      CASE(the_top_is_the_highest_number_that_the_plan_names),
      CASE(the_table_is_shared_by_clone3_alone_and_only_when_descriptors_are_closed),
      CASE(a_parent_that_goes_on_shares_a_table_only_where_it_closes_nothing),
      CASE(a_pipe_above_a_crowd_is_opened_anew_only_where_that_can_do));
