"""Handles: none is left over, and each child gets its own and no other."""

import ctypes
import gc
import io
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import fastproc
from tests._helpers import PATIENCE, child, python

if os.name != "nt":
    pytest.skip("counts Windows handles", allow_module_level=True)

import _winapi
import msvcrt

from fastproc import _native_windows as native, _streams_windows

SPAWNS = int(os.environ.get("FASTPROC_SPAWNS", "200"))
THREADS = 8
ROUNDS = 4
SHORT = "cmd /c echo said"
ERROR_INTERNAL_ERROR = 1359
DUPLICATE_SAME_ACCESS = 2
SYSTEM_EXTENDED_HANDLE_INFORMATION = 64
STATUS_INFO_LENGTH_MISMATCH = 0xC0000004


class _Handle(ctypes.Structure):
    """SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX"""

    _fields_ = [
        ("object", ctypes.c_void_p),
        ("process", ctypes.c_size_t),
        ("value", ctypes.c_size_t),
        ("access", ctypes.c_ulong),
        ("trace", ctypes.c_ushort),
        ("type", ctypes.c_ushort),
        ("attributes", ctypes.c_ulong),
        ("reserved", ctypes.c_ulong),
    ]


def handle_count():
    """How many handles this process has; wine 8's GetProcessHandleCount() says 0, always."""
    query = ctypes.WinDLL("ntdll").NtQuerySystemInformation
    query.restype = ctypes.c_ulong
    size = ctypes.c_ulong(1 << 16)
    status = STATUS_INFO_LENGTH_MISMATCH
    while status == STATUS_INFO_LENGTH_MISMATCH:
        size.value *= 2
        table = ctypes.create_string_buffer(size.value)
        status = query(SYSTEM_EXTENDED_HANDLE_INFORMATION, table, size, None)
    assert status == 0
    count = ctypes.c_size_t.from_buffer(table).value
    handles = (_Handle * count).from_buffer(table, 2 * ctypes.sizeof(ctypes.c_size_t))
    return sum(handle.process == os.getpid() for handle in handles)


def test_the_handles_are_counted():
    """Or no test here would see one that is left."""
    before = handle_count()
    read, write = os.pipe()
    assert handle_count() == before + 2
    os.close(read)
    os.close(write)
    assert handle_count() == before


def run_captured():
    assert fastproc.run(SHORT, capture_output=True).stdout == b"said\r\n"


def run_fed():
    fastproc.run(SHORT, input=b"x" * 100000, stdout=fastproc.PIPE)


def popen_communicate():
    with fastproc.Popen(SHORT, stdin=-1, stdout=-1, stderr=-1) as process:
        assert process.communicate(b"x") == (b"said\r\n", b"")


def popen_times_out():
    with fastproc.Popen(child.linger(), stdin=-1, stdout=-1, stderr=-1) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(b"x" * 1000000, timeout=0.01)
        process.kill()


def run_times_out():
    with pytest.raises(subprocess.TimeoutExpired):
        fastproc.run(child.linger(), capture_output=True, timeout=0.01)


def spawn_fails():
    with pytest.raises(FileNotFoundError):
        fastproc.Popen("no-such-program-anywhere", stdin=-1, stdout=-1, stderr=-3)


def folder_is_missing():
    with pytest.raises(NotADirectoryError):
        fastproc.run(SHORT, cwd="no such folder", capture_output=True)


WAYS = [
    (run_captured, SPAWNS),
    (popen_communicate, SPAWNS // 4),
    (run_fed, SPAWNS // 10),
    (popen_times_out, 3),
    (run_times_out, 3),
    (spawn_fails, 20),
    (folder_is_missing, 20),
]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("way", "times"), WAYS, ids=[way.__name__ for way, _ in WAYS])
def test_no_handle_is_left(way, times):
    way()  # what is opened once, and kept, is opened here
    before, started = handle_count(), time.perf_counter()
    not_started = 0
    for _ in range(times):
        try:
            way()
        except OSError as error:
            # wine 8: about one in 5,000 of our captured runs is refused so, and of the
            # standard library's, too (one within the first 1,000).
            if error.winerror != ERROR_INTERNAL_ERROR:
                raise
            not_started += 1
    after, seconds = handle_count(), time.perf_counter() - started
    print(f"{times} in {seconds:.0f} s, {not_started} not started; {before} handles, then {after}")
    assert after <= before
    assert not_started <= times // 1000 + 1


@pytest.fixture
def kept_handles(monkeypatch):
    """The process handles that nobody can take, as when memory is out just after the birth."""
    kept = []

    def refused(handle):
        this = _winapi.GetCurrentProcess()
        kept.append(_winapi.DuplicateHandle(this, handle, this, 0, False, DUPLICATE_SAME_ACCESS))
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(native, "Child", refused)
        yield kept
    for handle in kept:
        if _winapi.WaitForSingleObject(handle, 0) != _winapi.WAIT_OBJECT_0:
            _winapi.TerminateProcess(handle, 1)
        _winapi.CloseHandle(handle)


@pytest.mark.parametrize("options", [{}, {"stdin": -1, "stdout": -1, "stderr": -1}], ids=str)
def test_a_child_whose_handle_nobody_can_take_is_ended(kept_handles, options):
    before = handle_count()
    with pytest.raises(MemoryError):
        fastproc.Popen(child.linger(), **options)
    assert handle_count() == before + 1  # the one kept by this test
    (handle,) = kept_handles
    assert _winapi.WaitForSingleObject(handle, PATIENCE * 1000) == _winapi.WAIT_OBJECT_0


def test_so_is_that_of_a_run_which_is_interrupted(kept_handles):
    def interrupted():
        timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
        timer.start()
        with pytest.raises(MemoryError):
            fastproc.run(child.linger(), capture_output=True)
        timer.join()

    interrupted()  # what is opened once, and kept, is opened here
    before = handle_count()
    interrupted()
    assert handle_count() == before + 1
    for handle in kept_handles:
        assert _winapi.WaitForSingleObject(handle, PATIENCE * 1000) == _winapi.WAIT_OBJECT_0


@pytest.mark.timeout(600)
def test_children_started_at_once_inherit_only_their_own_handles():
    """Eight threads: a child that lives on would keep another's pipe open, had it got it."""
    failures = []
    barrier = threading.Barrier(THREADS)

    def work():
        lingering = []
        try:
            for _ in range(ROUNDS):
                barrier.wait(PATIENCE)
                lingering.append(
                    fastproc.Popen(child.linger(), stdin=-1, stdout=-1, stderr=-1),
                )
                done = fastproc.run(SHORT, capture_output=True, timeout=PATIENCE)
                assert done.stdout == b"said\r\n"
                with fastproc.Popen(SHORT, stdin=-1, stdout=-1, stderr=-1) as process:
                    assert process.communicate(timeout=PATIENCE)[0] == b"said\r\n"
        except BaseException as error:
            failures.append(error)
            barrier.abort()
        finally:
            barrier_done.wait()
            for process in lingering:
                process.kill()
                with process:
                    pass

    # No lingering child ends before each thread has read its pipes to the end.
    barrier_done = threading.Barrier(THREADS)
    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


@pytest.mark.parametrize(
    ("where", "name", "after"),
    [
        *((msvcrt, "open_osfhandle", after) for after in range(3)),
        *((_streams_windows, "PipeReader", after) for after in range(2)),
        *((io, "TextIOWrapper", after) for after in range(3)),
    ],
    ids=lambda thing: getattr(thing, "__name__", thing),
)
def test_where_a_stream_cannot_be_made_no_handle_is_left(monkeypatch, where, name, after):
    """As where the C runtime has no descriptor left."""
    original, calls = getattr(where, name), []

    def fails(*args, **kwargs):
        calls.append(args)
        if len(calls) > after:
            raise OSError(24, "Too many open files")
        return original(*args, **kwargs)

    def attempt():
        calls.clear()
        with monkeypatch.context() as patch, pytest.raises(OSError, match="Too many"):
            patch.setattr(where, name, fails)
            fastproc.Popen(child.linger(), stdin=-1, stdout=-1, stderr=-1, encoding="utf-8")

    attempt()  # what is opened once, and kept, is opened here
    before = handle_count()
    attempt()
    gc.collect()
    assert handle_count() == before


STREAMS = {"stdin": -10, "stdout": -11, "stderr": -12}  # STD_INPUT_HANDLE and so on
REDIRECTIONS = [
    {},
    {"stdin": subprocess.DEVNULL},
    {"stdin": subprocess.PIPE},
    {"stdout": subprocess.PIPE},
    {"stderr": subprocess.PIPE},
    {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT},
]
TRIES_ITS_STREAMS = """
import os, sys
said = []
for attempt in (lambda: os.read(0, 1), lambda: os.write(1, b"1"), lambda: os.write(2, b"2")):
    try:
        said.append(attempt())
    except OSError as error:
        said.append(error.errno)
open(sys.argv[1], "w").write(repr(said))
"""


@pytest.fixture
def std_handles(monkeypatch):
    """Sets standard handles of this process, until the test is over."""
    put = ctypes.windll.kernel32.SetStdHandle
    put.argtypes = [ctypes.c_long, ctypes.c_void_p]
    saved = [(number, _winapi.GetStdHandle(number)) for number in STREAMS.values()]
    yield put
    for number, handle in saved:
        put(number, handle)


@pytest.mark.parametrize("missing", [*([name] for name in STREAMS), list(STREAMS)], ids=str)
@pytest.mark.parametrize("way", ["Popen", "run"])
def test_a_program_without_standard_handles_starts_the_same(tmp_path, std_handles, way, missing):
    """As one with windows only. What is there stays what it is; what is not is a dead pipe."""
    report = tmp_path / "report"

    def attempt(module, options):
        report.write_text("")
        command = [*python(TRIES_ITS_STREAMS), str(report)]
        if way == "run":
            output = vars(module.run(command, timeout=PATIENCE, **options))
        else:
            with module.Popen(command, **options) as process:
                output = process.communicate(timeout=PATIENCE), process.returncode
        return output, report.read_text()

    for name in missing:
        std_handles(STREAMS[name], None)
    for options in REDIRECTIONS:
        theirs = attempt(subprocess, options)
        before = handle_count()
        assert attempt(fastproc, options) == theirs, options
        if way == "run":
            assert handle_count() <= before, options


def test_its_dead_pipes_are_audited_as_pipes(std_handles):
    counted = []
    counting = True

    def hook(event, args):
        if counting and event == "_winapi.CreatePipe":
            counted.append(args)

    sys.addaudithook(hook)
    for number in STREAMS.values():
        std_handles(number, None)
    for options in REDIRECTIONS:
        counts = []
        for module in (subprocess, fastproc):
            counted.clear()
            module.run(child.true(), **options)
            counts.append(len(counted))
        assert counts[0] == counts[1], options
    counting = False


@pytest.mark.parametrize("way", ["Popen", "run"])
@pytest.mark.parametrize("handle", [-1, 0x7FF0], ids=["invalid", "closed"])
@pytest.mark.parametrize("name", STREAMS)
def test_a_standard_handle_that_is_none_is_refused_alike(std_handles, name, handle, way):
    given = {"stdout": -1} if name == "stdin" else {"stdin": -1}
    std_handles(STREAMS[name], ctypes.c_void_p(handle))
    before = handle_count()
    raised = []
    for module in (subprocess, fastproc):
        ctypes.windll.kernel32.SetLastError(0)
        with pytest.raises(OSError) as caught:
            getattr(module, way)(child.true(), **given)
        raised.append((caught.value.winerror, caught.type, str(caught.value)))
        del caught
    assert raised[0] == raised[1]
    gc.collect()
    assert handle_count() <= before


def in_child(handle, **options):
    """Whether a child can set this event."""
    code = f"import ctypes; ctypes.windll.kernel32.SetEvent({handle})"
    fastproc.run([sys.executable, "-c", code], check=True, **options)
    return ctypes.windll.kernel32.WaitForSingleObject(handle, 0) == 0


@pytest.fixture
def event():
    handle = ctypes.windll.kernel32.CreateEventW(None, True, False, None)
    yield handle
    ctypes.windll.kernel32.CloseHandle(handle)


@pytest.mark.parametrize("redirected", [{}, {"stdout": subprocess.DEVNULL}], ids=["plain", "null"])
def test_the_handle_list_is_inherited_and_nothing_else(event, redirected):
    os.set_handle_inheritable(event, True)
    assert not in_child(event, **redirected)
    info = fastproc.STARTUPINFO(lpAttributeList={"handle_list": [event, event]})
    assert in_child(event, startupinfo=info, **redirected)


def test_close_fds_false_inherits_what_is_inheritable(event):
    assert not in_child(event, close_fds=False)
    os.set_handle_inheritable(event, True)
    assert in_child(event, close_fds=False)


def test_a_handle_list_overrides_close_fds_false(event):
    os.set_handle_inheritable(event, True)
    info = fastproc.STARTUPINFO(lpAttributeList={"handle_list": [event]})
    with pytest.warns(RuntimeWarning, match=r"handle_list.* overriding close_fds"):
        assert in_child(event, startupinfo=info, close_fds=False)


def test_a_handle_that_is_not_inheritable_is_refused(event):
    """wine would let it pass; Windows does not."""
    info = fastproc.STARTUPINFO(lpAttributeList={"handle_list": [event]})
    with pytest.raises(OSError, match="WinError 87"):
        in_child(event, startupinfo=info)
