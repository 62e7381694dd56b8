/* The checks of the C tests. Each case runs in a process of its own, and must leave that
 * process as it found it: the same descriptors, no child, the same signal mask. */
#ifndef FP_TESTS_CHECK_H
#define FP_TESTS_CHECK_H

#include <stdbool.h>
#include <stdnoreturn.h>

typedef struct test_case {
    const char *name; /* what it promises */
    void (*run)(void);
} test_case;

typedef struct test_suite {
    const char *name;
    const test_case *cases; /* ends with a NULL name */
} test_suite;

#define CASE(function) {#function, function}
#define SUITE(name, ...)                                           \
    static const test_case name##_cases[] = {__VA_ARGS__, {0, 0}}; \
    const test_suite name##_suite = {#name, name##_cases}

/* Go on after a failure, so that one run shows all. They are true if the check held. */
#define CHECK(condition) test_check((condition), __FILE__, __LINE__, #condition)
#define CHECK_INT(actual, expected) \
    test_check_int((long long)(actual), (long long)(expected), __FILE__, __LINE__, #actual)
#define CHECK_TEXT(actual, expected) \
    test_check_text((actual), (expected), __FILE__, __LINE__, #actual)

/* What the next checks are about; printed with a failure. */
__attribute__((format(printf, 1, 2))) void test_about(const char *format, ...);

bool test_check(bool held, const char *file, int line, const char *text);
bool test_check_int(long long actual, long long expected, const char *file, int line,
                    const char *text);
bool test_check_text(const char *actual, const char *expected, const char *file, int line,
                     const char *text);

/* Ends the case: something that the test itself needs is missing. */
noreturn void test_skip(const char *reason);

/* Runs a function in a forked process; its failed checks are the case's. */
void test_in_child(void (*run)(const void *), const void *argument);

/* The state that a call must leave as it was. */
#define STATE_FDS 512
typedef struct test_state {
    bool open[STATE_FDS];
    int n_open; /* those above too */
    unsigned long mask;
} test_state;

void test_state_take(test_state *state);
/* Checks that nothing has changed since, and that there is no child left. */
void test_state_check(const test_state *before);

#endif
