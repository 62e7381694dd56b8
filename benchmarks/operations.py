"""What is called: for each operation the contender's call and the same for the floor."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.settings import Settings


class Unavailable(Exception):
    """This machine or this contender cannot do it; the text says why."""


@dataclass
class Work:
    """One call, twice: through a module like subprocess, and by the floor."""

    args: list[str]
    """With the program as a path, as the floor executes it."""
    options: dict[str, Any] = field(default_factory=dict)
    call: Callable[[Any], Callable[[], object]] | None = None
    """Makes the call out of a module, where it is not run(args, **options)."""

    def bind(self, module: Any) -> Callable[[], object]:
        if self.call is not None:
            return self.call(module)
        return written_out(module, "run({})", self.args, self.options)

    def floor_options(self) -> dict[str, Any]:
        known = ("env", "cwd", "start_new_session", "capture_output")
        return {name: self.options[name] for name in known if name in self.options}


def written_out(
    module: Any, call: str, args: list[str], options: dict[str, Any]
) -> Callable[[], object]:
    """A call as a program has it: by the module's name, each keyword in its place.

    Through **options, a call would make a dict first, which is not what is measured.
    """
    keywords = "".join(f", {name}={name}" for name in options)
    names = {**options, "module": module, "args": args}
    made: Callable[[], object] = eval(f"lambda: module.{call.format('args' + keywords)}", names)
    return made


def run(settings: Settings, options: dict[str, Any]) -> Work:
    return Work([settings.target], options)


def run_true(settings: Settings, options: dict[str, Any]) -> Work:
    return Work([_program("true")], options)


def git(settings: Settings, options: dict[str, Any]) -> Work:
    return Work([_program("git"), "--version"], options)


def popen_wait(settings: Settings, options: dict[str, Any]) -> Work:
    args = [settings.target]
    return Work(
        args, options, lambda module: written_out(module, "Popen({}).wait()", args, options)
    )


def on_path(settings: Settings, options: dict[str, Any]) -> Work:
    path = Path(settings.target)
    misses = []
    for number in range(3):
        empty = Path(settings.folder, f"empty-{number}")
        empty.mkdir(exist_ok=True)
        misses.append(str(empty))
    os.environ["PATH"] = os.pathsep.join([*misses, str(path.parent)])
    return Work(
        [str(path)],
        options,
        lambda module: written_out(module, "run({})", [path.name], options),
    )


def with_env(settings: Settings, options: dict[str, Any]) -> Work:
    env = {f"VARIABLE_{n:03}": f"the value of variable {n}" for n in range(settings.variables)}
    return Work([settings.target], {**options, "env": env})


def with_user(settings: Settings, options: dict[str, Any]) -> Work:
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise Unavailable("only root may set user, group and groups")
    ids = {"user": os.getuid(), "group": os.getgid(), "extra_groups": [os.getgid()]}
    return Work([settings.target], {**options, **ids, "umask": 0o022})


def missing(settings: Settings, options: dict[str, Any]) -> Work:
    args = [str(Path(settings.folder, "no-such-program"))]

    def call(module: Any) -> Callable[[], object]:
        def fail() -> None:
            try:
                module.run(args, **options)
            except FileNotFoundError:
                return
            raise AssertionError(f"{args[0]} was found")

        return fail

    return Work(args, options, call)


def arguments(settings: Settings, options: dict[str, Any]) -> Work:
    many = [f"argument number {n}" for n in range(settings.arguments)]
    return Work([settings.target, *many], options)


def large(settings: Settings, options: dict[str, Any]) -> Work:
    half = settings.output // 2
    if settings.emit:
        args = [settings.emit, str(half)]
    elif sys.platform != "win32":
        script = f"head -c {half} /dev/zero >&2 & head -c {half} /dev/zero; wait"
        args = [_program("sh"), "-c", script]
    else:
        raise Unavailable("there is no writer of large output")

    def call(module: Any) -> Callable[[], object]:
        def check() -> None:
            done = module.run(args, capture_output=True, **options)
            if len(done.stdout) != half or len(done.stderr) != half:
                raise AssertionError("output was lost")

        return check

    return Work(args, options, call)


def feed(settings: Settings, options: dict[str, Any]) -> Work:
    args = [_program("cat")]
    data = b"x" * settings.both_ways

    def call(module: Any) -> Callable[[], object]:
        return lambda: module.run(args, input=data, stdout=module.DEVNULL, check=True)

    return Work(args, options, call)


def cat(settings: Settings, options: dict[str, Any]) -> Work:
    args = [_program("cat")]
    data = b"x" * settings.both_ways

    def call(module: Any) -> Callable[[], object]:
        def check() -> None:
            done = module.run(args, input=data, stdout=module.PIPE, **options)
            if len(done.stdout) != len(data):
                raise AssertionError("output was lost")

        return check

    return Work(args, options, call)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Unavailable(f"there is no {name} on PATH")
    return found
