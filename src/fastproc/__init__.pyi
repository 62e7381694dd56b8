"""Types of fastproc: the parameters of Python 3.12's subprocess, whatever the Python.

What a function returns depends on the text parameters: any of text=True, encoding=,
errors= and universal_newlines=True makes it str, none of them makes it bytes.
"""

# Parameters stand several to a line: one to a line, this file would be four times as long.
# fmt: off

import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from subprocess import (
    DEVNULL as DEVNULL,
    PIPE as PIPE,
    STDOUT as STDOUT,
    CalledProcessError as CalledProcessError,
    CompletedProcess as CompletedProcess,
    SubprocessError as SubprocessError,
    TimeoutExpired as TimeoutExpired,
    list2cmdline as list2cmdline,
)
from typing import IO, Any, AnyStr, Generic, Literal, TypeAlias, overload

from _typeshed import ReadableBuffer, StrOrBytesPath

__all__ = [
    "Popen", "PIPE", "STDOUT", "call", "check_call", "getstatusoutput", "getoutput", "check_output",
    "run", "CalledProcessError", "DEVNULL", "SubprocessError", "TimeoutExpired", "CompletedProcess",
]

if sys.platform == "win32":
    from subprocess import (
        ABOVE_NORMAL_PRIORITY_CLASS as ABOVE_NORMAL_PRIORITY_CLASS,
        BELOW_NORMAL_PRIORITY_CLASS as BELOW_NORMAL_PRIORITY_CLASS,
        CREATE_BREAKAWAY_FROM_JOB as CREATE_BREAKAWAY_FROM_JOB,
        CREATE_DEFAULT_ERROR_MODE as CREATE_DEFAULT_ERROR_MODE,
        CREATE_NEW_CONSOLE as CREATE_NEW_CONSOLE,
        CREATE_NEW_PROCESS_GROUP as CREATE_NEW_PROCESS_GROUP,
        CREATE_NO_WINDOW as CREATE_NO_WINDOW,
        DETACHED_PROCESS as DETACHED_PROCESS,
        HIGH_PRIORITY_CLASS as HIGH_PRIORITY_CLASS,
        IDLE_PRIORITY_CLASS as IDLE_PRIORITY_CLASS,
        NORMAL_PRIORITY_CLASS as NORMAL_PRIORITY_CLASS,
        REALTIME_PRIORITY_CLASS as REALTIME_PRIORITY_CLASS,
        STARTF_USESHOWWINDOW as STARTF_USESHOWWINDOW,
        STARTF_USESTDHANDLES as STARTF_USESTDHANDLES,
        STARTUPINFO as STARTUPINFO,
        STD_ERROR_HANDLE as STD_ERROR_HANDLE,
        STD_INPUT_HANDLE as STD_INPUT_HANDLE,
        STD_OUTPUT_HANDLE as STD_OUTPUT_HANDLE,
        SW_HIDE as SW_HIDE,
    )

    __all__ += [
        "ABOVE_NORMAL_PRIORITY_CLASS", "BELOW_NORMAL_PRIORITY_CLASS", "CREATE_BREAKAWAY_FROM_JOB",
        "CREATE_DEFAULT_ERROR_MODE", "CREATE_NEW_CONSOLE", "CREATE_NEW_PROCESS_GROUP",
        "CREATE_NO_WINDOW", "DETACHED_PROCESS", "HIGH_PRIORITY_CLASS", "IDLE_PRIORITY_CLASS",
        "NORMAL_PRIORITY_CLASS", "REALTIME_PRIORITY_CLASS", "STARTF_FORCEOFFFEEDBACK",
        "STARTF_FORCEONFEEDBACK", "STARTF_USESHOWWINDOW", "STARTF_USESTDHANDLES", "STARTUPINFO",
        "STD_ERROR_HANDLE", "STD_INPUT_HANDLE", "STD_OUTPUT_HANDLE", "SW_HIDE",
    ]
    # Of 3.13, and here on every Python.
    STARTF_FORCEONFEEDBACK: int
    STARTF_FORCEOFFFEEDBACK: int

_Command: TypeAlias = StrOrBytesPath | Sequence[StrOrBytesPath]
_File: TypeAlias = int | IO[Any] | None
if sys.platform == "win32":
    _Env: TypeAlias = Mapping[str, str]
else:
    _Env: TypeAlias = Mapping[bytes, StrOrBytesPath] | Mapping[str, StrOrBytesPath]

# May be set: see the documentation of subprocess.
_USE_VFORK: bool
_USE_POSIX_SPAWN: bool

class Popen(subprocess.Popen[AnyStr], Generic[AnyStr]):
    encoding: str | None
    errors: str | None
    text_mode: bool | None
    pipesize: int
    @property
    def _route(self) -> str | None: ...
    @overload
    def __init__(
        self: Popen[str], args: _Command, bufsize: int = -1,
        executable: StrOrBytesPath | None = None, stdin: _File = None, stdout: _File = None,
        stderr: _File = None, preexec_fn: Callable[[], object] | None = None,
        close_fds: bool = True, shell: bool = False, cwd: StrOrBytesPath | None = None,
        env: _Env | None = None, universal_newlines: bool | None = None, startupinfo: Any = None,
        creationflags: int = 0, restore_signals: bool = True, start_new_session: bool = False,
        pass_fds: Collection[int] = (), *, text: Literal[True], encoding: str | None = None,
        errors: str | None = None, user: str | int | None = None, group: str | int | None = None,
        extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
        process_group: int | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: Popen[str], args: _Command, bufsize: int = -1,
        executable: StrOrBytesPath | None = None, stdin: _File = None, stdout: _File = None,
        stderr: _File = None, preexec_fn: Callable[[], object] | None = None,
        close_fds: bool = True, shell: bool = False, cwd: StrOrBytesPath | None = None,
        env: _Env | None = None, universal_newlines: bool | None = None, startupinfo: Any = None,
        creationflags: int = 0, restore_signals: bool = True, start_new_session: bool = False,
        pass_fds: Collection[int] = (), *, text: bool | None = None, encoding: str,
        errors: str | None = None, user: str | int | None = None, group: str | int | None = None,
        extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
        process_group: int | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: Popen[str], args: _Command, bufsize: int = -1,
        executable: StrOrBytesPath | None = None, stdin: _File = None, stdout: _File = None,
        stderr: _File = None, preexec_fn: Callable[[], object] | None = None,
        close_fds: bool = True, shell: bool = False, cwd: StrOrBytesPath | None = None,
        env: _Env | None = None, universal_newlines: bool | None = None, startupinfo: Any = None,
        creationflags: int = 0, restore_signals: bool = True, start_new_session: bool = False,
        pass_fds: Collection[int] = (), *, text: bool | None = None, encoding: str | None = None,
        errors: str, user: str | int | None = None, group: str | int | None = None,
        extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
        process_group: int | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: Popen[str], args: _Command, bufsize: int = -1,
        executable: StrOrBytesPath | None = None, stdin: _File = None, stdout: _File = None,
        stderr: _File = None, preexec_fn: Callable[[], object] | None = None,
        close_fds: bool = True, shell: bool = False, cwd: StrOrBytesPath | None = None,
        env: _Env | None = None, *, universal_newlines: Literal[True], startupinfo: Any = None,
        creationflags: int = 0, restore_signals: bool = True, start_new_session: bool = False,
        pass_fds: Collection[int] = (), text: bool | None = None, encoding: str | None = None,
        errors: str | None = None, user: str | int | None = None, group: str | int | None = None,
        extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
        process_group: int | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: Popen[bytes], args: _Command, bufsize: int = -1,
        executable: StrOrBytesPath | None = None, stdin: _File = None, stdout: _File = None,
        stderr: _File = None, preexec_fn: Callable[[], object] | None = None,
        close_fds: bool = True, shell: bool = False, cwd: StrOrBytesPath | None = None,
        env: _Env | None = None, universal_newlines: Literal[False] | None = None,
        startupinfo: Any = None, creationflags: int = 0, restore_signals: bool = True,
        start_new_session: bool = False, pass_fds: Collection[int] = (), *,
        text: Literal[False] | None = None, encoding: None = None, errors: None = None,
        user: str | int | None = None, group: str | int | None = None,
        extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
        process_group: int | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self: Popen[Any], args: _Command, bufsize: int = -1,
        executable: StrOrBytesPath | None = None, stdin: _File = None, stdout: _File = None,
        stderr: _File = None, preexec_fn: Callable[[], object] | None = None,
        close_fds: bool = True, shell: bool = False, cwd: StrOrBytesPath | None = None,
        env: _Env | None = None, universal_newlines: bool | None = None, startupinfo: Any = None,
        creationflags: int = 0, restore_signals: bool = True, start_new_session: bool = False,
        pass_fds: Collection[int] = (), *, text: bool | None = None, encoding: str | None = None,
        errors: str | None = None, user: str | int | None = None, group: str | int | None = None,
        extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
        process_group: int | None = None,
    ) -> None: ...

@overload
def run(
    args: _Command, bufsize: int = -1, executable: StrOrBytesPath | None = None,
    stdin: _File = None, stdout: _File = None, stderr: _File = None,
    preexec_fn: Callable[[], object] | None = None, close_fds: bool = True, shell: bool = False,
    cwd: StrOrBytesPath | None = None, env: _Env | None = None,
    universal_newlines: bool | None = None, startupinfo: Any = None, creationflags: int = 0,
    restore_signals: bool = True, start_new_session: bool = False, pass_fds: Collection[int] = (),
    *, input: str | None = None, capture_output: bool = False, timeout: float | None = None,
    check: bool = False, text: Literal[True], encoding: str | None = None,
    errors: str | None = None, user: str | int | None = None, group: str | int | None = None,
    extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
    process_group: int | None = None,
) -> CompletedProcess[str]: ...
@overload
def run(
    args: _Command, bufsize: int = -1, executable: StrOrBytesPath | None = None,
    stdin: _File = None, stdout: _File = None, stderr: _File = None,
    preexec_fn: Callable[[], object] | None = None, close_fds: bool = True, shell: bool = False,
    cwd: StrOrBytesPath | None = None, env: _Env | None = None,
    universal_newlines: bool | None = None, startupinfo: Any = None, creationflags: int = 0,
    restore_signals: bool = True, start_new_session: bool = False, pass_fds: Collection[int] = (),
    *, input: str | None = None, capture_output: bool = False, timeout: float | None = None,
    check: bool = False, text: bool | None = None, encoding: str, errors: str | None = None,
    user: str | int | None = None, group: str | int | None = None,
    extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
    process_group: int | None = None,
) -> CompletedProcess[str]: ...
@overload
def run(
    args: _Command, bufsize: int = -1, executable: StrOrBytesPath | None = None,
    stdin: _File = None, stdout: _File = None, stderr: _File = None,
    preexec_fn: Callable[[], object] | None = None, close_fds: bool = True, shell: bool = False,
    cwd: StrOrBytesPath | None = None, env: _Env | None = None,
    universal_newlines: bool | None = None, startupinfo: Any = None, creationflags: int = 0,
    restore_signals: bool = True, start_new_session: bool = False, pass_fds: Collection[int] = (),
    *, input: str | None = None, capture_output: bool = False, timeout: float | None = None,
    check: bool = False, text: bool | None = None, encoding: str | None = None, errors: str,
    user: str | int | None = None, group: str | int | None = None,
    extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
    process_group: int | None = None,
) -> CompletedProcess[str]: ...
@overload
def run(
    args: _Command, bufsize: int = -1, executable: StrOrBytesPath | None = None,
    stdin: _File = None, stdout: _File = None, stderr: _File = None,
    preexec_fn: Callable[[], object] | None = None, close_fds: bool = True, shell: bool = False,
    cwd: StrOrBytesPath | None = None, env: _Env | None = None, *,
    universal_newlines: Literal[True], startupinfo: Any = None, creationflags: int = 0,
    restore_signals: bool = True, start_new_session: bool = False, pass_fds: Collection[int] = (),
    input: str | None = None, capture_output: bool = False, timeout: float | None = None,
    check: bool = False, text: bool | None = None, encoding: str | None = None,
    errors: str | None = None, user: str | int | None = None, group: str | int | None = None,
    extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
    process_group: int | None = None,
) -> CompletedProcess[str]: ...
@overload
def run(
    args: _Command, bufsize: int = -1, executable: StrOrBytesPath | None = None,
    stdin: _File = None, stdout: _File = None, stderr: _File = None,
    preexec_fn: Callable[[], object] | None = None, close_fds: bool = True, shell: bool = False,
    cwd: StrOrBytesPath | None = None, env: _Env | None = None,
    universal_newlines: Literal[False] | None = None, startupinfo: Any = None,
    creationflags: int = 0, restore_signals: bool = True, start_new_session: bool = False,
    pass_fds: Collection[int] = (), *, input: ReadableBuffer | None = None,
    capture_output: bool = False, timeout: float | None = None, check: bool = False,
    text: Literal[False] | None = None, encoding: None = None, errors: None = None,
    user: str | int | None = None, group: str | int | None = None,
    extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
    process_group: int | None = None,
) -> CompletedProcess[bytes]: ...
@overload
def run(
    args: _Command, bufsize: int = -1, executable: StrOrBytesPath | None = None,
    stdin: _File = None, stdout: _File = None, stderr: _File = None,
    preexec_fn: Callable[[], object] | None = None, close_fds: bool = True, shell: bool = False,
    cwd: StrOrBytesPath | None = None, env: _Env | None = None,
    universal_newlines: bool | None = None, startupinfo: Any = None, creationflags: int = 0,
    restore_signals: bool = True, start_new_session: bool = False, pass_fds: Collection[int] = (),
    *, input: str | ReadableBuffer | None = None, capture_output: bool = False,
    timeout: float | None = None, check: bool = False, text: bool | None = None,
    encoding: str | None = None, errors: str | None = None, user: str | int | None = None,
    group: str | int | None = None, extra_groups: Iterable[str | int] | None = None,
    umask: int = -1, pipesize: int = -1, process_group: int | None = None,
) -> CompletedProcess[Any]: ...
def call(
    args: _Command, bufsize: int = -1, executable: StrOrBytesPath | None = None,
    stdin: _File = None, stdout: _File = None, stderr: _File = None,
    preexec_fn: Callable[[], object] | None = None, close_fds: bool = True, shell: bool = False,
    cwd: StrOrBytesPath | None = None, env: _Env | None = None,
    universal_newlines: bool | None = None, startupinfo: Any = None, creationflags: int = 0,
    restore_signals: bool = True, start_new_session: bool = False, pass_fds: Collection[int] = (),
    *, timeout: float | None = None, text: bool | None = None, encoding: str | None = None,
    errors: str | None = None, user: str | int | None = None, group: str | int | None = None,
    extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
    process_group: int | None = None,
) -> int: ...
def check_call(
    args: _Command, bufsize: int = -1, executable: StrOrBytesPath | None = None,
    stdin: _File = None, stdout: _File = None, stderr: _File = None,
    preexec_fn: Callable[[], object] | None = None, close_fds: bool = True, shell: bool = False,
    cwd: StrOrBytesPath | None = None, env: _Env | None = None,
    universal_newlines: bool | None = None, startupinfo: Any = None, creationflags: int = 0,
    restore_signals: bool = True, start_new_session: bool = False, pass_fds: Collection[int] = (),
    *, timeout: float | None = None, text: bool | None = None, encoding: str | None = None,
    errors: str | None = None, user: str | int | None = None, group: str | int | None = None,
    extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
    process_group: int | None = None,
) -> int: ...
@overload
def check_output(
    args: _Command, bufsize: int = -1, executable: StrOrBytesPath | None = None,
    stdin: _File = None, stderr: _File = None, preexec_fn: Callable[[], object] | None = None,
    close_fds: bool = True, shell: bool = False, cwd: StrOrBytesPath | None = None,
    env: _Env | None = None, universal_newlines: bool | None = None, startupinfo: Any = None,
    creationflags: int = 0, restore_signals: bool = True, start_new_session: bool = False,
    pass_fds: Collection[int] = (), *, input: str | ReadableBuffer | None = None,
    timeout: float | None = None, text: Literal[True], encoding: str | None = None,
    errors: str | None = None, user: str | int | None = None, group: str | int | None = None,
    extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
    process_group: int | None = None,
) -> str: ...
@overload
def check_output(
    args: _Command, bufsize: int = -1, executable: StrOrBytesPath | None = None,
    stdin: _File = None, stderr: _File = None, preexec_fn: Callable[[], object] | None = None,
    close_fds: bool = True, shell: bool = False, cwd: StrOrBytesPath | None = None,
    env: _Env | None = None, universal_newlines: bool | None = None, startupinfo: Any = None,
    creationflags: int = 0, restore_signals: bool = True, start_new_session: bool = False,
    pass_fds: Collection[int] = (), *, input: str | ReadableBuffer | None = None,
    timeout: float | None = None, text: bool | None = None, encoding: str,
    errors: str | None = None, user: str | int | None = None, group: str | int | None = None,
    extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
    process_group: int | None = None,
) -> str: ...
@overload
def check_output(
    args: _Command, bufsize: int = -1, executable: StrOrBytesPath | None = None,
    stdin: _File = None, stderr: _File = None, preexec_fn: Callable[[], object] | None = None,
    close_fds: bool = True, shell: bool = False, cwd: StrOrBytesPath | None = None,
    env: _Env | None = None, universal_newlines: bool | None = None, startupinfo: Any = None,
    creationflags: int = 0, restore_signals: bool = True, start_new_session: bool = False,
    pass_fds: Collection[int] = (), *, input: str | ReadableBuffer | None = None,
    timeout: float | None = None, text: bool | None = None, encoding: str | None = None,
    errors: str, user: str | int | None = None, group: str | int | None = None,
    extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
    process_group: int | None = None,
) -> str: ...
@overload
def check_output(
    args: _Command, bufsize: int = -1, executable: StrOrBytesPath | None = None,
    stdin: _File = None, stderr: _File = None, preexec_fn: Callable[[], object] | None = None,
    close_fds: bool = True, shell: bool = False, cwd: StrOrBytesPath | None = None,
    env: _Env | None = None, *, universal_newlines: Literal[True], startupinfo: Any = None,
    creationflags: int = 0, restore_signals: bool = True, start_new_session: bool = False,
    pass_fds: Collection[int] = (), input: str | ReadableBuffer | None = None,
    timeout: float | None = None, text: bool | None = None, encoding: str | None = None,
    errors: str | None = None, user: str | int | None = None, group: str | int | None = None,
    extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
    process_group: int | None = None,
) -> str: ...
@overload
def check_output(
    args: _Command, bufsize: int = -1, executable: StrOrBytesPath | None = None,
    stdin: _File = None, stderr: _File = None, preexec_fn: Callable[[], object] | None = None,
    close_fds: bool = True, shell: bool = False, cwd: StrOrBytesPath | None = None,
    env: _Env | None = None, universal_newlines: Literal[False] | None = None,
    startupinfo: Any = None, creationflags: int = 0, restore_signals: bool = True,
    start_new_session: bool = False, pass_fds: Collection[int] = (), *,
    input: str | ReadableBuffer | None = None, timeout: float | None = None,
    text: Literal[False] | None = None, encoding: None = None, errors: None = None,
    user: str | int | None = None, group: str | int | None = None,
    extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
    process_group: int | None = None,
) -> bytes: ...
@overload
def check_output(
    args: _Command, bufsize: int = -1, executable: StrOrBytesPath | None = None,
    stdin: _File = None, stderr: _File = None, preexec_fn: Callable[[], object] | None = None,
    close_fds: bool = True, shell: bool = False, cwd: StrOrBytesPath | None = None,
    env: _Env | None = None, universal_newlines: bool | None = None, startupinfo: Any = None,
    creationflags: int = 0, restore_signals: bool = True, start_new_session: bool = False,
    pass_fds: Collection[int] = (), *, input: str | ReadableBuffer | None = None,
    timeout: float | None = None, text: bool | None = None, encoding: str | None = None,
    errors: str | None = None, user: str | int | None = None, group: str | int | None = None,
    extra_groups: Iterable[str | int] | None = None, umask: int = -1, pipesize: int = -1,
    process_group: int | None = None,
) -> Any: ...
def getstatusoutput(
    cmd: _Command, *, encoding: str | None = None, errors: str | None = None,
) -> tuple[int, str]: ...
def getoutput(
    cmd: _Command, *, encoding: str | None = None, errors: str | None = None,
) -> str: ...
