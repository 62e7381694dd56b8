#include "ends.h"

#include <stdint.h>
#include <string.h>

#include "fault.h"
#include "wait.h"

/* What a pipe of the overlapped style holds: as much as one large read takes. */
#define FP_PIPE_SIZE (64 * 1024)
#define FP_PIPE_NAME_MAX 96

static const DWORD fp_std_names[] = {STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE};

static volatile LONG fp_pipe_number;

static wchar_t *fp_put_hex(wchar_t *at, uint64_t value)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        *at++ = (wchar_t)("0123456789abcdef"[(value >> shift) & 15]);
    return at;
}

/* A name that nobody has: process, counter, and the clock against guessing. */
static void fp_pipe_name(wchar_t *name)
{
    static const wchar_t prefix[] = L"\\\\.\\pipe\\LOCAL\\fastproc-";
    uint64_t process = GetCurrentProcessId(),
             number = (uint32_t)InterlockedIncrement(&fp_pipe_number);
    memcpy(name, prefix, sizeof prefix);
    name += sizeof prefix / sizeof prefix[0] - 1;
    name = fp_put_hex(name, process << 32 | number);
    *name++ = '-';
    name = fp_put_hex(name, (uint64_t)fp_now());
    *name = 0;
}

/* Only named pipes can be overlapped. The parent's end is, the child's is a plain one,
 * because programs expect that of their standard handles. One instance, the first of its
 * name, and no client from another machine: the child's end is opened here and now, so
 * nobody can come in between. */
static bool fp_overlapped_pipe(bool parent_reads, HANDLE *parent, HANDLE *child)
{
    wchar_t name[FP_PIPE_NAME_MAX];
    DWORD direction = parent_reads ? PIPE_ACCESS_INBOUND : PIPE_ACCESS_OUTBOUND;
    DWORD access =
        parent_reads ? GENERIC_WRITE | FILE_READ_ATTRIBUTES : GENERIC_READ | FILE_WRITE_ATTRIBUTES;
    fp_pipe_name(name);
    *parent = CreateNamedPipeW(
        name, direction | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
        PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS, 1,
        FP_PIPE_SIZE, FP_PIPE_SIZE, 0, NULL);
    if (*parent == INVALID_HANDLE_VALUE)
        return false;
    *child = CreateFileW(name, access, 0, NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (*child != INVALID_HANDLE_VALUE)
        return true;
    DWORD code = GetLastError();
    CloseHandle(*parent);
    SetLastError(code);
    return false;
}

static bool fp_plain_pipe(bool parent_reads, HANDLE *parent, HANDLE *child)
{
    return parent_reads ? CreatePipe(parent, child, NULL, 0) : CreatePipe(child, parent, NULL, 0);
}

static bool fp_open_pipe(fp_ends *ends, int which, fp_pipe_style style, fp_error *error)
{
    HANDLE parent, child;
    bool parent_reads = which != 0, made;
    if (fp_fault(FP_STAGE_PIPE))
        made = false;
    else if (style == FP_PIPE_OVERLAPPED)
        made = fp_overlapped_pipe(parent_reads, &parent, &child);
    else
        made = fp_plain_pipe(parent_reads, &parent, &child);
    if (!made) {
        *error = fp_last_error(FP_STAGE_PIPE);
        return false;
    }
    ends->parent[which] = parent;
    ends->child[which] = child;
    ends->child_own[which] = true;
    return true;
}

static bool fp_open_null(fp_ends *ends, int which, fp_error *error)
{
    HANDLE handle = INVALID_HANDLE_VALUE;
    if (!fp_fault(FP_STAGE_NULL_DEVICE))
        handle = CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE,
                             FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    if (handle == INVALID_HANDLE_VALUE) {
        *error = fp_last_error(FP_STAGE_NULL_DEVICE);
        return false;
    }
    ends->child[which] = handle;
    ends->child_own[which] = true;
    return true;
}

/* A process without a console has no standard handles. Its children get a pipe that nobody
 * else holds, so that they read an end of file, and an error when they write. */
static bool fp_open_inherited(fp_ends *ends, int which, fp_error *error)
{
    HANDLE handle = GetStdHandle(fp_std_names[which]);
    if (handle == INVALID_HANDLE_VALUE) {
        *error = fp_last_error(FP_STAGE_HANDLE);
        return false;
    }
    if (handle != NULL) {
        ends->child[which] = handle;
        return true;
    }
    if (!fp_open_pipe(ends, which, FP_PIPE_PLAIN, error))
        return false;
    CloseHandle(ends->parent[which]);
    ends->parent[which] = NULL;
    return true;
}

static bool fp_open_end(fp_ends *ends, const fp_spec *spec, int which, fp_pipe_style style,
                        fp_error *error)
{
    switch (spec->stdio[which].kind) {
    case FP_STDIO_INHERIT:
        return fp_open_inherited(ends, which, error);
    case FP_STDIO_PIPE:
        return fp_open_pipe(ends, which, style, error);
    case FP_STDIO_NULL:
        return fp_open_null(ends, which, error);
    case FP_STDIO_HANDLE:
        ends->child[which] = spec->stdio[which].handle;
        return true;
    case FP_STDIO_STDOUT:
        if (which == 2) {
            ends->child[2] = ends->child[1];
            return true;
        }
        break;
    }
    *error = (fp_error){FP_STAGE_CHECK, ERROR_INVALID_PARAMETER};
    return false;
}

bool fp_ends_open(fp_ends *ends, const fp_spec *spec, fp_pipe_style style, fp_error *error)
{
    memset(ends, 0, sizeof *ends);
    if (!fp_spec_redirects(spec))
        return true;
    for (int which = 0; which < 3; which++) {
        if (!fp_open_end(ends, spec, which, style, error)) {
            fp_ends_close_child(ends);
            fp_ends_close_parent(ends);
            return false;
        }
    }
    return true;
}

void fp_ends_close_child(fp_ends *ends)
{
    for (int which = 0; which < 3; which++) {
        if (ends->child_own[which])
            CloseHandle(ends->child[which]);
        ends->child[which] = NULL;
        ends->child_own[which] = false;
    }
}

void fp_ends_close_parent(fp_ends *ends)
{
    for (int which = 0; which < 3; which++) {
        if (ends->parent[which] != NULL)
            CloseHandle(ends->parent[which]);
        ends->parent[which] = NULL;
    }
}
