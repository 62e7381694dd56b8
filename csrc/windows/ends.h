/* What the parent opens for the child's standard handles. */
#ifndef FP_ENDS_H
#define FP_ENDS_H

#include "common/error.h"
#include "spec.h"

/* How the parent's ends of pipes are read and written. */
typedef enum fp_pipe_style {
    FP_PIPE_PLAIN,     /* by calls that wait: anonymous pipes, as file objects need them */
    FP_PIPE_OVERLAPPED /* by overlapped calls only, see communicate.h */
} fp_pipe_style;

typedef struct fp_ends {
    HANDLE parent[3];  /* our end of a pipe; NULL where there is none */
    HANDLE child[3];   /* what the child gets there; all NULL when nothing is redirected */
    bool child_own[3]; /* child[i] was opened here, and is closed with the rest */
} fp_ends;

/* Opens what stdio[3] asks for. No handle that is opened here is inheritable: fp_spawn makes
 * the duplicates that are. On failure nothing stays open. */
bool fp_ends_open(fp_ends *ends, const fp_spec *spec, fp_pipe_style style, fp_error *error);

/* Closes the child's ends that were opened here; the parent's stay. */
void fp_ends_close_child(fp_ends *ends);

/* Closes the parent's ends. */
void fp_ends_close_parent(fp_ends *ends);

#endif
