/* The program that the tests start. Says what it was given, or does as it is told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>

static void put(const void *data, size_t size)
{
    const char *at = data;
    DWORD count;
    while (size > 0) {
        DWORD some = size < 65536 ? (DWORD)size : 65536;
        if (!WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), at, some, &count, NULL))
            ExitProcess(90);
        at += count;
        size -= count;
    }
}

/* What this C runtime made of the command line, then what Windows itself makes of it: UTF-16,
 * each argument ended by a NUL. */
static void arguments(int argc, wchar_t **argv)
{
    int count;
    wchar_t **parsed = CommandLineToArgvW(GetCommandLineW(), &count);
    for (int i = 2; i < argc; i++)
        put(argv[i], (wcslen(argv[i]) + 1) * sizeof(wchar_t));
    put(L"\1", 2 * sizeof(wchar_t));
    for (int i = 2; i < count; i++)
        put(parsed[i], (wcslen(parsed[i]) + 1) * sizeof(wchar_t));
}

static void environment(void)
{
    wchar_t *block = GetEnvironmentStringsW(), *at = block;
    while (*at != 0)
        at += wcslen(at) + 1;
    put(block, (size_t)(at - block) * sizeof(wchar_t));
}

/* Sets the events of these numbers. One that was not inherited is no handle here, or some other
 * one: the parent sees by its event. */
static void set(int argc, wchar_t **argv)
{
    for (int i = 2; i < argc; i++)
        SetEvent((HANDLE)(UINT_PTR)wcstoul(argv[i], NULL, 10));
}

static void copy(void)
{
    static char buffer[65536];
    DWORD count;
    while (ReadFile(GetStdHandle(STD_INPUT_HANDLE), buffer, sizeof buffer, &count, NULL) &&
           count > 0)
        put(buffer, count);
}

/* Leaves a grandchild behind that holds our standard handles, then does as the rest says. */
static void leave_grandchild(void)
{
    STARTUPINFOW startup;
    PROCESS_INFORMATION born;
    wchar_t line[MAX_PATH + 32], program[MAX_PATH];
    memset(&startup, 0, sizeof startup);
    startup.cb = sizeof startup;
    GetModuleFileNameW(NULL, program, MAX_PATH);
    wcscpy(line, L"\"");
    wcscat(line, program);
    wcscat(line, L"\" sleep 60000");
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &born))
        ExitProcess(91);
    /* Whose pid goes to stdout, for the test to end it. */
    put(&born.dwProcessId, sizeof born.dwProcessId);
}

int wmain(int argc, wchar_t **argv)
{
    const wchar_t *what = argc > 1 ? argv[1] : L"";
    unsigned long number = argc > 2 ? wcstoul(argv[2], NULL, 10) : 0;
    if (wcscmp(what, L"exit") == 0)
        ExitProcess(number);
    if (wcscmp(what, L"argv") == 0)
        arguments(argc, argv);
    else if (wcscmp(what, L"env") == 0)
        environment();
    else if (wcscmp(what, L"set") == 0)
        set(argc, argv);
    else if (wcscmp(what, L"copy") == 0)
        copy();
    else if (wcscmp(what, L"sleep") == 0)
        Sleep(number);
    else if (wcscmp(what, L"close-stdin") == 0) {
        CloseHandle(GetStdHandle(STD_INPUT_HANDLE));
        put("closed", 6);
    } else if (wcscmp(what, L"fill") == 0) {
        char *data = calloc(1, number + 1);
        memset(data, 'x', number);
        put(data, number);
    } else if (wcscmp(what, L"orphan") == 0) {
        leave_grandchild();
        Sleep(number);
    } else
        ExitProcess(92);
    return 0;
}
