/* The pumps that serve plain pipes. */
#include "start.h"

#include <stdlib.h>
#include <string.h>

#include "windows/pump.h"

#define LARGE ((size_t)3000000)
#define PATIENCE_MS 60000

static void pumps_carry_all(void)
{
    unsigned char *data = start_noise(LARGE);
    HANDLE out, in;
    fp_error error;
    CHECK(CreatePipe(&out, &in, NULL, 0));
    fp_pump *reader = fp_pump_read(out, &error);
    fp_pump *writer = fp_pump_write(in, data, LARGE, &error);
    CloseHandle(in); /* theirs are duplicates */
    WaitForSingleObject(fp_pump_thread(writer), INFINITE);
    WaitForSingleObject(fp_pump_thread(reader), INFINITE);
    CHECK(fp_pump_result(reader, &error) && fp_pump_result(writer, &error));
    CHECK_EQUAL(fp_pump_output(reader)->size, LARGE);
    CHECK(memcmp(fp_pump_output(reader)->data, data, LARGE) == 0);
    CHECK(fp_pump_free(reader, PATIENCE_MS));
    CHECK(fp_pump_free(writer, PATIENCE_MS));
    CloseHandle(out);
    free(data);
}

static void pumps_can_be_stopped(void)
{
    static const unsigned char data[1000000];
    HANDLE out, in, out2, in2;
    fp_error error;
    DWORD count;
    CHECK(CreatePipe(&out, &in, NULL, 0));
    CHECK(CreatePipe(&out2, &in2, NULL, 0));
    fp_pump *reader = fp_pump_read(out, &error);
    fp_pump *writer = fp_pump_write(in2, data, sizeof data, &error);
    CHECK(WriteFile(in, "said", 4, &count, NULL));
    CHECK(fp_pump_stop(reader, PATIENCE_MS));
    CHECK_EQUAL(fp_pump_output(reader)->size, 4);
    CHECK(fp_pump_result(reader, &error));
    CHECK(fp_pump_free(reader, PATIENCE_MS));
    CHECK(fp_pump_free(writer, PATIENCE_MS));
    CHECK(fp_pump_free(NULL, PATIENCE_MS));
    CloseHandle(out);
    CloseHandle(in);
    CloseHandle(out2);
    CloseHandle(in2);
}

/* More than one read takes; the thread is held, so that it makes no more than one. */
static void what_the_pipe_holds_is_read_too(void)
{
    static const unsigned char data[300000];
    HANDLE out, in;
    fp_error error;
    DWORD count;
    CHECK(CreatePipe(&out, &in, NULL, 2 * sizeof data));
    fp_pump *reader = fp_pump_read(out, &error);
    SuspendThread(fp_pump_thread(reader));
    CHECK(WriteFile(in, data, sizeof data, &count, NULL));
    CHECK(!fp_pump_stop(reader, 0));
    ResumeThread(fp_pump_thread(reader));
    CHECK(fp_pump_stop(reader, PATIENCE_MS));
    CHECK_EQUAL(fp_pump_output(reader)->size, sizeof data);
    CHECK(fp_pump_free(reader, PATIENCE_MS));
    CloseHandle(out);
    CloseHandle(in);
}

/* A thread that a debugger holds, or a call that a driver does not let go: whoever wants to
 * stop the pump goes on, and the thread tidies up when it gets away. */
static void pumps_that_cannot_be_stopped_are_left_alone(void)
{
    static const unsigned char data[1000000];
    HANDLE out, in, out2, in2, threads[2];
    fp_error error;
    DWORD count;
    const HANDLE process = GetCurrentProcess();
    CHECK(CreatePipe(&out, &in, NULL, 0));
    CHECK(CreatePipe(&out2, &in2, NULL, 0));
    fp_pump *pumps[] = {fp_pump_read(out, &error), fp_pump_write(in2, data, sizeof data, &error)};
    CHECK(WriteFile(in, "said", 4, &count, NULL));
    Sleep(50); /* both threads wait by now; if not, it is all the same */
    for (int i = 0; i < 2; i++) {
        CHECK(DuplicateHandle(process, fp_pump_thread(pumps[i]), process, &threads[i], 0, FALSE,
                              DUPLICATE_SAME_ACCESS));
        CHECK_EQUAL(SuspendThread(threads[i]), 0);
        CHECK(!fp_pump_stop(pumps[i], 20));
        CHECK_EQUAL(fp_pump_output(pumps[i])->size, 0); /* the thread may be writing to it */
        CHECK(!fp_pump_free(pumps[i], 20));
    }
    for (int i = 0; i < 2; i++) {
        CHECK_EQUAL(ResumeThread(threads[i]), 1);
        CHECK_EQUAL(WaitForSingleObject(threads[i], PATIENCE_MS), WAIT_OBJECT_0);
        CloseHandle(threads[i]);
    }
    CloseHandle(out);
    CloseHandle(in);
    CloseHandle(out2);
    CloseHandle(in2);
}

#ifdef FP_FAULTS
static bool attempt_reading_pump(fp_error *error)
{
    HANDLE out, in;
    CHECK(CreatePipe(&out, &in, NULL, 0));
    fp_pump *reader = fp_pump_read(out, error);
    bool good = reader != NULL;
    CloseHandle(in);
    if (good) {
        WaitForSingleObject(fp_pump_thread(reader), INFINITE);
        good = fp_pump_result(reader, error);
    }
    CHECK(fp_pump_free(reader, PATIENCE_MS));
    CloseHandle(out);
    return good;
}

/* Little enough for the pipe, so that only one thread is at work when a fault comes. */
static bool attempt_writing_pump(fp_error *error)
{
    static const unsigned char data[] = "said";
    HANDLE out, in;
    DWORD left = 0;
    CHECK(CreatePipe(&out, &in, NULL, 0));
    fp_pump *writer = fp_pump_write(in, data, sizeof data, error);
    bool good = writer != NULL;
    CloseHandle(in);
    if (good) {
        WaitForSingleObject(fp_pump_thread(writer), INFINITE);
        good = fp_pump_result(writer, error);
        CHECK_EQUAL(PeekNamedPipe(out, NULL, 0, NULL, &left, NULL), good);
        CHECK_EQUAL(left, good ? sizeof data : 0);
    }
    CHECK(fp_pump_free(writer, PATIENCE_MS));
    CloseHandle(out);
    return good;
}

static void faults(void)
{
    const fp_stage stages[] = {FP_STAGE_MEMORY, FP_STAGE_HANDLE, FP_STAGE_DRAIN};
    /* The pump itself, and a reader's buffer; the duplicate; the thread, and its one call. */
    const int reading[] = {2, 1, 2}, writing[] = {1, 1, 2};
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        CHECK_EQUAL(start_faults(stages[i], attempt_reading_pump), reading[i]);
        CHECK_EQUAL(start_faults(stages[i], attempt_writing_pump), writing[i]);
    }
}
#endif

int main(void)
{
    const check_test tests[] = {
        {"pumps carry all", pumps_carry_all},
        {"pumps can be stopped", pumps_can_be_stopped},
        {"what the pipe holds when a pump is stopped is read too", what_the_pipe_holds_is_read_too},
        {"pumps that cannot be stopped are left alone",
         pumps_that_cannot_be_stopped_are_left_alone},
#ifdef FP_FAULTS
        {"a fault at any stage leaves nothing", faults},
#endif
    };
    return check_main(tests, sizeof tests / sizeof tests[0]);
}
