/* A test is a function; a check that does not hold says where, and the program fails. */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <windows.h>

extern int check_failures;

#define CHECK(condition) \
    ((condition)         \
         ? (void)0       \
         : (void)(check_failures++, printf("%s:%d: %s\n", __FILE__, __LINE__, #condition)))

#define CHECK_EQUAL(got, wanted) \
    check_equal(__FILE__, __LINE__, #got, (long long)(got), (long long)(wanted))

void check_equal(const char *file, int line, const char *what, long long got, long long wanted);

typedef struct check_test {
    const char *name;
    void (*run)(void);
} check_test;

/* Runs the tests, each of which must leave no handle and no child; what main() returns. */
int check_main(const check_test *tests, size_t count);

/* How many handles this process has open, and how many children that still run. */
DWORD check_handles(void);
int check_children(void);

/* The command line that runs child.exe, which lies beside this program, with arguments. Valid
 * until the next call. */
const wchar_t *check_child(const wchar_t *arguments);

#endif
