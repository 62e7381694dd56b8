/* A whole run in one call: pipes, birth, input and output, wait. */
#ifndef FP_RUN_H
#define FP_RUN_H

#include "communicate.h"
#include "spawn.h"

/* Starts spec->program with the pipes that spec->stdio asks for, and prepares `job`
 * (initialised; with job->input.data and size set where stdin is a pipe) to see it
 * through. On failure nothing is left open or to be reaped. */
bool fp_run_start(fp_job *job, const fp_spec *spec, fp_error *error);

/* Goes on until the child is reaped and all is read; after FP_INTERRUPTED, again. */
fp_outcome fp_run_on(fp_job *job, const fp_limits *limits, fp_error *error);

/* Kills the child and reaps it. What it said stays in the job. */
void fp_run_kill(fp_job *job);

/* Closes what the job has open. The child, if any is left, is the caller's. */
void fp_run_close(fp_job *job);

#endif
