# The binding: releases the GIL around the core's calls, and turns its error records into
# exceptions. It decides nothing; that is done above (_spec_posix.py) and below.
cimport cython
from cpython.buffer cimport PyBuffer_Release
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.exc cimport PyErr_CheckSignals
from cpython.ref cimport PyObject, Py_XDECREF
from libc.errno cimport ESRCH, errno
from libc.string cimport memcpy
from posix.fcntl cimport F_SETFL, fcntl
from posix.unistd cimport close

from fastproc._core_posix cimport *
from fastproc._request_posix cimport (
    Allowed,
    Request,
    Spec,
    raise_error,
    request_fill,
    request_free,
    request_init,
    stdio_of,
    time_of,
    view_of,
)

import os
import sys
import threading

cdef extern from "Python.h" nogil:
    # Cython's own "with nogil" keeps the thread state to itself; what the core calls
    # back needs it.
    ctypedef struct PyThreadState:
        pass
    PyThreadState *PyEval_SaveThread()
    void PyEval_RestoreThread(PyThreadState *)
    PyObject *new_bytes "PyBytes_FromStringAndSize"(const char *, Py_ssize_t)
    char *bytes_data "PyBytes_AS_STRING"(PyObject *)
    int resize_bytes "_PyBytes_Resize"(PyObject **, Py_ssize_t)
    PyObject *PyObject_CallNoArgs(PyObject *)
    void PyErr_Clear()
    unsigned long PyThread_get_thread_ident()
    ctypedef struct PyInterpreterState:
        pass
    PyInterpreterState *PyInterpreterState_Get()
    PyInterpreterState *PyInterpreterState_Main()
    void PyOS_BeforeFork()
    void PyOS_AfterFork_Parent()
    void PyOS_AfterFork_Child()


# --- fork: the one route on which Python runs in the child -----------------------------

cdef unsigned long main_thread = threading.main_thread().ident


cdef struct Hooks:
    fp_fork_hooks hooks
    PyThreadState **state
    PyObject *preexec_fn


cdef void before_fork(void *context) noexcept nogil:
    PyEval_RestoreThread((<Hooks *>context).state[0])
    PyOS_BeforeFork()


cdef void after_fork(void *context) noexcept nogil:
    PyOS_AfterFork_Parent()
    (<Hooks *>context).state[0] = PyEval_SaveThread()


cdef c_bool in_child(void *context) noexcept nogil:
    PyOS_AfterFork_Child()
    return PyObject_CallNoArgs((<Hooks *>context).preexec_fn) != NULL


cdef int set_hooks(Hooks *hooks, Spec spec, Request *request, PyThreadState **state) except -1:
    if spec.preexec_fn is not None:
        if PyInterpreterState_Get() != PyInterpreterState_Main():
            raise RuntimeError("preexec_fn not supported within subinterpreters")
        hooks.hooks = fp_fork_hooks(before_fork, after_fork, in_child, hooks)
        hooks.state = state
        hooks.preexec_fn = <PyObject *>spec.preexec_fn
        request.spec.hooks = &hooks.hooks
    return 0


# --- time ---------------------------------------------------------------------------------

cdef fp_limits limits_from_now(Allowed allowed) noexcept nogil:
    cdef fp_limits limits
    limits.deadline.set = False
    limits.deadline.at = 0
    if allowed.limited:
        limits.deadline = fp_deadline_in(allowed.nanoseconds)
    return limits


# --- output: read straight into the bytes object that the caller gets ---------------------

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
        buffer.data = <unsigned char *>bytes_data(owner.bytes)
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


# --- children ------------------------------------------------------------------------------

cdef void close_fd(int *fd) noexcept:
    if fd[0] != FP_NO_FD:
        close(fd[0])
        fd[0] = FP_NO_FD


cdef class Child:
    """A child, by its pid and, where there is one, its pidfd.

    Its owner calls reap() and send_signal() with one lock held: then no child is
    signalled after it was reaped. Any number of threads may be in wait_exit(); the
    pidfd is closed once the child is reaped and the last of them has left.
    """

    cdef readonly pid_t pid
    cdef fp_route used
    cdef int pidfd
    cdef int waiters
    cdef bint reaped
    cdef object code  # the exit code; None: lost to somebody else

    def __cinit__(self):
        self.pidfd = FP_NO_FD

    def __dealloc__(self):
        close_fd(&self.pidfd)

    @property
    def route(self):
        return fp_route_name(self.used).decode()

    def wait_exit(self, timeout):
        """Waits until the child has ended: False if `timeout` seconds came first."""
        cdef fp_limits limits = limits_from_now(time_of(timeout))
        cdef fp_error error
        cdef fp_outcome outcome = FP_INTERRUPTED
        cdef int pidfd
        with cython.critical_section(self):
            if self.reaped:
                return True
            # Not before there is a use for it: it costs a tenth of the child's birth, and
            # a program may have more children than it may have descriptors.
            if limits.deadline.set and self.pidfd == FP_NO_FD:
                self.pidfd = fp_pidfd_of(self.pid)
            self.waiters += 1
            pidfd = self.pidfd
        try:
            while outcome == FP_INTERRUPTED:
                with nogil:
                    outcome = fp_wait_exit(self.pid, pidfd, &limits.deadline, &error)
                PyErr_CheckSignals()
        finally:
            with cython.critical_section(self):
                self.waiters -= 1
                if self.reaped and self.waiters == 0:
                    close_fd(&self.pidfd)
        if outcome == FP_FAILED:
            raise OSError(error.code, os.strerror(error.code))
        return outcome == FP_DONE

    def reap(self, lost_code):
        """The exit code; None while the child runs; lost_code if somebody else reaped it.

        It can be asked again: a signal handler may do so between two of our steps.
        """
        cdef int code = 0
        cdef fp_reaping reaping
        with cython.critical_section(self):
            if not self.reaped:
                reaping = fp_reap(self.pid, False, &code)
                if reaping == FP_REAP_RUNNING:
                    return None
                self.reaped = True
                self.code = code if reaping == FP_REAP_DONE else None
                if self.waiters == 0:
                    close_fd(&self.pidfd)
        return lost_code if self.code is None else self.code

    def send_signal(self, int signum):
        cdef int code = ESRCH if self.reaped else fp_signal(self.pid, self.pidfd, signum)
        if code != 0:
            raise OSError(code, os.strerror(code))


cdef Child child_of(fp_proc *proc):
    child = Child()
    child.pid = proc.pid
    child.pidfd = proc.pidfd
    child.used = proc.used
    return child


cdef class Ends:
    """The pipes and the null device for one child: opened here, until the child has them."""

    cdef fp_ends ends

    def __cinit__(self, Spec spec):
        cdef fp_stdio stdio[3]
        cdef fp_error error
        cdef bint sized = spec.pipesize is not None
        stdio[0] = stdio_of(spec.stdin)
        stdio[1] = stdio_of(spec.stdout)
        stdio[2] = stdio_of(spec.stderr)
        if not fp_ends_open(&self.ends, stdio, sized, spec.pipesize if sized else 0, &error):
            raise_error(&error, spec.program, spec.cwd)

    def __dealloc__(self):
        self.close()

    def take_parent(self, int which):
        """Our end of a pipe, which is the caller's from now on; None if there is none."""
        cdef int fd = self.ends.parent[which]
        self.ends.parent[which] = FP_NO_FD
        return None if fd == FP_NO_FD else fd

    def close(self):
        """Closes all that is still here: the child's ends, and ours that nobody took."""
        fp_ends_close_child(&self.ends)
        fp_ends_close_parent(&self.ends)


def spawn(Spec spec, Ends ends):
    """Starts a child, and returns it once exec has succeeded.

    ends: None where nothing but descriptors that are there already goes to the child.
    """
    cdef fp_ends given
    cdef Request request
    cdef Hooks hooks
    cdef PyThreadState *state = NULL
    cdef fp_proc proc
    cdef fp_error error
    cdef bint started
    cdef list alive = []
    request_init(&request)
    try:
        request_fill(&request, spec, alive)
        set_hooks(&hooks, spec, &request, &state)
        if ends is None:
            fp_ends_open(&given, request.spec.stdio, False, 0, &error)
        else:
            given = ends.ends
        state = PyEval_SaveThread()
        started = fp_spawn(&request.spec, &given, &proc, &error)
        PyEval_RestoreThread(state)
        if not started:
            raise_error(&error, spec.program, spec.cwd)
        return child_of(&proc)
    finally:
        request_free(&request)


cdef int run_handlers(fp_job *job, object args, object let_go) except -1:
    """Python's signal handlers; where one raises, let_go() gets the child."""
    try:
        PyErr_CheckSignals()
    except BaseException:
        child = child_of(&job.proc)
        job.proc.pidfd = FP_NO_FD
        fp_run_close(job)
        let_go(args, child, sys.exc_info()[1])
        raise
    return 0


cpdef run(Spec spec, args, input, timeout, let_go):
    """Runs a program to its end: (exit code, stdout, stderr); None for what is not piped.

    At the deadline the child is killed and reaped, and the exit code is None. When a
    signal handler raises, let_go(args, child, exception) gets the child, alive.
    """
    cdef Request request
    cdef Hooks hooks
    cdef PyThreadState *state = NULL
    cdef fp_job job
    cdef Owner owners[2]
    cdef void *owner_pointers[2]
    cdef fp_error error
    cdef fp_limits limits
    cdef fp_outcome outcome = FP_FAILED
    cdef bint started
    cdef Py_buffer view
    cdef bint has_view = False
    cdef list alive = []
    cdef Allowed allowed = time_of(timeout)
    owners[0] = Owner(NULL, &state)
    owners[1] = Owner(NULL, &state)
    owner_pointers[0] = &owners[0]
    owner_pointers[1] = &owners[1]
    fp_job_init(&job, grow_bytes, owner_pointers)
    request_init(&request)
    try:
        request_fill(&request, spec, alive)
        set_hooks(&hooks, spec, &request, &state)
        if input is not None:
            piped = FP_STDIO_PIPE in (request.spec.stdio[1].kind, request.spec.stdio[2].kind)
            view_of(input, piped or allowed.limited, &view)
            has_view = True
            job.input.data = <const unsigned char *>view.buf
            job.input.size = <size_t>view.len
        state = PyEval_SaveThread()
        started = fp_run_start(&job, &request.spec, &error)
        if started:
            limits = limits_from_now(allowed)
            # While this thread had its signals blocked for the birth, the kernel may have
            # given one to another thread. Python's handlers run on the main thread only:
            # there, they get their turn before it sleeps.
            if PyThread_get_thread_ident() == main_thread:
                job.proc.interrupted = False
                outcome = FP_INTERRUPTED
            else:
                outcome = fp_run_on(&job, &limits, &error)
        PyEval_RestoreThread(state)
        if not started:
            raise_error(&error, spec.program, spec.cwd)
        while outcome == FP_INTERRUPTED:
            run_handlers(&job, args, let_go)
            state = PyEval_SaveThread()
            outcome = fp_run_on(&job, &limits, &error)
            PyEval_RestoreThread(state)
        if outcome != FP_DONE:
            with nogil:
                fp_run_kill(&job)
        if outcome == FP_FAILED:
            raise_error(&error, spec.program, spec.cwd)
        return (
            job.code if outcome == FP_DONE else None,
            taken(&job.output[0].buffer) if request.spec.stdio[1].kind == FP_STDIO_PIPE else None,
            taken(&job.output[1].buffer) if request.spec.stdio[2].kind == FP_STDIO_PIPE else None,
        )
    finally:
        fp_run_close(&job)
        Py_XDECREF(owners[0].bytes)
        Py_XDECREF(owners[1].bytes)
        if has_view:
            PyBuffer_Release(&view)
        request_free(&request)


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

    def __cinit__(self, stdin, input, stdout, stderr, bint may_widen):
        """Descriptors, or None for those that are not piped; `input`: bytes-like."""
        cdef void *owner_pointers[2]
        self.said = [None, None]
        for i in range(2):
            self.owners[i] = Owner(NULL, &self.state)
            owner_pointers[i] = &self.owners[i]
        fp_job_init(&self.job, grow_bytes, owner_pointers)
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

    def go_on(self, timeout):
        """Reads and writes until all is done, all input sent, or `timeout` seconds over.

        Says which: "done", "sent" (close stdin, and call again) or "timeout".
        """
        cdef fp_job *jobs[1]
        cdef fp_error error
        cdef fp_outcome outcome
        cdef fp_limits limits = limits_from_now(time_of(timeout))
        cdef int stdin = self.job.input.fd
        cdef int flags = 0
        if stdin != FP_NO_FD and not fp_set_nonblocking(stdin, &flags):
            raise OSError(errno, os.strerror(errno))
        jobs[0] = &self.job
        try:
            while True:
                self.state = PyEval_SaveThread()
                outcome = fp_communicate(jobs, 1, &limits, &error)
                PyEval_RestoreThread(self.state)
                if outcome != FP_INTERRUPTED:
                    break
                PyErr_CheckSignals()
        finally:
            if stdin != FP_NO_FD:
                fcntl(stdin, F_SETFL, flags)
        if outcome == FP_FAILED:
            raise_error(&error, None, None)
        if outcome == FP_TIMEOUT:
            return "timeout"
        return "done" if fp_job_done(&self.job) else "sent"

    def ended(self, int which):
        """Whether stdin (0) is all sent, or stdout (1) or stderr (2) is at its end."""
        return (self.job.input.fd if which == 0 else self.job.output[which - 1].fd) == FP_NO_FD

    def forget(self, int which):
        """Does nothing more about stdin (0), stdout (1) or stderr (2)."""
        if which == 0:
            self.job.input.fd = FP_NO_FD
        else:
            self.job.output[which - 1].fd = FP_NO_FD

    def so_far(self, int which):
        """A copy of what stdout (1) or stderr (2) has said."""
        cdef fp_buffer *buffer = &self.job.output[which - 1].buffer
        return PyBytes_FromStringAndSize(<char *>buffer.data, <Py_ssize_t>buffer.size)

    def take(self, int which):
        """All that stdout (1) or stderr (2) has said; the same when asked again."""
        if self.said[which - 1] is None:
            self.said[which - 1] = taken(&self.job.output[which - 1].buffer)
        return self.said[which - 1]


# --- for tests, and for those who ask ---------------------------------------------------

FEATURES = {
    "clone3": FP_FEATURE_CLONE3,
    "shared_vfork": FP_FEATURE_SHARED_VFORK,
    "close_range": FP_FEATURE_CLOSE_RANGE,
    "pidfd": FP_FEATURE_PIDFD,
    "proc_fds": FP_FEATURE_PROC_FDS,
    "reopen": FP_FEATURE_REOPEN,
}
ROUTES = {fp_route_name(<fp_route>i).decode(): 1 << i for i in range(FP_ROUTE_COUNT)}


def features():
    """What this kernel and sandbox let the core use."""
    cdef unsigned found = fp_features()
    return {name for name, bit in FEATURES.items() if found & bit}


def drop_feature(name):
    """Goes on as if this machine had not got it: for tests of what is done then."""
    fp_features_drop(FEATURES[name])


def last_route():
    """The route of the calling thread's last child."""
    return fp_route_name(fp_last_route()).decode()
