"""What the benchmark tool shows of its results."""

from __future__ import annotations

import os
import platform
import re

from benchmarks import machine, report, runner
from benchmarks.cases import BY_NAME
from benchmarks.settings import Settings
from tests._benchmarks import available, document_of


def test_the_plain_table_has_every_row():
    text = report.plain_table(document_of())
    assert "run([target])  (figure: time / C floor)" in text
    row = next(line for line in text.splitlines() if "fastproc" in line)
    assert row.split() == [
        "fastproc", "1.2", "us", "1.2", "us", "0", "%", "1.20", "1.00x", "<=", "1.05", "not", "met",
    ]  # fmt: skip
    assert "not on this machine" in text


def test_each_time_is_shown_by_its_median_and_its_95th_percentile():
    samples = runner.Samples(values=[[[2000] * 90 + [7000] * 10]], baseline=[[[1000] * 100]])
    results = runner.evaluate([BY_NAME["run"]], {("run", "fastproc"): samples})
    document = document_of()
    document["cases"] = runner.to_json(
        results, machine={}, settings=Settings(target="x"), rounds=1, quick=True, missing={},
        versions={}, notes=[],
    )["cases"]  # fmt: skip
    columns, *lines = report.plain_table(document).splitlines()
    line = next(line for line in lines if "fastproc" in line)
    for name, shown in (("median", "2 us"), ("p95", "7 us")):
        end = columns.index(name) + len(name)
        assert line[:end].endswith("  " + shown)


def test_the_header_tells_the_machine_and_the_interpreter():
    facts = machine.facts()
    lines = report.header(document_of(machine=facts))
    assert [line.split()[0] for line in lines[: len(facts)]] == list(facts)
    for line, value in zip(lines, facts.values(), strict=False):
        assert value
        assert line.endswith(" " + value)
    assert platform.release() in facts["kernel"]
    assert platform.machine() in facts["kernel"]
    assert platform.python_version() in facts["python"]
    assert facts["cores"].split()[-1] == str(os.cpu_count())
    if "fastproc" in available():
        assert re.match(r"\d+\.\d+.*, route \w+", facts["fastproc"])


def test_the_summary_counts_the_goals_that_were_met():
    ours = runner.Samples(values=[[[1000]]], baseline=[[[1000]]])
    slow = runner.Samples(values=[[[9000]]], baseline=[[[1000]]])
    document = document_of()
    for met, total, collected in (
        (1, 1, {("run", "fastproc"): ours, ("run", "stdlib"): slow}),
        (1, 2, {("run", "fastproc"): ours, ("env", "fastproc"): slow}),
        (0, 1, {("run", "fastproc"): slow, ("git", "fastproc"): ours}),
    ):
        cases = [BY_NAME[name] for name in dict.fromkeys(name for name, _ in collected)]
        results = runner.evaluate(cases, collected)
        document["cases"] = [
            {"contenders": [{"met": result.met} for result in results if result.case is case]}
            for case in cases
        ]
        assert report.summary(document) == f"{met} of {total} goals met"
    document["cases"] = document["cases"][1:]
    assert report.summary(document) == "no goal was measured"


def test_the_markdown_table_has_stdlib_goal_and_verdict():
    assert report.failures(document_of()) == []  # what a machine cannot do is none
    lines = report.markdown(document_of()).splitlines()
    assert "| run([target]) | time / C floor | 1.20 | 1.20 | ≤ 1.05 | not met | 1.00 |" in lines
    assert (
        "| 512 MiB captured: peak memory / data | of the data | 2.03 | - | ≤ 1.10 |  | - |" in lines
    )
    assert "A note." in lines


def test_times_are_written_in_units_that_fit():
    assert report.time_text(950) == "950 ns"
    assert report.time_text(53_210) == "53.2 us"
    assert report.time_text(1_234_567) == "1.23 ms"
    assert report.time_text(2.5e9) == "2.5 s"
