"""communicate(): all data, both ways, whatever the child does with its pipes."""

import array
import gc
import os
import subprocess
import sys
import threading

import pytest

import fastproc
from tests._helpers import PATIENCE, child, fresh, python

BIG = bytes(range(256)) * 4096  # 1 MiB, far more than a pipe holds


@pytest.mark.parametrize("streams", [(), ("stdout",), ("stderr",), ("stdout", "stderr")])
def test_what_is_not_piped_is_none(sp, streams):
    options = {"stdout": sp.DEVNULL, "stderr": sp.DEVNULL}
    options.update(dict.fromkeys(streams, sp.PIPE))
    with sp.Popen(child.say("out", "err"), **options) as process:
        out, err = process.communicate()
    assert out == (b"out" if "stdout" in streams else None)
    assert err == (b"err" if "stderr" in streams else None)


@pytest.mark.parametrize("timeout", [None, PATIENCE])
@pytest.mark.parametrize("size", [0, 1, 4096, 65536, 65537, len(BIG)])
def test_all_data_comes_back_on_both_streams(sp, size, timeout):
    data = BIG[:size]
    with sp.Popen(child.echo_both(), stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE) as process:
        assert process.communicate(data, timeout=timeout) == (data, data)
        assert process.returncode == 0


@pytest.mark.parametrize("timeout", [None, PATIENCE])
def test_input_without_output_pipes(sp, tmp_path, timeout):
    path = tmp_path / "out"
    with open(path, "wb") as file:
        with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=file) as process:
            assert process.communicate(BIG, timeout) == (None, None)
    assert path.read_bytes() == BIG


@pytest.mark.parametrize(
    "make",
    [
        bytearray,
        memoryview,
        lambda data: memoryview(data)[::1],
        lambda data: array.array("B", data),
    ],
    ids=["bytearray", "memoryview", "slice", "array"],
)
@pytest.mark.parametrize("timeout", [None, PATIENCE])
def test_any_buffer_of_bytes_is_input(sp, make, timeout):
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE) as process:
        assert process.communicate(make(BIG), timeout)[0] == BIG


LARGER = {
    "ints": lambda: memoryview(array.array("i", range(100_000))),
    "two-dimensional": lambda: memoryview(bytes(120_000)).cast("B", (300, 400)),
}


@pytest.mark.since(3, 14, "a memoryview of larger items was cut short")
@pytest.mark.parametrize("make", LARGER.values(), ids=LARGER)
@pytest.mark.parametrize("timeout", [None, PATIENCE])
def test_a_view_of_larger_items_is_complete_input(sp, make, timeout):
    complete_input(sp, make, timeout)


@pytest.mark.parametrize("timeout", [None, PATIENCE])
def test_an_array_of_larger_items_is_complete_input(timeout):
    """The standard library still cuts it short in 3.14."""
    complete_input(fastproc, lambda: array.array("d", range(50_000)), timeout)


def complete_input(sp, make, timeout):
    expected = make().tobytes()
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE) as process:
        assert process.communicate(make(), timeout)[0] == expected
    done = sp.run(child.echo(), input=make(), stdout=sp.PIPE)
    assert done.stdout == expected


@pytest.mark.parametrize("bad", ["text", 5, ["a"]])
def test_binary_input_of_the_wrong_type_is_a_type_error(sp, bad):
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE) as process:
        with pytest.raises(TypeError):
            process.communicate(bad)
        if not process.stdin.closed:
            process.stdin.close()
    with pytest.raises(TypeError):
        sp.run(child.echo(), input=bad, stdout=sp.PIPE)


@pytest.mark.parametrize("timeout", [None, PATIENCE])
@pytest.mark.parametrize("out", ["PIPE", "DEVNULL"])
def test_a_child_that_does_not_read_is_no_error(sp, timeout, out):
    with sp.Popen(child.ignore_stdin(), stdin=sp.PIPE, stdout=getattr(sp, out)) as process:
        expected = b"" if out == "PIPE" else None
        assert process.communicate(BIG, timeout) == (expected, None)
    done = sp.run(child.ignore_stdin(), input=BIG, stdout=sp.PIPE, timeout=timeout)
    assert (done.returncode, done.stdout) == (0, b"")


@pytest.mark.posix
def test_a_child_that_reads_a_part_is_no_error(sp):
    done = sp.run(["head", "-c", "10"], input=BIG, stdout=sp.PIPE)
    assert (done.returncode, done.stdout) == (0, BIG[:10])


@pytest.mark.posix
def test_a_broken_stdin_does_not_kill_us_even_with_sigpipe_at_default(sp):
    # Programs restore SIGPIPE's default; the stdlib then dies of it too, so
    # only what the stdlib promises is asked: Python's own setting, ignored.
    out = fresh(
        sp,
        "import signal\n"
        "assert signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN\n"
        "r = sp.run(['sh', '-c', 'exec <&-; exit 3'],"
        " input=b'x' * 1000000)\n"
        "print(r.returncode)",
    )
    assert out == "3\n"


def test_what_was_written_before_goes_first(sp):
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE) as process:
        process.stdin.write(b"before ")
        assert process.communicate(b"and in it") == (b"before and in it", b"")


def test_what_was_written_before_goes_out_without_input(sp):
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE) as process:
        process.stdin.write(b"only this")
        assert process.communicate() == (b"only this", b"")


def test_what_was_read_before_is_not_repeated(sp):
    with sp.Popen(child.say("first\nrest"), stdout=sp.PIPE, stderr=sp.PIPE, bufsize=0) as process:
        assert process.stdout.readline() == b"first\n"
        assert process.communicate() == (b"rest", b"")


def test_one_pipe_and_buffered_rest_is_returned(sp):
    # With a single pipe the stream itself is read, and with it its buffer.
    with sp.Popen(child.say("first\nrest"), stdout=sp.PIPE) as process:
        assert process.stdout.readline() == b"first\n"
        assert process.communicate() == (b"rest", None)


def test_pipes_are_closed_afterwards(sp):
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE) as process:
        process.communicate(b"x")
        assert process.stdin.closed
        assert process.stdout.closed
        assert process.stderr.closed


def test_a_second_communicate_returns_the_same_with_two_pipes(sp):
    with sp.Popen(child.say("out", "err"), stdout=sp.PIPE, stderr=sp.PIPE) as process:
        assert process.communicate() == (b"out", b"err")
        assert process.communicate() == (b"out", b"err")
        process.stdout.close()
        assert process.communicate(timeout=PATIENCE) == (b"out", b"err")


def test_a_second_communicate_returns_much_data_again(sp):
    with sp.Popen(child.echo_both(), stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE) as process:
        for data in (BIG, None):
            assert process.communicate(data) == (BIG, BIG)


def test_a_second_communicate_with_one_pipe_reads_a_closed_file(sp):
    with sp.Popen(child.say("out"), stdout=sp.PIPE) as process:
        assert process.communicate() == (b"out", None)
        with pytest.raises(ValueError, match="closed file"):
            process.communicate()


def test_input_after_the_start_of_communication_is_refused(sp):
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE) as process:
        process.communicate(b"x")
        with pytest.raises(ValueError) as caught:
            process.communicate(b"more")
        assert str(caught.value) == ("Cannot send input after starting communication")


def test_input_without_a_stdin_pipe_is_ignored(sp):
    with sp.Popen(child.say("o", "e"), stdin=sp.DEVNULL, stdout=sp.PIPE, stderr=sp.PIPE) as process:
        assert process.communicate(b"nobody reads this") == (b"o", b"e")


@pytest.mark.since(3, 14, "communicate() failed on a closed stdin")
@pytest.mark.parametrize("timeout", [None, PATIENCE])
def test_stdin_may_be_closed_before(sp, timeout):
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE) as process:
        process.stdin.write(b"said already")
        process.stdin.close()
        assert process.communicate(timeout=timeout) == (b"said already", b"")


@pytest.mark.since(3, 14, "communicate() failed on a closed stdin")
def test_stdin_may_be_closed_before_in_text_mode(sp):
    with sp.Popen(
        child.echo(), stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE, encoding="utf-8"
    ) as process:
        process.stdin.write("é")
        process.stdin.close()
        assert process.communicate() == ("é", "")


@pytest.mark.posix
def test_a_child_that_closed_its_streams_and_lives_on_is_waited_for(sp):
    script = "exec >&- 2>&-; read answer; exit 9"
    with sp.Popen(["sh", "-c", script], stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE) as process:
        assert process.communicate(b"go\n") == (b"", b"")
        assert process.returncode == 9


@pytest.mark.posix
def test_stderr_ends_long_before_stdout(sp):
    script = "exec 2>&-; cat"
    done = sp.run(["sh", "-c", script], input=BIG, capture_output=True)
    assert (done.stdout, done.stderr) == (BIG, b"")


@pytest.mark.posix
def test_a_replaced_stream_of_the_instance_is_used(sp):
    """Tests put their own objects into p.stdin; communicate must notice."""

    class Recorder:
        closed = False
        written = b""

        def write(self, data):
            self.written += data

        def flush(self):
            pass

        def close(self):
            self.closed = True

    with sp.Popen(child.true(), stdin=sp.PIPE) as process:
        with process.stdin:
            process.stdin = recorder = Recorder()
            process.communicate(b"hello")
        assert recorder.written == b"hello" and recorder.closed


def test_communicate_from_another_thread(sp):
    process = sp.Popen(child.echo_both(), stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE)
    result = []
    thread = threading.Thread(target=lambda: result.append(process.communicate(BIG)))
    thread.start()
    thread.join(PATIENCE)
    assert result == [(BIG, BIG)]
    assert process.wait() == 0


@pytest.mark.posix
def test_communicate_takes_keyword_and_positional_arguments(sp):
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE) as process:
        assert process.communicate(input=b"k", timeout=PATIENCE)[0] == b"k"
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE) as process:
        assert process.communicate(b"p", PATIENCE)[0] == b"p"


@pytest.mark.posix
@pytest.mark.parametrize("error", ["write", "flush", "close"])
def test_a_broken_pipe_from_the_stdin_object_is_swallowed(sp, error):
    from unittest import mock

    with sp.Popen(child.true(), stdin=sp.PIPE) as process:
        with process.stdin, mock.patch.object(process, "stdin") as stdin:
            getattr(stdin, error).side_effect = BrokenPipeError
            stdin.closed = False
            process.communicate(b"stuff")
            stdin.write.assert_called_once_with(b"stuff")
            if error != "flush":
                stdin.close.assert_called_once_with()


def test_ten_megabytes_arrive(sp):
    code = (
        "import os\n"
        "n = 0\n"
        "while part := os.read(0, 1 << 16):\n"
        "    n += len(part)\n"
        "os.write(1, str(n).encode())\n"
    )
    done = sp.run(python(code), input=bytes(10 << 20), capture_output=True, timeout=PATIENCE)
    assert done.stdout == str(10 << 20).encode()


@pytest.mark.posix
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc to count descriptors")
def test_many_communicates_open_nothing(sp):
    out = fresh(
        sp,
        """
import os
def count():
    return len(os.listdir("/proc/self/fd"))
before = count()
for _ in range(20):
    p = sp.Popen(["cat"], stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE)
    assert p.communicate(b"x") == (b"x", b"")
    assert count() == before
""",
    )
    assert out == ""


@pytest.mark.posix
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has pipes of packets")
def test_a_pipe_of_packets_is_read_to_its_end(sp):
    """Each read gives one of them, however many there are: a short read is no end."""
    code = (
        "import fcntl, os\n"
        "fcntl.fcntl(1, fcntl.F_SETFL, os.O_WRONLY | os.O_DIRECT)\n"
        "for i in range(5):\n    os.write(1, b'packet')\n"
    )
    with sp.Popen(python(code), stdout=sp.PIPE, stderr=sp.PIPE) as process:
        process.wait()  # all is there before the first read
        assert process.communicate() == (b"packet" * 5, b"")
    assert sp.run(python(code), capture_output=True).stdout == b"packet" * 5


@pytest.mark.posix
def test_a_second_thread_in_communicate_is_told_so():
    """The standard library lets both read: each gets a part, or an error, or hangs."""
    read_end, write_end = os.pipe()
    program = f"import os\nos.write(1, b'x' * 100_000)\nos.read({read_end}, 1)"
    with fastproc.Popen(
        python(program), stdout=fastproc.PIPE, stderr=fastproc.PIPE, pass_fds=[read_end]
    ) as process:
        results = []
        thread = threading.Thread(target=lambda: results.append(process.communicate()))
        thread.start()
        with pytest.raises(RuntimeError, match="another thread"):
            for _ in range(10_000):  # until the thread is in
                try:
                    process.communicate(timeout=0)
                except subprocess.TimeoutExpired:
                    pass
        os.write(write_end, b"\n")
        thread.join()
        assert results == [(b"x" * 100_000, b"")]
        assert process.communicate() == (b"x" * 100_000, b"")
    os.close(read_end)
    os.close(write_end)


@pytest.mark.parametrize("way", ["run", "communicate", "after a timeout"])
def test_input_is_the_callers_again_afterwards(sp, way):
    """As long as somebody reads it, a bytearray cannot grow."""
    data = bytearray(b"x" * 300_000)
    if way == "run":
        assert sp.run(child.echo(), input=data, stdout=sp.PIPE).stdout == data
    else:
        with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE) as process:
            if way == "after a timeout":
                with pytest.raises(sp.TimeoutExpired):
                    process.communicate(data, timeout=0)
                process.kill()
                process.communicate()
            else:
                assert process.communicate(data)[0] == data
        del process
    gc.collect()
    data.append(1)
