/* The handle list, asked directly: wine accepts lists that Windows refuses. */
#include "check.h"

#include <string.h>

#include "windows/ends.h"
#include "windows/handles.h"

static HANDLE event(bool inheritable)
{
    SECURITY_ATTRIBUTES attributes = {sizeof attributes, NULL, inheritable};
    return CreateEventW(&attributes, TRUE, FALSE, NULL);
}

static void each_handle_once(void)
{
    HANDLE a = event(true), b = event(true);
    HANDLE std[] = {a, b, b}, extra[] = {b, a, a}, list[6];
    fp_error error;
    size_t count = 99;
    CHECK(fp_handle_list(std, 3, extra, 3, list, &count, &error));
    CHECK_EQUAL(count, 2);
    CHECK(list[0] == a && list[1] == b);
    CloseHandle(a);
    CloseHandle(b);
}

static void standard_handles_and_the_callers(void)
{
    HANDLE all[] = {event(true), event(true), event(true), event(true)}, list[4];
    fp_error error;
    size_t count = 99;
    CHECK(fp_handle_list(all, 3, all + 3, 1, list, &count, &error));
    CHECK_EQUAL(count, 4);
    for (int i = 0; i < 4; i++) {
        CHECK(list[i] == all[i]);
        CloseHandle(all[i]);
    }
}

static void no_handles_no_list(void)
{
    HANDLE list[1];
    fp_error error;
    size_t count = 99;
    CHECK(fp_handle_list(NULL, 0, NULL, 0, list, &count, &error));
    CHECK_EQUAL(count, 0);
}

static void check_refused(HANDLE good, HANDLE bad)
{
    HANDLE extra[] = {good, bad}, list[2];
    fp_error error = {FP_STAGE_NONE, 0};
    size_t count = 99;
    CHECK(!fp_handle_list(NULL, 0, extra, 2, list, &count, &error));
    CHECK_EQUAL(error.stage, FP_STAGE_HANDLE_LIST);
    CHECK_EQUAL(error.code, ERROR_INVALID_PARAMETER);
}

static void what_windows_refuses(void)
{
    HANDLE good = event(true), private = event(false), closed = event(true);
    CloseHandle(closed);
    check_refused(good, private);
    check_refused(good, closed);
    check_refused(good, NULL);
    CloseHandle(good);
    CloseHandle(private);
}

static void duplicates(void)
{
    HANDLE plain = event(false), duplicate;
    fp_error error;
    DWORD flags;
    CHECK(fp_duplicate_inheritable(plain, &duplicate, &error));
    CHECK(duplicate != plain);
    CHECK(GetHandleInformation(duplicate, &flags) && (flags & HANDLE_FLAG_INHERIT) != 0);
    CHECK(GetHandleInformation(plain, &flags) && (flags & HANDLE_FLAG_INHERIT) == 0);
    CloseHandle(duplicate);
    CloseHandle(plain);
    CHECK(!fp_duplicate_inheritable(plain, &duplicate, &error));
    CHECK_EQUAL(error.stage, FP_STAGE_HANDLE);
    CHECK_EQUAL(error.code, ERROR_INVALID_HANDLE);
}

typedef LONG(WINAPI *query_file)(HANDLE, void *status, void *out, ULONG size, int kind);

/* Whether calls without an OVERLAPPED may be made on a handle: then it was opened without
 * FILE_FLAG_OVERLAPPED. */
static bool waits(HANDLE file)
{
    enum { FILE_MODE_INFORMATION = 16, SYNCHRONOUS_IO = 0x10 | 0x20 };
    ULONG_PTR status[2];
    ULONG mode = 0;
    query_file query;
    FARPROC found = GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "NtQueryInformationFile");
    memcpy(&query, &found, sizeof query);
    CHECK_EQUAL(query(file, status, &mode, sizeof mode, FILE_MODE_INFORMATION), 0);
    return (mode & SYNCHRONOUS_IO) != 0;
}

static bool is_inheritable(HANDLE handle)
{
    DWORD flags = 0;
    CHECK(GetHandleInformation(handle, &flags));
    return (flags & HANDLE_FLAG_INHERIT) != 0;
}

/* Programs call ReadFile and WriteFile on their standard handles without an OVERLAPPED. */
static void only_our_end_is_overlapped(void)
{
    const fp_pipe_style styles[] = {FP_PIPE_PLAIN, FP_PIPE_OVERLAPPED};
    fp_spec spec;
    memset(&spec, 0, sizeof spec);
    for (int i = 0; i < 3; i++)
        spec.stdio[i].kind = FP_STDIO_PIPE;
    for (int k = 0; k < 2; k++) {
        fp_ends ends;
        fp_error error;
        CHECK(fp_ends_open(&ends, &spec, styles[k], &error));
        for (int i = 0; i < 3; i++) {
            CHECK(waits(ends.child[i]));
            CHECK_EQUAL(waits(ends.parent[i]), styles[k] == FP_PIPE_PLAIN);
            CHECK(!is_inheritable(ends.child[i]) && !is_inheritable(ends.parent[i]));
        }
        fp_ends_close_child(&ends);
        fp_ends_close_parent(&ends);
    }
}

int main(void)
{
    const check_test tests[] = {
        {"each handle stands in the list once", each_handle_once},
        {"the standard handles and the caller's are in it", standard_handles_and_the_callers},
        {"no handles give an empty list", no_handles_no_list},
        {"a handle that is not inheritable, or none, is refused", what_windows_refuses},
        {"a duplicate is inheritable, its origin stays as it was", duplicates},
        {"of a pipe, only our end is overlapped", only_our_end_is_overlapped},
    };
    return check_main(tests, sizeof tests / sizeof tests[0]);
}
