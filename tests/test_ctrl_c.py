"""Ctrl-C: the child gets it too, and is given a quarter of a second."""

import subprocess

import pytest

import fastproc
from tests._helpers import ALARM, fresh

pytestmark = pytest.mark.posix

# A minute instead of the quarter of a second, which a busy machine may need for anything.
PATIENT = """
class Patience:
    def __get__(self, process, owner=None):
        return vars(process).get("patience", 60)
    def __set__(self, process, seconds):
        if not seconds:  # it is over; at birth it is 0.25, in the standard library
            vars(process)["patience"] = 0
sp.Popen._sigint_wait_secs = Patience()
"""

# The child gets Ctrl-C as the parent does, as from a terminal; OBEDIENT: and ends of it.
INTERRUPTED = """
import os, signal, sys, time, warnings
warnings.simplefilter("ignore")
signal.signal(signal.SIGINT, signal.default_int_handler)
told, tell = os.pipe()
CHILD = '''
import os, signal, sys, time
def stop(*args):
    time.sleep(0.1)  # who is killed meanwhile writes nothing
    os.write(int(sys.argv[1]), b"ended by itself")
    os._exit(7)
signal.signal(signal.SIGINT, stop if OBEDIENT else signal.SIG_IGN)
os.kill(os.getppid(), signal.SIGINT)
os.kill(os.getpid(), signal.SIGINT)
while True:
    time.sleep(1000)
'''
ARGS = [sys.executable, "-S", "-E", "-c", CHILD, str(tell)]
KEEP = {"pass_fds": [tell]}
started = time.monotonic()
try:
    CALL
except KeyboardInterrupt:
    passed = time.monotonic() - started
else:
    print("not interrupted")
os.close(tell)
"""


@pytest.mark.parametrize(
    "call",
    [
        "sp.call(ARGS, **KEEP)",
        "sp.run(ARGS, **KEEP)",
        "sp.run(ARGS, capture_output=True, **KEEP)",
        "sp.run(ARGS, timeout=60, **KEEP)",
        "with sp.Popen(ARGS, **KEEP) as p: p.wait()",
        "with sp.Popen(ARGS, stdout=sp.PIPE, stderr=sp.PIPE, **KEEP) as p: p.communicate()",
    ],
)
def test_ctrl_c_gives_a_child_that_obeys_its_time(sp, call):
    """It may clean up and end by itself: within its time nobody kills it."""
    code = INTERRUPTED.replace("CALL", call).replace("OBEDIENT", "True")
    assert fresh(sp, PATIENT + code + "print(os.read(told, 100).decode())\n") == "ended by itself\n"


@pytest.mark.parametrize(
    ("call", "end"),
    [
        ("sp.call(ARGS, **KEEP)", "-9"),
        ("sp.run(ARGS, **KEEP)", "-9"),
        ("sp.run(ARGS, capture_output=True, **KEEP)", "-9"),
        ("with sp.Popen(ARGS, **KEEP) as p: p.wait()", "runs on"),
    ],
)
def test_ctrl_c_waits_a_quarter_of_a_second_for_a_child_that_does_not_obey(sp, call, end):
    """Then call() and run() kill it; the context manager lets it be."""
    out = fresh(
        sp,
        INTERRUPTED.replace("CALL", call).replace("OBEDIENT", "False")
        + f"""
print(0.25 <= passed < 20)
with open(f"/proc/self/task/{{os.getpid()}}/children") as children:
    left = [int(pid) for pid in children.read().split()]
if not left:
    print("-9")  # reaped already
elif {end!r} == "-9":
    print(os.waitstatus_to_exitcode(os.waitpid(left[0], 0)[1]))
else:
    ended = os.waitid(os.P_PID, left[0], os.WEXITED | os.WNOHANG)
    print("runs on" if ended is None else ended)
    os.kill(left[0], signal.SIGKILL)
""",
    )
    assert out.splitlines() == ["True", end]


def test_ctrl_c_while_another_thread_waits_reaches_the_main_thread(sp):
    out = fresh(
        sp,
        ALARM
        + """
import threading
p = sp.Popen(["cat"], stdin=sp.PIPE, stdout=sp.DEVNULL)
thread = threading.Thread(target=p.wait)
thread.start()
try:
    raise_in_the_main_thread(KeyboardInterrupt)
    sp.run(["sleep", "1000"])
except KeyboardInterrupt:
    print("interrupted")
p.stdin.close()
thread.join()
print(p.returncode)
""",
    )
    assert out.split() == ["interrupted", "0"]


def test_a_second_ctrl_c_kills_the_child(sp):
    """The first one gave it some time; who cannot wait for that need not."""
    out = fresh(
        sp,
        PATIENT
        + """
import os, signal, sys, threading, warnings
warnings.simplefilter("ignore")
signal.signal(signal.SIGINT, signal.default_int_handler)
CHILD = '''
import os, signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
for _ in range(2):
    os.kill(os.getppid(), signal.SIGINT)
    time.sleep(0.05)
time.sleep(1000)
'''
try:
    sp.run([sys.executable, "-S", "-E", "-c", CHILD], capture_output=True)
except KeyboardInterrupt:
    print("interrupted")
with open(f"/proc/self/task/{os.getpid()}/children") as children:
    for pid in children.read().split():
        print(os.waitstatus_to_exitcode(os.waitpid(int(pid), 0)[1]))
""",
    )
    assert out.split() in (["interrupted"], ["interrupted", "-9"])


def test_an_interrupted_child_may_still_write(sp, tmp_path):
    """Its pipes stay open as long as it is given: its last words must not kill it."""
    done = tmp_path / "done"
    fresh(
        sp,
        PATIENT
        + """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
script = f"trap 'echo cleaning up && touch {sys.argv[1]}; exit' INT; kill -INT $PPID $$; sleep 1000"
try:
    sp.run(["sh", "-c", script], capture_output=True)
except KeyboardInterrupt:
    pass
else:
    print("not interrupted")
""",
        done,
    )
    assert done.exists()


def test_a_signal_during_the_birth_is_seen_in_a_process_forked_by_a_thread():
    """That thread is the main one there, on which Python's handlers run. The standard library
    often sleeps through a signal that came just before it waits.
    """
    out = fresh(
        fastproc,
        """
import os, signal, threading
class Noted(Exception): pass
def note(*args): raise Noted
signal.signal(signal.SIGUSR1, note)
def fork():
    pid = os.fork()
    if pid == 0:
        try:
            tell = lambda: os.kill(os.getppid(), signal.SIGUSR1)
            sp.run(["sleep", "30"], preexec_fn=tell, stdout=sp.DEVNULL, stderr=sp.DEVNULL)
        except Noted:
            os._exit(5)
        os._exit(6)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
thread = threading.Thread(target=fork)
thread.start()
thread.join()
""",
        stdin=subprocess.DEVNULL,
    )
    assert out.split() == ["5"]


@pytest.mark.parametrize("way", ["wait()", "wait(timeout=60)", "communicate()"])
def test_an_interrupted_wait_gives_the_child_its_time(sp, way):
    """The child ends because of the handler: whoever does not wait for it sees it running."""
    out = fresh(
        sp,
        f"""
import os, signal
process = sp.Popen(["cat"], stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE)
keep = os.dup(process.stdin.fileno())
process._sigint_wait_secs = 60  # of which it needs next to nothing
def handler(signum, frame):
    os.close(keep)
    process.stdin.close()
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.2)
try:
    process.{way}
except KeyboardInterrupt:
    print(process.returncode)
process.stdout.close()
process.stderr.close()
""",
    )
    assert out == "0\n"
