"""One measurement in a fresh interpreter: JSON lines on stdout.

    python -m benchmarks.worker --case run --contender stdlib --settings '{...}'

Each line is a record of benchmarks.measure. The last one is ``{"end": true}``,
or ``{"unavailable": reason}``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TextIO

from benchmarks import measure
from benchmarks.cases import BY_NAME
from benchmarks.operations import Unavailable
from benchmarks.settings import Settings


def _own_stdout() -> TextIO:
    """Where records go. The programs that are started write to nowhere instead."""
    sys.stdout.flush()
    ours = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return ours


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.worker")
    parser.add_argument("--case", required=True, choices=list(BY_NAME))
    parser.add_argument("--contender", required=True)
    parser.add_argument("--settings", required=True, help="JSON")
    parser.add_argument("--only-calls", type=int, help="measure nothing, just call")
    options = parser.parse_args(argv)
    case = BY_NAME[options.case]
    settings = Settings.from_text(options.settings)
    with _own_stdout() as out:

        def say(record: measure.Record) -> None:
            out.write(json.dumps(record) + "\n")
            out.flush()

        try:
            if options.only_calls is not None:
                measure.make_calls(case, options.contender, settings, options.only_calls)
            else:
                # Written at the end: no writes between what is measured.
                records = list(getattr(measure, case.measure)(case, options.contender, settings))
                for record in records:
                    say(record)
        except Unavailable as reason:
            say({"unavailable": str(reason)})
        else:
            say({"end": True})
    return 0


if __name__ == "__main__":
    sys.exit(main())
