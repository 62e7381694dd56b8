"""What the child is before it becomes the program: folder, session, ids, fds."""

import os
import pathlib
import sys

import pytest

from tests._helpers import child, fresh, python

pytestmark = pytest.mark.posix
NOBODY = 65534


def shown(sp, code, **options):
    """The words a child prints that runs `code`."""
    done = sp.run(python("import os\n" + code), stdout=sp.PIPE, check=True, **options)
    return done.stdout.decode().split()


@pytest.mark.parametrize("form", [str, os.fsencode, pathlib.Path])
def test_cwd_in_every_form(sp, form, tmp_path):
    done = sp.run(["pwd", "-P"], cwd=form(str(tmp_path)), stdout=sp.PIPE)
    assert done.stdout == os.fsencode(os.path.realpath(tmp_path)) + b"\n"


def test_cwd_leaves_ours_alone(sp, tmp_path):
    before = os.getcwd()
    sp.run(child.true(), cwd=tmp_path)
    assert os.getcwd() == before


def test_a_relative_cwd_is_relative_to_ours(sp, tmp_path, monkeypatch):
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path)
    done = sp.run(["pwd", "-P"], cwd="inner", stdout=sp.PIPE)
    assert done.stdout.strip().endswith(b"/inner")


def test_a_relative_program_is_relative_to_the_child_s_cwd(sp, tmp_path, monkeypatch):
    program = tmp_path / "inner" / "prog"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 11\n")
    program.chmod(0o755)
    assert sp.call(["./prog"], cwd=tmp_path / "inner") == 11
    assert sp.call(["inner/prog"], cwd=tmp_path) == 11
    assert sp.call(["x"], executable="./prog", cwd=tmp_path / "inner") == 11
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        sp.call(["inner/prog"], cwd=tmp_path / "inner")
    assert caught.value.filename == "inner/prog"


def test_a_relative_path_entry_is_relative_to_the_child_s_cwd(sp, tmp_path):
    program = tmp_path / "inner" / "prog"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 12\n")
    program.chmod(0o755)
    assert sp.call(["prog"], cwd=tmp_path, env={"PATH": "inner"}) == 12


def test_cwd_with_a_shell(sp, tmp_path):
    done = sp.run("pwd -P", shell=True, cwd=tmp_path, stdout=sp.PIPE)
    assert done.stdout.strip() == os.fsencode(os.path.realpath(tmp_path))


def test_start_new_session(sp):
    session, pid = shown(sp, "print(os.getsid(0), os.getpid())", start_new_session=True)
    assert session == pid
    (session,) = shown(sp, "print(os.getsid(0))")
    assert int(session) == os.getsid(0)


@pytest.mark.since(3, 11, "no process_group")
def test_process_group_zero_is_an_own_group(sp):
    group, pid, session = shown(
        sp, "print(os.getpgid(0), os.getpid(), os.getsid(0))", process_group=0
    )
    assert group == pid
    assert int(session) == os.getsid(0)


@pytest.mark.since(3, 11, "no process_group")
def test_process_group_of_another_child(sp):
    with sp.Popen(["cat"], stdin=sp.PIPE, process_group=0) as leader:
        (group,) = shown(sp, "print(os.getpgid(0))", process_group=leader.pid)
        assert int(group) == leader.pid


@pytest.mark.since(3, 11, "no process_group")
@pytest.mark.parametrize("value", [None, -1])
def test_no_process_group_stays_in_ours(sp, value):
    (group,) = shown(sp, "print(os.getpgid(0))", process_group=value)
    assert int(group) == os.getpgid(0)


@pytest.mark.since(3, 11, "no process_group")
def test_a_process_group_that_does_not_exist_is_an_error(sp):
    with pytest.raises(PermissionError):
        sp.run(["true"], process_group=(1 << 22) + 12345)


@pytest.mark.since(3, 11, "no process_group")
def test_a_session_leader_with_a_process_group(sp):
    """A session leader is in its own group already, and may not move."""
    with pytest.raises(PermissionError):
        sp.run(["true"], start_new_session=True, process_group=0)


@pytest.mark.parametrize("umask", [0, 0o027, 0o777, -1])
def test_umask(sp, umask):
    before = os.umask(0o022)
    try:
        (got,) = shown(sp, "print(os.umask(0))", umask=umask)
        assert int(got) == (0o022 if umask < 0 else umask)
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def identity(sp, **options):
    """Ids (real, effective, saved, file system), groups and umask of a child.

    By a program that any user may start, which this Python need not be.
    """
    if not os.path.exists("/proc/self/status"):
        pytest.skip("needs /proc to see another process's credentials")
    done = sp.run(["cat", "/proc/self/status"], stdout=sp.PIPE, check=True, **options)
    fields = dict(line.split(":", 1) for line in done.stdout.decode().splitlines())
    return {
        "uid": [int(n) for n in fields["Uid"].split()],
        "gid": [int(n) for n in fields["Gid"].split()],
        "groups": sorted(int(n) for n in fields["Groups"].split()),
        "umask": int(fields["Umask"], 8),
    }


@pytest.mark.needs_root
@pytest.mark.parametrize("user", [NOBODY, "nobody"])
def test_user(sp, user):
    import pwd

    wanted = pwd.getpwnam("nobody").pw_uid if user == "nobody" else user
    assert identity(sp, user=user) == dict(identity(sp), uid=[wanted] * 4)


@pytest.mark.needs_root
@pytest.mark.parametrize("group", [NOBODY, "nogroup", "nobody"])
def test_group(sp, group):
    import grp

    wanted = group
    if isinstance(group, str):
        try:
            wanted = grp.getgrnam(group).gr_gid
        except KeyError:
            pytest.skip(f"no group {group} here")
    assert identity(sp, group=group) == dict(identity(sp), gid=[wanted] * 4)


@pytest.mark.needs_root
@pytest.mark.parametrize("groups", [[], [5], [7, 5, 1234567], (0,), ["root", 9]])
def test_extra_groups(sp, groups):
    import grp

    wanted = sorted(grp.getgrnam(g).gr_gid if isinstance(g, str) else g for g in groups)
    assert identity(sp, extra_groups=groups) == dict(identity(sp), groups=wanted)


@pytest.mark.needs_root
def test_all_credentials_at_once(sp):
    assert identity(sp, user=NOBODY, group=12345, extra_groups=[77], umask=0o051) == {
        "uid": [NOBODY] * 4,
        "gid": [12345] * 4,
        "groups": [77],
        "umask": 0o051,
    }


@pytest.mark.needs_root
def test_the_user_may_be_the_one_we_are(sp):
    assert identity(sp, user=os.getuid(), group=os.getgid()) == identity(sp)


@pytest.mark.needs_root
def test_credentials_of_every_thread_of_ours_stay(sp):
    """setuid in a child that shares our memory must not reach our threads."""
    import threading

    seen = []
    start, end = threading.Event(), threading.Event()

    def watch():
        start.wait()
        with open("/proc/thread-self/status") as status:
            seen.extend(line for line in status if line[:4] in ("Uid:", "Gid:", "Grou"))
        end.set()

    with open("/proc/thread-self/status") as status:
        before = [line for line in status if line[:4] in ("Uid:", "Gid:", "Grou")]
    thread = threading.Thread(target=watch)
    thread.start()
    sp.run(["true"], user=NOBODY, group=NOBODY, extra_groups=[1, 2])
    start.set()
    thread.join()
    assert seen == before


# What prctl() says of this process: may it be dumped, and looked into by its user's others.
DUMPABLE = """
import ctypes, threading
prctl = ctypes.CDLL(None).prctl
def dumpable():
    return prctl(3, 0, 0, 0, 0)
assert dumpable() == 1
"""


@pytest.mark.needs_root
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a flag of Linux")
@pytest.mark.parametrize("option", ["user", "group"])
def test_a_child_with_another_user_leaves_us_dumpable(sp, option):
    fresh(
        sp,
        f"""{DUMPABLE}
for way in {{}}, dict(capture_output=True), dict(input=b"x"), dict(timeout=60):
    sp.run(["true"], {option}={NOBODY}, **way)
    assert dumpable() == 1, way
child = sp.Popen(["true"], {option}={NOBODY})
assert dumpable() == 1
child.wait()
for bad in dict(cwd="/nowhere"), dict(executable="/nowhere"):
    try:
        sp.run(["true"], {option}={NOBODY}, **bad)
    except FileNotFoundError:
        assert dumpable() == 1, bad
prctl(4, 0, 0, 0, 0)
sp.run(["true"], {option}={NOBODY})
assert dumpable() == 0, "it was not ours to set"
""",
    )


@pytest.mark.needs_root
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a flag of Linux")
def test_children_with_another_user_from_many_threads_leave_us_dumpable(sp):
    fresh(
        sp,
        f"""{DUMPABLE}
def many():
    for _ in range(50):
        sp.run(["true"], user={NOBODY})
threads = [threading.Thread(target=many) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert dumpable() == 1
""",
    )


@pytest.mark.needs_root
def test_output_is_captured_from_another_user(sp):
    done = sp.run(["id", "-u"], user=NOBODY, capture_output=True)
    assert done.stdout == b"%d\n" % NOBODY


@pytest.mark.needs_root
def test_cwd_only_root_may_enter_with_user(sp, tmp_path):
    tmp_path.chmod(0o700)
    assert sp.run(["/bin/true"], cwd=tmp_path, user=NOBODY).returncode == 0


def test_run_makes_a_session_where_it_is_told_to(sp):
    show = python("import os; print(os.getsid(0) == os.getpid())")
    assert sp.run(show, stdout=sp.PIPE, start_new_session=True).stdout == b"True\n"
    assert sp.run(show, stdout=sp.PIPE, start_new_session=False).stdout == b"False\n"
