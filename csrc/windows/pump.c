#include "pump.h"

#include <stdlib.h>

#include "fault.h"
#include "wait.h"

#define FP_PUMP_READ_SIZE ((size_t)64 * 1024)
#define FP_PUMP_WRITE_SIZE ((size_t)1024 * 1024)
/* A pump needs little stack, what other libraries do when a thread begins needs some more; the
 * default of the program may be a large one. */
#define FP_PUMP_STACK ((SIZE_T)256 * 1024)
/* How long to wait between two tries to cancel a call that had not begun at the first. */
#define FP_PUMP_RETRY_MS 1

struct fp_pump {
    HANDLE thread;
    HANDLE pipe;
    bool writes;
    const unsigned char *data; /* what is to be written */
    size_t size;
    fp_buffer buffer; /* what was read */
    volatile LONG stopping;
    volatile LONG left; /* how many are done with it: the thread, and the owner */
    bool stuck;         /* it could not be stopped */
    bool drained;       /* after it was stopped */
    fp_error error;
};

static bool fp_pump_ended(DWORD code)
{
    return code == ERROR_BROKEN_PIPE || code == ERROR_NO_DATA || code == ERROR_PIPE_NOT_CONNECTED ||
           code == ERROR_HANDLE_EOF;
}

static bool fp_pump_stopping(fp_pump *pump)
{
    return InterlockedCompareExchange(&pump->stopping, 0, 0) != 0;
}

static void fp_pump_failed(fp_pump *pump)
{
    fp_error error = fp_last_error(FP_STAGE_DRAIN);
    if (!fp_pump_ended((DWORD)error.code) && !fp_pump_stopping(pump))
        pump->error = error;
}

/* As everywhere: no bytes are no end, somebody wrote none. */
static void fp_pump_in(fp_pump *pump)
{
    fp_buffer *buffer = &pump->buffer;
    while (!fp_pump_stopping(pump)) {
        DWORD count = 0;
        if (fp_fault(FP_STAGE_MEMORY) || !fp_buffer_reserve(buffer, FP_PUMP_READ_SIZE)) {
            pump->error = (fp_error){FP_STAGE_MEMORY, ERROR_NOT_ENOUGH_MEMORY};
            return;
        }
        if (fp_fault(FP_STAGE_DRAIN) || !ReadFile(pump->pipe, buffer->data + buffer->size,
                                                  (DWORD)FP_PUMP_READ_SIZE, &count, NULL)) {
            fp_pump_failed(pump);
            return;
        }
        buffer->size += count;
    }
}

static void fp_pump_out(fp_pump *pump)
{
    size_t sent = 0;
    while (sent < pump->size && !fp_pump_stopping(pump)) {
        size_t left = pump->size - sent;
        DWORD count = 0, size = (DWORD)(left < FP_PUMP_WRITE_SIZE ? left : FP_PUMP_WRITE_SIZE);
        if (fp_fault(FP_STAGE_DRAIN) ||
            !WriteFile(pump->pipe, pump->data + sent, size, &count, NULL)) {
            fp_pump_failed(pump);
            return;
        }
        sent += count;
    }
}

/* Called by the thread and by the owner, when they need it no more: the last one frees it. */
static void fp_pump_leave(fp_pump *pump)
{
    if (InterlockedIncrement(&pump->left) < 2)
        return;
    if (!pump->writes)
        CloseHandle(pump->pipe);
    fp_buffer_free_malloc(&pump->buffer);
    free(pump);
}

static DWORD WINAPI fp_pump_main(void *argument)
{
    fp_pump *pump = argument;
    if (pump->writes) {
        fp_pump_out(pump);
        CloseHandle(pump->pipe); /* the child sees the end, if this was the last handle */
    } else {
        fp_pump_in(pump);
    }
    fp_pump_leave(pump);
    return 0;
}

static fp_pump *fp_pump_start(HANDLE pipe, bool writes, const unsigned char *data, size_t size,
                              fp_error *error)
{
    HANDLE self = GetCurrentProcess();
    fp_pump *pump = fp_fault(FP_STAGE_MEMORY) ? NULL : calloc(1, sizeof *pump);
    if (pump == NULL) {
        *error = (fp_error){FP_STAGE_MEMORY, ERROR_NOT_ENOUGH_MEMORY};
        return NULL;
    }
    pump->writes = writes;
    pump->data = data;
    pump->size = size;
    fp_buffer_init(&pump->buffer, fp_buffer_grow_malloc, NULL);
    if (fp_fault(FP_STAGE_HANDLE) ||
        !DuplicateHandle(self, pipe, self, &pump->pipe, 0, FALSE, DUPLICATE_SAME_ACCESS)) {
        *error = fp_last_error(FP_STAGE_HANDLE);
        free(pump);
        return NULL;
    }
    pump->thread = fp_fault(FP_STAGE_DRAIN) ? NULL
                                            : CreateThread(NULL, FP_PUMP_STACK, fp_pump_main, pump,
                                                           STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    if (pump->thread == NULL) {
        *error = fp_last_error(FP_STAGE_DRAIN);
        CloseHandle(pump->pipe);
        free(pump);
        return NULL;
    }
    return pump;
}

fp_pump *fp_pump_read(HANDLE pipe, fp_error *error)
{
    return fp_pump_start(pipe, false, NULL, 0, error);
}

fp_pump *fp_pump_write(HANDLE pipe, const unsigned char *data, size_t size, fp_error *error)
{
    return fp_pump_start(pipe, true, data, size, error);
}

HANDLE fp_pump_thread(const fp_pump *pump)
{
    return pump->thread;
}

bool fp_pump_result(const fp_pump *pump, fp_error *error)
{
    if (pump->error.stage == FP_STAGE_NONE)
        return true;
    *error = pump->error;
    return false;
}

const fp_buffer *fp_pump_output(const fp_pump *pump)
{
    static const fp_buffer nothing = {0};
    return pump->stuck ? &nothing : &pump->buffer;
}

/* Reads what the pipe holds at this moment, and no more: whoever has the other end may go on
 * writing for ever. Only once the thread has ended. */
static void fp_pump_rest(fp_pump *pump)
{
    fp_buffer *buffer = &pump->buffer;
    DWORD left = 0, count = 0;
    if (!PeekNamedPipe(pump->pipe, NULL, 0, NULL, &left, NULL))
        return;
    while (
        left > 0 && fp_buffer_reserve(buffer, FP_PUMP_READ_SIZE) &&
        ReadFile(pump->pipe, buffer->data + buffer->size, (DWORD)FP_PUMP_READ_SIZE, &count, NULL)) {
        buffer->size += count;
        left -= count < left ? count : left;
    }
}

/* The thread may be between two calls when it is cancelled: then there was nothing to
 * cancel, and it either sees that it shall stop, or goes into one more call, which the next
 * try ends. */
bool fp_pump_stop(fp_pump *pump, DWORD patience_ms)
{
    const fp_deadline deadline = fp_deadline_in((int64_t)patience_ms * 1000000);
    InterlockedExchange(&pump->stopping, 1);
    do {
        CancelSynchronousIo(pump->thread);
        pump->stuck = WaitForSingleObject(pump->thread, FP_PUMP_RETRY_MS) == WAIT_TIMEOUT;
    } while (pump->stuck && !fp_passed(&deadline));
    if (pump->stuck)
        return false;
    if (!pump->drained && !pump->writes && pump->error.stage == FP_STAGE_NONE)
        fp_pump_rest(pump);
    pump->drained = true;
    return true;
}

bool fp_pump_free(fp_pump *pump, DWORD patience_ms)
{
    if (pump == NULL)
        return true;
    bool stopped = fp_pump_stop(pump, patience_ms);
    CloseHandle(pump->thread);
    fp_pump_leave(pump);
    return stopped;
}
