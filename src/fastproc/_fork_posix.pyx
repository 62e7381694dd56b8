# preexec_fn: what the core calls around a fork, the one route on which Python runs in the child.
from cpython.ref cimport PyObject

from fastproc._core_posix cimport *
from fastproc._request_posix cimport Request, Spec

cdef extern from "Python.h" nogil:
    PyThreadState *PyEval_SaveThread()
    void PyEval_RestoreThread(PyThreadState *)
    PyObject *PyObject_CallNoArgs(PyObject *)
    int check_signals "PyErr_CheckSignals"()  # what it raises stays for later
    ctypedef struct PyInterpreterState:
        pass
    PyInterpreterState *PyInterpreterState_Get()
    PyInterpreterState *PyInterpreterState_Main()
    void PyOS_BeforeFork()
    void PyOS_AfterFork_Parent()
    void PyOS_AfterFork_Child()
    int PyGC_Disable()
    int PyGC_Enable()


cdef void before_fork(void *context) noexcept nogil:
    cdef Hooks *hooks = <Hooks *>context
    PyEval_RestoreThread(hooks.state[0])
    # Or else a collection in the child might finalize what is the parent's.
    hooks.collects = PyGC_Disable()
    PyOS_BeforeFork()


cdef void after_fork(void *context) noexcept nogil:
    cdef Hooks *hooks = <Hooks *>context
    PyOS_AfterFork_Parent()
    if hooks.collects:
        PyGC_Enable()
    hooks.state[0] = PyEval_SaveThread()


cdef c_bool interrupted(void *context) noexcept nogil:
    cdef Hooks *hooks = <Hooks *>context
    PyEval_RestoreThread(hooks.state[0])
    hooks.raised = check_signals() < 0
    hooks.state[0] = PyEval_SaveThread()
    return not hooks.raised


cdef void born(void *context) noexcept nogil:
    PyOS_AfterFork_Child()


cdef c_bool in_child(void *context) noexcept nogil:
    return PyObject_CallNoArgs((<Hooks *>context).preexec_fn) != NULL


cdef int set_hooks(
    Hooks *hooks, PyThreadState **state, Spec spec, Request *request
) except -1:
    hooks.state = state
    hooks.raised = False
    if spec.preexec_fn is not None:
        if PyInterpreterState_Get() != PyInterpreterState_Main():
            raise RuntimeError("preexec_fn not supported within subinterpreters")
        hooks.hooks = fp_fork_hooks(before_fork, after_fork, interrupted, born, in_child, hooks)
        hooks.preexec_fn = <PyObject *>spec.preexec_fn
        request.spec.hooks = &hooks.hooks
    return 0
