"""A start whose exec takes long holds up the thread that asked for it, and no other."""

import shutil
import sys
import threading

import pytest

import fastproc
from tests._helpers import PATIENCE, lease_on

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux's file leases let a test hold up an exec"
)


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
    with lease_on(program) as holder:
        results = []
        thread = threading.Thread(target=lambda: results.append(start(program)))
        thread.start()
        assert holder.stdout.readline() == "wanted\n"
        # Only a thread that is not stalled comes to say this in time.
        answer, _ = holder.communicate("yes\n", timeout=PATIENCE)
        thread.join(PATIENCE)
    assert answer == "answered\n"
    assert len(results) == 1
