"""The plain C beside which the benchmark tool measures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks import floor, measure, runner
from benchmarks.cases import BY_NAME, CASES
from benchmarks.operations import Unavailable
from benchmarks.settings import Settings

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
