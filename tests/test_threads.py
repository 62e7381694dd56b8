"""A start whose exec takes long holds up the thread that asked for it, and no other."""

import shutil
import subprocess
import sys
import threading

import pytest

import fastproc
from tests._helpers import PATIENCE

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux's file leases let a test hold up an exec"
)

# Takes a lease on a program: whoever executes it waits until the lease is given back.
# Here that is when somebody answers, or nobody has for some time.
HOLDER = """
import fcntl, os, select, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
fd = os.open(sys.argv[1], os.O_RDONLY)
try:
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
except OSError as error:
    sys.exit(f"no lease on a file here: {error}")
print("held", flush=True)
signal.sigwait({signal.SIGIO})
print("wanted", flush=True)
answered = select.select([0], [], [], 20)[0]
fcntl.fcntl(fd, fcntl.F_UNLCK)
print("answered" if answered else "no answer", flush=True)
"""


@pytest.fixture
def program(tmp_path):
    """A program that only this test executes, so that its lease can be had."""
    return shutil.copy(shutil.which("true"), tmp_path / "program")


@pytest.mark.parametrize(
    "start",
    [
        lambda program: fastproc.run([program]),
        lambda program: fastproc.run([program], capture_output=True, timeout=PATIENCE),
        lambda program: fastproc.run([program], cwd="/", umask=0o22),
        lambda program: fastproc.Popen([program]).wait(),
    ],
    ids=["run", "captured", "options", "popen"],
)
def test_a_slow_exec_stalls_no_other_thread(start, program):
    with subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", HOLDER, program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as holder:
        if holder.stdout.readline() != "held\n":
            pytest.skip(holder.stderr.read().strip())
        results = []
        thread = threading.Thread(target=lambda: results.append(start(program)))
        thread.start()
        assert holder.stdout.readline() == "wanted\n"
        # Only a thread that is not stalled comes to say this in time.
        answer, _ = holder.communicate("yes\n", timeout=PATIENCE)
        thread.join(PATIENCE)
    assert answer == "answered\n"
    assert len(results) == 1
