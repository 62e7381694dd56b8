/* Feeding children their input, and draining what they say, until they are done: over
 * overlapped pipes, by one thread.
 *
 * A state machine over a set of children. Each call goes on from where the last one stopped:
 * nothing read or written is lost when it returns for an interrupt or a deadline. Between
 * calls the operations that were begun stay pending, so a job must not move in memory, nor its
 * input, until fp_job_cancel has ended them. */
#ifndef FP_COMMUNICATE_H
#define FP_COMMUNICATE_H

#include <stddef.h>

#include "common/buffer.h"
#include "common/error.h"
#include "spawn.h"
#include "wait.h"

/* A pipe's end with at most one operation under way. */
typedef struct fp_stream {
    HANDLE pipe; /* NULL: none, or it has ended */
    bool pending;
    OVERLAPPED operation; /* its event is the stream's own */
} fp_stream;

typedef struct fp_input {
    fp_stream stream;
    const unsigned char *data;
    size_t size;
    size_t sent;
} fp_input;

typedef struct fp_output {
    fp_stream stream;
    fp_buffer buffer;
} fp_output;

typedef struct fp_job {
    fp_proc proc;
    fp_input input;
    fp_output output[2]; /* what it writes to its stdout and stderr */
    size_t turn;         /* which of its streams is looked at first */
    bool ended;          /* the process has, and `code` is known */
    DWORD code;
} fp_job;

/* So many jobs can be served by one call: Windows waits for 64 handles at most. */
#define FP_JOB_HANDLES 3
#define FP_JOBS_MAX (FP_WAIT_MAX / FP_JOB_HANDLES)

/* Prepares a job that has nothing to do. `grow` and `owners` serve its two buffers. */
void fp_job_init(fp_job *job, fp_grow_fn grow, void *owners[2]);

/* Gives a stream an overlapped pipe, which it then owns, and an event. The caller closes the
 * pipe if this fails. */
bool fp_stream_open(fp_stream *stream, HANDLE pipe, fp_error *error);

/* Serves the jobs until their streams and processes have ended (FP_DONE), or the limits say
 * stop. */
fp_outcome fp_communicate(fp_job *const *jobs, size_t count, const fp_limits *limits,
                          fp_error *error);

/* Whether nothing is left to send, to read or to wait for. */
bool fp_job_done(const fp_job *job);

/* Takes what the pipes hold now, without waiting for more, and closes the streams. For a child
 * that was killed: somebody else may hold its pipes for ever. */
void fp_job_take_rest(fp_job *job);

/* Ends what is pending, and closes the streams. */
void fp_job_cancel(fp_job *job);

#endif
