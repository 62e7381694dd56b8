"""run() and the older functions around it."""

from subprocess import (
    PIPE,
    STDOUT,
    CalledProcessError,
    CompletedProcess,
    TimeoutExpired,
)
from types import SimpleNamespace

import fastproc

from . import _text
from ._platform import after_timeout, make_run, native
from ._popen import DEFAULTS, _active, _cleanup, describe, plain

# What a run in one call understands: all but preexec_fn, which runs Python in the child.
_ONE_CALL = frozenset(DEFAULTS) - {"preexec_fn"}


def _takes_one_call(popenargs, kwargs):
    """Whether a run in one call does all that Popen would for these arguments."""
    if len(popenargs) != 1 or not _ONE_CALL.issuperset(kwargs):
        return False
    bufsize = kwargs.get("bufsize")
    # Of others, the file objects of the pipes have something to say.
    return bufsize is None or (
        isinstance(bufsize, int) and bufsize != 1 and -(1 << 31) <= bufsize < 1 << 31
    )


def _run_the_long_way(popenargs, input, capture_output, timeout, check, kwargs):
    """run() with any arguments."""
    if input is not None:
        if kwargs.get("stdin") is not None:
            raise ValueError("stdin and input arguments may not both be used.")
        kwargs["stdin"] = PIPE
    if capture_output:
        if kwargs.get("stdout") is not None or kwargs.get("stderr") is not None:
            raise ValueError("stdout and stderr arguments may not be used with capture_output.")
        kwargs["stdout"] = kwargs["stderr"] = PIPE

    # Popen is looked up where users replace it.
    Popen = fastproc.Popen
    if _takes_one_call(popenargs, kwargs) and plain.holds(Popen):
        args = popenargs[0]
        code, stdout, stderr = _run_in_one_call(args, input, timeout, kwargs)
    else:
        with Popen(*popenargs, **kwargs) as process:
            try:
                stdout, stderr = process.communicate(input, timeout=timeout)
            except TimeoutExpired as expired:
                process.kill()
                after_timeout(process, expired)
                raise
            except BaseException:
                process.kill()
                raise
            code = process.poll()
            args = process.args
    if check and code:
        raise CalledProcessError(code, args, output=stdout, stderr=stderr)
    return CompletedProcess(args, code, stdout, stderr)


def _run_in_one_call(args, input, timeout, kwargs):
    """A run without a Popen: (exit code, stdout, stderr)."""
    if _active:
        _cleanup()
    spec, text_mode, encoding = describe(SimpleNamespace(args=args, **{**DEFAULTS, **kwargs}))
    errors = None
    if text_mode:
        encoding = _text.codec(encoding)
        errors = kwargs.get("errors") or "strict"
        if input is not None:
            beside = PIPE in (kwargs.get("stdout"), kwargs.get("stderr")) or timeout is not None
            input = _text.encoded(input, encoding, errors, beside)
    if not input:
        input = None  # the pipe is there; what goes through it is its end
    code, stdout, stderr = native.run(spec, args, input, timeout, _let_go)
    if code is None:
        raise TimeoutExpired(args, timeout, output=stdout or None, stderr=stderr or None)
    if text_mode:
        if stdout is not None:
            stdout = _text.decoded(stdout, encoding, errors)
        if stderr is not None:
            stderr = _text.decoded(stderr, encoding, errors)
    return code, stdout, stderr


def _let_go(args, child, interruption):
    """A signal handler raised while we waited: ends the child as `with Popen` would."""
    process = fastproc.Popen._adopt(args, child)
    interrupted = isinstance(interruption, KeyboardInterrupt)
    killed = False
    try:
        if interrupted:
            process._linger(None)
    finally:
        try:
            process.kill()
            killed = True
        except PermissionError:
            pass
    if not killed:
        return  # it is somebody else's by now: it has its own time, and _cleanup() waits
    try:
        # Killed, it ends at once, unless the kernel holds it: then _cleanup() reaps it.
        process._wait(timeout=0.25 if interrupted else None)
    except TimeoutExpired:
        pass


plain.let_go = _let_go

run = make_run(
    plain,
    _run_the_long_way,
    """Runs a program to its end and returns a CompletedProcess.

input: bytes-like (str in text mode) for the child's stdin, which is a pipe then.
capture_output: stdout and stderr are pipes, and what came is in the result.
timeout: seconds; then the child is killed, and TimeoutExpired raised, with what it said
    until then, as bytes.
check: raise CalledProcessError for an exit code that is not 0.
All else is as for Popen. As the standard library's subprocess.run().
""",
)


def call(*popenargs, timeout=None, **kwargs):
    """Runs a program to its end and returns its exit code.

    timeout: seconds; then the child is killed, and TimeoutExpired raised.
    Do not use PIPE here: nobody reads it.
    """
    Popen = fastproc.Popen
    if PIPE not in (kwargs.get("stdin"), kwargs.get("stdout"), kwargs.get("stderr")):
        code = plain.call(popenargs, timeout, kwargs)
        if code is not None:
            return code
        if _takes_one_call(popenargs, kwargs) and plain.holds(Popen):
            return _run_in_one_call(popenargs[0], None, timeout, kwargs)[0]
    with Popen(*popenargs, **kwargs) as process:
        try:
            return process.wait(timeout=timeout)
        except BaseException:
            process.kill()
            raise


def check_call(*popenargs, **kwargs):
    """As call(), and raises CalledProcessError for an exit code that is not 0."""
    code = fastproc.call(*popenargs, **kwargs)
    if code:
        raise CalledProcessError(code, kwargs.get("args", popenargs[0] if popenargs else None))
    return 0


def check_output(*popenargs, timeout=None, **kwargs):
    """Runs a program and returns what it writes to stdout: bytes, or str in text mode.

    Raises CalledProcessError for an exit code that is not 0, with that output. Takes
    `input` as run() does; an input of None is an empty one.
    """
    for name in "stdout", "check":
        if name in kwargs:
            raise ValueError(f"{name} argument not allowed, it will be overridden.")
    if "input" in kwargs and kwargs["input"] is None:
        text = any(kwargs.get(name) for name in _TEXT)
        kwargs["input"] = "" if text else b""
    return fastproc.run(*popenargs, stdout=PIPE, timeout=timeout, check=True, **kwargs).stdout


_TEXT = ("text", "encoding", "errors", "universal_newlines")


def getstatusoutput(cmd, *, encoding=None, errors=None):
    """Runs cmd by the shell: (exit code, what it wrote to stdout and stderr, as text).

    One newline at the end is dropped. encoding, errors: how the text is decoded.
    """
    try:
        data = fastproc.check_output(
            cmd, shell=True, text=True, stderr=STDOUT, encoding=encoding, errors=errors
        )
        code = 0
    except CalledProcessError as error:
        data = error.output
        code = error.returncode
    return code, data.removesuffix("\n")


def getoutput(cmd, *, encoding=None, errors=None):
    """What cmd, run by the shell, wrote to stdout and stderr; its exit code is ignored."""
    return fastproc.getstatusoutput(cmd, encoding=encoding, errors=errors)[1]


for _function in (call, check_call, check_output, getstatusoutput, getoutput):
    _function.__module__ = "fastproc"
