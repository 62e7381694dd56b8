"""How each kind of case is measured, inside a worker.

Each function yields records: ``values`` and ``baseline`` are one block of each,
measured side by side, in nanoseconds; ``figure`` is a finished number.
"""

from __future__ import annotations

import functools
import gc
import importlib
import mmap
import os
import sys
import threading
from collections.abc import Callable, Iterator
from time import monotonic, perf_counter_ns
from typing import Any

from benchmarks import operations, peers
from benchmarks.cases import Case
from benchmarks.floor import Floor
from benchmarks.operations import Unavailable, Work
from benchmarks.settings import Settings

Record = dict[str, Any]
Block = list[int]

FEWEST_BLOCKS = 3
MARK = "/benchmark-mark"


def work_of(case: Case, settings: Settings) -> Work:
    options = {name: value for name, value in case.options.items() if name != "load"}
    work: Work = getattr(operations, case.operation)(settings, options)
    return work


def floor_of(work: Work, settings: Settings, *, deadline: bool = False) -> Floor | None:
    if settings.floor is None:
        return None
    return Floor(settings.floor, work.args, **work.floor_options(), deadline=deadline)


def _loop(case: Case, contender: str, work: Work, settings: Settings) -> peers.Loop:
    if contender not in peers.FLOORS:
        return peers.make_loop(contender, work)
    called = contender == "floor-called"
    deadline = called and "timeout" in work.options
    if deadline and not _has_pidfds():
        raise Unavailable("this system has no pidfds")
    floor = floor_of(work, settings, deadline=deadline)
    if floor is None:
        raise Unavailable("there is no C floor")
    return floor.called if called else floor.loop


def _has_pidfds() -> bool:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


def _until(seconds: float, fewest: int = FEWEST_BLOCKS) -> Iterator[int]:
    """Counts blocks: at least the fewest, then until the time is used up."""
    end = monotonic() + seconds
    number = 0
    while number < fewest or monotonic() < end:
        yield number
        number += 1


def calls(case: Case, contender: str, settings: Settings) -> Iterator[Record]:
    """Single calls, in blocks that take turns with blocks of the baseline."""
    work = work_of(case, settings)
    loop = _loop(case, contender, work, settings)
    baseline: peers.Loop | None
    if case.against == "stdlib":
        # Two of the same are no comparison, but they show the noise.
        baseline = peers.make_loop("stdlib", work)
    else:
        floor = floor_of(work, settings)
        baseline = floor.loop if floor else None
    slow = case.operation in ("large", "feed", "cat")
    count = 1 if slow else settings.calls
    loop(count)
    if baseline:
        baseline(count)
    for number in _until(settings.seconds):
        order = number % 2
        before = baseline(count) if baseline and order else None
        values = loop(count)
        after = baseline(count) if baseline and not order else None
        yield {"values": values, "baseline": before or after}


def threads(case: Case, contender: str, settings: Settings) -> Iterator[Record]:
    """Time per run while four threads run at once; blocks as in calls()."""
    work = work_of(case, settings)
    call = work.bind(importlib.import_module(peers.MODULES[contender]))
    floor = floor_of(work, settings)
    workers, count = 4, settings.thread_calls

    def share() -> None:
        for _ in range(count):
            call()

    def python() -> Block:
        crew = [threading.Thread(target=share) for _ in range(workers)]
        start = perf_counter_ns()
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
        return [(perf_counter_ns() - start) // (workers * count)]

    def c() -> Block | None:
        return [floor.threads(workers, count) // (workers * count)] if floor else None

    python()
    c()
    for number in _until(settings.seconds):
        before = c() if number % 2 else None
        values = python()
        yield {"values": values, "baseline": before or c()}


def growth(case: Case, contender: str, settings: Settings) -> Iterator[Record]:
    """The same calls without the load, with it, and without it again."""
    work = work_of(case, settings)
    loop = _loop(case, contender, work, settings)
    count = settings.calls // 2

    def blocks() -> list[Block]:
        return [loop(count) for _ in _until(settings.seconds / 2)]

    loop(count)
    before = blocks()
    release = LOADS[case.options["load"]](settings)
    try:
        loop(1)
        loaded = blocks()
    finally:
        release()
    loop(1)
    after = blocks()
    without = [block for pair in zip(before, after, strict=False) for block in pair]
    for values, baseline in zip(loaded, without, strict=False):
        yield {"values": values, "baseline": baseline}


def _touch_memory(settings: Settings) -> Callable[[], None]:
    free = _free_memory()
    if free is not None and free < settings.memory * 1.3:
        raise Unavailable(
            f"needs {settings.memory >> 20:,} MiB of free memory, there are {free >> 20:,}"
        )
    block = mmap.mmap(-1, settings.memory, **_private())
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        # What a heap looks like after some use: many small pages.
        try:
            block.madvise(mmap.MADV_NOHUGEPAGE)
        except OSError:
            pass
    page = mmap.PAGESIZE
    with memoryview(block) as view:
        view[::page] = b"\1" * (settings.memory // page)
    return block.close


def _private() -> dict[str, int]:
    if sys.platform == "win32":
        return {}
    return {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS}


def _free_memory() -> int | None:
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def _open_descriptors(settings: Settings) -> Callable[[], None]:
    try:
        import resource
    except ImportError:
        raise Unavailable("this system has no limit of descriptors to raise") from None
    wanted = settings.descriptors + 64
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise Unavailable(f"the limit of open descriptors is {hard:,}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    held = [os.open(os.devnull, os.O_RDONLY)]
    try:
        while len(held) < settings.descriptors:
            held.append(os.dup(held[0]))
    except OSError:
        for fd in held:
            os.close(fd)
        raise

    def release() -> None:
        for fd in held:
            os.close(fd)

    return release


LOADS: dict[str, Callable[[Settings], Callable[[], None]]] = {
    "memory": _touch_memory,
    "descriptors": _open_descriptors,
}


def peak(case: Case, contender: str, settings: Settings) -> Iterator[Record]:
    """The most memory that a captured run needs at once, as a share of its data."""
    work = work_of(case, settings)
    call = work.bind(importlib.import_module(peers.MODULES[contender]))
    gc.collect()
    before = _memory("VmRSS")
    _reset_peak()
    call()
    yield {"figure": (_memory("VmHWM") - before) / settings.output}


def _memory(field: str) -> int:
    try:
        with open("/proc/self/status", encoding="ascii") as lines:
            for line in lines:
                if line.startswith(field):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    raise Unavailable("memory at its peak is read from /proc/self/status")


def _reset_peak() -> None:
    # The peak since the program began can only be higher; where it cannot be
    # reset, start-up stays below what is captured.
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        pass


def imports(case: Case, contender: str, settings: Settings) -> Iterator[Record]:
    """Time of one import, in a fresh interpreter each, in turns with the stdlib's."""
    import subprocess

    # As users have it: compiled once, not for each import.
    unset = ("PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME")
    env = {name: value for name, value in os.environ.items() if name not in unset}

    def once(module: str) -> int:
        code = (
            "from time import perf_counter_ns as now\n"
            f"start = now()\nimport {module}\nprint(now() - start)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            timeout=30,
            check=True,
            env=env,
        )
        return int(done.stdout)

    ours, theirs = peers.MODULES[contender], "subprocess"
    once(ours)
    for number in _until(settings.seconds * 3):
        names = (ours, theirs) if number % 2 else (theirs, ours)
        taken = {}
        for index, name in enumerate(names):
            taken[index] = once(name)
        mine = 0 if number % 2 else 1
        yield {"values": [taken[mine]], "baseline": [taken[1 - mine]]}


def syscalls(case: Case, contender: str, settings: Settings) -> Iterator[Record]:
    from benchmarks.trace import count_system_calls

    yield {"figure": count_system_calls(case.name, contender, settings)}


def stall(case: Case, contender: str, settings: Settings) -> Iterator[Record]:
    from benchmarks.stall import longest_stall

    module = importlib.import_module(peers.MODULES[contender])
    yield {"figure": longest_stall(module, settings) * 1000}


def make_calls(case: Case, contender: str, settings: Settings, count: int) -> None:
    """Just calls, between two marks that a trace of system calls shows."""
    loop = _loop(case, contender, work_of(case, settings), settings)
    loop(3)
    mark = functools.partial(os.access, MARK, os.F_OK)
    mark()
    loop(count)
    mark()
