"""The interpreter around it: shutdown, subinterpreters, recursion, odd embeddings."""

import os
import subprocess
import sys

import pytest

import fastproc
from tests._helpers import PATIENCE, fresh

pytestmark = pytest.mark.posix


def quiet(code, sp, expected_code=0):
    """What a program writes to stderr, all of it."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"import {sp.__name__} as sp\n{code}"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == expected_code, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "p = sp.Popen(['cat'], stdin=sp.PIPE)",
        "p = sp.Popen(['true'])",
        "import builtins; builtins.kept = sp.Popen(['cat'], stdin=sp.PIPE)",
        "import atexit; atexit.register(lambda: sp.run(['true']))",
        "import atexit; atexit.register(lambda: sp.run(['true'], capture_output=True))",
        "class C:\n    def __del__(self):\n        sp.run(['/bin/true'])\nc = C()",
        "import sys\np = sp.Popen(['cat'], stdin=sp.PIPE)\ndel sys.modules[sp.__name__]",
        "p = sp.Popen(['cat'], stdin=sp.PIPE)\np.self = p",
        "import threading\np = sp.Popen(['cat'], stdin=sp.PIPE)\n"
        "threading.Thread(target=p.wait, daemon=True).start()",
        "import threading\np = sp.Popen(['cat'], stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE)\n"
        "threading.Thread(target=sp.run, args=(['sleep', '0.5'],), daemon=True).start()",
    ],
)
def test_the_interpreter_ends_quietly(sp, code):
    assert quiet(code, sp) == ""


def test_an_exit_within_a_child_s_life_is_the_exit_code(sp):
    assert quiet("import sys\np = sp.Popen(['cat'], stdin=sp.PIPE)\nsys.exit(3)", sp, 3) == ""


def test_the_resource_warning_names_the_place_of_birth():
    def said(sp):
        program = f"import {sp.__name__} as sp\np = sp.Popen(['cat'], stdin=sp.DEVNULL)\ndel p\n"
        done = subprocess.run(
            [sys.executable, "-X", "tracemalloc=5", "-W", "always", "-c", program],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert "ResourceWarning: subprocess" in done.stderr
        return done.stderr

    # 3.11 cannot trace instances of classes like these: then neither names the place.
    model = "Object allocated at" in said(subprocess)
    assert ("Object allocated at" in said(fastproc)) == model
    assert model or sys.version_info[:2] == (3, 11)


INTERPRETER = """
try:
    import _interpreters as interpreters
    make = lambda: interpreters.create("legacy")
    run = lambda i, code: interpreters.exec(i, code)
except ImportError:
    import _xxsubinterpreters as interpreters
    import sys
    make = lambda: (interpreters.create(isolated=False) if sys.version_info >= (3, 12)
                    else interpreters.create())
    run = interpreters.run_string
"""

USE = """
import fastproc as sp
assert sp.run(["echo", "x"], capture_output=True).stdout == b"x\\n"
assert sp.Popen(["true"]).wait() == 0
"""


def in_subinterpreters(before, after=""):
    """What two interpreters say to USE, one after the other, in one process."""
    program = f"""{INTERPRETER}
import os, sys
{before}
for _ in range(2):
    try:
        failed = run(make(), {USE!r})
    except Exception as error:
        failed = error
    print("failed" if failed else "ran", "ImportError" in str(failed), flush=True)
{after}
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_first_interpreter_that_imports_it_can_run_programs_and_no_other():
    """What is global in an extension is not shared: an ImportError, and no crash."""
    assert in_subinterpreters("") == ["ran False", "failed True"]
    assert in_subinterpreters(USE, USE) == ["failed True"] * 2


def test_recursion_at_the_limit_is_a_recursion_error(sp):
    out = fresh(
        sp,
        """
import sys
def deep(n):
    try:
        return deep(n + 1)
    except RecursionError:
        try:
            sp.run(["true"])
            return "ran"
        except RecursionError:
            return "no"
print(deep(0))
""",
    )
    assert out in ("no\n", "ran\n")


def test_a_trace_function_sees_no_harm(sp):
    out = fresh(
        sp,
        """
import sys, threading
def trace(frame, event, arg):
    return trace
sys.settrace(trace)
threading.settrace(trace)
print(sp.run(["echo", "traced"], capture_output=True).stdout)
p = sp.Popen(["cat"], stdin=sp.PIPE, stdout=sp.PIPE)
print(p.communicate(b"x"))
""",
    )
    assert out.splitlines() == ["b'traced\\n'", "(b'x', None)"]


def test_the_stack_of_a_small_thread_is_enough(sp):
    out = fresh(
        sp,
        """
import threading
threading.stack_size(256 * 1024)
results = []
def work():
    results.append(sp.run(["echo", "x"], capture_output=True, timeout=60, cwd="/",
                          start_new_session=True, pass_fds=(0, 1)).stdout)
    results.append(sp.Popen(["cat"], stdin=sp.PIPE, stdout=sp.PIPE).communicate(b"y")[0])
t = threading.Thread(target=work)
t.start()
t.join()
print(results)
""",
    )
    assert out == "[b'x\\n', b'y']\n"


def test_without_proc_it_still_works():
    """In a container that has none mounted: another folder over it, in a namespace."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to hide /proc")
    if "asan" in os.environ.get("LD_PRELOAD", ""):
        pytest.skip("LeakSanitizer itself fails without /proc, in every program")
    import shutil

    if shutil.which("unshare") is None:
        pytest.skip("needs unshare (util-linux)")
    code = (
        "import fastproc as sp, os\n"
        "assert os.listdir('/proc') == []\n"
        "high = os.dup2(0, 5000)\n"
        "for options in ({}, {'capture_output': True}, {'timeout': 60}, {'cwd': '/'},\n"
        "                {'close_fds': False}, {'pass_fds': (high,)}):\n"
        "    assert sp.run(['true'], **options).returncode == 0\n"
        "fds = [os.open('/dev/null', 0) for _ in range(600)]\n"
        "r = sp.run(['echo', 'x'], capture_output=True)\n"
        "print(r.stdout, sp._native.last_route())\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh", *command],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        pytest.skip("this system lets nobody make a mount namespace")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("b'x\\n' ")


@pytest.mark.parametrize(
    "feature", sorted(getattr(fastproc._native, "FEATURES", ())) if os.name != "nt" else []
)
def test_without_one_feature_of_the_kernel_all_still_works(feature):
    """Old kernels and sandboxes lack some; each has its fallback."""
    out = fresh(
        fastproc,
        f"""
import os
sp._native.drop_feature({feature!r})
assert {feature!r} not in sp._native.features()
fds = [os.dup(0) for _ in range(300)]
before = len(os.listdir("/dev/fd"))
for options in ({{}}, {{"capture_output": True}}, {{"timeout": 60}}, {{"cwd": "/"}},
                {{"input": b"x" * 200000, "stdout": sp.PIPE, "timeout": 60}},
                {{"pass_fds": (fds[5],)}}, {{"start_new_session": True}}):
    r = sp.run(["cat"], **{{"stdin": sp.DEVNULL, **options}} if "input" not in options else options)
    assert r.returncode == 0
    assert not r.stdout or r.stdout == b"x" * 200000
for args, options in ((["/no/such"], {{}}), (["true"], {{"cwd": "/no/such"}})):
    for extra in ({{}}, {{"capture_output": True}}):
        try:
            sp.run(args, **options, **extra)
        except FileNotFoundError as e:
            assert e.filename == "/no/such"
        else:
            raise AssertionError
try:
    sp.run(["sleep", "100"], timeout=0.1)
except sp.TimeoutExpired:
    pass
with sp.Popen(["cat"], stdin=sp.PIPE, stdout=sp.PIPE) as p:
    assert p.communicate(b"y", timeout=60) == (b"y", None)
p = sp.Popen(["sleep", "100"])
try:
    p.wait(timeout=0.05)
except sp.TimeoutExpired:
    p.kill()
assert p.wait(timeout=60) == -9
r = sp.run(["sh", "-c", "ls /dev/fd | wc -l"], capture_output=True)
assert int(r.stdout) <= 5, r.stdout
assert len(os.listdir("/dev/fd")) == before
print("all works")
""",
    )
    assert out == "all works\n"


# A seccomp filter that refuses close_range with EPERM.
SANDBOX = """
import ctypes, errno, struct
def forbid_close_range():
    rules = [(0x20, 0, 0, 0), (0x15, 0, 1, 436), (0x06, 0, 0, 0x50000 | errno.EPERM),
             (0x06, 0, 0, 0x7FFF0000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
    program = struct.pack("HxxxxxxP", len(rules), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, program, 0, 0) == 0, ctypes.get_errno()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
def test_a_sandbox_set_up_later_is_no_obstacle(sp):
    """What worked until then is refused from one run to the next."""
    out = fresh(
        sp,
        SANDBOX
        + """
print(sp.run(["true"]).returncode, sp.run(["true"]).returncode)
forbid_close_range()
for _ in range(2):
    print(sp.run(["echo", "out"], capture_output=True).stdout, sp.run(["false"]).returncode)
""",
    )
    assert out.splitlines() == ["0 0", "b'out\\n' 1", "b'out\\n' 1"]
