#include "spawn.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "fault.h"
#include "handles.h"
#include "wait.h"

/* What a call acquires, and gives back at its end. */
typedef struct fp_call {
    HANDLE std[3]; /* inheritable duplicates; NULL: none */
    size_t n_std;
    HANDLE *list;
    size_t n_list;
    LPPROC_THREAD_ATTRIBUTE_LIST attributes;
    bool has_attributes;
    wchar_t *command_line;
} fp_call;

bool fp_spec_redirects(const fp_spec *spec)
{
    for (int i = 0; i < 3; i++)
        if (spec->stdio[i].kind != FP_STDIO_INHERIT)
            return true;
    return false;
}

static void *fp_allocate(size_t size, fp_error *error)
{
    void *memory = fp_fault(FP_STAGE_MEMORY) ? NULL : malloc(size);
    if (memory == NULL)
        *error = (fp_error){FP_STAGE_MEMORY, ERROR_NOT_ENOUGH_MEMORY};
    return memory;
}

/* Each end its own duplicate, also where two are the same: a child that closes its stderr
 * keeps its stdout. */
static bool fp_duplicate_ends(fp_call *call, const fp_ends *ends, fp_error *error)
{
    for (size_t i = 0; i < 3; i++) {
        if (!fp_duplicate_inheritable(ends->child[i], &call->std[i], error)) {
            call->std[i] = NULL;
            return false;
        }
        call->n_std = i + 1;
    }
    return true;
}

/* A list is wanted where handles are inherited and not all of them shall be. */
static bool fp_make_list(fp_call *call, const fp_spec *spec, fp_error *error)
{
    bool wanted = spec->n_handle_list > 0 || (call->n_std > 0 && spec->close_fds);
    if (!wanted)
        return true;
    call->list = fp_allocate((call->n_std + spec->n_handle_list) * sizeof *call->list, error);
    return call->list != NULL &&
           fp_handle_list(call->std, call->n_std, spec->handle_list, spec->n_handle_list,
                          call->list, &call->n_list, error);
}

static bool fp_make_attributes(fp_call *call, fp_error *error)
{
    SIZE_T size = 0;
    if (call->n_list == 0)
        return true;
    InitializeProcThreadAttributeList(NULL, 1, 0, &size); /* fails, and tells the size */
    call->attributes = fp_allocate(size, error);
    if (call->attributes == NULL)
        return false;
    call->has_attributes = !fp_fault(FP_STAGE_HANDLE_LIST) &&
                           InitializeProcThreadAttributeList(call->attributes, 1, 0, &size);
    if (!call->has_attributes || fp_fault(FP_STAGE_HANDLE_LIST) ||
        !UpdateProcThreadAttribute(call->attributes, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
                                   call->list, call->n_list * sizeof *call->list, NULL, NULL)) {
        *error = fp_last_error(FP_STAGE_HANDLE_LIST);
        return false;
    }
    return true;
}

/* CreateProcessW writes into the string that it is given. */
static bool fp_copy_command_line(fp_call *call, const fp_spec *spec, fp_error *error)
{
    size_t size = (wcslen(spec->command_line) + 1) * sizeof(wchar_t);
    call->command_line = fp_allocate(size, error);
    if (call->command_line == NULL)
        return false;
    memcpy(call->command_line, spec->command_line, size);
    return true;
}

static void fp_fill_startup(STARTUPINFOEXW *startup, const fp_call *call, const fp_spec *spec)
{
    const HANDLE *std = call->n_std > 0 ? call->std : spec->std_handles;
    memset(startup, 0, sizeof *startup);
    startup->StartupInfo.cb = call->has_attributes ? sizeof *startup : sizeof startup->StartupInfo;
    startup->StartupInfo.dwFlags =
        spec->startup_flags | (call->n_std > 0 ? STARTF_USESTDHANDLES : 0);
    startup->StartupInfo.wShowWindow = spec->show_window;
    startup->StartupInfo.hStdInput = std[0];
    startup->StartupInfo.hStdOutput = std[1];
    startup->StartupInfo.hStdError = std[2];
    startup->lpAttributeList = call->attributes;
}

/* Only a STARTUPINFOEXW that has an attribute list is said to be one. */
static DWORD fp_creation_flags(const fp_call *call, const fp_spec *spec)
{
    DWORD flags = spec->creation_flags & ~(DWORD)EXTENDED_STARTUPINFO_PRESENT;
    if (call->has_attributes)
        flags |= EXTENDED_STARTUPINFO_PRESENT;
    return flags | CREATE_UNICODE_ENVIRONMENT;
}

static bool fp_create_process(fp_call *call, const fp_spec *spec, fp_proc *proc, fp_error *error)
{
    STARTUPINFOEXW startup;
    PROCESS_INFORMATION born;
    DWORD flags = fp_creation_flags(call, spec);
    BOOL inherit = call->n_list > 0 || !spec->close_fds;
    fp_fill_startup(&startup, call, spec);
    if (fp_fault(FP_STAGE_CREATE_PROCESS) ||
        !CreateProcessW(spec->application, call->command_line, NULL, NULL, inherit, flags,
                        (void *)spec->environment, spec->cwd, &startup.StartupInfo, &born)) {
        *error = fp_last_error(FP_STAGE_CREATE_PROCESS);
        return false;
    }
    CloseHandle(born.hThread);
    proc->process = born.hProcess;
    proc->pid = born.dwProcessId;
    return true;
}

static void fp_end_call(fp_call *call)
{
    for (size_t i = 0; i < call->n_std; i++)
        CloseHandle(call->std[i]);
    if (call->has_attributes)
        DeleteProcThreadAttributeList(call->attributes);
    free(call->attributes);
    free(call->list);
    free(call->command_line);
}

bool fp_spawn(const fp_spec *spec, const fp_ends *ends, fp_proc *proc, fp_error *error)
{
    fp_call call;
    bool redirects = ends->child[0] != NULL && ends->child[1] != NULL && ends->child[2] != NULL;
    memset(&call, 0, sizeof call);
    bool started = (!redirects || fp_duplicate_ends(&call, ends, error)) &&
                   fp_make_list(&call, spec, error) && fp_make_attributes(&call, error) &&
                   fp_copy_command_line(&call, spec, error) &&
                   fp_create_process(&call, spec, proc, error);
    fp_end_call(&call);
    return started;
}
