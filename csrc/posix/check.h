/* Whether a spec makes sense, before anything is done about it. */
#ifndef FP_CHECK_H
#define FP_CHECK_H

#include "common/error.h"
#include "spec.h"

/* False, with the stage FP_STAGE_CHECK and EINVAL (EBADF for a bad descriptor), if the
 * spec breaks a rule that spec.h states. */
bool fp_check(const fp_spec *spec, fp_error *error);

#endif
