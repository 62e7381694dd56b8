/* What the parent opens for the child's descriptors 0, 1 and 2. */
#ifndef FP_ENDS_H
#define FP_ENDS_H

#include "common/error.h"
#include "spec.h"

#define FP_NO_FD (-1)

typedef struct fp_ends {
    int parent[3];     /* our end of a pipe; FP_NO_FD where there is none */
    int child[3];      /* what the child gets there; FP_NO_FD: it inherits */
    bool child_own[3]; /* child[i] was opened here, and is closed with the rest */
    bool piped[3];     /* child[i] is an end of a pipe made here */
} fp_ends;

/* Opens the pipes and the null device that stdio[3] asks for, all close-on-exec.
 * On failure nothing stays open. */
bool fp_ends_open(fp_ends *ends, const fp_stdio stdio[3], bool has_pipe_size, int pipe_size,
                  fp_error *error);

/* Closes the child's ends that were opened here; the parent's stay. */
void fp_ends_close_child(fp_ends *ends);

/* Closes the parent's ends. */
void fp_ends_close_parent(fp_ends *ends);

#endif
