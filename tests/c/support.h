/* What several suites need. */
#ifndef FP_TESTS_SUPPORT_H
#define FP_TESTS_SUPPORT_H

#include "check.h"
#include "posix/communicate.h"
#include "posix/ends.h"
#include "posix/run.h"
#include "posix/spawn.h"
#include "report.h"

extern const test_suite *const support_suites[];

/* Finds the program that the tests start, and makes the file for its report. */
bool support_start(const char *own_path);
void support_end(void);

#define EACH_ROUTE(route) for (fp_route route = 0; route < FP_ROUTE_COUNT; route++)

extern char program[];     /* its path */
extern char report_path[]; /* the file */

/* A spec that starts the program with these arguments, the last of them NULL: by any
 * route, closing descriptors, all else inherited. */
fp_spec spec_of(const char *const *argv);
#define SPEC(...) spec_of((const char *const[]){program, __VA_ARGS__, NULL})

/* Reaps a child; its exit code as fp_reap says it, or -1000 if it was lost. */
int finish(const fp_proc *proc);

/* fp_run_kill to its end. */
void kill_and_reap(fp_job *job);

/* Starts the spec, which must be for the program's "report", and reads what it says.
 * `ends` NULL: opened and closed here. */
bool spawn_report(const fp_spec *spec, fp_ends *ends, report *seen, fp_proc *proc);

/* fp_run_on, again after each interruption. */
fp_outcome run_on(fp_job *job, const fp_limits *limits, fp_error *error);

/* The identity of an open descriptor. */
report_fd identity(int fd);
bool same_file(const report_fd *a, const report_fd *b);

/* Opens an empty file of its own on the descriptor `fd`, not close-on-exec. */
void open_file_at(int fd);

/* From now on the kernel refuses a system call with this errno, for this process and
 * its children; -1 for a number that the machine does not have. Cases need no skip:
 * false means that filters are not to be had, and a check has failed. */
bool refuse(long number, int code);

/* Sets the limit of open descriptors; false if that is not allowed. */
bool limit_fds(long count);

#endif
