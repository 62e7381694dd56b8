"""Many threads at once, beside everything that can get in their way."""

import os
import sys

import pytest

import fastproc
from tests._helpers import fresh

pytestmark = [pytest.mark.posix, pytest.mark.stress, pytest.mark.timeout(240)]

THREADS, RUNS = 8, 500

CROWD = """
import os, signal, sys, threading, time
import fastproc as sp
threads, runs = int(sys.argv[1]), int(sys.argv[2])
stop, calm = threading.Event(), threading.Event()
finished = threading.Semaphore(0)
problems = []
done = [0] * threads
others = {"forks": 0, "opens": 0, "signals": 0}

def runner(number):
    try:
        for i in range(runs):
            text = b"%d-%d" % (number, i)
            r = sp.run(["echo", text], capture_output=True)
            if (r.returncode, r.stdout, r.stderr) != (0, text + b"\\n", b""):
                problems.append(f"lost: {r!r}")
            done[number] += 1
    except BaseException as error:
        problems.append(repr(error))
    finished.release()
    stop.wait()  # a thread that is gone must not be signalled

def forker():
    while not stop.is_set():
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        others["forks"] += 1

def opener():
    while not stop.is_set():
        ends = [os.pipe() for _ in range(10)]
        copies = [os.dup2(r, 200 + n) for n, (r, w) in enumerate(ends)]
        for r, w in ends:
            os.write(w, b"x")
            if os.read(r, 10) != b"x":
                problems.append("a pipe of ours holds something else")
            os.close(r)
            os.close(w)
        for copy in copies:
            os.close(copy)
        others["opens"] += 1

def on_signal(*args):
    others["signals"] += 1

signal.signal(signal.SIGUSR1, on_signal)
signal.signal(signal.SIGALRM, on_signal)

def signaller(idents):
    while not calm.is_set():
        for ident in idents:
            signal.pthread_kill(ident, signal.SIGUSR1)
        time.sleep(0.001)

before = set(os.listdir("/proc/self/fd"))
crowd = [threading.Thread(target=runner, args=(n,)) for n in range(threads)]
for thread in crowd:
    thread.start()
beside = [threading.Thread(target=forker), threading.Thread(target=opener),
          threading.Thread(target=signaller, args=([t.ident for t in crowd],))]
for thread in beside:
    thread.start()
signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
for thread in crowd:
    finished.acquire()
calm.set()
beside.pop().join()
stop.set()
for thread in crowd + beside:
    thread.join()
signal.setitimer(signal.ITIMER_REAL, 0)
try:
    while True:
        problems.append(f"left: {os.waitpid(-1, 0)}")
except ChildProcessError:
    pass
leaked = set(os.listdir("/proc/self/fd")) - before
if leaked:
    problems.append(f"leaked: {leaked}")
if signal.pthread_sigmask(signal.SIG_BLOCK, []):
    problems.append("signals are blocked")
print(sum(done), all(others.values()), problems[:5])
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc to count descriptors")
def test_eight_threads_beside_forks_descriptors_and_signals(tmp_path):
    """No lost output, no leaked descriptor, no zombie, and it comes to an end."""
    import subprocess

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CROWD, str(THREADS), str(RUNS)],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{THREADS * RUNS} True []\n"


def test_threads_with_popen_and_timeouts(sp):
    """The same objects' other life: Popen, communicate, kill, wait, from threads."""
    out = fresh(
        sp,
        """
import threading
problems = []
def worker(number):
    try:
        for i in range(30):
            p = sp.Popen(["cat"], stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE)
            data = b"%d" % number * 5000
            if p.communicate(data, timeout=60) != (data, b"") or p.returncode != 0:
                problems.append("lost")
            q = sp.Popen(["sleep", "100"])
            try:
                q.wait(timeout=0.001)
            except sp.TimeoutExpired:
                q.kill()
            if q.wait() != -9:
                problems.append("not killed")
    except BaseException as error:
        problems.append(repr(error))
threads = [threading.Thread(target=worker, args=(n,)) for n in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(problems[:3])
""",
    )
    assert out == "[]\n"


def test_a_fork_of_ours_goes_on_starting_programs():
    """os.fork() after import, with the module warm: parent and child both work."""
    out = fresh(
        fastproc,
        """
import os, warnings
warnings.simplefilter("ignore")
print(sp.run(["echo", "warm"], capture_output=True).stdout, flush=True)
pid = os.fork()
r = sp.run(["echo", "x"], capture_output=True, timeout=60)
p = sp.Popen(["cat"], stdin=sp.PIPE, stdout=sp.PIPE)
ok = r.stdout == b"x\\n" and p.communicate(b"y") == (b"y", None)
if pid == 0:
    os._exit(0 if ok else 1)
print(ok, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
""",
    )
    assert out.splitlines() == ["b'warm\\n'", "True 0"]


def test_a_fork_in_a_thread_while_others_start_programs():
    out = fresh(
        fastproc,
        """
import os, threading, warnings
warnings.simplefilter("ignore")
codes = []
def spawner():
    for _ in range(60):
        sp.run(["true"], capture_output=True)
def forker():
    for _ in range(20):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                if sp.run(["echo", "x"], capture_output=True).stdout == b"x\\n":
                    code = 0
            finally:
                os._exit(code)
        codes.append(os.waitpid(pid, 0)[1])
threads = [threading.Thread(target=spawner) for _ in range(3)] + [threading.Thread(target=forker)]
for t in threads: t.start()
for t in threads: t.join()
print(set(codes))
""",
    )
    assert out == "{0}\n"


def test_threads_that_end_right_after_a_start():
    out = fresh(
        fastproc,
        """
import threading
results = []
def once(n):
    results.append(sp.Popen(["sh", "-c", "exit %d" % n]))
for n in range(100):
    t = threading.Thread(target=once, args=(n,))
    t.start()
    t.join()
print([p.wait() for p in results] == list(range(100)))
""",
    )
    assert out == "True\n"


def test_hundreds_of_children_at_once(sp):
    with_pipes = [
        sp.Popen(["cat"], stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.DEVNULL) for _ in range(150)
    ]
    for number, process in enumerate(with_pipes):
        assert process.communicate(b"%d" % number)[0] == b"%d" % number
    assert {process.returncode for process in with_pipes} == {0}


def test_a_stack_of_signals_does_not_starve_the_start(sp):
    """A timer at a high rate: the start is not restarted for ever."""
    out = fresh(
        sp,
        """
import signal
count = [0]
def handler(*args):
    count[0] += 1
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for _ in range(100):
    r = sp.run(["echo", "x"], capture_output=True)
    assert r.stdout == b"x\\n"
signal.setitimer(signal.ITIMER_REAL, 0)
print(count[0] > 10)
""",
    )
    assert out == "True\n"
