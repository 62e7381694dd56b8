"""What the tests of the benchmark tool share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks import peers, runner
from benchmarks.cases import BY_NAME
from benchmarks.settings import Settings

ROOT = Path(__file__).resolve().parent.parent


def tool(*args: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *args],
        cwd=ROOT, capture_output=True, text=True, timeout=110, **options,
    )  # fmt: skip


def available() -> list[str]:
    return [name for name in peers.CONTENDERS if peers.missing(name) is None]


def document_of(**changed):
    samples = runner.Samples(values=[[[1200]]], baseline=[[[1000]]])
    problem = runner.Samples(problem="not on this machine")
    results = runner.evaluate(
        [BY_NAME["run"], BY_NAME["large-peak"]],
        {
            ("run", "fastproc"): samples,
            ("run", "stdlib"): samples,
            ("large-peak", "stdlib"): runner.Samples(figures=[2.03]),
            ("large-peak", "fastproc"): problem,
        },
    )
    facts = ("cpu", "cores", "kernel", "python", "libc", "load", "fastproc", "date")
    known = {
        "machine": {name: f"a {name}" for name in facts},
        "settings": Settings(target="x"),
        "rounds": 1,
        "quick": True,
        "missing": {},
        "versions": {},
        "notes": ["a note"],
    }
    return runner.to_json(results, **{**known, **changed})
