"""Each failure: the type, errno, file names and text of the stdlib's."""

import errno
import os
import pathlib
import subprocess
import sys
import threading

import pytest

import fastproc
from tests._helpers import WAYS, fresh, same

pytestmark = pytest.mark.posix

MISSING = "/no/such/program"


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


@pytest.mark.parametrize(
    "args",
    [
        MISSING,
        [MISSING],
        [b"/no/such/program", "x"],
        pathlib.Path(MISSING),
        [pathlib.Path(MISSING)],
        "no_such_program_on_path",
        "surr\udcffogate",
        ["/no/\udcff"],
    ],
    ids=ascii,
)
def test_a_missing_program(way, args):
    error = same(lambda sp: way(sp, args))
    assert error["type"] == "FileNotFoundError"
    assert error["errno"] == errno.ENOENT
    assert error["filename2"] is None


@pytest.mark.parametrize("args", [["", "x"], "", b"", [pathlib.Path()]], ids=ascii)
def test_an_empty_program_name(way, args):
    # Looked for on PATH, it is found to be each folder there.
    error = same(lambda sp: way(sp, args))
    assert error["type"] == "PermissionError"
    error = same(lambda sp: way(sp, args, env={"PATH": "/no/such/folder"}))
    assert error["type"] == "FileNotFoundError"


def test_a_missing_executable_is_the_one_named(way):
    error = same(lambda sp: way(sp, ["true"], executable=MISSING))
    assert error["filename"] == MISSING
    error = same(lambda sp: way(sp, "true", shell=True, executable=MISSING))
    assert error["filename"] == MISSING


def test_a_missing_working_directory_is_named(way):
    error = same(lambda sp: way(sp, ["true"], cwd="/no/such/folder"))
    assert error["type"] == "FileNotFoundError"
    assert error["filename"] == "/no/such/folder"


def test_with_folder_and_program_missing_the_folder_is_named(way):
    error = same(lambda sp: way(sp, [MISSING], cwd="/no/such/folder"))
    assert error["filename"] == "/no/such/folder"


@pytest.mark.parametrize("form", [str, os.fsencode, pathlib.Path])
def test_the_folder_is_named_in_the_caller_s_form(form):
    error = same(lambda sp: sp.run(["true"], cwd=form("/no/such")))
    assert error["filename"] == form("/no/such")


def test_a_file_as_working_directory(way, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    error = same(lambda sp: way(sp, ["true"], cwd=str(file)))
    assert error["type"] == "NotADirectoryError"
    assert error["filename"] == str(file)


def test_a_folder_as_program(way, tmp_path):
    error = same(lambda sp: way(sp, [str(tmp_path)]))
    assert error["type"] == "PermissionError"
    assert error["filename"] == str(tmp_path)


def test_a_file_without_the_execute_bit(way, tmp_path):
    file = tmp_path / "plain"
    file.write_text("#!/bin/sh\n")
    error = same(lambda sp: way(sp, [str(file)]))
    assert error["type"] == "PermissionError"
    assert error["errno"] == errno.EACCES


def test_a_program_below_a_file(way, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    error = same(lambda sp: way(sp, [str(file / "program")]))
    assert error["type"] == "NotADirectoryError"


def test_a_missing_interpreter(way, tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    error = same(lambda sp: way(sp, [str(script)]))
    assert error["type"] == "FileNotFoundError"
    assert error["filename"] == str(script)


def test_a_file_in_no_known_format(way, tmp_path):
    file = tmp_path / "noformat"
    file.write_bytes(b"\x01\x02\x03\x04")
    file.chmod(0o755)
    error = same(lambda sp: way(sp, [str(file)]))
    assert (error["type"], error["errno"]) == ("OSError", errno.ENOEXEC)


def test_a_program_open_for_writing(way, tmp_path):
    program = tmp_path / "busy"
    program.write_bytes(pathlib.Path("/bin/sh").read_bytes())
    program.chmod(0o755)
    with open(program, "ab"):
        error = same(lambda sp: way(sp, [str(program), "-c", ":"]))
    assert error["errno"] == errno.ETXTBSY
    assert way(fastproc, [str(program), "-c", ":"]) in (0, b"")


def test_too_many_arguments(way):
    args = ["true"] + ["x" * 100_000] * 100
    error = same(lambda sp: way(sp, args))
    assert error["errno"] == errno.E2BIG and error["filename"] == "true"


def test_a_program_name_that_is_too_long(way):
    error = same(lambda sp: way(sp, ["/" + "x" * 5000]))
    assert error["errno"] == errno.ENAMETOOLONG


def test_no_permission_on_one_path_entry_does_not_hide_the_next(tmp_path):
    closed, good = tmp_path / "closed", tmp_path / "good"
    for folder, mode in ((closed, 0o644), (good, 0o755)):
        folder.mkdir()
        file = folder / "prog"
        file.write_text("#!/bin/sh\nexit 7\n")
        file.chmod(mode)
    path = f"{closed}:{good}"
    assert same(lambda sp: sp.call("prog", env={"PATH": path})) == 7


def test_no_permission_anywhere_is_said_rather_than_missing(tmp_path):
    closed, empty = tmp_path / "closed", tmp_path / "empty"
    for folder in (closed, empty):
        folder.mkdir()
    (closed / "prog").write_text("")
    for path in (f"{closed}:{empty}", f"{empty}:{closed}", f"{closed}:{tmp_path}/none"):
        error = same(lambda sp: sp.call("prog", env={"PATH": path}))
        assert error["type"] == "PermissionError"


def test_a_file_for_a_path_entry_is_passed_over(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    env = {"PATH": f"{file}:/bin:/usr/bin"}
    assert same(lambda sp: sp.call("true", env=env)) == 0
    env = {"PATH": f"/nowhere:{file}"}
    error = same(lambda sp: sp.call("true", env=env))
    assert error["errno"] in (errno.ENOENT, errno.ENOTDIR)


def test_no_exec_format_stops_the_search(tmp_path):
    for name, text in (("a", "exit 1\n"), ("b", "#!/bin/sh\nexit 2\n")):
        (tmp_path / name).mkdir()
        file = tmp_path / name / "prog"
        file.write_text(text)
        file.chmod(0o755)
    env = {"PATH": f"{tmp_path}/a:{tmp_path}/b"}
    same(lambda sp: sp.call("prog", env=env))


def test_a_failed_start_leaves_no_descriptor(sp):
    for args, options in ((MISSING, {}), ("true", {"cwd": MISSING}), ("true", {"env": {"=": ""}})):
        for _ in range(5):
            with pytest.raises((OSError, ValueError)):
                sp.Popen(args, stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE, **options)
            with pytest.raises((OSError, ValueError)):
                sp.Popen(args, stdin=sp.DEVNULL, stdout=sp.DEVNULL, **options)


def test_a_failed_start_closes_no_descriptor_twice(sp):
    """Others open files meanwhile; a double close would hit theirs."""
    failures = []
    stop = threading.Event()

    def open_and_close():
        while not stop.is_set():
            fds = [os.open(os.devnull, os.O_RDONLY) for _ in range(10)]
            for fd in fds:
                try:
                    os.close(fd)
                except OSError as error:
                    failures.append(error)

    thread = threading.Thread(target=open_and_close)
    thread.start()
    try:
        for _ in range(150):
            with pytest.raises(FileNotFoundError):
                sp.Popen([MISSING], stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE)
    finally:
        stop.set()
        thread.join()
    assert failures == []


def test_no_descriptors_left_to_open_is_an_error_and_leaves_none():
    out = fresh(
        fastproc,
        """
import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
keep = []
try:
    while True:
        keep.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
for free in range(9):
    for call in (lambda: sp.run(["true"], capture_output=True),
                 lambda: sp.run(["true"], capture_output=True, timeout=60),
                 lambda: sp.Popen(["true"], stdout=sp.PIPE, stderr=sp.PIPE)):
        before = len(os.listdir("/proc/self/fd")) if free else None
        try:
            p = call()
            if isinstance(p, sp.Popen):
                p.communicate()
            del p
            result = 0
        except OSError as error:
            result = error.errno
        if before:
            assert len(os.listdir("/proc/self/fd")) == before
        print(result, end=" ")
    print()
    os.close(keep.pop())
""",
    )
    lines = [set(map(int, line.split())) for line in out.splitlines()]
    # Two pipes are four descriptors; what else a start needs is its own business.
    assert lines[:4] == [{errno.EMFILE}] * 4
    assert lines[8] == {0}


@pytest.mark.needs_root
def test_a_process_limit_is_the_same_error():
    code = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
os.setresuid(65534, 65534, 65534)
try:
    sp.run(["true"])
except OSError as error:
    print(type(error).__name__, error.errno, error.filename)
"""
    ours, theirs = fresh(fastproc, code), fresh(subprocess, code)
    assert ours.split()[:2] == theirs.split()[:2] == ["BlockingIOError", str(errno.EAGAIN)]


@pytest.mark.needs_root
def test_a_folder_without_permission(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    error = same(lambda sp: sp.run(["/bin/true"], cwd=str(closed), user=65534))
    # The directory is entered before the credentials are given up.
    assert error[2] == 0


@pytest.mark.needs_root
def test_no_permission_to_change_the_user_is_the_same_error():
    code = """
import os
import sys
os.setresuid(65534, 65534, 65534)
for options in ({"user": 0}, {"group": 0}, {"extra_groups": [0]},
                {"extra_groups": []}):
    try:
        print(options, sp.run(["true"], **options).returncode)
    except OSError as error:
        print(options, type(error).__name__, error.args[:2], error.filename)
"""
    assert fresh(fastproc, code) == fresh(subprocess, code)


def test_an_error_of_the_caller_s_object_passes_through():
    class Bad:
        def __fspath__(self):
            raise ZeroDivisionError("mine")

        def fileno(self):
            raise ZeroDivisionError("mine")

    for action in (
        lambda sp: sp.run([Bad()]),
        lambda sp: sp.run(Bad()),
        lambda sp: sp.run(["true"], executable=Bad()),
        lambda sp: sp.run(["true"], cwd=Bad()),
        lambda sp: sp.run(["true"], env={"A": Bad()}),
        lambda sp: sp.run(["true"], stdin=Bad()),
        lambda sp: sp.run(["true"], stdout=Bad()),
        lambda sp: sp.run(["true"], stdin=-1, stderr=Bad()),
    ):
        assert same(action)["type"] == "ZeroDivisionError"


def test_an_exhausted_iterator_is_no_arguments():
    same(lambda sp: sp.run(iter([])))


def test_init_called_wrongly_gives_the_same_error():
    same(lambda sp: sp.Popen())
    same(lambda sp: sp.Popen(["true"], *range(20)))
    same(lambda sp: sp.Popen(["true"], nonsense=1))


@pytest.mark.posix
@pytest.mark.parametrize("size", [5, 5_000_000])
def test_a_missing_program_with_input_is_no_broken_pipe(sp, size):
    """Where SIGPIPE is not ignored, a write to nobody would end us."""
    out = fresh(
        sp,
        f"""
import signal
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
sp.run(["true"])
for attempt in range(20):
    try:
        sp.run(["/nowhere/at/all"], input=b"x" * {size}, capture_output=True)
    except FileNotFoundError as error:
        assert error.filename == "/nowhere/at/all"
print("said")
""",
    )
    assert out.split() == ["said"]


# Without CAP_KILL, root is not allowed to kill another user's processes.
NO_KILL = """
import ctypes, os, signal, time
class Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]
class Data(ctypes.Structure):
    _fields_ = [(n, ctypes.c_uint32) for n in ("effective", "permitted", "inheritable")]
libc = ctypes.CDLL(None, use_errno=True)
header, data = Header(0x20080522, 0), (Data * 2)()
assert libc.capget(ctypes.byref(header), data) == 0
data[0].effective &= ~(1 << 5)
data[0].permitted &= ~(1 << 5)
assert libc.capset(ctypes.byref(header), data) == 0
"""


@pytest.mark.posix
@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="needs root, to give up a part of it"
)
def test_a_child_that_may_not_be_killed_is_waited_for_and_said(sp):
    out = fresh(
        sp,
        NO_KILL
        + """
for options in {}, {"capture_output": True}:
    try:
        sp.run(["sleep", "0.5"], user=65534, timeout=0.1, **options)
    except PermissionError:
        print("PermissionError")

class Alarm(Exception): pass
def alarm(*args): raise Alarm
signal.signal(signal.SIGALRM, alarm)
signal.setitimer(signal.ITIMER_REAL, 0.3)
started = time.monotonic()
try:
    sp.run(["sleep", "5"], user=65534, timeout=0.1)
except Alarm:
    print(time.monotonic() - started < 4)
""",
    )
    assert out.split() == ["PermissionError", "PermissionError", "True"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exceptions have no notes before 3.11")
def test_a_note_says_which_step_failed_where_no_file_name_does():
    for way in (fastproc.run, fastproc.Popen):
        with pytest.raises(OSError) as caught:
            way(["true"], process_group=(1 << 30) + 12345)
        assert caught.value.filename is None
        assert caught.value.__notes__ == ["the step that failed: setpgid"]
