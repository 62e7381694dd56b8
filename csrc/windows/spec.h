/* What the caller wants: one struct, plain data, read only.
 *
 * A new option is a field here and a line in spawn.c. Beside each optional value stands a
 * bool; a pointer that may be NULL says so. */
#ifndef FP_SPEC_H
#define FP_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <windows.h>

/* What one of the child's standard handles shall be. */
typedef enum fp_stdio_kind {
    /* the parent's, where it has one; else a pipe with nobody at its other end */
    FP_STDIO_INHERIT = 0,
    FP_STDIO_PIPE,        /* a new pipe; the parent gets the other end */
    FP_STDIO_NULL,        /* the null device */
    FP_STDIO_HANDLE,      /* a handle of the parent's */
    FP_STDIO_STDOUT       /* for stderr only: the same as stdout */
} fp_stdio_kind;

typedef struct fp_stdio {
    fp_stdio_kind kind;
    HANDLE handle; /* FP_STDIO_HANDLE only */
} fp_stdio;

typedef struct fp_spec {
    /* NULL: the first word of the command line, looked for as Windows does */
    const wchar_t *application;
    const wchar_t *command_line;
    const wchar_t *environment; /* a block, see envblock.h; NULL: the parent's */
    const wchar_t *cwd;         /* NULL: the parent's */

    /* Where all three are FP_STDIO_INHERIT, nothing is redirected: Windows decides what the
     * child gets. */
    fp_stdio stdio[3];

    /* false: every inheritable handle is inherited, unless there is a handle list */
    bool close_fds;
    const HANDLE *handle_list; /* more handles for the child; each must be inheritable */
    size_t n_handle_list;

    DWORD creation_flags;
    DWORD startup_flags; /* STARTF_... */
    WORD show_window;
    /* As STARTUPINFO has them, for when nothing is redirected; used as they are. */
    HANDLE std_handles[3];
} fp_spec;

/* Whether any of the three is asked to be something else. */
bool fp_spec_redirects(const fp_spec *spec);

#endif
