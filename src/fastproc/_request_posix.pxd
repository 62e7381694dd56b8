# What a request for a child is made of; see _request_posix.pyx.
from cpython.ref cimport PyObject
from libc.stdint cimport int64_t
from posix.types cimport gid_t

from fastproc._core_posix cimport fp_error, fp_spec, fp_stdio, fp_strings


cdef class Spec:
    cdef public object program        # str, bytes or PathLike
    cdef public object path           # where to look for it; None: it is a path itself
    cdef public object argv           # iterable of str, bytes or PathLike
    cdef public object env            # mapping; None: the process's own
    cdef public object cwd            # str, bytes or PathLike; None: inherited
    cdef public object stdin          # None, a descriptor, PIPE or DEVNULL
    cdef public object stdout
    cdef public object stderr         # or STDOUT
    cdef public object pipesize       # bytes; None: the system's
    cdef public object pass_fds       # ascending, each once
    cdef public object process_group  # these six: None where not asked for
    cdef public object umask
    cdef public object user
    cdef public object group
    cdef public object extra_groups
    cdef public object preexec_fn
    cdef public bint close_fds
    cdef public bint restore_signals
    cdef public bint new_session
    cdef public unsigned routes


cdef struct Request:
    fp_spec spec
    fp_strings argv
    fp_strings envp
    int *pass_fds
    gid_t *groups
    PyObject *alive  # a list of what the spec points into, or NULL


cdef void request_init(Request *) noexcept
cdef int request_fill(Request *, Spec) except -1
cdef const char *text_of(object, Request *, size_t *) except NULL
cdef int fill_argv(Request *, object) except -1
cdef int fill_envp(Request *, object) except -1
cdef void request_free(Request *) noexcept
cdef int fill_stdio(fp_stdio *, object, object, object) except -1


cdef struct Allowed:
    bint limited
    int64_t nanoseconds


cdef Allowed time_of(object) except *
cdef int view_of(object, bint, Py_buffer *) except -1
cdef int raise_error(fp_error *, object, object) except -1
