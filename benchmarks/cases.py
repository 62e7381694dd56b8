"""Every case: what is called, what it is measured against, and its goal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from benchmarks.settings import MIB, Settings

Operation = Callable[[], object]


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    """{placeholders} are filled from the settings."""
    measure: str
    """The function of benchmarks.measure that does it."""
    figure: Literal["ratio", "share", "value"]
    """ratio: time / baseline. share: baseline / time. value: itself."""
    against: str
    """What the baseline is."""
    goal: float | None = None
    """None: shown for orientation, without a goal."""
    unit: str = "ns"
    operation: str = "run"
    """The function of benchmarks.operations that makes what is called."""
    options: dict[str, Any] = field(default_factory=dict)
    peers: bool = False
    """Peers that can do it are measured too."""
    called_floor: bool = False
    """The C floor is measured, too, as Python would call it: see peers.FLOORS."""
    once: bool = False
    """Counts that do not vary: the first round is enough."""

    @property
    def higher_is_better(self) -> bool:
        return self.figure == "share"

    def met(self, figure: float) -> bool | None:
        if self.goal is None:
            return None
        # What is shown is what is judged: two decimals.
        shown = round(figure, 2)
        return shown >= self.goal if self.higher_is_better else shown <= self.goal

    def full_title(self, settings: Settings) -> str:
        return self.title.format(
            memory=_size(settings.memory),
            descriptors=f"{settings.descriptors:,}",
            arguments=f"{settings.arguments:,}",
            variables=settings.variables,
            output=_size(settings.output),
            both_ways=_size(settings.both_ways),
            hold=f"{settings.hold * 1000:.0f}",
        )


def _size(size: int) -> str:
    return f"{size // (1024 * MIB)} GiB" if size >= 1024 * MIB else f"{size // MIB} MiB"


def _floor(name: str, title: str, goal: float | None, **rest: Any) -> Case:
    rest.setdefault("measure", "calls")
    return Case(name, title, figure="ratio", against="C floor", goal=goal, **rest)


def _growth(name: str, title: str, goal: float, **rest: Any) -> Case:
    return Case(
        name, title, measure="growth", figure="ratio", against="itself without", goal=goal, **rest
    )


def _faster(name: str, title: str, goal: float, **rest: Any) -> Case:
    return Case(name, title, measure="calls", figure="share", against="stdlib", goal=goal, **rest)


CASES: tuple[Case, ...] = (
    _floor("run", "run([target])", 1.05, peers=True, called_floor=True),
    _floor(
        "captured", "run([target], capture_output=True)", 1.05,
        options={"capture_output": True}, peers=True, called_floor=True,
    ),
    _floor(
        "timeout", "run([target], timeout=30)", 1.10, options={"timeout": 30}, called_floor=True
    ),
    _floor(
        "captured-timeout", "run([target], capture_output=True, timeout=30)", 1.10,
        options={"capture_output": True, "timeout": 30}, called_floor=True,
    ),
    _floor("popen-wait", "Popen([target]).wait()", 1.20, operation="popen_wait"),
    _floor("path", "program found on PATH after 3 misses", 1.15, operation="on_path"),
    _floor("env", "env= of {variables} variables", 1.5, operation="with_env"),
    _floor(
        "cwd-session", "cwd=, start_new_session=True", 1.20,
        options={"cwd": "/", "start_new_session": True},
    ),
    Case(
        "threads", "4 threads, captured: share of 4 C threads' throughput",
        measure="threads", figure="share", against="4 C threads", goal=0.90,
        options={"capture_output": True},
    ),
    Case(
        "threads-true", "4 threads, captured, true: share of 4 C threads' throughput",
        measure="threads", figure="share", against="4 C threads", goal=0.95,
        operation="run_true", options={"capture_output": True},
    ),
    _growth("memory", "growth with {memory} touched", 1.1, options={"load": "memory"}),
    _growth(
        "memory-user", "growth with {memory} touched; user, group, extra_groups, umask", 1.1,
        operation="with_user", options={"load": "memory"},
    ),
    _growth(
        "descriptors", "growth with {descriptors} descriptors", 1.2,
        options={"load": "descriptors"},
    ),
    _growth(
        "descriptors-captured", "growth with {descriptors} descriptors, captured", 1.2,
        options={"load": "descriptors", "capture_output": True},
    ),
    _faster("missing", "missing program: times as fast", 1.3, operation="missing"),
    _faster("arguments", "{arguments} arguments: times as fast", 1.3, operation="arguments"),
    _faster(
        "large", "{output} captured from both pipes: times as fast", 2.0, operation="large"
    ),
    Case(
        "large-peak", "{output} captured: peak memory / data", measure="peak",
        figure="value", against="the data", goal=1.10, unit="x", operation="large",
    ),
    _faster("input", "{both_ways} in: times as fast", 1.0, operation="feed"),
    _faster("cat", "{both_ways} in and out through cat: times as fast", 1.5, operation="cat"),
    Case(
        "syscalls", "system calls per run()", measure="syscalls", figure="value",
        against="", goal=20, unit="calls", once=True,
    ),
    Case(
        "syscalls-captured", "system calls per run(), captured", measure="syscalls",
        figure="value", against="", goal=35, unit="calls", once=True,
        options={"capture_output": True},
    ),
    Case(
        "stall", "longest stall of another thread, exec held up for {hold} ms",
        measure="stall", figure="value", against="", goal=20, unit="ms",
    ),
    Case(
        "import", "import time", measure="imports", figure="ratio",
        against="import subprocess", goal=1.35,
    ),
    _floor("true", "run([true])", None, operation="run_true", peers=True),
    _floor(
        "true-captured", "run([true], capture_output=True)", None,
        operation="run_true", options={"capture_output": True}, peers=True,
    ),
    _floor("git", "run([git, --version])", None, operation="git"),
    _floor(
        "git-captured", "run([git, --version], capture_output=True)", None,
        operation="git", options={"capture_output": True},
    ),
)  # fmt: skip

BY_NAME = {case.name: case for case in CASES}
