# The binding: releases the GIL around the core's calls, and turns its error records into
# exceptions. It decides nothing; that is done above (_spec_windows.py) and below.
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.exc cimport PyErr_CheckSignals
from cpython.ref cimport PyObject, Py_XDECREF
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset

from fastproc._core_windows cimport *
from fastproc._request_windows cimport Request, Spec, fill_stdio, raise_error

import msvcrt
import subprocess

cdef extern from *:
    """
    /* The C runtime's macros of these names; Spec has fields called so. */
    #undef stdin
    #undef stdout
    #undef stderr
    /* Set by Ctrl-C, and what only the main thread of the main interpreter may wait for:
       exported by every Python, but declared in internal headers only. */
    PyAPI_FUNC(void *) _PyOS_SigintEvent(void);
    PyAPI_FUNC(int) _PyOS_IsMainThread(void);
    """
    HANDLE _PyOS_SigintEvent()
    bint _PyOS_IsMainThread()

# Cython's own "with nogil" keeps the thread state to itself; what the core calls back
# needs it.
cdef extern from "Python.h" nogil:
    ctypedef struct PyThreadState:
        pass
    PyThreadState *PyEval_SaveThread()
    void PyEval_RestoreThread(PyThreadState *)
    PyObject *new_bytes "PyBytes_FromStringAndSize"(const char *, Py_ssize_t)
    unsigned char *bytes_data "(unsigned char *)PyBytes_AS_STRING"(PyObject *)
    int resize_bytes "_PyBytes_Resize"(PyObject **, Py_ssize_t)
    void PyErr_Clear()

cdef extern from "Python.h":
    PyObject *PyErr_SetFromWindowsErr(int) except NULL
    HANDLE handle_of "PyLong_AsVoidPtr"(object) except? NULL
    object number_of "PyLong_FromVoidPtr"(HANDLE)


# --- time and Ctrl-C ---------------------------------------------------------------------

cdef fp_limits limits_from_now(object timeout) except *:
    """The deadline that is `timeout` seconds away; None: never."""
    cdef fp_limits limits
    cdef double seconds
    memset(&limits, 0, sizeof(limits))
    if timeout is not None:
        seconds = timeout
        if seconds != seconds:
            raise ValueError("Invalid value NaN (not a number)")
        if seconds < 9e9:  # what 64 bits of nanoseconds hold
            limits.deadline = fp_deadline_in(<int64_t>(max(seconds, 0.0) * 1e9))
    return limits


cdef int listen(fp_limits *limits) except -1:
    """Lets Ctrl-C interrupt the wait that follows; runs the handlers of what came before."""
    if _PyOS_IsMainThread():
        limits.interrupt = _PyOS_SigintEvent()
        ResetEvent(limits.interrupt)  # before the check: what comes after it sets it again
        PyErr_CheckSignals()
    return 0


# --- output: read straight into the bytes object that the caller gets ------------------

cdef struct Owner:
    PyObject *bytes
    PyThreadState **state


cdef c_bool grow_bytes(fp_buffer *buffer, size_t capacity) noexcept nogil:
    cdef Owner *owner = <Owner *>buffer.owner
    cdef bint grown = False
    cdef PyObject *made
    PyEval_RestoreThread(owner.state[0])
    if fp_buffer_is_inline(buffer):
        made = new_bytes(NULL, <Py_ssize_t>capacity)
        if made != NULL:
            memcpy(bytes_data(made), buffer.data, buffer.size)
            owner.bytes = made
            grown = True
    else:
        grown = resize_bytes(&owner.bytes, <Py_ssize_t>capacity) == 0
    if grown:
        buffer.data = bytes_data(owner.bytes)
        buffer.capacity = capacity
    else:
        # What a failed resize leaves is nothing; so does the MemoryError to come.
        PyErr_Clear()
        fp_buffer_init(buffer, grow_bytes, owner)
    owner.state[0] = PyEval_SaveThread()
    return grown


cdef object taken(fp_buffer *buffer):
    """The buffer's bytes; a large one is not copied, and the buffer is empty then."""
    cdef Owner *owner = <Owner *>buffer.owner
    if fp_buffer_is_inline(buffer):
        return PyBytes_FromStringAndSize(<char *>buffer.data, <Py_ssize_t>buffer.size)
    if resize_bytes(&owner.bytes, <Py_ssize_t>buffer.size) < 0:
        fp_buffer_init(buffer, grow_bytes, owner)
        raise MemoryError
    result = <object>owner.bytes
    Py_XDECREF(owner.bytes)
    owner.bytes = NULL
    fp_buffer_init(buffer, grow_bytes, owner)
    return result


# --- children ----------------------------------------------------------------------------

def wait(handle, timeout):
    """The exit code of a process, or None if `timeout` seconds came first."""
    cdef HANDLE process = handle_of(handle)
    cdef fp_limits limits = limits_from_now(timeout)
    cdef fp_error error
    cdef fp_outcome outcome
    cdef DWORD code = 0
    while True:
        listen(&limits)
        with nogil:
            outcome = fp_wait_process(process, &limits, &code, &error)
        if outcome == FP_DONE:
            return code
        if outcome == FP_TIMEOUT:
            return None
        if outcome == FP_FAILED:
            raise_error(&error)


def poll(handle):
    """The exit code of a process, or None while it runs. Runs no signal handlers."""
    cdef fp_limits at_once
    cdef fp_error error
    cdef DWORD code = 0
    at_once.deadline = fp_deadline_in(0)
    at_once.interrupt = NULL
    cdef fp_outcome outcome = fp_wait_process(handle_of(handle), &at_once, &code, &error)
    if outcome == FP_FAILED:
        raise_error(&error)
    return code if outcome == FP_DONE else None


def terminate(handle):
    """Ends a process with exit code 1; PermissionError also if it has ended already."""
    cdef DWORD code = fp_terminate(handle_of(handle))
    if code != 0:
        PyErr_SetFromWindowsErr(<int>code)


cdef class Ends:
    """The pipes and the null device for one child: opened here, until the child has them."""

    cdef fp_ends ends

    def __cinit__(self, Spec spec):
        cdef fp_spec wanted
        cdef fp_error error
        memset(&wanted, 0, sizeof(wanted))
        fill_stdio(wanted.stdio, spec)
        if not fp_ends_open(&self.ends, &wanted, FP_PIPE_PLAIN, &error):
            raise_error(&error)

    def __dealloc__(self):
        fp_ends_close_child(&self.ends)
        fp_ends_close_parent(&self.ends)

    def take_parent(self, int which):
        """A descriptor for our end of a pipe, the caller's from now on; None if none."""
        cdef HANDLE handle = self.ends.parent[which]
        if handle == NULL:
            return None
        fd = msvcrt.open_osfhandle(number_of(handle), 0)
        self.ends.parent[which] = NULL
        return fd

    def close(self):
        """Closes all that is still here: the child's ends, and ours that nobody took."""
        fp_ends_close_child(&self.ends)
        fp_ends_close_parent(&self.ends)


class Child(subprocess.Handle):
    """A process handle, closed when nobody needs it any more, and whose it is."""

    pid = None


cdef object child_of(fp_proc *proc):
    """The handle's keeper. Where there cannot be one, nobody could ask for the child or end it
    any more: then it is ended here.
    """
    child = None
    try:
        child = Child(number_of(proc.process))
        child.pid = proc.pid
    except BaseException:
        fp_terminate(proc.process)
        if child is None:
            CloseHandle(proc.process)
        raise
    finally:
        proc.process = NULL
    return child


def spawn(owner, Spec spec, Ends ends):
    """Starts a child, and gives it to its owner before a signal handler gets its turn, which may
    raise. `ends`: None where nothing is redirected.
    """
    cdef Request request = Request(spec)
    cdef fp_proc proc
    cdef fp_error error
    cdef fp_ends none
    cdef fp_ends *given = &none
    cdef bint started
    memset(&none, 0, sizeof(none))
    if ends is not None:
        given = &ends.ends
    with nogil:
        started = fp_spawn(&request.spec, given, &proc, &error)
    if not started:
        raise_error(&error)
    owner._child = child_of(&proc)
    owner.pid = owner._child.pid
    owner._child_created = True


def run(Spec spec, args, input, timeout, let_go):
    """Runs a program to its end: (exit code, stdout, stderr); None for what is not piped.

    At the deadline the child is killed, and the exit code is None. When a signal handler
    raises, let_go(args, child, exception) gets the child, alive.
    """
    cdef PyThreadState *state = NULL
    cdef fp_job job
    cdef Owner owners[2]
    cdef void *owner_pointers[2]
    cdef fp_error error
    cdef fp_limits limits = limits_from_now(timeout)
    cdef fp_outcome outcome = FP_FAILED
    cdef bint started = False, timed = False
    cdef Py_buffer view
    cdef bint has_view = False
    cdef Request request = Request(spec)
    for i in range(2):
        owners[i] = Owner(NULL, &state)
        owner_pointers[i] = &owners[i]
    fp_job_init(&job, grow_bytes, owner_pointers)
    try:
        if input is not None:
            PyObject_GetBuffer(input, &view, PyBUF_SIMPLE)
            has_view = True
            job.input.data = <const unsigned char *>view.buf
            job.input.size = <size_t>view.len
        while True:
            listen(&limits)
            outcome = FP_FAILED
            state = PyEval_SaveThread()
            if started:
                outcome = fp_run_on(&job, &limits, &error)
            elif fp_run_start(&job, &request.spec, &error):
                started = True
                outcome = FP_INTERRUPTED
            PyEval_RestoreThread(state)
            if limits.deadline.set and outcome == FP_INTERRUPTED and not timed:
                limits = limits_from_now(timeout)  # from when the child is there
                timed = True
            if outcome != FP_INTERRUPTED:
                break
        if started and outcome != FP_DONE:
            with nogil:
                fp_run_kill(&job)
        if outcome == FP_FAILED:
            raise_error(&error)
        return (
            job.code if outcome == FP_DONE else None,
            taken(&job.output[0].buffer) if request.spec.stdio[1].kind == FP_STDIO_PIPE else None,
            taken(&job.output[1].buffer) if request.spec.stdio[2].kind == FP_STDIO_PIPE else None,
        )
    except BaseException as exception:
        if started and outcome == FP_INTERRUPTED:
            child = child_of(&job.proc)
            let_go(args, child, exception)  # its pipes are there until it has ended
        raise
    finally:
        with nogil:
            fp_run_close(&job)
        Py_XDECREF(owners[0].bytes)
        Py_XDECREF(owners[1].bytes)
        if has_view:
            PyBuffer_Release(&view)


cdef class Exchange:
    """communicate() with a child whose pipes are file objects of the caller's.

    A thread of the core's serves each pipe, and goes on between the calls of go_on().
    """

    cdef fp_pump *pumps[3]
    cdef bint told[3]  # go_on() has seen the pump's end
    cdef Py_buffer view
    cdef bint has_view

    def __cinit__(self, stdin, input, stdout, stderr):
        """Handles, or None for those that are not piped; `input`: bytes-like."""
        cdef fp_error error
        handles = (stdin, stdout, stderr)
        if stdin is not None:
            PyObject_GetBuffer(input, &self.view, PyBUF_SIMPLE)
            self.has_view = True
        for i in range(3):
            if handles[i] is None:
                continue
            if i == 0:
                self.pumps[0] = fp_pump_write(
                    handle_of(stdin), <const unsigned char *>self.view.buf,
                    <size_t>self.view.len, &error)
            else:
                self.pumps[i] = fp_pump_read(handle_of(handles[i]), &error)
            if self.pumps[i] == NULL:
                raise_error(&error)

    def __dealloc__(self):
        cdef bint all_freed = True
        with nogil:
            for i in range(3):
                if not fp_pump_free(self.pumps[i], FP_PUMP_PATIENCE_MS):
                    all_freed = False
        # A thread that does not come back may go on reading the input: it stays for ever then.
        if self.has_view and all_freed:
            PyBuffer_Release(&self.view)

    def stop(self):
        """Ends what is under way; what was read stays."""
        with nogil:
            for i in range(3):
                if self.pumps[i] != NULL:
                    fp_pump_stop(self.pumps[i], FP_PUMP_PATIENCE_MS)

    def go_on(self, timeout):
        """Waits until all is done, all input sent, or `timeout` seconds are over.

        Says which: "done", "sent" (close stdin, and call again) or "timeout".
        """
        cdef fp_limits limits = limits_from_now(timeout)
        cdef fp_error error
        cdef fp_outcome outcome
        cdef HANDLE threads[3]
        cdef int whose[3]
        cdef size_t count, which = 0
        while True:
            count = 0
            for i in range(3):
                if self.pumps[i] != NULL and not self.told[i]:
                    threads[count] = fp_pump_thread(self.pumps[i])
                    whose[count] = i
                    count += 1
            if count == 0:
                return "done"
            listen(&limits)
            with nogil:
                outcome = fp_wait_any(threads, count, &limits, &which, &error)
            if outcome == FP_TIMEOUT:
                return "timeout"
            if outcome == FP_FAILED:
                raise_error(&error)
            if outcome == FP_DONE:
                self.told[whose[which]] = True
                if not fp_pump_result(self.pumps[whose[which]], &error):
                    raise_error(&error)
                if whose[which] == 0 and count > 1:
                    return "sent"

    def take(self, int which):
        """What stdout (1) or stderr (2) has said, once it is at its end or stopped."""
        if self.pumps[which] == NULL:
            return b""
        cdef const fp_buffer *buffer = fp_pump_output(self.pumps[which])
        return PyBytes_FromStringAndSize(<char *>buffer.data, <Py_ssize_t>buffer.size)


def last_route():
    """How the calling thread's last child was started: there is only one way here."""
    return "CreateProcess"
