# What other modules of the binding take from here.
from cpython.ref cimport PyObject

from fastproc._core_posix cimport (
    fp_buffer,
    fp_error,
    fp_job,
    fp_limits,
    fp_outcome,
)
from fastproc._request_posix cimport Allowed, Request

from fastproc._fork_posix cimport PyThreadState

# Of one buffer that output is read into.
cdef struct Owner:
    PyObject *bytes
    PyThreadState **state  # of the call that is under way


# How a whole run ended.
cdef struct Ended:
    bint in_time
    int code
    PyObject *output[2]  # bytes; NULL where there was no pipe


cdef int run_request(
    Request *, object args, object program, object cwd, object input, Allowed, object let_go,
    Ended *,
) except -1
cdef fp_limits limits_from_now(Allowed) noexcept nogil
cdef PyObject *taken(fp_buffer *) except NULL
cdef object owned(PyObject *)
cdef void job_init(fp_job *, Owner *, PyThreadState **) noexcept
cdef fp_outcome communicate(fp_job *, const fp_limits *, fp_error *) noexcept nogil
cdef bint job_done(fp_job *) noexcept
cdef bint set_nonblocking(int, int *) noexcept
