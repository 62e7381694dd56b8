"""preexec_fn: the one thing that needs a fork."""

import os
import signal
import subprocess
import sys

import pytest

from tests._helpers import fresh, python

pytestmark = pytest.mark.posix

LIST_FDS = (
    "for fd in range(3, 300):\n"
    "    try:\n        os.fstat(fd)\n"
    "    except OSError:\n        continue\n"
    "    print(fd)\n"
)


def shown(sp, code, **options):
    """The words a child prints that runs `code`."""
    done = sp.run(python("import os\n" + code), stdout=sp.PIPE, check=True, **options)
    return done.stdout.decode().split()


def test_preexec_fn_runs_in_the_child(sp):
    done = sp.run(
        ["sh", "-c", 'echo "$FRUIT"'],
        stdout=sp.PIPE,
        preexec_fn=lambda: os.putenv("FRUIT", "apple"),
    )
    assert done.stdout == b"apple\n"
    assert "FRUIT" not in os.environ


def test_preexec_fn_with_a_captured_run(sp, tmp_path):
    done = sp.run(["pwd", "-P"], preexec_fn=lambda: os.chdir(tmp_path), capture_output=True)
    assert done.stdout.strip() == os.fsencode(os.path.realpath(tmp_path))


def test_preexec_fn_sees_its_streams_in_place(sp):
    done = sp.run(["true"], stdout=sp.PIPE, preexec_fn=lambda: os.write(1, b"early"))
    assert done.stdout == b"early"


def test_preexec_fn_that_raises(sp):
    def fail():
        raise ValueError("What do you mean?")

    with pytest.raises(subprocess.SubprocessError) as caught:
        sp.Popen(["true"], preexec_fn=fail)
    assert str(caught.value) == "Exception occurred in preexec_fn."
    assert type(caught.value) is subprocess.SubprocessError


def test_preexec_fn_runs_after_the_other_set_up(sp, tmp_path):
    def look():
        os.write(1, ("%s %d %d" % (os.getcwd(), os.getsid(0), os.getpid())).encode())

    done = sp.run(["true"], cwd=tmp_path, start_new_session=True, preexec_fn=look, stdout=sp.PIPE)
    folder, session, pid = done.stdout.decode().split()
    assert folder == os.path.realpath(tmp_path) and session == pid


def test_what_preexec_fn_opens_is_closed(sp):
    def open_some():
        os.dup2(0, 50, inheritable=True)

    assert shown(sp, LIST_FDS, preexec_fn=open_some) == []


def test_preexec_fn_may_use_setpgid_and_signals(sp):
    def prepare():
        os.setpgid(0, 0)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)

    done = sp.run(["sh", "-c", "kill -USR1 $$; exit 4"], preexec_fn=prepare)
    assert done.returncode == 4


def test_a_false_preexec_fn_is_not_called(sp):
    with pytest.raises(subprocess.SubprocessError):
        sp.run(["true"], preexec_fn=0)
    assert sp.run(["true"], preexec_fn=None).returncode == 0


@pytest.mark.since(3, 12, "it forked all the same")
def test_preexec_fn_is_refused_while_the_interpreter_ends(sp):
    out = fresh(
        sp,
        """
import builtins, sys
class Late:
    def __del__(self):
        for options in ({}, {"capture_output": True}):
            try:
                sp.run(["/bin/true"], preexec_fn=int, **options)
            except RuntimeError as error:
                print(sys.is_finalizing(), type(error).__name__, error)
late = Late()
builtins.kept = late, late.__del__  # what is here is taken down last
""",
    )
    name = "PythonFinalizationError" if sys.version_info >= (3, 13) else "RuntimeError"
    said = f"True {name} preexec_fn not supported at interpreter shutdown"
    assert out.splitlines() == [said] * 2


def test_nothing_is_collected_in_the_child(sp):
    """A finalizer of the parent's would do its work twice, and there first."""
    out = fresh(
        sp,
        """
import gc, sys
tell = lambda: print(gc.isenabled(), flush=True)
for enabled in True, False:
    gc.enable() if enabled else gc.disable()
    sp.run(["true"], preexec_fn=tell)
    print(gc.isenabled(), flush=True)
""",
    )
    assert out.split() == ["False", "True", "False", "False"]


def test_signal_handlers_run_while_preexec_fn_is_under_way(sp):
    """One that never ends, having met a lock of another thread's, must not be for ever."""
    out = fresh(
        sp,
        """
import os, signal, time
here, there = os.pipe()
def handler(signum, frame):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.2)
def hang():
    os.read(here, 1)
try:
    sp.Popen(["true"], preexec_fn=hang)
except KeyboardInterrupt:
    print("interrupted")
os.write(there, b"!")
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
""",
    )
    assert out == "interrupted\n"


def test_handlers_of_a_fork_run_before_the_child_is_set_up(sp):
    out = fresh(
        sp,
        """
import os
read, write = os.pipe()
def tell():
    os.write(write, b"%d" % (os.getcwd() == before))
before = os.getcwd()
os.register_at_fork(after_in_child=tell)
captured = sp.check_output(["true"], preexec_fn=lambda: None, cwd=os.path.dirname(before) or "/")
print(os.read(read, 9), captured)
""",
    )
    assert out == "b'1' b''\n"


def test_all_handlers_of_a_fork_run_each_in_its_process(sp):
    out = fresh(
        sp,
        """
import os
read, write = os.pipe()
us = os.getpid()
def tell(what):
    os.write(write, b"%s:%d " % (what, os.getpid() == us))
for name in "before", "after_in_parent", "after_in_child":
    os.register_at_fork(**{name: lambda name=name: tell(name.encode())})
sp.run(["true"], preexec_fn=lambda: None)
print(*sorted(os.read(read, 999).decode().split()))
""",
    )
    assert out == "after_in_child:0 after_in_parent:1 before:1\n"


def test_preexec_fn_has_the_handlers_of_its_signals(sp):
    out = fresh(
        sp,
        """
import os, signal
read, write = os.pipe()
signal.signal(signal.SIGUSR1, lambda *args: os.write(write, b"handled"))
sp.run(["true"], preexec_fn=lambda: os.kill(os.getpid(), signal.SIGUSR1))
print(os.read(read, 99).decode())
""",
    )
    assert out == "handled\n"
