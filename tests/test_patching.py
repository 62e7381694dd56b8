"""What tests and tools do to subprocess: replace, patch, subclass. All of it counts."""

import io
import subprocess
from unittest import mock

import pytest

import fastproc
from tests._helpers import PATIENCE, child

METHODS = ["__init__", "communicate", "wait", "poll", "kill", "__exit__", "__enter__"]


@pytest.fixture
def calls():
    return []


def test_a_replaced_popen_is_what_run_starts(sp, monkeypatch):
    fake = mock.MagicMock()
    process = fake.return_value.__enter__.return_value
    process.communicate.return_value = ("out", "err")
    process.poll.return_value = 5
    process.args = ["seen"]
    monkeypatch.setattr(sp, "Popen", fake)
    done = sp.run(["no such program"], capture_output=True, timeout=3, cwd="x")
    assert (done.args, done.returncode, done.stdout, done.stderr) == (["seen"], 5, "out", "err")
    fake.assert_called_once_with(["no such program"], stdout=sp.PIPE, stderr=sp.PIPE, cwd="x")
    process.communicate.assert_called_once_with(None, timeout=3)


def test_a_replaced_popen_is_what_the_other_functions_start(sp, monkeypatch):
    fake = mock.MagicMock()
    process = fake.return_value.__enter__.return_value
    process.wait.return_value = 0
    process.poll.return_value = 0
    process.communicate.return_value = ("said\n", None)
    process.args = ["seen"]
    monkeypatch.setattr(sp, "Popen", fake)
    assert sp.call(["no such program"]) == 0
    assert sp.check_call(["no such program"]) == 0
    assert sp.check_output(["no such program"]) == "said\n"
    assert sp.getoutput("no such program") == "said"
    assert sp.getstatusoutput("no such program") == (0, "said")
    assert fake.call_count == 5


def test_a_replaced_run_is_what_check_output_calls(sp, monkeypatch):
    done = subprocess.CompletedProcess(["x"], 0, stdout="patched")
    monkeypatch.setattr(sp, "run", lambda *args, **kwargs: done)
    assert sp.check_output(["no such program"]) == "patched"


@pytest.mark.posix
def test_private_methods_are_our_own(calls):
    class Nosy(fastproc.Popen):
        def _get_handles(self, *args):
            raise AssertionError("never called")

        def _execute_child(self, *args):
            calls.append(len(args))
            return super()._execute_child(*args)

    with Nosy(child.say("x"), stdout=fastproc.PIPE) as process:
        assert process.communicate() == (b"x", None)
    assert calls == [2]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("function", ["run", "check_output"])
def test_a_patched_method_takes_effect_in_run(sp, monkeypatch, method, function, calls):
    original = getattr(sp.Popen, method)

    def patched(self, *args, **kwargs):
        calls.append(method)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(sp.Popen, method, patched)
    if method == "kill":
        with pytest.raises(subprocess.TimeoutExpired):
            getattr(sp, function)(child.linger(), timeout=0.05)
    else:
        getattr(sp, function)(child.true())
    assert method in calls
    monkeypatch.undo()
    calls.clear()
    getattr(sp, function)(child.true())
    assert calls == []


@pytest.mark.parametrize("method", ["__init__", "wait", "__exit__"])
@pytest.mark.parametrize("function", ["call", "check_call"])
def test_a_patched_method_takes_effect_in_call(sp, monkeypatch, method, function, calls):
    original = getattr(sp.Popen, method)

    def patched(self, *args, **kwargs):
        calls.append(method)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(sp.Popen, method, patched)
    assert getattr(sp, function)(child.true()) == 0
    assert method in calls


def test_a_patched_communicate_decides_the_result(sp):
    with mock.patch.object(sp.Popen, "communicate", return_value=(b"fake", b"news")):
        done = sp.run(child.say("real"), capture_output=True)
        # Nobody read the child's output, nor waited for it before __exit__.
        assert (done.stdout, done.stderr) == (b"fake", b"news")


def test_a_patched_communicate_that_times_out_has_the_child_killed(sp):
    expired = subprocess.TimeoutExpired("x", 1)
    with mock.patch.object(sp.Popen, "communicate", side_effect=expired):
        with pytest.raises(subprocess.TimeoutExpired) as caught:
            sp.run(child.linger(), timeout=PATIENCE)
    assert caught.value is expired


def test_a_patched_poll_decides_the_code(sp):
    with mock.patch.object(sp.Popen, "poll", return_value=77):
        assert sp.run(child.true()).returncode == 77
        with pytest.raises(subprocess.CalledProcessError):
            sp.check_output(child.true())


def test_a_patched_wait_decides_the_code_of_call(sp):
    original = sp.Popen.wait
    with mock.patch.object(
        sp.Popen, "wait", autospec=True, side_effect=lambda self, timeout=None: original(self) + 5
    ):
        assert sp.call(child.true()) == 5


def test_a_class_put_in_the_place_of_popen(sp, monkeypatch, calls):
    class Noting(sp.Popen):
        def __init__(self, *args, **kwargs):
            calls.append("init")
            super().__init__(*args, **kwargs)

        def communicate(self, input=None, timeout=None):
            calls.append("communicate")
            out, err = super().communicate(input, timeout)
            return out.upper(), err

    monkeypatch.setattr(sp, "Popen", Noting)
    assert sp.run(child.say("text"), stdout=sp.PIPE).stdout == b"TEXT"
    assert sp.check_output(child.say("text")) == b"TEXT"
    assert calls == ["init", "communicate"] * 2


def test_a_subclass_works_without_being_put_anywhere(sp):
    class Tagged(sp.Popen):
        tag = "kept"

        def wait(self, timeout=None):
            return super().wait(timeout)

    with Tagged(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE) as process:
        assert process.communicate(b"x") == (b"x", None)
        assert process.tag == "kept"
        assert isinstance(process, subprocess.Popen)


def test_a_subclass_with_its_own_attributes_before_super(sp):
    class Early(sp.Popen):
        def __init__(self, args):
            self.note = "early"
            super().__init__(args, stdout=sp.PIPE)

    with Early(child.say("x")) as process:
        assert process.communicate() == (b"x", None)
        assert process.note == "early"


def test_a_subclass_that_fails_after_super_reaps_nothing_twice(sp):
    class Failing(sp.Popen):
        def __init__(self, args):
            super().__init__(args)
            self.wait()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Failing(child.true())


def test_attributes_can_be_set_on_class_and_instance(sp, monkeypatch):
    monkeypatch.setattr(sp.Popen, "brand_new", "x", raising=False)
    with sp.Popen(child.true()) as process:
        assert process.brand_new == "x"
        process.note = "mine"
        process.wait = lambda timeout=None: 42
        assert process.wait() == 42
        del process.wait


def test_a_patched_method_of_an_instance_is_used_by_its_others(sp):
    with sp.Popen(child.echo(), stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE) as process:
        original = process.wait
        with mock.patch.object(process, "wait", side_effect=original) as wait:
            process.communicate(b"x")
        assert wait.called


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_replaced_output_stream_of_an_instance_is_read(sp, stream):
    other = "stderr" if stream == "stdout" else "stdout"
    with sp.Popen(child.true(), **{stream: sp.PIPE, other: sp.DEVNULL}) as process:
        getattr(process, stream).close()
        setattr(process, stream, io.BytesIO(b"from a fake"))
        found = process.communicate()
    assert found == ((b"from a fake", None) if stream == "stdout" else (None, b"from a fake"))


def test_a_replaced_stdin_of_an_instance_is_written(sp):
    with sp.Popen(child.true(), stdin=sp.PIPE) as process:
        process.stdin.close()
        process.stdin = mock.Mock()
        process.communicate(b"data")
        process.stdin.write.assert_called_once_with(b"data")
        process.stdin.close.assert_called_once_with()


def test_a_mock_with_the_spec_of_popen(sp):
    process = mock.create_autospec(sp.Popen, instance=True)
    process.communicate.return_value = (b"", b"")
    assert process.communicate(timeout=1) == (b"", b"")
    with pytest.raises(AttributeError):
        process.no_such_method()


def test_patching_the_standard_library_leaves_ours_alone_and_the_other_way_round(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", mock.Mock(side_effect=AssertionError))
    assert fastproc.run(child.leave(3)).returncode == 3
    monkeypatch.undo()
    monkeypatch.setattr(fastproc.Popen, "communicate", mock.Mock(side_effect=AssertionError))
    assert subprocess.run(child.leave(3), capture_output=True).returncode == 3


def test_the_function_as_a_program_s_own_name_looks_popen_up_too(monkeypatch):
    """`from fastproc import run` and then a patched class in the module."""
    from fastproc import run

    fake = mock.MagicMock()
    fake.return_value.__enter__.return_value.communicate.return_value = (None, None)
    monkeypatch.setattr(fastproc, "Popen", fake)
    run(["no such program"])
    assert fake.called
