# The binding: releases the GIL around the core's calls, and turns its error records into
# exceptions. It decides nothing; that is done above (_spec_posix.py) and below.
cimport cython
from cpython.buffer cimport PyBuffer_Release
from cpython.exc cimport PyErr_CheckSignals
from cpython.ref cimport PyObject, Py_XDECREF
from libc.errno cimport ESRCH
from libc.string cimport memcpy
from posix.unistd cimport close

from fastproc._core_posix cimport *
from fastproc._fork_posix cimport Hooks, set_hooks
from fastproc._request_posix cimport (
    Allowed,
    Request,
    Spec,
    fill_stdio,
    raise_error,
    request_fill,
    request_free,
    request_init,
    time_of,
    view_of,
)

import os
import threading

cdef extern from * nogil:
    """
    /* As _PyBytes_Resize, which frees the object when it fails. NULL: it is as it was. */
    static PyObject *fp_resized_bytes(PyObject *bytes, Py_ssize_t size)
    {
    #ifdef Py_TRACE_REFS
        PyObject *made = PyBytes_FromStringAndSize(NULL, size);
        if (made != NULL) {
            Py_ssize_t had = PyBytes_GET_SIZE(bytes);
            memcpy(PyBytes_AS_STRING(made), PyBytes_AS_STRING(bytes), had < size ? had : size);
            Py_DECREF(bytes);
        }
        return made;
    #else
        PyObject *moved = PyObject_Realloc(bytes, offsetof(PyBytesObject, ob_sval) + size + 1);
        if (moved != NULL) {
            Py_SET_SIZE((PyVarObject *)moved, size);
            PyBytes_AS_STRING(moved)[size] = 0;
        }
        return moved;
    #endif
    }
    """
    PyObject *resized_bytes "fp_resized_bytes"(PyObject *, Py_ssize_t)

cdef extern from "Python.h" nogil:
    # Cython's own "with nogil" keeps the thread state to itself; what the core calls
    # back needs it.
    PyThreadState *PyEval_SaveThread()
    void PyEval_RestoreThread(PyThreadState *)
    PyObject *new_bytes "PyBytes_FromStringAndSize"(const char *, Py_ssize_t)
    char *bytes_data "PyBytes_AS_STRING"(PyObject *)
    void PyErr_Clear()
    unsigned long PyThread_get_thread_ident()


cdef unsigned long main_thread  # on which alone Python runs signal handlers


def note_main_thread():
    global main_thread
    main_thread = threading.main_thread().ident


note_main_thread()
os.register_at_fork(after_in_child=note_main_thread)


# --- time ---------------------------------------------------------------------------------

cdef fp_limits limits_from_now(Allowed allowed) noexcept nogil:
    cdef fp_limits limits
    limits.deadline.set = False
    limits.deadline.at = 0
    if allowed.limited:
        limits.deadline = fp_deadline_in(allowed.nanoseconds)
    return limits


# --- output: read straight into the bytes object that the caller gets ---------------------

cdef c_bool grow_bytes(fp_buffer *buffer, size_t capacity) noexcept nogil:
    cdef Owner *owner = <Owner *>buffer.owner
    cdef PyObject *made
    PyEval_RestoreThread(owner.state[0])
    if fp_buffer_is_inline(buffer):
        made = new_bytes(NULL, <Py_ssize_t>capacity)
        if made != NULL:
            memcpy(bytes_data(made), buffer.data, buffer.size)
    else:
        made = resized_bytes(owner.bytes, <Py_ssize_t>capacity)
    if made != NULL:
        owner.bytes = made
        buffer.data = <unsigned char *>bytes_data(made)
        buffer.capacity = capacity
    else:
        PyErr_Clear()  # a smaller one may do
    owner.state[0] = PyEval_SaveThread()
    return made != NULL


cdef PyObject *taken(fp_buffer *buffer) except NULL:
    """The buffer's bytes; a large one is not copied, and the buffer is empty then."""
    cdef Owner *owner = <Owner *>buffer.owner
    cdef PyObject *result
    if fp_buffer_is_inline(buffer):
        result = new_bytes(<char *>buffer.data, <Py_ssize_t>buffer.size)
    else:
        result = resized_bytes(owner.bytes, <Py_ssize_t>buffer.size)
        if result == NULL:
            raise MemoryError
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

    Nothing comes between reap()'s look and its note, nor within send_signal(): both keep the
    GIL, or hold the critical section. So no child is signalled after it was reaped. Any number
    of threads may be in wait(); the pidfd is closed once the child is reaped and the last of
    them has left.
    """

    cdef readonly pid_t pid
    cdef fp_route used
    cdef int pidfd
    cdef int waiters
    cdef bint ended  # as a pidfd says; a tracer may hold it yet
    cdef bint reaped
    cdef object code  # the exit code; None: lost to somebody else

    def __cinit__(self):
        self.pidfd = FP_NO_FD

    def __dealloc__(self):
        close_fd(&self.pidfd)

    @property
    def route(self):
        return fp_route_name(self.used).decode()

    def wait(self, timeout):
        """The exit code, once the child has ended; None if `timeout` seconds come first; 0 if
        somebody else reaped it, or SIGCHLD is ignored.
        """
        cdef fp_limits limits = limits_from_now(time_of(timeout))
        code = None
        ended = True
        while code is None and ended:
            ended = self.wait_exit(&limits)
            code = self.reap(0)  # its tracer may not have let it go yet
        return code

    cdef bint wait_exit(self, const fp_limits *limits) except -1:
        """Waits until the child has ended: False if its time was over first."""
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
            # Seen to have ended, and not reaped since: what holds it up no pidfd tells.
            pidfd = FP_NO_FD if self.ended else self.pidfd
        try:
            while outcome == FP_INTERRUPTED:
                with nogil:
                    outcome = fp_wait_exit(self.pid, pidfd, &limits.deadline, &error)
                PyErr_CheckSignals()
        finally:
            with cython.critical_section(self):
                self.waiters -= 1
                self.ended |= outcome == FP_DONE
                if self.reaped and self.waiters == 0:
                    close_fd(&self.pidfd)
        if outcome == FP_FAILED:
            raise OSError(error.code, os.strerror(error.code))
        return outcome == FP_DONE

    cpdef reap(self, lost_code):
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
        cdef int code
        with cython.critical_section(self):
            code = ESRCH if self.reaped else fp_signal(self.pid, self.pidfd, signum)
        if code != 0:
            raise OSError(code, os.strerror(code))


cdef Child made_of(Child child, fp_proc *proc):
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
        fill_stdio(stdio, spec.stdin, spec.stdout, spec.stderr)
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


cdef int raise_what_is_pending() except -1:
    return -1


def spawn(owner, Spec spec, Ends ends):
    """Starts a child, and gives it to its owner once exec has succeeded: before a signal handler
    gets its turn, which may raise.

    ends: closed then; None where nothing but descriptors that are there goes to the child.
    """
    cdef fp_ends given
    cdef Request request
    cdef Hooks hooks
    cdef PyThreadState *state = NULL
    cdef fp_proc proc
    cdef fp_error error
    cdef bint started
    cdef Child child = Child()  # when it is born there may be no memory left for one
    request_init(&request)
    try:
        request_fill(&request, spec)
        set_hooks(&hooks, &state, spec, &request)
        if ends is None:
            fp_ends_open(&given, request.spec.stdio, False, 0, &error)
        else:
            given = ends.ends
        state = PyEval_SaveThread()
        started = fp_spawn(&request.spec, &given, &proc, &error)
        PyEval_RestoreThread(state)
        if not started:
            raise_error(&error, spec.program, spec.cwd)
        try:
            if hooks.raised:
                raise_what_is_pending()
        finally:
            owner._child = made_of(child, &proc)
            owner._child_created = True
            owner.pid = child.pid
        if ends is not None:
            ends.close()
    finally:
        request_free(&request)


cdef int run_handlers(fp_job *job, object args, object let_go) except -1:
    """Python's signal handlers; where one raises, let_go() gets the child."""
    cdef fp_error error
    cdef int refused
    cdef Child child = None
    try:
        PyErr_CheckSignals()
    except BaseException as exception:
        try:
            child = made_of(Child(), &job.proc)
            job.proc.pidfd = FP_NO_FD
            # Its pipes are there until it has ended: it may have last words to say.
            let_go(args, child, exception)
        except MemoryError:
            # Nobody may know of it then: it ends here.
            while not (child is not None and child.reaped) and not job.reaped:
                with nogil:
                    fp_run_kill(job, &refused)
            if child is not None:
                child.reaped = True
            raise
        finally:
            with nogil:
                fp_settle(&job.proc, False, &error)
        raise
    return 0


cdef int end_by_force(fp_job *job, object args, object let_go) except -1:
    """Kills the child and waits for it; raises PermissionError for one that is not ours to
    kill, as Popen.kill() does, once it has ended.
    """
    cdef int refused = 0
    cdef fp_outcome outcome = FP_INTERRUPTED
    while outcome == FP_INTERRUPTED:
        with nogil:
            outcome = fp_run_kill(job, &refused)
        if outcome == FP_INTERRUPTED:
            run_handlers(job, args, let_go)
    if refused != 0:
        raise OSError(refused, os.strerror(refused))
    return 0


cdef int run_request(
    Request *request, object args, object program, object cwd, object input, Allowed allowed,
    object let_go, Ended *ended,
) except -1:
    """Runs a program to its end. At the deadline the child is killed and reaped.

    When a signal handler raises, let_go(args, child, exception) gets the child, alive.
    """
    cdef PyThreadState *state = NULL
    cdef fp_job job
    cdef Owner owners[2]
    cdef fp_error error
    cdef fp_limits limits
    cdef fp_outcome outcome = FP_FAILED
    cdef bint started
    cdef Py_buffer view
    cdef bint has_view = False
    cdef const fp_stdio *stdio = request.spec.stdio
    cdef bint piped = stdio[1].kind == FP_STDIO_PIPE or stdio[2].kind == FP_STDIO_PIPE
    ended.output[0] = ended.output[1] = NULL
    # Without output to wait for, its end is what a deadline waits for.
    request.spec.want_pidfd = allowed.limited and not piped
    job_init(&job, owners, &state)
    try:
        if input is not None:
            view_of(input, piped or allowed.limited, &view)
            has_view = True
            job.input.data = <const unsigned char *>view.buf
            job.input.size = <size_t>view.len
        request.spec.run_ahead = job.input.size <= FP_SMALL_INPUT
        state = PyEval_SaveThread()
        started = fp_run_start(&job, &request.spec, &error)
        if started:
            limits = limits_from_now(allowed)
            # A signal that came during the birth has left a note by now. Python's handlers
            # run on the main thread only: there, they get their turn before it sleeps.
            if PyThread_get_thread_ident() == main_thread:
                outcome = FP_INTERRUPTED
            else:
                outcome = fp_run_on(&job, &limits, &error)
        PyEval_RestoreThread(state)
        if not started:
            raise_error(&error, program, cwd)
        while outcome == FP_INTERRUPTED:
            run_handlers(&job, args, let_go)
            state = PyEval_SaveThread()
            outcome = fp_run_on(&job, &limits, &error)
            PyEval_RestoreThread(state)
        if outcome != FP_DONE:
            end_by_force(&job, args, let_go)
        if outcome == FP_FAILED and fp_run_again(&request.spec, &error):
            fp_run_close(&job)
            return run_request(request, args, program, cwd, input, allowed, let_go, ended)
        if outcome == FP_FAILED:
            raise_error(&error, program, cwd)
        ended.in_time = outcome == FP_DONE
        ended.code = job.code
        for i in range(2):
            if stdio[i + 1].kind == FP_STDIO_PIPE:
                ended.output[i] = taken(&job.output[i].buffer)
    except BaseException:
        Py_XDECREF(ended.output[0])
        ended.output[0] = NULL
        raise
    finally:
        fp_run_close(&job)
        Py_XDECREF(owners[0].bytes)
        Py_XDECREF(owners[1].bytes)
        if has_view:
            PyBuffer_Release(&view)
    return 0


def run(Spec spec, args, input, timeout, let_go):
    """Runs a program to its end: (exit code, stdout, stderr); None: out of time, or no pipe."""
    cdef Request request
    cdef Ended ended
    cdef Allowed allowed = time_of(timeout)
    request_init(&request)
    try:
        request_fill(&request, spec)
        run_request(&request, args, spec.program, spec.cwd, input, allowed, let_go, &ended)
        return ended.code if ended.in_time else None, owned(ended.output[0]), owned(ended.output[1])
    finally:
        request_free(&request)


# --- the core's calls that Exchange needs: just this module is linked with the core -------

cdef void job_init(fp_job *job, Owner *owners, PyThreadState **state) noexcept:
    cdef void *owner_pointers[2]
    for i in range(2):
        owners[i] = Owner(NULL, state)
        owner_pointers[i] = &owners[i]
    fp_job_init(job, grow_bytes, owner_pointers)


cdef fp_outcome communicate(fp_job *job, const fp_limits *limits, fp_error *error) noexcept nogil:
    cdef fp_job *jobs[1]
    jobs[0] = job
    return fp_communicate(jobs, 1, limits, error)


cdef bint job_done(fp_job *job) noexcept:
    return fp_job_done(job)


cdef bint set_nonblocking(int fd, int *flags) noexcept:
    return fp_set_nonblocking(fd, flags)


cdef object owned(PyObject *reference):
    """What a reference of ours refers to; the caller has it from now on. NULL: None."""
    if reference == NULL:
        return None
    result = <object>reference
    Py_XDECREF(reference)
    return result


# --- for tests, and for those who ask ---------------------------------------------------

FEATURES = {
    "clone3": FP_FEATURE_CLONE3,
    "shared_vfork": FP_FEATURE_SHARED_VFORK,
    "close_range": FP_FEATURE_CLOSE_RANGE,
    "pidfd": FP_FEATURE_PIDFD,
    "proc_fds": FP_FEATURE_PROC_FDS,
    "reopen": FP_FEATURE_REOPEN,
    "run_ahead": FP_FEATURE_RUN_AHEAD,
    "range_cloexec": FP_FEATURE_RANGE_CLOEXEC,
    "lone_dump": FP_FEATURE_LONE_DUMP,
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
