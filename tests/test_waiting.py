"""Waits wake when the child ends: by the kernel's word, not by looking again."""

import os
import re
import shutil
import statistics
import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import fastproc
from tests._helpers import PATIENCE, child, fresh, python

pytestmark = pytest.mark.posix
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
linux_only = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="pidfds, and strace, are Linux things"
)

# By its path: to look for it by posix_spawn() is to start, and reap, many.
NAP = [shutil.which("sleep") or "/bin/sleep", "0.3"]
SLEEPS = {"nanosleep", "clock_nanosleep", "select", "pselect6", "epoll_wait"}
WAITS = {"poll", "ppoll", "waitid", "wait4"}


def calls_of(call, tmp_path):
    """The system calls of the main thread during one call, in order, with arguments."""
    log = tmp_path / "log"
    script = f"""
import os
import fastproc as sp
def mark(text):                         # seen in the log, and nowhere else
    try:
        os.write(-1, text)
    except OSError:
        pass
sp.run(["true"], timeout=60)            # everything is warm
mark(b"begin")
{call}
mark(b"end")
"""
    traced = subprocess.run(
        ["strace", "-o", str(log), sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    if "ptrace" in traced.stderr and traced.returncode != 0:
        pytest.skip("this system does not let strace trace")
    assert traced.returncode == 0, traced.stderr
    text = log.read_text()
    part = text[text.index('write(-1, "begin"') : text.index('write(-1, "end"')]
    return [
        (match[1], line) for line in part.splitlines()[1:] if (match := re.match(r"(\w+)\(", line))
    ]


@linux_only
@needs_strace
@pytest.mark.parametrize(
    "call",
    [
        "sp.run({NAP}, timeout=60)",
        "sp.run({NAP}, timeout=60, capture_output=True)",
        "sp.call({NAP}, timeout=60)",
        "sp.Popen({NAP}).wait(timeout=60)",
        "sp.Popen({NAP}, stdout=-1, stderr=-1).communicate(timeout=60)",
        "sp.Popen({NAP}, stdin=-1).communicate(b'x', timeout=60)",
    ],
)
def test_a_wait_with_a_timeout_asks_once_and_never_sleeps(call, tmp_path):
    """0.3 seconds: a loop of naps would show a dozen of calls, not a handful."""
    calls = calls_of(call.replace("{NAP}", repr(NAP)), tmp_path)
    names = [name for name, _ in calls]
    assert not SLEEPS & set(names), calls
    assert 1 <= sum(name in WAITS for name in names) <= 7, calls


@pytest.mark.parametrize(
    "wait",
    [
        lambda process: process.wait(timeout=PATIENCE),
        lambda process: process.communicate(timeout=PATIENCE),
        lambda process: process.wait(),
    ],
    ids=["wait-timeout", "communicate-timeout", "wait"],
)
def test_a_wait_ends_when_the_child_ends_and_not_later(wait):
    """Median of nine ends, spread over more than a nap: below half of one, which has 50 ms."""
    code = (
        "import os, sys, time\n"
        "time.sleep(float(sys.argv[2]))\n"
        "os.write(int(sys.argv[1]), repr(time.monotonic()).encode())\n"
        "os._exit(0)"
    )
    late = []
    read_end, write_end = os.pipe()
    try:
        for i in range(9):
            args = python(code, str(write_end), str(0.12 + i * 0.011))
            with fastproc.Popen(args, pass_fds=[write_end], stderr=fastproc.PIPE) as process:
                wait(process)
                now = time.monotonic()
            late.append(now - float(os.read(read_end, 100)))
    finally:
        os.close(read_end)
        os.close(write_end)
    assert statistics.median(late) < 0.02, late


def test_many_threads_wait_for_one_child_and_all_wake(sp):
    out = fresh(
        sp,
        """
import threading
p = sp.Popen(["cat"], stdin=sp.PIPE)
codes = []
threads = [threading.Thread(target=lambda: codes.append(p.wait(timeout=60))) for _ in range(10)]
threads += [threading.Thread(target=lambda: codes.append(p.wait())) for _ in range(10)]
for t in threads: t.start()
p.stdin.close()
for t in threads: t.join()
print(codes == [0] * 20)
""",
    )
    assert out == "True\n"


def test_a_wait_with_a_timeout_does_not_keep_poll_from_knowing(sp):
    """While one thread waits, another asks: both know of the end."""
    out = fresh(
        sp,
        """
import threading
p = sp.Popen(["cat"], stdin=sp.PIPE)
thread = threading.Thread(target=p.wait, kwargs={"timeout": 60})
thread.start()
assert p.poll() is None
p.stdin.close()
while p.poll() is None:
    pass
thread.join()
print(p.returncode)
""",
    )
    assert out == "0\n"


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=st.binary(max_size=40)
    .flatmap(lambda seed: st.integers(0, 300_000).map(lambda size: (seed or b"x") * size))
    .map(lambda data: data[:300_000]),
    pipesize=st.sampled_from([-1, 4096, 65536, 1 << 18]),
    timeout=st.sampled_from([None, PATIENCE]),
    bufsize=st.sampled_from([-1, 0, 1 << 12]),
)
def test_whatever_goes_in_comes_out(data, pipesize, timeout, bufsize):
    options = {"stdout": fastproc.PIPE, "stderr": fastproc.PIPE, "pipesize": pipesize}
    done = fastproc.run(child.echo_both(), input=data, timeout=timeout, **options)
    assert (done.returncode, done.stdout, done.stderr) == (0, data, data)
    with fastproc.Popen(child.echo(), stdin=fastproc.PIPE, bufsize=bufsize, **options) as process:
        process.stdin.write(data[:1000])
        assert process.communicate(data[1000:], timeout=timeout) == (data, b"")


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    parts=st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=6),
    naps=st.lists(st.sampled_from([0, 0.001, 0.01]), min_size=6, max_size=6),
)
def test_communicate_resumed_after_any_timeouts_loses_nothing(parts, naps):
    code = (
        "import os, sys, time\n"
        "for nap, part in zip(sys.argv[1::2], sys.argv[2::2]):\n"
        "    time.sleep(float(nap))\n"
        "    os.write(1, bytes.fromhex(part))\n"
        "os.write(2, b'end')\n"
    )
    args = [x for nap, part in zip(naps, parts, strict=False) for x in (str(nap), part.hex())]
    seen = []
    with fastproc.Popen(python(code, *args), stdout=fastproc.PIPE, stderr=fastproc.PIPE) as process:
        while True:
            try:
                out, err = process.communicate(timeout=0.005)
                break
            except fastproc.TimeoutExpired as expired:
                seen.append(expired.stdout or b"")
    assert all(out.startswith(part) for part in seen)
    assert (out, err) == (b"".join(parts), b"end")


TRACED = """
import ctypes, os, signal, sys, time
def traced(process):
    # By a third process, which does not look after it.
    answers, answer = os.pipe()
    tracer = os.fork()
    if tracer == 0:
        seized = ctypes.CDLL(None).ptrace(0x4206, process.pid, None, None)  # PTRACE_SEIZE
        os.write(answer, b"%d" % seized)
        signal.pause()
    os.close(answer)
    said = os.read(answers, 20)
    os.close(answers)
    return tracer if said == b"0" else None
process = sp.Popen(["sleep", "1000"], stdout=sp.PIPE)
tracer = traced(process)
if tracer is None:
    sys.exit("no ptrace here")
os.kill(process.pid, signal.SIGKILL)
os.read(process.stdout.fileno(), 1)  # its end: it has died
started, busy = time.monotonic(), time.process_time()
try:
    WAIT
except sp.TimeoutExpired:
    print("expired", 0.9 < time.monotonic() - started < 20, time.process_time() - busy < 0.5)
os.kill(tracer, signal.SIGKILL)
os.waitpid(tracer, 0)
print(process.wait())
"""


@linux_only
@pytest.mark.parametrize("wait", ["process.wait(timeout=1)", "process.communicate(timeout=1)"])
def test_a_child_that_its_tracer_holds_is_waited_for_without_spinning(sp, wait):
    """It has ended, as its pidfd says, but cannot be reaped."""
    done = subprocess.run(
        [sys.executable, "-c", f"import {sp.__name__} as sp{TRACED}".replace("WAIT", wait)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    if "no ptrace here" in done.stderr:
        pytest.skip("this system does not let one process trace another")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "expired True True\n-9\n"
