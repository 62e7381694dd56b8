"""How the benchmark tool measures: its statistics, its cases, its turns."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import measure, peers, runner, stall, stats
from benchmarks.cases import BY_NAME
from benchmarks.operations import Unavailable
from benchmarks.settings import QUICK, Settings, scaled_down
from benchmarks.trace import count_lines

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
