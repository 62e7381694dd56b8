"""What reaches CreateProcessW, by fastproc and by the standard library: the same."""

import ctypes
import functools
import os
import pathlib
import subprocess
import sys

import pytest

import fastproc

if os.name != "nt":
    pytest.skip("calls CreateProcessW", allow_module_level=True)

from tests._helpers import child
from tests.windows._capture import (
    PLAIN_SIZE,
    captured,
    kind_of_startup,
    named_pipes,
    start_with_handles,
)

STDLIB = ctypes.pythonapi._handle
OURS = os.path.basename(fastproc._native.__file__)
ENV = {"SystemRoot": "C:\\windows", "b": "2", "A": "1", "=C:": "C:\\"}


class Word(str):
    """As the members of many an Enum are; what it says of itself does not count."""

    def __len__(self):
        return 1

    def __str__(self):
        return "another"


def call(module, name, args, options):
    with captured(name) as seen, pytest.raises(OSError):
        module.Popen(args, **options)
    (arguments,) = seen
    if sys.version_info < (3, 12):
        del arguments["env"]  # not sorted yet
    return arguments


def startup(**attributes):
    return lambda: {"startupinfo": subprocess.STARTUPINFO(**attributes)}


CASES = {
    "string": ('prog "a b" c', dict),
    "list": (["prog", "a b", 'c"d', ""], dict),
    "bytes": ([b"prog", b"x y"], dict),
    "path": ([os.path.join("C:\\", "x y")], dict),
    "path-like": ([pathlib.Path("C:\\x y"), pathlib.Path("z")], dict),
    "path-like alone": (pathlib.Path("C:\\x y"), dict),
    "bytes alone": (b"prog", dict),
    "path-like executable": (["prog"], lambda: {"executable": pathlib.Path("C:\\y.exe")}),
    "path-like cwd": ("prog", lambda: {"cwd": pathlib.Path("C:\\somewhere")}),
    "str subclass": ([Word("prog"), Word("a b")], lambda: {"env": {Word("A"): Word("1")}}),
    "executable": (["prog", "x"], lambda: {"executable": "C:\\y.exe"}),
    "bytes executable": (["prog"], lambda: {"executable": b"C:\\y.exe"}),
    "shell": ("echo hi", lambda: {"shell": True}),
    "shell list": (["echo", "hi there"], lambda: {"shell": True}),
    "shell executable": ("x", lambda: {"shell": True, "executable": "C:\\sh.exe"}),
    "flags": ("prog", lambda: {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | 0x4000}),
    "many flags": ("prog", lambda: {"creationflags": 1 << 40 | 8}),
    "cwd": ("prog", lambda: {"cwd": "C:\\somewhere"}),
    "bytes cwd": ("prog", lambda: {"cwd": b"C:\\somewhere"}),
    "env": ("prog", lambda: {"env": ENV}),
    "empty env": ("prog", lambda: {"env": {}}),
    "inherit": ("prog", lambda: {"close_fds": False}),
    "pipes": ("prog", lambda: {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}),
    "null": ("prog", lambda: {"stderr": subprocess.DEVNULL}),
    "stdout": ("prog", lambda: {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}),
    "pipes, inherit": ("prog", lambda: {"stdout": subprocess.PIPE, "close_fds": False}),
    "window": ("prog", startup(dwFlags=1, wShowWindow=7)),
    "wide window": ("prog", startup(dwFlags=1, wShowWindow=0x12345)),
    "own handles": ("prog", startup(dwFlags=0x100, hStdInput=4, hStdOutput=8, hStdError=12)),
    "no attributes": ("prog", startup(lpAttributeList=None)),
    "shell window": (
        "echo",
        lambda: {"shell": True, "startupinfo": subprocess.STARTUPINFO(dwFlags=4, wShowWindow=3)},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_arguments_of_create_process(case):
    args, options = CASES[case]
    theirs = call(subprocess, STDLIB, args, options())
    ours = call(fastproc, OURS, args, options())
    assert ours == theirs


def test_the_parent_s_environment_is_not_copied():
    assert call(fastproc, OURS, "prog", {}).get("env") is None


def test_a_startupinfo_is_not_changed():
    info = subprocess.STARTUPINFO(lpAttributeList={"handle_list": []})
    call(fastproc, OURS, "x", {"shell": True, "startupinfo": info, "stdout": fastproc.PIPE})
    assert (info.dwFlags, info.wShowWindow, info.hStdOutput) == (0, 0, None)
    assert info.lpAttributeList == {"handle_list": []}


def test_what_only_has_some_attributes_will_do():
    class Own:
        dwFlags = 1

        def copy(self):
            return self

        lpAttributeList = None

    theirs = call(subprocess, STDLIB, "prog", {"startupinfo": Own()})
    assert call(fastproc, OURS, "prog", {"startupinfo": Own()}) == theirs


@pytest.mark.parametrize(
    "options",
    [
        {"stdin": subprocess.PIPE},
        {"stdout": subprocess.PIPE},
        {"stderr": subprocess.PIPE},
        {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE},
        {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT},
        {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL},
    ],
    ids=str,
)
@pytest.mark.parametrize("way", ["Popen", "run"])
def test_the_standard_handles_are_in_the_list_each_once_and_inheritable(way, options):
    """Windows starts no child otherwise, or one without them; wine does not mind."""
    (std,), lists = start_with_handles(OURS, lambda: getattr(fastproc, way)("prog", **options))
    assert all(std)
    ((handles, inheritable),) = lists
    assert set(std) <= set(handles)
    assert len(set(handles)) == len(handles)
    assert all(inheritable)


def test_where_there_is_nothing_to_list_there_is_no_list():
    (std,), lists = start_with_handles(OURS, lambda: fastproc.Popen("prog"))
    assert std == [0, 0, 0]
    assert lists == []
    options = {"stdout": subprocess.PIPE, "close_fds": False}  # all that is inheritable is
    (std,), lists = start_with_handles(OURS, lambda: fastproc.Popen("prog", **options))
    assert all(std)
    assert lists == []


@pytest.mark.parametrize("flags", [0, 0x00080000])
def test_a_startupinfo_is_an_extended_one_where_it_has_an_attribute_list(flags):
    """Microsoft's documentation knows no extended one without a list."""
    for options, has_list in (
        ({}, False),
        ({"close_fds": False, "stdout": subprocess.PIPE}, False),
        ({"stdout": subprocess.PIPE}, True),
    ):
        start = functools.partial(fastproc.Popen, "prog", creationflags=flags, **options)
        size, extended, listed = kind_of_startup(OURS, start)
        assert (extended, listed, size > PLAIN_SIZE) == (has_list, has_list, has_list)


def test_nobody_else_can_have_the_pipes_of_a_run():
    """They have names, so somebody might make one of that name before us, or open it after us."""
    first_instance, reject_remote_clients = 0x00080000, 8
    options = {"input": b"x", "capture_output": True}
    pipes = named_pipes(OURS, lambda: [fastproc.run(child.true(), **options) for _ in range(2)])
    assert len({name for name, *_ in pipes}) == len(pipes) == 2 * 3
    for _, open_mode, pipe_mode, instances in pipes:
        assert open_mode & first_instance
        assert pipe_mode & reject_remote_clients
        assert instances == 1
