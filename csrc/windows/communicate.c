#include "communicate.h"

#include <string.h>

#include "fault.h"

/* The first read goes into the buffer's own room; later ones are as large as the pipe. */
#define FP_READ_SIZE ((size_t)64 * 1024)
/* One write: the system locks its memory, so not all of a large input at once. */
#define FP_WRITE_SIZE ((size_t)1024 * 1024)
/* One read: the system touches each page of the room it is given, and a pipe gives little. */
#define FP_MOST_AT_ONCE ((size_t)256 * 1024)

void fp_job_init(fp_job *job, fp_grow_fn grow, void *owners[2])
{
    memset(&job->proc, 0, sizeof job->proc);
    memset(&job->input, 0, sizeof job->input);
    for (int i = 0; i < 2; i++) {
        memset(&job->output[i].stream, 0, sizeof job->output[i].stream);
        fp_buffer_init(&job->output[i].buffer, grow, owners[i]);
    }
    job->turn = 0;
    job->ended = false;
    job->code = 0;
}

bool fp_stream_open(fp_stream *stream, HANDLE pipe, fp_error *error)
{
    HANDLE event = fp_fault(FP_STAGE_DRAIN) ? NULL : CreateEventW(NULL, TRUE, FALSE, NULL);
    if (event == NULL) {
        *error = fp_last_error(FP_STAGE_DRAIN);
        return false;
    }
    memset(stream, 0, sizeof *stream);
    stream->pipe = pipe;
    stream->operation.hEvent = event;
    return true;
}

static void fp_stream_close(fp_stream *stream)
{
    if (stream->pipe == NULL)
        return;
    CloseHandle(stream->pipe);
    CloseHandle(stream->operation.hEvent);
    memset(stream, 0, sizeof *stream);
}

/* Ends what is pending: the kernel writes into the operation and its memory until then. True,
 * and `moved`, if it had succeeded all the same. */
static bool fp_stream_cancel(fp_stream *stream, DWORD *moved)
{
    if (!stream->pending)
        return false;
    stream->pending = false;
    CancelIoEx(stream->pipe, &stream->operation);
    return GetOverlappedResult(stream->pipe, &stream->operation, moved, TRUE) != 0;
}

/* The other end is closed: by name, what Windows answers to reads and to writes then. */
static bool fp_is_end(DWORD code)
{
    return code == ERROR_BROKEN_PIPE || code == ERROR_NO_DATA || code == ERROR_PIPE_NOT_CONNECTED ||
           code == ERROR_HANDLE_EOF;
}

typedef enum fp_step { FP_STEP_MOVED, FP_STEP_PENDING, FP_STEP_ENDED, FP_STEP_FAILED } fp_step;

/* What came of an operation just begun (`ok`: what the call returned). One that has succeeded at
 * once has set its event, too: it is taken up by the next wait, so that the deadline and the
 * interrupt are looked at between any two operations. */
static fp_step fp_begun(fp_stream *stream, BOOL ok, fp_error *error)
{
    DWORD code = ok ? ERROR_IO_PENDING : GetLastError();
    if (code == ERROR_IO_PENDING) {
        stream->pending = true;
        return FP_STEP_PENDING;
    }
    if (fp_is_end(code))
        return FP_STEP_ENDED;
    *error = (fp_error){FP_STAGE_DRAIN, (int)code};
    return FP_STEP_FAILED;
}

/* What came of the pending operation, whose event is set. */
static fp_step fp_completed(fp_stream *stream, DWORD *moved, fp_error *error)
{
    stream->pending = false;
    if (GetOverlappedResult(stream->pipe, &stream->operation, moved, TRUE))
        return FP_STEP_MOVED;
    *error = fp_last_error(FP_STAGE_DRAIN);
    return fp_is_end((DWORD)error->code) ? FP_STEP_ENDED : FP_STEP_FAILED;
}

static fp_step fp_begin_write(fp_input *input, fp_error *error)
{
    size_t left = input->size - input->sent;
    DWORD size = (DWORD)(left < FP_WRITE_SIZE ? left : FP_WRITE_SIZE);
    BOOL ok = !fp_fault(FP_STAGE_DRAIN) && WriteFile(input->stream.pipe, input->data + input->sent,
                                                     size, NULL, &input->stream.operation);
    return fp_begun(&input->stream, ok, error);
}

/* Sends until an operation is pending (`step`: that of a write that just came to its end). */
static fp_outcome fp_push(fp_input *input, fp_step step, DWORD moved, fp_error *error)
{
    for (;;) {
        if (step == FP_STEP_FAILED)
            return FP_FAILED;
        if (step == FP_STEP_PENDING)
            return FP_DONE;
        input->sent += moved;
        if (step == FP_STEP_ENDED)
            input->sent = input->size; /* its reader has gone: the rest is not wanted */
        if (input->sent >= input->size) {
            fp_stream_close(&input->stream);
            return FP_DONE;
        }
        moved = 0;
        step = fp_begin_write(input, error);
    }
}

static fp_step fp_begin_read(fp_output *output, fp_error *error)
{
    fp_buffer *buffer = &output->buffer;
    if (buffer->size > 0 &&
        (fp_fault(FP_STAGE_MEMORY) || !fp_buffer_reserve(buffer, FP_READ_SIZE))) {
        *error = (fp_error){FP_STAGE_MEMORY, ERROR_NOT_ENOUGH_MEMORY};
        return FP_STEP_FAILED;
    }
    size_t room = buffer->capacity - buffer->size;
    BOOL ok = !fp_fault(FP_STAGE_DRAIN) &&
              ReadFile(output->stream.pipe, buffer->data + buffer->size,
                       (DWORD)(room < FP_MOST_AT_ONCE ? room : FP_MOST_AT_ONCE), NULL,
                       &output->stream.operation);
    return fp_begun(&output->stream, ok, error);
}

/* Reads until an operation is pending, or the pipe has ended. No bytes are no end: somebody
 * wrote none. */
static fp_outcome fp_pull(fp_output *output, fp_step step, DWORD moved, fp_error *error)
{
    for (;;) {
        if (step == FP_STEP_FAILED)
            return FP_FAILED;
        if (step == FP_STEP_PENDING)
            return FP_DONE;
        output->buffer.size += moved;
        if (step == FP_STEP_ENDED) {
            fp_stream_close(&output->stream);
            return FP_DONE;
        }
        moved = 0;
        step = fp_begin_read(output, error);
    }
}

static bool fp_streams_done(const fp_job *job)
{
    return job->input.stream.pipe == NULL && job->output[0].stream.pipe == NULL &&
           job->output[1].stream.pipe == NULL;
}

bool fp_job_done(const fp_job *job)
{
    return fp_streams_done(job) && job->ended;
}

/* Begins an operation on each stream that has none. */
static fp_outcome fp_begin(fp_job *job, fp_error *error)
{
    fp_outcome outcome = FP_DONE;
    if (job->input.stream.pipe != NULL && !job->input.stream.pending)
        outcome = fp_push(&job->input, FP_STEP_MOVED, 0, error);
    for (int i = 0; i < 2 && outcome == FP_DONE; i++)
        if (job->output[i].stream.pipe != NULL && !job->output[i].stream.pending)
            outcome = fp_pull(&job->output[i], FP_STEP_MOVED, 0, error);
    return outcome;
}

/* What is waited for, with whose it is. */
typedef struct fp_waits {
    HANDLE handles[FP_WAIT_MAX];
    fp_job *jobs[FP_WAIT_MAX];
    size_t count;
} fp_waits;

static void fp_add_wait(fp_waits *waits, fp_job *job, HANDLE handle)
{
    waits->handles[waits->count] = handle;
    waits->jobs[waits->count++] = job;
}

/* Windows names the first of several handles that are ready: each stream comes first in turn,
 * or one that is always ready would starve the others. */
static void fp_add_waits(fp_waits *waits, fp_job *job)
{
    const fp_stream *streams[] = {&job->input.stream, &job->output[0].stream,
                                  &job->output[1].stream};
    const size_t count = sizeof streams / sizeof streams[0];
    for (size_t i = 0; i < count; i++) {
        const fp_stream *stream = streams[(job->turn + i) % count];
        if (stream->pending)
            fp_add_wait(waits, job, stream->operation.hEvent);
    }
    job->turn = (job->turn + 1) % count;
    if (fp_streams_done(job) && !job->ended)
        fp_add_wait(waits, job, job->proc.process);
}

/* Serves the one handle that is signalled. */
static fp_outcome fp_serve(fp_job *job, HANDLE handle, fp_error *error)
{
    fp_stream *input = &job->input.stream;
    DWORD moved = 0;
    if (input->pending && handle == input->operation.hEvent) {
        fp_step step = fp_completed(input, &moved, error);
        return fp_push(&job->input, step, moved, error);
    }
    for (int i = 0; i < 2; i++) {
        fp_stream *stream = &job->output[i].stream;
        if (stream->pending && handle == stream->operation.hEvent) {
            fp_step step = fp_completed(stream, &moved, error);
            return fp_pull(&job->output[i], step, moved, error);
        }
    }
    if (!GetExitCodeProcess(job->proc.process, &job->code)) {
        *error = fp_last_error(FP_STAGE_WAIT);
        return FP_FAILED;
    }
    job->ended = true;
    return FP_DONE;
}

static bool fp_jobs_done(fp_job *const *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!fp_job_done(jobs[i]))
            return false;
    return true;
}

fp_outcome fp_communicate(fp_job *const *jobs, size_t count, const fp_limits *limits,
                          fp_error *error)
{
    fp_waits waits;
    if (count > FP_JOBS_MAX) {
        *error = (fp_error){FP_STAGE_CHECK, ERROR_INVALID_PARAMETER};
        return FP_FAILED;
    }
    for (size_t turn = 0;; turn++) {
        fp_outcome outcome = FP_DONE;
        size_t which;
        waits.count = 0;
        for (size_t i = 0; i < count && outcome == FP_DONE; i++) {
            fp_job *job = jobs[(turn + i) % count];
            outcome = fp_begin(job, error);
            fp_add_waits(&waits, job);
        }
        if (outcome != FP_DONE || waits.count == 0)
            return outcome;
        outcome = fp_wait_any(waits.handles, waits.count, limits, &which, error);
        if (outcome == FP_DONE)
            outcome = fp_serve(waits.jobs[which], waits.handles[which], error);
        if (outcome != FP_DONE)
            return outcome;
        /* A child that never stops talking always has something ready. */
        if (fp_passed(&limits->deadline) && !fp_jobs_done(jobs, count))
            return FP_TIMEOUT;
    }
}

/* Reads what the pipe holds at this moment: as long as something is there, a read does not wait.
 * No more than that, since whoever has the other end may go on writing for ever. */
static void fp_take_rest(fp_output *output)
{
    fp_error ignored;
    DWORD moved = 0, left = 0;
    if (fp_stream_cancel(&output->stream, &moved))
        output->buffer.size += moved;
    if (!PeekNamedPipe(output->stream.pipe, NULL, 0, NULL, &left, NULL))
        return;
    while (left > 0) {
        moved = 0;
        fp_step step = fp_begin_read(output, &ignored);
        if (step == FP_STEP_PENDING)
            step = fp_stream_cancel(&output->stream, &moved) ? FP_STEP_MOVED : FP_STEP_ENDED;
        if (step != FP_STEP_MOVED)
            return;
        output->buffer.size += moved;
        left -= moved < left ? moved : left;
    }
}

void fp_job_take_rest(fp_job *job)
{
    for (int i = 0; i < 2; i++)
        if (job->output[i].stream.pipe != NULL)
            fp_take_rest(&job->output[i]);
    fp_job_cancel(job);
}

void fp_job_cancel(fp_job *job)
{
    fp_stream *streams[] = {&job->input.stream, &job->output[0].stream, &job->output[1].stream};
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        DWORD ignored;
        fp_stream_cancel(streams[i], &ignored);
        fp_stream_close(streams[i]);
    }
}
