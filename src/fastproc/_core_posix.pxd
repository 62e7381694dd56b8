# The C core's contracts, as its headers state them.
from libc.stdint cimport int64_t
from posix.types cimport gid_t, mode_t, pid_t, uid_t


cdef extern from "<stdbool.h>" nogil:
    ctypedef bint c_bool "bool"  # what the core calls back must return this very type

cdef extern from "common/error.h" nogil:
    ctypedef enum fp_stage:
        FP_STAGE_NONE
        FP_STAGE_MEMORY
        FP_STAGE_UNSHARE
        FP_STAGE_CHDIR
        FP_STAGE_PREEXEC
        FP_STAGE_EXEC
    ctypedef struct fp_error:
        fp_stage stage
        int code
    ctypedef enum fp_outcome:
        FP_DONE
        FP_TIMEOUT
        FP_INTERRUPTED
        FP_FAILED
    const char *fp_stage_name(fp_stage)

cdef extern from "common/buffer.h" nogil:
    ctypedef struct fp_buffer:
        unsigned char *data
        size_t size
        size_t capacity
        void *owner
    ctypedef c_bool (*fp_grow_fn)(fp_buffer *, size_t) noexcept nogil
    void fp_buffer_init(fp_buffer *, fp_grow_fn, void *)
    bint fp_buffer_is_inline(const fp_buffer *)

cdef extern from "posix/spec.h" nogil:
    ctypedef enum fp_route:
        FP_ROUTE_CLONE3
    unsigned FP_ROUTES_ALL
    int FP_ROUTE_COUNT
    ctypedef enum fp_stdio_kind:
        FP_STDIO_INHERIT
        FP_STDIO_PIPE
        FP_STDIO_NULL
        FP_STDIO_FD
        FP_STDIO_STDOUT
    ctypedef struct fp_stdio:
        fp_stdio_kind kind
        int fd
    ctypedef struct fp_fork_hooks:
        void (*before_fork)(void *) noexcept nogil
        void (*after_fork)(void *) noexcept nogil
        c_bool (*interrupted)(void *) noexcept nogil
        void (*born)(void *) noexcept nogil
        c_bool (*in_child)(void *) noexcept nogil
        void *context
    ctypedef struct fp_spec:
        const char *program
        bint search
        const char *path
        char **argv
        char **envp
        bint own_environ
        fp_stdio stdio[3]
        bint has_pipe_size
        int pipe_size
        bint has_cwd
        const char *cwd
        bint close_fds
        const int *pass_fds
        size_t n_pass_fds
        bint restore_signals
        bint new_session
        bint has_process_group
        pid_t process_group
        bint has_umask
        mode_t umask
        bint has_groups
        const gid_t *groups
        size_t n_groups
        bint has_group
        gid_t group
        bint has_user
        uid_t user
        const fp_fork_hooks *hooks
        unsigned routes
        bint want_pidfd
        bint run_ahead
    const char *fp_route_name(fp_route)

cdef extern from "posix/ends.h" nogil:
    int FP_NO_FD
    ctypedef struct fp_ends:
        int parent[3]
        int child[3]
    bint fp_ends_open(fp_ends *, const fp_stdio *, bint, int, fp_error *)
    void fp_ends_close_child(fp_ends *)
    void fp_ends_close_parent(fp_ends *)

cdef extern from "posix/strings.h" nogil:
    ctypedef struct fp_strings:
        char **vector
    void fp_strings_init(fp_strings *)
    bint fp_strings_add(fp_strings *, const char *, size_t)
    bint fp_strings_add_pair(fp_strings *, const char *, size_t, const char *, size_t)
    bint fp_strings_finish(fp_strings *)
    bint fp_strings_expect(fp_strings *, size_t)
    void fp_strings_refer(fp_strings *, const char *)
    size_t FP_STRINGS_INLINE_COUNT
    bint fp_strings_environ(fp_strings *)
    void fp_strings_free(fp_strings *)

cdef extern from "posix/spawn.h" nogil:
    ctypedef struct fp_proc:
        pid_t pid
        int pidfd
        fp_route used
    bint fp_spawn(const fp_spec *, const fp_ends *, fp_proc *, fp_error *)
    bint fp_settle(fp_proc *, bint gone, fp_error *)
    fp_route fp_last_route()

cdef extern from "posix/probe.h" nogil:
    unsigned FP_FEATURE_CLONE3
    unsigned FP_FEATURE_SHARED_VFORK
    unsigned FP_FEATURE_CLOSE_RANGE
    unsigned FP_FEATURE_PIDFD
    unsigned FP_FEATURE_PROC_FDS
    unsigned FP_FEATURE_REOPEN
    unsigned FP_FEATURE_RUN_AHEAD
    unsigned FP_FEATURE_RANGE_CLOEXEC
    unsigned FP_FEATURE_LONE_DUMP
    unsigned fp_features()
    void fp_features_drop(unsigned)

cdef extern from "posix/wait.h" nogil:
    ctypedef struct fp_deadline:
        bint set
        int64_t at
    ctypedef enum fp_reaping:
        FP_REAP_DONE
        FP_REAP_RUNNING
        FP_REAP_GONE
    fp_deadline fp_deadline_in(int64_t)
    int fp_pidfd_of(pid_t)
    fp_outcome fp_wait_exit(pid_t, int, const fp_deadline *, fp_error *)
    fp_reaping fp_reap(pid_t, bint, int *)
    int fp_signal(pid_t, int, int)

cdef extern from "posix/communicate.h" nogil:
    ctypedef struct fp_input:
        int fd
        const unsigned char *data
        size_t size
        size_t sent
    ctypedef struct fp_output:
        int fd
        fp_buffer buffer
    ctypedef struct fp_job:
        fp_proc proc
        fp_input input
        fp_output output[2]
        bint may_widen
        bint reaped
        bint lost
        int code
    ctypedef struct fp_limits:
        fp_deadline deadline
    void fp_job_init(fp_job *, fp_grow_fn, void **)
    fp_outcome fp_communicate(fp_job *const *, size_t, const fp_limits *, fp_error *)
    bint fp_job_done(const fp_job *)
    bint fp_set_nonblocking(int, int *)

cdef extern from "posix/run.h" nogil:
    size_t FP_SMALL_INPUT
    bint fp_run_start(fp_job *, const fp_spec *, fp_error *)
    fp_outcome fp_run_on(fp_job *, const fp_limits *, fp_error *)
    fp_outcome fp_run_kill(fp_job *, int *)
    bint fp_run_again(const fp_spec *, const fp_error *)
    void fp_run_close(fp_job *)
