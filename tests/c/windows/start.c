#include "start.h"

#include <stdlib.h>
#include <string.h>

#include "windows/fault.h"

const fp_limits start_no_limits = {{false, 0}, NULL};

fp_spec start_spec(const wchar_t *arguments)
{
    fp_spec spec;
    memset(&spec, 0, sizeof spec);
    spec.command_line = check_child(arguments);
    spec.close_fds = true;
    return spec;
}

DWORD start_finish(fp_proc *proc)
{
    DWORD code = 12345;
    fp_error error;
    CHECK_EQUAL(fp_wait_process(proc->process, &start_no_limits, &code, &error), FP_DONE);
    CloseHandle(proc->process);
    return code;
}

void start_job(fp_job *job, const void *input, size_t size)
{
    void *owners[2] = {NULL, NULL};
    fp_job_init(job, fp_buffer_grow_malloc, owners);
    job->input.data = input;
    job->input.size = size;
}

void start_free(fp_job *job)
{
    fp_run_close(job);
    fp_buffer_free_malloc(&job->output[0].buffer);
    fp_buffer_free_malloc(&job->output[1].buffer);
}

fp_limits start_limit_ms(int milliseconds)
{
    fp_limits limits = {fp_deadline_in((int64_t)milliseconds * 1000000), NULL};
    return limits;
}

unsigned char *start_noise(size_t size)
{
    unsigned char *data = malloc(size);
    unsigned state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525u + 1013904223u;
        data[i] = (unsigned char)(state >> 24);
    }
    return data;
}

#ifdef FP_FAULTS
/* What an error of this stage says when fp_fault made it. */
static DWORD fault_code(fp_stage stage, DWORD code)
{
    if (stage == FP_STAGE_MEMORY)
        return ERROR_NOT_ENOUGH_MEMORY;
    /* A handle that cannot be listed is told so by the list's own check. */
    if (stage == FP_STAGE_HANDLE_LIST && code == ERROR_INVALID_PARAMETER)
        return code;
    return ERROR_GEN_FAILURE;
}

int start_faults(fp_stage stage, bool (*attempt)(fp_error *error))
{
    const int most = 40;
    int after = 0;
    for (bool succeeded = false; !succeeded && after < most; after++) {
        fp_error error = {FP_STAGE_NONE, 0};
        DWORD handles = check_handles();
        fp_fault_stage = stage;
        fp_fault_after = after;
        succeeded = attempt(&error);
        fp_fault_stage = FP_STAGE_NONE;
        if (succeeded)
            CHECK(fp_fault_after >= 0); /* or a fault was met, and swallowed */
        else {
            CHECK_EQUAL(error.stage, stage);
            CHECK_EQUAL(error.code, fault_code(stage, (DWORD)error.code));
        }
        CHECK_EQUAL(check_handles(), handles);
        CHECK_EQUAL(check_children(), 0);
    }
    CHECK(after > 1 && after < most);
    return after - 1;
}
#endif
