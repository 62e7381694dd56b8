/* Serving a plain pipe from a thread of its own: for the pipes of file objects.
 *
 * Such a pipe knows only calls that wait, and its reads cannot be mixed with overlapped ones.
 * So one thread per pipe does nothing but wait in ReadFile or WriteFile; whoever wants the
 * result waits for the thread, with a deadline, and may come back later. A pump is stopped by
 * CancelSynchronousIo, which ends the call that its thread is in. The thread runs no Python. */
#ifndef FP_PUMP_H
#define FP_PUMP_H

#include <stddef.h>
#include <windows.h>

#include "common/buffer.h"
#include "common/error.h"

typedef struct fp_pump fp_pump;

/* How long it is worth waiting for a pump to stop: pipes let their calls go at once, and a
 * thread of a machine that is overloaded gets its turn by then. */
#define FP_PUMP_PATIENCE_MS 10000

/* Reads until the end, into memory of its own. The pump works on a duplicate of `pipe`: what
 * becomes of that handle is the caller's business. NULL, and `error`, if it cannot start. */
fp_pump *fp_pump_read(HANDLE pipe, fp_error *error);

/* Writes `size` bytes, which must stay there as long as the pump does, and closes its duplicate
 * at the end. A reader that has gone is no error. */
fp_pump *fp_pump_write(HANDLE pipe, const unsigned char *data, size_t size, fp_error *error);

/* Signalled once the pump has ended. Closed by fp_pump_free. */
HANDLE fp_pump_thread(const fp_pump *pump);

/* What came of a pump that has ended: false, and `error`, if its pipe failed. */
bool fp_pump_result(const fp_pump *pump, fp_error *error);

/* What a reading pump has read that has ended or was stopped; valid until it is freed. Nothing,
 * where it could not be stopped. */
const fp_buffer *fp_pump_output(const fp_pump *pump);

/* Stops the pump, if it has not ended, and waits for that, `patience_ms` at most: false when
 * its thread did not come back from its call. What it has read stays; what its pipe holds at
 * that moment is read too. */
bool fp_pump_stop(fp_pump *pump, DWORD patience_ms);

/* Stops the pump and frees it. If it cannot be stopped: false, and its thread frees it at its
 * end; until then, which may be never, the data that it writes must stay. NULL is fine. */
bool fp_pump_free(fp_pump *pump, DWORD patience_ms);

#endif
