# From a Spec, which is Python objects, to the core's fp_spec and all that it points to;
# and from the core's error records back to exceptions.
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.ref cimport PyObject
from libc.stddef cimport wchar_t
from libc.stdint cimport uint16_t

from fastproc._core_windows cimport *

import os
import subprocess

cdef extern from *:
    """
    /* The C runtime's macros of these names; Spec has fields called so. */
    #undef stdin
    #undef stdout
    #undef stderr
    """

cdef extern from "Python.h":
    PyObject *PyErr_SetFromWindowsErr(int) except NULL
    wchar_t *PyUnicode_AsWideCharString(object, Py_ssize_t *) except NULL
    Py_ssize_t PyUnicode_AsWideChar(object, wchar_t *, Py_ssize_t) except -1
    object PyUnicode_FromWideChar(const wchar_t *, Py_ssize_t)
    HANDLE handle_of "PyLong_AsVoidPtr"(object) except? NULL

cdef int PIPE_ = subprocess.PIPE
cdef int STDOUT_ = subprocess.STDOUT
cdef int DEVNULL_ = subprocess.DEVNULL


cdef class Spec:
    """All that the core must know to start a child: plain data, filled by _spec_windows.py."""

    def __cinit__(self):
        self.std_handles = (None, None, None)
        self.handle_list = ()
        self.close_fds = True


# --- text: from Python's strings to UTF-16, and back ---------------------------------

cdef str exact(object text):
    """The same text, as no subclass of str: Cython's `str` takes none."""
    return text if type(text) is str else str.__str__(text)


cdef wchar_t *wide(object text) except NULL:
    return PyUnicode_AsWideCharString(text, NULL)  # ValueError for an embedded NUL


cdef class Units:
    """The UTF-16 of some strings, in one piece of memory."""

    def __cinit__(self, size_t room):
        self.data = <uint16_t *>PyMem_Malloc((room + 1) * sizeof(uint16_t))
        if self.data == NULL:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.data)

    cdef fp_units add(self, str text) except *:
        """`room` was enough: two units and a NUL for each character."""
        cdef fp_units units
        cdef Py_ssize_t most = 2 * len(text) + 1
        units.data = self.data + self.size
        units.size = <size_t>PyUnicode_AsWideChar(text, <wchar_t *>units.data, most)
        self.size += units.size
        return units

    cdef fp_units add_folded(self, fp_units name) except *:
        cdef fp_units units = fp_units(self.data + self.size, name.size)
        if not fp_env_fold(name, self.data + self.size):
            PyErr_SetFromWindowsErr(0)
        self.size += units.size
        return units


def list2cmdline(seq):
    """The command line for a sequence of str, bytes or PathLike."""
    cdef list args = [exact(os.fsdecode(arg)) for arg in seq]
    cdef Units text = Units(sum(2 * len(arg) + 1 for arg in args))
    cdef fp_units *units = <fp_units *>PyMem_Malloc(max(len(args), 1) * sizeof(fp_units))
    cdef Units line
    if units == NULL:
        raise MemoryError
    try:
        for i, arg in enumerate(args):
            units[i] = text.add(arg)
        line = Units(fp_cmdline(units, len(args), NULL))
        line.size = fp_cmdline(units, len(args), line.data)
        return PyUnicode_FromWideChar(<wchar_t *>line.data, <Py_ssize_t>line.size)
    finally:
        PyMem_Free(units)


cdef Units block_of(object env):
    """The environment block for a mapping."""
    cdef Units text, block
    cdef fp_env_entry *entries
    cdef size_t count = 0
    if not hasattr(type(env), "__getitem__"):
        raise TypeError("environment must be dictionary or None")
    cdef list items = [(key, env[key]) for key in env.keys()]
    cdef size_t room = 0
    for i, (key, value) in enumerate(items):
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError("environment can only contain strings")
        items[i] = key, value = exact(key), exact(value)
        if "\0" in key or "\0" in value:
            raise ValueError("embedded null character")
        room += 4 * len(key) + 2 * len(value) + 3
    text = Units(room)
    entries = <fp_env_entry *>PyMem_Malloc(max(len(items), 1) * sizeof(fp_env_entry))
    if entries == NULL:
        raise MemoryError
    try:
        for key, value in items:
            entries[count].name = text.add(key)
            if not fp_env_name_ok(entries[count].name):
                raise ValueError("illegal environment variable name")
            entries[count].folded = text.add_folded(entries[count].name)
            entries[count].value = text.add(value)
            count += 1
        count = fp_env_normalize(entries, count)
        block = Units(fp_env_block(entries, count, NULL))
        block.size = fp_env_block(entries, count, block.data)
        return block
    finally:
        PyMem_Free(entries)


def environment_block(env):
    """The block that a child gets for env=, as text: for tests."""
    cdef Units block = block_of(env)
    return PyUnicode_FromWideChar(<wchar_t *>block.data, <Py_ssize_t>block.size)


# --- a request: the core's spec, and all that it points to ---------------------------

cdef int fill_stdio(fp_stdio *stdio, Spec given) except -1:
    stdio[0].kind = kind_of(given.stdin, &stdio[0].handle)
    stdio[1].kind = kind_of(given.stdout, &stdio[1].handle)
    stdio[2].kind = kind_of(given.stderr, &stdio[2].handle)
    return 0


cdef fp_stdio_kind kind_of(object wish, HANDLE *handle) except <fp_stdio_kind>-1:
    if wish is None:
        return FP_STDIO_INHERIT
    if wish == PIPE_:
        return FP_STDIO_PIPE
    if wish == DEVNULL_:
        return FP_STDIO_NULL
    if wish == STDOUT_:
        return FP_STDIO_STDOUT
    handle[0] = handle_of(wish)
    return FP_STDIO_HANDLE


cdef class Request:
    def __cinit__(self, Spec given):
        cdef fp_spec *spec = &self.spec
        if given.application is not None:
            spec.application = self.application = wide(given.application)
        if given.cwd is not None:
            spec.cwd = self.cwd = wide(given.cwd)
        if given.env is not None:
            self.environment = block_of(given.env)
            spec.environment = <wchar_t *>self.environment.data
        spec.command_line = self.command_line = wide(given.command_line)
        fill_stdio(spec.stdio, given)
        spec.close_fds = given.close_fds
        spec.creation_flags = given.creation_flags
        spec.startup_flags = given.startup_flags
        spec.show_window = given.show_window
        for i in range(3):
            handle = given.std_handles[i]
            spec.std_handles[i] = NULL if handle is None else handle_of(handle)
        if given.handle_list:
            self.add_handles(given.handle_list)

    cdef int add_handles(self, object handles) except -1:
        self.handles = <HANDLE *>PyMem_Malloc(len(handles) * sizeof(HANDLE))
        if self.handles == NULL:
            raise MemoryError
        for i, handle in enumerate(handles):
            self.handles[i] = handle_of(handle)
        self.spec.handle_list = self.handles
        self.spec.n_handle_list = <size_t>len(handles)
        return 0

    def __dealloc__(self):
        PyMem_Free(self.application)
        PyMem_Free(self.command_line)
        PyMem_Free(self.cwd)
        PyMem_Free(self.handles)


# --- errors ----------------------------------------------------------------------------

cdef int raise_error(fp_error *error) except -1:
    if error.stage == FP_STAGE_MEMORY:
        raise MemoryError
    try:
        PyErr_SetFromWindowsErr(error.code)
    except OSError as exception:
        if error.stage != FP_STAGE_CREATE_PROCESS and hasattr(exception, "add_note"):
            exception.add_note(f"the step that failed: {fp_stage_name(error.stage).decode()}")
        raise
    return -1
