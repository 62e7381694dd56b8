"""Processes with pipes to their input and output: the standard library's subprocess,
on a C core.

    import fastproc as subprocess

Names, parameters, defaults, exceptions and messages are those of Python 3.12's
subprocess, on every supported Python; its documentation describes this module too, and
README.md lists what differs.

run() runs a program to its end. call(), check_call(), check_output(), getoutput() and
getstatusoutput() are older ways to do so. Popen starts one and leaves it to the caller.

These are the standard library's own objects, so that either can be handed to code that was
written for the other; and Popen is a subclass of its Popen:

PIPE, STDOUT, DEVNULL (int): for stdin, stdout and stderr: a new pipe; where stdout goes (for
    stderr only); the null device.
CompletedProcess: what run() returns. Attributes: args, as given; returncode (int; on POSIX
    minus the signal that ended the child); stdout, stderr (bytes, str in text mode, None
    for what was not captured). check_returncode() raises CalledProcessError for an exit
    code that is not 0.
SubprocessError: the base of the two below; itself raised where preexec_fn has failed, and
    where text and universal_newlines contradict each other.
CalledProcessError: an exit code that is not 0, from run(check=True), check_call() and
    check_output(). Attributes: returncode, cmd, stdout (also as output), stderr.
TimeoutExpired: the time was over before the child. Attributes: cmd, timeout (seconds),
    stdout (also as output) and stderr: what came until then, as bytes, None for nothing.

On Windows there are STARTUPINFO and the constants for it (STARTF_..., SW_HIDE,
STD_..._HANDLE), and those for creationflags (CREATE_..., DETACHED_PROCESS,
..._PRIORITY_CLASS). Two constants are of 3.13: STARTF_FORCEONFEEDBACK and
STARTF_FORCEOFFFEEDBACK.

_USE_VFORK and _USE_POSIX_SPAWN may be set to False, and the environment variable
FASTPROC_ROUTE forces the way in which children are born: see README.md.
"""

import subprocess as _stdlib
import sys as _sys
from subprocess import (
    DEVNULL,
    PIPE,
    STDOUT,
    CalledProcessError,
    CompletedProcess,
    SubprocessError,
    TimeoutExpired,
    list2cmdline,
)

# Not documented, but taken from here by other modules of the standard library.
from subprocess import (  # isort: skip
    _args_from_interpreter_flags,
    _optim_args_from_interpreter_flags,
)

from ._platform import native as _native
from ._popen import Popen, _active, _cleanup
from ._run import call, check_call, check_output, getoutput, getstatusoutput, run

# The two documented knobs. False keeps us from giving a child our memory until its exec
# (clone3, vfork), or from using the system's posix_spawn(), which may do just that.
_USE_VFORK = True
_USE_POSIX_SPAWN = True

_mswindows = _sys.platform == "win32"

__all__ = [
    "Popen",
    "PIPE",
    "STDOUT",
    "call",
    "check_call",
    "getstatusoutput",
    "getoutput",
    "check_output",
    "run",
    "CalledProcessError",
    "DEVNULL",
    "SubprocessError",
    "TimeoutExpired",
    "CompletedProcess",
]

if not _mswindows:
    from subprocess import _PopenSelector  # nothing here uses it, but tests replace it
else:
    from ._constants_windows import *  # noqa: F403
    from ._constants_windows import __all__ as _windows_names

    __all__ += _windows_names


def __getattr__(name):
    # Tools and tests reach through subprocess for what it imports (subprocess.os), or
    # for private names of its own. Those are there, though nothing here uses them.
    return getattr(_stdlib, name)
