/* Birth by the system's own posix_spawn, where it can express the plan. */
#include "route.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe.h"
#include "wait.h"

/* Extensions that a libc may lack: absent ones are null, and the route declines. */
#if !defined(__APPLE__)
__attribute__((weak)) int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *,
                                                               const char *);
__attribute__((weak)) int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *,
                                                                   int);
#define FP_HAVE_CLOSEFROM (posix_spawn_file_actions_addclosefrom_np != NULL)
#define FP_HAVE_CHDIR (posix_spawn_file_actions_addchdir_np != NULL)
#else
#define FP_HAVE_CLOSEFROM true /* POSIX_SPAWN_CLOEXEC_DEFAULT */
#define FP_HAVE_CHDIR true
#endif

static bool fp_can_express(const fp_plan *plan)
{
    const fp_spec *spec = plan->spec;
    if (spec->hooks != NULL || spec->has_umask || spec->has_groups || spec->has_group ||
        spec->has_user)
        return false;
    if (spec->has_cwd && !FP_HAVE_CHDIR)
        return false;
    if (spec->close_fds && !FP_HAVE_CLOSEFROM)
        return false;
#if !defined(__APPLE__)
    /* What is kept must lie below where closing starts, without a gap. */
    for (size_t i = 0, next = 3; spec->close_fds && i < spec->n_pass_fds; i++) {
        if (spec->pass_fds[i] > (int)next)
            return false;
        next += spec->pass_fds[i] == (int)next;
    }
#endif
#ifndef POSIX_SPAWN_SETSID
    if (spec->new_session)
        return false;
#endif
    /* In one call, a new session's leader cannot also move to a group. */
    if (spec->new_session && spec->has_process_group)
        return false;
    for (int i = 0; i < plan->n_moves; i++)
        if (plan->moves[i].kind == FP_MOVE_SAVE)
            return false;
    return true;
}

#if defined(__APPLE__)

static int fp_add_close(posix_spawn_file_actions_t *actions, const fp_plan *plan)
{
    /* All are closed but those that an action names. */
    int code = 0;
    for (int fd = 0; fd < 3 && code == 0; fd++) {
        bool moved = false;
        for (int i = 0; i < plan->n_moves; i++)
            moved |= plan->moves[i].to == fd;
        int flags = fcntl(fd, F_GETFD);
        if (!moved && flags >= 0 && !(flags & FD_CLOEXEC))
            code = posix_spawn_file_actions_addinherit_np(actions, fd);
    }
    for (size_t i = 0; i < plan->spec->n_pass_fds && code == 0; i++)
        code = posix_spawn_file_actions_addinherit_np(actions, plan->spec->pass_fds[i]);
    return code;
}

#else

static int fp_add_close(posix_spawn_file_actions_t *actions, const fp_plan *plan)
{
    int first = 3;
    for (size_t i = 0; i < plan->spec->n_pass_fds; i++)
        if (plan->spec->pass_fds[i] == first)
            first++;
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

#endif

static int fp_add_actions(posix_spawn_file_actions_t *actions, const fp_plan *plan)
{
    const fp_spec *spec = plan->spec;
    int code = 0;
#if !defined(__APPLE__)
    /* To itself, a duplication clears close-on-exec. */
    for (size_t i = 0; i < spec->n_pass_fds && code == 0; i++)
        code = posix_spawn_file_actions_adddup2(actions, spec->pass_fds[i], spec->pass_fds[i]);
#endif
    for (int i = 0; i < plan->n_moves && code == 0; i++) {
        const fp_move *move = &plan->moves[i];
#if defined(__APPLE__)
        /* There, a duplication to itself does not clear close-on-exec. */
        if (move->kind == FP_MOVE_KEEP) {
            code = posix_spawn_file_actions_addinherit_np(actions, move->to);
            continue;
        }
#endif
        code = posix_spawn_file_actions_adddup2(actions, move->from, move->to);
    }
    if (code == 0 && spec->has_cwd)
        code = posix_spawn_file_actions_addchdir_np(actions, spec->cwd);
    if (code == 0 && spec->close_fds)
        code = fp_add_close(actions, plan);
    return code;
}

static int fp_set_attributes(posix_spawnattr_t *attributes, const fp_plan *plan)
{
    const fp_spec *spec = plan->spec;
    short flags = POSIX_SPAWN_SETSIGMASK;
    sigset_t set;
    int code = 0;

    sigemptyset(&set);
    memcpy(&set, &plan->mask, sizeof plan->mask < sizeof set ? sizeof plan->mask : sizeof set);
    code = posix_spawnattr_setsigmask(attributes, &set);
    if (code == 0 && spec->restore_signals) {
        flags |= POSIX_SPAWN_SETSIGDEF;
        sigemptyset(&set);
        sigaddset(&set, SIGPIPE);
        sigaddset(&set, SIGXFSZ);
        code = posix_spawnattr_setsigdefault(attributes, &set);
    }
#ifdef POSIX_SPAWN_SETSID
    if (spec->new_session)
        flags |= POSIX_SPAWN_SETSID;
#endif
#if defined(__APPLE__)
    if (spec->close_fds)
        flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
    if (code == 0 && spec->has_process_group) {
        flags |= POSIX_SPAWN_SETPGROUP;
        code = posix_spawnattr_setpgroup(attributes, spec->process_group);
    }
    return code != 0 ? code : posix_spawnattr_setflags(attributes, flags);
}

/* posix_spawn says what went wrong, but not where. Look again, in the child's order:
 * each step that can fail is one whose cause the parent can still see. */
static fp_stage fp_stage_of(const fp_plan *plan, int code)
{
    const fp_spec *spec = plan->spec;
    struct stat status;
    if (code == EBADF) {
        for (size_t i = 0; i < spec->n_pass_fds; i++)
            if (fcntl(spec->pass_fds[i], F_GETFD) < 0)
                return FP_STAGE_INHERIT;
        return FP_STAGE_MOVE;
    }
    if (code == EAGAIN || code == ENOMEM)
        return FP_STAGE_BIRTH;
    if (spec->has_process_group && (code == EPERM || (code == EINVAL && spec->process_group < 0)))
        return FP_STAGE_PROCESS_GROUP;
    if (spec->has_cwd && (stat(spec->cwd, &status) < 0 || !S_ISDIR(status.st_mode) ||
                          faccessat(AT_FDCWD, spec->cwd, X_OK, AT_EACCESS) < 0))
        return FP_STAGE_CHDIR;
    return FP_STAGE_EXEC;
}

static int fp_spawn_programs(const fp_plan *plan, const posix_spawn_file_actions_t *actions,
                             const posix_spawnattr_t *attributes, pid_t *pid)
{
    int worst = 0, code = ENOENT;
    for (const char *const *program = plan->programs; *program != NULL; program++) {
        code = posix_spawn(pid, *program, actions, attributes, plan->spec->argv, plan->spec->envp);
        if (code == 0)
            return 0;
        if (code != ENOENT && code != ENOTDIR && worst == 0)
            worst = code;
    }
    return worst != 0 ? worst : code;
}

fp_birth fp_route_posix_spawn(const fp_spec *spec, const fp_ends *ends, fp_proc *proc,
                              fp_error *error)
{
    fp_plan plan;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    fp_birth birth = FP_BIRTH_FAILED;

    if (!fp_plan_init(&plan, spec, ends, FP_ROUTE_POSIX_SPAWN, fp_features(), error)) {
        fp_plan_free(&plan);
        return FP_BIRTH_FAILED;
    }
    if (!fp_can_express(&plan)) {
        fp_plan_free(&plan);
        return FP_BIRTH_DECLINED;
    }
    int code = posix_spawn_file_actions_init(&actions);
    if (code == 0) {
        code = posix_spawnattr_init(&attributes);
        if (code == 0) {
            pid_t pid = 0;
            fp_signals_block_all(&plan.mask);
            code = fp_add_actions(&actions, &plan);
            if (code == 0)
                code = fp_set_attributes(&attributes, &plan);
            fp_stage stage = code == EBADF ? fp_stage_of(&plan, code) : FP_STAGE_MEMORY;
            if (code == 0) {
                code = fp_spawn_programs(&plan, &actions, &attributes, &pid);
                stage = code == 0 ? FP_STAGE_NONE : fp_stage_of(&plan, code);
            }
            fp_signals_restore(&plan.mask);
            posix_spawnattr_destroy(&attributes);
            if (code == 0) {
                proc->pid = pid;
                proc->pidfd = spec->want_pidfd ? fp_pidfd_of(pid) : FP_NO_FD;
                proc->used = FP_ROUTE_POSIX_SPAWN;
                birth = FP_BIRTH_DONE;
            } else {
                *error = (fp_error){stage, code};
            }
        } else {
            *error = (fp_error){FP_STAGE_MEMORY, code};
        }
        posix_spawn_file_actions_destroy(&actions);
    } else {
        *error = (fp_error){FP_STAGE_MEMORY, code};
    }
    fp_plan_free(&plan);
    return birth;
}
