/* A whole run in one call: pipes, birth, input and output, wait. */
#ifndef FP_RUN_H
#define FP_RUN_H

#include <limits.h>

#include "communicate.h"
#include "spawn.h"

/* What fits into any empty pipe at once: an input of so many bytes, or fewer, is sent before
 * there is a child. With a larger one, spec->run_ahead must not be set: a program that is not
 * there would be a broken pipe first. */
#define FP_SMALL_INPUT PIPE_BUF

/* Starts spec->program with the pipes that spec->stdio asks for, and prepares `job`
 * (initialised; with job->input.data and size set where stdin is a pipe) to see it
 * through. On failure nothing is left open or to be reaped.
 *
 * `spec` stays as it is until fp_run_on has come to an end, or fp_settle has been
 * called, by a caller who leaves after FP_INTERRUPTED and lets the child live. */
bool fp_run_start(fp_job *job, const fp_spec *spec, fp_error *error);

/* Goes on until the child is reaped and all is read; after FP_INTERRUPTED, again. After
 * FP_TIMEOUT, `spec` is still in use until fp_run_kill has come to its end. */
fp_outcome fp_run_on(fp_job *job, const fp_limits *limits, fp_error *error);

/* Kills the child and reaps it: FP_DONE, or FP_INTERRUPTED (again, then). A child that we
 * may not kill is waited for all the same; `refused` is errno then, else 0. What the child
 * said stays in the job. */
fp_outcome fp_run_kill(fp_job *job, int *refused);

/* Whether a run that failed so is to be begun anew, since nothing has happened yet: a sandbox
 * that was set up since refused its child a step that only saves time. Does without, then. */
bool fp_run_again(const fp_spec *spec, const fp_error *error);

/* Closes what the job has open. The child, if any is left, is the caller's. */
void fp_run_close(fp_job *job);

#endif
