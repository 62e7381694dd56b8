"""Processes with pipes to their input and output: the standard library's subprocess,
on a C core.

    import fastproc as subprocess

Names, parameters, defaults, exceptions and messages are those of Python 3.12's
subprocess, on every supported Python; its documentation describes this module too.
PIPE, STDOUT, DEVNULL, CompletedProcess and the exceptions are the standard library's
own objects, and Popen is a subclass of its Popen, so that either can be handed to code
written for the other.
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
