"""The command line and the environment block against the standard library's, by random cases.

Runs on every system: on POSIX the core's two files are built by the host's compiler; on Windows it is the
extension that is asked. FASTPROC_CASES says how many cases.
"""

import ctypes
import os
import random
import shutil
import subprocess
import sys

import pytest

CASES = int(os.environ.get("FASTPROC_CASES", "20000"))
WINDOWS = os.name == "nt"


@pytest.fixture(scope="module")
def pure(tmp_path_factory):
    if WINDOWS:
        from fastproc import _request_windows

        return _request_windows
    if shutil.which("cc") is None:
        pytest.skip("needs cc, a C compiler, to build the core's two pure files")
    from tests.windows._pure_posix import Pure

    return Pure(tmp_path_factory.mktemp("pure"))


def words(rng, alphabet, most):
    return "".join(rng.choices(alphabet, k=rng.randrange(most)))


def test_the_command_line_is_list2cmdline_s(pure):
    rng = random.Random("command line")
    alphabet = 'ab\\\\\\"" \t\n\r\v\'%^&|<>*?=,;@~\x01\x7f\xe9\u20ac\ud83d\udc00\U0001f40d'
    for _ in range(CASES):
        args = [words(rng, alphabet, 9) for _ in range(rng.randrange(5))]
        wanted = subprocess.list2cmdline(args)
        assert as_utf16(pure.list2cmdline(args)) == as_utf16(wanted), args


def as_utf16(text):
    return text.encode("utf-16-le", "surrogatepass")


NAMES = "aAbBzZ_[09=\xe9\xc9\xff\u0178\u0436\u0416\uff41\uff21\U0001f40d"


def random_environment(rng):
    """Names that often differ in case only, some hidden, none illegal."""
    env = {}
    for _ in range(rng.randrange(9)):
        name = words(rng, NAMES.replace("=", ""), 4)
        if rng.randrange(6) == 0:
            name = "=" + name
        if name:
            env[name] = words(rng, "x=1\xe9\U0001f40d ", 4)
    return env


def block_by_the_rules(env):
    """By name in upper case and the order of code points; the last of each wins."""
    kept = {name.upper(): (name, value) for name, value in sorted(env.items(), key=upper_name)}
    return "".join(f"{n}={v}\0" for _, (n, v) in sorted(kept.items())) + ("\0" if kept else "\0\0")


def upper_name(item):
    return item[0].upper()


@pytest.mark.skipif(WINDOWS, reason="there the standard library itself is the model")
def test_the_environment_block_keeps_windows_rules(pure):
    rng = random.Random("environment")
    for _ in range(CASES):
        env = random_environment(rng)
        assert as_utf16(pure.environment_block(env)) == as_utf16(block_by_the_rules(env)), env


@pytest.mark.skipif(not WINDOWS, reason="asks the standard library's CreateProcess")
@pytest.mark.skipif(sys.version_info < (3, 12), reason="it does not sort the block before 3.12")
def test_the_environment_block_is_the_standard_library_s(pure):
    import _winapi

    from tests.windows._capture import captured

    rng = random.Random("environment")
    startup = subprocess.STARTUPINFO()
    with captured(ctypes.pythonapi._handle) as seen:
        for _ in range(CASES):
            env = random_environment(rng)
            with pytest.raises(OSError):
                _winapi.CreateProcess(None, "x", None, None, False, 0, env, None, startup)
            wanted = seen.pop()["env"]
            assert as_utf16(pure.environment_block(env)) == as_utf16(wanted), env
