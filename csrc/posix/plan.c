#include "plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe.h"

/* A child's pipe end at this number or above tells of a crowded table: opening the
 * pipe anew then costs less than a copy of the table (about 40 ns a descriptor). */
#define FP_CROWDED_FD 256

int fp_plan_moves(fp_move moves[FP_MAX_MOVES], const fp_ends *ends)
{
    int from[3];
    bool saved[3] = {false, false, false};
    bool open[3]; /* still to be done */
    int count = 0;
    for (int to = 0; to < 3; to++) {
        from[to] = ends->child[to];
        open[to] = from[to] != FP_NO_FD;
    }
    /* A move is safe once nobody else still reads what it overwrites. Where none is
     * safe, the rest is a cycle: save one source, and it is open. */
    for (;;) {
        int next = -1, blocked = -1;
        for (int to = 0; to < 3 && next < 0; to++) {
            if (!open[to])
                continue;
            bool read_by_other = false;
            for (int other = 0; other < 3; other++)
                if (open[other] && other != to && !saved[other] && from[other] == to)
                    read_by_other = true;
            if (!read_by_other)
                next = to;
            else if (from[to] != to)
                blocked = to;
        }
        if (next >= 0) {
            fp_move_kind kind = FP_MOVE_DUP;
            if (saved[next])
                kind = FP_MOVE_DUP_SAVED;
            else if (from[next] == next)
                kind = FP_MOVE_KEEP;
            moves[count++] = (fp_move){kind, from[next], next};
            open[next] = false;
        } else if (blocked >= 0) {
            int source = from[blocked];
            moves[count++] = (fp_move){FP_MOVE_SAVE, source, FP_NO_FD};
            for (int to = 0; to < 3; to++)
                if (open[to] && from[to] == source)
                    saved[to] = true;
        } else {
            return count;
        }
    }
}

static bool fp_plan_programs(fp_plan *plan, fp_error *error)
{
    const fp_spec *spec = plan->spec;
    if (!spec->search || strchr(spec->program, '/') != NULL) {
        plan->only_program[0] = spec->program;
        plan->only_program[1] = NULL;
        plan->programs = plan->only_program;
        return true;
    }
    size_t n_folders = 1, program_size = strlen(spec->program) + 1, path_size = 0;
    for (const char *c = spec->path; *c != '\0'; c++, path_size++)
        if (*c == ':')
            n_folders++;
    /* One block: the pointers, then folder, slash and program for each of them. */
    size_t pointers = (n_folders + 1) * sizeof(char *);
    char **programs = malloc(pointers + path_size + n_folders * (program_size + 1));
    if (programs == NULL) {
        *error = (fp_error){FP_STAGE_MEMORY, ENOMEM};
        return false;
    }
    char *text = (char *)programs + pointers;
    const char *folder = spec->path;
    for (size_t i = 0; i < n_folders; i++) {
        size_t size = strcspn(folder, ":");
        programs[i] = text;
        memcpy(text, folder, size);
        text += size;
        if (size > 0 && text[-1] != '/')
            *text++ = '/';
        memcpy(text, spec->program, program_size);
        text += program_size;
        folder += size + 1;
    }
    programs[n_folders] = NULL;
    plan->search_storage = programs;
    plan->programs = (const char *const *)programs;
    return true;
}

int fp_plan_top(const fp_plan *plan)
{
    int top = 2;
    for (int i = 0; i < plan->n_moves; i++)
        if (plan->moves[i].from > top)
            top = plan->moves[i].from;
    if (plan->n_keep_fds > 0 && plan->keep_fds[plan->n_keep_fds - 1] > top)
        top = plan->keep_fds[plan->n_keep_fds - 1];
    return top;
}

/* Every descriptor above 2 that the child needs is a pipe of ours, moved just once
 * and straight, and so can be opened anew. Fills in by which name. */
static bool fp_plan_reopen(fp_plan *plan, const fp_ends *ends)
{
    if (plan->n_keep_fds > 0)
        return false;
    for (int i = 0; i < plan->n_moves; i++) {
        const fp_move *move = &plan->moves[i];
        struct stat status;
        if (move->from <= 2)
            continue;
        if (move->kind != FP_MOVE_DUP || !ends->piped[move->to] || fstat(move->from, &status) < 0)
            return false;
        fp_pipe_id *pipe = &plan->reopen[move->to];
        snprintf(pipe->path, sizeof pipe->path, "/proc/%ld/fd/%d", (long)getpid(), move->from);
        pipe->device = (unsigned long long)status.st_dev;
        pipe->inode = (unsigned long long)status.st_ino;
    }
    for (int i = 0; i < plan->n_moves; i++) {
        fp_move *move = &plan->moves[i];
        if (move->from <= 2)
            continue;
        /* Opened anew twice, one pipe would be two open files: stdout and stderr with
         * flags of their own. The second is a duplicate of the first. */
        int twin = FP_NO_FD;
        for (int j = 0; j < i; j++)
            if (plan->moves[j].kind == FP_MOVE_REOPEN && plan->moves[j].from == move->from)
                twin = plan->moves[j].to;
        if (twin == FP_NO_FD)
            move->kind = FP_MOVE_REOPEN;
        else
            move->from = twin;
    }
    return true;
}

/* A child that shares the parent's table until it drops what it does not need saves
 * the kernel the copy; only a range that reaches the table's end is not copied. */
static void fp_plan_table(fp_plan *plan, const fp_ends *ends, fp_route route)
{
    plan->table = FP_TABLE_COPY;
    if (route != FP_ROUTE_CLONE3 || !plan->spec->close_fds ||
        !(plan->features & FP_FEATURE_CLOSE_RANGE))
        return;
    int top = fp_plan_top(plan);
    /* A parent that goes on closes the child's ends (which can be 0, 1 or 2 where those were
     * not open), and the caller's descriptors are its own: they must not share a table. */
    bool parent_closes = ends->child_own[0] || ends->child_own[1] || ends->child_own[2];
    if (plan->run_ahead && (parent_closes || top > 2) && top < FP_CROWDED_FD)
        return;
    if (top >= FP_CROWDED_FD) {
        if (!(plan->features & FP_FEATURE_REOPEN) || !fp_plan_reopen(plan, ends))
            return;
        plan->run_ahead = false; /* what it opens anew must still be there */
        top = 2;
    }
    plan->table = FP_TABLE_SHARE;
    plan->unshare_from = top + 1;
}

bool fp_plan_init(fp_plan *plan, const fp_spec *spec, const fp_ends *ends, fp_route route,
                  unsigned features, fp_error *error)
{
    plan->spec = spec;
    /* One with another user must have left our memory soon: see dumpable.h. */
    plan->run_ahead = spec->run_ahead && route == FP_ROUTE_CLONE3 &&
                      (features & FP_FEATURE_RUN_AHEAD) && !spec->has_user && !spec->has_group;
    plan->search_storage = NULL;
    plan->keep_storage = NULL;
    plan->keep_fds = spec->pass_fds;
    plan->n_keep_fds = spec->n_pass_fds;
    plan->features = features;
    plan->drop_handlers = route != FP_ROUTE_CLONE3;
    plan->restore_mask = false;
    plan->has_report_fd = false;
    plan->n_moves = fp_plan_moves(plan->moves, ends);
#ifdef FP_FAULTS
    plan->fault = FP_STAGE_NONE;
#endif
    fp_plan_table(plan, ends, route);
    return fp_plan_programs(plan, error);
}

bool fp_plan_names(const fp_plan *plan, int fd)
{
    bool named = fd <= 2;
    for (int i = 0; i < plan->n_moves; i++)
        named |= plan->moves[i].from == fd;
    for (size_t i = 0; i < plan->n_keep_fds; i++)
        named |= plan->keep_fds[i] == fd;
    return named;
}

bool fp_plan_add_report(fp_plan *plan, int report_fd, fp_error *error)
{
    size_t count = plan->n_keep_fds, below = 0;
    int *keep = malloc((count + 1) * sizeof *keep);
    if (keep == NULL) {
        *error = (fp_error){FP_STAGE_MEMORY, ENOMEM};
        return false;
    }
    for (; below < count && plan->keep_fds[below] < report_fd; below++)
        keep[below] = plan->keep_fds[below];
    keep[below] = report_fd;
    for (size_t i = below; i < count; i++)
        keep[i + 1] = plan->keep_fds[i];
    plan->keep_storage = keep;
    plan->keep_fds = keep;
    plan->n_keep_fds = count + 1;
    plan->has_report_fd = true;
    plan->report_fd = report_fd;
    return true;
}

void fp_plan_free(fp_plan *plan)
{
    free(plan->search_storage);
    free(plan->keep_storage);
    plan->search_storage = NULL;
    plan->keep_storage = NULL;
}
