/* Starting children: what they get, what they say, and what a failure leaves. */
#include "start.h"

#include <string.h>
#include <wchar.h>

static DWORD start_plain(const fp_spec *spec)
{
    fp_ends ends;
    fp_proc proc;
    fp_error error = {FP_STAGE_NONE, 0};
    DWORD code = 54321;
    CHECK(fp_ends_open(&ends, spec, FP_PIPE_PLAIN, &error));
    bool started = fp_spawn(spec, &ends, &proc, &error);
    fp_ends_close_child(&ends);
    CHECK_EQUAL(error.stage, FP_STAGE_NONE);
    if (started)
        code = start_finish(&proc);
    fp_ends_close_parent(&ends);
    return code;
}

static void exit_codes(void)
{
    const wchar_t *arguments[] = {L"exit 0", L"exit 1", L"exit 259", L"exit 3221225477"};
    const DWORD codes[] = {0, 1, 259, 3221225477u};
    for (int i = 0; i < 4; i++) {
        fp_spec spec = start_spec(arguments[i]);
        CHECK_EQUAL(start_plain(&spec), codes[i]);
    }
}

/* 259 is also what GetExitCodeProcess says of a process that runs. */
static void a_running_child_is_not_259(void)
{
    fp_spec spec = start_spec(L"sleep 60000");
    fp_ends ends;
    fp_proc proc;
    fp_error error;
    DWORD code = 0;
    CHECK(fp_ends_open(&ends, &spec, FP_PIPE_PLAIN, &error));
    CHECK(fp_spawn(&spec, &ends, &proc, &error));
    fp_limits limits = start_limit_ms(50);
    int64_t before = fp_now();
    CHECK_EQUAL(fp_wait_process(proc.process, &limits, &code, &error), FP_TIMEOUT);
    CHECK(fp_now() - before >= 50 * 1000000);
    CHECK_EQUAL(fp_terminate(proc.process), 0);
    CHECK_EQUAL(start_finish(&proc), 1);
}

static void check_failure(const fp_spec *spec, DWORD code)
{
    fp_ends ends;
    fp_proc proc;
    fp_error error = {FP_STAGE_NONE, 0};
    CHECK(fp_ends_open(&ends, spec, FP_PIPE_PLAIN, &error));
    CHECK(!fp_spawn(spec, &ends, &proc, &error));
    CHECK_EQUAL(error.stage, FP_STAGE_CREATE_PROCESS);
    CHECK_EQUAL(error.code, code);
    fp_ends_close_child(&ends);
    fp_ends_close_parent(&ends);
}

static void programs_and_folders_that_are_none(void)
{
    fp_spec missing = start_spec(L"exit 0"), nowhere = start_spec(L"exit 0");
    missing.application = L"C:\\no\\such\\program.exe";
    check_failure(&missing, ERROR_PATH_NOT_FOUND);
    missing.application = L"C:\\no-such-program.exe";
    check_failure(&missing, ERROR_FILE_NOT_FOUND);
    missing.stdio[1].kind = missing.stdio[2].kind = FP_STDIO_PIPE;
    check_failure(&missing, ERROR_FILE_NOT_FOUND);
    nowhere.cwd = L"C:\\no such folder";
    check_failure(&nowhere, ERROR_DIRECTORY);
}

/* What the child says begins so. */
static void begins(const fp_spec *given, const void *wanted, size_t size)
{
    fp_spec spec = *given;
    fp_job job;
    fp_error error = {FP_STAGE_NONE, 0};
    spec.stdio[1].kind = FP_STDIO_PIPE;
    start_job(&job, NULL, 0);
    CHECK(fp_run_start(&job, &spec, &error));
    CHECK_EQUAL(fp_run_on(&job, &start_no_limits, &error), FP_DONE);
    CHECK_EQUAL(job.code, 0);
    CHECK(job.output[0].buffer.size >= size &&
          memcmp(job.output[0].buffer.data, wanted, size) == 0);
    start_free(&job);
}

/* wine puts variables of its own behind the last of ours. */
static void the_environment_is_the_block(void)
{
    const wchar_t block[] = L"=C:=C:\\x\0A=1\0b=\0";
    fp_spec spec = start_spec(L"env");
    spec.environment = block;
    begins(&spec, block, sizeof block - sizeof(wchar_t));
}

/* Whether a child that is told to set an inheritable event can do so. */
static bool reaches(fp_spec spec, bool listed)
{
    wchar_t arguments[64];
    SECURITY_ATTRIBUTES attributes = {sizeof attributes, NULL, TRUE};
    HANDLE event = CreateEventW(&attributes, TRUE, FALSE, NULL);
    swprintf(arguments, 64, L"set %u", (unsigned)(UINT_PTR)event);
    spec.command_line = check_child(arguments);
    spec.handle_list = &event;
    spec.n_handle_list = listed ? 1 : 0;
    CHECK_EQUAL(start_plain(&spec), 0);
    bool reached = WaitForSingleObject(event, 0) == WAIT_OBJECT_0;
    CloseHandle(event);
    return reached;
}

static void only_what_is_listed_is_inherited(void)
{
    fp_spec plain = start_spec(L""), redirected = plain;
    redirected.stdio[0].kind = redirected.stdio[1].kind = FP_STDIO_NULL;
    CHECK(!reaches(plain, false));
    CHECK(reaches(plain, true));
    CHECK(!reaches(redirected, false));
    CHECK(reaches(redirected, true));
    plain.close_fds = redirected.close_fds = false;
    CHECK(reaches(plain, false));
    CHECK(reaches(redirected, false));
}

static void stderr_may_be_closed_and_stdout_stay(void)
{
    fp_spec spec = start_spec(L"close-stdin");
    spec.stdio[0].kind = FP_STDIO_NULL;
    spec.stdio[2].kind = FP_STDIO_STDOUT;
    begins(&spec, "closed", 6);
}

#ifdef FP_FAULTS
static bool attempt_spawn(fp_error *error)
{
    fp_spec spec = start_spec(L"exit 0");
    fp_ends ends;
    fp_proc proc;
    spec.stdio[0].kind = FP_STDIO_NULL;
    spec.stdio[1].kind = spec.stdio[2].kind = FP_STDIO_PIPE;
    if (!fp_ends_open(&ends, &spec, FP_PIPE_PLAIN, error))
        return false;
    bool started = fp_spawn(&spec, &ends, &proc, error);
    fp_ends_close_child(&ends);
    fp_ends_close_parent(&ends);
    if (started)
        start_finish(&proc);
    return started;
}

static void faults(void)
{
    const fp_stage stages[] = {FP_STAGE_PIPE,   FP_STAGE_NULL_DEVICE, FP_STAGE_HANDLE,
                               FP_STAGE_MEMORY, FP_STAGE_HANDLE_LIST, FP_STAGE_CREATE_PROCESS};
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        int count = start_faults(stages[i], attempt_spawn);
        /* Three handles to list; the attribute list is made, and it is set there. */
        if (stages[i] == FP_STAGE_HANDLE_LIST)
            CHECK_EQUAL(count, 3 + 2);
    }
}
#endif

int main(void)
{
    const check_test tests[] = {
        {"exit codes come back whole", exit_codes},
        {"a child that runs has no exit code", a_running_child_is_not_259},
        {"a missing program, a missing folder", programs_and_folders_that_are_none},
        {"the child's environment is the block", the_environment_is_the_block},
        {"only what is listed is inherited", only_what_is_listed_is_inherited},
        {"the standard handles do not depend on each other", stderr_may_be_closed_and_stdout_stay},
#ifdef FP_FAULTS
        {"a fault at any stage leaves nothing", faults},
#endif
    };
    return check_main(tests, sizeof tests / sizeof tests[0]);
}
