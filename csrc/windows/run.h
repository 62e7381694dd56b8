/* A whole run in one call: pipes, start, input and output, wait. */
#ifndef FP_RUN_H
#define FP_RUN_H

#include "communicate.h"

/* Starts the program with the pipes that spec->stdio asks for, and prepares `job` (initialised;
 * with job->input.data and size set where stdin is a pipe) to see it through. On failure
 * nothing is left open, and no child. */
bool fp_run_start(fp_job *job, const fp_spec *spec, fp_error *error);

/* Goes on until the process has ended and all is read; after FP_INTERRUPTED, again. */
fp_outcome fp_run_on(fp_job *job, const fp_limits *limits, fp_error *error);

/* Ends the process, waits for that, and takes what is in its pipes, without waiting for others
 * that hold them (gh-87512). What it said stays in the job. */
void fp_run_kill(fp_job *job);

/* Closes what the job has open. A process that still runs is left alone. */
void fp_run_close(fp_job *job);

#endif
