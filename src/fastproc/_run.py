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

popenargs, kwargs: what Popen takes, in its order and by its names.
input (bytes-like, or str in text mode; default None): for the child's stdin, which is a
    pipe then.
capture_output (bool, default False): stdout and stderr are pipes, and what came through
    them is in the result.
timeout (int or float, seconds, default None: none): when it is over the child is killed.
check (bool, default False): whether an exit code that is not 0 is an exception.

Raises TimeoutExpired when the time is over, and CalledProcessError with check, either with
what the child said (in TimeoutExpired always as bytes, None for nothing); ValueError for
input beside stdin, for capture_output beside stdout or stderr, and for a timeout of NaN;
TypeError for input or a timeout of the wrong kind; UnicodeError where the codec fails;
PermissionError for a child out of time that may not be killed, after its end. Besides these
whatever Popen raises: OSError if the child cannot be started.

As subprocess.run() of Python 3.12. What differs: on POSIX it is a built-in function, which
makes no method in the body of a class; NaN, with which that one waits for ever; text that is
decoded, and encoded, all at once; on Windows a deadline that holds though a grandchild has
the pipes.
""",
)


def call(*popenargs, timeout=None, **kwargs):
    """Runs a program to its end and returns its exit code (int).

    popenargs, kwargs: what Popen takes, in its order and by its names; but do not use PIPE:
        nobody reads it.
    timeout (int or float, seconds, default None: none): when it is over the child is killed.

    Raises TimeoutExpired when the time is over, without any output; ValueError for a timeout
    of NaN, TypeError for one that is no number. Besides these whatever Popen raises: OSError
    if the child cannot be started. As subprocess.call() of Python 3.12, but for NaN.
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
    """Runs a program to its end and returns 0; any other exit code is an exception.

    popenargs, kwargs: as for call(), timeout (seconds) among them.

    Raises CalledProcessError for an exit code that is not 0, TimeoutExpired when the time is
    over, and all else that call() raises: OSError if the child cannot be started, ValueError,
    TypeError. As subprocess.check_call() of Python 3.12.
    """
    code = fastproc.call(*popenargs, **kwargs)
    if code:
        raise CalledProcessError(code, kwargs.get("args", popenargs[0] if popenargs else None))
    return 0


def check_output(*popenargs, timeout=None, **kwargs):
    """Runs a program and returns what it writes to stdout: bytes, or str in text mode.

    popenargs, kwargs: what run() takes, but for stdout and check; input as there, where None
        is an empty one.
    timeout (int or float, seconds, default None: none): when it is over the child is killed.

    Raises CalledProcessError for an exit code that is not 0, and TimeoutExpired when the time
    is over, either with that output; ValueError for stdout, check or capture_output, for input
    beside stdin, and for a timeout of NaN; TypeError and UnicodeError as run(). Besides these
    whatever Popen raises: OSError if the child cannot be started. As subprocess.check_output()
    of Python 3.12, but for what differs in run().
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

    One newline at the end is dropped. The exit code (int) is minus the signal, if one ended
    the shell (POSIX), and the shell's own 127 where there is no such program.

    cmd (str, on POSIX also bytes): a command for /bin/sh, on Windows for %ComSpec%. A sequence
        is what Popen makes of one with shell=True.
    encoding, errors (str, default None: the locale's, strict): how the output is decoded.

    Raises UnicodeDecodeError for output that is no such text, LookupError for an encoding that
    there is not, OSError if the shell cannot be started, and ValueError and TypeError for a
    cmd that is none, as Popen. As subprocess.getstatusoutput() of Python 3.12.
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
    """What cmd, run by the shell, wrote to stdout and stderr (str); its exit code is ignored.

    cmd, encoding, errors: as for getstatusoutput(); and so is what it drops, and raises.

    Raises UnicodeDecodeError, LookupError, OSError, ValueError and TypeError, as that one. As
    subprocess.getoutput() of Python 3.12.
    """
    return fastproc.getstatusoutput(cmd, encoding=encoding, errors=errors)[1]


for _function in (call, check_call, check_output, getstatusoutput, getoutput):
    _function.__module__ = "fastproc"
