"""The module itself: its names, signatures, objects, audit event, repr of errors."""

import inspect
import json
import operator
import os
import pickle
import re
import signal
import subprocess
import sys

import pytest

import fastproc
from tests._helpers import child, fresh, python, same

# Python 3.12's, which every Python we support gets.
ALL_3_12 = [
    "Popen",
    "PIPE",
    "STDOUT",
    "call",
    "check_call",
    "getstatusoutput",
    "getoutput",
    "check_output",
    "run",
    "CalledProcessError",
    "DEVNULL",
    "SubprocessError",
    "TimeoutExpired",
    "CompletedProcess",
]
POPEN_3_12 = [
    "self",
    "args",
    "bufsize",
    "executable",
    "stdin",
    "stdout",
    "stderr",
    "preexec_fn",
    "close_fds",
    "shell",
    "cwd",
    "env",
    "universal_newlines",
    "startupinfo",
    "creationflags",
    "restore_signals",
    "start_new_session",
    "pass_fds",
    "*",
    "user",
    "group",
    "extra_groups",
    "encoding",
    "errors",
    "text",
    "umask",
    "pipesize",
    "process_group",
]
DEFAULTS_3_12 = {
    "bufsize": -1,
    "close_fds": True,
    "shell": False,
    "creationflags": 0,
    "restore_signals": True,
    "start_new_session": False,
    "pass_fds": (),
    "umask": -1,
    "pipesize": -1,
}


@pytest.mark.posix
def test_all_names_what_the_standard_library_names():
    assert sorted(fastproc.__all__) == sorted(ALL_3_12)
    assert set(subprocess.__all__) == set(fastproc.__all__)
    for name in fastproc.__all__:
        assert hasattr(fastproc, name)


def test_exceptions_and_constants_are_the_standard_library_s_own():
    for name in (
        "PIPE",
        "STDOUT",
        "DEVNULL",
        "SubprocessError",
        "CalledProcessError",
        "TimeoutExpired",
        "CompletedProcess",
        "list2cmdline",
    ):
        assert getattr(fastproc, name) is getattr(subprocess, name)


@pytest.mark.parametrize("code", [None, "7"], ids=repr)
def test_an_odd_return_code_fails_in_the_text_where_the_standard_library_s_does(sp, code):
    error = sp.CalledProcessError(code, "x")
    assert error.returncode is code
    if sys.version_info < (3, 14):
        with pytest.raises(TypeError):
            str(error)
    else:
        assert str(error).startswith("Command 'x' ")


@pytest.mark.posix
def test_codes_of_real_children_are_ints_that_the_text_can_say(sp):
    for script, said in (
        ("exit 7", "exit status 7."),
        ("kill -9 $$", "died with <Signals.SIGKILL"),
    ):
        for options in ({}, {"capture_output": True}, {"shell": True}):
            args = script if options.get("shell") else ["sh", "-c", script]
            with pytest.raises(subprocess.CalledProcessError) as caught:
                sp.run(args, check=True, **options)
            assert type(caught.value.returncode) is int
            assert said in str(caught.value)


def test_every_public_name_of_the_standard_library_is_here():
    public = {name for name in vars(subprocess) if not name.startswith("_")}
    missing = {name for name in public if not hasattr(fastproc, name)}
    assert missing == set()


def test_the_private_names_that_others_take_are_here():
    for name in (
        "_args_from_interpreter_flags",
        "_optim_args_from_interpreter_flags",
        "_USE_VFORK",
        "_USE_POSIX_SPAWN",
        "_cleanup",
        "_active",
    ):
        assert hasattr(fastproc, name)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError):
        fastproc.no_such_name  # noqa: B018


def signature(function):
    """Names in order, with "*" where the keyword-only ones start; and the defaults."""
    names, defaults = [], {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in names:
            names.append("*")
        names.append(str(parameter).split("=")[0].split(":")[0])
        if parameter.default is not parameter.empty:
            defaults[parameter.name] = parameter.default
    return names, defaults


def test_popen_has_the_parameters_of_3_12_and_their_defaults():
    names, defaults = signature(fastproc.Popen.__init__)
    assert names == POPEN_3_12
    given = {name: default for name, default in defaults.items() if default is not None}
    assert given == DEFAULTS_3_12


@pytest.mark.since(3, 12, "fewer parameters")
def test_the_oracle_agrees_on_the_parameters(sp):
    assert signature(sp.Popen.__init__)[0] == POPEN_3_12


@pytest.mark.parametrize(
    "name", ["run", "call", "check_call", "check_output", "getoutput", "getstatusoutput"]
)
@pytest.mark.since(3, 11, "getoutput() had no encoding and errors")
def test_functions_have_the_signature_of_3_12(sp, name):
    expected = {
        "run": ["*popenargs", "*", "input", "capture_output", "timeout", "check", "**kwargs"],
        "call": ["*popenargs", "*", "timeout", "**kwargs"],
        "check_call": ["*popenargs", "**kwargs"],
        "check_output": ["*popenargs", "*", "timeout", "**kwargs"],
        "getoutput": ["cmd", "*", "encoding", "errors"],
        "getstatusoutput": ["cmd", "*", "encoding", "errors"],
    }[name]
    assert signature(getattr(sp, name))[0] == expected


@pytest.mark.parametrize(
    "method", ["poll", "wait", "communicate", "send_signal", "kill", "terminate"]
)
def test_methods_have_the_signature_of_the_standard_library(method):
    assert signature(getattr(fastproc.Popen, method)) == signature(
        getattr(subprocess.Popen, method)
    )


FUNCTIONS = [name for name in fastproc.__all__ if inspect.isroutine(getattr(fastproc, name))]
METHODS = ["Popen.poll", "Popen.wait", "Popen.communicate", "Popen.send_signal"]
METHODS += ["Popen.terminate", "Popen.kill"]
CONSTANTS = {"PIPE", "STDOUT", "DEVNULL"}


def words(text):
    return set(re.findall(r"\w+", text))


def test_what_is_public_is_a_function_a_class_or_a_constant():
    """So that the tests below leave nothing out."""
    public = {name for name in vars(fastproc.Popen) if not name.startswith("_")}
    public |= {name for name in vars(fastproc.Popen.__base__) if not name.startswith("_")}
    assert {f"Popen.{name}" for name in public if callable(getattr(fastproc.Popen, name))} == set(
        METHODS
    )
    classes = {name for name in fastproc.__all__ if inspect.isclass(getattr(fastproc, name))}
    numbers = {name for name in fastproc.__all__ if isinstance(getattr(fastproc, name), int)}
    assert numbers >= CONSTANTS
    assert set(FUNCTIONS) | classes | numbers == set(fastproc.__all__)


def test_everything_public_is_documented():
    described = words(fastproc.__doc__)
    kinds = ("CREATE_", "STARTF_", "STD_", "_PRIORITY_CLASS")  # of constants on Windows
    for name in fastproc.__all__:
        assert next((kind for kind in kinds if kind in name), name) in described


@pytest.mark.parametrize("name", ["Popen", *FUNCTIONS, *METHODS])
def test_what_is_called_names_each_parameter_and_what_it_raises(name):
    thing = operator.attrgetter(name)(fastproc)
    text = inspect.getdoc(thing)
    missing = set(inspect.signature(thing).parameters) - {"self"} - words(text)
    assert missing == set()
    assert re.search(r"\bRaises (nothing\b|[A-Z]\w+)", text)
    assert "Python 3.12" in text  # whose the behaviour is
    assert text != inspect.getdoc(operator.attrgetter(name)(subprocess))


def test_each_attribute_of_a_popen_is_documented():
    text = inspect.getdoc(fastproc.Popen)
    with fastproc.Popen(child.leave(0), encoding="ascii", errors="strict") as process:
        public = {name for name in vars(process) if not name.startswith("_")}
    public |= {"args", "stdin", "stdout", "stderr", "pid", "returncode", "encoding", "errors"}
    public |= {"pipesize", "text_mode", "universal_newlines"}
    assert public <= words(text)
    assert inspect.getdoc(fastproc.Popen.universal_newlines)


@pytest.mark.parametrize(
    "name, attributes",
    [
        ("CompletedProcess", ("args", "returncode", "stdout", "stderr", "check_returncode")),
        ("CalledProcessError", ("returncode", "cmd", "stdout", "output", "stderr")),
        ("TimeoutExpired", ("cmd", "timeout", "stdout", "output", "stderr")),
    ],
)
def test_the_standard_library_s_classes_are_documented_with_their_attributes(name, attributes):
    text = re.search(rf"^{name}: .*(\n    .*)*", fastproc.__doc__, re.M)[0]
    assert set(attributes) <= words(text)
    instance = {
        "CompletedProcess": lambda: fastproc.CompletedProcess(["x"], 0),
        "CalledProcessError": lambda: fastproc.CalledProcessError(1, ["x"]),
        "TimeoutExpired": lambda: fastproc.TimeoutExpired(["x"], 1),
    }[name]()
    assert all(hasattr(instance, attribute) for attribute in attributes)


def test_list2cmdline_quotes_for_windows(sp):
    for args, line in (
        (["a b c", "d", "e"], '"a b c" d e'),
        (['ab"c', "\\", "d"], 'ab\\"c \\ d'),
        (['ab"c', " \\", "d"], 'ab\\"c " \\\\" d'),
        (["a\\\\\\b", "de fg", "h"], 'a\\\\\\b "de fg" h'),
        (['a\\"b', "c", "d"], 'a\\\\\\"b c d'),
        (["a\\\\b c", "d", "e"], '"a\\\\b c" d e'),
        (["ab", ""], 'ab ""'),
    ):
        assert sp.list2cmdline(args) == line


def test_errors_print_under_their_usual_name():
    with pytest.raises(subprocess.CalledProcessError) as caught:
        fastproc.run(child.leave(3), check=True)
    error = caught.value
    assert f"{type(error).__module__}.{type(error).__qualname__}" == "subprocess.CalledProcessError"
    code = f"import fastproc\nfastproc.run({child.leave(3)!r}, check=True)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == f"subprocess.CalledProcessError: {error}"


def test_results_and_errors_can_be_pickled(sp):
    done = sp.run(child.say("x", code=2), capture_output=True)
    again = pickle.loads(pickle.dumps(done))
    assert (again.args, again.returncode, again.stdout) == (done.args, 2, b"x")
    failures = []
    for call in (
        done.check_returncode,
        lambda: sp.check_output(child.say("x", code=2)),
        lambda: sp.check_call(child.leave(3)),
        lambda: sp.run(child.linger(), timeout=0.05),
        lambda: sp.Popen(["/no/such/program"]),
    ):
        with pytest.raises((subprocess.SubprocessError, OSError)) as caught:
            call()
        failures.append(caught.value)
    for failure in failures:
        assert _without_traceback(pickle.loads(pickle.dumps(failure))) == _without_traceback(
            failure
        )


def _without_traceback(error):
    return type(error), str(error), vars(error)


@pytest.mark.parametrize(
    "name", ["Popen", "run", "call", "check_call", "check_output", "getoutput", "getstatusoutput"]
)
def test_what_is_public_says_where_it_is_found(sp, name):
    thing = getattr(sp, name)
    assert (thing.__module__, thing.__qualname__) == (sp.__name__, name)
    assert pickle.loads(pickle.dumps(thing)) is thing


def test_catching_the_standard_library_s_exception_catches_ours():
    with pytest.raises(subprocess.CalledProcessError) as caught:
        fastproc.check_call(child.leave(1))
    assert isinstance(caught.value, fastproc.SubprocessError)
    with pytest.raises(subprocess.TimeoutExpired):
        fastproc.run(child.linger(), timeout=0)


AUDIT = """
import json, sys
events = []
def hook(name, args):
    if name == "subprocess.Popen":
        events.append([name, *args])
sys.addaudithook(hook)
import os, pathlib
for call in (
    lambda: sp.run(["true", "x"]),
    lambda: sp.run("true"),
    lambda: sp.run(b"true"),
    lambda: sp.run(["true"], executable="/bin/true"),
    lambda: sp.run("true", shell=True),
    lambda: sp.run(["true", "more"], shell=True),
    lambda: sp.run("true", shell=True, executable="/bin/sh"),
    lambda: sp.run(["true"], cwd="/", env={"A": "1", "PATH": "/bin"}),
    lambda: sp.run(pathlib.Path("/bin/true"), capture_output=True),
    lambda: sp.run([pathlib.Path("/bin/true")], timeout=60),
    lambda: sp.run(iter(["true"]), input=b""),
    lambda: sp.Popen(("true",), close_fds=False).wait(),
    lambda: sp.Popen(["/bin/true"], close_fds=False).wait(),
    lambda: sp.call(["true"]),
    lambda: sp.check_output(["true"]),
    lambda: sp.getoutput("true"),
    lambda: sp.run(["/no/such/program"]),
    lambda: sp.run(["true"], preexec_fn=int),
    lambda: sp.run(["true"], user=-1),
    lambda: sp.run(["true"], stdin=object()),
):
    try:
        call()
    except Exception as error:
        events.append(type(error).__name__)
print(json.dumps(events, default=repr))
"""


@pytest.mark.posix
def test_the_audit_event_is_the_standard_library_s():
    ours = json.loads(fresh(fastproc, AUDIT))
    theirs = json.loads(fresh(subprocess, AUDIT))
    assert ours == theirs
    assert ours[0] == ["subprocess.Popen", "true", ["true", "x"], None, None]


@pytest.mark.posix
def test_an_audit_hook_can_forbid_the_start(sp, tmp_path):
    mark = tmp_path / "mark"
    out = fresh(
        sp,
        """
import sys
def hook(name, args):
    if name == "subprocess.Popen":
        raise RuntimeError("forbidden")
sys.addaudithook(hook)
import os
for options in ({}, {"capture_output": True}):
    try:
        sp.run(["touch", sys.argv[1]], **options)
    except RuntimeError as error:
        print(error)
try:
    sp.Popen(["touch", sys.argv[1]], stdin=sp.PIPE, stdout=sp.DEVNULL)
except RuntimeError as error:
    print(error)
""",
        mark,
    )
    assert out.split() == ["forbidden"] * 3
    assert not mark.exists()


def test_popen_positional_parameters_bind_alike():
    same(lambda sp: sp.run(python("print(1)"), -1, None, None, sp.PIPE, None, None, True).stdout)


@pytest.mark.posix
def test_the_signal_in_an_error_s_text():
    error = subprocess.CalledProcessError(-int(signal.SIGSEGV), "x")
    assert repr(signal.SIGSEGV) in str(error)
    found = same(lambda sp: sp.run(["sh", "-c", "kill -SEGV $$"], check=True))
    assert found["returncode"] == -signal.SIGSEGV


@pytest.mark.posix
def test_importing_costs_no_child_and_no_thread():
    out = fresh(
        fastproc,
        """
import os, threading
print(threading.active_count())
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("no child")
""",
    )
    assert out.split() == ["1", "no", "child"]


def test_an_import_without_the_extension_says_which_command_to_run(tmp_path):
    """A checkout that was not built is the most common mistake there is."""
    import shutil

    source = os.path.dirname(fastproc.__file__)
    shutil.copytree(
        source,
        tmp_path / "fastproc",
        ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"),
    )
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", "import fastproc"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError") and "pip install" in last
