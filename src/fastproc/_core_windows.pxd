# The C core's contracts, as its headers state them.
from libc.stddef cimport wchar_t
from libc.stdint cimport int64_t, uint16_t


cdef extern from "<stdbool.h>" nogil:
    ctypedef bint c_bool "bool"  # what the core calls back must return this very type

cdef extern from "<windows.h>" nogil:
    ctypedef void *HANDLE
    ctypedef unsigned long DWORD
    ctypedef unsigned short WORD
    int ERROR_ACCESS_DENIED
    int CloseHandle(HANDLE)
    int ResetEvent(HANDLE)

cdef extern from "common/error.h" nogil:
    ctypedef enum fp_stage:
        FP_STAGE_NONE
        FP_STAGE_MEMORY
        FP_STAGE_ENVIRONMENT
        FP_STAGE_CREATE_PROCESS
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

cdef extern from "windows/units.h" nogil:
    ctypedef struct fp_units:
        const uint16_t *data
        size_t size

cdef extern from "windows/cmdline.h" nogil:
    size_t fp_cmdline(const fp_units *, size_t, uint16_t *)

cdef extern from "windows/envblock.h" nogil:
    ctypedef struct fp_env_entry:
        fp_units name
        fp_units folded
        fp_units value
    bint fp_env_name_ok(fp_units)
    size_t fp_env_normalize(fp_env_entry *, size_t)
    size_t fp_env_block(const fp_env_entry *, size_t, uint16_t *)

cdef extern from "windows/fold.h" nogil:
    bint fp_env_fold(fp_units, uint16_t *)

cdef extern from "windows/spec.h" nogil:
    ctypedef enum fp_stdio_kind:
        FP_STDIO_INHERIT
        FP_STDIO_PIPE
        FP_STDIO_NULL
        FP_STDIO_HANDLE
        FP_STDIO_STDOUT
    ctypedef struct fp_stdio:
        fp_stdio_kind kind
        HANDLE handle
    ctypedef struct fp_spec:
        const wchar_t *application
        const wchar_t *command_line
        const wchar_t *environment
        const wchar_t *cwd
        fp_stdio stdio[3]
        bint close_fds
        const HANDLE *handle_list
        size_t n_handle_list
        DWORD creation_flags
        DWORD startup_flags
        WORD show_window
        HANDLE std_handles[3]

cdef extern from "windows/ends.h" nogil:
    ctypedef enum fp_pipe_style:
        FP_PIPE_PLAIN
        FP_PIPE_OVERLAPPED
    ctypedef struct fp_ends:
        HANDLE parent[3]
    bint fp_ends_open(fp_ends *, const fp_spec *, fp_pipe_style, fp_error *)
    void fp_ends_close_child(fp_ends *)
    void fp_ends_close_parent(fp_ends *)

cdef extern from "windows/wait.h" nogil:
    ctypedef struct fp_deadline:
        bint set
        int64_t at
    ctypedef struct fp_limits:
        fp_deadline deadline
        HANDLE interrupt
    fp_deadline fp_deadline_in(int64_t)
    fp_outcome fp_wait_any(const HANDLE *, size_t, const fp_limits *, size_t *, fp_error *)
    fp_outcome fp_wait_process(HANDLE, const fp_limits *, DWORD *, fp_error *)
    DWORD fp_terminate(HANDLE)

cdef extern from "windows/spawn.h" nogil:
    ctypedef struct fp_proc:
        HANDLE process
        DWORD pid
    bint fp_spawn(const fp_spec *, const fp_ends *, fp_proc *, fp_error *)

cdef extern from "windows/communicate.h" nogil:
    ctypedef struct fp_input:
        const unsigned char *data
        size_t size
    ctypedef struct fp_output:
        fp_buffer buffer
    ctypedef struct fp_job:
        fp_proc proc
        fp_input input
        fp_output output[2]
        DWORD code
    void fp_job_init(fp_job *, fp_grow_fn, void **)

cdef extern from "windows/run.h" nogil:
    bint fp_run_start(fp_job *, const fp_spec *, fp_error *)
    fp_outcome fp_run_on(fp_job *, const fp_limits *, fp_error *)
    void fp_run_kill(fp_job *)
    void fp_run_close(fp_job *)

cdef extern from "windows/pump.h" nogil:
    ctypedef struct fp_pump:
        pass
    fp_pump *fp_pump_read(HANDLE, fp_error *)
    fp_pump *fp_pump_write(HANDLE, const unsigned char *, size_t, fp_error *)
    HANDLE fp_pump_thread(const fp_pump *)
    bint fp_pump_result(const fp_pump *, fp_error *)
    const fp_buffer *fp_pump_output(const fp_pump *)
    DWORD FP_PUMP_PATIENCE_MS
    bint fp_pump_stop(fp_pump *, DWORD)
    bint fp_pump_free(fp_pump *, DWORD)
