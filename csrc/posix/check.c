#include "check.h"

#include <errno.h>
#include <stdlib.h>

static int fp_check_code(const fp_spec *spec)
{
    if (spec->program == NULL || spec->argv == NULL || spec->envp == NULL)
        return EINVAL;
    if (spec->search && spec->path == NULL)
        return EINVAL;
    if (spec->has_cwd && spec->cwd == NULL)
        return EINVAL;
    for (int i = 0; i < 3; i++) {
        if (spec->stdio[i].kind == FP_STDIO_FD && spec->stdio[i].fd < 0)
            return EBADF;
        if (spec->stdio[i].kind == FP_STDIO_STDOUT && i != 2)
            return EINVAL;
    }
    for (size_t i = 0; i < spec->n_pass_fds; i++) {
        if (spec->pass_fds[i] < 0)
            return EBADF;
        if (i > 0 && spec->pass_fds[i] <= spec->pass_fds[i - 1])
            return EINVAL;
    }
    if (spec->has_groups && spec->n_groups > 0 && spec->groups == NULL)
        return EINVAL;
    return 0;
}

bool fp_check(const fp_spec *spec, fp_error *error)
{
    int code = fp_check_code(spec);
    if (code == 0)
        return true;
    *error = (fp_error){FP_STAGE_CHECK, code};
    return false;
}
