"""Timeouts: when they end, what they keep, what may follow."""

import math
import os
import select
import shutil
import subprocess
import sys
import threading
import time
from decimal import Decimal
from fractions import Fraction

import pytest

import fastproc
from tests._helpers import PATIENCE, child, described, fresh, lease_on, python, unending

SOON = 0.05
# Far beyond any scheduling delay, far below a child that never ends.
BOUND = 20


def test_wait_times_out_and_the_child_lives(sp):
    with sp.Popen(child.linger()) as process:
        started = time.perf_counter()
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            process.wait(timeout=SOON)
        passed = time.perf_counter() - started
        assert SOON <= passed < BOUND
        assert process.returncode is None
        process.kill()
    error = caught.value
    assert error.cmd is process.args
    assert error.timeout == SOON
    assert (error.output, error.stdout, error.stderr) == (None,) * 3
    assert str(error) == (f"Command '{process.args}' timed out after {SOON} seconds")


def test_wait_that_does_not_time_out(sp):
    for timeout in (PATIENCE, float(PATIENCE), 1 << 20):
        with sp.Popen(child.leave(3)) as process:
            assert process.wait(timeout) == 3


HUGE = [math.inf, sys.maxsize, 1e300, 1 << 40, 1e9]


@pytest.mark.windows_differs("milliseconds beyond 32 bits are cut")
@pytest.mark.parametrize("timeout", HUGE, ids=repr)
def test_wait_takes_a_huge_timeout(sp, timeout):
    with sp.Popen(child.leave(3)) as process:
        assert process.wait(timeout=timeout) == 3


@pytest.mark.parametrize("timeout", HUGE, ids=repr)
def test_run_and_communicate_take_a_huge_timeout(timeout):
    """The standard library's selector overflows at some of these."""
    done = fastproc.run(child.say("out", "err"), capture_output=True, timeout=timeout)
    assert (done.stdout, done.stderr) == (b"out", b"err")
    assert fastproc.run(child.leave(3), timeout=timeout).returncode == 3
    assert (
        fastproc.run(child.echo(), input=b"x", stdout=fastproc.PIPE, timeout=timeout).stdout == b"x"
    )
    with fastproc.Popen(child.echo(), stdin=fastproc.PIPE, stdout=fastproc.PIPE) as process:
        assert process.communicate(b"y", timeout) == (b"y", None)


@pytest.mark.windows_differs("before 3.13, a negative timeout is an endless one")
@pytest.mark.parametrize("timeout", [0, -1, -0.001, -1e9, -math.inf], ids=repr)
def test_wait_with_no_time_at_all(sp, timeout):
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.DEVNULL) as process:
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            process.wait(timeout=timeout)
        assert caught.value.timeout == timeout
        process.stdin.close()
        process.wait()
        assert process.wait(timeout=timeout) == 0


@pytest.mark.since(3, 15, "what was left of the time was reported instead")
@pytest.mark.parametrize("timeout", [0, -1, -math.inf], ids=repr)
def test_run_with_no_time_at_all(sp, timeout):
    for options in ({}, {"capture_output": True}, {"input": b"x"}):
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            sp.run(child.linger(), timeout=timeout, **options)
        assert caught.value.timeout == timeout
    with pytest.raises(subprocess.TimeoutExpired):
        sp.call(child.linger(), timeout=timeout)


@pytest.mark.since(3, 15, "resuming a partly written input hung or lost it")
@pytest.mark.parametrize("timeout", [0, -5])
def test_communicate_with_no_time_at_all(sp, timeout):
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE) as process:
        with unending(process.stdin), pytest.raises(subprocess.TimeoutExpired):
            process.communicate(b"kept", timeout=timeout)
        assert process.communicate() == (b"kept", b"")


@pytest.mark.parametrize("bad", ["1", [], b"1", object()], ids=type)
def test_a_timeout_that_is_no_number(sp, bad):
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE) as process:
        for call in (process.wait, lambda timeout: process.communicate(timeout=timeout)):
            with pytest.raises(TypeError):
                call(timeout=bad)
    for options in ({}, {"capture_output": True}):
        with pytest.raises(TypeError):
            sp.run(child.true(), timeout=bad, **options)


def test_nan_never_hangs():
    """nan is no deadline that could pass: it is refused at once, by whatever waits."""
    for options in ({}, {"capture_output": True}, {"input": b"x"}, {"cwd": os.curdir}):
        with pytest.raises(ValueError, match="NaN"):
            fastproc.run(child.linger(), timeout=math.nan, **options)
    for function in (fastproc.call, fastproc.check_call, fastproc.check_output):
        with pytest.raises(ValueError, match="NaN"):
            function(child.linger(), timeout=math.nan)
    for options in ({}, {"stdout": fastproc.PIPE}, PIPES):
        with fastproc.Popen(child.linger(), **options) as process:
            for wait in (process.wait, process.communicate):
                with pytest.raises(ValueError, match="NaN"):
                    wait(timeout=math.nan)
                assert process.returncode is None
            process.kill()


@pytest.mark.parametrize("number", [True, Fraction(60), Decimal(60)], ids=type)
def test_other_numbers_as_timeouts_behave_the_same(number):
    def attempt(sp):
        try:
            with sp.Popen(child.leave(2)) as process:
                return process.wait(timeout=number)
        except Exception as error:
            return described(error)["type"]

    assert attempt(fastproc) == attempt(subprocess)


@pytest.mark.since(3, 15, "what was left of the time was reported instead")
def test_run_kills_the_child_at_the_deadline(sp):
    started = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        sp.run(child.linger(), timeout=SOON)
    assert SOON <= time.monotonic() - started < BOUND
    assert caught.value.timeout == SOON
    assert (caught.value.stdout, caught.value.stderr) == (None, None)


def test_call_and_check_output_kill_the_child_at_the_deadline(sp):
    for function in (sp.call, sp.check_call, sp.check_output):
        with pytest.raises(subprocess.TimeoutExpired):
            function(child.linger(), timeout=SOON)


@pytest.mark.parametrize("options", [{}, {"stdin": subprocess.PIPE}], ids=["plain", "piped"])
def test_call_kills_the_child_at_the_deadline_whichever_way_it_goes(sp, options):
    """With a pipe, which nobody uses, it is a Popen's child."""
    for function in (sp.call, sp.check_call):
        started = time.monotonic()
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            function(child.linger(), timeout=SOON, **options)
        assert SOON <= time.monotonic() - started < BOUND
        assert caught.value.cmd == child.linger()


PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


def test_the_timeout_of_communicate_s_error_is_what_was_asked(sp):
    for options in ({"stdout": sp.PIPE}, PIPES, {**PIPES, "stdin": sp.PIPE}):
        with sp.Popen(child.linger(), **options) as process:
            for timeout in (SOON, 0.02):
                with pytest.raises(subprocess.TimeoutExpired) as caught:
                    process.communicate(timeout=timeout)
                assert caught.value.timeout == timeout
                assert caught.value.cmd is process.args
            process.kill()


@pytest.mark.posix
def test_a_child_that_has_closed_its_pipes_can_still_run_out_of_time():
    """Then, too, the error has what it said, and the time that was asked for; in the standard
    library it has neither.
    """
    script = "printf said; printf errsaid >&2; exec >&- 2>&-; exec sleep 60"
    with fastproc.Popen(["sh", "-c", script], **PIPES) as process:
        for stream in (process.stdout, process.stderr):
            closed = select.poll()
            closed.register(stream, 0)
            assert closed.poll(PATIENCE * 1000)
        for timeout in (SOON, 0.02):
            with pytest.raises(subprocess.TimeoutExpired) as caught:
                process.communicate(timeout=timeout)
            assert (caught.value.stdout, caught.value.stderr) == (b"said", b"errsaid")
            assert caught.value.timeout == timeout
        process.kill()
        assert process.communicate() == (b"said", b"errsaid")


@pytest.mark.posix
@pytest.mark.parametrize("options", [{}, {"preexec_fn": int}], ids=["at once", "by Popen"])
def test_a_run_whose_child_has_closed_its_pipes_keeps_its_output_at_the_deadline(options):
    script = "printf said; printf errsaid >&2; exec >&- 2>&-; exec sleep 60"
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        fastproc.run(["sh", "-c", script], capture_output=True, timeout=1, **options)
    assert (caught.value.stdout, caught.value.stderr) == (b"said", b"errsaid")
    assert caught.value.timeout == 1


@pytest.mark.posix
@pytest.mark.since(3, 15, "it told what was left of the time")
def test_without_pipes_communicate_s_error_tells_the_time_that_was_asked_for(sp):
    with sp.Popen(child.linger()) as process:
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            process.communicate(timeout=SOON)
        assert caught.value.timeout == SOON
        process.kill()


@pytest.mark.posix
@pytest.mark.parametrize("mode", [{}, {"text": True}])
def test_what_came_before_the_deadline_is_kept_as_bytes(sp, mode):
    """As the documentation says, bytes even in text mode."""
    args = ["sh", "-c", "printf part; printf errpart >&2; exec sleep 1000"]
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        sp.run(args, capture_output=True, timeout=1, **mode)
    assert caught.value.output == caught.value.stdout == b"part"
    assert caught.value.stderr == b"errpart"


@pytest.mark.posix
def test_what_did_not_come_is_none(sp):
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        sp.run(child.linger(), capture_output=True, timeout=SOON)
    assert (caught.value.output, caught.value.stderr) == (None, None)


@pytest.mark.posix
def test_one_pipe_and_a_deadline(sp):
    args = child.say_then_linger("part")
    for stream in ("stdout", "stderr"):
        if stream == "stderr":
            args = ["sh", "-c", "printf part >&2; exec sleep 1000"]
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            sp.run(args, timeout=1, **{stream: sp.PIPE})
        assert getattr(caught.value, stream) == b"part"


def test_output_up_to_the_deadline_with_endless_output(sp):
    code = "import os\nwhile True:\n    os.write(1, b'x' * 4096)\n"
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        sp.run(python(code), stdout=sp.PIPE, timeout=0.5)
    assert caught.value.stdout and not caught.value.stdout.strip(b"x")


@pytest.mark.posix
def test_the_deadline_holds_against_a_rain_of_signals(sp):
    out = fresh(
        sp,
        """
import signal, time
signal.signal(signal.SIGALRM, lambda *a: None)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
for options in ({}, {"capture_output": True}):
    start = time.monotonic()
    try:
        sp.run(["sleep", "100"], timeout=0.3, **options)
    except sp.TimeoutExpired:
        passed = time.monotonic() - start
        print(0.3 <= passed < 20)
signal.setitimer(signal.ITIMER_REAL, 0)
""",
    )
    assert out.split() == ["True", "True"]


@pytest.mark.posix
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="leases are a Linux thing")
def test_a_run_does_not_wait_for_a_program_that_takes_long_to_load(tmp_path):
    """The standard library's deadline begins when exec is over."""
    program = tmp_path / "program"
    shutil.copy(shutil.which("true"), program)
    fastproc.run(["true"])
    route = os.environ.get("FASTPROC_ROUTE", "clone3")
    if route != "clone3" or "run_ahead" not in fastproc._native.features():
        pytest.skip("only a run that goes ahead of its child can give up its exec")
    with lease_on(program) as holder:
        with pytest.raises(subprocess.TimeoutExpired):
            fastproc.run([program], timeout=0.3)
        answer, _ = holder.communicate("yes\n", timeout=PATIENCE)
    # It was still held then.
    assert answer == "wanted\nanswered\n"


@pytest.mark.posix
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="leases are a Linux thing")
@pytest.mark.since(3, 12, "it kept the GIL, so that nobody could look meanwhile")
def test_popen_waits_for_a_program_that_takes_long_to_load(sp, tmp_path):
    """Its child is the program, and no other process, from the first moment on."""
    program = tmp_path / "program"
    shutil.copy(shutil.which("true"), program)
    started = []

    def start():
        with sp.Popen([program]) as process:
            started.append(process.returncode)

    with lease_on(program) as holder:
        thread = threading.Thread(target=start)
        thread.start()
        assert holder.stdout.readline() == "wanted\n"
        assert started == []
        answer, _ = holder.communicate("yes\n", timeout=PATIENCE)
        thread.join(PATIENCE)
    assert answer == "answered\n"
    assert started == [None]


@pytest.mark.posix
@pytest.mark.parametrize("captured", [False, True])
def test_a_run_out_of_time_ends_a_child_that_ignores_requests(sp, captured):
    stubborn = ["sh", "-c", "trap '' TERM INT HUP; while :; do sleep 1000; done"]
    options = {"stdout": sp.PIPE} if captured else {}
    with pytest.raises(subprocess.TimeoutExpired):
        sp.run(stubborn, timeout=0.3, start_new_session=True, **options)


@pytest.mark.posix
def test_a_timeout_leaves_stdin_as_it_was(sp):
    with sp.Popen(child.linger(), stdin=sp.PIPE, stdout=sp.PIPE) as process:
        with pytest.raises(sp.TimeoutExpired):
            process.communicate(b"x" * 1_000_000, timeout=0.05)
        if sp is fastproc:  # the standard library leaves it so
            assert os.get_blocking(process.stdin.fileno())
        process.kill()
