"""The benchmark tool from end to end: its cases, its options, what it prints and writes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from benchmarks import measure, peers, plot, report, runner
from benchmarks.__main__ import BUDGETS, ROUNDS
from benchmarks.cases import BY_NAME, CASES
from benchmarks.operations import Unavailable
from benchmarks.settings import QUICK, Settings
from tests._benchmarks import ROOT, available, document_of, tool


def known_reason(problem: str) -> bool:
    return bool(re.search("only root|strace|free memory|limit of|held up|always captures", problem))


# Some eighty fresh interpreters: where Windows is emulated, each takes seconds.
@pytest.mark.posix
def test_every_case_runs_here_and_its_document_is_complete(tmp_path):
    contender = "fastproc" if "fastproc" in available() else "stdlib"
    done = tool("--tiny", "--rounds", "1", "--contender", contender, "--json", "-")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == 1
    assert document["rounds"] == 1
    assert set(document["machine"]) == {
        "cpu", "cores", "kernel", "python", "libc", "load", "fastproc", "date",
    }  # fmt: skip
    left_out = {"import"} if contender == "stdlib" else set()
    assert [case["name"] for case in document["cases"]] == [
        case.name for case in CASES if case.name not in left_out
    ]
    for case in document["cases"]:
        rows = {row["name"]: row for row in case["contenders"]}
        assert set(case) == {
            "name", "title", "figure", "against", "unit", "goal", "goal_is", "contenders",
        }  # fmt: skip
        row = rows[contender]
        assert set(row) == {"name", "problem", "times_ns", "figure", "faster_than_stdlib", "met"}
        if row["problem"]:
            assert known_reason(row["problem"]), (case["name"], row["problem"])
            continue
        assert row["figure"]["low"] <= row["figure"]["high"]
        assert row["figure"]["value"] > 0
        if contender == "fastproc" and case["goal"] is not None:
            assert row["met"] in (True, False)


def test_every_peer_takes_part_or_is_said_to_be_missing():
    done = tool("--tiny", "--rounds", "1", "--case", "captured", "--json", "-")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    rows = {row["name"]: row for row in document["cases"][0]["contenders"]}
    assert set(document["versions"]) <= set(available())
    for name in peers.CONTENDERS:
        if name in document["missing"]:
            assert document["missing"][name]
        else:
            assert rows[name]["problem"] is None, rows[name]
            assert rows[name]["times_ns"]["samples"] > 0
    assert set(available()) | set(document["missing"]) == set(peers.CONTENDERS)


def test_a_missing_peer_is_said_in_the_header(monkeypatch):
    monkeypatch.setitem(peers.MODULES, "fastproc", "no_such_module_here")
    assert peers.missing("fastproc") == "not installed"
    assert runner.contenders_of(BY_NAME["run"], {"fastproc": "x"})[0] == "stdlib"
    lines = report.header(document_of(missing={"sh": "not installed"}))
    assert "without   sh: not installed" in lines


TOOL = "import sys\n{}\nfrom benchmarks.__main__ import main\nsys.exit(main(sys.argv[1:]))"


def tool_without(module, *args, **options):
    """The tool where a module is not installed."""
    code = TOOL.format(f"sys.modules[{module!r}] = None" if module else "")
    return subprocess.Popen([sys.executable, "-c", code, *args], cwd=ROOT, **options)


def test_the_tool_goes_on_without_a_peer_and_says_so():
    args = ("--tiny", "--rounds", "1", "--case", "captured", "--contender", "stdlib")
    with tool_without(
        "plumbum", *args, "--contender", "plumbum", stdout=subprocess.PIPE, text=True
    ) as process:
        said = process.communicate(timeout=110)[0]
    assert process.returncode == 0
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert "without plumbum: not installed" in lines
    assert "without asyncio: not asked for" in lines
    assert [line for line in lines if line.startswith("plumbum")] == []
    assert [line for line in lines if line.startswith("subprocess")] != []


@pytest.mark.posix
@pytest.mark.parametrize("drawn", ["by rich", "plain"])
@pytest.mark.parametrize("where", ["terminal", "pipe"])
def test_a_terminal_shows_how_far_it_is_and_a_pipe_gets_none_of_it(drawn, where):
    import pty

    if drawn == "by rich":
        pytest.importorskip("rich", reason="drawn by the extra named bench")
    read_end, write_end = pty.openpty() if where == "terminal" else os.pipe()
    args = ("--tiny", "--rounds", "2", "--case", "missing", "--contender", "stdlib")
    with tool_without(
        None if drawn == "by rich" else "rich", *args, stdout=subprocess.DEVNULL, stderr=write_end,
        env=dict(os.environ, TERM="xterm", COLUMNS="100", PYTHONIOENCODING="utf-8"),
    ) as process:  # fmt: skip
        os.close(write_end)
        said = b""
        with open(read_end, "rb", buffering=0) as ours:
            try:
                while part := ours.read(1000):
                    said += part
            except OSError:
                pass  # so says a terminal that nobody has open any more
    assert process.returncode == 0, said
    if where == "pipe":
        assert said == b""
    else:
        assert b"round 2/2 missing: subprocess" in said


def test_a_case_out_of_reach_says_why(tmp_path):
    settings = Settings(target="x", descriptors=10**9, memory=10**15, folder=str(tmp_path))
    for load in ("descriptors", "memory"):
        with pytest.raises((Unavailable, OSError, MemoryError)):
            measure.LOADS[load](settings)()


def test_a_worker_that_fails_is_a_problem_in_its_row_and_not_the_end(tmp_path):
    settings = Settings(target=str(tmp_path / "none"), seconds=0.0)
    collected, _ = runner.collect(
        [BY_NAME["run"]], settings, rounds=1, budget=60, progress=lambda text: None,
        missing=set(peers.TITLES) - {"stdlib"},
    )  # fmt: skip
    (row,) = runner.evaluate([BY_NAME["run"]], collected)
    assert row.problem is not None
    assert "failed" in row.problem
    document = document_of()
    document["cases"][0]["contenders"][0]["problem"] = row.problem
    assert report.failures(document) == [f"run, C floor: {row.problem}"]
    assert row.figure is None


def test_what_earlier_rounds_measured_outlives_a_later_failure(monkeypatch):
    def one(case, contender, settings, samples, timeout):
        if samples.values:
            return "stopped after 1 s"
        samples.values.append([[10]])
        return None

    monkeypatch.setattr(runner, "_one", one)
    collected, notes = runner.collect(
        [BY_NAME["run"]], Settings(target="x"), rounds=2, budget=60, progress=lambda text: None,
        missing=set(peers.TITLES) - {"stdlib"},
    )  # fmt: skip
    assert collected["run", "stdlib"].problem is None
    assert notes == ["run, subprocess: stopped after 1 s"]


def test_the_budget_ends_the_rounds_and_says_so():
    collected, notes = runner.collect(
        [BY_NAME["run"]], Settings(target="x"), rounds=2, budget=0, progress=print, missing=()
    )
    assert not collected
    assert notes == ["stopped in round 1 of 2, for want of time; not measured from run on"]


@pytest.fixture
def results(tmp_path):
    file = tmp_path / "results.json"
    file.write_text(json.dumps(document_of()))
    return file


@pytest.mark.parametrize("tables", ["of rich", "plain"])
def test_results_are_printed_with_or_without_the_package_for_tables(results, tables):
    code = "" if tables == "of rich" else "sys.modules['rich'] = None"
    script = f"import sys\n{code}\nfrom benchmarks.__main__ import main\nsys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", script, "--from-json", str(results)],
        cwd=ROOT, capture_output=True, text=True, timeout=110,
        env=dict(os.environ, COLUMNS="200", PYTHONIOENCODING="utf-8"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    row = next(line for line in done.stdout.splitlines() if "fastproc " in line and "1.20" in line)
    assert "not met" in row
    assert "1 goals met" in done.stdout


def test_markdown_and_a_file_of_results_are_written_when_asked_for(results, tmp_path):
    copy = tmp_path / "copy.json"
    done = tool(
        "--from-json", str(results), "--markdown", "--json", str(copy),
        env=dict(os.environ, PYTHONIOENCODING="utf-8"), encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (
        "| run([target]) | time / C floor | 1.20 | 1.20 | ≤ 1.05 | not met | 1.00 |" in done.stdout
    )
    assert json.loads(copy.read_text()) == json.loads(results.read_text())


def test_what_failed_fails_the_tool(results):
    document = json.loads(results.read_text())
    document["cases"][0]["contenders"][0]["problem"] = "failed: of something"
    results.write_text(json.dumps(document))
    done = tool("--from-json", str(results))
    assert done.returncode == 1
    assert "failed: of something" in done.stderr


def test_quick_is_smaller_and_shorter():
    full = Settings(target="x")
    for name, value in QUICK.items():
        assert value < getattr(full, name), name
    assert {"memory", "output", "both_ways"} <= set(QUICK)
    assert BUDGETS["quick"] <= 60
    assert ROUNDS["quick"] < ROUNDS["full"]


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_chart_is_drawn_from_a_file_of_results(tmp_path, kind):
    pytest.importorskip("matplotlib", reason="charts need the extra named bench")
    source, chart = tmp_path / "results.json", tmp_path / f"chart.{kind}"
    source.write_text(json.dumps(document_of()))
    done = tool("--from-json", str(source), "--plot", str(chart))
    assert done.returncode == 0, done.stderr
    assert chart.read_bytes()[:5] in (b"\x89PNG\r", b"<?xml")
    document = document_of()
    for case in document["cases"]:
        case["contenders"] = case["contenders"][:1]
    source.write_text(json.dumps(document))
    fewer = tmp_path / f"fewer.{kind}"
    assert tool("--from-json", str(source), "--plot", str(fewer)).returncode == 0
    if kind == "svg":  # a bar less is a patch less
        assert fewer.read_text().count('id="patch_') < chart.read_text().count('id="patch_')


def test_without_matplotlib_a_chart_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(plot.CannotPlot, match=r"fastproc\[bench\]"):
        plot.check("chart.svg")


def test_a_chart_of_another_kind_is_refused_before_anything_is_measured():
    done = tool("--plot", "chart.gif")
    assert done.returncode == 1
    assert ".png or .svg" in done.stderr


def test_an_unknown_case_is_refused():
    done = tool("--case", "none")
    assert done.returncode == 2
    assert "no case 'none'" in done.stderr


def test_every_case_is_listed_with_its_goal():
    lines = tool("--list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [case.name for case in CASES]
    assert lines[0].endswith("run([target]); goal <= 1.05")
