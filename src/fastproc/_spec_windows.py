"""From Popen's arguments to the Spec that the core is given, on Windows.

Everything is checked here, with the standard library's types and messages, and nothing
is started or opened.
"""

import operator
import os
import sys
import warnings
from subprocess import STARTF_USESHOWWINDOW, STARTUPINFO, SW_HIDE

from ._request_windows import Spec, list2cmdline
from ._stdio_windows import pipes_of, source, source_of_stderr


def build(asked):
    """The Spec for these arguments of Popen; raises what Popen raises for bad ones."""
    if asked.preexec_fn is not None:
        raise ValueError("preexec_fn is not supported on Windows platforms")
    for name in "group", "extra_groups", "user":
        if getattr(asked, name) is not None:
            raise ValueError(f"The '{name}' parameter is not supported on the current platform")
    spec = Spec()
    spec.stdin = source(asked.stdin)
    spec.stdout = source(asked.stdout)
    spec.stderr = source_of_stderr(asked.stderr)
    for _ in range(pipes_of(spec.stdin, spec.stdout, spec.stderr)):
        sys.audit("_winapi.CreatePipe")
    assert not asked.pass_fds, "pass_fds not supported on Windows."

    line = _command_line(asked.args, asked.shell)
    executable = asked.executable
    if executable is not None:
        executable = os.fsdecode(executable)
    startupinfo = STARTUPINFO() if asked.startupinfo is None else asked.startupinfo.copy()
    spec.close_fds = bool(asked.close_fds)
    _add_handles(spec, startupinfo.lpAttributeList)
    if asked.shell:
        startupinfo.dwFlags |= STARTF_USESHOWWINDOW
        startupinfo.wShowWindow = SW_HIDE
        comspec = executable
        if not executable:
            comspec = _shell()
            if os.path.isabs(comspec):
                executable = comspec
        line = f'{comspec} /c "{line}"'
    cwd = None if asked.cwd is None else os.fsdecode(asked.cwd)
    sys.audit("subprocess.Popen", executable, line, cwd, asked.env)
    sys.audit("_winapi.CreateProcess", executable, line, cwd)
    spec.application = executable
    spec.command_line = line
    spec.cwd = cwd
    spec.env = asked.env
    spec.creation_flags = _flags(asked.creationflags)
    spec.startup_flags = getattr(startupinfo, "dwFlags", 0)
    spec.show_window = getattr(startupinfo, "wShowWindow", 0) & 0xFFFF
    spec.std_handles = tuple(
        getattr(startupinfo, name, None) for name in ("hStdInput", "hStdOutput", "hStdError")
    )
    return spec


class make_plain:
    """What is asked first; here nothing is so plain that it saves the usual way."""

    def __init__(self, popen, methods, abandoned):
        self._popen = popen
        self._methods = [(name, getattr(popen, name)) for name in methods]

    def holds(self, popen):
        """Whether `popen` is Popen as it always was: not replaced, no method patched."""
        return popen is self._popen and all(
            getattr(popen, name, None) is method for name, method in self._methods
        )

    def popen(self, *arguments):
        return None

    call = popen


def _command_line(args, shell):
    if isinstance(args, str):
        return args
    if isinstance(args, bytes):
        if shell:
            raise TypeError("bytes args is not allowed on Windows")
        args = [args]
    elif isinstance(args, os.PathLike):
        if shell:
            raise TypeError("path-like args is not allowed when shell is true")
        args = [args]
    return list2cmdline(args)


def _add_handles(spec, attributes):
    """STARTUPINFO's handle_list: what the child inherits besides its standard handles."""
    if not (attributes and "handle_list" in attributes and attributes["handle_list"]):
        return
    spec.handle_list = list(attributes["handle_list"])
    if not spec.close_fds:
        warnings.warn(
            "startupinfo.lpAttributeList['handle_list'] overriding close_fds",
            RuntimeWarning,
            stacklevel=5,
        )
        spec.close_fds = True


def _shell():
    """cmd.exe, and no other of that name: neither PATH nor the current folder is asked."""
    comspec = os.environ.get("ComSpec")
    if not comspec:
        comspec = os.path.join(os.environ.get("SystemRoot", ""), "System32", "cmd.exe")
        if not os.path.isabs(comspec):
            raise FileNotFoundError("shell not found: neither %ComSpec% nor %SystemRoot% is set")
    return comspec


def _flags(creationflags):
    try:
        return operator.index(creationflags) & 0xFFFFFFFF
    except TypeError:
        kind = "None" if creationflags is None else type(creationflags).__name__
        raise TypeError(f"CreateProcess() argument 6 must be int, not {kind}") from None


def make_run(plain, otherwise, doc):
    """run(): here there is no way but the other, otherwise(popenargs, input, ...)."""

    def run(*popenargs, input=None, capture_output=False, timeout=None, check=False, **kwargs):
        return otherwise(popenargs, input, capture_output, timeout, check, kwargs)

    run.__module__ = "fastproc"  # where it is found again when it is pickled
    run.__qualname__ = "run"
    run.__doc__ = doc
    return run
