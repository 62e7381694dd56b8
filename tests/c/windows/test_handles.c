/* The handle list, asked directly: wine accepts lists that Windows refuses. */
#include "check.h"

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

int main(void)
{
    const check_test tests[] = {
        {"each handle stands in the list once", each_handle_once},
        {"the standard handles and the caller's are in it", standard_handles_and_the_callers},
        {"no handles give an empty list", no_handles_no_list},
        {"a handle that is not inheritable, or none, is refused", what_windows_refuses},
        {"a duplicate is inheritable, its origin stays as it was", duplicates},
    };
    return check_main(tests, sizeof tests / sizeof tests[0]);
}
