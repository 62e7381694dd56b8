# What a request for a child is made of; see _request_windows.pyx.
from libc.stddef cimport wchar_t
from libc.stdint cimport uint16_t

from fastproc._core_windows cimport DWORD, HANDLE, WORD, fp_error, fp_spec, fp_stdio, fp_units


cdef class Spec:
    cdef public object application      # str; None: what the command line begins with
    cdef public object command_line     # str
    cdef public object env              # a mapping; None: the process's own
    cdef public object cwd              # str; None: inherited
    cdef public object stdin            # None, a handle, or PIPE, STDOUT, DEVNULL
    cdef public object stdout
    cdef public object stderr
    cdef public object std_handles      # three handles or None, for when nothing is redirected
    cdef public object handle_list      # more handles that the child inherits
    cdef public DWORD creation_flags
    cdef public DWORD startup_flags
    cdef public WORD show_window
    cdef public bint close_fds


cdef class Units:
    cdef uint16_t *data
    cdef size_t size

    cdef fp_units add(self, str) except *
    cdef fp_units add_folded(self, fp_units) except *


cdef class Request:
    cdef fp_spec spec
    cdef wchar_t *application
    cdef wchar_t *command_line
    cdef wchar_t *cwd
    cdef HANDLE *handles
    cdef Units environment

    cdef int add_handles(self, object) except -1


cdef int fill_stdio(fp_stdio *, Spec) except -1
cdef int raise_error(fp_error *) except -1
