"""Popen from birth to reaping: attributes, poll, wait, context manager, end."""

import gc
import os
import subprocess
import sys
import threading
import warnings

import pytest

import fastproc
from tests._helpers import PATIENCE, child, fresh


def test_it_is_the_stdlib_class_to_isinstance(sp):
    with sp.Popen(child.true()) as process:
        assert isinstance(process, subprocess.Popen)
        assert isinstance(process, sp.Popen)
    assert issubclass(sp.Popen, subprocess.Popen)


def test_attributes_after_the_start(sp):
    args = child.true()
    with sp.Popen(args, encoding="ascii", errors="ignore") as process:
        assert process.args is args
        assert isinstance(process.pid, int) and process.pid > 0
        assert process.returncode is None
        assert (process.stdin, process.stdout, process.stderr) == (None,) * 3
        assert (process.encoding, process.errors) == ("ascii", "ignore")
        assert process.text_mode and process.universal_newlines
        assert process.pipesize == -1
    assert process.returncode == 0


def test_the_pid_is_the_child_s_own(sp):
    code = "import os; print(os.getpid(), os.getppid())"
    with sp.Popen([sys.executable, "-S", "-c", code], stdout=sp.PIPE) as process:
        pid, parent = map(int, process.stdout.read().split())
    if os.name != "nt":  # a venv's python.exe on Windows starts another
        assert pid == process.pid
        assert parent == os.getpid()


@pytest.mark.posix
def test_with_a_shell_the_pid_is_the_shell_s(sp):
    script = "echo $$ $PPID; sh -c 'echo $$ $PPID'; true"
    with sp.Popen(script, shell=True, stdout=sp.PIPE) as process:
        shell, parent, inner, above = map(int, process.stdout.read().split())
    assert shell == process.pid == above
    assert parent == os.getpid()
    assert inner != process.pid


def test_poll_is_none_until_the_end_and_the_code_from_then_on(sp):
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE) as process:
        assert process.poll() is None
        assert process.returncode is None
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
        assert process.poll() == 0
        assert process.poll() == 0


def test_poll_alone_notices_the_end(sp):
    with sp.Popen(child.say(code=7), stdout=sp.PIPE) as process:
        process.stdout.read()
        # The end of file comes a moment before the end of the process.
        while process.poll() is None:
            pass
        assert process.returncode == 7


def test_wait_returns_the_code_again_and_again(sp):
    process = sp.Popen(child.leave(3))
    assert process.wait() == 3
    assert process.wait() == 3
    assert process.wait(timeout=0) == 3
    assert process.poll() == 3


def test_wait_from_many_threads_gives_one_code(sp):
    process = sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.DEVNULL)
    codes = []
    threads = [threading.Thread(target=lambda: codes.append(process.wait())) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert process.poll() is None
    process.stdin.close()
    for thread in threads:
        thread.join(PATIENCE)
    assert codes == [0] * 8


def test_the_context_manager_closes_and_waits(sp):
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE) as process:
        pass
    assert process.returncode == 0
    assert process.stdin.closed and process.stdout.closed


def test_the_context_manager_returns_the_process(sp):
    process = sp.Popen(child.true())
    with process as entered:
        assert entered is process


def test_the_context_manager_passes_the_body_s_error_on(sp):
    with (
        pytest.raises(ZeroDivisionError),
        sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.DEVNULL) as process,
    ):
        raise ZeroDivisionError
    assert process.returncode == 0


@pytest.mark.posix
def test_the_context_manager_lets_a_broken_pipe_out_and_still_waits(sp):
    process = sp.Popen(child.ignore_stdin(), stdin=sp.PIPE, bufsize=1 << 16)
    with pytest.raises(BrokenPipeError), process:
        process.stdin.write(b"x" * 100)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert process.returncode == 0
    assert process.stdin.closed


def test_repr_tells_class_code_and_args(sp):
    args = child.true()
    with sp.Popen(args) as process:
        assert repr(process) == shortened(f"<Popen: returncode: None args: {args!r}>")
    assert repr(process) == shortened(f"<Popen: returncode: 0 args: {args!r}>")


def test_repr_names_the_subclass_and_is_cut_at_80(sp):
    class Named(sp.Popen):
        pass

    args = [*child.true(), "x" * 100]
    with Named(args) as process:
        text = repr(process)
    assert text == shortened(f"<Named: returncode: None args: {args!r}>")
    assert len(text) == 80 and text.endswith("...>")


def shortened(text):
    return text if len(text) <= 80 else text[:76] + "...>"


def test_generic_aliases_exist(sp):
    assert sp.Popen[bytes].__origin__ is sp.Popen
    assert sp.CompletedProcess[str].__origin__ is subprocess.CompletedProcess


@pytest.mark.posix
def test_an_abandoned_running_child_warns_and_is_reaped_later(sp):
    process = sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.DEVNULL)
    pid, stdin = process.pid, process.stdin
    with pytest.warns(ResourceWarning, match=f"subprocess {pid} is still running"):
        del process
        gc.collect()
    stdin.close()
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    # The next start collects what was abandoned.
    sp.run(child.true())
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


@pytest.mark.posix
def test_an_abandoned_finished_child_warns_and_is_reaped_at_once(sp):
    process = sp.Popen(child.true())
    pid = process.pid
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    with pytest.warns(ResourceWarning, match="is still running"):
        del process
        gc.collect()
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


@pytest.mark.posix
def test_an_abandoned_and_killed_child_is_reaped_later(sp):
    process = sp.Popen(child.linger())
    pid = process.pid
    process.kill()
    with pytest.warns(ResourceWarning):
        del process
        gc.collect()
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    except ChildProcessError:
        return  # it had died early enough for the destructor
    sp.run(child.true())
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def test_a_waited_child_does_not_warn(sp):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        process = sp.Popen(child.true())
        process.wait()
        del process
        gc.collect()


def test_an_instance_that_never_started_does_not_warn(sp):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        process = sp.Popen.__new__(sp.Popen)
        del process
        gc.collect()
        with pytest.raises(FileNotFoundError):
            sp.Popen(["/no/such/program"])
        gc.collect()


@pytest.mark.posix
def test_a_child_reaped_by_somebody_else_has_code_zero(sp):
    for finish in ("wait", "poll", "timed"):
        process = sp.Popen(child.leave(5))
        os.waitpid(process.pid, 0)
        if finish == "wait":
            assert process.wait() == 0
        elif finish == "timed":
            assert process.wait(timeout=PATIENCE) == 0
        else:
            assert process.poll() == 0
        assert process.returncode == 0


@pytest.mark.posix
@pytest.mark.parametrize(
    "call",
    [
        "sp.run(['sh', '-c', 'exit 5']).returncode",
        "sp.call(['sh', '-c', 'exit 5'])",
        "sp.run(['sh', '-c', 'exit 5'], capture_output=True).returncode",
        "sp.run(['sh', '-c', 'exit 5'], timeout=60).returncode",
        "sp.Popen(['sh', '-c', 'exit 5']).wait()",
        "sp.Popen(['sh', '-c', 'exit 5']).wait(timeout=60)",
    ],
)
def test_with_sigchld_ignored_the_code_is_zero(sp, call):
    out = fresh(sp, f"import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nprint({call})")
    assert out == "0\n"


def test_a_child_running_at_exit_leaves_the_interpreter_quietly(sp):
    code = f"import {sp.__name__} as sp\np = sp.Popen({child.echo()!r}, stdin=sp.PIPE)\n"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_returncode_can_be_set_by_others(sp):
    # Pools and test helpers do it; wait() and poll() then believe it.
    process = sp.Popen(child.true())
    assert process.wait() == 0
    process.returncode = 99
    assert process.poll() == 99
    assert process.wait() == 99


def test_the_knobs_are_there():
    """Those of 3.12; the standard library's own come and go."""
    assert fastproc._USE_VFORK is True
    assert fastproc._USE_POSIX_SPAWN is True


@pytest.mark.posix
def test_two_processes_form_a_pipeline(sp):
    with sp.Popen(child.say("one two"), stdout=sp.PIPE) as first:
        with sp.Popen(["tr", "a-z", "A-Z"], stdin=first.stdout, stdout=sp.PIPE) as second:
            first.stdout.close()
            assert second.communicate() == (b"ONE TWO", None)
    assert (first.returncode, second.returncode) == (0, 0)


@pytest.mark.posix
def test_the_processes_are_ours_alone():
    """A pidfd, where there is one, is close-on-exec and closed at the end."""
    from tests._leaks_posix import open_fds

    before = set(open_fds())
    process = fastproc.Popen(child.linger())
    # Without a deadline there is no use for one.
    assert set(open_fds()) == before
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    new = set(open_fds()) - before
    assert len(new) == ("pidfd" in fastproc._native.features())
    assert not any(os.get_inheritable(fd) for fd in new)
    process.kill()
    process.wait()
    assert set(open_fds()) == before


@pytest.mark.posix
def test_a_handler_that_raises_during_popen_leaves_no_child_that_nobody_knows():
    """The standard library loses most of them; it has no way to tell the object in time."""
    out = fresh(
        fastproc,
        """
import gc, random, signal, warnings
from fastproc._popen import _active, _cleanup
from tests._leaks_posix import children
warnings.simplefilter("ignore")
class Mine(Exception): pass
armed = False  # a signal of the last moment is handled only later, wherever that is
def handler(signum, frame):
    if armed:
        raise Mine
signal.signal(signal.SIGALRM, handler)
raised = 0
for _ in range(2000):
    process = None
    try:
        try:
            armed = True
            signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00002, 0.0006))
            process = sp.Popen(["/bin/true"])
        finally:
            armed = False
    except Mine:
        raised += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    if process is not None:
        process.wait()
gc.collect()
while _active:
    _cleanup()
print(raised > 0, children())
""",
    )
    assert out == "True []\n"


@pytest.mark.posix
def test_the_warning_of_an_abandoned_child_names_its_popen(sp):
    process = sp.Popen(child.linger())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        process.__del__()
    assert [warning.source for warning in caught] == [process]
    process.kill()
    process.wait()
    sp._cleanup()
