/* A test can let a stage fail: only in the builds of tests/c, by -DFP_FAULTS. */
#ifndef FP_FAULT_H
#define FP_FAULT_H

#include "common/error.h"

#ifdef FP_FAULTS
#include <stdbool.h>

extern fp_stage fp_fault_stage; /* the stage that fails; FP_STAGE_NONE: none does */
extern int fp_fault_after;      /* how often it succeeds before */

/* Whether this step is to fail; sets the last error to ERROR_GEN_FAILURE then. */
bool fp_fault(fp_stage stage);
#else
#define fp_fault(stage) false
#endif

#endif
