"""Arguments, programs and environments: every form of them, to the byte."""

import os
import pathlib
import shutil
import stat
import sys

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import fastproc
from tests._helpers import child, fresh, python, same

pytestmark = pytest.mark.posix

SHOW_ARGS = 'for a do printf "%s\\n" "$a"; done'


class PathLike:
    """A path-like object that is no pathlib one and no str."""

    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return self.path


def show(args):
    return ["sh", "-c", SHOW_ARGS, "sh", *args]


@pytest.mark.parametrize(
    "make",
    [str, os.fsencode, pathlib.Path, PathLike, lambda p: PathLike(os.fsencode(p))],
    ids=["str", "bytes", "Path", "like", "like-bytes"],
)
def test_a_lone_program_in_every_form(sp, make):
    program = shutil.which("true")
    assert sp.run(make(program)).returncode == 0
    assert sp.run([make(program)]).returncode == 0
    assert sp.run(make("true")).returncode == 0
    assert sp.run(["nobody"], executable=make(program)).returncode == 0


@pytest.mark.parametrize(
    "arg",
    [
        "",
        "a b",
        "tab\t",
        "new\nline",
        "quote'\"",
        "$HOME *",
        "é",
        "\U0001f40d",
        "\udcff\udc80",
        b"\xff\xfe",
        b"",
        pathlib.Path("p/q"),
        PathLike(b"like\x80"),
    ],
    ids=ascii,
)
def test_an_argument_arrives_to_the_byte(sp, arg):
    code = 'printf %s "$1"'
    done = sp.run(["sh", "-c", code, "sh", arg], stdout=sp.PIPE)
    assert done.stdout == os.fsencode(arg)


def test_arguments_keep_order_and_number(sp):
    args = ["", "1", "", "two", b"3", ""]
    done = sp.run(show(args), stdout=sp.PIPE)
    assert done.stdout == b"\n1\n\ntwo\n3\n\n"


def test_a_thousand_long_arguments(sp):
    args = ["%d" % i + "x" * 100 for i in range(1000)]
    done = sp.run(show(args), stdout=sp.PIPE)
    assert done.stdout.decode().split("\n")[:-1] == args


def test_argv_zero_is_the_caller_s_with_executable(sp):
    done = sp.run(["my name", "-c", 'printf %s "$0"'], executable="sh", stdout=sp.PIPE)
    assert done.stdout == b"my name"
    done = sp.run(
        ["my name", "-c", 'printf %s "$0"'], executable=shutil.which("sh"), stdout=sp.PIPE
    )
    assert done.stdout == b"my name"


def test_an_empty_argv_zero_with_executable(sp):
    done = sp.run(["", "-c", 'printf "<%s>" "$0"'], executable="sh", stdout=sp.PIPE)
    assert done.stdout == b"<>"


def test_a_string_is_a_program_name_and_not_split(sp, tmp_path):
    program = tmp_path / "prog with space"
    program.write_text("#!/bin/sh\nexit 43\n")
    program.chmod(0o755)
    assert sp.call(str(program)) == 43
    assert sp.call([str(program)]) == 43


@pytest.mark.parametrize(
    "form",
    [str, os.fsencode, lambda s: [s], lambda s: [os.fsencode(s)], lambda s: (s,)],
    ids=["str", "bytes", "list", "bytes-list", "tuple"],
)
def test_shell_takes_every_form(sp, form):
    done = sp.run(form("printf %s $((6*7))"), shell=True, stdout=sp.PIPE)
    assert done.stdout == b"42"


def test_shell_with_a_sequence_gives_the_rest_to_the_shell(sp):
    done = sp.run(
        ['printf "%s," "$0" "$@"', "zero", "one", "two words"], shell=True, stdout=sp.PIPE
    )
    assert done.stdout == b"zero,one,two words,"


def test_shell_with_a_path_is_refused():
    error = same(lambda sp: sp.run(pathlib.Path("true"), shell=True))
    assert error["type"] == "TypeError"
    assert error["text"] == "path-like args is not allowed when shell is true"


@pytest.mark.parametrize("make", [str, os.fsencode, pathlib.Path])
def test_executable_replaces_the_shell(sp, make, tmp_path):
    fake = tmp_path / "fake shell"
    fake.write_text('#!/bin/sh\nprintf "%s," "$@"\n')
    fake.chmod(0o755)
    done = sp.run("a command", shell=True, executable=make(str(fake)), stdout=sp.PIPE)
    assert done.stdout == b"-c,a command,"


def test_every_shell_named_by_executable(sp):
    for name in ("sh", "bash", "dash"):
        path = shutil.which(name)
        if path is None:
            continue
        done = sp.run("printf %s $0", executable=path, shell=True, stdout=sp.PIPE)
        assert done.stdout == os.fsencode(path)


def test_the_program_comes_from_the_path_of_the_given_env(sp, tmp_path):
    program = tmp_path / "only_here"
    program.write_text("#!/bin/sh\nexit 21\n")
    program.chmod(0o755)
    env = {"PATH": f"/nowhere:{tmp_path}"}
    assert sp.call("only_here", env=env) == 21
    assert sp.call("only_here", env={b"PATH": os.fsencode(tmp_path)}) == 21
    with pytest.raises(FileNotFoundError):
        sp.call("only_here")


def test_the_first_match_on_path_wins(sp, tmp_path):
    for code, name in ((1, "first"), (2, "second")):
        folder = tmp_path / name
        folder.mkdir()
        program = folder / "prog"
        program.write_text(f"#!/bin/sh\nexit {code}\n")
        program.chmod(0o755)
    both = f"{tmp_path}/first:{tmp_path}/second"
    assert sp.call("prog", env={"PATH": both}) == 1


def test_an_empty_path_entry_is_the_current_directory(sp, tmp_path):
    program = tmp_path / "prog"
    program.write_text("#!/bin/sh\nexit 33\n")
    program.chmod(0o755)
    for path in (":", "/nowhere:", ":/nowhere", "/nowhere::/none"):
        assert sp.call("prog", cwd=tmp_path, env={"PATH": path}) == 33


def test_without_path_the_default_one_is_searched(sp):
    assert sp.call("true", env={}) == 0
    assert sp.call("sh", env={"A": "1"}, stdin=sp.DEVNULL) == 0


def test_with_an_empty_path_nothing_is_found_elsewhere():
    error = same(lambda sp: sp.call("true", env={"PATH": ""}, cwd="/"))
    assert error["type"] == "FileNotFoundError"


def test_the_given_environment_is_the_whole_one(sp):
    done = sp.run(["env"], env={"A": "1", "B": ""}, stdout=sp.PIPE)
    assert sorted(done.stdout.split()) == [b"A=1", b"B="]


def test_an_empty_environment_is_empty(sp):
    assert sp.run(["env"], env={}, stdout=sp.PIPE).stdout == b""


def test_the_environment_keeps_its_order(sp):
    names = ["Z", "A", "M", "B"]
    done = sp.run(["env"], env=dict.fromkeys(names, "x"), stdout=sp.PIPE)
    assert done.stdout.decode().split() == [f"{n}=x" for n in names]


def test_bytes_paths_and_surrogates_in_the_environment(sp):
    env = {
        b"BYTES\xff": b"\xfe",
        "SURROGATE": "a\udc80",
        "PATH": pathlib.Path("/bin"),
        PathLike("KEY"): PathLike(b"v"),
    }
    done = sp.run(["/usr/bin/env"], env=env, stdout=sp.PIPE)
    assert sorted(done.stdout.split(b"\n")[:-1]) == [
        b"BYTES\xff=\xfe",
        b"KEY=v",
        b"PATH=/bin",
        b"SURROGATE=a\x80",
    ]


def test_values_may_hold_equal_signs_and_newlines(sp):
    env = {"V": "a=b=c\nd"}
    assert sp.run(["/usr/bin/env", "-0"], env=env, stdout=sp.PIPE).stdout == b"V=a=b=c\nd\0"


def test_an_empty_name_is_handed_on(sp):
    done = sp.run(["/usr/bin/env", "-0"], env={"": "v"}, stdout=sp.PIPE)
    assert done.stdout == b"=v\0"


@pytest.mark.parametrize(
    "env",
    [
        {"A=B": "x"},
        {b"A=B": b"x"},
        {"=": ""},
        {"A\0B": "x"},
        {"A": "x\0y"},
        {b"A": b"\0"},
        {1: "x"},
        {"A": 1},
        {"A": None},
        {None: "x"},
    ],
    ids=repr,
)
def test_bad_environments_give_the_same_error(env):
    error = same(lambda sp: sp.run(["true"], env=env))
    assert error["type"] in ("ValueError", "TypeError")


@pytest.mark.parametrize("env", [5, "text", ["A=1"], object], ids=repr)
def test_what_is_no_mapping_gives_the_same_error(env):
    error = same(lambda sp: sp.run(["/bin/true"], env=env))
    assert error["type"] in ("AttributeError", "TypeError")


def test_path_given_as_str_and_bytes_gives_the_same_error():
    both = {"PATH": "/bin", b"PATH": b"/bin"}
    error = same(lambda sp: sp.run(["true"], env=both))
    assert error["type"] == "ValueError"
    # A program with a slash needs no PATH, and then both are handed on.
    same(lambda sp: sp.run(["/usr/bin/env"], env=both, stdout=sp.PIPE))


@pytest.mark.parametrize("flag", ["-b", "-bb"])
def test_an_environment_with_a_path_is_no_mix_of_str_and_bytes(sp, flag):
    """To look for both names of PATH in one mapping is our business and not the caller's."""
    code = f"""
import {sp.__name__} as sp
env = {{"PATH": "/bin:/usr/bin", "A": "1"}}
for options in ({{}}, {{"umask": -1}}):
    assert sp.run(["true"], env=env, **options).returncode == 0
    assert sp.run(["true"], env=env, capture_output=True, **options).returncode == 0
    assert sp.Popen(["true"], env=env, **options).wait() == 0
"""
    done = sp.run([sys.executable, flag, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_any_mapping_is_an_environment(sp):
    from collections import ChainMap
    from types import MappingProxyType

    for env in (ChainMap({"A": "1"}, {"A": "2"}), MappingProxyType({"A": "1"})):
        assert sp.run(["/usr/bin/env"], env=env, stdout=sp.PIPE).stdout == b"A=1\n"


def test_a_copy_of_environ_with_one_change(sp):
    env = dict(os.environ, FASTPROC_ONE="1")
    done = sp.run(["sh", "-c", 'printf %s "$FASTPROC_ONE"'], env=env, stdout=sp.PIPE)
    assert done.stdout == b"1"


def test_os_environ_itself_as_env(sp):
    done = sp.run(["env", "-0"], env=os.environ, stdout=sp.PIPE)
    assert done.stdout.count(b"\0") >= len(os.environ) - 1


@pytest.mark.parametrize("options", [{}, {"umask": -1}], ids=["plain", "options"])
def test_os_environb_as_env(sp, monkeypatch, tmp_path, options):
    """Which takes bytes for its keys and nothing else: also where PATH is looked up."""
    program = tmp_path / "only_here"
    program.write_text('#!/bin/sh\nprintf %s "$RAW"\n')
    program.chmod(0o755)
    monkeypatch.setitem(os.environb, b"RAW", b"\xff\xfe")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    done = sp.run(["only_here"], env=os.environb, stdout=sp.PIPE, **options)
    assert done.stdout == b"\xff\xfe"
    with sp.Popen(["env", "-0"], env=os.environb, stdout=sp.PIPE, **options) as process:
        said = process.communicate()[0]
    expected = [name + b"=" + value for name, value in os.environb.items()]
    assert sorted(said.split(b"\0")[:-1]) == sorted(expected)


def test_putenv_outside_of_python_is_seen_with_env_none(sp):
    out = fresh(
        sp,
        """
import os, sys
os.putenv("ONLY_IN_C", "yes")
os.environ["BY_PYTHON"] = "yes"
sys.stdout.flush()
sp.run(["sh", "-c", "echo $ONLY_IN_C $BY_PYTHON"])
""",
    )
    assert out == "yes yes\n"


def test_a_script_without_an_interpreter_line_gives_the_same_error(tmp_path):
    program = tmp_path / "plain"
    program.write_text("exit 5\n")
    program.chmod(0o755)
    error = same(lambda sp: sp.run([program]))
    assert error["errno"] == 8 and error["filename"] == program


def test_a_script_with_an_interpreter_line_runs(sp, tmp_path):
    program = tmp_path / "script"
    program.write_text('#!/bin/sh\nprintf "%s," "$0" "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    done = sp.run([program, "a", "b"], stdout=sp.PIPE)
    assert done.stdout == os.fsencode(program) + b",a,b,"


text = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=20)
lowest = st.binary(max_size=20).filter(lambda b: 0 not in b)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(text, lowest), max_size=8))
def test_any_arguments_round_trip(args):
    code = "import os, sys; os.write(1, b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
    done = fastproc.run([sys.executable, "-S", "-E", "-c", code, *args], stdout=fastproc.PIPE)
    assert done.stdout == b"\0".join(map(os.fsencode, args))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(
        lowest.filter(lambda k: k and b"=" not in k), st.one_of(text, lowest), max_size=8
    )
)
def test_any_environment_round_trips(env):
    done = fastproc.run(["/usr/bin/env", "-0"], env=env, stdout=fastproc.PIPE)
    expected = [k + b"=" + os.fsencode(v) for k, v in env.items()]
    assert done.stdout == b"".join(line + b"\0" for line in expected)


def test_args_attribute_is_what_was_given(sp):
    for args in (child.true(), tuple(child.true()), "true"):
        assert sp.run(args).args is args
        with sp.Popen(args) as process:
            assert process.args is args


@pytest.mark.posix
def test_many_arguments_of_all_kinds_arrive(sp, tmp_path):
    """However many: they are no copies then, and an audit hook may have the list."""
    code = "import os, sys\nsys.stdout.buffer.write(b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
    kinds = ["plain", b"bytes\xff", "\u00e4\u20ac", "\udc80surrogate", tmp_path, ""]
    many = kinds * 200
    expected = b"\0".join(map(os.fsencode, many))
    for count in 60, 64, len(many):
        args = python(code, *many[:count])
        want = b"\0".join(map(os.fsencode, many[:count]))
        assert sp.run(args, stdout=sp.PIPE).stdout == want
        assert sp.run(tuple(args), stdout=sp.PIPE, shell=False, umask=0o22).stdout == want
        with sp.Popen(args, stdout=sp.PIPE) as process:
            assert process.stdout.read() == want
    assert want == expected
    with pytest.raises(ValueError, match="embedded null byte"):
        sp.run([*many, "nul\0"])
    with pytest.raises(TypeError):
        sp.run([*many, 1])


def test_a_program_is_looked_for_where_a_replaced_os_environ_says(sp, tmp_path, monkeypatch):
    program = tmp_path / "only-here"
    program.write_text("#!/bin/sh\nexit 5\n")
    program.chmod(0o700)
    monkeypatch.setattr(os, "environ", {"PATH": str(tmp_path)})
    assert sp.run(["only-here"]).returncode == 5
