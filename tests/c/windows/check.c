#include "check.h"

#include <tlhelp32.h>
#include <wchar.h>

int check_failures;

void check_equal(const char *file, int line, const char *what, long long got, long long wanted)
{
    if (got == wanted)
        return;
    check_failures++;
    printf("%s:%d: %s is %lld, not %lld\n", file, line, what, got, wanted);
}

DWORD check_handles(void)
{
    DWORD count = 0;
    if (!GetProcessHandleCount(GetCurrentProcess(), &count)) {
        check_failures++;
        printf("GetProcessHandleCount fails with %lu\n", GetLastError());
    }
    return count;
}

int check_children(void)
{
    int children = 0;
    PROCESSENTRY32W entry;
    HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    entry.dwSize = sizeof entry;
    for (BOOL more = Process32FirstW(all, &entry); more; more = Process32NextW(all, &entry))
        children += entry.th32ParentProcessID == GetCurrentProcessId();
    CloseHandle(all);
    return children;
}

const wchar_t *check_child(const wchar_t *arguments)
{
    static wchar_t line[4096];
    wchar_t program[MAX_PATH];
    GetModuleFileNameW(NULL, program, MAX_PATH);
    *(wcsrchr(program, L'\\') + 1) = 0;
    wcscpy(line, L"\"");
    wcscat(line, program);
    wcscat(line, L"child.exe\" ");
    wcscat(line, arguments);
    return line;
}

int check_main(const check_test *tests, size_t count)
{
    check_children(); /* whatever the first call keeps open, it does so before we count */
    for (size_t i = 0; i < count; i++) {
        int failures = check_failures;
        DWORD handles = check_handles();
        tests[i].run();
        CHECK_EQUAL(check_handles(), handles);
        CHECK_EQUAL(check_children(), 0);
        printf("%s %s\n", failures == check_failures ? "ok  " : "FAIL", tests[i].name);
        fflush(stdout);
    }
    return check_failures != 0;
}
