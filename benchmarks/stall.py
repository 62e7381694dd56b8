"""How long another Python thread stands still while a program is started.

The program's exec is held up on purpose: another process has a write lease on
the file (fcntl F_SETLEASE), so the kernel lets nobody open it, not even execve,
until the holder gives the lease back. That is what a program on a slow network
file system does to its starter, with the delay in our hands.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from benchmarks.operations import Unavailable
from benchmarks.settings import Settings


def longest_stall(module: Any, settings: Settings) -> float:
    """Seconds: the worst of a plain run, a captured one, and one with close_fds=False."""
    program = Path(settings.folder, f"slow-{os.getpid()}")
    shutil.copy(settings.target, program)
    args = [str(program)]
    kinds: list[Callable[[], object]] = [
        lambda: module.run(args),
        lambda: module.run(args, capture_output=True),
        lambda: module.run(args, close_fds=False),
    ]
    try:
        module.run(args)
        return max(_stall_of(call, program, settings.hold) for call in kinds)
    finally:
        program.unlink()


def _stall_of(call: Callable[[], object], program: Path, hold: float) -> float:
    command = [sys.executable, "-m", "benchmarks.stall", str(program), str(hold)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stderr is not None
        if holder.stdout.readline().strip() != "held":
            words = holder.stderr.read().strip().splitlines()
            raise Unavailable(words[-1] if words else "an exec cannot be held up here")
        longest = 0.0
        watching = threading.Event()
        over = False

        def watch() -> None:
            nonlocal longest
            watching.set()
            last = perf_counter()
            while not over:
                now = perf_counter()
                if now - last > longest:
                    longest = now - last
                last = now

        thread = threading.Thread(target=watch)
        thread.start()
        watching.wait()
        start = perf_counter()
        try:
            call()
        finally:
            took = perf_counter() - start
            over = True
            thread.join()
        if took < hold:
            raise Unavailable("the lease did not hold up the exec")
    return longest


def _hold(program: str, seconds: float) -> None:
    """Hold the lease until somebody wants the file, and then that much longer."""
    try:
        import fcntl
        import signal

        set_lease = fcntl.F_SETLEASE
    except (ImportError, AttributeError):
        sys.exit("an exec is held up by a file lease, which is Linux's")
    # Should the exec never come, this process does not stay.
    signal.alarm(30)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
    fd = os.open(program, os.O_RDONLY)
    for _attempt in range(100):
        try:
            fcntl.fcntl(fd, set_lease, fcntl.F_WRLCK)
            break
        except BlockingIOError:
            # Somebody still has the file open: the last child on its way out.
            sleep(0.01)
        except OSError as error:
            sys.exit(f"an exec cannot be held up here: {error}")
    else:
        sys.exit("an exec cannot be held up here: the file stays open")
    print("held", flush=True)
    signal.sigwait({signal.SIGIO})
    sleep(seconds)
    fcntl.fcntl(fd, set_lease, fcntl.F_UNLCK)


if __name__ == "__main__":
    _hold(sys.argv[1], float(sys.argv[2]))
