/* A whole run on each route, in one file: for machines where the tests cannot be built. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "posix/run.h"

extern char **environ;

/* Runs `cat` with some input; whether all came back by the route asked for, or one further
 * down where this system has not got it. */
static bool run_by(fp_route route)
{
    static fp_job job;
    static unsigned char input[200000];
    char *const argv[] = {"cat", NULL};
    const fp_limits limits = {fp_deadline_in(60000000000)};
    fp_error error = {FP_STAGE_NONE, 0};
    fp_spec spec;
    memset(&spec, 0, sizeof spec);
    memset(input, 'x', sizeof input);
    spec.program = "cat";
    spec.search = true;
    spec.path = "/usr/bin:/bin";
    spec.argv = argv;
    spec.envp = environ;
    spec.close_fds = spec.restore_signals = true;
    spec.stdio[0].kind = spec.stdio[1].kind = FP_STDIO_PIPE;
    spec.stdio[2].kind = FP_STDIO_STDOUT;
    spec.routes = FP_ROUTE_BIT(route);
    fp_job_init(&job, fp_buffer_grow_malloc, (void *[2]){NULL, NULL});
    job.input.data = input;
    job.input.size = sizeof input;
    bool good = fp_run_start(&job, &spec, &error);
    if (good) {
        fp_outcome outcome;
        do
            outcome = fp_run_on(&job, &limits, &error);
        while (outcome == FP_INTERRUPTED);
        good = outcome == FP_DONE && job.code == 0 && job.output[0].buffer.size == sizeof input;
        int refused;
        if (outcome != FP_DONE)
            fp_run_kill(&job, &refused);
    }
    printf("%s: %s by %s, %s %d\n", fp_route_name(route), good ? "ran" : "FAILED",
           fp_route_name(job.proc.used), fp_stage_name(error.stage), error.code);
    fp_run_close(&job);
    fp_buffer_free_malloc(&job.output[0].buffer);
    return good;
}

int main(void)
{
    bool good = true;
    signal(SIGPIPE, SIG_IGN);
    for (fp_route route = 0; route < FP_ROUTE_COUNT; route++)
        good = run_by(route) && good;
    return good ? 0 : 1;
}
