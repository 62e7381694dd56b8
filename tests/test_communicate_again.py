"""communicate() once more after its time was over: nothing is lost."""

import os
import subprocess

import pytest

from tests._helpers import PATIENCE, child, python, unending

SOON = 0.05


@pytest.mark.since(3, 15, "resuming a partly written input hung or lost it")
def test_communicate_may_be_tried_again(sp):
    with sp.Popen(child.echo_both(), stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE) as process:
        process.stdin.write(b"first,")
        process.stdin.flush()
        with unending(process.stdin), pytest.raises(subprocess.TimeoutExpired):
            process.communicate(b"second", timeout=0)
        assert process.communicate(timeout=PATIENCE) == ((b"first,second",) * 2)


@pytest.mark.posix
@pytest.mark.parametrize("attempts", [1, 3])
def test_output_is_not_lost_by_timeouts(sp, attempts):
    script = "printf one; read answer; printf two; printf err >&2"
    with sp.Popen(["sh", "-c", script], stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE) as process:
        # No input and yet no end of stdin: its descriptor is kept by us.
        keep = os.dup(process.stdin.fileno())
        try:
            for _ in range(attempts):
                with pytest.raises(subprocess.TimeoutExpired):
                    process.communicate(timeout=SOON)
            os.write(keep, b"go\n")
        finally:
            os.close(keep)
        assert process.communicate() == (b"onetwo", b"err")


@pytest.fixture
def held_echo():
    """A child that echoes only after a byte came down a pipe: (args, options, release)."""
    read_end, write_end = os.pipe()
    code = f"import os\nos.read({read_end}, 1)\nos.execvp('cat', ['cat'])"
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    try:
        yield python(code), {"pass_fds": [read_end], **pipes}, lambda: os.write(write_end, b"\n")
    finally:
        os.close(read_end)
        os.close(write_end)


@pytest.mark.posix
@pytest.mark.since(3, 15, "resuming a partly written input hung or lost it")
@pytest.mark.parametrize("text", [False, True])
def test_a_partly_written_input_is_resumed(sp, held_echo, text):
    args, options, release = held_echo
    data = b"0123456789abcde\n" * 40_000
    given = data.decode() if text else data
    with sp.Popen(args, text=text, **options) as process:
        for attempt in range(2):
            with pytest.raises(subprocess.TimeoutExpired):
                process.communicate(given if attempt == 0 else None, timeout=SOON)
        release()
        out, _ = process.communicate(timeout=PATIENCE)
    assert out == given


@pytest.mark.posix
@pytest.mark.since(3, 15, "stdin stayed open after a timeout in between")
def test_stdin_is_closed_after_a_resumed_communicate(sp, held_echo):
    args, options, release = held_echo
    with sp.Popen(args, **options) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(b"x", timeout=0)
        release()
        assert process.communicate(timeout=PATIENCE) == (b"x", b"")
        assert process.stdin.closed


def test_killing_after_a_timeout_and_communicating_again(sp):
    with sp.Popen(child.linger(), stdout=sp.PIPE, stderr=sp.PIPE) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=SOON)
        process.kill()
        assert process.communicate() == (b"", b"")
        assert process.returncode != 0
