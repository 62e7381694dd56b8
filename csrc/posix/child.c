#include "child.h"

#include "close_fds.h"
#include "raw.h"
#include "strings.h"

#ifdef FP_FAULTS
#define FP_FAULT(plan, stage) ((plan)->fault == (stage))
#else
#define FP_FAULT(plan, stage) false
#endif

/* Runs one step of the set-up, a call that returns minus an error's number when it fails;
 * then that is the answer. */
#define FP_STEP(stage, call)                                         \
    do {                                                             \
        long result_ = FP_FAULT(plan, stage) ? -(long)EDOM : (call); \
        if (result_ < 0)                                             \
            return (fp_error){stage, (int)-result_};                 \
    } while (0)

static const fp_error fp_no_error = {FP_STAGE_NONE, 0};

static long fp_child_unshare(const fp_plan *plan)
{
#if FP_LINUX_SYSCALLS
    /* Until this has worked, the table is the parent's: nothing may come before. */
    if (plan->table == FP_TABLE_SHARE)
        return fp_raw_close_range((unsigned)plan->unshare_from, ~0u, FP_CLOSE_RANGE_UNSHARE);
#else
    (void)plan;
#endif
    return 0;
}

static long fp_child_keep(int fd)
{
    long flags = fp_raw_fcntl(fd, F_GETFD, 0);
    if (flags < 0 || !(flags & FD_CLOEXEC))
        return flags;
    return fp_raw_fcntl(fd, F_SETFD, (int)flags & ~FD_CLOEXEC);
}

/* The same pipe by another way: the parent's descriptor of it was not copied. */
static long fp_child_reopen(const fp_pipe_id *pipe, int to)
{
    struct stat status;
    int fd = (int)fp_raw_open(pipe->path, (to == STDIN_FILENO ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
    if (fd < 0)
        return fd;
    /* The folder /proc may show another namespace's processes. */
    long result = fp_raw_fstat(fd, &status);
    if (result < 0)
        return result;
    if ((unsigned long long)status.st_dev != pipe->device ||
        (unsigned long long)status.st_ino != pipe->inode)
        return -ESTALE;
    /* Where 0, 1 or 2 was not open, the new one may be there, or may be it. */
    if (fd == to)
        return fp_child_keep(fd);
    result = fp_raw_dup(fd, to);
    fp_raw_close(fd);
    return result;
}

static fp_error fp_child_move(const fp_plan *plan)
{
    int saved = FP_NO_FD;
    for (int i = 0; i < plan->n_moves; i++) {
        const fp_move *move = &plan->moves[i];
        switch (move->kind) {
        case FP_MOVE_KEEP:
            FP_STEP(FP_STAGE_MOVE, fp_child_keep(move->to));
            break;
        case FP_MOVE_DUP:
            FP_STEP(FP_STAGE_MOVE, fp_raw_dup(move->from, move->to));
            break;
        case FP_MOVE_SAVE:
            FP_STEP(FP_STAGE_MOVE, saved = (int)fp_raw_fcntl(move->from, F_DUPFD_CLOEXEC, 3));
            break;
        case FP_MOVE_DUP_SAVED:
            FP_STEP(FP_STAGE_MOVE, fp_raw_dup(saved, move->to));
            break;
        case FP_MOVE_REOPEN:
            FP_STEP(FP_STAGE_REOPEN, fp_child_reopen(&plan->reopen[move->to], move->to));
            break;
        }
    }
    return fp_no_error;
}

static long fp_child_inherit(const fp_spec *spec)
{
    long result = 0;
    for (size_t i = 0; i < spec->n_pass_fds && result >= 0; i++)
        result = fp_child_keep(spec->pass_fds[i]);
    return result;
}

static fp_error fp_child_attributes(const fp_plan *plan)
{
    const fp_spec *spec = plan->spec;
    if (spec->has_cwd)
        FP_STEP(FP_STAGE_CHDIR, fp_raw_chdir(spec->cwd));
    if (spec->has_umask)
        fp_raw_umask(spec->umask);
    if (spec->restore_signals)
        FP_STEP(FP_STAGE_SIGNALS, fp_signals_restore_defaults());
    if (spec->new_session)
        FP_STEP(FP_STAGE_SESSION, fp_raw_setsid());
    if (spec->has_process_group)
        FP_STEP(FP_STAGE_PROCESS_GROUP, fp_raw_setpgid(0, spec->process_group));
    /* Credentials last: without them the steps above may not be allowed. */
    if (spec->has_groups)
        FP_STEP(FP_STAGE_GROUPS, fp_raw_setgroups(spec->n_groups, spec->groups));
    if (spec->has_group)
        FP_STEP(FP_STAGE_GROUP, fp_raw_setregid(spec->group));
    if (spec->has_user)
        FP_STEP(FP_STAGE_USER, fp_raw_setreuid(spec->user));
    return fp_no_error;
}

static fp_error fp_child_exec(const fp_plan *plan)
{
    const fp_spec *spec = plan->spec;
    char *const *envp = spec->envp;
    long result = 0, worse = 0;
    FP_STEP(FP_STAGE_EXEC, 0);
    /* What the caller's own code has put into the environment here, it wants there. */
    if (spec->hooks != NULL && spec->own_environ)
        envp = fp_environ_now();
    for (const char *const *program = plan->programs; *program != NULL; program++) {
        result = fp_raw_execve(*program, spec->argv, envp);
        /* Not there is what is said only if nowhere anything worse was met. */
        if (result != -ENOENT && result != -ENOTDIR && worse == 0)
            worse = result;
    }
    return (fp_error){FP_STAGE_EXEC, (int)-(worse != 0 ? worse : result)};
}

static fp_error fp_child_become(const fp_plan *plan)
{
    const fp_spec *spec = plan->spec;
    FP_STEP(FP_STAGE_UNSHARE, fp_child_unshare(plan));
    FP_STEP(FP_STAGE_INHERIT, fp_child_inherit(spec));
    fp_error error = fp_child_move(plan);
    if (error.stage == FP_STAGE_NONE)
        error = fp_child_attributes(plan);
    if (error.stage != FP_STAGE_NONE)
        return error;
    if (spec->hooks != NULL)
        FP_STEP(FP_STAGE_PREEXEC, spec->hooks->in_child(spec->hooks->context) ? 0 : -ECANCELED);
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

FP_ON_ANY_STACK noreturn void fp_child(const fp_plan *plan, volatile fp_error *report)
{
    const fp_error error = fp_child_become(plan);
    if (plan->has_report_fd) {
        /* Far below PIPE_BUF: written whole, or not at all when the parent is gone. */
        while (fp_raw_write(plan->report_fd, &error, sizeof error) == -EINTR)
            continue;
    } else {
        report->code = error.code;
        report->stage = error.stage;
    }
    fp_raw_exit(255);
}
