/* What the tests start. It says what it sees of itself, or behaves as it is told. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

static void look_at_fds(report *seen)
{
    for (int fd = 0; fd < REPORT_FDS; fd++) {
        struct stat status;
        if (fstat(fd, &status) < 0)
            continue;
        seen->fds[fd].open = true;
        seen->fds[fd].access = fcntl(fd, F_GETFL) & O_ACCMODE;
        seen->fds[fd].device = status.st_dev;
        seen->fds[fd].inode = status.st_ino;
        seen->n_fds++;
    }
    int flags = fcntl(1, F_GETFL);
    if (seen->fds[1].open && fcntl(1, F_SETFL, flags ^ O_NONBLOCK) == 0) {
        seen->outputs_are_one = fcntl(2, F_GETFL) == (flags ^ O_NONBLOCK);
        fcntl(1, F_SETFL, flags);
        seen->outputs_are_one &= fcntl(2, F_GETFL) == flags;
    }
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return;
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        if (atoi(entry->d_name) >= REPORT_FDS)
            seen->n_fds++;
    closedir(folder);
}

/* The signals as the kernel sees them, with those that libc hides. */
static void look_at_signals(report *seen)
{
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "SigBlk:", 7) == 0)
            seen->blocked = strtoull(line + 7, NULL, 16);
        else if (strncmp(line, "SigIgn:", 7) == 0)
            seen->ignored = strtoull(line + 7, NULL, 16);
        else if (strncmp(line, "SigCgt:", 7) == 0)
            seen->caught = strtoull(line + 7, NULL, 16);
    }
    fclose(file);
}

static int write_report(const char *path)
{
    static report seen;
    look_at_fds(&seen);
    look_at_signals(&seen);
    seen.pid = getpid();
    seen.session = getsid(0);
    seen.group = getpgrp();
    seen.umask = umask(0);
    seen.user = getuid();
    seen.group_id = getgid();
    if (getcwd(seen.folder, sizeof seen.folder) == NULL)
        return 3;
    int fd = open(path, O_WRONLY);
    if (fd < 0)
        return 4;
    return write(fd, &seen, sizeof seen) == (ssize_t)sizeof seen ? 0 : 5;
}

/* Reads all of stdin, says it, and half of it on stderr: 1 to 1, every second byte to 2. */
static int echo(void)
{
    static char data[65536];
    ssize_t count;
    while ((count = read(0, data, sizeof data)) > 0)
        for (ssize_t at = 0; at < count;) {
            ssize_t part = write(1, data + at, (size_t)(count - at));
            if (part < 0)
                return 3;
            at += part;
        }
    return count < 0;
}

static int say(int fd, long size)
{
    static char data[65536];
    memset(data, fd == 1 ? 'o' : 'e', sizeof data);
    while (size > 0) {
        ssize_t count = write(fd, data, size < (long)sizeof data ? (size_t)size : sizeof data);
        if (count < 0)
            return 3;
        size -= count;
    }
    return 0;
}

/* Signals its parent until it is killed or its stdin ends. */
static int pester(int signum)
{
    const struct timespec pause = {0, 2000000};
    char byte;
    fcntl(0, F_SETFL, O_NONBLOCK);
    for (;;) {
        ssize_t count = read(0, &byte, 1);
        if (count == 0 || (count < 0 && errno != EAGAIN) || kill(getppid(), signum) < 0)
            return 0;
        nanosleep(&pause, NULL);
    }
}

/* Leaves a process behind that holds our stdout until descriptor `fd` ends. */
static int leave(int fd)
{
    char byte;
    if (fork() != 0)
        return 0;
    while (read(fd, &byte, 1) > 0)
        continue;
    _exit(0);
}

int main(int argc, char **argv)
{
    const char *job = argc > 1 ? argv[1] : "";
    const char *value = argc > 2 ? argv[2] : "0";
    if (strcmp(job, "report") == 0)
        return write_report(value);
    if (strcmp(job, "exit") == 0)
        return atoi(value);
    if (strcmp(job, "getenv") == 0)
        return getenv(value) != NULL ? atoi(getenv(value)) : 99;
    if (strcmp(job, "raise") == 0)
        return raise(atoi(value));
    if (strcmp(job, "echo") == 0)
        return echo();
    if (strcmp(job, "say") == 0) {
        int result = say(1, atol(value));
        return result != 0 || argc < 4 ? result : say(2, atol(argv[3]));
    }
    if (strcmp(job, "hang") == 0)
        for (;;)
            pause();
    if (strcmp(job, "hang-mute") == 0) {
        close(1);
        close(2);
        for (;;)
            pause();
    }
    if (strcmp(job, "pester") == 0)
        return pester(atoi(value));
    if (strcmp(job, "leave") == 0)
        return leave(atoi(value));
    fprintf(stderr, "no such job: %s\n", job);
    return 2;
}
