"""Runs CPython's own tests of subprocess against fastproc.

    python tests/cpython/run.py [-k PATTERN ...] [--module NAME] [--stdlib]

The tests are those installed with the Python that runs this. fastproc takes
the place of subprocess before anything imports it, here and in the children.
Fails when a test fails, when an excluded test is gone or passes after all,
and when nothing ran.
"""

import argparse
import fnmatch
import os
import pathlib
import re
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
LINE = re.compile(
    r"(?P<test>\w+\.\w+)\s+(?P<versions>3\.\d+\+|3\.\d+(?:-3\.\d+)?)\s+(?P<reason>\S.*)"
)
EXIT_NO_TESTS = 3


def in_versions(versions, minor):
    """Whether 3.<minor> is in '3.11', '3.11-3.13' or '3.11+'."""
    if versions.endswith("+"):
        return minor >= int(versions[2:-1])
    first, _, last = versions.partition("-")
    return int(first[2:]) <= minor <= int((last or first)[2:])


def read_exclusions(text, minor):
    """The excluded tests of this Python, each with its reason."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if match is None:
            raise SystemExit(f"excluded.txt:{number}: not understood: {line}")
        if in_versions(match["versions"], minor):
            if match["test"] in found:
                raise SystemExit(f"excluded.txt:{number}: twice: {match['test']}")
            found[match["test"]] = match["reason"]
    return found


def short(test):
    """Class.method of a test, whatever module it is in."""
    return ".".join(test.id().split(" ")[0].split(".")[-2:])


def flat(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flat(item)
        else:
            yield item


class Result(unittest.TestResult):
    """Failures of excluded tests are expected; every other one is printed."""

    def __init__(self, excluded, verbose):
        super().__init__()
        self.excluded = excluded
        self.verbose = verbose
        self.ran = set()
        self.failed = {}
        self.left_out = {}
        self.started = time.monotonic()

    def startTest(self, test):
        super().startTest(test)
        self.ran.add(short(test))
        self.started = time.monotonic()
        if self.verbose:
            print(short(test), end=" ... ", flush=True)

    def stopTest(self, test):
        super().stopTest(test)
        if self.verbose:
            print(f"{time.monotonic() - self.started:.2f} s", flush=True)

    def _fail(self, test, error):
        name = short(getattr(test, "test_case", test))
        self.failed.setdefault(name, self._exc_info_to_string(error, test))
        if name not in self.excluded:
            print(f"FAILED {test}\n{self.failed[name]}", flush=True)

    def addError(self, test, err):
        super().addError(test, err)
        self._fail(test, err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._fail(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._fail(subtest, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.left_out[short(test)] = reason


def load(module):
    """The tests of a module of the installed interpreter."""
    try:
        import test.support  # noqa: F401
    except ImportError:
        print(
            f"NOT RUN: {sys.executable} ({sys.version.split()[0]}) was installed without"
            " the 'test' package; take a Python that has it.",
            file=sys.stderr,
        )
        raise SystemExit(EXIT_NO_TESTS) from None
    return list(flat(unittest.defaultTestLoader.loadTestsFromName(module)))


def take_the_place():
    """fastproc as subprocess, here and in every Python started from here."""
    if "subprocess" in sys.modules:
        raise SystemExit("something imported subprocess before fastproc could take its place")
    import fastproc

    sys.modules["subprocess"] = fastproc
    path = [str(HERE / "replace"), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    return fastproc


def verdict(result, excluded, whole):
    """What is wrong, one line each."""
    problems = [f"failed: {name}" for name in sorted(result.failed) if name not in excluded]
    problems += [
        f"excluded, yet it passes: {name}"
        for name in sorted(set(excluded) & result.ran)
        if name not in result.failed and name not in result.left_out
    ]
    if whole:
        problems += [
            f"excluded, but there is no such test: {name}"
            for name in sorted(set(excluded) - result.ran)
            # On Windows, a class that is skipped as a whole has no tests, from 3.12 on.
            if os.name != "nt" or not name.startswith("POSIX")
        ]
    if not result.ran - set(result.left_out):
        problems.append("nothing ran")
    return problems


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-k", metavar="PATTERN", action="append", help="only tests that match")
    parser.add_argument("--module", default="test.test_subprocess")
    parser.add_argument(
        "--stdlib", action="store_true", help="leave subprocess as it is, for comparison"
    )
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args(argv)

    excluded = {}
    used = "the standard library's subprocess"
    if not options.stdlib:
        used = take_the_place().__file__
        if options.module == "test.test_subprocess":
            excluded = read_exclusions((HERE / "excluded.txt").read_text(), sys.version_info.minor)
    tests = load(options.module)
    if options.k:
        tests = [t for t in tests if any(fnmatch.fnmatch(short(t), f"*{k}*") for k in options.k)]

    from test.support import os_helper

    result = Result(excluded, options.verbose)
    started = time.monotonic()
    with os_helper.temp_cwd():
        unittest.TestSuite(tests).run(result)
    problems = verdict(result, excluded, whole=not options.k)
    print(
        f"{options.module} of Python {sys.version.split()[0]} against {used},"
        f" route {os.environ.get('FASTPROC_ROUTE') or 'default'}:"
        f" {result.testsRun} run in {time.monotonic() - started:.0f} s,"
        f" {len(result.left_out)} skipped by their own conditions,"
        f" {len(set(excluded) & result.ran)} excluded, {len(problems)} problems"
    )
    for line in problems:
        print(line)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
