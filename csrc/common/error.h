/* What failed, and with which code. The only way an error travels in the core. */
#ifndef FP_ERROR_H
#define FP_ERROR_H

/* The step that failed. FP_STAGE_NONE means that nothing did. */
typedef enum fp_stage {
    FP_STAGE_NONE = 0,
    /* in the parent, before there is a child */
    FP_STAGE_CHECK,
    FP_STAGE_MEMORY,
    FP_STAGE_PIPE,
    FP_STAGE_PIPE_SIZE,
    FP_STAGE_NULL_DEVICE,
    FP_STAGE_BIRTH,
    /* in the POSIX child */
    FP_STAGE_UNSHARE,
    FP_STAGE_REOPEN,
    FP_STAGE_MOVE,
    FP_STAGE_INHERIT,
    FP_STAGE_CHDIR,
    FP_STAGE_SIGNALS,
    FP_STAGE_SESSION,
    FP_STAGE_PROCESS_GROUP,
    FP_STAGE_GROUPS,
    FP_STAGE_GROUP,
    FP_STAGE_USER,
    FP_STAGE_PREEXEC,
    FP_STAGE_CLOSE,
    FP_STAGE_EXEC,
    /* in the parent of a living child */
    FP_STAGE_DRAIN,
    FP_STAGE_WAIT,
    /* Windows */
    FP_STAGE_COMMAND_LINE,
    FP_STAGE_ENVIRONMENT,
    FP_STAGE_HANDLE,
    FP_STAGE_HANDLE_LIST,
    FP_STAGE_CREATE_PROCESS,
    FP_STAGE_LAST = FP_STAGE_CREATE_PROCESS
} fp_stage;

/* code: errno on POSIX, GetLastError() on Windows. */
typedef struct fp_error {
    fp_stage stage;
    int code;
} fp_error;

/* How a call that can be interrupted ended. */
typedef enum fp_outcome {
    FP_DONE,
    FP_TIMEOUT,     /* the deadline came first */
    FP_INTERRUPTED, /* a signal arrived: let its handler run, then call again */
    FP_FAILED       /* see the fp_error */
} fp_outcome;

/* A short name for people: "chdir", "exec". Never NULL. */
const char *fp_stage_name(fp_stage stage);

#endif
