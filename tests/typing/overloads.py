"""What type checkers must make of fastproc; checked by mypy --strict and pyright, not run.

A line marked "type: ignore" must be an error: both checkers refuse an unneeded ignore.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import fastproc

if sys.version_info >= (3, 11):
    from typing import assert_type
else:
    from typing_extensions import assert_type


def run_gives_bytes_unless_a_text_parameter_is_given() -> None:
    assert_type(fastproc.run(["true"]), subprocess.CompletedProcess[bytes])
    assert_type(fastproc.run(["true"], text=False), subprocess.CompletedProcess[bytes])
    assert_type(fastproc.run(["true"], text=True), subprocess.CompletedProcess[str])
    assert_type(fastproc.run(["true"], encoding="utf-8"), subprocess.CompletedProcess[str])
    assert_type(fastproc.run(["true"], errors="replace"), subprocess.CompletedProcess[str])
    assert_type(fastproc.run(["true"], universal_newlines=True), subprocess.CompletedProcess[str])


def run_decided_at_run_time_gives_any(text: bool) -> None:
    assert_type(fastproc.run(["true"], text=text), subprocess.CompletedProcess[Any])


def streams_are_numbers_and_files(text: IO[str], raw: IO[bytes]) -> None:
    fastproc.run(["true"], stdin=raw, stdout=text, stderr=fastproc.STDOUT)
    fastproc.call(["true"], stdin=3, stdout=text, stderr=raw)
    fastproc.check_output(["true"], stdin=text, stderr=raw)
    fastproc.Popen(["true"], stdin=text, stdout=raw, stderr=None)
    fastproc.run(["true"], stdin="a name")  # type: ignore[call-overload]
    fastproc.call(["true"], stdin="a name")  # type: ignore[arg-type]


def run_takes_input_of_its_own_kind() -> None:
    fastproc.run(["cat"], input=b"bytes")
    fastproc.run(["cat"], input=memoryview(b"a buffer"))
    fastproc.run(["cat"], input="text", text=True)
    fastproc.run(["cat"], input="text", encoding="utf-8")
    fastproc.run(["cat"], input=1)  # type: ignore[call-overload]


def commands_are_strings_paths_and_sequences_of_them() -> None:
    fastproc.run("true")
    fastproc.run(b"true")
    fastproc.run(Path("/bin/true"))
    fastproc.run((Path("/bin/echo"), "text", b"bytes"))
    fastproc.run(args=["true"])
    fastproc.run(["true", 1])  # type: ignore[list-item]


def parameters_of_3_12_are_there_on_every_python() -> None:
    fastproc.run(
        ["true"],
        -1,
        None,
        fastproc.DEVNULL,
        fastproc.PIPE,
        fastproc.STDOUT,
        close_fds=True,
        cwd=Path("/"),
        env={"LANG": "C"},
        start_new_session=True,
        pass_fds=(3, 4),
        user="nobody",
        group=65534,
        extra_groups=["nogroup", 65534],
        umask=0o22,
        pipesize=1 << 20,
        process_group=0,
        timeout=1.5,
        check=True,
    )
    fastproc.run(["true"], env=os.environ, creationflags=0, startupinfo=None)
    fastproc.run(["true"], executable=Path("/bin/true"), cwd=b"/", timeout=1, preexec_fn=os.getpid)
    fastproc.run(["true"], no_such_parameter=1)  # type: ignore[call-overload]


def several_are_collections_of_any_kind(fds: set[int], names: frozenset[str]) -> None:
    fastproc.run(["true"], pass_fds=fds, extra_groups=names)
    fastproc.call(["true"], pass_fds=fds, extra_groups=(name for name in names))
    fastproc.check_call(["true"], pass_fds=[3], extra_groups=[0])
    fastproc.check_output(["true"], pass_fds=fds, extra_groups=names)
    fastproc.Popen(["true"], pass_fds=fds, extra_groups=names)
    fastproc.call(["true"], pass_fds=3)  # type: ignore[arg-type]


def popen_follows_the_text_parameters() -> None:
    with fastproc.Popen(["true"], stdout=fastproc.PIPE) as raw:
        assert_type(raw, fastproc.Popen[bytes])
        assert_type(raw.communicate(timeout=1), tuple[bytes, bytes])
    with fastproc.Popen(["true"], stdout=fastproc.PIPE, text=True) as text:
        assert_type(text, fastproc.Popen[str])
        assert_type(text.communicate("input"), tuple[str, str])
    assert_type(fastproc.Popen(["true"], encoding="ascii"), fastproc.Popen[str])
    assert_type(fastproc.Popen(["true"], errors="strict"), fastproc.Popen[str])
    assert_type(fastproc.Popen(["true"], universal_newlines=True), fastproc.Popen[str])
    assert_type(fastproc.Popen(["true"], text=False, errors=None), fastproc.Popen[bytes])


def popen_decided_at_run_time_is_of_any(text: bool, encoding: str | None) -> None:
    assert_type(fastproc.Popen(["true"], text=text), fastproc.Popen[Any])
    assert_type(fastproc.Popen(["true"], encoding=encoding), fastproc.Popen[Any])


def attributes_and_methods_of_popen(process: fastproc.Popen[str]) -> None:
    assert_type(process.pid, int)
    assert_type(process.pipesize, int)
    assert_type(process.encoding, str | None)
    assert_type(process.errors, str | None)
    assert_type(process.text_mode, bool | None)
    assert_type(process._route, str | None)
    assert_type(process.poll(), int | None)
    assert_type(process.wait(timeout=1), int)
    process.send_signal(15)
    process._route = "fork"  # type: ignore[misc]


def code_annotated_with_the_standard_library_accepts_ours() -> None:
    def wait(process: subprocess.Popen[bytes]) -> int:
        return process.wait()

    def output(result: subprocess.CompletedProcess[str]) -> str:
        return result.stdout

    wait(fastproc.Popen(["true"]))
    wait(fastproc.Popen(["true"], text=True))  # type: ignore[arg-type]
    output(fastproc.run(["true"], capture_output=True, text=True))


def exceptions_are_the_standard_librarys() -> None:
    try:
        fastproc.check_call(["false"])
    except subprocess.CalledProcessError as error:
        assert_type(error, fastproc.CalledProcessError)
        assert_type(error.returncode, int)
    except fastproc.TimeoutExpired as error:
        assert_type(error, subprocess.TimeoutExpired)


def check_output_follows_the_text_parameters() -> None:
    assert_type(fastproc.check_output(["true"]), bytes)
    assert_type(fastproc.check_output(["true"], text=False, encoding=None), bytes)
    assert_type(fastproc.check_output(["true"], text=True), str)
    assert_type(fastproc.check_output(["true"], encoding="utf-8"), str)
    assert_type(fastproc.check_output(["true"], errors="replace"), str)
    assert_type(fastproc.check_output(["true"], universal_newlines=True), str)
    fastproc.check_output(["true"], stdout=fastproc.PIPE)  # type: ignore[call-overload]
    fastproc.check_output(["true"], check=True)  # type: ignore[call-overload]


def check_output_decided_at_run_time_is_any(text: bool) -> None:
    assert_type(fastproc.check_output(["true"], text=text), Any)


def check_output_takes_input() -> None:
    fastproc.check_output(["cat"], input=b"bytes")
    fastproc.check_output(["cat"], input=memoryview(b"a buffer"))
    fastproc.check_output(["cat"], input=bytearray(b"a buffer"))
    fastproc.check_output(["cat"], input=None, text=True)
    assert_type(fastproc.check_output(["cat"], input="text", encoding="utf-8"), str)
    fastproc.check_output(["cat"], input=1)  # type: ignore[call-overload]


def the_other_functions() -> None:
    assert_type(fastproc.call(["true"], timeout=1), int)
    assert_type(fastproc.check_call(["true"], shell=False), int)
    assert_type(fastproc.getoutput("true", encoding="utf-8"), str)
    assert_type(fastproc.getstatusoutput("true", errors="replace"), tuple[int, str])
    assert_type(fastproc.list2cmdline(["a", "b c"]), str)
    fastproc.call(["true"], capture_output=True)  # type: ignore[call-arg]
    fastproc.check_call(["true"], input=b"")  # type: ignore[call-arg]
    fastproc.getoutput("true", text=True)  # type: ignore[call-arg]


def the_knobs_may_be_set() -> None:
    fastproc._USE_VFORK = False  # pyright: ignore[reportPrivateUsage]
    fastproc._USE_POSIX_SPAWN = False  # pyright: ignore[reportPrivateUsage]


if sys.platform == "win32":

    def windows_names() -> None:
        info = fastproc.STARTUPINFO(dwFlags=fastproc.STARTF_USESHOWWINDOW)
        info.wShowWindow = fastproc.SW_HIDE
        fastproc.run(["cmd"], startupinfo=info, creationflags=fastproc.CREATE_NO_WINDOW)
        assert_type(fastproc.STARTF_FORCEONFEEDBACK, int)
        assert_type(fastproc.STARTF_FORCEOFFFEEDBACK, int)

    def environments_are_of_str() -> None:
        fastproc.run(["cmd"], env={"LANG": "C"})
        fastproc.run(["cmd"], env={b"LANG": b"C"})  # type: ignore[dict-item]
        fastproc.run(["cmd"], env={"HOME": Path("/")})  # type: ignore[dict-item]

else:

    def windows_names_are_missing_elsewhere() -> None:
        fastproc.STARTUPINFO()  # type: ignore[attr-defined]

    def environments_are_of_str_or_bytes_or_paths() -> None:
        fastproc.run(["true"], env={b"LANG": b"C"})
        fastproc.run(["true"], env={"HOME": Path("/")})
        fastproc.run(["true"], env={"LANG": 1})  # type: ignore[arg-type]
