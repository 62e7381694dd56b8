"""Text: encodings, error handlers, newlines, line buffering."""

import io
import os
import subprocess
import sys
import warnings

import pytest

import fastproc
from tests._helpers import PATIENCE, child, fresh, outcome, python, same

MODES = [
    {"text": True},
    {"universal_newlines": True},
    {"encoding": "utf-8"},
    {"errors": "strict"},
    {"text": True, "universal_newlines": True},
    {"encoding": "utf-8", "text": False},
]


# The usual call, and one that is not so usual: for us these are two ways.
WAYS_OF_RUN = [{}, {"umask": -1}]


def raw(data):
    """A child that writes these bytes to both streams."""
    return python(f"import os; os.write(1, {data!r}); os.write(2, {data!r})")


@pytest.mark.parametrize("mode", MODES, ids=repr)
def test_each_mode_gives_text(sp, mode):
    done = sp.run(child.echo_both(), input="text", capture_output=True, **mode)
    assert (done.stdout, done.stderr) == ("text", "text")
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE, **mode) as process:
        assert isinstance(process.stdin, io.TextIOWrapper)
        assert isinstance(process.stdout, io.TextIOWrapper)
        assert process.text_mode
        assert process.communicate("a") == ("a", None)


@pytest.mark.parametrize(
    "mode",
    [
        {},
        {"text": False},
        {"universal_newlines": False},
        {"text": None},
        {"text": False, "universal_newlines": False},
    ],
    ids=repr,
)
def test_without_a_mode_it_is_bytes(sp, mode):
    done = sp.run(child.echo(), input=b"\xff\r\n", stdout=sp.PIPE, **mode)
    assert done.stdout == b"\xff\r\n"
    with sp.Popen(child.true(), **mode) as process:
        assert not process.text_mode


def test_the_modes_must_agree(sp):
    for text, universal in ((True, False), (False, True)):
        with pytest.raises(subprocess.SubprocessError) as caught:
            sp.Popen(child.true(), text=text, universal_newlines=universal)
        assert str(caught.value) == (
            "Cannot disambiguate when both text and universal_newlines are "
            "supplied but different. Pass one or the other."
        )


@pytest.mark.parametrize("timeout", [None, PATIENCE])
def test_newlines_become_one_kind(sp, timeout):
    data = b"a\nb\rc\r\nd\r\r\n\n\re"
    done = sp.run(raw(data), capture_output=True, text=True, timeout=timeout)
    assert done.stdout == done.stderr == "a\nb\nc\nd\n\n\n\ne"
    done = sp.run(raw(data), stdout=sp.PIPE, stderr=sp.DEVNULL, text=True, timeout=timeout)
    assert done.stdout == "a\nb\nc\nd\n\n\n\ne"


def test_reading_a_stream_translates_newlines_too(sp):
    with sp.Popen(
        raw(b"one\r\ntwo\rthree\n"), stdout=sp.PIPE, stderr=sp.DEVNULL, text=True
    ) as process:
        assert process.stdout.readlines() == ["one\n", "two\n", "three\n"]


@pytest.mark.posix
def test_newlines_of_the_input_stay(sp):
    done = sp.run(["od", "-An", "-c"], input="a\nb\r\nc", stdout=sp.PIPE, text=True)
    assert done.stdout.split() == ["a", r"\n", "b", r"\r", r"\n", "c"]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-16", "utf-32-be", "latin-1", "cp1252", "utf-8-sig", "locale"]
)
@pytest.mark.parametrize("capture", [True, False])
@pytest.mark.parametrize("way", WAYS_OF_RUN, ids=repr)
@pytest.mark.windows_differs("its pipes pass for files, so utf-16 goes without its mark")
def test_every_encoding_goes_both_ways(sp, encoding, capture, way):
    text = {"latin-1": "é1\n2\n3", "locale": "1\n2\n3"}.get(encoding, "é1\n2€\n3\n4")
    options = {"capture_output": True} if capture else {"stdout": sp.PIPE}
    done = sp.run(child.echo(), input=text, encoding=encoding, **options, **way)
    assert done.stdout == text
    assert sp.check_output(child.echo(), input=text, encoding=encoding, **way) == text
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE, encoding=encoding, **way) as process:
        assert process.communicate(text) == (text, None)
        assert process.encoding == encoding


@pytest.mark.posix
@pytest.mark.since(3, 11, "no encoding=")
def test_the_locale_s_encoding_by_its_name_is_for_the_shell_s_output_too(sp):
    assert sp.getoutput("echo x", encoding="locale") == "x"
    assert sp.getstatusoutput("echo x; exit 3", encoding="locale") == (3, "x")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32-be"])
def test_wide_encodings_of_what_the_child_encodes(sp, encoding):
    data = "1\r\n2\r3\n4".encode(encoding)
    for options in ({}, {"stderr": sp.PIPE}):
        done = sp.run(
            raw(data), encoding=encoding, **{"stdout": sp.PIPE, "stderr": sp.DEVNULL, **options}
        )
        assert done.stdout == "1\n2\n3\n4"


@pytest.mark.posix
def test_a_codec_sees_all_of_the_output():
    """However it was read: with one pipe as with two, where the model does the same."""
    native = "a".encode("utf-16")[2:]
    for options in ({"stdout": fastproc.PIPE}, {"capture_output": True}):
        for way in WAYS_OF_RUN:
            options = {**options, **way, "encoding": "utf-16"}
            assert fastproc.run(raw(native), **options).stdout == "a"
            with pytest.raises(UnicodeEncodeError) as caught:
                fastproc.run(child.echo(), input="\ud800", **options)
            assert caught.value.encoding == "utf-16"
            with pytest.raises(UnicodeDecodeError):
                fastproc.run(raw(b"\xef\xbb"), **dict(options, encoding="utf-8-sig"))


@pytest.mark.parametrize(
    "errors, expected",
    [
        ("ignore", ""),
        ("replace", "\ufffd\ufffd"),
        ("surrogateescape", "\udc80\udc80"),
        ("backslashreplace", r"\x80\x80"),
    ],
)
@pytest.mark.parametrize("both", [True, False])
def test_the_error_handler_is_used(sp, errors, expected, both):
    done = sp.run(
        raw(b"\x80\x80"),
        stdout=sp.PIPE,
        stderr=sp.PIPE if both else sp.DEVNULL,
        encoding="utf-8",
        errors=errors,
    )
    assert done.stdout == expected


@pytest.mark.parametrize("both", [True, False])
def test_undecodable_output_is_the_same_error(both):
    if os.name == "nt" and both:
        pytest.skip("the standard library decodes in a thread on Windows, where errors are lost")
    error = same(
        lambda sp: sp.run(
            raw(b"ok \x80"),
            stdout=sp.PIPE,
            stderr=sp.PIPE if both else sp.DEVNULL,
            encoding="utf-8",
        )
    )
    assert error["type"] == "UnicodeDecodeError"


def test_unencodable_input_is_the_same_error():
    for options in ({}, {"stdout": subprocess.PIPE}):
        error = same(lambda sp: sp.run(child.echo(), input="é", encoding="ascii", **options))
        assert error["type"] == "UnicodeEncodeError"
    done = same(
        lambda sp: sp.run(
            child.echo(), input="é", encoding="ascii", errors="replace", stdout=sp.PIPE
        )
    )
    assert done[3] == "?"


WRONG_INPUTS = [b"bytes", 5, b"", bytearray(b"a"), memoryview(b"a"), 0, False, [], ()]


@pytest.mark.parametrize("bad", WRONG_INPUTS, ids=lambda bad: f"{type(bad).__name__}-{bool(bad)}")
@pytest.mark.parametrize("way", WAYS_OF_RUN, ids=repr)
@pytest.mark.posix
def test_input_of_the_wrong_type_in_text_mode(bad, way):
    """Which error it is depends on what else is to be done meanwhile."""
    for options in (
        {"stdout": subprocess.DEVNULL},
        {"stdout": subprocess.PIPE},
        {"stderr": subprocess.PIPE},
        {"capture_output": True},
        {"stdout": subprocess.DEVNULL, "timeout": PATIENCE},
    ):
        found = same(lambda sp: sp.run(child.echo(), input=bad, text=True, **options, **way))
        assert not bad or found["type"] in ("TypeError", "AttributeError")


@pytest.mark.parametrize("bad", WRONG_INPUTS, ids=lambda bad: f"{type(bad).__name__}-{bool(bad)}")
@pytest.mark.posix
def test_text_mode_communicate_refuses_input_of_the_wrong_type(bad):
    def talk(sp, timeout, **options):
        with sp.Popen(child.echo(), stdin=sp.PIPE, text=True, **options) as process:
            try:
                return process.communicate(bad, timeout)
            finally:
                process.stdin.close()
                process.wait()

    for timeout in (None, PATIENCE):
        for options in ({"stdout": subprocess.DEVNULL}, {"stdout": subprocess.PIPE}):
            same(lambda sp: talk(sp, timeout, **options))


def test_a_character_split_between_reads_is_whole(sp):
    code = (
        "import os\n"
        "data = 'é'.encode() * 100_001\n"
        "os.write(1, data[:1])\n"
        "data = data[1:]\n"
        "while data:\n"
        "    data = data[os.write(1, data[:4097]):]\n"
    )
    done = sp.run(python(code), capture_output=True, encoding="utf-8")
    assert done.stdout == "é" * 100_001


def test_a_newline_split_between_reads_is_one(sp):
    code = "import os\nos.write(1, b'a' * 65535 + b'\\r')\nos.write(1, b'\\nb')\n"
    for options in ({"capture_output": True}, {"stdout": sp.PIPE}):
        done = sp.run(python(code), encoding="utf-8", **options)
        assert done.stdout == "a" * 65535 + "\nb"


@pytest.mark.posix
def test_line_buffering_with_bufsize_one(sp):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with sp.Popen(["cat"], bufsize=1, stdin=sp.PIPE, stdout=sp.PIPE, text=True) as process:
            process.stdin.write("a line\n")
            # Not flushed by us, yet it arrives.
            assert process.stdout.readline() == "a line\n"


def test_line_buffering_of_bytes_warns(sp):
    with pytest.warns(RuntimeWarning, match="line buffering"):
        with sp.Popen(child.echo(), bufsize=1, stdin=sp.PIPE, stdout=sp.DEVNULL) as process:
            process.communicate(b"x")


def talk(sp, **options):
    with sp.Popen(child.true(), **options) as process:
        return process.communicate()


CALLS_WITH_PIPES = [
    lambda sp, **options: sp.run(child.true(), capture_output=True, **options),
    lambda sp, **options: sp.run(child.true(), stdin=sp.PIPE, **options),
    lambda sp, **options: sp.run(child.true(), stdout=sp.PIPE, text=True, **options),
    lambda sp, **options: sp.check_output(child.true(), **options),
    lambda sp, **options: talk(sp, stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE, **options),
    lambda sp, **options: talk(sp, stdin=sp.PIPE, text=True, **options),
]
CALLS_WITHOUT = [
    lambda sp, **options: sp.run(child.true(), **options).returncode,
    lambda sp, **options: sp.call(child.true(), **options),
    talk,
]
TOO_LARGE = [2**31, -(2**31) - 1, 2**70]


@pytest.mark.parametrize("bufsize", [1, True, None, 0, 2, -1])
@pytest.mark.parametrize("call", [*CALLS_WITH_PIPES, *CALLS_WITHOUT])
def test_each_pipe_warns_of_a_bufsize_it_has_no_use_for(call, bufsize):
    """Also where we make no file object for it."""

    def told(sp):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = outcome(lambda sp: call(sp, bufsize=bufsize), sp)
        return result, [str(warning.message) for warning in caught]

    same(told)


@pytest.mark.parametrize("bufsize", TOO_LARGE)
@pytest.mark.parametrize("call", CALLS_WITH_PIPES)
def test_a_bufsize_beyond_a_c_int_is_an_error_and_leaves_nothing(call, bufsize):
    # Not the model's turn: it forgets the descriptor.
    with pytest.raises(OverflowError) as caught:
        call(fastproc, bufsize=bufsize)
    assert str(caught.value) == "Python int too large to convert to C int"


@pytest.mark.parametrize("bufsize", TOO_LARGE)
@pytest.mark.parametrize("call", CALLS_WITHOUT)
def test_without_a_pipe_nobody_looks_at_bufsize(sp, call, bufsize):
    assert call(sp, bufsize=bufsize) in (0, (None, None))


def test_a_warning_of_bufsize_names_the_caller_s_line():
    for call in (fastproc.run, fastproc.check_output, fastproc.Popen):
        with pytest.warns(RuntimeWarning, match="line buffering") as caught:
            result = call(child.true(), bufsize=1, stdin=fastproc.PIPE)
        assert {warning.filename for warning in caught} == {__file__}
        if call is fastproc.Popen:
            result.communicate()


def test_write_through_of_a_text_stdin(sp):
    with sp.Popen(child.echo(), bufsize=0, stdin=sp.PIPE, stdout=sp.PIPE, text=True) as process:
        process.stdin.write("unbuffered")
        assert process.stdout.read(10) == "unbuffered"


@pytest.mark.windows_differs("what reads is chosen when the child is started")
def test_the_mode_may_be_changed_by_the_old_attribute(sp):
    with sp.Popen(
        child.say("a\r\nb", "c"), stdout=sp.PIPE, stderr=sp.PIPE, universal_newlines=True
    ) as process:
        assert process.universal_newlines
        process.universal_newlines = False
        assert process.text_mode is False
        assert process.communicate() == (b"a\r\nb", b"c")


def test_captured_errors_carry_text(sp):
    with pytest.raises(subprocess.CalledProcessError) as caught:
        sp.run(child.say("out", "err", 3), check=True, capture_output=True, text=True)
    assert (caught.value.stdout, caught.value.stderr) == ("out", "err")


@pytest.mark.posix
@pytest.mark.since(3, 11, "the attribute said 'locale'")
@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"PYTHONUTF8": "1", "LC_ALL": "C"}, "utf-8"),
        ({"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}, "ascii"),
    ],
)
def test_the_default_encoding_is_the_locale_s(sp, variables, expected):
    code = """
import codecs
p = sp.Popen(["true"], text=True, stdout=sp.PIPE)
p.communicate()
print(codecs.lookup(p.encoding).name)
"""
    assert fresh(sp, code, env=dict(os.environ, **variables)).strip() == expected


@pytest.mark.since(3, 11, "no such warning")
@pytest.mark.parametrize(
    "call",
    [
        "sp.run(ARGS, text=True)",
        "sp.run(ARGS, capture_output=True, text=True)",
        "sp.run(ARGS, universal_newlines=True)",
        "sp.call(ARGS, text=True)",
        "sp.check_call(ARGS, text=True)",
        "sp.check_output(ARGS, text=True)",
        "sp.run(ARGS, text=True, stdin=sys.stdin)",
        "sp.run(iter(ARGS), text=True, capture_output=True)",
        "sp.getoutput('echo')",
        "sp.getstatusoutput('echo')",
        "sp.Popen(ARGS, text=True, stdout=sp.PIPE).communicate()",
        "sp.run(ARGS, encoding='utf-8')",
        "sp.run(ARGS, encoding='locale', capture_output=True)",
        "sp.getoutput('echo', encoding='locale')",
    ],
)
def test_a_missing_encoding_is_warned_of_once_and_at_the_caller_s_line(sp, call):
    script = f"import sys, {sp.__name__} as sp\nARGS = {child.true()!r}\n{call}\n"
    done = subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-W", "always", "-c", script],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    if "encoding=" in call:
        assert done.stderr == ""
    else:
        assert done.stderr.startswith(
            "<string>:3: EncodingWarning: 'encoding' argument not specified"
        )
        assert done.stderr.count("EncodingWarning") == 1


def test_bytes_after_a_text_stream_was_detached(sp):
    with sp.Popen(child.say("raw"), stdout=sp.PIPE, text=True) as process:
        process.stdout = process.stdout.detach()
        assert process.stdout.read() == b"raw"
