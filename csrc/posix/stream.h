/* Our end of one pipe of a child's: a piece of its input sent, a piece of its output read. */
#ifndef FP_STREAM_H
#define FP_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buffer.h"
#include "common/error.h"

typedef struct fp_input {
    int fd; /* FP_NO_FD: none, or all is sent. Not blocking. */
    const unsigned char *data;
    size_t size;
    size_t sent;
} fp_input;

typedef struct fp_output {
    int fd; /* FP_NO_FD: none, or it has ended */
    bool widened;
    bool polled;      /* it does not block: to read it without asking first is to spin */
    size_t populated; /* how much of the buffer has its pages already */
    fp_buffer buffer;
} fp_output;

/* An output that has no descriptor yet. `grow` and `owner` serve its buffer. */
void fp_output_init(fp_output *output, fp_grow_fn grow, void *owner);

/* Gives up a descriptor: closes it, if it is `owned`. */
void fp_end_stream(int *fd, bool owned);

/* Writes as much as the pipe takes: FP_DONE, or FP_FAILED. When all is sent, or nobody reads
 * it any more, the descriptor is given up. */
fp_outcome fp_push(fp_input *input, bool owned, fp_error *error);

/* Reads what is there, or waits for it where the descriptor blocks: FP_DONE, FP_INTERRUPTED
 * or FP_FAILED. At the end the descriptor is given up. `may_widen`: the pipe's size is ours to
 * choose. */
fp_outcome fp_pull(fp_output *output, bool owned, bool may_widen, fp_error *error);

/* The largest pipe that needs no privilege, where that can be had. */
void fp_widen(int fd);

/* A pipe's end on which a write never waits; the flags as they were go to `flags`. */
bool fp_set_nonblocking(int fd, int *flags);

#endif
