"""What subprocess has, or does, on Windows only."""

import asyncio
import codecs
import gc
import importlib.util
import io
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import fastproc
from tests._helpers import PATIENCE, child, python, same

if os.name != "nt":
    pytest.skip("is about Windows", allow_module_level=True)

import _winapi

from fastproc import _native_windows as native

GRANDCHILD = (
    "import subprocess, sys, time\n"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(30)'])\n"
    "print('said', flush=True)\n"
    "time.sleep(30)"
)


def test_every_constant_is_there_with_its_value():
    names = [n for n in subprocess.__all__ if n not in ("Popen", "run", "call", "check_call")]
    for name in names:
        if name not in ("check_output", "getoutput", "getstatusoutput"):
            assert getattr(fastproc, name) is getattr(subprocess, name), name
    assert set(subprocess.__all__) <= set(fastproc.__all__)
    assert (fastproc.STARTF_FORCEONFEEDBACK, fastproc.STARTF_FORCEOFFFEEDBACK) == (0x40, 0x80)


def test_a_startupinfo_copies_its_handle_list():
    info = fastproc.STARTUPINFO(dwFlags=1, wShowWindow=2, lpAttributeList={"handle_list": [7]})
    copy = info.copy()
    copy.lpAttributeList["handle_list"].append(8)
    assert info.lpAttributeList == {"handle_list": [7]}
    assert (copy.dwFlags, copy.wShowWindow) == (1, 2)


POSIX_ONLY = [
    {"preexec_fn": int},
    {"user": 0},
    {"group": "wheel"},
    {"extra_groups": []},
    {"pass_fds": (3,)},
]


@pytest.mark.parametrize("options", POSIX_ONLY, ids=lambda options: next(iter(options)))
def test_what_is_for_posix_is_refused_alike(options):
    same(lambda sp: sp.Popen(child.true(), **options))


@pytest.mark.parametrize(
    "options",
    [{"restore_signals": False}, {"start_new_session": True}, {"umask": 0o22}, {"pipesize": 1}],
    ids=lambda options: next(iter(options)),
)
def test_what_means_nothing_here_is_ignored(options):
    assert fastproc.run(child.leave(3), **options).returncode == 3


REFUSED = [
    ("cmd", {"creationflags": "x"}),
    ("cmd", {"creationflags": None}),
    ("cmd", {"startupinfo": 5}),
    ("cmd\0", {}),
    ("cmd", {"cwd": "a\0"}),
    ("cmd", {"executable": "a\0"}),
    ("cmd", {"env": {"a=b": "c"}}),
    ("cmd", {"env": {"a": 1}}),
    ("cmd", {"env": {"a": None}}),
    ("cmd", {"env": {"a": "b\0"}}),
    ("cmd", {"env": 5}),
    ("cmd", {"env": [1]}),
    (5, {}),
    (["cmd", 5], {}),
    (b"cmd", {"shell": True}),
    ([""], {}),
    ([], {}),
    ("", {}),
    ("no-such-program", {}),
    ("no-such-program", {"cwd": "no such folder"}),
    ("cmd", {"cwd": "no such folder"}),
    ("exit", {"shell": True, "executable": "no-such-shell"}),
    ("cmd", {"stdin": 99}),
    ("cmd", {"stdin": -7}),
    ("cmd", {"stdin": "x"}),
]


@pytest.mark.parametrize(("args", "options"), REFUSED, ids=repr)
def test_bad_input_is_refused_alike(args, options):
    def attempt(sp):
        try:
            sp.Popen(args, **options)
        except OSError as error:
            return type(error), error.errno, error.winerror, error.filename, str(error)

    same(attempt)


AUDITED = {
    "subprocess.Popen",
    "_winapi.CreateProcess",
    "_winapi.CreatePipe",
    "_winapi.TerminateProcess",
}


def test_the_audit_events_are_the_same():
    seen = []

    def hook(event, args):
        if event in AUDITED and seen is not None:
            seen.append((event, args))

    sys.addaudithook(hook)
    events = []
    for module in (subprocess, fastproc):
        seen.clear()
        module.run(["cmd", "/c", "exit 0"], cwd="C:\\", env=dict(os.environ))
        with module.Popen(child.linger(), stdin=-1, stdout=-1) as process:
            process.kill()
        events.append(list(seen))
    seen = None
    assert events[0][0] == events[1][0]
    assert [name for name, _ in events[0]] == [name for name, _ in events[1]]
    # The standard library's own second one has what lies in memory where the text should be.
    assert events[1][1] == ("_winapi.CreateProcess", (None, 'cmd /c "exit 0"', "C:\\"))


def test_the_shell_is_comspec(monkeypatch):
    assert fastproc.run("exit 5", shell=True).returncode == 5
    monkeypatch.delenv("ComSpec")
    assert fastproc.run("exit 6", shell=True).returncode == 6  # by %SystemRoot%
    monkeypatch.delenv("SystemRoot")
    with pytest.raises(FileNotFoundError, match="shell not found"):
        fastproc.run("exit 7", shell=True)


def test_batch_files_run_as_with_the_standard_library(tmp_path):
    batch = tmp_path / "b.bat"
    batch.write_text("@echo [%~1]\n@exit /b 4\n")
    result = same(lambda sp: sp.run([batch, "a b"], capture_output=True))
    assert result[2:4] == (4, b"[a b]\r\n")


def test_259_is_an_exit_code_like_any_other(sp):
    process = sp.Popen(child.leave(259))
    assert process.wait() == 259
    assert process.poll() == process.returncode == 259


def test_terminating_twice_is_fine(sp):
    with sp.Popen(child.linger()) as process:
        process.terminate()
        assert process.wait(PATIENCE) == 1
        process.terminate()
        process.kill()
        process.send_signal(signal.SIGTERM)


def test_signals_that_do_not_exist_here(sp):
    with sp.Popen(child.linger()) as process:
        with pytest.raises(ValueError, match="Unsupported signal: 99"):
            process.send_signal(99)
        process.kill()


def test_ctrl_events_go_where_os_kill_sends_them(monkeypatch, sp):
    sent = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    with sp.Popen(child.linger(), creationflags=sp.CREATE_NEW_PROCESS_GROUP) as process:
        process.send_signal(signal.CTRL_C_EVENT)
        process.send_signal(signal.CTRL_BREAK_EVENT)
        process.kill()
    assert sent == [
        (process.pid, signal.CTRL_C_EVENT),
        (process.pid, signal.CTRL_BREAK_EVENT),
    ]


def test_the_handle_is_a_handle(sp):
    with sp.Popen(child.true()) as process:
        assert isinstance(process._handle, subprocess.Handle)
        assert int(process._handle) > 0


# --- time ----------------------------------------------------------------------------


def ended_in_time(action):
    started = time.perf_counter()
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        action()
    assert time.perf_counter() - started < 20
    return caught.value


@pytest.mark.parametrize("timeout", [2, 2.5])
def test_run_returns_at_its_deadline_though_a_grandchild_holds_the_pipes(timeout):
    """gh-87512: the standard library waits for the grandchild."""
    error = ended_in_time(
        lambda: fastproc.run(python(GRANDCHILD), capture_output=True, timeout=timeout)
    )
    assert (error.stdout, error.stderr) == (b"said\r\n", None)


def test_the_same_by_way_of_a_popen_that_was_replaced():
    class Own(fastproc.Popen):
        pass

    original, fastproc.Popen = fastproc.Popen, Own
    try:
        error = ended_in_time(
            lambda: fastproc.run(python(GRANDCHILD), capture_output=True, timeout=2)
        )
    finally:
        fastproc.Popen = original
    assert (error.stdout, error.stderr) == (b"said\r\n", None)


def test_communicate_goes_on_after_a_timeout():
    """Large input, half sent: nothing is lost, and nothing sent twice."""
    data = os.urandom(3000000)
    code = (
        "import sys\n"
        "head = sys.stdin.buffer.read(100000)\n"
        "sys.stderr.write('waiting'); sys.stderr.flush()\n"
        "import time; time.sleep(1)\n"
        "sys.stdout.buffer.write(head + sys.stdin.buffer.read())"
    )
    with fastproc.Popen(python(code), stdin=-1, stdout=-1, stderr=-1) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(data, timeout=0.2)
        assert process.communicate(timeout=PATIENCE) == (data, b"waiting")


def test_run_returns_at_its_deadline_though_a_grandchild_never_stops_writing():
    code = (
        "import subprocess, sys, time\n"
        "more = 'import sys, time; end = time.time() + 30\\n'"
        " 'while time.time() < end: sys.stdout.write(\"x\" * 5000)'\n"
        "subprocess.Popen([sys.executable, '-c', more])\n"
        "time.sleep(30)"
    )
    error = ended_in_time(lambda: fastproc.run(python(code), capture_output=True, timeout=3))
    assert set(error.stdout or b"x") == set(b"x")


def test_communicate_says_the_same_again(sp):
    with sp.Popen(child.say("out", "err"), stdout=-1, stderr=-1, text=True) as process:
        assert process.communicate() == process.communicate() == ("out", "err")


def test_communicate_times_out_on_a_child_that_closed_its_streams():
    code = "import os, time; os.close(1); os.close(2); time.sleep(30)"
    with fastproc.Popen(python(code), stdout=-1, stderr=-1) as process:
        error = ended_in_time(lambda: process.communicate(timeout=2))
        assert error.timeout == 2
        process.kill()
        assert process.communicate() == (b"", b"")


# --- streams -------------------------------------------------------------------------


@pytest.mark.parametrize("bufsize", [-1, 0, 5])
def test_communicate_keeps_what_was_read_ahead(sp, bufsize):
    code = r"import sys; sys.stdout.buffer.write(b'one\r\ntwo\r\n\xc3\xa9'); sys.stdout.close()"
    options = {"stdout": sp.PIPE, "stderr": sp.PIPE, "bufsize": bufsize}
    with sp.Popen(python(code), **options) as process:
        assert process.stdout.read(1) == b"o"
        assert process.communicate()[0] == b"ne\r\ntwo\r\n\xc3\xa9"


def test_communicate_keeps_what_a_text_layer_read_ahead(sp):
    code = r"import sys; sys.stdout.buffer.write(b'one\r\ntwo\r\n\xc3\xa9')"
    options = {"stdout": sp.PIPE, "stderr": sp.PIPE, "encoding": "utf-8"}
    with sp.Popen(python(code), **options) as process:
        assert process.stdout.readline() == "one\n"
        assert process.communicate()[0] == "two\n\xe9"


def test_text_input_has_the_line_ends_of_this_system(sp):
    code = "import sys; print(ascii(sys.stdin.buffer.read()))"
    assert sp.run(python(code), input="a\nb\r\n", text=True, stdout=-1).stdout == (
        "b'a\\r\\nb\\r\\r\\n'\n"
    )
    with sp.Popen(python(code), stdin=-1, stdout=-1, text=True) as process:
        process.stdin.write("1\n")
        assert process.communicate("2\n")[0] == "b'1\\r\\n2\\r\\n'\n"


def test_an_encoder_s_state_goes_on_from_write_to_communicate():
    sp = fastproc  # the standard library's decoder misses the mark that wine makes it leave out
    code = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
    with sp.Popen(python(code), stdin=-1, stdout=-1, encoding="utf-16") as process:
        process.stdin.write("1")
        assert process.communicate("2")[0] == "12"


def test_streams_of_somebody_else_s_are_read_by_their_own_methods():
    class Own(io.RawIOBase):
        def read(self, size=-1):
            return b"own"

    with fastproc.Popen(
        python("import sys; sys.stderr.write('err')"), stdout=-1, stderr=-1
    ) as process:
        process.stdout.close()
        process.stdout = Own()
        assert process.communicate() == (b"own", b"err")


COPY = "import sys; data = sys.stdin.buffer.read(); sys.stdout.buffer.write(data)"
WRAPPED = {
    "codecs": (codecs.getreader("utf-16-le"), codecs.getwriter("utf-16-le")),
    "text": (
        lambda stream: io.TextIOWrapper(stream, "utf-16-le", newline=""),
        lambda stream: io.TextIOWrapper(stream, "utf-16-le", newline="", write_through=True),
    ),
}


@pytest.mark.parametrize("how", WRAPPED)
@pytest.mark.parametrize("names", ["in out err", "out err", "in out", "in", "out"])
@pytest.mark.parametrize("timeout", [None, PATIENCE])
def test_a_stream_that_the_user_has_wrapped_is_read_and_written_as_wrapped(sp, how, names, timeout):
    """It has our attributes, or those that it lets through: it is none of ours all the same."""
    reader, writer = WRAPPED[how]
    pipes = {f"std{name}": sp.PIPE for name in names.split()}
    code = COPY if "in" in names else "import sys; sys.stdout.buffer.write(bytes([233, 0]))"
    options = {"stdin": sp.DEVNULL, "stdout": sp.DEVNULL, "stderr": sp.DEVNULL, **pipes}
    with sp.Popen(python(code), **options) as process:
        if "in" in names:
            process.stdin = writer(process.stdin)
        if "out" in names:
            process.stdout = reader(process.stdout)
        said = process.communicate("\xe9" if "in" in names else None, timeout)
    assert said == ("\xe9" if "out" in names else None, b"" if "err" in names else None)


def test_a_stream_that_is_replaced_while_communicate_is_at_it_changes_nothing():
    with fastproc.Popen(child.echo(), stdin=-1, stdout=-1, stderr=-1) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(bytes(1000000), timeout=0.001)
        stdout = process.stdout
        process.stdout = io.BytesIO(b"another")
        assert process.communicate(timeout=PATIENCE)[0] == bytes(1000000)
        assert stdout.closed


@pytest.mark.parametrize("size", [100, 4096, 65536])
def test_run_returns_at_its_deadline_though_the_child_never_stops_talking(size):
    """On both streams at once: then something is always ready."""
    talker = python(
        "import os, sys, threading\n"
        "def talk(fd):\n"
        f"    while True: os.write(fd, bytes({size}))\n"
        "threading.Thread(target=talk, args=(1,), daemon=True).start()\n"
        "talk(2)"
    )
    started = time.perf_counter()
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        fastproc.run(talker, capture_output=True, timeout=2)
    assert time.perf_counter() - started < 10
    assert caught.value.stdout
    assert caught.value.stderr


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_popen_that_nobody_keeps_closes_its_pipes(sp):
    """A child that waits for the end of its input then ends."""
    watched = sp.Popen(python("import sys; sys.stdin.read()"), stdin=subprocess.PIPE)
    handle = int(watched._handle)
    with sp.Popen(child.leave(0)):  # the next start looks through what is abandoned
        pass
    duplicate = _winapi.DuplicateHandle(
        _winapi.GetCurrentProcess(), handle, _winapi.GetCurrentProcess(), 0, False, 2
    )
    del watched
    gc.collect()
    assert _winapi.WaitForSingleObject(duplicate, PATIENCE * 1000) == _winapi.WAIT_OBJECT_0
    _winapi.CloseHandle(duplicate)


def test_terminating_a_child_that_is_just_ending_is_no_error(monkeypatch):
    """Windows refuses that, and the handle need not tell of the end yet; wine allows it."""

    def refused(handle):
        raise PermissionError(13, "Access is denied", None, 5)

    with fastproc.Popen(child.leave(7)) as process:
        assert native.wait(process._handle, PATIENCE) == 7
        monkeypatch.setattr(native, "terminate", refused)
        monkeypatch.setattr(type(process), "poll", lambda self: None)
        process.terminate()
        assert process.returncode == 7
    with fastproc.Popen(child.linger()) as process:
        with pytest.raises(PermissionError):
            process.kill()
        monkeypatch.undo()
        process.kill()


def test_a_second_communicate_with_one_pipe_says_that_it_is_closed(sp):
    with sp.Popen(child.leave(0), stdout=subprocess.PIPE) as process:
        process.communicate()
        with pytest.raises(ValueError, match="closed file"):
            process.communicate()


# --- Ctrl-C ---------------------------------------------------------------------------


@pytest.fixture
def interrupt_soon():
    """As Ctrl-C does: the C runtime calls Python's handler in a thread of its own."""
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    yield timer.start
    timer.join()


@pytest.mark.parametrize(
    "way", ["wait", "wait timeout", "communicate", "communicate, one pipe", "run", "run captured"]
)
def test_ctrl_c_ends_a_wait(way, interrupt_soon):
    ways = {
        "wait": lambda process: process.wait(),
        "wait timeout": lambda process: process.wait(60),
        "communicate": lambda process: process.communicate(),
        "communicate, one pipe": lambda process: process.communicate(),
        "run": lambda _: fastproc.run(child.linger()),
        "run captured": lambda _: fastproc.run(child.linger(), capture_output=True),
    }
    stderr = subprocess.DEVNULL if way.endswith("one pipe") else subprocess.PIPE
    with fastproc.Popen(child.linger(), stdout=subprocess.PIPE, stderr=stderr) as waiting:
        interrupt_soon()
        started = time.perf_counter()
        with pytest.raises(KeyboardInterrupt):
            ways[way](waiting)
        assert time.perf_counter() - started < 20
        waiting.kill()


def test_a_handler_that_does_not_raise_does_not_end_a_wait(interrupt_soon):
    seen = []
    previous = signal.signal(signal.SIGINT, lambda *args: seen.append(args[0]))
    try:
        interrupt_soon()
        done = fastproc.run(python("import time; time.sleep(2); print('end')"), stdout=-1)
    finally:
        signal.signal(signal.SIGINT, previous)
    assert (done.returncode, done.stdout) == (0, b"end\r\n")
    assert seen == [signal.SIGINT]


# --- in the place of subprocess ----------------------------------------------------------


def test_asyncio_starts_its_processes_by_us(monkeypatch):
    monkeypatch.setitem(sys.modules, "subprocess", fastproc)
    spec = importlib.util.find_spec("asyncio.windows_utils")
    utils = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(utils)
    assert issubclass(utils.Popen, fastproc.Popen)
    monkeypatch.setattr(asyncio.windows_events.windows_utils, "Popen", utils.Popen)

    async def main():
        process = await asyncio.create_subprocess_exec(
            *child.say("out", "err", 3), stdout=-1, stderr=-1
        )
        return await process.communicate(), process.returncode

    assert asyncio.run(main()) == ((b"out", b"err"), 3)
