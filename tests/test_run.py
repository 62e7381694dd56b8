"""run() and the older functions around it."""

import signal
import subprocess
import sys

import pytest

from tests._helpers import child, described, python


def test_run_returns_a_completed_process(sp):
    args = child.leave(3)
    done = sp.run(args)
    assert isinstance(done, subprocess.CompletedProcess)
    assert done.args is args
    assert (done.returncode, done.stdout, done.stderr) == (3, None, None)
    assert repr(done) == f"CompletedProcess(args={args!r}, returncode=3)"


def test_run_takes_args_by_keyword(sp):
    assert sp.run(args=child.leave(4)).returncode == 4


def test_run_takes_popen_parameters_by_position(sp):
    # args, bufsize, executable, stdin, stdout
    done = sp.run(child.say("x"), -1, None, None, sp.PIPE)
    assert done.stdout == b"x"


def test_run_takes_any_iterable_of_arguments(sp):
    assert sp.run(iter(child.leave(5))).returncode == 5
    assert sp.run(tuple(child.leave(5))).returncode == 5


def test_capture_output_returns_both_streams(sp):
    done = sp.run(child.say("out", "err"), capture_output=True)
    assert (done.stdout, done.stderr) == (b"out", b"err")
    assert repr(done) == (
        f"CompletedProcess(args={done.args!r}, returncode=0, stdout=b'out', stderr=b'err')"
    )


def test_captured_silence_is_empty_and_not_none(sp):
    done = sp.run(child.true(), capture_output=True)
    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_one_captured_stream_leaves_the_other_none(sp, stream):
    other = "stderr" if stream == "stdout" else "stdout"
    done = sp.run(child.say("x", "x"), **{stream: sp.PIPE, other: sp.DEVNULL})
    assert getattr(done, stream) == b"x"
    assert getattr(done, other) is None


def test_stderr_into_stdout_keeps_the_order(sp):
    done = sp.run(child.say("out,", "err"), stdout=sp.PIPE, stderr=sp.STDOUT)
    assert (done.stdout, done.stderr) == (b"out,err", None)


def test_input_reaches_the_child(sp):
    done = sp.run(child.echo(), input=b"a\0b", stdout=sp.PIPE)
    assert done.stdout == b"a\0b"


def test_empty_input_gives_the_child_an_end_of_file(sp):
    assert sp.run(child.echo(), input=b"", stdout=sp.PIPE).stdout == b""


@pytest.mark.parametrize("empty", ["", b"", bytearray(), 0, False, ()], ids=repr)
def test_any_empty_input_is_an_empty_input(sp, empty):
    """Of whatever type, where bytes are sent: what is empty is never looked at."""
    for options in ({"stdout": sp.PIPE}, {"capture_output": True}, {"stdout": sp.DEVNULL}):
        for way in ({}, {"umask": -1}):
            done = sp.run(child.echo(), input=empty, **options, **way)
            assert done.stdout == (None if options.get("stdout") == sp.DEVNULL else b"")


def test_input_without_capture_is_written(sp, tmp_path):
    target = tmp_path / "out"
    with open(target, "wb") as file:
        sp.run(child.echo(), input=b"through", stdout=file)
    assert target.read_bytes() == b"through"


def test_input_and_stdin_exclude_each_other(sp):
    with pytest.raises(ValueError) as caught:
        sp.run(child.echo(), input=b"", stdin=sp.PIPE)
    assert str(caught.value) == ("stdin and input arguments may not both be used.")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_capture_output_and_a_stream_exclude_each_other(sp, stream):
    with pytest.raises(ValueError) as caught:
        sp.run(child.true(), capture_output=True, **{stream: sp.PIPE})
    assert str(caught.value) == ("stdout and stderr arguments may not be used with capture_output.")


def test_check_passes_on_zero(sp):
    assert sp.run(child.true(), check=True).returncode == 0


def test_check_raises_with_everything_known(sp):
    args = child.say("out", "err", 47)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        sp.run(args, check=True, capture_output=True)
    error = caught.value
    assert (error.returncode, error.cmd) == (47, args)
    assert error.output == error.stdout == b"out"
    assert error.stderr == b"err"
    assert str(error) == (f"Command '{args}' returned non-zero exit status 47.")


def test_check_without_capture_has_no_output(sp):
    with pytest.raises(subprocess.CalledProcessError) as caught:
        sp.run(child.leave(1), check=True)
    assert (caught.value.output, caught.value.stderr) == (None, None)


@pytest.mark.posix
def test_death_by_signal_is_a_negative_code_and_named(sp):
    args = ["sh", "-c", "kill -9 $$"]
    assert sp.run(args).returncode == -signal.SIGKILL
    with pytest.raises(subprocess.CalledProcessError) as caught:
        sp.run(args, check=True)
    named = repr(signal.SIGKILL)
    assert str(caught.value) == f"Command '{args}' died with {named}."


@pytest.mark.posix
def test_death_by_a_real_time_signal_is_a_negative_code(sp):
    number = signal.SIGRTMIN + 3
    done = sp.run(["sh", "-c", f"kill -{number} $$"])
    assert done.returncode == -number


def test_check_returncode_of_the_result(sp):
    args = child.say("out", "err", 2)
    done = sp.run(args, capture_output=True)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        done.check_returncode()
    assert described(caught.value)["stdout"] == b"out"
    assert described(caught.value)["stderr"] == b"err"
    assert sp.run(child.true()).check_returncode() is None


def test_call_returns_the_code(sp):
    assert sp.call(child.leave(47)) == 47


def test_check_call_returns_zero_or_raises(sp):
    assert sp.check_call(child.true()) == 0
    args = child.leave(47)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        sp.check_call(args)
    assert (caught.value.returncode, caught.value.cmd) == (47, args)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        sp.check_call(args=args)
    assert caught.value.cmd == args


def test_check_output_returns_stdout_only(sp):
    assert sp.check_output(child.say("out", "err"), stderr=sp.DEVNULL) == b"out"
    assert sp.check_output(child.say("out,", "err"), stderr=sp.STDOUT) == b"out,err"


def test_check_output_raises_with_the_output(sp):
    with pytest.raises(subprocess.CalledProcessError) as caught:
        sp.check_output(child.say("text", code=5))
    assert (caught.value.returncode, caught.value.output) == (5, b"text")


def test_check_output_takes_input_and_stdin(sp, tmp_path):
    assert sp.check_output(child.echo(), input=b"pear") == b"pear"
    source = tmp_path / "in"
    source.write_bytes(b"apple")
    with open(source, "rb") as file:
        assert sp.check_output(child.echo(), stdin=file) == b"apple"


@pytest.mark.parametrize(
    "mode",
    [
        {},
        {"text": True},
        {"universal_newlines": True},
        {"encoding": "utf-8"},
        {"encoding": "utf-8", "errors": "replace"},
    ],
)
def test_check_output_with_input_none_is_empty_input(sp, mode):
    empty = "" if mode else b""
    assert sp.check_output(child.echo(), input=None, **mode) == empty


def test_run_with_input_none_leaves_stdin_alone(sp, tmp_path):
    source = tmp_path / "in"
    source.write_bytes(b"plain")
    with open(source, "rb") as file:
        done = sp.run(child.echo(), input=None, stdin=file, stdout=sp.PIPE)
    assert done.stdout == b"plain"


@pytest.mark.since(3, 11, "check= was handed on to run() unchecked")
@pytest.mark.parametrize("name, value", [("stdout", 1), ("check", True)])
def test_check_output_refuses_what_it_sets_itself(sp, name, value):
    with pytest.raises(ValueError) as caught:
        sp.check_output(child.true(), **{name: value})
    assert str(caught.value) == (f"{name} argument not allowed, it will be overridden.")


@pytest.mark.posix
def test_getstatusoutput_gives_code_and_merged_text(sp):
    assert sp.getstatusoutput("echo out; echo err >&2; exit 3") == (3, "out\nerr")
    assert sp.getstatusoutput("printf 'a\\n\\n'") == (0, "a\n")
    assert sp.getstatusoutput(":") == (0, "")
    assert sp.getstatusoutput("kill -TERM $$") == (-signal.SIGTERM, "")
    status, text = sp.getstatusoutput("./no_such_program_here")
    assert status == 127 and "no_such_program_here" in text


def test_getoutput_gives_the_text(sp):
    assert sp.getoutput("echo xyzzy") == "xyzzy"
    assert sp.getstatusoutput("echo xyzzy") == (0, "xyzzy")


@pytest.mark.posix
@pytest.mark.since(3, 11, "no encoding= and errors=")
def test_getoutput_decodes_as_told(sp):
    command = r"printf '\303\251\377'"
    assert sp.getoutput(command, encoding="latin-1") == "Ã©ÿ"
    assert sp.getoutput(command, encoding="utf-8", errors="replace") == ("é\ufffd")
    assert sp.getstatusoutput(command, encoding="latin-1") == (0, "Ã©ÿ")
    with pytest.raises(UnicodeDecodeError):
        sp.getoutput(command, encoding="utf-8")
    with pytest.raises(TypeError):
        sp.getoutput(command, "utf-8")


def test_a_big_output_on_both_streams_is_complete(sp):
    code = (
        "import sys\n"
        "for i in range(40):\n"
        "    sys.stdout.buffer.write(b'o' * 65537)\n"
        "    sys.stdout.buffer.flush()\n"
        "    sys.stderr.buffer.write(b'e' * 65537)\n"
        "    sys.stderr.buffer.flush()\n"
    )
    done = sp.run(python(code), capture_output=True)
    assert done.stdout == b"o" * (40 * 65537)
    assert done.stderr == b"e" * (40 * 65537)


def test_a_big_input_comes_back_complete(sp):
    data = bytes(range(256)) * 20_000
    done = sp.run(child.echo(), input=data, stdout=sp.PIPE)
    assert done.stdout == data


def test_the_environment_variables_are_inherited_as_changed_now(sp, monkeypatch):
    monkeypatch.setenv("FASTPROC_TEST_VARIABLE", "seen")
    code = "import os, sys; sys.stdout.write(os.environ['FASTPROC_TEST_VARIABLE'])"
    done = sp.run([sys.executable, "-S", "-c", code], capture_output=True)
    assert done.stdout == b"seen"


@pytest.mark.parametrize("name", ["run", "call", "check_call", "check_output"])
def test_missing_args_is_the_type_error_of_popen(sp, name):
    with pytest.raises(TypeError) as caught:
        getattr(sp, name)()
    assert "missing 1 required positional argument: 'args'" in str(caught.value)


def test_an_unknown_keyword_is_a_type_error(sp):
    with pytest.raises(TypeError) as caught:
        sp.run(child.true(), no_such_option=1)
    assert "unexpected keyword argument 'no_such_option'" in str(caught.value)
