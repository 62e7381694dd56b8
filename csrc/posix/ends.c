#include "ends.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static bool fp_open_pipe(int fds[2])
{
#if defined(__APPLE__)
    /* No pipe2: between the two calls another thread's fork may take the ends along. */
    if (pipe(fds) < 0)
        return false;
    fcntl(fds[0], F_SETFD, FD_CLOEXEC);
    fcntl(fds[1], F_SETFD, FD_CLOEXEC);
    return true;
#else
    return pipe2(fds, O_CLOEXEC) == 0;
#endif
}

static bool fp_set_pipe_size(int fd, int size)
{
#ifdef F_SETPIPE_SZ
    return fcntl(fd, F_SETPIPE_SZ, size) >= 0;
#else
    (void)fd;
    (void)size;
    return true; /* as documented: it has an effect on Linux only */
#endif
}

/* One null device for all that want it: the first that asks opens and owns it. */
static bool fp_open_null(fp_ends *ends, const fp_stdio stdio[3], int which)
{
    for (int i = 0; i < which; i++) {
        if (stdio[i].kind == FP_STDIO_NULL) {
            ends->child[which] = ends->child[i];
            return true;
        }
    }
    ends->child[which] = open("/dev/null", O_RDWR | O_CLOEXEC);
    ends->child_own[which] = ends->child[which] >= 0;
    return ends->child_own[which];
}

bool fp_ends_open(fp_ends *ends, const fp_stdio stdio[3], bool has_pipe_size, int pipe_size,
                  fp_error *error)
{
    for (int i = 0; i < 3; i++) {
        ends->parent[i] = ends->child[i] = FP_NO_FD;
        ends->child_own[i] = ends->piped[i] = false;
    }
    fp_stage stage = FP_STAGE_NONE;
    for (int i = 0; i < 3 && stage == FP_STAGE_NONE; i++) {
        int fds[2];
        switch (stdio[i].kind) {
        case FP_STDIO_INHERIT:
            break;
        case FP_STDIO_PIPE:
            if (!fp_open_pipe(fds)) {
                stage = FP_STAGE_PIPE;
                break;
            }
            ends->parent[i] = fds[i == 0];
            ends->child[i] = fds[i != 0];
            ends->child_own[i] = ends->piped[i] = true;
            if (has_pipe_size && !fp_set_pipe_size(fds[1], pipe_size))
                stage = FP_STAGE_PIPE_SIZE;
            break;
        case FP_STDIO_NULL:
            if (!fp_open_null(ends, stdio, i))
                stage = FP_STAGE_NULL_DEVICE;
            break;
        case FP_STDIO_FD:
            ends->child[i] = stdio[i].fd;
            break;
        case FP_STDIO_STDOUT:
            ends->child[i] = ends->child[1] != FP_NO_FD ? ends->child[1] : STDOUT_FILENO;
            ends->piped[i] = ends->piped[1];
            break;
        }
    }
    if (stage == FP_STAGE_NONE)
        return true;
    error->stage = stage;
    error->code = errno;
    fp_ends_close_child(ends);
    fp_ends_close_parent(ends);
    return false;
}

void fp_ends_close_child(fp_ends *ends)
{
    for (int i = 0; i < 3; i++) {
        if (ends->child_own[i])
            close(ends->child[i]);
        ends->child[i] = FP_NO_FD;
        ends->child_own[i] = ends->piped[i] = false;
    }
}

void fp_ends_close_parent(fp_ends *ends)
{
    for (int i = 0; i < 3; i++) {
        if (ends->parent[i] != FP_NO_FD)
            close(ends->parent[i]);
        ends->parent[i] = FP_NO_FD;
    }
}
