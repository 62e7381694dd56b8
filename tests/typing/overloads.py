"""What type checkers must make of fastproc; checked by mypy --strict and pyright, not run.

A line marked "type: ignore" must be an error: both checkers refuse an unneeded ignore.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

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
    fastproc.run(["true"], env={b"LANG": b"C"}, creationflags=0, startupinfo=None)
    fastproc.run(["true"], no_such_parameter=1)  # type: ignore[call-overload]


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


def the_other_functions() -> None:
    assert_type(fastproc.call(["true"], timeout=1), int)
    assert_type(fastproc.check_call(["true"], shell=False), int)
    assert_type(fastproc.check_output(["true"]), bytes)
    assert_type(fastproc.check_output(["true"], text=True), str)
    assert_type(fastproc.check_output(["cat"], input="text", encoding="utf-8"), str)
    assert_type(fastproc.getoutput("true", encoding="utf-8"), str)
    assert_type(fastproc.getstatusoutput("true", errors="replace"), tuple[int, str])
    assert_type(fastproc.list2cmdline(["a", "b c"]), str)
    fastproc.check_output(["true"], stdout=fastproc.PIPE)  # type: ignore[call-overload]


if sys.platform == "win32":

    def windows_names() -> None:
        info = fastproc.STARTUPINFO(dwFlags=fastproc.STARTF_USESHOWWINDOW)
        info.wShowWindow = fastproc.SW_HIDE
        fastproc.run(["cmd"], startupinfo=info, creationflags=fastproc.CREATE_NO_WINDOW)

else:

    def windows_names_are_missing_elsewhere() -> None:
        fastproc.STARTUPINFO()  # type: ignore[attr-defined]
