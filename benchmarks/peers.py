"""The contenders: fastproc, the standard library, and what else users pick.

A contender is known by name. Modules shaped like subprocess can do every
operation; the other peers start the target, plainly or captured.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import importlib.util
import os
import select
import sys
from collections.abc import Awaitable, Callable
from time import perf_counter_ns
from typing import Any

from benchmarks.operations import Unavailable, Work

MODULES = {"fastproc": "fastproc", "stdlib": "subprocess"}
PEERS = ("posix_spawn", "asyncio", "uvloop", "sh", "plumbum")
CONTENDERS = (*MODULES, *PEERS)
FLOORS = ("floor", "floor-called")
"""Plain C: in a loop of its own, and called from Python for each run, with a pidfd where there
is a deadline: what is the least that any library for Python can take."""

TITLES = {
    "floor": "C floor",
    "floor-called": "C, from Python",
    "fastproc": "fastproc",
    "stdlib": "subprocess",
    "posix_spawn": "os.posix_spawn",
    "asyncio": "asyncio",
    "uvloop": "uvloop",
    "sh": "sh",
    "plumbum": "plumbum",
}

Loop = Callable[[int], "list[int]"]
"""Does so many calls and gives the nanoseconds of each."""


def missing(name: str) -> str | None:
    """Why this contender cannot take part, or None."""
    if name == "posix_spawn":
        return None if hasattr(os, "posix_spawn") else "this system has no os.posix_spawn"
    module = MODULES.get(name, name)
    if importlib.util.find_spec(module) is None:
        return "not installed"
    if name == "uvloop" and sys.platform == "win32":
        return "not for Windows"
    return None


def version(name: str) -> str | None:
    if name in ("stdlib", "asyncio", "posix_spawn"):
        return None
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def repeat(call: Callable[[], object]) -> Loop:
    def loop(count: int) -> list[int]:
        times = []
        for _ in range(count):
            start = perf_counter_ns()
            call()
            times.append(perf_counter_ns() - start)
        return times

    return loop


def make_loop(name: str, work: Work) -> Loop:
    if name in MODULES:
        return repeat(work.bind(importlib.import_module(MODULES[name])))
    captured = bool(work.options.get("capture_output"))
    if name == "posix_spawn":
        return repeat(_posix_spawn(work.args, captured))
    if name in ("asyncio", "uvloop"):
        return _asyncio(name, work.args, captured)
    if not captured:
        raise Unavailable(f"{name} always captures")
    if name == "sh":
        return repeat(importlib.import_module("sh").Command(work.args[0]).bake(*work.args[1:]))
    if name == "plumbum":
        command = importlib.import_module("plumbum").local[work.args[0]]
        return repeat(command[tuple(work.args[1:])].run if work.args[1:] else command.run)
    raise ValueError(f"unknown contender {name!r}")


def _posix_spawn(args: list[str], captured: bool) -> Callable[[], object]:
    path = args[0]
    if not captured:

        def plain() -> None:
            pid = os.posix_spawn(path, args, os.environ)
            os.waitpid(pid, 0)

        return plain

    def capture() -> tuple[bytes, bytes]:
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        actions = [
            (os.POSIX_SPAWN_DUP2, out_write, 1),
            (os.POSIX_SPAWN_DUP2, err_write, 2),
        ]
        pid = os.posix_spawn(path, args, os.environ, file_actions=actions)
        os.close(out_write)
        os.close(err_write)
        chunks: dict[int, list[bytes]] = {out_read: [], err_read: []}
        poll = select.poll()
        for fd in chunks:
            poll.register(fd, select.POLLIN)
        left = 2
        while left:
            for fd, _ in poll.poll():
                data = os.read(fd, 65536)
                chunks[fd].append(data)
                if not data:
                    poll.unregister(fd)
                    os.close(fd)
                    left -= 1
        os.waitpid(pid, 0)
        return b"".join(chunks[out_read]), b"".join(chunks[err_read])

    return capture


def _asyncio(name: str, args: list[str], captured: bool) -> Loop:
    loop: Any
    if name == "uvloop":
        loop = importlib.import_module("uvloop").new_event_loop()
    else:
        loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    async def plain() -> object:
        process = await asyncio.create_subprocess_exec(*args)
        return await process.wait()

    async def capture() -> object:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*args, stdout=pipe, stderr=pipe)
        return await process.communicate()

    call: Callable[[], Awaitable[object]] = capture if captured else plain

    async def block(count: int) -> list[int]:
        times = []
        for _ in range(count):
            start = perf_counter_ns()
            await call()
            times.append(perf_counter_ns() - start)
        return times

    return lambda count: loop.run_until_complete(block(count))
