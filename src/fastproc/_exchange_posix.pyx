# Popen.communicate() with one child, from call to call.
cimport cython
from cpython.buffer cimport PyBuffer_Release
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.exc cimport PyErr_CheckSignals
from cpython.ref cimport Py_XDECREF
from libc.errno cimport errno
from posix.fcntl cimport F_SETFL, fcntl

from fastproc._core_posix cimport *
from fastproc._fork_posix cimport PyThreadState
from fastproc._native_posix cimport (
    Owner,
    communicate,
    job_done,
    job_init,
    limits_from_now,
    owned,
    set_nonblocking,
    taken,
)
from fastproc._request_posix cimport raise_error, time_of, view_of

import os

cdef extern from "Python.h" nogil:
    PyThreadState *PyEval_SaveThread()
    void PyEval_RestoreThread(PyThreadState *)
    unsigned long PyThread_get_thread_ident()


cdef class Exchange:
    """communicate() with a child whose pipes are file objects of the caller's.

    What was read and sent is kept from one call of go_on() to the next.
    """

    cdef fp_job job
    cdef Owner owners[2]
    cdef PyThreadState *state
    cdef Py_buffer view
    cdef bint has_view
    cdef list said  # what was taken
    cdef unsigned long busy  # the thread that is in go_on(), or 0

    def __cinit__(self, stdin, input, stdout, stderr, bint may_widen):
        """Descriptors, or None for those that are not piped; `input`: bytes-like."""
        self.said = [None, None]
        job_init(&self.job, self.owners, &self.state)
        self.job.may_widen = may_widen
        if input is not None:
            view_of(input, True, &self.view)
            self.has_view = True
            self.job.input.data = <const unsigned char *>self.view.buf
            self.job.input.size = <size_t>self.view.len
        if stdin is not None:
            self.job.input.fd = stdin
        if stdout is not None:
            self.job.output[0].fd = stdout
        if stderr is not None:
            self.job.output[1].fd = stderr

    def __dealloc__(self):
        Py_XDECREF(self.owners[0].bytes)
        Py_XDECREF(self.owners[1].bytes)
        if self.has_view:
            PyBuffer_Release(&self.view)

    cdef unsigned long enter(self) except? 0:
        """Nobody else may be in here while go_on() is: but for a signal handler, between
        two of its rounds. Returns who was.
        """
        cdef unsigned long me = PyThread_get_thread_ident(), before
        with cython.critical_section(self):
            before = self.busy
            if before == 0:
                self.busy = me
        if before != 0 and before != me:
            raise RuntimeError("communicate() is under way in another thread")
        return before

    def go_on(self, timeout):
        """Reads and writes until all is done, all input sent, or `timeout` seconds over.

        Says which: "done", "sent" (close stdin, and call again) or "timeout".
        """
        cdef fp_error error
        cdef fp_outcome outcome
        cdef fp_limits limits = limits_from_now(time_of(timeout))
        cdef int stdin = self.job.input.fd
        cdef int flags = 0
        cdef unsigned long before = self.enter()
        try:
            if stdin != FP_NO_FD and not set_nonblocking(stdin, &flags):
                stdin = FP_NO_FD
                raise OSError(errno, os.strerror(errno))
            while True:
                self.state = PyEval_SaveThread()
                outcome = communicate(&self.job, &limits, &error)
                PyEval_RestoreThread(self.state)
                if outcome != FP_INTERRUPTED:
                    break
                PyErr_CheckSignals()
        finally:
            self.busy = before
            if stdin != FP_NO_FD:
                fcntl(stdin, F_SETFL, flags)
        if outcome == FP_FAILED:
            raise_error(&error, None, None)
        if outcome == FP_TIMEOUT:
            return "timeout"
        return "done" if job_done(&self.job) else "sent"

    def ended(self, int which):
        """Whether stdin (0) is all sent, or stdout (1) or stderr (2) is at its end."""
        return (self.job.input.fd if which == 0 else self.job.output[which - 1].fd) == FP_NO_FD

    def forget(self, int which):
        """Does nothing more about stdin (0), stdout (1) or stderr (2)."""
        self.busy = self.enter()
        if which == 0:
            self.job.input.fd = FP_NO_FD
        else:
            self.job.output[which - 1].fd = FP_NO_FD

    def so_far(self, int which):
        """A copy of what stdout (1) or stderr (2) has said."""
        self.busy = self.enter()
        cdef fp_buffer *buffer = &self.job.output[which - 1].buffer
        return PyBytes_FromStringAndSize(<char *>buffer.data, <Py_ssize_t>buffer.size)

    def take(self, int which):
        """All that stdout (1) or stderr (2) has said; the same when asked again."""
        self.busy = self.enter()
        if self.said[which - 1] is None:
            self.said[which - 1] = owned(taken(&self.job.output[which - 1].buffer))
        return self.said[which - 1]
