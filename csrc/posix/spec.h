/* What the caller wants: one struct, plain data, read only.
 *
 * A new option is a field here, a line in child.c, and one in route_posix_spawn.c, which
 * declines what it cannot express; where the field has a rule, one in check.c, and where more
 * than the field decides, one in plan.c. CONTRIBUTING has the whole way.
 * Beside each optional value stands a bool: no number means "absent". */
#ifndef FP_SPEC_H
#define FP_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* How a child is born. */
typedef enum fp_route {
    FP_ROUTE_CLONE3,
    FP_ROUTE_VFORK,
    FP_ROUTE_POSIX_SPAWN,
    FP_ROUTE_FORK
} fp_route;

#define FP_ROUTE_COUNT 4
#define FP_ROUTE_BIT(route) (1u << (route))
#define FP_ROUTES_ALL ((1u << FP_ROUTE_COUNT) - 1u)

/* What one of the child's descriptors 0, 1 and 2 shall be. */
typedef enum fp_stdio_kind {
    FP_STDIO_INHERIT = 0, /* whatever the parent has there, open or not */
    FP_STDIO_PIPE,        /* a new pipe; the parent gets the other end */
    FP_STDIO_NULL,        /* the null device */
    FP_STDIO_FD,          /* a descriptor of the parent's */
    FP_STDIO_STDOUT       /* for descriptor 2 only: the same as descriptor 1 */
} fp_stdio_kind;

typedef struct fp_stdio {
    fp_stdio_kind kind;
    int fd; /* FP_STDIO_FD only */
} fp_stdio;

/* Called around fork() by the one route that runs the caller's code in the child. */
typedef struct fp_fork_hooks {
    /* In the parent. */
    void (*before_fork)(void *context);
    void (*after_fork)(void *context);
    /* A signal came while the parent waits for in_child and exec: false to wait no longer, and
     * take the child as born. */
    bool (*interrupted)(void *context);
    /* In the child: first of all; and after set-up, before descriptors are closed, where
     * false stops the child. */
    void (*born)(void *context);
    bool (*in_child)(void *context);
    void *context;
} fp_fork_hooks;

typedef struct fp_spec {
    /* The program. With a slash in it, or with search false, it is taken as it is;
     * else it is looked for in `path`, a list of folders parted by colons. */
    const char *program;
    bool search;
    const char *path;
    char *const *argv;
    char *const *envp;
    bool own_environ; /* envp is the process's own; after hooks the child takes it anew */

    fp_stdio stdio[3];
    bool has_pipe_size;
    int pipe_size; /* bytes, for each pipe made */

    bool has_cwd;
    const char *cwd;

    bool close_fds;
    const int *pass_fds; /* ascending, each once, none negative */
    size_t n_pass_fds;

    bool restore_signals; /* SIGPIPE and SIGXFSZ to their defaults */
    bool new_session;
    bool has_process_group;
    pid_t process_group;

    bool has_umask;
    mode_t umask;
    bool has_groups;
    const gid_t *groups;
    size_t n_groups;
    bool has_group;
    gid_t group;
    bool has_user;
    uid_t user;

    const fp_fork_hooks *hooks; /* NULL: none; else the route is fork */

    unsigned routes; /* FP_ROUTE_BITs: those that may be taken; fork always may */
    bool want_pidfd; /* a descriptor for the child, where the kernel has them */
    bool run_ahead;  /* the caller may go on before exec: see fp_settle in route.h */
} fp_spec;

/* "clone3", "vfork", "posix_spawn", "fork". */
const char *fp_route_name(fp_route route);

#endif
