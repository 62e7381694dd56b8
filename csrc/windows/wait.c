#include "wait.h"

#include <string.h>

#include "fault.h"

fp_error fp_last_error(fp_stage stage)
{
    fp_error error = {stage, (int)GetLastError()};
    return error;
}

int64_t fp_now(void)
{
    const int64_t second = 1000000000;
    LARGE_INTEGER ticks, frequency;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&ticks);
    /* Apart, because ticks * second overflows after some years. */
    int64_t whole = ticks.QuadPart / frequency.QuadPart, rest = ticks.QuadPart % frequency.QuadPart;
    return whole * second + rest * second / frequency.QuadPart;
}

fp_deadline fp_deadline_in(int64_t nanoseconds)
{
    int64_t now = fp_now();
    fp_deadline deadline = {true, now};
    if (nanoseconds > 0)
        deadline.at = nanoseconds > INT64_MAX - now ? INT64_MAX : now + nanoseconds;
    return deadline;
}

/* Milliseconds until a deadline, rounded up; a far one in pieces. */
static DWORD fp_milliseconds_left(const fp_deadline *deadline)
{
    const int64_t millisecond = 1000000, most = 1000 * 60 * 60 * 24;
    if (!deadline->set)
        return INFINITE;
    int64_t left = deadline->at - fp_now();
    if (left <= 0)
        return 0;
    left = left / millisecond + (left % millisecond != 0);
    return (DWORD)(left < most ? left : most);
}

bool fp_passed(const fp_deadline *deadline)
{
    return fp_milliseconds_left(deadline) == 0;
}

fp_outcome fp_wait_any(const HANDLE *handles, size_t count, const fp_limits *limits, size_t *which,
                       fp_error *error)
{
    HANDLE all[MAXIMUM_WAIT_OBJECTS];
    DWORD total = 0;
    if (count > FP_WAIT_MAX) {
        *error = (fp_error){FP_STAGE_WAIT, ERROR_INVALID_PARAMETER};
        return FP_FAILED;
    }
    /* First, because something else may always be ready. */
    if (limits->interrupt != NULL)
        all[total++] = limits->interrupt;
    const DWORD first = total;
    memcpy(all + first, handles, count * sizeof *all);
    total += (DWORD)count;
    for (;;) {
        DWORD wait = fp_milliseconds_left(&limits->deadline);
        DWORD result =
            fp_fault(FP_STAGE_WAIT) ? WAIT_FAILED : WaitForMultipleObjects(total, all, FALSE, wait);
        if (result < WAIT_OBJECT_0 + total) {
            if (result - WAIT_OBJECT_0 < first)
                return FP_INTERRUPTED;
            *which = result - WAIT_OBJECT_0 - first;
            return FP_DONE;
        }
        if (result != WAIT_TIMEOUT) {
            *error = fp_last_error(FP_STAGE_WAIT);
            return FP_FAILED;
        }
        /* Windows' clock ticks coarsely: it may call time a little before ours does. */
        if (fp_milliseconds_left(&limits->deadline) == 0)
            return FP_TIMEOUT;
    }
}

fp_outcome fp_wait_process(HANDLE process, const fp_limits *limits, DWORD *code, fp_error *error)
{
    size_t which;
    fp_outcome outcome = fp_wait_any(&process, 1, limits, &which, error);
    if (outcome == FP_DONE && !GetExitCodeProcess(process, code)) {
        *error = fp_last_error(FP_STAGE_WAIT);
        outcome = FP_FAILED;
    }
    return outcome;
}

DWORD fp_terminate(HANDLE process)
{
    return TerminateProcess(process, 1) ? 0 : GetLastError();
}
