"""Values that are refused before anything is started."""

import pathlib
import sys
from decimal import Decimal

import pytest

import fastproc
from tests._helpers import WAYS, child, same

pytestmark = pytest.mark.posix


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


@pytest.mark.parametrize(
    "args",
    [["a\0b"], "a\0b", b"a\0b", ["true", "a\0b"], ["true", b"\0"], [pathlib.PurePosixPath("a\0b")]],
    ids=ascii,
)
def test_an_embedded_nul_in_args(way, args):
    error = same(lambda sp: way(sp, args))
    assert error == dict(error, type="ValueError", text="embedded null byte")


@pytest.mark.parametrize(
    "options",
    [{"cwd": "a\0b"}, {"executable": "a\0b"}, {"cwd": b"\0"}, {"executable": b"/bin/true\0"}],
    ids=repr,
)
def test_an_embedded_nul_elsewhere(way, options):
    error = same(lambda sp: way(sp, ["true"], **options))
    assert error["type"] == "ValueError"


@pytest.mark.parametrize(
    "args",
    [
        5,
        None,
        1.5,
        [5],
        ["true", 5],
        ["true", None],
        [None],
        [["true"]],
        ["\ud800"],
        ["true", "\ud800"],
        "\ud800",
    ],
    ids=ascii,
)
def test_arguments_of_the_wrong_type(way, args):
    error = same(lambda sp: way(sp, args))
    assert error["type"] in ("TypeError", "UnicodeEncodeError")


@pytest.mark.parametrize("args", [[], (), {}], ids=repr)
def test_no_arguments_at_all(way, args):
    same(lambda sp: way(sp, args))


def test_no_arguments_at_all_with_executable(way):
    same(lambda sp: way(sp, [], executable="/bin/true"))


@pytest.mark.parametrize(
    "options",
    [
        {"bufsize": "1"},
        {"bufsize": 1.5},
        {"pipesize": "1"},
        {"pipesize": 1.5},
        {"startupinfo": object},
        {"creationflags": 1},
        {"cwd": 5},
        {"cwd": 1.5},
        {"executable": 5},
        {"executable": []},
        {"umask": "077"},
        {"umask": 1.5},
        {"umask": 1 << 80},
        {"umask": 1 << 31},
        {"umask": 1 << 32},
        {"umask": -1.0},
        {"umask": -2},
        {"umask": None},
        {"process_group": "1"},
        {"process_group": -2},
        {"process_group": 1 << 80},
        {"process_group": 1 << 31},
        {"pipesize": 1 << 31},
        {"pipesize": 1 << 40},
        {"pipesize": 1 << 70},
        {"pipesize": (1 << 32) + 4096},
        {"pass_fds": 5},
        {"pass_fds": None},
        {"pass_fds": 0},
        {"pass_fds": []},
        {"pass_fds": ["a"]},
        {"pass_fds": [-1]},
        {"pass_fds": [1 << 40]},
        {"pass_fds": [None]},
        {"preexec_fn": 5},
        {"env": 5},
        {"text": True, "universal_newlines": False},
        {"text": False, "universal_newlines": True},
        {"user": -1},
        {"user": -2},
        {"user": 1.5},
        {"user": b"root"},
        {"user": "no_such_user_here"},
        {"user": 1 << 64},
        {"user": (1 << 32) - 1},
        {"user": 1 << 32},
        {"user": (1 << 63) - 1},
        {"user": 1 << 63},
        {"user": True},
        {"user": []},
        {"group": -1},
        {"group": 1.5},
        {"group": "no_such_group_here"},
        {"group": 1 << 64},
        {"group": (1 << 32) - 1},
        {"group": 1 << 32},
        {"group": (1 << 63) - 1},
        {"group": 1 << 63},
        {"group": ["root"]},
        {"extra_groups": "root"},
        {"extra_groups": [-1]},
        {"extra_groups": 5},
        {"extra_groups": ["no_such_group_here"]},
        {"extra_groups": [1 << 64]},
        {"extra_groups": [1.5]},
        {"extra_groups": [(1 << 32) - 1]},
    ],
    ids=lambda o: repr(o)[:50].replace("\0", ""),
)
@pytest.mark.parametrize("how", ["Popen", "captured"])
def test_bad_option_values_give_the_same_error(options, how):
    if "process_group" in options and sys.version_info < (3, 11):
        pytest.skip("the standard library before 3.11 has no process_group")
    if options == {"process_group": 1 << 31} and sys.version_info[:2] == (3, 12):
        pytest.skip("the standard library of 3.12 drops the upper bits")
    same(lambda sp: WAYS[how](sp, ["true"], **options))


@pytest.mark.parametrize("timeout", ["1", b"1", [], Decimal(60), 10**400], ids=type)
def test_a_timeout_that_cannot_be_added_to_a_time(timeout):
    error = same(lambda sp: sp.run(["true"], timeout=timeout))
    assert error == same(lambda sp: sp.call(["true"], timeout=timeout))
    same(lambda sp: sp.run(["true"], capture_output=True, timeout=timeout))


@pytest.mark.parametrize("bad", [5, [1], "text", 1.5], ids=repr)
@pytest.mark.parametrize(
    "options", [{}, {"capture_output": True}, {"stdout": -1}, {"timeout": 60}], ids=repr
)
def test_input_of_the_wrong_type(bad, options):
    assert same(lambda sp: sp.run(["true"], input=bad, **options))["type"] == "TypeError"


@pytest.mark.since(3, 12, "it said 'too many groups'")
def test_more_groups_than_the_system_takes(sp):
    with pytest.raises(ValueError) as caught:
        sp.run(["true"], extra_groups=list(range(1 << 17)))
    assert str(caught.value) == "too many extra_groups"


def test_a_bad_option_value_starts_nothing(tmp_path):
    """The options are judged before the child is there."""
    mark = tmp_path / "mark"
    for options in (
        {"umask": "x"},
        {"user": -1},
        {"pass_fds": [-1]},
        {"env": {"A=B": ""}},
        {"cwd": 5},
    ):
        with pytest.raises((TypeError, ValueError)):
            fastproc.run(["touch", str(mark)], **options)
        assert not mark.exists()


@pytest.mark.parametrize(
    "codec",
    [
        {"encoding": "no-such-codec"},
        {"encoding": "utf-8", "errors": "no-such-handler"},
        {"encoding": 5},
        {"errors": 5},
        pytest.param(
            {"errors": "a\0b"},
            marks=pytest.mark.skipif(
                sys.version_info < (3, 11), reason="files took any error handler's name until 3.11"
            ),
        ),
        {"encoding": "a\0b"},
        {"encoding": b"utf-8"},
        {"encoding": "hex"},
    ],
    ids=repr,
)
def test_unknown_codecs_give_the_same_error(codec):
    for stream in ("stdin", "stdout", "stderr"):
        same(lambda sp: sp.Popen(child.true(), **codec, **{stream: sp.PIPE}).communicate())
        same(lambda sp: sp.run(child.true(), **codec, **{stream: sp.PIPE}))
    # Without a pipe there is nothing to encode, and nobody asks.
    assert same(lambda sp: sp.run(child.true(), **codec).returncode) == 0
    assert same(lambda sp: sp.Popen(child.true(), **codec).wait()) == 0


def test_an_unknown_error_handler_is_an_error_where_python_is_told_to_look(sp):
    code = f"""
import {sp.__name__} as sp
for options in ({{}}, {{"umask": -1}}):
    try:
        sp.run(["true"], capture_output=True, errors="no-such-handler", **options)
    except LookupError as error:
        print(error)
"""
    done = sp.run([sys.executable, "-X", "dev", "-c", code], stdout=sp.PIPE, text=True)
    assert done.stdout.splitlines() == ["unknown error handler name 'no-such-handler'"] * 2


@pytest.mark.parametrize(
    "codec", [{"encoding": "no-such-codec"}, {"encoding": 5}, {"errors": 5}], ids=repr
)
def test_unknown_codecs_leave_no_descriptor(codec):
    # The standard library leaks the pipes that come after the failing one.
    with pytest.raises((LookupError, TypeError)):
        fastproc.Popen(
            child.true(), stdin=fastproc.PIPE, stdout=fastproc.PIPE, stderr=fastproc.PIPE, **codec
        )
    with pytest.raises((LookupError, TypeError)):
        fastproc.run(child.true(), input="", capture_output=True, **codec)
