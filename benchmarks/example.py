"""A real job: one `wc` per module of the standard library, first with subprocess,
then with fastproc. The totals must be equal.

    python -m benchmarks.example [MODULES]
"""

import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import fastproc


def count(run: Callable[..., Any], files: Iterable[Path]) -> tuple[list[int], float]:
    """Lines, words and bytes of all files, and the seconds it took."""
    totals = [0, 0, 0]
    start = time.perf_counter()
    for file in files:
        done = run(["wc", file], capture_output=True, check=True)
        for column, number in enumerate(done.stdout.split()[:3]):
            totals[column] += int(number)
    return totals, time.perf_counter() - start


def main() -> None:
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    files = sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))[:limit]
    results = {}
    for module in (subprocess, fastproc):
        totals, seconds = results[module] = count(module.run, files)
        print(
            f"{module.__name__:<10} {len(files)} modules: {totals[0]} lines, {totals[1]} words,"
            f" {totals[2]} bytes, in {seconds:.2f} s"
        )
    if results[subprocess][0] != results[fastproc][0]:
        sys.exit("the totals differ")


if __name__ == "__main__":
    main()
