"""Fails when a fast path is lost. Nothing here looks at a clock.

Everything runs in fresh interpreters without FASTPROC_ROUTE, so that this file
says the same whichever route the rest of the suite is forced to.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from benchmarks import floor
from benchmarks.operations import Unavailable
from benchmarks.trace import trace

linux = pytest.mark.skipif(sys.platform != "linux", reason="a promise made for Linux")
MARK = "/guard-mark"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    built = floor.build(tmp_path_factory.mktemp("guard"))
    if not built.static_target or built.emit is None:
        pytest.skip(f"needs the static target and the writer: {built.notes}")
    return built


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "FASTPROC_ROUTE"}


def python(script: str, *args: str) -> list[str]:
    return [sys.executable, "-c", script, *args]


def outcome(script: str, *args: str):
    """What the script prints, as JSON."""
    done = subprocess.run(
        python(script, *args), capture_output=True, text=True, env=environment(), timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def traced(script: str, *args: str):
    """System calls between the script's two mark() calls."""
    prelude = f"import os, sys, fastproc\ndef mark(): os.access({MARK!r}, os.F_OK)\n"
    command = [shutil.which("env") or "env", "-u", "FASTPROC_ROUTE"]
    try:
        return trace([*command, *python(prelude + script, *args)], MARK)
    except Unavailable as reason:
        pytest.skip(str(reason))


def clone3_works() -> bool:
    """Whether the kernel, and whatever filters its calls, knows clone3."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.syscall(435, None, 0) == -1
    return ctypes.get_errno() not in (errno.ENOSYS, errno.EPERM)


# the route

ROUTE = """
import json, os, sys
import fastproc
from fastproc import PIPE, Popen, run
target = sys.argv[1]
calls = {
    "run": lambda: run([target]),
    "captured": lambda: run([target], capture_output=True),
    "timeout": lambda: run([target], timeout=30),
    "captured, timeout, text": lambda: run([target], capture_output=True, timeout=30, text=True),
    "input": lambda: run([target], input=b"x", stdout=PIPE),
    "check_output": lambda: fastproc.check_output([target]),
    "call": lambda: fastproc.call([target]),
    "shell": lambda: run(target, shell=True),
    "Popen": lambda: Popen([target]).wait(),
    "env": lambda: run([target], env={"A": "1"}),
    "cwd": lambda: run([target], cwd="/"),
    "session": lambda: run([target], start_new_session=True),
    "process group": lambda: run([target], process_group=0),
    "pass_fds": lambda: run([target], pass_fds=[0]),
    "close_fds=False": lambda: run([target], close_fds=False),
    "umask": lambda: run([target], umask=0o22),
}
if os.geteuid() == 0:
    calls["user"] = lambda: run([target], user=0)
    calls["group"] = lambda: run([target], group=0)
    calls["extra_groups"] = lambda: run([target], extra_groups=[0])
found = {}
for name, call in calls.items():
    call()
    found[name] = fastproc._native.last_route()
print(json.dumps(found))
"""


@linux
def test_every_request_but_preexec_fn_shares_memory_with_its_child(tools):
    wanted = "clone3" if clone3_works() else "vfork"
    routes = outcome(ROUTE, tools.target)
    assert len(routes) >= 16
    assert routes == dict.fromkeys(routes, wanted)


# system calls

RUNS = """
options = eval(sys.argv[2])
for _ in range(3): fastproc.run([sys.argv[1]], **options)
mark()
for _ in range(10): fastproc.run([sys.argv[1]], **options)
mark()
"""


@linux
@pytest.mark.parametrize(
    ("options", "most"),
    [
        ("{}", 8),
        ("{'timeout': 30}", 11),
        ("{'capture_output': True}", 19),
        ("{'input': b'x'}", 13),
        ("{'capture_output': True, 'timeout': 30}", 24),
        ("{'cwd': '/', 'start_new_session': True}", 10),
    ],
)
def test_a_run_takes_few_system_calls_parent_and_child_together(tools, options, most):
    counts = traced(RUNS, tools.target, options)
    assert counts["execve"] == 10
    assert sum(counts.values()) / 10 <= most, counts


@linux
@pytest.mark.parametrize("options", ["{'timeout': 30}", "{'capture_output': True, 'timeout': 30}"])
def test_a_wait_with_a_timeout_never_sleeps(tools, options):
    counts = traced(RUNS, tools.target, options)
    naps = [name for name in counts if "sleep" in name or "select" in name]
    assert naps == []
    # One look whether it has ended, one wait for it, one to reap it.
    assert counts["ppoll"] + counts["poll"] <= 30, counts
    assert counts["wait4"] + counts["waitid"] <= 30, counts


@linux
def test_a_program_is_looked_for_once_on_each_folder_of_path_and_no_more(tools, tmp_path):
    script = """
os.environ["PATH"] = sys.argv[1]
fastproc.run(["target"])
mark()
for _ in range(10): fastproc.run(["target"])
mark()
"""
    folders = [str(tmp_path / name) for name in "abc"]
    folders.append(str(Path(tools.target).parent))
    counts = traced(script, os.pathsep.join(folders))
    looks = sum(
        counts[name] for name in ("execve", "access", "faccessat", "faccessat2", "newfstatat")
    )
    assert looks <= 40, counts


@linux
def test_a_huge_limit_of_descriptors_costs_a_bounded_number_of_calls(tools):
    """With nothing left but to ask for each number, in a process that may have a million."""
    script = """
import resource
for most in (1 << 30, 1 << 20, resource.getrlimit(resource.RLIMIT_NOFILE)[1]):
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        break
    except (OSError, ValueError):
        pass  # only root may raise it, and only to what the kernel allows
for feature in ("close_range", "proc_fds"):
    fastproc._native.drop_feature(feature)
target = sys.argv[1]
high = os.dup2(0, 900)
mark()
fastproc.run([target])
fastproc.run([target], capture_output=True)
mark()
assert b"900" not in fastproc.run(["ls", "/dev/fd"], capture_output=True).stdout.split()
"""
    counts = traced(script, tools.target)
    # A million numbers by hundreds, twice; the standard library would close each.
    assert 0 < counts["poll"] + counts["ppoll"] <= 2 * (1 << 20) / 256 + 50, counts
    assert sum(counts.values()) <= 2 * (1 << 20) / 256 + 200, counts


# large data

READS = """
size = int(sys.argv[2])
mark()
done = fastproc.run([sys.argv[1], str(size)], capture_output=True)
mark()
assert len(done.stdout) == len(done.stderr) == size
"""


@linux
def test_large_output_is_read_in_few_reads(tools):
    size = 16 * MIB
    counts = traced(READS, tools.emit, str(size))
    # A pipe holds 64 KiB; half of that on average leaves room for the writer's pace.
    assert counts["read"] + counts["readv"] <= 2 * size / (32 * 1024), counts
    # The pages for what is read are made a MiB at a time.
    assert size / MIB <= counts["madvise"] <= 4 * size / MIB, counts


@linux
def test_large_input_is_written_in_few_writes(tools):
    size = 16 * MIB
    script = """
data = bytes(int(sys.argv[1]))
mark()
done = fastproc.run(["sh", "-c", "exec cat >/dev/null"], input=data)
mark()
"""
    counts = traced(script, str(size))
    # cat writes as often as it reads, 128 KiB at most at once: its writes are in here too.
    assert counts["write"] <= 2 * size / (32 * 1024), counts


PEAK = """
import fastproc, json, sys
def field(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024
size = int(sys.argv[2])
fastproc.run([sys.argv[1], "100000"], capture_output=True)
before = field("VmRSS")
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
done = fastproc.run([sys.argv[1], str(size)], capture_output=True)
assert len(done.stdout) == len(done.stderr) == size
print(json.dumps(field("VmHWM") - before))
"""


@linux
def test_captured_output_is_held_once(tools):
    size = 32 * MIB
    if not os.access("/proc/self/clear_refs", os.W_OK):
        pytest.skip("the peak of memory is reset through /proc/self/clear_refs")
    # What grows is moved, page by page; but copied by a free-threaded Python's allocator.
    most = 2.0 if sysconfig.get_config_var("Py_GIL_DISABLED") else 1.1
    assert outcome(PEAK, tools.emit, str(size)) <= 2 * size * most


# Python on the way of one run

PROFILE = """
import json, sys
import fastproc
target, options = sys.argv[1], eval(sys.argv[2])
counts = {"call": 0, "c_call": 0}
def profile(frame, event, argument):
    if event in counts:
        counts[event] += 1
run = fastproc.run
run([target], **options)
sys.setprofile(profile)
run([target], **options)
sys.setprofile(None)
print(json.dumps(counts))
"""


MANY_VARIABLES = "{'env': {f'NAME_{i}': 'x' * 40 for i in range(200)}}"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no way without Python there")
@pytest.mark.parametrize(
    "options",
    [
        "{}",
        "{'capture_output': True}",
        "{'timeout': 30}",
        "{'cwd': '/', 'start_new_session': True}",
        "{'close_fds': False}",
        "{'input': b'x', 'check': True}",
        MANY_VARIABLES,
    ],
)
def test_a_run_calls_no_function_of_python(tools, options):
    counts = outcome(PROFILE, tools.target, options)
    assert counts["call"] == 0, counts
    assert counts["c_call"] <= 30, counts


INSTRUCTIONS = """
import os, sys
import fastproc
target = sys.argv[1]
def ten(call=fastproc.run, **options):
    for _ in range(20): call([target], **options)  # the interpreter adapts
    os.access("/guard-mark", os.F_OK)
    for _ in range(10): call([target], **options)
    os.access("/guard-mark", os.F_OK)
ten()
ten(capture_output=True)
ten(capture_output=True, text=True, timeout=30)
ten(env={f"NAME_{i}": "x" * 40 for i in range(200)})
ten(lambda args: fastproc.Popen(args).wait())
"""
RUNS_MEASURED = ("plain", "captured", "captured, text, timeout", "200 variables", "Popen")


@linux
def test_a_run_needs_few_instructions(tools, tmp_path):
    """In user space and in the parent: what is left of Python on the way.

    Valgrind has no clone3 and makes a fork of vfork, so the child is another process
    and is counted apart. It writes a file of counts at each call of access().
    """
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        pytest.skip("valgrind is not installed")
    command = [
        valgrind, "--tool=callgrind", "--dump-before=access",
        f"--callgrind-out-file={tmp_path}/out.%p", *python(INSTRUCTIONS, tools.target),
    ]  # fmt: skip
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**environment(), "PYTHONHASHSEED": "0"}
    ) as process:
        errors = process.communicate(timeout=110)[1]
    assert process.returncode == 0, errors
    parts = len(list(tmp_path.glob(f"out.{process.pid}.*")))
    # Counted from the end, where ten runs end every other part; the way out has no number.
    counts = {}
    for kind, back in zip(RUNS_MEASURED, (8, 6, 4, 2, 0), strict=True):
        text = (tmp_path / f"out.{process.pid}.{parts - back}").read_text()
        counts[kind] = int(re.search(r"^totals: (\d+)", text, re.MULTILINE).group(1)) / 10
    assert all(0 < counts[kind] <= MOST_INSTRUCTIONS[kind] for kind in counts), counts


# A third more than what the neediest Python takes; the standard library's run() takes
# 83,000, and captured 212,000.
MOST_INSTRUCTIONS = {
    "plain": 13_500,
    "captured": 16_500,
    "captured, text, timeout": 36_000,
    "200 variables": 144_000,
    "Popen": 29_500,
}


@linux
def test_a_run_goes_ahead_of_its_child(tools, tmp_path):
    """Its thread is not put to sleep until exec: no CLONE_VFORK."""
    if not clone3_works():
        pytest.skip("this system has no clone3")
    log = tmp_path / "log"
    script = f"""
import fastproc
for options in {{}}, {{"capture_output": True}}, {{"input": b"x"}}, {{"timeout": 30}}:
    for _ in range(3):
        fastproc.run([{tools.target!r}], **options)
"""
    command = ["strace", "-f", "-e", "trace=clone3", "-o", str(log), *python(script)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    if "ptrace" in done.stderr:
        pytest.skip("this system does not let strace trace")
    assert done.returncode == 0, done.stderr
    births = [line for line in log.read_text().splitlines() if "clone3({flags=" in line]
    assert len(births) == 12, births
    # The first proves that all that it takes is there.
    assert [line for line in births[1:] if "CLONE_VFORK" in line] == []
