"""What stdin, stdout and stderr may be, in the test process itself."""

import errno
import io
import os
import select
import subprocess
import sys
import tempfile

import pytest

import fastproc
from tests._helpers import PATIENCE, child, fresh, python, same

try:
    import fcntl
except ImportError:
    fcntl = None  # on Windows


class HasFileno:
    def __init__(self, fd):
        self.fd = fd

    def fileno(self):
        return self.fd


def test_the_constants_are_the_stdlib_s(sp):
    assert sp.PIPE is subprocess.PIPE
    assert sp.STDOUT is subprocess.STDOUT
    assert sp.DEVNULL is subprocess.DEVNULL


@pytest.mark.parametrize("how", ["file", "number", "object"])
def test_stdin_from_a_file(sp, how, tmp_path):
    path = tmp_path / "in"
    path.write_bytes(b"from a file")
    with open(path, "rb") as file:
        source = {"file": file, "number": file.fileno(), "object": HasFileno(file.fileno())}[how]
        assert sp.run(child.echo(), stdin=source, stdout=sp.PIPE).stdout == b"from a file"
        assert not file.closed
        os.fstat(file.fileno())


@pytest.mark.parametrize("how", ["file", "number", "object"])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_output_into_a_file(sp, how, stream, tmp_path):
    path = tmp_path / "out"
    with open(path, "wb") as file:
        target = {"file": file, "number": file.fileno(), "object": HasFileno(file.fileno())}[how]
        other = "stderr" if stream == "stdout" else "stdout"
        sp.run(child.say("text", "text"), **{stream: target, other: sp.DEVNULL})
        os.fstat(file.fileno())
    assert path.read_bytes() == b"text"


def test_stdout_and_stderr_into_the_same_file(sp, tmp_path):
    path = tmp_path / "out"
    with open(path, "wb") as file:
        sp.run(child.say("out,", "err"), stdout=file, stderr=file)
    assert path.read_bytes() == b"out,err"


def test_stderr_joins_a_file_by_stdout(sp, tmp_path):
    path = tmp_path / "out"
    with open(path, "wb") as file:
        sp.run(child.say("out,", "err"), stdout=file, stderr=sp.STDOUT)
    assert path.read_bytes() == b"out,err"


def test_one_file_object_three_times(sp):
    with tempfile.TemporaryFile() as file:
        file.write(b"input")
        file.flush()
        file.seek(0)
        code = (
            "import os\n"
            "assert os.read(0, 9) == b'input'\n"
            "os.write(1, b'+out'); os.write(2, b'+err')\n"
        )
        done = sp.run(python(code), stdin=file, stdout=file, stderr=file)
        assert done.returncode == 0
        file.seek(0)
        assert file.read() == b"input+out+err"


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_devnull_for_each(sp, stream):
    with sp.Popen(
        child.say("x", "x"), **{"stdout": sp.PIPE, "stderr": sp.PIPE, stream: sp.DEVNULL}
    ) as process:
        assert getattr(process, stream) is None
        process.communicate()
    assert process.returncode == 0


def test_devnull_as_stdin_is_empty(sp):
    assert sp.run(child.echo(), stdin=sp.DEVNULL, stdout=sp.PIPE).stdout == b""


def test_devnull_three_times(sp):
    done = sp.run(child.say("x", "x", 3), stdin=sp.DEVNULL, stdout=sp.DEVNULL, stderr=sp.DEVNULL)
    assert done.returncode == 3


def test_pipes_are_ordinary_files(sp):
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE) as process:
        assert isinstance(process.stdin, io.BufferedWriter)
        assert isinstance(process.stdout, io.BufferedReader)
        assert isinstance(process.stderr, io.BufferedReader)
        process.stdin.write(b"line\nrest")
        process.stdin.flush()
        assert process.stdout.readline() == b"line\n"
        process.stdin.close()
        assert process.stdout.read() == b"rest"
        assert process.stderr.read() == b""


def test_unbuffered_pipes_are_raw_files(sp):
    with sp.Popen(
        child.echo(), bufsize=0, stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE
    ) as process:
        for stream in (process.stdin, process.stdout, process.stderr):
            assert isinstance(stream, io.FileIO)
        process.stdin.write(b"at once")
        assert process.stdout.read(7) == b"at once"


@pytest.mark.posix
def test_a_buffer_has_the_size_asked_for(sp):
    """A write that does not fit sends what is there already, and a read takes no more."""
    with sp.Popen(
        child.echo_both(), bufsize=7, stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE
    ) as process:
        process.stdin.write(b"first")
        process.stdin.write(b",second")
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
        assert ready == [process.stdout]
        process.stdin.close()
        process.wait()
        assert process.stdout.peek() == process.stderr.peek() == b"first,s"


@pytest.mark.parametrize("bufsize", [None, -1, 7, 1 << 20])
def test_every_buffer_size_works(sp, bufsize):
    with sp.Popen(child.echo(), bufsize=bufsize, stdin=sp.PIPE, stdout=sp.PIPE) as process:
        assert process.communicate(b"data" * 9) == (b"data" * 9, None)


@pytest.mark.posix
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="F_GETPIPE_SZ is a Linux thing")
@pytest.mark.parametrize("pipesize", [None, -1, 0, 4096, 1 << 18])
def test_pipesize_is_given_to_all_three(sp, pipesize):
    import fcntl

    getsize = 1032  # F_GETPIPE_SZ, which older fcntl modules do not name
    read_end, write_end = os.pipe()
    default = fcntl.fcntl(read_end, getsize)
    os.close(read_end)
    os.close(write_end)
    with sp.Popen(
        child.echo(), stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE, pipesize=pipesize
    ) as process:
        expected = pipesize if pipesize and pipesize > 0 else default
        for stream in (process.stdin, process.stdout, process.stderr):
            assert fcntl.fcntl(stream.fileno(), getsize) == expected
        assert process.pipesize == (-1 if pipesize is None else pipesize)


@pytest.mark.posix
def test_pipesize_works_in_a_captured_run(sp):
    data = b"x" * 300_000
    done = sp.run(child.echo(), input=data, stdout=sp.PIPE, pipesize=1 << 18)
    assert done.stdout == data


@pytest.mark.posix
def test_our_pipe_ends_are_close_on_exec(sp):
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE) as process:
        for stream in (process.stdin, process.stdout, process.stderr):
            assert not os.get_inheritable(stream.fileno())


@pytest.mark.posix
def test_a_second_child_does_not_hold_the_first_one_s_pipe(sp):
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE) as first:
        with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE, close_fds=False):
            first.stdin.close()
            # Were it inherited by the second, this would not end.
            assert first.stdout.read() == b""


@pytest.mark.posix
def test_closed_or_odd_descriptors_give_the_same_error():
    end = os.pipe()
    for fd in end:
        os.close(fd)
    number = end[0]
    for stream in ("stdin", "stdout", "stderr"):
        error = same(lambda sp: sp.Popen(["true"], **{stream: number}))
        assert error["type"] == "OSError" and error["errno"] == errno.EBADF


@pytest.mark.posix
@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
@pytest.mark.parametrize("options", [{}, {"umask": -1}], ids=repr)
@pytest.mark.parametrize("fd", [-4, -(1 << 31), 1 << 31, 1 << 70])
def test_numbers_that_are_no_descriptor_give_the_same_error(stream, options, fd):
    error = same(lambda sp: sp.run(["true"], **{stream: fd}, **options))
    assert error["type"] == ("OSError" if fd < 0 else "OverflowError")


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
@pytest.mark.parametrize("value", ["text", io.BytesIO(), 1.5, [1]])
def test_objects_without_a_descriptor_give_the_same_error(stream, value):
    error = same(lambda sp: sp.Popen(child.true(), **{stream: value}))
    assert error["type"] in ("AttributeError", "UnsupportedOperation")


@pytest.mark.posix
@pytest.mark.posix
@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
@pytest.mark.parametrize("options", [{}, {"timeout": 60}, {"umask": -1}], ids=repr)
@pytest.mark.parametrize("fd", [-1, -2, -3, -4, -9, True, 1 << 31, 1 << 70, -1.0, 1.0, "1", None])
def test_what_fileno_says_is_a_descriptor_and_nothing_else(stream, options, fd):
    """Never PIPE, STDOUT or DEVNULL, whose numbers it might be."""

    def use(sp):
        done = sp.run(child.say("", ""), **{stream: HasFileno(fd)}, **options)
        return done.returncode, done.stdout, done.stderr

    same(use)


@pytest.mark.posix
def test_what_equals_a_constant_is_that_constant():
    for options in ({"stdout": -1.0}, {"stdin": -3.0, "stdout": -1.0, "stderr": -2.0}):
        assert same(lambda sp: sp.run(["echo", "x"], **options))[3] == b"x\n"


def test_a_negative_descriptor_gives_the_same_error():
    for stream in ("stdin", "stdout", "stderr"):
        same(lambda sp: sp.run(["true"], **{stream: -4}).returncode)


@pytest.mark.since(3, 14, "stdout=STDOUT was taken for a descriptor")
def test_the_stdout_constant_is_for_stderr_only(sp):
    with pytest.raises(ValueError) as caught:
        sp.Popen(child.true(), stdout=sp.STDOUT)
    assert str(caught.value) == "STDOUT can only be used for stderr"


def test_the_stdout_constant_as_stdin_is_refused():
    """The standard library takes it for descriptor -2, and fails in the child."""
    with pytest.raises(ValueError) as caught:
        fastproc.Popen(child.true(), stdin=fastproc.STDOUT)
    assert str(caught.value) == "STDOUT can only be used for stderr"


def test_inherited_streams_are_the_process_s_own(sp):
    out = fresh(sp, "import sys; sp.run(sys.argv[1:])", *child.say("mine"))
    assert out == "mine"


def test_stderr_to_stdout_with_stdout_inherited(sp):
    out = fresh(sp, "import sys; sp.run(sys.argv[1:], stderr=sp.STDOUT)", *child.say("out,", "err"))
    assert out == "out,err"


@pytest.mark.posix
def test_stderr_to_stdout_where_python_s_own_stdout_was_moved(sp):
    out = fresh(
        sp,
        """
import io, sys
sys.stdout = io.StringIO()          # has no descriptor
sp.run(["sh", "-c", "echo moved >&2"], stderr=sp.STDOUT)
""",
    )
    assert out == "moved\n"


@pytest.mark.posix
def test_stdout_into_the_process_s_own_stderr_and_back(sp):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import {sp.__name__} as sp\n"
            "sp.run(['sh', '-c', 'echo out; echo err >&2'], stdout=2, stderr=1)",
        ],
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("err\n", "out\n")


@pytest.mark.posix
def test_stdin_and_stdout_over_a_socket(sp):
    import socket

    ours, theirs = socket.socketpair()
    with ours, theirs, sp.Popen(child.echo(), stdin=theirs, stdout=theirs):
        theirs.close()
        ours.sendall(b"over a socket")
        ours.shutdown(socket.SHUT_WR)
        got = b""
        while part := ours.recv(100):
            got += part
    assert got == b"over a socket"


@pytest.mark.posix
def test_a_terminal_as_all_three(sp):
    import pty

    try:
        leader, terminal = pty.openpty()
    except OSError:
        pytest.skip("this system has no pseudo-terminals to give")
    try:
        done = sp.run(
            ["sh", "-c", "test -t 0 && test -t 1 && test -t 2"],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
        )
        assert done.returncode == 0
    finally:
        os.close(leader)
        os.close(terminal)


@pytest.mark.skipif(not hasattr(fcntl, "F_GETPIPE_SZ"), reason="pipes have one size here")
@pytest.mark.parametrize(("options", "size"), [({}, 1 << 20), ({"pipesize": 1 << 16}, 1 << 16)])
def test_a_busy_pipe_is_widened_unless_the_caller_chose_its_size(options, size):
    talk = (
        "import fcntl, os\n"
        "for _ in range(64): os.write(1, bytes(65536))\n"
        "os.write(2, b'%d' % fcntl.fcntl(1, fcntl.F_GETPIPE_SZ))"
    )
    done = fastproc.run(python(talk), capture_output=True, **options)
    assert len(done.stdout) == 64 * 65536
    assert int(done.stderr) == size
