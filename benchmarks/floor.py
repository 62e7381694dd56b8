"""Builds the C programs of the benchmark, and calls the floor through ctypes."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass
class Tools:
    """What was built, as paths; what could not be is None and has a note."""

    floor: str | None
    target: str
    emit: str | None
    static_target: bool
    notes: list[str]

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def compiler() -> list[str] | None:
    """$CC, the compiler that built this Python, or one with a usual name."""
    configured = sysconfig.get_config_var("CC") or ""
    for candidate in (os.environ.get("CC", ""), configured, "cc", "gcc", "clang"):
        words = shlex.split(candidate)
        if words and shutil.which(words[0]):
            return words
    return None


def _compile(command: list[str], notes: list[str], what: str) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, errors="replace")
    except (OSError, subprocess.TimeoutExpired) as error:
        notes.append(f"{what} could not be built: {error}")
        return False
    if done.returncode:
        words = done.stderr.strip().splitlines()
        notes.append(f"{what} could not be built: {words[0] if words else 'no reason'}")
        return False
    return True


def build(directory: str | os.PathLike[str]) -> Tools:
    """Build floor, target and emit into `directory`, each as far as it goes."""
    notes: list[str] = []
    out = Path(directory)
    fallback = shutil.which("true") or sys.executable
    if os.name != "posix":
        notes.append("no C floor: it is a POSIX program")
        return Tools(None, fallback, None, False, notes)
    cc = compiler()
    if cc is None:
        notes.append(
            "no C floor and no static target: there is no C compiler "
            f"(set CC); the target is {fallback}"
        )
        return Tools(None, fallback, None, False, notes)

    floor = out / "floor.so"
    emit = out / "emit"
    target = out / "target"
    plain = [*cc, "-O2", "-std=c11"]
    has_floor = _compile(
        [*plain, "-shared", "-fPIC", "-pthread", "-o", str(floor), str(HERE / "floor.c")],
        notes,
        "the C floor",
    )
    has_emit = _compile(
        [*plain, "-o", str(emit), str(HERE / "emit.c")], notes, "the writer of large output"
    )
    has_target = _compile(
        [*cc, "-O2", "-nostdlib", "-static", "-ffreestanding", "-fno-stack-protector",
         "-fno-pie", "-no-pie", "-o", str(target), str(HERE / "target.c")],
        notes,
        "the static target",
    )  # fmt: skip
    if has_target and not _runs(target):
        notes.append("the static target does not run on this machine")
        has_target = False
    if not has_target:
        notes.append(f"the target is {fallback}, whose start includes the dynamic loader")
    return Tools(
        floor=str(floor) if has_floor else None,
        target=str(target) if has_target else fallback,
        emit=str(emit) if has_emit else None,
        static_target=has_target,
        notes=notes,
    )


def _runs(program: Path) -> bool:
    try:
        return subprocess.run([str(program)], timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


class _Job(ctypes.Structure):
    _fields_ = [
        ("program", ctypes.c_char_p),
        ("argv", ctypes.POINTER(ctypes.c_char_p)),
        ("envp", ctypes.POINTER(ctypes.c_char_p)),
        ("cwd", ctypes.c_char_p),
        ("new_session", ctypes.c_int),
        ("captured", ctypes.c_int),
        ("deadline", ctypes.c_int),
    ]


def _vector(strings: Sequence[str]) -> ctypes.Array[ctypes.c_char_p]:
    values = [os.fsencode(string) for string in strings]
    return (ctypes.c_char_p * (len(values) + 1))(*values, None)


class Floor:
    """One job for the C floor; the calls run without the GIL."""

    def __init__(
        self,
        library: str,
        args: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        start_new_session: bool = False,
        capture_output: bool = False,
        deadline: bool = False,
    ) -> None:
        self._library = ctypes.CDLL(library)
        self._argv = _vector(args)
        pointer = ctypes.POINTER(ctypes.c_char_p)
        self._envp = None
        if env is not None:
            self._envp = _vector([f"{name}={value}" for name, value in env.items()])
        self._job = _Job(
            os.fsencode(args[0]),
            ctypes.cast(self._argv, pointer),
            ctypes.cast(self._envp, pointer) if self._envp is not None else None,
            os.fsencode(cwd) if cwd is not None else None,
            start_new_session,
            capture_output,
            deadline,
        )

    def loop(self, count: int) -> list[int]:
        """Nanoseconds of each of `count` runs, one after the other."""
        times = (ctypes.c_uint64 * count)()
        self._check(
            self._library.fp_floor_loop(ctypes.byref(self._job), ctypes.c_size_t(count), times)
        )
        return list(times)

    def called(self, count: int) -> list[int]:
        """The same, but each run is a call from Python of its own; timed inside, in C."""
        return [self.loop(1)[0] for _ in range(count)]

    def threads(self, threads: int, count: int) -> int:
        """Nanoseconds for `threads` C threads to do `count` runs each."""
        time = ctypes.c_uint64()
        self._check(
            self._library.fp_floor_threads(
                ctypes.byref(self._job),
                ctypes.c_size_t(threads),
                ctypes.c_size_t(count),
                ctypes.byref(time),
            )
        )
        return time.value

    def _check(self, code: int) -> None:
        if code:
            raise OSError(code, os.strerror(code), os.fsdecode(self._job.program))
