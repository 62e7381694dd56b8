/* Specs and children, as the tests of spawn, run and pump want them. */
#ifndef START_H
#define START_H

#include "check.h"

#include "windows/run.h"

/* A spec that runs child.exe with these arguments, and redirects nothing. */
fp_spec start_spec(const wchar_t *arguments);

/* Waits for a process and closes its handle: its exit code. */
DWORD start_finish(fp_proc *proc);

/* An fp_job with buffers over malloc. */
void start_job(fp_job *job, const void *input, size_t size);
void start_free(fp_job *job);

extern const fp_limits start_no_limits;

fp_limits start_limit_ms(int milliseconds);

/* So many bytes of which none is like its neighbours, to be freed. */
unsigned char *start_noise(size_t size);

#ifdef FP_FAULTS
/* Calls `attempt` with `stage` failing at the first time, at the second, and so on, until it
 * succeeds: so many faults there were. Each must be reported, with its stage and code, and leave
 * neither handle nor child; at least one must happen. */
int start_faults(fp_stage stage, bool (*attempt)(fp_error *error));
#endif

#endif
