#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "close_fds.h"
#include "strings.h"
#include "sys.h"

#ifdef FP_FAULTS
#define FP_FAULT(plan, stage) ((plan)->fault == (stage) ? (errno = EDOM, true) : false)
#else
#define FP_FAULT(plan, stage) false
#endif

/* Runs one step of the set-up; on failure the stage is the answer, errno the code. */
#define FP_STEP(stage, condition)                  \
    do {                                           \
        if (FP_FAULT(plan, stage) || !(condition)) \
            return stage;                          \
    } while (0)

static bool fp_child_unshare(const fp_plan *plan)
{
#if FP_LINUX_SYSCALLS
    /* Until this has worked, the table is the parent's: nothing may come before. */
    if (plan->table == FP_TABLE_SHARE)
        return fp_close_range((unsigned)plan->unshare_from, ~0u, FP_CLOSE_RANGE_UNSHARE) == 0;
#else
    (void)plan;
#endif
    return true;
}

static bool fp_child_keep(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0)
        return false;
    return !(flags & FD_CLOEXEC) || fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) == 0;
}

/* The same pipe by another way: the parent's descriptor of it was not copied. */
static bool fp_child_reopen(const fp_pipe_id *pipe, int to)
{
    struct stat status;
    int fd = open(pipe->path, (to == STDIN_FILENO ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
    if (fd < 0)
        return false;
    /* The folder /proc may show another namespace's processes. */
    if (fstat(fd, &status) < 0)
        return false;
    if ((unsigned long long)status.st_dev != pipe->device ||
        (unsigned long long)status.st_ino != pipe->inode) {
        errno = ESTALE;
        return false;
    }
    /* Where 0, 1 or 2 was not open, the new one may be there, or may be it. */
    if (fd == to)
        return fp_child_keep(fd);
    if (dup2(fd, to) < 0)
        return false;
    close(fd);
    return true;
}

static fp_stage fp_child_move(const fp_plan *plan)
{
    int saved = FP_NO_FD;
    for (int i = 0; i < plan->n_moves; i++) {
        const fp_move *move = &plan->moves[i];
        switch (move->kind) {
        case FP_MOVE_KEEP:
            FP_STEP(FP_STAGE_MOVE, fp_child_keep(move->to));
            break;
        case FP_MOVE_DUP:
            FP_STEP(FP_STAGE_MOVE, dup2(move->from, move->to) >= 0);
            break;
        case FP_MOVE_SAVE:
            saved = fcntl(move->from, F_DUPFD_CLOEXEC, 3);
            FP_STEP(FP_STAGE_MOVE, saved >= 0);
            break;
        case FP_MOVE_DUP_SAVED:
            FP_STEP(FP_STAGE_MOVE, dup2(saved, move->to) >= 0);
            break;
        case FP_MOVE_REOPEN:
            FP_STEP(FP_STAGE_REOPEN, fp_child_reopen(&plan->reopen[move->to], move->to));
            break;
        }
    }
    return FP_STAGE_NONE;
}

static bool fp_child_inherit(const fp_spec *spec)
{
    for (size_t i = 0; i < spec->n_pass_fds; i++)
        if (!fp_child_keep(spec->pass_fds[i]))
            return false;
    return true;
}

static fp_stage fp_child_attributes(const fp_plan *plan)
{
    const fp_spec *spec = plan->spec;
    if (spec->has_cwd)
        FP_STEP(FP_STAGE_CHDIR, chdir(spec->cwd) == 0);
    if (spec->has_umask)
        umask(spec->umask);
    if (spec->restore_signals)
        FP_STEP(FP_STAGE_SIGNALS, fp_signals_restore_defaults());
    if (spec->new_session)
        FP_STEP(FP_STAGE_SESSION, setsid() >= 0);
    if (spec->has_process_group)
        FP_STEP(FP_STAGE_PROCESS_GROUP, setpgid(0, spec->process_group) == 0);
    /* Credentials last: without them the steps above may not be allowed. */
    if (spec->has_groups)
        FP_STEP(FP_STAGE_GROUPS, fp_setgroups(spec->n_groups, spec->groups) == 0);
    if (spec->has_group)
        FP_STEP(FP_STAGE_GROUP, fp_setregid(spec->group, spec->group) == 0);
    if (spec->has_user)
        FP_STEP(FP_STAGE_USER, fp_setreuid(spec->user, spec->user) == 0);
    return FP_STAGE_NONE;
}

static fp_stage fp_child_exec(const fp_plan *plan)
{
    const fp_spec *spec = plan->spec;
    char *const *envp = spec->envp;
    int code = 0;
    FP_STEP(FP_STAGE_EXEC, true);
    /* What the caller's own code has put into the environment here, it wants there. */
    if (spec->hooks != NULL && spec->own_environ)
        envp = fp_environ_now();
    for (const char *const *program = plan->programs; *program != NULL; program++) {
        execve(*program, spec->argv, envp);
        /* Not there is what is said only if nowhere anything worse was met. */
        if (errno != ENOENT && errno != ENOTDIR && code == 0)
            code = errno;
    }
    if (code != 0)
        errno = code;
    return FP_STAGE_EXEC;
}

static fp_stage fp_child_become(const fp_plan *plan)
{
    const fp_spec *spec = plan->spec;
    FP_STEP(FP_STAGE_UNSHARE, fp_child_unshare(plan));
    FP_STEP(FP_STAGE_INHERIT, fp_child_inherit(spec));
    fp_stage stage = fp_child_move(plan);
    if (stage == FP_STAGE_NONE)
        stage = fp_child_attributes(plan);
    if (stage != FP_STAGE_NONE)
        return stage;
    if (spec->hooks != NULL)
        FP_STEP(FP_STAGE_PREEXEC, spec->hooks->in_child(spec->hooks->context));
    /* A crowded shared table has lost all above 2 already. */
    if (spec->close_fds && !(plan->table == FP_TABLE_SHARE && plan->unshare_from == 3))
        FP_STEP(FP_STAGE_CLOSE, fp_close_fds(3, plan->keep_fds, plan->n_keep_fds, plan->features));
    if (plan->drop_handlers)
        fp_signals_drop_handlers();
    /* Only now may a signal come through: it finds no handler of the parent's. */
    if (plan->restore_mask)
        fp_signals_restore(&plan->mask);
    return fp_child_exec(plan);
}

noreturn void fp_child(const fp_plan *plan, volatile fp_error *report)
{
    fp_stage stage = fp_child_become(plan);
    int code = errno;
    if (plan->has_report_fd) {
        const fp_error error = {stage, code};
        /* Far below PIPE_BUF: written whole, or not at all when the parent is gone. */
        while (write(plan->report_fd, &error, sizeof error) < 0 && errno == EINTR)
            continue;
    } else {
        report->code = code;
        report->stage = stage;
    }
    _exit(255);
}
