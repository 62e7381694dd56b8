# From a Spec, which is Python objects, to the core's fp_spec and all that it points to;
# and from the core's error records back to exceptions.
cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.ref cimport Py_INCREF, Py_XDECREF, PyObject
from libc.string cimport memchr, memset, strlen

from fastproc._core_posix cimport *

import os
from subprocess import DEVNULL, PIPE, STDOUT, SubprocessError

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object)
    const char *ascii_data "(const char *)PyUnicode_1BYTE_DATA"(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)
    object PyUnicode_EncodeFSDefault(object)

cdef int PIPE_ = PIPE, STDOUT_ = STDOUT, DEVNULL_ = DEVNULL


# What it refers to never refers back to it.
@cython.no_gc
@cython.freelist(8)
cdef class Spec:
    """All that the core must know to start a child: plain data, filled by _spec_posix.py."""

    def __cinit__(self):
        self.pass_fds = ()
        self.close_fds = self.restore_signals = True
        self.routes = FP_ROUTES_ALL


# --- strings -------------------------------------------------------------------------

cdef int keep_alive(Request *request, object value) except -1:
    if request.alive == NULL:
        alive = []
        Py_INCREF(alive)
        request.alive = <PyObject *>alive
    (<list>request.alive).append(value)
    return 0


cdef const char *text_of(object value, Request *request, size_t *size) except NULL:
    """The bytes of a str, bytes or PathLike, and how many; the request keeps those made here."""
    cdef const char *data
    if isinstance(value, str) and PyUnicode_IS_COMPACT_ASCII(value):
        data = ascii_data(value)
        size[0] = <size_t>PyUnicode_GET_LENGTH(value)
    else:
        encoded = encoded_by_os(value)
        keep_alive(request, encoded)
        data = PyBytes_AS_STRING(encoded)
        size[0] = <size_t>PyBytes_GET_SIZE(encoded)
    if strlen(data) != size[0]:
        raise ValueError("embedded null byte")
    return data


cdef bytes encoded_by_os(object value):
    if not isinstance(value, (str, bytes)):
        value = os.fspath(value)
    return PyUnicode_EncodeFSDefault(value) if isinstance(value, str) else value


cdef int refer_to(Request *request, tuple argv) except -1:
    """Many arguments: where they are, in place of copies, which cost more than their birth."""
    cdef fp_strings *strings = &request.argv
    cdef size_t size
    keep_alive(request, argv)
    if not fp_strings_expect(strings, len(argv)):
        raise MemoryError
    for argument in argv:
        fp_strings_refer(strings, text_of(argument, request, &size))
    request.spec.argv = strings.vector
    return 0


cdef int fill_argv(Request *request, object argv) except -1:
    cdef fp_strings *strings = &request.argv
    cdef const char *text
    cdef size_t size
    if isinstance(argv, list) and len(<list>argv) >= FP_STRINGS_INLINE_COUNT:
        refer_to(request, tuple(argv))
        return 0
    for argument in argv:
        text = text_of(argument, request, &size)
        if not fp_strings_add(strings, text, size):
            raise MemoryError
    if not fp_strings_finish(strings):
        raise MemoryError
    request.spec.argv = strings.vector
    return 0


cdef int fill_envp(Request *request, object env) except -1:
    cdef fp_strings *strings = &request.envp
    cdef const char *name
    cdef const char *value
    cdef size_t name_size, value_size
    cdef bint made
    if env is None:
        made = fp_strings_environ(strings)
    else:
        for key, item in env.items():
            name = text_of(key, request, &name_size)
            value = text_of(item, request, &value_size)
            if memchr(name, c'=', name_size) != NULL:
                raise ValueError("illegal environment variable name")
            if not fp_strings_add_pair(strings, name, name_size, value, value_size):
                raise MemoryError
        made = fp_strings_finish(strings)
    if not made:
        raise MemoryError
    request.spec.envp = strings.vector
    request.spec.own_environ = env is None
    return 0


# --- a request: the core's spec, and all that it points to ---------------------------

cdef void request_init(Request *request) noexcept:
    memset(&request.spec, 0, sizeof(fp_spec))
    request.spec.close_fds = request.spec.restore_signals = True
    fp_strings_init(&request.argv)
    fp_strings_init(&request.envp)
    request.pass_fds = NULL
    request.groups = NULL
    request.alive = NULL


cdef void request_free(Request *request) noexcept:
    fp_strings_free(&request.argv)
    fp_strings_free(&request.envp)
    PyMem_Free(request.pass_fds)
    PyMem_Free(request.groups)
    Py_XDECREF(request.alive)


cdef int fill_stdio(fp_stdio *stdio, object stdin, object stdout, object stderr) except -1:
    stdio[0].kind = kind_of(stdin, &stdio[0].fd)
    stdio[1].kind = kind_of(stdout, &stdio[1].fd)
    stdio[2].kind = kind_of(stderr, &stdio[2].fd)
    return 0


cdef fp_stdio_kind kind_of(object wish, int *fd) except <fp_stdio_kind>-1:
    if wish is None:
        return FP_STDIO_INHERIT
    fd[0] = wish
    if fd[0] == PIPE_:
        return FP_STDIO_PIPE
    if fd[0] == DEVNULL_:
        return FP_STDIO_NULL
    return FP_STDIO_STDOUT if fd[0] == STDOUT_ else FP_STDIO_FD


cdef int add_fds(Request *request, object fds) except -1:
    cdef size_t i = 0
    request.pass_fds = <int *>PyMem_Malloc(len(fds) * sizeof(int))
    if request.pass_fds == NULL:
        raise MemoryError
    for fd in fds:
        request.pass_fds[i] = fd
        i += 1
    request.spec.pass_fds = request.pass_fds
    request.spec.n_pass_fds = i
    return 0


cdef int add_groups(Request *request, object groups) except -1:
    cdef size_t i = 0
    request.groups = <gid_t *>PyMem_Malloc(max(len(groups), 1) * sizeof(gid_t))
    if request.groups == NULL:
        raise MemoryError
    for group in groups:
        try:
            request.groups[i] = group
        except OverflowError:
            raise ValueError("invalid group id") from None
        i += 1
    request.spec.has_groups = True
    request.spec.groups = request.groups
    request.spec.n_groups = i
    return 0


cdef int request_fill(Request *request, Spec given) except -1:
    cdef fp_spec *spec = &request.spec
    cdef size_t size
    spec.program = text_of(given.program, request, &size)
    fill_argv(request, given.argv)
    fill_envp(request, given.env)
    fill_stdio(spec.stdio, given.stdin, given.stdout, given.stderr)
    spec.close_fds = given.close_fds
    spec.restore_signals = given.restore_signals
    spec.new_session = given.new_session
    spec.routes = given.routes
    if given.path is not None:
        spec.search = True
        spec.path = text_of(given.path, request, &size)
    if given.cwd is not None:
        spec.has_cwd = True
        spec.cwd = text_of(given.cwd, request, &size)
    if given.pipesize is not None:
        spec.has_pipe_size = True
        spec.pipe_size = given.pipesize
    if given.pass_fds:
        add_fds(request, given.pass_fds)
    if given.process_group is not None:
        spec.has_process_group = True
        spec.process_group = given.process_group
    if given.umask is not None:
        spec.has_umask = True
        spec.umask = given.umask
    if given.extra_groups is not None:
        add_groups(request, given.extra_groups)
    if given.group is not None:
        spec.has_group = True
        spec.group = given.group
    if given.user is not None:
        spec.has_user = True
        spec.user = given.user
    return 0


# --- errors and time -------------------------------------------------------------------

cdef int raise_error(fp_error *error, object program, object cwd) except -1:
    if error.stage == FP_STAGE_MEMORY:
        raise MemoryError
    if error.stage == FP_STAGE_PREEXEC:
        raise SubprocessError("Exception occurred in preexec_fn.")
    message = os.strerror(error.code)
    if error.stage == FP_STAGE_EXEC:
        raise OSError(error.code, message, program)
    if error.stage == FP_STAGE_CHDIR:
        raise OSError(error.code, message, cwd)
    exception = OSError(error.code, message)
    if hasattr(exception, "add_note"):
        exception.add_note(f"the step that failed: {fp_stage_name(error.stage).decode()}")
    raise exception


cdef Allowed time_of(object timeout) except *:
    """How long a call may take that is given `timeout` seconds; None: for ever."""
    cdef Allowed allowed = Allowed(False, 0)
    cdef double seconds
    if timeout is not None:
        seconds = 0.0 + timeout  # an addition: what is no number is told so as by a clock's
        if seconds != seconds:
            raise ValueError("Invalid value NaN (not a number)")
        if seconds < 9e9:  # what 64 bits of nanoseconds hold
            allowed = Allowed(True, <int64_t>(max(seconds, 0.0) * 1e9))
    return allowed


cdef int view_of(object input, bint beside_output, Py_buffer *view) except -1:
    """The bytes of communicate()'s input. Refused as what sends it would: a memoryview
    where output is read meanwhile, a file object where it is all there is to do.
    """
    try:
        PyObject_GetBuffer(input, view, PyBUF_SIMPLE)
    except TypeError:
        if beside_output:
            memoryview(input)
        raise
    return 0
