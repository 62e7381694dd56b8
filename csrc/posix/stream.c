#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ends.h"

/* A pipe holds this much unless told otherwise. */
#define FP_PIPE_SIZE (64 * 1024)
/* What a busy pipe of ours is widened to. */
#define FP_WIDE_PIPE_SIZE (1024 * 1024)

#define FP_MADV_POPULATE_WRITE 23 /* since Linux 5.14: older headers lack the name */

void fp_output_init(fp_output *output, fp_grow_fn grow, void *owner)
{
    output->fd = FP_NO_FD;
    output->widened = output->polled = false;
    output->populated = 0;
    fp_buffer_init(&output->buffer, grow, owner);
}

void fp_widen(int fd)
{
#ifdef F_SETPIPE_SZ
    /* Refused when the user has too much in pipes already: then it stays as it is. */
    fcntl(fd, F_SETPIPE_SZ, FP_WIDE_PIPE_SIZE);
#else
    (void)fd;
#endif
}

bool fp_set_nonblocking(int fd, int *flags)
{
    *flags = fcntl(fd, F_GETFL);
    return *flags >= 0 && fcntl(fd, F_SETFL, *flags | O_NONBLOCK) == 0;
}

void fp_end_stream(int *fd, bool owned)
{
    if (owned)
        close(*fd);
    *fd = FP_NO_FD;
}

fp_outcome fp_push(fp_input *input, bool owned, fp_error *error)
{
    ssize_t count = write(input->fd, input->data + input->sent, input->size - input->sent);
    if (count >= 0) {
        input->sent += (size_t)count;
    } else if (errno == EPIPE) {
        /* It closed its end: not an error, only the rest is not wanted. */
        input->sent = input->size;
    } else if (errno != EAGAIN && errno != EINTR) {
        *error = (fp_error){FP_STAGE_DRAIN, errno};
        return FP_FAILED;
    }
    if (input->sent >= input->size)
        fp_end_stream(&input->fd, owned);
    return FP_DONE;
}

/* Has the kernel make the pages for the next reads at once: a fault for each of them costs
 * more than copying what is read. Where it cannot, they fault. */
static void fp_populate(fp_output *output)
{
#if defined(__linux__)
    const fp_buffer *buffer = &output->buffer;
    if (output->populated >= buffer->size + FP_PIPE_SIZE)
        return;
    size_t from = output->populated > buffer->size ? output->populated : buffer->size;
    size_t size = buffer->capacity - from;
    if (size > FP_WIDE_PIPE_SIZE)
        size = FP_WIDE_PIPE_SIZE;
    output->populated = from + size;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = ((uintptr_t)buffer->data + from + page - 1) & ~(page - 1);
    uintptr_t end = ((uintptr_t)buffer->data + from + size) & ~(page - 1);
    if (start < end)
        madvise((void *)start, end - start, FP_MADV_POPULATE_WRITE);
#else
    (void)output;
#endif
}

/* Only a read of nothing is the end: a pipe of packets, which a child can make of ours, gives
 * one at a time. */
fp_outcome fp_pull(fp_output *output, bool owned, bool may_widen, fp_error *error)
{
    fp_buffer *buffer = &output->buffer;
    /* The first read goes to the buffer's own room; later ones may be large. */
    if (buffer->size > 0 && !fp_buffer_reserve(buffer, FP_PIPE_SIZE)) {
        *error = (fp_error){FP_STAGE_MEMORY, ENOMEM};
        return FP_FAILED;
    }
    if (output->widened)
        fp_populate(output);
    size_t room = buffer->capacity - buffer->size;
    ssize_t count = read(output->fd, buffer->data + buffer->size, room);
    if (count < 0) {
        if (errno == EINTR)
            return FP_INTERRUPTED;
        if (errno == EAGAIN) {
            output->polled = true;
            return FP_DONE;
        }
        *error = (fp_error){FP_STAGE_DRAIN, errno};
        return FP_FAILED;
    }
    buffer->size += (size_t)count;
    if (count == 0) {
        fp_end_stream(&output->fd, owned);
    } else if (count >= FP_PIPE_SIZE && may_widen && !output->widened) {
        output->widened = true;
        fp_widen(output->fd);
    }
    return FP_DONE;
}
