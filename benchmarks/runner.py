"""Starts the workers, round after round, and turns their records into results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from benchmarks import peers, stats
from benchmarks.cases import Case
from benchmarks.settings import Settings

PACKAGE = Path(__file__).resolve().parent
WORKER_TIMEOUT = 120.0
GRACE = 8.0
"""Seconds that a worker may take longer than the budget, once it has started."""


@dataclass
class Samples:
    """What the workers of one contender said in one case: a list for each round."""

    values: list[list[list[float]]] = field(default_factory=list)
    baseline: list[list[list[float]]] = field(default_factory=list)
    figures: list[float] = field(default_factory=list)
    problem: str | None = None


@dataclass
class Result:
    """One contender in one case, summed up."""

    case: Case
    contender: str
    problem: str | None = None
    times: stats.Summary | None = None
    """Nanoseconds per call."""
    figure: stats.Interval | None = None
    """What the goal is about: ratio, share or value."""
    stdlib: stats.Interval | None = None
    """The stdlib's time / this contender's."""

    @property
    def met(self) -> bool | None:
        if self.contender != "fastproc":
            return None
        if self.figure is None:
            return None
        return self.case.met(self.figure.value)


Collected = dict[tuple[str, str], Samples]
Progress = Callable[[str], None]


def contenders_of(case: Case, missing: Container[str]) -> list[str]:
    """Who takes part, in the order of the table."""
    names: list[str] = list(peers.MODULES)
    if case.measure == "imports":
        names.remove("stdlib")
    comparable = case.measure in ("syscalls", "growth") or case.operation == "arguments"
    if comparable and case.operation != "with_user":
        # Elsewhere the floor is the baseline in every worker.
        names.append("floor")
    if case.called_floor:
        names.append("floor-called")
    if case.peers:
        names += peers.PEERS
    if not case.options.get("capture_output"):
        names = [name for name in names if name not in ("sh", "plumbum")]
    return [name for name in names if name not in missing]


def plan(
    cases: Sequence[Case], rounds: int, missing: Container[str]
) -> Iterator[tuple[int, Case, str]]:
    """Each round holds every case and contender once; the first one rotates."""
    for number in range(rounds):
        for case in cases:
            if case.once and number:
                continue
            names = contenders_of(case, missing)
            turn = number % len(names) if names else 0
            for name in names[turn:] + names[:turn]:
                yield number, case, name


def collect(
    cases: Sequence[Case],
    settings: Settings,
    *,
    rounds: int,
    missing: Container[str],
    budget: float,
    progress: Progress,
) -> tuple[Collected, list[str]]:
    """Run the plan. A budget in seconds ends it early, with a note that says so.

    The first round, without which a case has no figure at all, has a quarter of
    the budget more.
    """
    collected: Collected = {}
    notes: list[str] = []
    start = monotonic()
    for number, case, contender in plan(cases, rounds, missing):
        left = budget * (1.0 if number else 1.25) - (monotonic() - start)
        if left <= 0:
            notes.append(f"stopped in round {number + 1} of {rounds}, for want of time")
            if not number:
                notes[-1] += f"; not measured from {case.name} on"
            break
        progress(f"round {number + 1}/{rounds} {case.name}: {peers.TITLES[contender]}")
        samples = collected.setdefault((case.name, contender), Samples())
        if samples.problem is None:
            problem = _one(case, contender, settings, samples, min(WORKER_TIMEOUT, left + GRACE))
            if problem and (samples.values or samples.figures):
                # It has figures of earlier rounds: they stay.
                notes.append(f"{case.name}, {peers.TITLES[contender]}: {problem}")
            else:
                samples.problem = problem
    return collected, notes


def _one(
    case: Case, contender: str, settings: Settings, samples: Samples, timeout: float
) -> str | None:
    """Start one worker and take what it says; a text is the reason why it could not."""
    command = [
        sys.executable, "-m", "benchmarks.worker", "--case", case.name,
        "--contender", contender, "--settings", settings.to_text(),
    ]  # fmt: skip
    path = os.pathsep.join(filter(None, [str(PACKAGE.parent), os.environ.get("PYTHONPATH")]))
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,  # not for the programs either
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env={**os.environ, "PYTHONPATH": path},
        )
    except subprocess.TimeoutExpired:
        return f"stopped after {timeout:.0f} s"
    records = [json.loads(line) for line in done.stdout.splitlines()]
    last = records.pop() if records else {}
    if "unavailable" in last:
        return str(last["unavailable"])
    if done.returncode or "end" not in last:
        words = done.stderr.strip().splitlines()
        return f"failed: {words[-1] if words else done.returncode}"
    _take(records, samples)
    return None


def _take(records: list[dict[str, Any]], samples: Samples) -> None:
    samples.figures += [record["figure"] for record in records if "figure" in record]
    blocks = [record for record in records if "values" in record]
    if blocks:
        samples.values.append([block["values"] for block in blocks])
        samples.baseline.append([block["baseline"] or [] for block in blocks])


def evaluate(cases: Sequence[Case], collected: Collected) -> list[Result]:
    """Case by case; the baseline's own row comes first where it is the C floor."""
    results = []
    for case in cases:
        entries = {
            contender: samples
            for (name, contender), samples in collected.items()
            if name == case.name
        }
        if "C" in case.against:
            results += _floor_row(case, entries)
        for name in (*peers.FLOORS, *peers.CONTENDERS):
            if name in entries:
                results.append(_evaluate_one(case, name, entries))
    return results


def _evaluate_one(case: Case, name: str, entries: dict[str, Samples]) -> Result:
    samples = entries[name]
    result = Result(case, name, samples.problem)
    if samples.problem:
        return result
    if case.figure == "value":
        result.figure = stats.interval([[figure] for figure in samples.figures])
        return result
    result.times = stats.summarize(_flat(samples.values))
    above, below = samples.values, samples.baseline
    if case.figure == "share":
        above, below = below, above
    ratios = [stats.block_ratios(a, b) for a, b in zip(above, below, strict=True)]
    if any(ratios):
        result.figure = stats.interval(ratios)
    if case.against == "stdlib":
        result.stdlib = result.figure
    elif name != "stdlib" and "stdlib" in entries and case.measure != "growth":
        against = entries["stdlib"].values
        ratios = [stats.block_ratios(a, b) for a, b in zip(against, samples.values, strict=False)]
        if any(ratios):
            result.stdlib = stats.interval(ratios)
    return result


def _floor_row(case: Case, entries: dict[str, Samples]) -> list[Result]:
    times = [time for samples in entries.values() for time in _flat(samples.baseline)]
    if not times:
        return []
    one = stats.Interval(1.0, 1.0, 1.0)
    row = Result(case, "floor", times=stats.summarize(times), figure=one)
    theirs = entries.get("stdlib")
    if theirs and theirs.values:
        ratios = [
            stats.block_ratios(a, b) for a, b in zip(theirs.values, theirs.baseline, strict=True)
        ]
        if any(ratios):
            row.stdlib = stats.interval(ratios)
    return [row]


def _flat(rounds: Sequence[Sequence[Sequence[float]]]) -> list[float]:
    return [time for blocks in rounds for block in blocks for time in block]


def to_json(
    results: Sequence[Result],
    *,
    machine: dict[str, str],
    settings: Settings,
    rounds: int,
    quick: bool,
    missing: dict[str, str],
    versions: dict[str, str],
    notes: Sequence[str],
) -> dict[str, Any]:
    """The document that --json writes; "schema" counts its versions."""
    cases: dict[str, dict[str, Any]] = {}
    for result in results:
        case = result.case
        entry = cases.setdefault(
            case.name,
            {
                "name": case.name,
                "title": case.full_title(settings),
                "figure": case.figure,
                "against": case.against,
                "unit": case.unit,
                "goal": case.goal,
                "goal_is": "at least" if case.higher_is_better else "at most",
                "contenders": [],
            },
        )
        entry["contenders"].append(
            {
                "name": result.contender,
                "problem": result.problem,
                "times_ns": result.times._asdict() if result.times else None,
                "figure": result.figure._asdict() if result.figure else None,
                "faster_than_stdlib": result.stdlib._asdict() if result.stdlib else None,
                "met": result.met,
            }
        )
    return {
        "schema": 1,
        "machine": machine,
        "quick": quick,
        "rounds": rounds,
        "settings": {
            name: value
            for name, value in json.loads(settings.to_text()).items()
            if name not in ("folder", "floor", "emit", "target")
        },
        "missing": missing,
        "versions": versions,
        "notes": list(notes),
        "cases": list(cases.values()),
    }
