"""CPython's own tests of subprocess, and its modules that use it unknowingly."""

import importlib.util
import os
import pathlib
import re
import subprocess
import sys

import pytest

import fastproc
from tests._helpers import PATIENCE

RUNNER = pathlib.Path(__file__).parent / "cpython" / "run.py"
REPLACE = RUNNER.parent / "replace"

pytestmark = pytest.mark.posix
needs_test_package = pytest.mark.skipif(
    importlib.util.find_spec("test") is None
    or importlib.util.find_spec("test.test_subprocess") is None,
    reason="this Python was installed without CPython's own tests",
)


def runner(*args):
    return subprocess.run(
        [sys.executable, str(RUNNER), *args],
        capture_output=True,
        text=True,
        timeout=280,
    )


@needs_test_package
@pytest.mark.timeout(300)
def test_cpython_s_own_tests_pass_but_for_the_listed_ones():
    done = runner()
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert os.path.dirname(fastproc.__file__) in done.stdout
    assert int(re.search(r"(\d+) run in", done.stdout)[1]) > 250


@needs_test_package
def test_the_runner_fails_when_nothing_ran():
    done = runner("-k", "no_such_test_here")
    assert done.returncode == 1
    assert "nothing ran" in done.stdout


@needs_test_package
def test_the_runner_fails_when_an_excluded_test_passes(tmp_path):
    copy = tmp_path / "run.py"
    copy.write_text(RUNNER.read_text())
    (tmp_path / "replace").symlink_to(REPLACE)
    (tmp_path / "excluded.txt").write_text(
        "ProcessTestCase.test_call_seq 3.10+ no good reason\n"
        "ProcessTestCase.test_that_never_was 3.10+ no good reason\n"
    )
    done = subprocess.run(
        [sys.executable, str(copy), "-k", "ProcessTestCase.test_call_seq"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 1
    assert "excluded, yet it passes: ProcessTestCase.test_call_seq" in done.stdout


@needs_test_package
def test_the_runner_fails_when_a_test_fails(tmp_path):
    """Shown with the list of the excluded ones emptied."""
    copy = tmp_path / "run.py"
    copy.write_text(RUNNER.read_text())
    (tmp_path / "replace").symlink_to(REPLACE)
    (tmp_path / "excluded.txt").write_text("")
    done = subprocess.run(
        [sys.executable, str(copy), "-k", "POSIXProcessTestCase.test_stopped"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 1
    assert "failed: POSIXProcessTestCase.test_stopped" in done.stdout


def test_every_exclusion_has_a_reason_about_private_names():
    lines = (RUNNER.parent / "excluded.txt").read_text().splitlines()
    entries = [line for line in lines if line.strip() and not line.startswith("#")]
    assert entries
    for line in entries:
        reason = line.split(None, 2)[2]
        assert re.match(r"(mocks|reads) ", reason), line
        assert re.search(r"\b(_\w+|os\.waitpid inside subprocess)\b", reason), line


# --- whole programs that know nothing of it ----------------------------------------------


def program(code, *args, **options):
    """Run code in an interpreter where subprocess is fastproc from the start."""
    env = dict(os.environ, PYTHONPATH=str(REPLACE), **options.pop("env", {}))
    done = subprocess.run(
        [sys.executable, "-W", "error", *args, "-c", "import subprocess, sys\n" + code],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=env,
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_replacement_is_there_for_a_whole_program():
    code = "print(subprocess.__name__, subprocess.run(['sh', '-c', 'exit 3']).returncode)"
    assert program(code) == "fastproc 3\n"


def test_asyncio_starts_and_reads_and_waits():
    out = program("""
import asyncio
async def main():
    p = await asyncio.create_subprocess_exec(
        "cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    print(await p.communicate(b"through asyncio"), p.returncode)
    p = await asyncio.create_subprocess_shell("exit 7")
    print(await p.wait())
    p = await asyncio.create_subprocess_exec("sleep", "1000")
    p.terminate()
    print(await p.wait())
    try:
        await asyncio.create_subprocess_exec("/no/such/program")
    except FileNotFoundError as error:
        print(error.filename)
    many = await asyncio.gather(*[asyncio.create_subprocess_exec("true") for _ in range(20)])
    print(set([await p.wait() for p in many]))
asyncio.run(main())
""")
    assert out.splitlines() == [
        "(b'through asyncio', None) 0",
        "7",
        "-15",
        "/no/such/program",
        "{0}",
    ]


def test_multiprocessing_spawns(tmp_path):
    script = tmp_path / "work.py"
    script.write_text("""
import multiprocessing, subprocess
def square(n):
    return n * n, subprocess.__name__
if __name__ == "__main__":
    for method in ("spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(pool.map(square, range(4)))
            pool.close()
            pool.join()
""")
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=dict(os.environ, PYTHONPATH=str(REPLACE)),
    )
    assert (done.returncode, done.stderr) == (0, "")
    line = str([(n * n, "fastproc") for n in range(4)])
    assert done.stdout.splitlines() == [line] * 2


def test_concurrent_futures_with_processes():
    out = program("""
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
    print(list(pool.map(abs, [-1, 2, -3])))
""")
    assert out == "[1, 2, 3]\n"


def test_venv_makes_an_environment(tmp_path):
    out = program(
        f"import venv\nvenv.create({str(tmp_path / 'env')!r}, with_pip=False)\n"
        f"print(subprocess.run([{str(tmp_path / 'env' / 'bin' / 'python')!r}, '-c',"
        " 'import sys; print(sys.prefix != sys.base_prefix)'], capture_output=True).stdout)"
    )
    assert out == "b'True\\n'\n"


def test_ensurepip_s_and_venv_s_own_calls(tmp_path):
    """venv with pip runs Python by subprocess.check_output(), with stderr=STDOUT."""
    out = program(f"""
import venv
class Builder(venv.EnvBuilder):
    def _call_new_python(self, context, *args, **kwargs):
        mark = {str(tmp_path / "env" / "called")!r}
        args = ("-c", f"open({{mark!r}}, 'w').write('by {{subprocess.__name__}}')")
        return super()._call_new_python(context, *args, **kwargs)
    def _setup_pip(self, context):
        self._call_new_python(context, "-m", "ensurepip")
Builder(with_pip=True).create({str(tmp_path / "env")!r})
print("made")
""")
    assert out.splitlines()[-1] == "made"
    assert (tmp_path / "env" / "called").read_text() == "by fastproc"


def test_pty_gives_a_program_a_terminal_which_its_children_have_too():
    inner = "import subprocess; print(subprocess.__name__, subprocess.call(['tty', '-s']))"
    out = program(f"""
import pty
try:
    pty.openpty()
except OSError:
    sys.exit("no terminals to give")
end = pty.spawn([sys.executable, "-c", {inner!r}])
print(end)
end = pty.spawn(["sh", "-c", "exit 7"])
print(end >> 8)
""")
    assert out.split() == ["fastproc", "0", "0", "7"]


def test_webbrowser_starts_a_browser(tmp_path):
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/visited\n')
    browser.chmod(0o755)
    out = program(
        "import webbrowser\nprint(webbrowser.get().open('http://localhost/x'))",
        env={"BROWSER": f"{browser} %s"},
    )
    assert out == "True\n"
    assert (tmp_path / "visited").read_text() == "http://localhost/x"


def test_platform_and_others_that_ask_programs():
    out = program("""
import ctypes.util, platform, uuid
print(bool(platform.platform()), isinstance(platform.processor(), str))
print(isinstance(ctypes.util.find_library("c"), str), uuid.getnode() > 0)
""")
    assert out.split() == ["True"] * 4


def test_flags_are_handed_on_to_children():
    """Both private functions that multiprocessing and test.support take from here."""
    out = program(
        "print(subprocess._args_from_interpreter_flags(), "
        "subprocess._optim_args_from_interpreter_flags())",
        "-O",
    )
    assert "'-O'" in out and "['-O']" in out


@needs_test_package
@pytest.mark.skipif(
    importlib.util.find_spec("test.test_asyncio") is None, reason="no asyncio tests here"
)
@pytest.mark.timeout(200)
def test_cpython_s_own_tests_of_asyncio_subprocesses_pass():
    done = runner("--module", "test.test_asyncio.test_subprocess")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@needs_test_package
@pytest.mark.parametrize(
    "module",
    ["test.test_webbrowser", "test.test_platform", "test.test_script_helper"],
)
def test_cpython_s_own_tests_of_other_users_pass(module):
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"this Python has no {module}")
    done = runner("--module", module)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
