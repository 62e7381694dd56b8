#include "error.h"

const char *fp_stage_name(fp_stage stage)
{
    switch (stage) {
    case FP_STAGE_NONE:
        return "none";
    case FP_STAGE_CHECK:
        return "check";
    case FP_STAGE_MEMORY:
        return "memory";
    case FP_STAGE_PIPE:
        return "pipe";
    case FP_STAGE_PIPE_SIZE:
        return "pipesize";
    case FP_STAGE_NULL_DEVICE:
        return "null device";
    case FP_STAGE_BIRTH:
        return "birth";
    case FP_STAGE_UNSHARE:
        return "unshare descriptors";
    case FP_STAGE_REOPEN:
        return "reopen pipe";
    case FP_STAGE_MOVE:
        return "dup2";
    case FP_STAGE_INHERIT:
        return "pass_fds";
    case FP_STAGE_CHDIR:
        return "chdir";
    case FP_STAGE_SIGNALS:
        return "signals";
    case FP_STAGE_SESSION:
        return "setsid";
    case FP_STAGE_PROCESS_GROUP:
        return "setpgid";
    case FP_STAGE_GROUPS:
        return "setgroups";
    case FP_STAGE_GROUP:
        return "setregid";
    case FP_STAGE_USER:
        return "setreuid";
    case FP_STAGE_PREEXEC:
        return "preexec_fn";
    case FP_STAGE_CLOSE:
        return "close descriptors";
    case FP_STAGE_EXEC:
        return "exec";
    case FP_STAGE_DRAIN:
        return "drain";
    case FP_STAGE_WAIT:
        return "wait";
    case FP_STAGE_COMMAND_LINE:
        return "command line";
    case FP_STAGE_ENVIRONMENT:
        return "environment";
    case FP_STAGE_HANDLE:
        return "duplicate handle";
    case FP_STAGE_HANDLE_LIST:
        return "handle list";
    case FP_STAGE_CREATE_PROCESS:
        return "CreateProcess";
    }
    return "unknown";
}
