/* Runs the suites: each case in a process of its own, so that none can spoil another. */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"
#include "wrap.h"

/* A case that hangs has failed; none takes near as long. */
#define CASE_SECONDS 100
#define EXIT_SKIPPED 77

static int log_fd = STDERR_FILENO;
static int failures;
static char about[256];

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size > (int)sizeof text - 1)
        size = (int)sizeof text - 1;
    if (write(log_fd, text, (size_t)size) != size)
        _exit(2);
}

void test_about(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(about, sizeof about, format, arguments);
    va_end(arguments);
}

static void fail(const char *file, int line)
{
    failures++;
    say("    %s:%d: %s%s", file, line, about, about[0] != '\0' ? ": " : "");
}

bool test_check(bool held, const char *file, int line, const char *text)
{
    if (!held) {
        fail(file, line);
        say("%s\n", text);
    }
    return held;
}

bool test_check_int(long long actual, long long expected, const char *file, int line,
                    const char *text)
{
    if (actual != expected) {
        fail(file, line);
        say("%s is %lld, expected %lld\n", text, actual, expected);
    }
    return actual == expected;
}

bool test_check_text(const char *actual, const char *expected, const char *file, int line,
                     const char *text)
{
    bool same = actual != NULL && strcmp(actual, expected) == 0;
    if (!same) {
        fail(file, line);
        say("%s is \"%s\", expected \"%s\"\n", text, actual != NULL ? actual : "(null)", expected);
    }
    return same;
}

void test_skip(const char *reason)
{
    say("    skipped: %s\n", reason);
    exit(failures > 0 ? 1 : EXIT_SKIPPED);
}

void test_in_child(void (*run)(const void *), const void *argument)
{
    pid_t pid = fork();
    if (pid == 0) {
        failures = 0;
        run(argument);
        _exit(failures > 0 ? 1 : 0);
    }
    int status = -1;
    if (!CHECK(pid > 0))
        return;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        CHECK_INT(status, 0);
}

void test_state_take(test_state *state)
{
    memset(state, 0, sizeof *state);
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) {
        for (int fd = 0; fd < STATE_FDS; fd++) {
            state->open[fd] = fcntl(fd, F_GETFD) >= 0;
            state->n_open += state->open[fd];
        }
    } else {
        const struct dirent *entry;
        while ((entry = readdir(folder)) != NULL) {
            int fd = atoi(entry->d_name);
            if (entry->d_name[0] == '.' || fd == dirfd(folder))
                continue;
            state->n_open++;
            if (fd < STATE_FDS)
                state->open[fd] = true;
        }
        closedir(folder);
    }
#ifdef SYS_rt_sigprocmask
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &state->mask, 8);
#endif
}

void test_state_check(const test_state *before)
{
    test_state after;
    int status;
    test_state_take(&after);
    for (int fd = 0; fd < STATE_FDS; fd++)
        if (after.open[fd] != before->open[fd]) {
            fail(__FILE__, __LINE__);
            say("descriptor %d was %s\n", fd, after.open[fd] ? "left open" : "closed");
        }
    CHECK_INT(after.n_open, before->n_open);
    CHECK(after.mask == before->mask);
    CHECK_INT(wrap_bad_closes, 0);
    wrap_bad_closes = 0;
    pid_t left = waitpid(-1, &status, WNOHANG);
    if (left >= 0 || errno != ECHILD) {
        fail(__FILE__, __LINE__);
        say("a child was left: %s\n", left > 0 ? "a zombie" : "running");
    }
}

static int run_case(const test_case *test)
{
    test_state before;
    alarm(CASE_SECONDS);
    signal(SIGPIPE, SIG_IGN); /* as in Python */
    wrap_owner = getpid();
    test_state_take(&before);
    test->run();
    test_state_check(&before);
    exit(failures > 0 ? 1 : 0); /* not _exit: LeakSanitizer reports at exit */
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0, skipped = 0;
    log_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
    if (log_fd < 0 || !support_start(argv[0]))
        return 2;
    for (const test_suite *const *suite = support_suites; *suite != NULL; suite++) {
        if (argc > 1 && strcmp(argv[1], (*suite)->name) != 0)
            continue;
        for (const test_case *test = (*suite)->cases; test->name != NULL; test++) {
            if (argc > 2 && strcmp(argv[2], test->name) != 0)
                continue;
            int status = 0;
            pid_t pid = fork();
            if (pid == 0)
                return run_case(test);
            while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                continue;
            const char *result = "ok";
            if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED) {
                result = "skipped";
                skipped++;
            } else if (pid < 0 || status != 0) {
                result = WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "FAILED";
                failed++;
            } else {
                passed++;
            }
            say("%s: %s: %s\n", (*suite)->name, test->name, result);
        }
    }
    support_end();
    if (skipped > 0)
        say("%d skipped, each with its reason above\n", skipped);
    say("%d passed, %d failed\n", passed, failed);
    return failed > 0 || passed == 0;
}
