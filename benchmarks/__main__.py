"""python -m benchmarks: see --help."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks import floor, machine, peers, plot, report, runner
from benchmarks.cases import BY_NAME, CASES, Case
from benchmarks.settings import FULL, QUICK, TINY, Settings, scaled_down

ROUNDS = {"full": 5, "quick": 3}
BUDGETS = {"full": 1200.0, "quick": 40.0}
"""Seconds after which no further worker starts; see runner.collect."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="What starting programs costs: fastproc, subprocess, peers and plain C.",
    )
    parser.add_argument("--quick", action="store_true", help="within a minute, at smaller sizes")
    parser.add_argument("--case", action="append", metavar="NAME", help="only this one; repeatable")
    parser.add_argument(
        "--contender", action="append", choices=peers.CONTENDERS, metavar="NAME",
        help=f"only this one, and the floor; repeatable: {', '.join(peers.CONTENDERS)}",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, metavar="N", help="default: 5, or 3 with --quick")
    parser.add_argument("--json", metavar="FILE", help="write the results; - is stdout")
    parser.add_argument("--plot", metavar="FILE", help="draw a chart, .png or .svg")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--from-json", metavar="FILE", help="measure nothing, show this file")
    parser.add_argument("--list", action="store_true", help="name the cases and their goals")
    parser.add_argument("--tiny", action="store_true", help=argparse.SUPPRESS)
    return parser


def _chosen(parser: argparse.ArgumentParser, names: Sequence[str] | None) -> list[Case]:
    for name in names or ():
        if name not in BY_NAME:
            parser.error(f"there is no case {name!r}; --list names them")
    return [case for case in CASES if not names or case.name in names]


def _list() -> None:
    settings = Settings(target="")
    for case in CASES:
        sign = ">=" if case.higher_is_better else "<="
        goal = f"goal {sign} {case.goal:g}" if case.goal is not None else "no goal"
        print(f"{case.name:<22} {case.full_title(settings)}; {goal}")


def _missing(chosen: Sequence[str] | None) -> dict[str, str]:
    missing = {}
    for name in peers.CONTENDERS:
        reason = peers.missing(name)
        if chosen and name not in chosen:
            reason = "not asked for"
        if reason is not None:
            missing[name] = reason
    return missing


def measure(cases: Sequence[Case], options: argparse.Namespace) -> dict[str, Any]:
    sizes = TINY if options.tiny else QUICK if options.quick else FULL
    kind = "quick" if options.quick else "full"
    rounds = options.rounds or ROUNDS[kind]
    missing = _missing(options.contender)
    facts = machine.facts()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        tools = floor.build(folder)
        settings = replace(Settings(tools.target, tools.floor, tools.emit, folder), **sizes)
        total = sum(1 for _ in runner.plan(cases, rounds, missing))
        with report.progress(total) as step:
            collected, notes = runner.collect(
                cases,
                settings,
                rounds=rounds,
                missing=missing,
                budget=BUDGETS[kind],
                progress=step,
            )
    return runner.to_json(
        runner.evaluate(cases, collected),
        machine=facts,
        settings=settings,
        rounds=rounds,
        quick=options.quick,
        missing=missing,
        versions=machine.peer_versions(missing),
        notes=[
            *tools.notes,
            *scaled_down(settings, " ".join(case.title for case in cases)),
            *notes,
        ],
    )


def main(argv: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(argv)
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds must be at least 1")
    cases = _chosen(parser, options.case)
    if options.list:
        _list()
        return 0
    try:
        if options.plot:
            plot.check(options.plot)
        if options.from_json:
            with open(options.from_json, encoding="utf-8") as file:
                document = json.load(file)
            names = [case.name for case in cases]
            document["cases"] = [case for case in document["cases"] if case["name"] in names]
        else:
            document = measure(cases, options)
        if options.json:
            text = json.dumps(document, indent=2) + "\n"
            if options.json == "-":
                sys.stdout.write(text)
            else:
                with open(options.json, "w", encoding="utf-8") as file:
                    file.write(text)
        if options.plot:
            plot.draw(document, options.plot)
    except (plot.CannotPlot, OSError) as error:
        print(f"python -m benchmarks: {error}", file=sys.stderr)
        return 1
    if options.markdown:
        print(report.markdown(document))
    elif options.json != "-":
        report.show(document)
        print(report.summary(document))
    failures = report.failures(document)
    for failure in failures:
        print(f"python -m benchmarks: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
