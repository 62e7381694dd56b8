#include "handles.h"

#include <stdint.h>

#include "fault.h"
#include "wait.h"

bool fp_duplicate_inheritable(HANDLE handle, HANDLE *duplicate, fp_error *error)
{
    HANDLE self = GetCurrentProcess();
    if (fp_fault(FP_STAGE_HANDLE) ||
        !DuplicateHandle(self, handle, self, duplicate, 0, TRUE, DUPLICATE_SAME_ACCESS)) {
        *error = fp_last_error(FP_STAGE_HANDLE);
        return false;
    }
    return true;
}

/* Before Windows 8 a console's handle was a number of the console server's, with its two
 * lowest bits set. */
static bool fp_is_console_number(HANDLE handle)
{
    return ((uintptr_t)handle & 3) == 3 && GetFileType(handle) == FILE_TYPE_CHAR;
}

static bool fp_is_listed(const HANDLE *list, size_t count, HANDLE handle)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == handle)
            return true;
    return false;
}

bool fp_handle_list(const HANDLE *std, size_t n_std, const HANDLE *extra, size_t n_extra,
                    HANDLE *out, size_t *count, fp_error *error)
{
    size_t listed = 0;
    for (size_t i = 0; i < n_std + n_extra; i++) {
        HANDLE handle = i < n_std ? std[i] : extra[i - n_std];
        DWORD flags;
        if (fp_is_listed(out, listed, handle) || fp_is_console_number(handle))
            continue;
        if (fp_fault(FP_STAGE_HANDLE_LIST) || !GetHandleInformation(handle, &flags) ||
            (flags & HANDLE_FLAG_INHERIT) == 0) {
            *error = (fp_error){FP_STAGE_HANDLE_LIST, ERROR_INVALID_PARAMETER};
            return false;
        }
        out[listed++] = handle;
    }
    *count = listed;
    return true;
}
