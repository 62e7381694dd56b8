"""A deadline, and a grandchild that keeps the pipes open."""

import os
import signal
import subprocess
import threading
import time

import pytest

from tests._helpers import PATIENCE

# Far beyond any scheduling delay, far below a child that never ends.
BOUND = 20


@pytest.mark.posix
@pytest.mark.parametrize(
    "capture",
    [{"capture_output": True}, {"stdout": subprocess.PIPE}, {"stderr": subprocess.PIPE}],
    ids=["both", "stdout", "stderr"],
)
def test_run_ends_at_the_deadline_though_a_grandchild_holds_the_pipe(sp, capture, tmp_path):
    pid_file = tmp_path / "pid"
    script = f'sleep 100 & echo $! > "{pid_file}"; exec sleep 100'
    started = time.monotonic()
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            sp.run(["sh", "-c", script], timeout=0.2, **capture)
        assert 0.2 <= time.monotonic() - started < BOUND
    finally:
        os.kill(int(pid_file.read_text()), signal.SIGKILL)


def as_replaced(sp, monkeypatch):
    monkeypatch.setattr(sp, "Popen", type("Replaced", (sp.Popen,), {}))
    return {}


@pytest.mark.posix
@pytest.mark.parametrize(
    "way", [as_replaced, lambda *_: {"preexec_fn": int}], ids=["replaced", "preexec_fn"]
)
@pytest.mark.parametrize("function", ["run", "check_output"])
def test_whichever_way_it_goes_run_ends_at_the_deadline(sp, monkeypatch, tmp_path, way, function):
    """Though a grandchild holds the pipe: what the child alone could still say is all said."""
    pid_file = tmp_path / "pid"
    script = f'sleep 100 & echo $! > "{pid_file}"; exec sleep 100'
    options = way(sp, monkeypatch)
    if function == "run":
        options["stdout"] = sp.PIPE
    started = time.monotonic()
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            getattr(sp, function)(["sh", "-c", script], timeout=0.5, **options)
        assert 0.5 <= time.monotonic() - started < BOUND
    finally:
        os.kill(int(pid_file.read_text()), signal.SIGKILL)


@pytest.mark.posix
def test_communicate_ends_at_its_deadline_though_a_grandchild_holds_the_pipe(sp, tmp_path):
    pid_file = tmp_path / "pid"
    script = f'sleep 100 & echo $! > "{pid_file}"; echo out'
    try:
        with sp.Popen(["sh", "-c", script], stdout=sp.PIPE, stderr=sp.PIPE) as process:
            for _ in range(2):
                with pytest.raises(subprocess.TimeoutExpired) as caught:
                    process.communicate(timeout=0.2)
                assert caught.value.stdout in (b"out\n", None)
            assert caught.value.stdout == b"out\n"
            assert process.wait(PATIENCE) == 0
    finally:
        os.kill(int(pid_file.read_text()), signal.SIGKILL)


@pytest.mark.posix
def test_after_a_kill_communicate_reads_until_the_grandchild_ends(sp):
    """No timeout, no deadline: what the grandchild says belongs to the output."""
    read_end, write_end = os.pipe()
    script = "exec 3<&0; cat <&3 & exec sleep 1000"
    pipes = {"stdout": sp.PIPE, "stderr": sp.PIPE}
    with sp.Popen(["sh", "-c", script], stdin=read_end, **pipes) as process:
        os.close(read_end)
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=0.2)
        process.kill()
        said = []
        thread = threading.Thread(target=lambda: said.append(process.communicate()))
        thread.start()
        # The child is dead, and nobody is there to reap it but that thread, at its end.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert said == []
        os.write(write_end, b"late")
        os.close(write_end)
        thread.join(PATIENCE)
    assert said == [(b"late", b"")]
    assert process.returncode == -signal.SIGKILL
