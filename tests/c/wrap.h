/* Calls of the core that the linker sends through the tests (--wrap). */
#ifndef FP_TESTS_WRAP_H
#define FP_TESTS_WRAP_H

#include <sys/types.h>

/* The next allocation, after so many that succeed, fails; -1: none does. */
extern int wrap_failing_allocation;
/* How many allocations there were since it was set to 0. */
extern int wrap_allocations;

/* How often the process `wrap_owner` closed a descriptor that it did not have: twice,
 * perhaps. A child that shares our memory may do so. */
extern int wrap_bad_closes;
extern pid_t wrap_owner;

#endif
