/* The environment block: NAME=value strings, each ended by a NUL, and one more NUL after the
 * last.
 *
 * Windows' rules: the strings are sorted by name, ignoring case, in Unicode order whatever
 * the locale; there is one of each name. Hidden names such as "=C:", which hold the current
 * folder of a drive, are names like others. */
#ifndef FP_ENVBLOCK_H
#define FP_ENVBLOCK_H

#include <stdbool.h>

#include "units.h"

typedef struct fp_env_entry {
    fp_units name;
    fp_units folded; /* the name in upper case: what it is sorted and compared by */
    fp_units value;
    size_t position; /* where it stood before sorting; set by fp_env_normalize */
} fp_env_entry;

/* Neither empty, nor with a NUL in it, nor with a '=' anywhere but in front. */
bool fp_env_name_ok(fp_units name);

/* Upper case for names that are all ASCII; false, and nothing done, for others. `out` has
 * room for the name. */
bool fp_env_fold_ascii(fp_units name, uint16_t *out);

/* Sorts the entries, and keeps of those that differ only in case the last. Returns how many
 * are left. */
size_t fp_env_normalize(fp_env_entry *entries, size_t count);

/* Writes the block for normalized entries to `out`, and returns its length in units, final
 * NULs included. With `out` NULL it only measures. */
size_t fp_env_block(const fp_env_entry *entries, size_t count, uint16_t *out);

#endif
