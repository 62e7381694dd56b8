"""Cooperative threads, as gevent has them: one thread, in which all that waits must yield."""

import os
import select
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import fastproc
from tests._helpers import PATIENCE, child

pytestmark = pytest.mark.posix


class Hub:
    """Takes turns between generators. Whoever waits lets the others have a turn."""

    def __init__(self):
        self.tasks = []

    def turn(self):
        for task in self.tasks[:]:
            if next(task, self) is self:
                self.tasks.remove(task)

    def until(self, holds):
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, "the others have been starved"
            self.turn()


@pytest.fixture
def hub():
    return Hub()


@pytest.fixture
def talk(hub):
    """A child's stdin, at whose other end one of the hub's tasks says something, turn by turn.

    Who does not let that one have its turns waits for ever.
    """
    read_end, write_end = os.pipe()
    with open(read_end, "rb"), open(write_end, "wb", buffering=0) as said:

        def say():
            for word in b"one ", b"two ", b"three":
                yield
                said.write(word)
            said.close()

        hub.tasks.append(say())
        yield read_end


SAID = b"one two three"


@pytest.fixture
def patched(sp, hub, monkeypatch):
    """Popen's methods that wait, as such a library replaces them; and which were called."""
    called = []

    def wait(self, timeout=None):
        called.append("wait")
        hub.until(lambda: self.poll() is not None)
        return self.returncode

    def communicate(self, input=None, timeout=None):
        called.append("communicate")
        said = read_all(hub, self.stdout)
        self.wait()
        return said, None

    monkeypatch.setattr(sp.Popen, "wait", wait)
    monkeypatch.setattr(sp.Popen, "communicate", communicate)
    return called


def read_all(hub, stream):
    """All of a pipe, by the hub's own means."""
    parts = []
    os.set_blocking(stream.fileno(), False)

    def ended():
        try:
            parts.append(os.read(stream.fileno(), 1000))
        except BlockingIOError:
            return False
        return parts[-1] == b""

    hub.until(ended)
    return b"".join(parts)


# A limit, so that a call which does wait itself fails, and does not hang.
LIMIT = {"timeout": PATIENCE}


@pytest.mark.parametrize(
    ("call", "result", "methods"),
    [
        (lambda sp, fd: sp.call(["wc", "-c"], stdin=fd, stdout=sp.DEVNULL, **LIMIT), 0, {"wait"}),
        (
            lambda sp, fd: sp.run(child.echo(), stdin=fd, stdout=sp.PIPE, **LIMIT).stdout,
            SAID,
            {"communicate", "wait"},
        ),
        (
            lambda sp, fd: sp.check_output(child.echo(), stdin=fd, **LIMIT),
            SAID,
            {"communicate", "wait"},
        ),
    ],
    ids=["call", "run", "check_output"],
)
def test_methods_that_a_library_has_replaced_do_the_waiting(
    sp, talk, patched, call, result, methods
):
    assert call(sp, talk) == result
    assert set(patched) == methods


def test_poll_and_the_pipes_let_a_hub_go_on(sp, hub, talk):
    """What GOTCHAS advises: nothing here waits but the hub."""
    with sp.Popen(child.echo(), stdin=talk, stdout=sp.PIPE) as process:
        assert read_all(hub, process.stdout) == SAID
        hub.until(lambda: process.poll() is not None)
        assert process.returncode == 0


def test_run_in_a_thread_of_the_pool_lets_a_hub_go_on(sp, hub, talk):
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(sp.run, child.echo(), stdin=talk, stdout=sp.PIPE, **LIMIT)
        hub.until(future.done)
    assert future.result().stdout == SAID


def test_run_itself_keeps_a_hub_of_the_same_thread_waiting(sp, hub, talk):
    """It gives the others no turn: that is what has to be known."""
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        sp.run(child.echo(), stdin=talk, stdout=sp.PIPE, timeout=0.2)
    assert caught.value.stdout is None
    assert len(hub.tasks) == 1


def test_what_is_replaced_elsewhere_is_not_needed(monkeypatch):
    """Waiting is done in C: by no function that a library could have replaced."""

    def refuse(*args, **kwargs):
        raise AssertionError("not to be called")

    for module, names in (
        (os, ["waitpid", "wait", "waitid", "read", "write", "fork", "kill", "pipe", "close"]),
        (select, ["select", "poll", "epoll"]),
        (time, ["sleep"]),
    ):
        for name in names:
            monkeypatch.setattr(module, name, refuse, raising=False)
    pipes = {"stdout": fastproc.PIPE, "stderr": fastproc.PIPE}
    said = fastproc.run(child.say("out", "err"), capture_output=True)
    timed = fastproc.run(child.echo(), input=b"in" * 100_000, stdout=fastproc.PIPE, **LIMIT)
    with fastproc.Popen(child.echo(), stdin=fastproc.PIPE, **pipes) as process:
        both = process.communicate(b"x", **LIMIT)
    lingering = fastproc.Popen(child.linger())
    lingering.terminate()
    code = lingering.wait(PATIENCE)
    monkeypatch.undo()
    assert (said.stdout, said.stderr) == (b"out", b"err")
    assert timed.stdout == b"in" * 100_000
    assert both == (b"x", b"")
    assert code == -15
