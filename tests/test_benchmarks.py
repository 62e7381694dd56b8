"""The benchmark tool itself: its statistics, its cases, what it writes."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import floor, machine, measure, peers, plot, report, runner, stall, stats
from benchmarks.__main__ import BUDGETS, ROUNDS
from benchmarks.cases import BY_NAME, CASES
from benchmarks.operations import Unavailable
from benchmarks.settings import QUICK, Settings, scaled_down
from benchmarks.trace import count_lines

ROOT = Path(__file__).resolve().parent.parent


def tool(*args: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *args],
        cwd=ROOT, capture_output=True, text=True, timeout=110, **options,
    )  # fmt: skip


# statistics, against samples whose answers are known


def test_percentiles_lie_between_the_closest_ranks():
    assert stats.percentile([4, 1, 3, 2], 50) == 2.5
    assert stats.percentile([4, 1, 3, 2], 0) == 1
    assert stats.percentile([4, 1, 3, 2], 100) == 4
    assert stats.percentile(range(101), 95) == 95
    assert stats.percentile([7], 95) == 7


@pytest.mark.parametrize("percent", [-1, 101])
def test_a_percent_that_is_none_is_refused(percent):
    with pytest.raises(ValueError, match="between 0 and 100"):
        stats.percentile([1], percent)


def test_a_summary_is_of_the_middle_and_not_of_the_outlier():
    summary = stats.summarize([10, 11, 12, 13, 1000])
    assert summary.median == 12
    assert summary.spread == pytest.approx(2 / 12)
    assert summary.p95 == pytest.approx(802.6)
    assert summary.samples == 5


def test_block_ratios_pair_neighbours_and_drop_what_has_no_neighbour():
    assert stats.block_ratios([[2, 2, 9], [30]], [[1, 1, 1], [10]]) == [2, 3]
    assert stats.block_ratios([[2], [4], [6]], [[1], []]) == [2]


def test_equal_rounds_have_an_interval_of_no_width():
    assert stats.interval([[1.5, 1.5], [1.5]]) == (1.5, 1.5, 1.5)


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    import random

    chance = random.Random(1)
    covered = 0
    for experiment in range(100):
        rounds = [[chance.gauss(2.0, 0.1) for _ in range(20)] for _ in range(7)]
        found = stats.interval(rounds, resamples=100, seed=experiment)
        assert found.low <= found.high
        covered += found.low <= 2.0 <= found.high
    assert covered >= 88


def test_an_interval_shows_how_much_rounds_differ():
    alike = stats.interval([[1.0, 1.1, 1.2]] * 5)
    apart = stats.interval([[x, x + 0.1, x + 0.2] for x in (1.0, 1.5, 2.0, 2.5, 3.0)])
    assert apart.high - apart.low > 2 * (alike.high - alike.low)


def test_an_interval_is_the_same_each_time():
    rounds = [[1.0, 1.3, 1.1], [1.2, 0.9]]
    assert stats.interval(rounds) == stats.interval(rounds)


# cases and what is made of their samples


def test_goals_are_met_on_their_own_side():
    assert BY_NAME["run"].met(1.05)
    assert not BY_NAME["run"].met(1.06)
    assert BY_NAME["threads"].met(0.90)
    assert not BY_NAME["threads"].met(0.89)
    assert BY_NAME["git"].met(1.0) is None


def test_each_round_holds_everything_once_and_its_first_contender_rotates():
    case = BY_NAME["run"]
    steps = list(runner.plan([case], 3, {"uvloop", "sh", "plumbum"}))
    rounds = [[name for number, _, name in steps if number == n] for n in range(3)]
    assert len({frozenset(names) for names in rounds}) == 1
    assert len({names[0] for names in rounds}) == 3


def test_samples_become_ratios_of_neighbouring_blocks():
    ours = runner.Samples(values=[[[20, 22], [40]]], baseline=[[[10, 11], [20]]])
    theirs = runner.Samples(values=[[[60], [120]]], baseline=[[[10], [20]]])
    collected = {("run", "fastproc"): ours, ("run", "stdlib"): theirs}
    rows = {row.contender: row for row in runner.evaluate([BY_NAME["run"]], collected)}
    assert rows["fastproc"].figure.value == 2.0
    assert rows["fastproc"].met is False
    assert rows["fastproc"].stdlib.value == pytest.approx((60 / 21 + 3) / 2)
    assert rows["stdlib"].figure.value == 6.0
    assert rows["stdlib"].met is None
    assert rows["floor"].times.median == 11


def test_a_share_is_the_baseline_over_the_time():
    samples = runner.Samples(values=[[[20]]], baseline=[[[10]]])
    (row,) = runner.evaluate([BY_NAME["missing"]], {("missing", "fastproc"): samples})
    assert row.figure.value == 0.5
    assert row.met is False


def test_smaller_sizes_are_said():
    quick = Settings(target="x", **QUICK)
    assert "memory touched: 256 MiB instead of 2,048 MiB" in scaled_down(
        quick, BY_NAME["memory"].title
    )
    assert scaled_down(quick, BY_NAME["run"].title) == []
    assert scaled_down(Settings(target="x"), BY_NAME["memory"].title) == []
    assert "64 MiB captured" in BY_NAME["large"].full_title(quick)


def test_a_trace_counts_a_call_in_two_parts_once_and_no_signals():
    lines = [
        "1 brk(NULL) = 0",
        '1 access("/mark", F_OK) = -1 ENOENT',
        "1 vfork( <unfinished ...>",
        '2 execve("/x", ["/x"], 0x0) = 0',
        "2 exit_group(0) = ?",
        "2 +++ exited with 0 +++",
        "1 <... vfork resumed>) = 2",
        "1 --- SIGCHLD {si_signo=SIGCHLD} ---",
        '1 access("/mark", F_OK) = -1 ENOENT',
        "1 exit_group(0) = ?",
    ]
    assert count_lines(lines, "/mark") == {"vfork": 1, "execve": 1, "exit_group": 1}
    with pytest.raises(ValueError, match="two marks"):
        count_lines(lines[:-2], "/mark")


# how a case is measured, with contenders that say what was done


@pytest.fixture
def log():
    return []


def numbered(name, log):
    """A loop whose every call takes a time of its own: the number of the call so far."""

    def loop(count):
        log.append(name)
        return [len(log)] * count

    return loop


def measured(monkeypatch, log, case, settings):
    monkeypatch.setattr(measure, "_loop", lambda *_: numbered("ours", log))
    monkeypatch.setattr(peers, "make_loop", lambda *_: numbered("baseline", log))
    return list(getattr(measure, case.measure)(case, "fastproc", settings))


FEW = Settings(target="/bin/true", seconds=0.0, calls=2, descriptors=200, memory=32 << 20)


def test_the_first_calls_warm_up_and_are_not_counted(monkeypatch, log):
    records = measured(monkeypatch, log, BY_NAME["missing"], FEW)
    assert log[:2] == ["ours", "baseline"]
    counted = [time for record in records for kind in record.values() for time in kind]
    assert sorted(set(counted)) == list(range(3, len(log) + 1))
    assert all(len(kind) == FEW.calls for record in records for kind in record.values())


def test_blocks_of_the_contender_and_of_its_baseline_take_turns(monkeypatch, log):
    records = measured(monkeypatch, log, BY_NAME["missing"], FEW)
    assert log[2:8] == ["ours", "baseline", "baseline", "ours", "ours", "baseline"]
    for record in records:
        (ours,), (theirs,) = set(record["values"]), set(record["baseline"])
        assert abs(ours - theirs) == 1
        assert (log[ours - 1], log[theirs - 1]) == ("ours", "baseline")


def open_descriptors():
    return len(os.listdir("/proc/self/fd"))


def resident_memory():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="what is in use is read from /proc"
)


@needs_proc
@pytest.mark.parametrize(
    ("load", "used", "least"),
    [("descriptors", open_descriptors, 200), ("memory", resident_memory, 31 << 20)],
)
def test_growth_is_measured_between_two_times_without_the_load(monkeypatch, log, load, used, least):
    def loop(count):
        log.append(used())
        return log[-1:] * count

    monkeypatch.setattr(measure, "_loop", lambda *_: loop)
    before = used()
    records = list(measure.growth(BY_NAME[load], "fastproc", FEW))
    assert len(records) >= measure.FEWEST_BLOCKS
    for record in records:
        assert min(record["values"]) - max(record["baseline"]) >= least
    assert used() - before < least
    # Warm first, and once after each change: then nothing that is counted is the first.
    without = [amount - before < least for amount in log]
    blocks = len(records)
    assert without == [True] * (1 + blocks) + [False] * (1 + blocks) + [True] * (1 + blocks)


def test_imports_are_timed_in_fresh_interpreters_in_turns(monkeypatch, log):
    def run(command, **options):
        module = re.search("^import (.*)$", command[2], re.MULTILINE)[1]
        assert command[:2] == [sys.executable, "-c"]
        assert "PYTHONDONTWRITEBYTECODE" not in options["env"]
        log.append(module)
        return subprocess.CompletedProcess(command, 0, b"%d" % {"fastproc": 7}.get(module, 5))

    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(subprocess, "run", run)
    records = list(measure.imports(BY_NAME["import"], "fastproc", FEW))
    assert records == [{"values": [7], "baseline": [5]}] * len(records)
    assert log[0] == "fastproc"  # compiled now, and not counted
    turns = list(zip(log[1::2], log[2::2], strict=True))
    assert turns[:3] == [("subprocess", "fastproc"), ("fastproc", "subprocess"), turns[0]]
    assert len(turns) == len(records)


HOLD = 2.0


@pytest.mark.skipif(sys.platform != "linux", reason="an exec is held up by a lease, Linux's")
@pytest.mark.parametrize("kind", ["PyDLL", "CDLL"])
def test_a_stall_is_seen_where_the_gil_is_held_and_only_there(tmp_path, kind):
    """The same call, through a library that keeps the GIL and through one that lets it go."""
    program = tmp_path / "program"
    shutil.copy(shutil.which("true"), program)
    system = getattr(ctypes, kind)(None).system
    try:
        longest = stall._stall_of(lambda: system(os.fsencode(program)), program, HOLD)
    except Unavailable as reason:
        pytest.skip(str(reason))
    assert (longest >= HOLD) == (kind == "PyDLL")


# the floor

posix = pytest.mark.skipif(os.name != "posix", reason="the floor is a POSIX program")


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    built = floor.build(tmp_path_factory.mktemp("floor"))
    if built.floor is None:
        pytest.skip(f"there is no floor: {built.notes}")
    return built


@posix
@pytest.mark.parametrize("captured", [False, True])
def test_the_floor_times_each_run(tools, captured):
    job = floor.Floor(tools.floor, [tools.target], capture_output=captured)
    times = job.loop(5)
    assert len(times) == 5
    assert all(time > 1000 for time in times)
    assert job.threads(4, 3) > 1000


@posix
@pytest.mark.parametrize("captured", [False, True])
def test_the_floor_can_wait_with_a_deadline(tools, captured):
    if not hasattr(os, "pidfd_open"):
        pytest.skip("waits by a pidfd, which is Linux's")
    job = floor.Floor(tools.floor, [tools.target], capture_output=captured, deadline=True)
    assert len(job.called(3)) == 3
    with pytest.raises(ChildProcessError):
        floor.Floor(tools.floor, ["/bin/sh", "-c", "exit 3"], deadline=True).called(1)
    with pytest.raises(ChildProcessError):  # nothing is left
        os.waitpid(-1, os.WNOHANG)


def test_the_floor_is_called_from_python_where_that_is_the_least_one_can_have():
    names = {case.name for case in CASES if "floor-called" in runner.contenders_of(case, ())}
    assert names == {"run", "captured", "timeout", "captured-timeout"}


@posix
def test_a_call_with_a_deadline_takes_the_floor_a_pidfd(tools, monkeypatch):
    """And one without does not: what is compared does the same."""
    if not hasattr(os, "pidfd_open"):
        pytest.skip("waits by a pidfd, which is Linux's")
    asked = []
    monkeypatch.setattr(measure, "Floor", lambda *args, **options: asked.append(options))
    settings = Settings(tools.target, tools.floor)
    for name in "run", "timeout":
        work = measure.work_of(BY_NAME[name], settings)
        with pytest.raises(Unavailable):  # the one asked for does nothing
            measure._loop(BY_NAME[name], "floor-called", work, settings)
    assert [options["deadline"] for options in asked] == [False, True]


@posix
def test_the_floor_does_what_the_case_does(tools, tmp_path):
    script = 'test "$A" = 1 && test "$(pwd -P)" = "$2" && cut -d" " -f6 /proc/$$/stat >"$1"'
    args = ["/bin/sh", "-c", script, "sh", str(tmp_path / "sid"), str(tmp_path.resolve())]
    env = {"A": "1", "PATH": os.environ["PATH"]}
    if not Path("/proc/self/stat").exists():
        pytest.skip("the session of a process is read from /proc")
    floor.Floor(tools.floor, args, env=env, cwd=str(tmp_path), start_new_session=True).loop(1)
    assert int((tmp_path / "sid").read_text()) != os.getsid(0)


@posix
def test_a_floor_that_fails_is_an_error_and_no_figure(tools, tmp_path):
    with pytest.raises(ChildProcessError):  # the child could not exec, and said so
        floor.Floor(tools.floor, [str(tmp_path / "none")]).loop(1)
    with pytest.raises(ChildProcessError):
        floor.Floor(tools.floor, ["/bin/sh", "-c", "exit 3"]).threads(2, 1)


@posix
def test_without_a_compiler_the_target_and_the_floor_are_said_to_be_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(floor, "compiler", lambda: None)
    built = floor.build(tmp_path)
    assert built.floor is None
    assert not built.static_target
    assert "no C compiler" in built.notes[0]
    assert built.target in built.notes[0]


@posix
def test_a_compiler_that_fails_is_said_with_its_own_words(tmp_path, monkeypatch):
    monkeypatch.setattr(floor, "compiler", lambda: ["sh", "-c", "echo broken >&2; exit 1"])
    built = floor.build(tmp_path)
    assert "the C floor could not be built: broken" in built.notes
    assert "the dynamic loader" in built.notes[-1]


# the tool, from end to end


def available() -> list[str]:
    return [name for name in peers.CONTENDERS if peers.missing(name) is None]


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


# what is shown


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


def test_times_are_written_in_units_that_fit():
    assert report.time_text(950) == "950 ns"
    assert report.time_text(53_210) == "53.2 us"
    assert report.time_text(1_234_567) == "1.23 ms"
    assert report.time_text(2.5e9) == "2.5 s"


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
