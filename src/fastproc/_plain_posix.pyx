# Calls that need no check and no look-up, without a step of Python in between.
from cpython.ref cimport PyObject, Py_INCREF, Py_XDECREF
from libc.string cimport memset

from fastproc._native_posix cimport Ended, run_request
from fastproc._request_posix cimport (
    Allowed,
    Request,
    Spec,
    fill_argv,
    fill_envp,
    fill_stdio,
    request_free,
    request_init,
    text_of,
    time_of,
)

import os
import sys
from subprocess import PIPE, STDOUT, CalledProcessError, CompletedProcess, TimeoutExpired

cdef extern from "Python.h":
    int PySys_Audit(const char *, const char *, ...) except -1
    PyObject *PyTuple_GET_ITEM(PyObject *, Py_ssize_t)
    Py_ssize_t PyTuple_GET_SIZE(PyObject *)
    ctypedef PyObject *(*PyCFunction)(PyObject *, PyObject *)
    ctypedef struct PyMethodDef:
        const char *ml_name
        PyCFunction ml_meth
        int ml_flags
        const char *ml_doc
    int METH_FASTCALL, METH_KEYWORDS
    PyObject *TRUE_ "Py_True"  # Cython's own True, made a pointer, is a 1
    PyObject *FALSE_ "Py_False"
    object PyCFunction_NewEx(PyMethodDef *, PyObject *, object)

cdef extern from *:
    """
    static PyObject *fp_new_object(PyObject *type, PyObject *no_arguments)
    {
        return ((PyTypeObject *)type)->tp_new((PyTypeObject *)type, no_arguments, NULL);
    }

    /* Zero while a class has no version, or not a valid one. */
    static unsigned fp_type_version(PyObject *type)
    {
    #if PY_VERSION_HEX < 0x030B0000
        if (!PyType_HasFeature((PyTypeObject *)type, Py_TPFLAGS_VALID_VERSION_TAG))
            return 0;
    #endif
        return (unsigned)((PyTypeObject *)type)->tp_version_tag;
    }
    """
    unsigned type_version "fp_type_version"(PyObject *)
    object new_object "fp_new_object"(object, tuple)

cdef object PIPE_ = PIPE, STDOUT_ = STDOUT


# run()'s arguments, borrowed from its caller; NULL: not given, or None.
cdef struct Call:
    PyObject *args
    PyObject *input
    PyObject *timeout
    PyObject *stdin
    PyObject *stdout
    PyObject *stderr
    PyObject *cwd
    PyObject *env
    PyObject *text
    PyObject *universal_newlines
    PyObject *encoding
    PyObject *errors
    bint capture_output
    bint check
    bint new_session
    bint shares_fds  # close_fds=False


cdef bint set_keyword(Call *call, PyObject *name, PyObject *value):
    """False for what takes a closer look. Names that are literals in the caller's code are
    the same objects as here; for the others, too, there is the closer look.
    """
    if <object>value is None and name != <PyObject *>"close_fds":
        value = NULL
    if name == <PyObject *>"capture_output":
        call.capture_output = value != NULL and <bint>(<object>value)
    elif name == <PyObject *>"timeout":
        call.timeout = value
    elif name == <PyObject *>"text":
        call.text = value
    elif name == <PyObject *>"check":
        call.check = value != NULL and <bint>(<object>value)
    elif name == <PyObject *>"stdout":
        call.stdout = value
    elif name == <PyObject *>"stderr":
        call.stderr = value
    elif name == <PyObject *>"stdin":
        call.stdin = value
    elif name == <PyObject *>"input":
        call.input = value
    elif name == <PyObject *>"cwd":
        call.cwd = value
    elif name == <PyObject *>"env":
        call.env = value
    elif name == <PyObject *>"encoding":
        call.encoding = value
    elif name == <PyObject *>"errors":
        call.errors = value
    elif name == <PyObject *>"universal_newlines":
        call.universal_newlines = value
    elif name == <PyObject *>"start_new_session" and (
        value == TRUE_ or value == FALSE_
    ):
        call.new_session = value == TRUE_
    elif name == <PyObject *>"close_fds" and (
        value == TRUE_ or value == FALSE_
    ):
        call.shares_fds = value == FALSE_
    else:
        return False
    return True


cdef inline object or_none(PyObject *value):
    return None if value == NULL else <object>value


cdef class Guard:
    """Whether a class is still as it was: none of some attributes replaced, or patched.

    Asks for all of them only when CPython has given the class a new version, as it does
    when it, or a class that it inherits from, is changed.
    """

    cdef object owner
    cdef tuple names
    cdef tuple values
    cdef unsigned version

    def __init__(self, owner, names):
        self.owner = owner
        self.names = tuple(names)
        self.values = tuple([getattr(owner, name) for name in names])

    cdef bint unchanged(self):
        cdef unsigned version = type_version(<PyObject *>self.owner)
        if version != 0 and version == self.version:
            return True
        # To ask is what gives the class a version again.
        getattr(self.owner, self.names[0], None)
        version = type_version(<PyObject *>self.owner)
        for i in range(len(self.names)):
            if getattr(self.owner, self.names[i], None) is not self.values[i]:
                self.version = 0
                return False
        # Unless another thread has patched it since.
        self.version = version if version == type_version(<PyObject *>self.owner) else 0
        return True


cdef class Plain:
    """The calls that most programs make, without a step of Python in between.

    Plain is what needs no check and no look-up: a list or tuple of str or bytes;
    streams that are inherited, PIPE, DEVNULL or a descriptor; cwd, env, text, timeout.
    For all else the answer is None, nothing has been done, and the long way is taken.
    """

    cdef Guard guard
    cdef dict namespace     # fastproc's: where users replace Popen, and set the knobs
    cdef list abandoned     # children to be reaped first
    cdef object text        # the module _text
    cdef object environ
    cdef unsigned routes
    cdef bint warns_of_bytes  # python -b: looking for b"PATH" among str would
    cdef public object let_go  # see run()

    def __init__(self, Guard guard, dict namespace, list abandoned, text, routes):
        self.guard = guard
        self.namespace = namespace
        self.abandoned = abandoned
        self.text = text
        self.environ = os.environ
        self.routes = routes
        self.warns_of_bytes = sys.flags.bytes_warning

    def holds(self, popen):
        """Whether `popen` is Popen as it always was."""
        return popen is self.guard.owner and self.guard.unchanged()

    cdef object path(self, dict env):
        """The search path as a str or bytes; None where that takes a closer look."""
        if env is None:
            if os.environ is not self.environ:
                return None
            return self.environ._data.get(b"PATH")
        return None if b"PATH" in env else env.get("PATH")

    cdef object seen(self, args, PyObject *stdin, PyObject *stdout, PyObject *stderr,
                     PyObject *cwd, PyObject *env, PyObject **path):
        """The arguments as a list of our own, and the search path if one is needed; None
        where any of it takes a closer look. Tells the audit hooks.
        """
        if (
            self.namespace.get("_USE_VFORK") is not True
            or self.namespace.get("_USE_POSIX_SPAWN") is not True
            or (type(args) is not list and type(args) is not tuple)
            or not args
            or not is_plain_stream(stdin)
            or not is_plain_stream(stdout)
            or not (is_plain_stream(stderr) or (stderr == <PyObject *>STDOUT_ and stdout != NULL))
            or not (cwd == NULL or type(<object>cwd) is str or type(<object>cwd) is bytes)
            or not (env == NULL or (type(<object>env) is dict and not self.warns_of_bytes))
        ):
            return None
        argv = list(args)
        program = argv[0]
        if type(program) is str:
            searched = "/" not in <str>program
        elif type(program) is bytes:
            searched = b"/" not in <bytes>program
        else:
            return None
        if searched:
            found = self.path(<dict>or_none(env))
            if type(found) is not str and type(found) is not bytes:
                return None
            Py_INCREF(found)
            path[0] = <PyObject *>found
        PySys_Audit("subprocess.Popen", "OOOO", <PyObject *>program, <PyObject *>argv,
                    cwd if cwd != NULL else <PyObject *>None,
                    env if env != NULL else <PyObject *>None)
        return argv

    def popen(self, args, stdin, stdout, stderr, cwd, env, tuple rest, tuple defaults):
        """The Spec for Popen; None, too, if any of the rest is not the very default."""
        cdef PyObject *path = NULL
        cdef Py_ssize_t i
        cdef Spec spec
        for i in range(len(rest)):
            if rest[i] is not defaults[i]:
                return None
        try:
            argv = self.seen(args, given(stdin), given(stdout), given(stderr), given(cwd),
                             given(env), &path)
            if argv is None:
                return None
            spec = Spec()
            spec.path = or_none(path)
        finally:
            Py_XDECREF(path)
        spec.program = argv[0]
        spec.argv = argv
        spec.stdin = stdin
        spec.stdout = stdout
        spec.stderr = stderr
        spec.cwd = cwd
        spec.env = env
        spec.routes = self.routes
        return spec

    cdef object run(self, Call *call):
        """run(): a CompletedProcess; None where that takes a closer look."""
        cdef PyObject *stdin = call.stdin
        cdef PyObject *stdout = call.stdout
        cdef PyObject *stderr = call.stderr
        cdef PyObject *path = NULL
        cdef object encoding = None, errors = None, input = None, out = None, err = None
        cdef Request request
        cdef Ended ended
        cdef Allowed allowed
        cdef size_t size
        cdef bint has_text
        if (
            self.abandoned
            or self.namespace.get("Popen") is not self.guard.owner
            or not self.guard.unchanged()
        ):
            return None
        if call.capture_output:
            if stdout != NULL or stderr != NULL:
                return None
            stdout = stderr = <PyObject *>PIPE_
        has_text = (
            call.text != NULL or call.encoding != NULL or call.errors != NULL
            or call.universal_newlines != NULL
        )
        if call.input != NULL:
            if stdin != NULL or (has_text and type(<object>call.input) is not str):
                return None
            stdin = <PyObject *>PIPE_
            if <object>call.input:
                input = <object>call.input  # else the pipe is there, and its end comes first
        args = <object>call.args
        request_init(&request)
        try:
            argv = self.seen(args, stdin, stdout, stderr, call.cwd, call.env, &path)
            if argv is None:
                return None
            if has_text:
                encoding, errors = self.text.settled(
                    {
                        "text": or_none(call.text),
                        "encoding": or_none(call.encoding),
                        "errors": or_none(call.errors),
                        "universal_newlines": or_none(call.universal_newlines),
                    },
                    is_pipe(stdin) or is_pipe(stdout) or is_pipe(stderr),
                )
                if encoding is not None and input is not None:
                    input = input.encode(encoding, errors)
            allowed = time_of(or_none(call.timeout))
            program = argv[0]
            request.spec.program = text_of(program, &request, &size)
            fill_argv(&request, argv)
            fill_envp(&request, or_none(call.env))
            fill_stdio(request.spec.stdio, or_none(stdin), or_none(stdout), or_none(stderr))
            request.spec.close_fds = not call.shares_fds
            request.spec.new_session = call.new_session
            request.spec.routes = self.routes
            if path != NULL:
                request.spec.search = True
                request.spec.path = text_of(<object>path, &request, &size)
            if call.cwd != NULL:
                request.spec.has_cwd = True
                request.spec.cwd = text_of(<object>call.cwd, &request, &size)
            run_request(&request, args, program, or_none(call.cwd), input, allowed,
                        self.let_go, &ended)
            if ended.output[0] != NULL:
                out = <object>ended.output[0]
                Py_XDECREF(ended.output[0])
            if ended.output[1] != NULL:
                err = <object>ended.output[1]
                Py_XDECREF(ended.output[1])
        finally:
            request_free(&request)
            Py_XDECREF(path)
        if not ended.in_time:
            timeout = or_none(call.timeout)
            raise TimeoutExpired(args, timeout, output=out or None, stderr=err or None)
        if encoding is not None:
            if out is not None:
                out = self.text.decoded(out, encoding, errors)
            if err is not None:
                err = self.text.decoded(err, encoding, errors)
        result = new_object(CompletedProcess, ())
        result.args = args
        result.returncode = ended.code
        result.stdout = out
        result.stderr = err
        if call.check and ended.code != 0:
            raise CalledProcessError(ended.code, args, output=out, stderr=err)
        return result

    def call(self, tuple popenargs, timeout, dict kwargs):
        """The exit code, for call(); None where that takes a closer look."""
        cdef Call call
        memset(&call, 0, sizeof(Call))
        if len(popenargs) != 1:
            return None
        call.args = <PyObject *>popenargs[0]
        call.timeout = given(timeout)
        for name, value in kwargs.items():
            if not set_keyword(&call, <PyObject *>name, <PyObject *>value):
                return None
        if call.input != NULL or call.capture_output or call.check:
            return None
        result = self.run(&call)
        return None if result is None else result.returncode


cdef inline PyObject *given(object value):
    return NULL if value is None else <PyObject *>value


cdef inline bint is_pipe(PyObject *wish):
    return wish != NULL and wish == <PyObject *>PIPE_


cdef inline bint is_plain_stream(PyObject *wish):
    return wish == NULL or (
        type(<object>wish) is int
        and wish != <PyObject *>STDOUT_
        and -4 < <object>wish < 0x80000000  # PIPE, DEVNULL or a number for a C int
    )


cdef Plain plain_way
cdef object long_way


cdef object run(PyObject *module, PyObject **values, Py_ssize_t count, PyObject *names):
    # By CPython's convention for the quickest calls: no tuple and no dict is made.
    cdef Call call
    cdef Py_ssize_t i, named = 0 if names == NULL else PyTuple_GET_SIZE(names)
    memset(&call, 0, sizeof(Call))
    plain = count == 1
    if plain:
        call.args = values[0]
        for i in range(named):
            if not set_keyword(&call, PyTuple_GET_ITEM(names, i), values[1 + i]):
                plain = False
                break
    if plain:
        result = plain_way.run(&call)
        if result is not None:
            return result
    popenargs = tuple([<object>values[i] for i in range(count)])
    kwargs = {<object>PyTuple_GET_ITEM(names, i): <object>values[count + i] for i in range(named)}
    return long_way(
        popenargs, kwargs.pop("input", None), kwargs.pop("capture_output", False),
        kwargs.pop("timeout", None), kwargs.pop("check", False), kwargs,
    )


cdef PyMethodDef run_definition
cdef bytes run_doc


def make_run(Plain plain, otherwise, doc):
    """run(): the plain way, where that will do; else otherwise(popenargs, input, ...)."""
    global plain_way, long_way, run_doc
    plain_way = plain
    long_way = otherwise
    run_doc = (
        "run(*popenargs, input=None, capture_output=False, timeout=None, check=False, **kwargs)"
        "\n--\n\n" + doc
    ).encode()
    run_definition.ml_name = "run"
    run_definition.ml_meth = <PyCFunction><void *>run
    run_definition.ml_flags = METH_FASTCALL | METH_KEYWORDS
    run_definition.ml_doc = run_doc
    return PyCFunction_NewEx(&run_definition, NULL, "fastproc")
