"""Nothing is kept from a call, whichever way it ended."""

import os

import pytest

import fastproc
from tests._helpers import fresh

pytestmark = [
    pytest.mark.posix,
    pytest.mark.skipif(
        not os.path.exists("/proc/self/statm"), reason="needs /proc to see the memory in use"
    ),
]

CASES = {
    "plain": "sp.run(['true'])",
    "captured": "sp.run(['echo', 'x' * 1000], capture_output=True)",
    "much": "sp.run(['cat'], input=BIG, capture_output=True)",
    "text": "sp.run(['echo', 'x' * 1000], capture_output=True, text=True)",
    "env": "sp.run(['true'], env=ENV)",
    "missing program": "sp.run(['/no/such'], capture_output=True)",
    "missing folder": "sp.run(['true'], cwd='/no/such')",
    "bad name": "sp.run(['true'], env={**ENV, 'A=': 'b'})",
    "bad value": "sp.run(['true'], env={**ENV, 'A': 5})",
    "bad argument": "sp.run(['true', 'x' * 1000, 5])",
    "bad input": "sp.run(['true'], input=5)",
    "bad descriptor": "sp.run(['true'], pass_fds=(900,))",
    "timeout": "sp.run(['sleep', '9'], timeout=0, capture_output=True)",
    "check": "sp.run(['false'], check=True)",
    "undecodable": "sp.run(['printf', '\\\\377'], capture_output=True, encoding='ascii')",
    "Popen": "sp.Popen(['true']).wait()",
    "Popen with pipes": "sp.Popen(['cat'], stdin=-1, stdout=-1, stderr=-1).communicate(BIG)",
    "Popen missing": "sp.Popen(['/no'], stdin=-1, stdout=-1, stderr=-1)",
    "options": "sp.run(['true'], umask=0o22, pass_fds=(0, 1), start_new_session=True, cwd='/')",
    "preexec_fn": "sp.run(['true'], preexec_fn=int)",
    "preexec_fn fails": "sp.run(['true'], preexec_fn=lambda: 1 / 0)",
}


@pytest.mark.parametrize("case", CASES)
def test_no_memory_is_kept(case):
    """A kilobyte for each of 150 calls would show."""
    out = fresh(
        fastproc,
        f"""
import gc
BIG = b"x" * 70000
ENV = {{"V%d" % i: "x" * 100 for i in range(50)}} | {{"PATH": "/bin:/usr/bin"}}
def grown(calls):
    gc.collect()
    before = kilobytes()
    for _ in range(calls):
        try:
            {CASES[case]}
        except (OSError, ValueError, TypeError, sp.SubprocessError):
            pass
    gc.collect()
    return kilobytes() - before
def kilobytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4
grown(50)
print(min(grown(150), grown(150)))
""",
    )
    assert int(out) < 120


def test_little_memory_costs_no_output(sp):
    """A buffer that cannot be made larger by half is made as large as it must be."""
    out = fresh(
        sp,
        """
import resource
with open("/proc/self/statm") as statm:
    used = int(statm.read().split()[0]) * resource.getpagesize()
hard = resource.getrlimit(resource.RLIMIT_AS)[1]
resource.setrlimit(resource.RLIMIT_AS, (used + (60 << 20), hard))
done = sp.run(["head", "-c", "55000000", "/dev/zero"], stdout=sp.PIPE)
print(done.returncode, len(done.stdout))
""",
    )
    assert out.split() == ["0", "55000000"]


def test_a_child_is_known_though_its_popen_found_no_memory():
    """At each allocation in turn: either there is no child, or one that is reaped later.

    The standard library makes the number of the pid after the birth, and could lose it.
    """
    pytest.importorskip("_testcapi", reason="lets an allocation fail")
    out = fresh(
        fastproc,
        """
import gc, warnings, _testcapi
from fastproc._popen import _active, _cleanup
from tests._leaks_posix import children
warnings.simplefilter("ignore")
sp.Popen(["/bin/true"]).wait()
failed, lost = 0, []
for n in range(1, 100):
    process = None
    try:
        _testcapi.set_nomemory(n, n + 1)
        process = sp.Popen(["/bin/true"])
    except MemoryError:
        failed += 1
    finally:
        _testcapi.remove_mem_hooks()
    if process is not None:
        process.wait()
    gc.collect()
    while _active:
        _cleanup()
    lost += children()
print(failed > 3, lost)
""",
    )
    assert out == "True []\n"


def test_an_interrupted_child_is_not_left_alone_where_memory_is_out():
    """run() cannot hand it over then: it ends it."""
    pytest.importorskip("_testcapi", reason="lets an allocation fail")
    out = fresh(
        fastproc,
        """
import gc, signal, warnings, _testcapi
from tests._leaks_posix import children
warnings.simplefilter("ignore")
class Mine(Exception): pass
mine = Mine()
def handler(signum, frame):
    _testcapi.set_nomemory(at, at + 1)
    raise mine
signal.signal(signal.SIGALRM, handler)
failed, lost = 0, []
for at in range(1, 40):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        sp.run(["sleep", "60"])
    except Mine:
        pass
    except MemoryError:
        failed += 1
    finally:
        _testcapi.remove_mem_hooks()
    gc.collect()
    lost += children()
print(failed > 5, lost)
""",
    )
    assert out == "True []\n"
