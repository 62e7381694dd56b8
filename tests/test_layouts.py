"""stdin, stdout and stderr in every layout, in interpreters of their own.

A layout says what the parent has at descriptors 0-2 and what the child is to
get there. Expectations are computed from the layout, not from a run.
"""

import errno
import itertools
import json
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import fastproc
from tests._helpers import PATIENCE

pytestmark = pytest.mark.posix

# In the fresh interpreter: a numbered temporary file for each descriptor to be,
# the child told to write down which file is behind each of its own 0-2.
PROGRAM = """
import json, os, sys, tempfile
import {module} as sp
report = os.dup(1)                       # kept out of the way of the layouts
os.set_inheritable(report, False)
report = os.fdopen(os.dup2(report, 100, inheritable=False), "w")
folder = sys.argv[1]
files = {{}}
def named(name):
    fd = os.open(os.path.join(folder, name), os.O_RDWR | os.O_CREAT)
    files[os.fstat(fd).st_ino] = name
    return fd
null = os.stat(os.devnull).st_ino
LOOK = '''
import json, os, sys
found = []
for fd in (0, 1, 2):
    try:
        found.append(os.fstat(fd).st_ino)
    except OSError:
        found.append(None)
with open(sys.argv[1], "w") as file:
    json.dump(found, file)
'''
for number, (parent, wanted) in enumerate(json.loads(sys.argv[2])):
    for fd in (0, 1, 2):
        if parent[fd]:
            source = named("at%d" % fd)
            if source != fd:
                os.dup2(source, fd)
                os.close(source)
            os.set_inheritable(fd, True)
        else:
            try:
                os.close(fd)
            except OSError:
                pass
    where = {{str(fd): fd for fd in (0, 1, 2)}}
    where["extra"] = 50
    extra = named("extra")
    if extra != 50:
        os.dup2(extra, 50, inheritable=False)
        os.close(extra)
    streams = {{}}
    for name, what in zip(("stdin", "stdout", "stderr"), wanted):
        if what is not None:
            streams[name] = getattr(sp, what) if what.isupper() else where[what]
    before = {{fd for fd in range(60) if os.path.exists("/dev/fd/%d" % fd)}}
    answer = os.path.join(folder, "answer")
    # The look-out opens its own file, at whatever number is free in the child.
    with open("/dev/null") as low:       # so that 0-2 may be taken meanwhile
        pass
    p = sp.Popen([sys.executable, "-S", "-E", "-c", LOOK, answer],
                 **streams)
    pipes = {{}}
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(p, name)
        if stream is not None:
            pipes[os.fstat(stream.fileno()).st_ino] = "pipe " + name
    code = p.wait()
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(p, name)
        if stream is not None:
            stream.close()
    with open(answer) as file:
        inodes = json.load(file)
    after = {{fd for fd in range(60) if os.path.exists("/dev/fd/%d" % fd)}}
    seen = []
    for inode in inodes:
        if inode is None:
            seen.append("closed")
        elif inode == null:
            seen.append("null")
        else:
            seen.append(files.get(inode) or pipes.get(inode) or "unknown")
    print(json.dumps([code, seen, sorted(after - before), sorted(before - after)]),
          file=report, flush=True)
"""


def expected(layout):
    """What the child must find at 0, 1 and 2."""
    parent, wanted = layout
    found = []
    for fd, what in enumerate(wanted):
        name = ("stdin", "stdout", "stderr")[fd]
        if what is None:
            found.append(f"at{fd}" if parent[fd] else "closed")
        elif what == "PIPE":
            found.append(f"pipe {name}")
        elif what == "DEVNULL":
            found.append("null")
        elif what == "STDOUT":
            found.append(found[1] if wanted[1] is not None else "at1")
        elif what == "extra":
            found.append("extra")
        else:
            found.append(f"at{what}")
    return found


def possible(layout):
    """A descriptor that is closed in the parent cannot be handed on."""
    parent, wanted = layout
    for what in wanted:
        if what in ("0", "1", "2") and not parent[int(what)]:
            return False
    return not (wanted[2] == "STDOUT" and wanted[1] is None and not parent[1])


def seen(module, layouts, folder):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(module=module), folder, json.dumps(layouts)],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=PATIENCE * 2,
        text=True,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(layouts), f"it stopped at {layouts[len(lines)]}"
    return lines


def check(module, layouts, folder):
    for layout, (code, found, new, lost) in zip(
        layouts, seen(module, layouts, str(folder)), strict=True
    ):
        assert (layout, code, found, new, lost) == (layout, 0, expected(layout), [], [])


OPEN = list(itertools.product((True, False), repeat=3))
ALL_OPEN = (True, True, True)
WHAT = (None, "PIPE", "DEVNULL", "0", "1", "2", "extra")


def layouts_of(parents, whats, stderr_more=("STDOUT",)):
    return [
        (parent, wanted)
        for parent in parents
        for wanted in itertools.product(whats, whats, (*whats, *stderr_more))
        if possible((parent, wanted))
    ]


def test_every_way_to_swap_and_share_the_three(sp, tmp_path):
    """27 ways to lead 0-2 from 0-2, with those of stderr=STDOUT."""
    check(sp.__name__, layouts_of([ALL_OPEN], ("0", "1", "2")), tmp_path)


@pytest.mark.parametrize("parent", OPEN, ids=str)
def test_pipes_with_some_of_the_three_closed(sp, parent, tmp_path):
    """Then new pipes get the low numbers, and must not be clobbered by moves."""
    layouts = layouts_of([parent], (None, "PIPE"))
    check(sp.__name__, [one for one in layouts if any(one[1])], tmp_path)


@pytest.mark.parametrize("parent", [OPEN[3], OPEN[5], OPEN[6], OPEN[7]], ids=str)
def test_files_and_null_with_some_of_the_three_closed(sp, parent, tmp_path):
    check(sp.__name__, layouts_of([parent], (None, "DEVNULL", "extra")), tmp_path)


layout = st.tuples(
    st.tuples(*[st.booleans()] * 3),
    st.tuples(*[st.sampled_from(WHAT)] * 2, st.sampled_from((*WHAT, "STDOUT"))),
).filter(possible)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(layout, min_size=25, max_size=25))
def test_any_layout(tmp_path_factory, layouts):
    check(fastproc.__name__, layouts, tmp_path_factory.mktemp("layouts"))


@pytest.mark.parametrize("parent", OPEN[1:], ids=str)
def test_captured_runs_with_some_of_the_three_closed(sp, parent):
    """The same through run(), where there are no file objects."""
    closing = [fd for fd in (0, 1, 2) if not parent[fd]]
    code = f"""
import os, sys
import {sp.__name__} as sp
report = os.dup2(1, 100, inheritable=False)
for fd in {closing}:
    os.close(fd)
script = "cat; echo err >&2"
before = {{fd for fd in range(60) if os.path.exists("/dev/fd/%d" % fd)}}
results = []
for _ in range(2):
    r = sp.run(["sh", "-c", script], input=b"in", stdout=sp.PIPE, stderr=sp.PIPE)
    results.append((r.returncode, r.stdout, r.stderr))
    r = sp.run(["sh", "-c", script], input=b"in", stdout=sp.PIPE, stderr=sp.STDOUT)
    results.append((r.returncode, r.stdout))
    r = sp.run(["sh", "-c", "echo err >&2"], stdin=sp.DEVNULL, stdout=sp.DEVNULL, stderr=sp.PIPE)
    results.append(r.stderr)
    assert sp.run(["true"]).returncode == 0
after = {{fd for fd in range(60) if os.path.exists("/dev/fd/%d" % fd)}}
assert before == after, (before, after)
os.write(100, repr(results).encode())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=PATIENCE)
    one = [(0, b"in", b"err\n"), (0, b"inerr\n"), b"err\n"]
    assert done.stdout.decode() == repr(one * 2), done.stderr.decode()


@pytest.mark.parametrize("parent", OPEN[1:], ids=str)
def test_a_failed_start_with_some_of_the_three_closed(sp, parent):
    closing = [fd for fd in (0, 1, 2) if not parent[fd]]
    code = f"""
import os
import {sp.__name__} as sp
os.dup2(1, 100, inheritable=False)
for fd in {closing}:
    os.close(fd)
before = {{fd for fd in range(60) if os.path.exists("/dev/fd/%d" % fd)}}
for args, options in ((["/no/such"], {{}}), (["true"], {{"cwd": "/no/such"}})):
    for streams in ({{}}, dict(stdin=-1, stdout=-1, stderr=-1), dict(stdin=-3, stderr=-3)):
        for call in (sp.Popen, sp.run):
            try:
                call(args, **options, **streams)
            except FileNotFoundError as e:
                assert e.filename == "/no/such"
            else:
                os.write(100, b"no error")
after = {{fd for fd in range(60) if os.path.exists("/dev/fd/%d" % fd)}}
assert before == after, (before, after)
os.write(100, b"done")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=PATIENCE)
    assert done.stdout == b"done", done.stderr.decode()


@pytest.mark.parametrize("passed", [[0], [1], [2], [0, 2], [0, 1, 2], [2, 50], [50]], ids=str)
def test_pass_fds_that_collide_with_the_three(sp, passed):
    """A passed descriptor below 3 does not undo what was asked for stdin and so on."""
    code = f"""
import os, sys
import {sp.__name__} as sp
os.dup2(0, 50)
r, w = os.pipe()
for streams in (dict(stdin=r, stdout=sp.PIPE), dict(stdout=sp.PIPE, stderr=sp.STDOUT),
                dict(stdin=sp.DEVNULL, stdout=sp.PIPE, stderr=sp.PIPE)):
    p = sp.Popen(["sh", "-c", "echo out; echo err >&2"], pass_fds={passed}, **streams)
    out, err = p.communicate()
    os.write(100, repr((out, err)).encode())
"""
    code = "import os\nos.dup2(1, 100)\n" + code
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=PATIENCE)
    assert done.stdout == (b"(b'out\\n', None)(b'out\\nerr\\n', None)(b'out\\n', b'err\\n')"), (
        done.stderr
    )
    assert done.stderr == b"err\n"


def test_a_closed_source_is_a_bad_descriptor():
    """stdout=1 with 1 closed: there the standard library hands on a pipe of its own."""
    code = """
import fastproc as sp, os
os.dup2(1, 100, inheritable=False)
for fd in (0, 1, 2):
    os.close(fd)
for streams in (dict(stdout=1), dict(stderr=2), dict(stderr=1)):
    for call in (sp.Popen, sp.run):
        try:
            call(["true"], **streams)
        except OSError as error:
            os.write(100, b"%d " % error.errno)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=PATIENCE)
    assert done.stdout.split() == [str(errno.EBADF).encode()] * 6, done.stderr.decode()
