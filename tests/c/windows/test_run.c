/* Whole runs over overlapped pipes. */
#include "start.h"

#include <stdlib.h>
#include <string.h>

#define LARGE ((size_t)3000000)

static fp_spec piped(const wchar_t *arguments)
{
    fp_spec spec = start_spec(arguments);
    for (int i = 0; i < 3; i++)
        spec.stdio[i].kind = FP_STDIO_PIPE;
    return spec;
}

static void large_input_comes_back(void)
{
    const size_t sizes[] = {0, 1, 4096, 65536, 65537, LARGE};
    unsigned char *data = start_noise(LARGE);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        fp_spec spec = piped(L"copy");
        fp_job job;
        fp_error error;
        start_job(&job, data, sizes[i]);
        CHECK(fp_run_start(&job, &spec, &error));
        CHECK_EQUAL(fp_run_on(&job, &start_no_limits, &error), FP_DONE);
        CHECK_EQUAL(job.output[0].buffer.size, sizes[i]);
        CHECK(memcmp(job.output[0].buffer.data, data, sizes[i]) == 0);
        CHECK_EQUAL(job.output[1].buffer.size, 0);
        CHECK_EQUAL(job.code, 0);
        start_free(&job);
    }
    free(data);
}

static void input_that_nobody_reads(void)
{
    unsigned char *data = start_noise(LARGE);
    fp_spec spec = piped(L"exit 3");
    fp_job job;
    fp_error error;
    start_job(&job, data, LARGE);
    CHECK(fp_run_start(&job, &spec, &error));
    CHECK_EQUAL(fp_run_on(&job, &start_no_limits, &error), FP_DONE);
    CHECK_EQUAL(job.code, 3);
    start_free(&job);
    free(data);
}

/* The pid that "orphan" says; that process is ended, which nobody else would do. */
static void end_grandchild(const fp_buffer *said)
{
    DWORD pid = 0;
    CHECK_EQUAL(said->size, sizeof pid);
    if (said->size != sizeof pid)
        return;
    memcpy(&pid, said->data, sizeof pid);
    HANDLE process = OpenProcess(PROCESS_TERMINATE | SYNCHRONIZE, FALSE, pid);
    CHECK(process != NULL);
    CHECK_EQUAL(WaitForSingleObject(process, 0), WAIT_TIMEOUT);
    CHECK_EQUAL(fp_terminate(process), 0);
    WaitForSingleObject(process, INFINITE);
    CloseHandle(process);
}

static void a_deadline_holds_against_a_grandchild(void)
{
    fp_spec spec = piped(L"orphan 60000");
    fp_job job;
    fp_error error;
    start_job(&job, NULL, 0);
    CHECK(fp_run_start(&job, &spec, &error));
    /* Not before the grandchild is there. */
    while (job.output[0].buffer.size == 0) {
        fp_limits soon = start_limit_ms(20);
        CHECK_EQUAL(fp_run_on(&job, &soon, &error), FP_TIMEOUT);
    }
    fp_run_kill(&job);
    CHECK_EQUAL(job.code, 1);
    end_grandchild(&job.output[0].buffer);
    start_free(&job);
}

static void an_interrupt_loses_nothing(void)
{
    unsigned char *data = start_noise(LARGE);
    fp_limits limits = start_no_limits;
    fp_spec spec = piped(L"copy");
    fp_job job;
    fp_error error;
    fp_outcome outcome;
    int interrupts = 0;
    limits.interrupt = CreateEventW(NULL, FALSE, TRUE, NULL);
    start_job(&job, data, LARGE);
    CHECK(fp_run_start(&job, &spec, &error));
    while ((outcome = fp_run_on(&job, &limits, &error)) == FP_INTERRUPTED)
        if (++interrupts < 20)
            SetEvent(limits.interrupt);
    CHECK_EQUAL(outcome, FP_DONE);
    CHECK(interrupts > 0);
    CHECK_EQUAL(job.output[0].buffer.size, LARGE);
    CHECK(memcmp(job.output[0].buffer.data, data, LARGE) == 0);
    start_free(&job);
    CloseHandle(limits.interrupt);
    free(data);
}

/* Windows names the first of several handles that are ready. */
static void a_stream_that_is_always_ready_does_not_starve_another(void)
{
    static const unsigned char data[20000];
    fp_spec spec = piped(L"");
    fp_ends ends;
    fp_job job;
    fp_error error;
    DWORD count;
    spec.stdio[0].kind = FP_STDIO_NULL;
    start_job(&job, NULL, 0);
    CHECK(fp_ends_open(&ends, &spec, FP_PIPE_OVERLAPPED, &error));
    for (int i = 0; i < 2; i++) {
        CHECK(fp_stream_open(&job.output[i].stream, ends.parent[i + 1], &error));
    }
    CHECK(WriteFile(ends.child[2], "said", 4, &count, NULL));
    for (int i = 0; i < 3; i++) { /* each call serves one handle */
        fp_limits at_once = start_limit_ms(0);
        CHECK(WriteFile(ends.child[1], data, sizeof data, &count, NULL));
        CHECK_EQUAL(fp_run_on(&job, &at_once, &error), FP_TIMEOUT);
    }
    CHECK(job.output[0].buffer.size > 0 && job.output[0].buffer.size < 3 * sizeof data);
    CHECK_EQUAL(job.output[1].buffer.size, 4);
    fp_ends_close_child(&ends);
    start_free(&job);
}

static void many_at_once(void)
{
    fp_job jobs[FP_JOBS_MAX], *all[FP_JOBS_MAX];
    unsigned char *data = start_noise(100000);
    fp_error error;
    size_t count = 8;
    for (size_t i = 0; i < count; i++) {
        fp_spec spec = piped(L"copy");
        start_job(&jobs[i], data, 100000);
        CHECK(fp_run_start(&jobs[i], &spec, &error));
        all[i] = &jobs[i];
    }
    CHECK_EQUAL(fp_communicate(all, count, &start_no_limits, &error), FP_DONE);
    for (size_t i = 0; i < count; i++) {
        CHECK_EQUAL(jobs[i].output[0].buffer.size, 100000);
        CHECK_EQUAL(jobs[i].code, 0);
        start_free(&jobs[i]);
    }
    free(data);
}

/* FASTPROC_RUNS says how many. Under load, under wine, CreateProcess has failed with this error
 * once in thousands: why, is not known. */
static void captured_runs(void)
{
    const char *wanted = getenv("FASTPROC_RUNS");
    int runs = wanted != NULL ? atoi(wanted) : 100, good = 0, not_started = 0;
    int64_t start = fp_now();
    DWORD before = check_handles();
    for (int i = 0; i < runs; i++) {
        fp_spec spec = piped(L"fill 5");
        fp_job job;
        fp_error error = {FP_STAGE_NONE, 0};
        start_job(&job, NULL, 0);
        bool done = fp_run_start(&job, &spec, &error) &&
                    fp_run_on(&job, &start_no_limits, &error) == FP_DONE;
        good += done && job.code == 0 && job.output[0].buffer.size == 5;
        not_started += error.stage == FP_STAGE_CREATE_PROCESS && error.code == ERROR_INTERNAL_ERROR;
        start_free(&job);
    }
    CHECK(runs > 0);
    CHECK_EQUAL(good + not_started, runs);
    CHECK(not_started <= runs / 1000 + 1);
    DWORD after = check_handles();
    CHECK_EQUAL(after, before);
    printf("     %d runs in %d s, %d not started; %lu handles before, %lu after\n", runs,
           (int)((fp_now() - start) / 1000000000), not_started, before, after);
}

#ifdef FP_FAULTS
static bool attempt_run(fp_error *error)
{
    static const unsigned char data[100000];
    fp_spec spec = piped(L"copy");
    fp_job job;
    start_job(&job, data, sizeof data);
    bool done = fp_run_start(&job, &spec, error);
    if (done) {
        done = fp_run_on(&job, &start_no_limits, error) == FP_DONE;
        if (!done)
            fp_run_kill(&job);
    }
    start_free(&job);
    return done;
}

static void faults(void)
{
    const fp_stage in_run[] = {FP_STAGE_PIPE,   FP_STAGE_HANDLE,         FP_STAGE_HANDLE_LIST,
                               FP_STAGE_MEMORY, FP_STAGE_CREATE_PROCESS, FP_STAGE_DRAIN,
                               FP_STAGE_WAIT};
    for (size_t i = 0; i < sizeof in_run / sizeof in_run[0]; i++)
        start_faults(in_run[i], attempt_run);
}
#endif

int main(void)
{
    const check_test tests[] = {
        {"input of any size comes back", large_input_comes_back},
        {"input that nobody reads is no error", input_that_nobody_reads},
        {"a deadline holds against a grandchild", a_deadline_holds_against_a_grandchild},
        {"an interrupt loses nothing", an_interrupt_loses_nothing},
        {"no stream starves another", a_stream_that_is_always_ready_does_not_starve_another},
        {"one loop serves many children", many_at_once},
        {"many captured runs leave no handle", captured_runs},
#ifdef FP_FAULTS
        {"a fault at any stage leaves nothing", faults},
#endif
    };
    return check_main(tests, sizeof tests / sizeof tests[0]);
}
