/* What a child makes of our command line: its C runtime, and CommandLineToArgvW, must give back
 * each argument. FASTPROC_ROUNDS says how many children, with ARGS random arguments each. */
#include "start.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "windows/cmdline.h"

#define ARGS 500
#define MOST 12 /* units in an argument */

static unsigned state = 20240229;

static unsigned next(unsigned below)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
}

/* Mostly what the quoting rules are about; no wildcards, which some runtimes expand. */
static uint16_t random_unit(void)
{
    static const wchar_t special[] = L"\\\\\\\\\"\"\" \t\n\v'^%&|<>()a";
    if (next(4) > 0)
        return special[next(sizeof special / sizeof special[0] - 1)];
    uint16_t unit = (uint16_t)(1 + next(0xFFFF));
    return unit == '*' || unit == '?' ? 'x' : unit;
}

/* `text` holds the arguments, each ended by a NUL; returns its size in units. */
static size_t random_arguments(fp_units *args, uint16_t *text)
{
    size_t size = 0;
    for (int i = 0; i < ARGS; i++) {
        args[i].data = text + size;
        args[i].size = next(MOST);
        for (size_t k = 0; k < args[i].size; k++)
            text[size++] = random_unit();
        text[size++] = 0;
    }
    return size;
}

static void check_said(const fp_buffer *said, const uint16_t *text, size_t size)
{
    static const uint16_t between[] = {1, 0};
    size_t bytes = size * sizeof *text;
    CHECK_EQUAL(said->size, 2 * bytes + sizeof between);
    if (said->size != 2 * bytes + sizeof between)
        return;
    CHECK(memcmp(said->data, text, bytes) == 0);
    CHECK(memcmp(said->data + bytes, between, sizeof between) == 0);
    CHECK(memcmp(said->data + bytes + sizeof between, text, bytes) == 0);
}

static void one_child(void)
{
    static uint16_t text[ARGS * (MOST + 1)];
    static wchar_t line[4096 + 2 * ARGS * (MOST + 3)];
    fp_units args[ARGS];
    fp_job job;
    fp_error error = {FP_STAGE_NONE, 0};
    fp_spec spec = start_spec(L"argv ");
    size_t size = random_arguments(args, text), start = wcslen(spec.command_line);
    wcscpy(line, spec.command_line);
    size_t length = fp_cmdline(args, ARGS, line + start);
    line[start + length] = 0;
    CHECK(start + length < 32767);
    spec.command_line = line;
    spec.stdio[1].kind = FP_STDIO_PIPE;
    start_job(&job, NULL, 0);
    CHECK(fp_run_start(&job, &spec, &error));
    CHECK_EQUAL(fp_run_on(&job, &start_no_limits, &error), FP_DONE);
    check_said(&job.output[0].buffer, text, size);
    start_free(&job);
}

static void round_trips(void)
{
    const char *wanted = getenv("FASTPROC_ROUNDS");
    int rounds = wanted != NULL ? atoi(wanted) : 40;
    CHECK(rounds > 0);
    for (int i = 0; i < rounds; i++)
        one_child();
    printf("     %d arguments\n", rounds * ARGS);
}

int main(void)
{
    const check_test tests[] = {{"arguments come out as they went in", round_trips}};
    return check_main(tests, sizeof tests / sizeof tests[0]);
}
