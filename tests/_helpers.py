"""What several test modules need."""

import contextlib
import os
import subprocess
import sys

import pytest

import fastproc

if os.name == "nt":
    from tests import _children_windows as child
else:
    from tests import _children_posix as child

__all__ = [
    "PATIENCE",
    "child",
    "described",
    "fresh",
    "lease_on",
    "outcome",
    "python",
    "same",
    "unending",
]

# How long a test waits for something that must happen.
PATIENCE = 60


def python(code, *args):
    """An argument list: this interpreter running `code`, without site."""
    return [sys.executable, "-S", "-E", "-c", code, *args]


def fresh(module, code, *args, **options):
    """Run `code` in a fresh interpreter where `sp` is the module under test.

    For what a test must not do to the test process itself. The code's stdout
    comes back as text; a failure of the code is a failure of the test.
    """
    script = f"import {module.__name__} as sp\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=PATIENCE,
        text=True,
        **options,
    )
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextlib.contextmanager
def unending(stream):
    """The child does not see the end of this pipe meanwhile, and so cannot be too quick."""
    keep = os.dup(stream.fileno())
    try:
        yield
    finally:
        os.close(keep)


# Takes a lease on a program: whoever executes it waits until the lease is given back.
# Here that is when somebody answers, or nobody has for some time.
_HOLDER = """
import fcntl, os, select, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
signal.alarm(60)  # should nobody ever want it
fd = os.open(sys.argv[1], os.O_RDONLY)
try:
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
except OSError as error:
    sys.exit(f"no lease on a file here: {error}")
print("held", flush=True)
signal.sigwait({signal.SIGIO})
print("wanted", flush=True)
answered = select.select([0], [], [], 20)[0]
fcntl.fcntl(fd, fcntl.F_UNLCK)
print("answered" if answered else "no answer", flush=True)
"""


@contextlib.contextmanager
def lease_on(program):
    """Who executes the program meanwhile takes long to load it: Linux only.

    Gives the process that has the lease. It says "wanted" when somebody waits, and ends when
    it is answered: "answered", or "no answer" if that took too long.
    """
    with subprocess.Popen(
        python(_HOLDER, str(program)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as holder:
        if holder.stdout.readline() != "held\n":
            pytest.skip(holder.stderr.read().strip())
        yield holder


# The same said by different versions.
_BEYOND_A_C_INT = {
    "Python int too large to convert to C int",
    "Python int too large to convert to C long",
    "signed integer is greater than maximum",
    "signed integer is less than minimum",
}


def described(thing):
    """An exception as plain data, all its attributes included."""
    if isinstance(thing, BaseException):
        data = {"type": type(thing).__name__, "args": thing.args, "text": str(thing)}
        if isinstance(thing, OverflowError) and data["text"] in _BEYOND_A_C_INT:
            data["args"], data["text"] = (), "beyond a C int"
        if isinstance(thing, OSError):
            # Some versions hand over a file name of None, which then stays.
            data["args"] = thing.args[:2]
        for name in (
            "errno",
            "strerror",
            "filename",
            "filename2",
            "cmd",
            "returncode",
            "timeout",
            "stdout",
            "stderr",
        ):
            if hasattr(thing, name):
                data[name] = getattr(thing, name)
        return data
    return thing


def outcome(action, module):
    """What action(module) returned or raised, as plain data."""
    try:
        result = action(module)
    except BaseException as error:
        return described(error)
    if isinstance(result, subprocess.CompletedProcess):
        return (type(result).__name__, result.args, result.returncode, result.stdout, result.stderr)
    return result


def same(action):
    """Do it with the model and with ours: equal outcome, which is returned."""
    with _forgiving_leaks():
        theirs = outcome(action, subprocess)
    ours = outcome(action, fastproc)
    assert ours == theirs
    return ours


@contextlib.contextmanager
def _forgiving_leaks():
    """Closes what Python 3.10's subprocess leaves open when it refuses an option."""
    if sys.version_info >= (3, 11) or os.name == "nt":
        yield
        return
    from tests._leaks_posix import open_fds

    before = open_fds()
    yield
    for fd in set(open_fds()) - set(before):
        os.close(fd)


# The ways to start a program, which must all fail alike.
WAYS = {
    "Popen": lambda sp, *a, **k: sp.Popen(*a, **k).wait(),
    "run": lambda sp, *a, **k: sp.run(*a, **k).returncode,
    "captured": lambda sp, *a, **k: sp.run(*a, capture_output=True, **k).returncode,
    "fed": lambda sp, *a, **k: sp.run(*a, input=b"x" * 99, **k).returncode,
    "call": lambda sp, *a, **k: sp.call(*a, **k),
    "check_output": lambda sp, *a, **k: sp.check_output(*a, **k),
    "timed": lambda sp, *a, **k: sp.run(*a, timeout=60, **k).returncode,
}


# For code in a fresh interpreter: an exception out of a signal handler.
ALARM = """
import os, signal
class Mine(Exception): pass
def raise_in_the_main_thread(error):
    # Soon; but not while it is in Popen(): a child then is nobody's to end.
    def handler(signum, frame):
        while frame is not None:
            if frame.f_code.co_name == "__init__":
                return  # the next alarm will find it waiting
            frame = frame.f_back
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise error
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
"""
