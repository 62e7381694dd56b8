"""Which descriptors the child gets: close_fds and pass_fds."""

import errno
import os
import re
import shutil
import subprocess
import sys
import warnings

import pytest

import fastproc
from tests._helpers import child, fresh, python, same

pytestmark = pytest.mark.posix


def shown(sp, code, **options):
    """The words a child prints that runs `code`."""
    done = sp.run(python("import os\n" + code), stdout=sp.PIPE, check=True, **options)
    return done.stdout.decode().split()


LIST_FDS = (
    "for fd in range(3, 300):\n"
    "    try:\n        os.fstat(fd)\n"
    "    except OSError:\n        continue\n"
    "    print(fd)\n"
)


def inheritable_pipe():
    ends = os.pipe()
    for end in ends:
        os.set_inheritable(end, True)
    return ends


def test_other_descriptors_are_closed_by_default(sp):
    ends = inheritable_pipe()
    try:
        assert shown(sp, LIST_FDS) == []
    finally:
        for end in ends:
            os.close(end)


def test_with_close_fds_false_inheritable_ones_stay(sp):
    ends = inheritable_pipe()
    private = os.open(os.devnull, os.O_RDONLY)
    try:
        got = set(map(int, shown(sp, LIST_FDS, close_fds=False)))
        assert set(ends) <= got
        assert private not in got
    finally:
        for end in (*ends, private):
            os.close(end)


def test_pass_fds_arrive_and_only_they(sp):
    ends = inheritable_pipe()
    private = os.open(os.devnull, os.O_RDONLY)
    try:
        for chosen in (
            (),
            ends[:1],
            ends,
            (private,),
            (ends[1], private),
            (ends[1], ends[0], ends[1]),
        ):
            got = set(map(int, shown(sp, LIST_FDS, pass_fds=chosen)))
            assert got == set(chosen)
        assert not os.get_inheritable(private)
    finally:
        for end in (*ends, private):
            os.close(end)


def test_pass_fds_take_any_iterable(sp):
    ends = inheritable_pipe()
    try:
        for chosen in (list(ends), set(ends), dict.fromkeys(ends)):
            assert shown(sp, LIST_FDS, pass_fds=chosen) == sorted(map(str, ends), key=int)
    finally:
        for end in ends:
            os.close(end)


def test_pass_fds_with_close_fds_false_warns_and_closes(sp):
    ends = inheritable_pipe()
    try:
        with pytest.warns(RuntimeWarning, match="pass_fds overriding close_fds"):
            got = shown(sp, LIST_FDS, close_fds=False, pass_fds=ends[:1])
        assert got == [str(ends[0])]
    finally:
        for end in ends:
            os.close(end)


@pytest.mark.parametrize("way", ["run", "call", "check_output", "Popen"])
def test_the_warning_of_pass_fds_is_about_the_caller_s_line(way):
    """So that a filter for a module finds it there, and each place is told of once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        done = getattr(fastproc, way)(["true"], close_fds=False, pass_fds=[0])
    if way == "Popen":
        done.wait()
    assert [warning.filename for warning in caught] == [__file__]


def test_a_passed_descriptor_works(sp):
    read_end, write_end = os.pipe()
    try:
        done = sp.run(
            python("import os, sys\nos.write(int(sys.argv[1]), b'passed')", str(write_end)),
            pass_fds=[write_end],
        )
        assert done.returncode == 0
        os.close(write_end)
        write_end = None
        assert os.read(read_end, 100) == b"passed"
    finally:
        os.close(read_end)
        if write_end is not None:
            os.close(write_end)


def test_a_passed_descriptor_that_is_not_open_is_the_same_error():
    error = same(lambda sp: sp.run(["true"], pass_fds=[987]))
    assert error["errno"] == errno.EBADF


def test_passing_0_1_and_2_is_allowed(sp):
    done = sp.run(child.say("out"), pass_fds=(0, 1, 2), stdout=sp.PIPE)
    assert done.stdout == b"out"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limits are those of Linux")
def test_a_high_descriptor_is_closed_when_the_limit_was_lowered(sp):
    out = fresh(
        sp,
        """
import os, resource, sys
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
high = soft - 1
os.dup2(0, high, inheritable=True)
resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
r = sp.run([sys.executable, "-S", "-E", "-c",
            "import os\\ntry: os.fstat(%d)\\nexcept OSError: print('closed')"
            % high], stdout=sp.PIPE)
print(r.stdout.decode(), end="")
""",
    )
    assert out == "closed\n"


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize(
    "call",
    [
        "sp.Popen(['true'], stdin=-1, stdout=-1, stderr=-1).communicate()",
        "sp.Popen(['true'], stdin=-3, stdout=-3).wait(timeout=60)",
        "sp.run(['true'], capture_output=True, input=b'x', timeout=60)",
    ],
)
def test_what_is_opened_for_a_child_is_close_on_exec_from_the_start(call, tmp_path):
    """And never marked later: another thread's child, born in between, would have it."""
    log = tmp_path / "log"
    script = f"import os\nimport fastproc as sp\nos.access('/mark', 0)\n{call}\n"
    calls = "trace=access,pipe,pipe2,open,openat,dup,dup2,dup3,fcntl"
    done = subprocess.run(
        ["strace", "-e", calls, "-o", log, sys.executable, "-c", script],
        capture_output=True,
        text=True,
    )
    if "ptrace" in done.stderr:
        pytest.skip("this system does not let strace trace")
    assert done.returncode == 0, done.stderr
    lines = log.read_text().split('access("/mark"')[1].splitlines()[1:]
    opened = [line for line in lines if re.match("(pipe|open|dup)", line)]
    assert opened
    assert [line for line in opened if "O_CLOEXEC" not in line] == []
    assert [line for line in lines if "F_SETFD" in line] == []


def test_pipes_of_a_running_child_do_not_reach_the_next(sp):
    with sp.Popen(["cat"], stdin=sp.PIPE, stdout=sp.PIPE):
        assert shown(sp, LIST_FDS) == []


def test_run_leaves_descriptors_open_where_it_is_told_to(sp):
    """Said by run() itself, with nothing else to think about: its quickest way."""
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        args = python(f"import os; os.write({write}, b'open')")
        assert sp.run(args, close_fds=False).returncode == 0
        assert sp.run(args, close_fds=True, stderr=sp.DEVNULL).returncode != 0
        assert os.read(read, 99) == b"open"
    finally:
        os.close(read)
        os.close(write)
