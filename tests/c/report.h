/* What the started program saw of itself; it writes this to a file. */
#ifndef FP_TESTS_REPORT_H
#define FP_TESTS_REPORT_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#define REPORT_FDS 1024

typedef struct report_fd {
    bool open;
    int access; /* O_RDONLY, O_WRONLY or O_RDWR */
    dev_t device;
    ino_t inode;
} report_fd;

typedef struct report {
    report_fd fds[REPORT_FDS];
    int n_fds;            /* of all numbers */
    bool outputs_are_one; /* 1 and 2 are one open file: what is set of one is set of both */
    pid_t pid, session, group;
    mode_t umask;
    uid_t user;
    gid_t group_id;
    unsigned long long blocked; /* bit n-1: signal n */
    unsigned long long ignored;
    unsigned long long caught;
    char folder[256];
} report;

#endif
