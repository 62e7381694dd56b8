"""One test body, two implementations; and nothing may be left behind.

The fixture `sp` is the standard library's subprocess in one round and fastproc
in the next, so that a test states a promise which the model itself keeps.
"""

import os
import signal
import subprocess
import sys

import pytest

import fastproc

if os.name == "nt":
    from tests._leaks_windows import Watch
else:
    from tests._leaks_posix import Watch

# The model is its own fork and exec, as on every version and for most calls. Since
# 3.13 it would use posix_spawn() for some, with other words for the same errors.
subprocess._USE_POSIX_SPAWN = False

MARKERS = (
    "posix: needs a POSIX system",
    "needs_root: changes credentials, so it has to start as root",
    "since(major, minor, what): the standard library does this from that "
    "version on; fastproc does it on every Python",
    "windows_differs(what): the standard library does not keep this promise on Windows",
    "stress: many threads and processes, for many seconds",
)


# A shell without job control starts what it puts into the background with SIGINT ignored,
# and so would be all children here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config):
    for line in MARKERS:
        config.addinivalue_line("markers", line)


def pytest_runtest_setup(item):
    if item.get_closest_marker("posix") and os.name == "nt":
        pytest.skip("needs a POSIX system")
    root = os.name != "nt" and os.geteuid() == 0
    if item.get_closest_marker("needs_root") and not root:
        pytest.skip("needs root, to change credentials")


@pytest.fixture(params=["stdlib", "fastproc"])
def sp(request):
    """The module under test: the model, then ours."""
    if request.param == "fastproc":
        return fastproc
    for marker in request.node.iter_markers("since"):
        major, minor, what = marker.args
        if sys.version_info < (major, minor):
            pytest.skip(f"the standard library before {major}.{minor} differs: {what}")
    for marker in request.node.iter_markers("windows_differs"):
        if os.name == "nt":
            pytest.skip(f"the standard library differs on Windows: {marker.args[0]}")
    return subprocess


@pytest.fixture(autouse=True)
def _nothing_left_behind(request):
    """No descriptor, no child, no changed process state after any test."""
    watch = Watch()
    yield
    problems = watch.problems()
    if problems:
        pytest.fail("left behind: " + "; ".join(problems), pytrace=False)
