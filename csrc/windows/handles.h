/* Which handles a child inherits, as PROC_THREAD_ATTRIBUTE_HANDLE_LIST wants to be told. */
#ifndef FP_HANDLES_H
#define FP_HANDLES_H

#include <stdbool.h>
#include <stddef.h>
#include <windows.h>

#include "common/error.h"

/* An inheritable duplicate, which the caller closes; the handle itself stays as it is. */
bool fp_duplicate_inheritable(HANDLE handle, HANDLE *duplicate, fp_error *error);

/* Writes the list for CreateProcessW to `out` (room for n_std + n_extra): the standard
 * handles and the caller's, each once. Consoles of the old kind, which are no kernel handles
 * and are inherited anyway, are left out.
 *
 * Microsoft's documentation of UpdateProcThreadAttribute asks that each handle be created
 * inheritable and that bInheritHandles be TRUE; CreateProcessW fails with
 * ERROR_INVALID_PARAMETER if one is not, is invalid, or stands there twice. So a handle that
 * is not inheritable or not valid is that error, already here. An empty list must not be
 * passed: `count` 0 means that there is no such attribute to set. */
bool fp_handle_list(const HANDLE *std, size_t n_std, const HANDLE *extra, size_t n_extra,
                    HANDLE *out, size_t *count, fp_error *error);

#endif
