/* The command line: Windows hands a program one string, and the program takes it apart.
 *
 * The rules are those of Microsoft's C runtime, as list2cmdline applies them: arguments are
 * parted by one space; one that is empty, or has a space or a tab in it, stands in quotes; a
 * quote is written \"; backslashes are doubled where a quote follows them, and only there. */
#ifndef FP_CMDLINE_H
#define FP_CMDLINE_H

#include "units.h"

/* Writes the command line for `count` arguments to `out`, without a NUL at its end, and
 * returns its length in units. With `out` NULL it only measures. */
size_t fp_cmdline(const fp_units *args, size_t count, uint16_t *out);

#endif
