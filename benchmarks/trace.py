"""System calls of one run, parent and child together, counted by strace."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from benchmarks.operations import Unavailable
from benchmarks.settings import Settings

CALLS = 10
_CALL = re.compile(r"^(?:\[pid +)?(?:\d+\]?)?\s*(\w+)\(")


def count_lines(lines: Iterable[str], mark: str) -> Counter[str]:
    """System calls by name, between the first and the second line with the mark.

    A call that strace splits (unfinished, resumed) counts once.
    """
    counts: Counter[str] = Counter()
    inside = False
    for line in lines:
        if f'"{mark}"' in line:
            if inside:
                return counts
            inside = True
        elif inside:
            found = _CALL.match(line)
            if found:
                counts[found.group(1)] += 1
    raise ValueError("the trace has no two marks")


def trace(command: list[str], mark: str, *, timeout: float = 60) -> Counter[str]:
    """Run `command` under strace and count the calls between its marks."""
    strace = shutil.which("strace")
    if strace is None:
        raise Unavailable("strace is not installed")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        log = Path(folder, "trace")
        done = subprocess.run(
            [strace, "-f", "-qq", "-s", "64", "-o", str(log), *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=timeout,
            text=True,
            errors="replace",
        )
        if done.returncode:
            words = done.stderr.strip().splitlines()
            raise Unavailable(f"strace failed: {words[-1] if words else done.returncode}")
        with open(log, encoding="utf-8", errors="replace") as lines:
            return count_lines(lines, mark)


def count_system_calls(case: str, contender: str, settings: Settings) -> float:
    from benchmarks.measure import MARK

    command = [
        sys.executable, "-m", "benchmarks.worker", "--case", case,
        "--contender", contender, "--settings", settings.to_text(),
        "--only-calls", str(CALLS),
    ]  # fmt: skip
    return sum(trace(command, MARK).values()) / CALLS
