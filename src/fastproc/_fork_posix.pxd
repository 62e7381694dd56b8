# What _native_posix.pyx takes from _fork_posix.pyx.
from cpython.ref cimport PyObject

from fastproc._core_posix cimport fp_fork_hooks
from fastproc._request_posix cimport Request, Spec

cdef extern from "Python.h" nogil:
    ctypedef struct PyThreadState:
        pass


cdef struct Hooks:
    fp_fork_hooks hooks
    PyThreadState **state  # of the call that is under way
    int collects           # whether the garbage collector was on
    PyObject *preexec_fn
    bint raised            # a signal handler, while we waited for it


cdef int set_hooks(Hooks *, PyThreadState **, Spec, Request *) except -1
