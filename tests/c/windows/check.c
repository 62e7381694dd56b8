#include "check.h"

#include <stdlib.h>
#include <string.h>
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

/* GetProcessHandleCount() would do on Windows, but wine 8 answers 0, always; so every handle of
 * the system is listed, and ours are counted. The list begins with two words: how many, and a
 * reserved one. */
typedef struct listed_handle {
    void *object;
    ULONG_PTR process, value;
    ULONG access;
    USHORT trace, type;
    ULONG attributes, reserved;
} listed_handle;

typedef LONG(WINAPI *query_function)(int kind, void *buffer, ULONG size, ULONG *needed);

DWORD check_handles(void)
{
    enum { SYSTEM_EXTENDED_HANDLE_INFORMATION = 64 };
    const LONG too_short = (LONG)0xC0000004; /* STATUS_INFO_LENGTH_MISMATCH */
    static query_function query;
    if (query == NULL) {
        FARPROC found = GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "NtQuerySystemInformation");
        memcpy(&query, &found, sizeof query);
    }
    ULONG size = 1 << 16;
    ULONG_PTR *table = NULL;
    LONG status = too_short;
    while (status == too_short) {
        size *= 2;
        free(table);
        table = malloc(size);
        status = query(SYSTEM_EXTENDED_HANDLE_INFORMATION, table, size, NULL);
    }
    DWORD count = 0;
    CHECK(status == 0);
    if (status == 0) {
        const listed_handle *listed = (const listed_handle *)(table + 2);
        for (ULONG_PTR i = 0; i < table[0]; i++)
            count += listed[i].process == GetCurrentProcessId();
    }
    free(table);
    return count;
}

static void see_to_it_that_handles_are_counted(void)
{
    DWORD before = check_handles();
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    CHECK_EQUAL(check_handles(), before + 1);
    CloseHandle(event);
    CHECK_EQUAL(check_handles(), before);
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
    see_to_it_that_handles_are_counted();
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
