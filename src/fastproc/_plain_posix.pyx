# Calls that need no check and no look-up, without a step of Python in between.
from cpython.ref cimport PyObject

from fastproc._request_posix cimport Spec

import os
from subprocess import PIPE, STDOUT, CalledProcessError, CompletedProcess, TimeoutExpired

from fastproc._native_posix cimport run as run_in_core

cdef extern from "Python.h":
    int PySys_Audit(const char *, const char *, ...) except -1

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

cdef int STDOUT_ = STDOUT


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
        for i in range(len(self.names)):
            if getattr(self.owner, self.names[i], None) is not self.values[i]:
                self.version = 0
                return False
        self.version = type_version(<PyObject *>self.owner)
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
    cdef public object let_go  # see run()

    def __init__(self, Guard guard, dict namespace, list abandoned, text, routes):
        self.guard = guard
        self.namespace = namespace
        self.abandoned = abandoned
        self.text = text
        self.environ = os.environ
        self.routes = routes

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

    cdef Spec describe(self, args, stdin, stdout, stderr, cwd, env):
        cdef Spec spec
        cdef object path = None
        if (
            self.namespace.get("_USE_VFORK") is not True
            or self.namespace.get("_USE_POSIX_SPAWN") is not True
            or (type(args) is not list and type(args) is not tuple)
            or not args
            or not is_plain_stream(stdin)
            or not is_plain_stream(stdout)
            or not (is_plain_stream(stderr) or (stderr is STDOUT and stdout is not None))
            or not (cwd is None or type(cwd) is str or type(cwd) is bytes)
            or not (env is None or type(env) is dict)
        ):
            return None
        program = args[0]
        if type(program) is str:
            searched = "/" not in <str>program
        elif type(program) is bytes:
            searched = b"/" not in <bytes>program
        else:
            return None
        if searched:
            path = self.path(env)
            if type(path) is not str and type(path) is not bytes:
                return None
        argv = list(args)
        PySys_Audit("subprocess.Popen", "OOOO", <PyObject *>program, <PyObject *>argv,
                    <PyObject *>cwd, <PyObject *>env)
        spec = Spec()
        spec.program = program
        spec.argv = argv
        spec.path = path
        spec.stdin = stdin
        spec.stdout = stdout
        spec.stderr = stderr
        spec.cwd = cwd
        spec.env = env
        spec.routes = self.routes
        return spec

    def popen(self, args, stdin, stdout, stderr, cwd, env, tuple rest, tuple defaults):
        """The Spec for Popen; None, too, if any of the rest is not the very default."""
        cdef Py_ssize_t i
        for i in range(len(rest)):
            if rest[i] is not defaults[i]:
                return None
        return self.describe(args, stdin, stdout, stderr, cwd, env)

    cpdef object run(self, tuple popenargs, input, bint capture_output, timeout, dict kwargs):
        """All of run() but check: a CompletedProcess; raises TimeoutExpired."""
        cdef object stdin = None, stdout = None, stderr = None, cwd = None, env = None
        cdef object encoding = None, errors = None
        cdef bint has_text = False, new_session = False, close_fds = True
        cdef Spec spec
        if (
            len(popenargs) != 1
            or self.abandoned
            or self.namespace.get("Popen") is not self.guard.owner
            or not self.guard.unchanged()
        ):
            return None
        for name, value in kwargs.items():
            if name == "stdout":
                stdout = value
            elif name == "stderr":
                stderr = value
            elif name == "stdin":
                stdin = value
            elif name == "cwd":
                cwd = value
            elif name == "env":
                env = value
            elif name in ("text", "encoding", "errors", "universal_newlines"):
                has_text = True
            elif name == "start_new_session" and (value is True or value is False):
                new_session = value
            elif name == "close_fds" and (value is True or value is False):
                close_fds = value
            else:
                return None
        if capture_output:
            if stdout is not None or stderr is not None:
                return None
            stdout = stderr = PIPE
        if input is not None:
            if stdin is not None:
                return None
            stdin = PIPE
        args = popenargs[0]
        spec = self.describe(args, stdin, stdout, stderr, cwd, env)
        if spec is None:
            return None
        if has_text:
            encoding, errors = self.text.settled(kwargs, PIPE in (stdin, stdout, stderr))
        spec.new_session = new_session
        spec.close_fds = close_fds
        if not input:
            input = None  # the pipe is there; what goes through it is its end
        elif encoding is not None:
            input = input.encode(encoding, errors)
        code, out, err = run_in_core(spec, args, input, timeout, self.let_go)
        if code is None:
            raise TimeoutExpired(args, timeout, output=out or None, stderr=err or None)
        if encoding is not None:
            if out is not None:
                out = self.text.decoded(out, encoding, errors)
            if err is not None:
                err = self.text.decoded(err, encoding, errors)
        result = new_object(CompletedProcess, ())
        result.args = args
        result.returncode = code
        result.stdout = out
        result.stderr = err
        return result


cdef bint is_plain_stream(object wish):
    return wish is None or (type(wish) is int and wish != STDOUT_)


cdef Plain plain_way
cdef object long_way


def run(*popenargs, input=None, capture_output=False, timeout=None, check=False, **kwargs):
    result = plain_way.run(popenargs, input, capture_output, timeout, kwargs)
    if result is None:
        return long_way(popenargs, input, capture_output, timeout, check, kwargs)
    if check and result.returncode:
        raise CalledProcessError(
            result.returncode, result.args, output=result.stdout, stderr=result.stderr
        )
    return result


def make_run(Plain plain, otherwise):
    """run(): the plain way, where that will do; else otherwise(popenargs, input, ...)."""
    global plain_way, long_way
    plain_way = plain
    long_way = otherwise
    return run
