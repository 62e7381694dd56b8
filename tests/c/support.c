#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#endif

#include "posix/wait.h"

char program[4096];
char report_path[] = "/tmp/fastproc-report-XXXXXX";

extern char **environ;

bool support_start(const char *own_path)
{
    char *folder = realpath(own_path, NULL);
    char *slash = folder != NULL ? strrchr(folder, '/') : NULL;
    if (slash == NULL)
        return false;
    int size = snprintf(program, sizeof program, "%.*s/program", (int)(slash - folder), folder);
    free(folder);
    int fd = mkstemp(report_path);
    if (fd < 0 || size >= (int)sizeof program || access(program, X_OK) < 0)
        return false;
    fchmod(fd, 0666);
    close(fd);
    return true;
}

void support_end(void)
{
    unlink(report_path);
}

fp_spec spec_of(const char *const *argv)
{
    fp_spec spec;
    memset(&spec, 0, sizeof spec);
    spec.program = argv[0];
    /* execve does not write to them. */
    spec.argv = (char *const *)argv;
    spec.envp = environ;
    spec.close_fds = true;
    spec.restore_signals = true;
    spec.routes = FP_ROUTES_ALL;
    return spec;
}

void kill_and_reap(fp_job *job)
{
    int refused;
    while (fp_run_kill(job, &refused) == FP_INTERRUPTED)
        continue;
}

int finish(const fp_proc *proc)
{
    int code = -1000;
    fp_reaping reaping;
    do
        reaping = fp_reap(proc->pid, true, &code);
    while (reaping == FP_REAP_INTERRUPTED);
    if (proc->pidfd != FP_NO_FD)
        close(proc->pidfd);
    return reaping == FP_REAP_DONE ? code : -1000;
}

static bool read_report(report *seen)
{
    int fd = open(report_path, O_RDWR | O_CLOEXEC);
    bool whole = fd >= 0 && read(fd, seen, sizeof *seen) == (ssize_t)sizeof *seen;
    /* So that the next cannot be taken for this one. */
    whole = whole && ftruncate(fd, 0) == 0;
    if (fd >= 0)
        close(fd);
    return whole;
}

bool spawn_report(const fp_spec *spec, fp_ends *ends, report *seen, fp_proc *proc)
{
    fp_error error = {FP_STAGE_NONE, 0};
    fp_ends own;
    proc->pidfd = FP_NO_FD;
    bool opened = ends == NULL;
    if (opened) {
        ends = &own;
        if (!fp_ends_open(ends, spec->stdio, spec->has_pipe_size, spec->pipe_size, &error)) {
            CHECK_TEXT(fp_stage_name(error.stage), "none");
            return false;
        }
    }
    bool started = fp_spawn(spec, ends, proc, &error);
    if (opened)
        fp_ends_close_child(ends);
    if (!started)
        CHECK_TEXT(fp_stage_name(error.stage), "none");
    bool good = CHECK(started) && CHECK_INT(finish(proc), 0) && CHECK(read_report(seen)) &&
                CHECK_INT(seen->pid, proc->pid);
    if (opened)
        fp_ends_close_parent(ends);
    return good;
}

fp_outcome run_on(fp_job *job, const fp_limits *limits, fp_error *error)
{
    fp_outcome outcome;
    do
        outcome = fp_run_on(job, limits, error);
    while (outcome == FP_INTERRUPTED);
    return outcome;
}

report_fd identity(int fd)
{
    struct stat status;
    report_fd seen = {false, 0, 0, 0};
    if (fstat(fd, &status) == 0) {
        seen.open = true;
        seen.access = fcntl(fd, F_GETFL) & O_ACCMODE;
        seen.device = status.st_dev;
        seen.inode = status.st_ino;
    }
    return seen;
}

bool same_file(const report_fd *a, const report_fd *b)
{
    return a->open == b->open && a->device == b->device && a->inode == b->inode;
}

void open_file_at(int fd)
{
    char path[] = "/tmp/fastproc-file-XXXXXX";
    int file = mkstemp(path);
    if (!CHECK(file >= 0))
        return;
    unlink(path);
    if (file != fd) {
        CHECK_INT(dup2(file, fd), fd);
        close(file);
    }
}

bool refuse(long number, int code)
{
#if defined(__linux__)
    if (number < 0)
        return true;
    const struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)code),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog all = {4, (struct sock_filter *)filter};
    return CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) &&
           CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) == 0);
#else
    (void)number, (void)code;
    return CHECK(!"system calls can be refused");
#endif
}

bool limit_fds(long count)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)count;
    if (limit.rlim_max < limit.rlim_cur)
        limit.rlim_max = limit.rlim_cur;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}
