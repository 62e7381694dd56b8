/* Upper case as Windows compares names by: a table of its own, the same in every locale. */
#ifndef FP_FOLD_H
#define FP_FOLD_H

#include <stdbool.h>

#include "units.h"

/* Writes `name` in upper case to `out`, which has room for as many units. */
bool fp_env_fold(fp_units name, uint16_t *out);

#endif
