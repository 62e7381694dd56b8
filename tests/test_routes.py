"""The way a child is started is a result: a lost fast path is a failure."""

import os
import sys
import threading

import pytest

import fastproc
from tests._helpers import fresh

pytestmark = [
    pytest.mark.posix,
    pytest.mark.skipif(
        not sys.platform.startswith("linux"), reason="the expectations are those of Linux"
    ),
]

FORCED = os.environ.get("FASTPROC_ROUTE")
ROUTES = ("clone3", "vfork", "posix_spawn", "fork")
SHARED_MEMORY = ("clone3", "vfork")


def expected():
    """The routes that a request may take that posix_spawn can or cannot express."""
    if FORCED == "posix_spawn":
        return {"posix_spawn", "fork"}  # and none in between
    return {FORCED or "clone3"}


def routes_of(options, args=("true",)):
    """The route of a Popen, of a plain run and of a captured one."""
    last = fastproc._native.last_route
    found = []
    with fastproc.Popen(list(args), **options) as process:
        found.append(process._route)
        assert last() == process._route
    assert process._route == found[0]
    fastproc.run(list(args), **options)
    found.append(last())
    fastproc.run(list(args), capture_output=True, **options)
    found.append(last())
    fastproc.run(list(args), input=b"", stdout=fastproc.DEVNULL, timeout=60, **options)
    found.append(last())
    return set(found)


HIGH = 50

OPTIONS = {
    "user": {"user": 65534},
    "group": {"group": 65534},
    "extra_groups": {"extra_groups": [1, 2]},
    "umask": {"umask": 0o077},
    "cwd": {"cwd": "/"},
    "start_new_session": {"start_new_session": True},
    "process_group": {"process_group": 0},
    "pass_fds": {"pass_fds": (0, 2)},
    "pass_fds above 2": {"pass_fds": (HIGH,)},
}
NEED_ROOT = {"user", "group", "extra_groups"}
EVERYTHING = {
    key: value
    for options in OPTIONS.values()
    for key, value in options.items()
    if key != "process_group"
}


@pytest.fixture
def high():
    """A descriptor that no other takes, for pass_fds."""
    os.dup2(0, HIGH)
    yield
    os.close(HIGH)


@pytest.mark.parametrize(
    "option",
    [
        pytest.param(option, marks=[pytest.mark.needs_root] if option in NEED_ROOT else [])
        for option in OPTIONS
    ],
)
@pytest.mark.usefixtures("high")
def test_an_option_needs_no_fork(option):
    assert routes_of(OPTIONS[option]) <= expected()


@pytest.mark.usefixtures("high")
def test_all_options_that_need_no_root_together_need_no_fork():
    options = {key: value for key, value in EVERYTHING.items() if key not in NEED_ROOT}
    assert routes_of(options) == ({"fork"} if FORCED == "posix_spawn" else expected())


@pytest.mark.needs_root
@pytest.mark.usefixtures("high")
def test_all_options_together_need_no_fork():
    assert routes_of(EVERYTHING) == ({"fork"} if FORCED == "posix_spawn" else expected())


def test_a_plain_start_takes_the_first_or_the_forced_route():
    if FORCED == "posix_spawn":
        assert routes_of({"close_fds": False}, ["/bin/true"]) == {"posix_spawn"}
    else:
        assert routes_of({}) == {FORCED or "clone3"}
        assert routes_of({"close_fds": False}) == {FORCED or "clone3"}


@pytest.mark.parametrize(
    "options",
    [
        {"shell": True},
        {"restore_signals": False},
        {"env": {"PATH": "/bin"}},
        {"executable": "true"},
        {"pipesize": 1 << 16},
    ],
    ids=repr,
)
def test_other_options_keep_the_route(options):
    assert routes_of(options) <= expected()


@pytest.mark.usefixtures("high")
def test_preexec_fn_forks():
    assert routes_of({"preexec_fn": lambda: None}) == {"fork"}
    assert routes_of(
        dict(EVERYTHING, preexec_fn=lambda: None)
        if os.geteuid() == 0
        else {"preexec_fn": os.getpid}
    ) == {"fork"}


def test_the_last_route_belongs_to_the_thread():
    fastproc.run(["true"])
    mine = fastproc._native.last_route()
    seen = []

    def other():
        fastproc.run(["true"], preexec_fn=int)
        seen.append(fastproc._native.last_route())

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen == ["fork"]
    assert fastproc._native.last_route() == mine


@pytest.mark.parametrize("route", ROUTES)
def test_the_variable_forces_a_route(route):
    out = fresh(
        fastproc,
        """
r = sp.run(["/bin/true"], close_fds=False)
print(r.returncode, sp._native.last_route())
p = sp.Popen(["/bin/true"], close_fds=False)
print(p.wait(), p._route)
""",
        env=dict(os.environ, FASTPROC_ROUTE=route),
    )
    assert out.split() == ["0", route] * 2


def test_an_unknown_route_is_said_at_import():
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", "import fastproc"],
        capture_output=True,
        env=dict(os.environ, FASTPROC_ROUTE="teleport"),
        text=True,
    )
    assert done.returncode != 0
    assert "FASTPROC_ROUTE" in done.stderr and "teleport" in done.stderr


@pytest.mark.parametrize(
    "knob, forbidden", [("_USE_VFORK", ("clone3", "vfork")), ("_USE_POSIX_SPAWN", ("posix_spawn",))]
)
def test_the_stdlib_s_knobs_are_obeyed(knob, forbidden):
    env = {k: v for k, v in os.environ.items() if k != "FASTPROC_ROUTE"}
    out = fresh(
        fastproc,
        f"""
sp.{knob} = False
for options in ({{}}, {{"close_fds": False}}, {{"cwd": "/"}},
                {{"capture_output": True}}):
    sp.run(["/bin/true"], **options)
    print(sp._native.last_route())
p = sp.Popen(["/bin/true"], close_fds=False)
print(p.wait() or p._route)
""",
        env=env,
    )
    routes = set(out.split())
    assert routes and not routes & set(forbidden)
    assert routes <= set(ROUTES)


@pytest.mark.parametrize("route", ROUTES)
def test_errors_are_the_same_on_the_route(route, tmp_path):
    (tmp_path / "plain").write_text("")
    out = fresh(
        fastproc,
        f"""
for args, options in ((["/no/such"], {{}}), (["true"], {{"cwd": "/no/dir"}}),
                      (["{tmp_path}/plain"], {{}}), (["none_of_it"], {{}})):
    for call in (sp.run, sp.check_output, sp.Popen):
        for close in (True, False):
            try:
                call(args, close_fds=close, **options)
            except OSError as e:
                print(type(e).__name__, e.errno, e.filename)
""",
        env=dict(os.environ, FASTPROC_ROUTE=route),
    )
    assert out.splitlines() == (
        ["FileNotFoundError 2 /no/such"] * 6
        + ["FileNotFoundError 2 /no/dir"] * 6
        + [f"PermissionError 13 {tmp_path}/plain"] * 6
        + ["FileNotFoundError 2 none_of_it"] * 6
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the routes of Linux")
def test_each_knob_alone_and_both_on_either_way_of_run():
    """close_fds=False, since posix_spawn can express that with any libc."""
    env = {k: v for k, v in os.environ.items() if k != "FASTPROC_ROUTE"}
    out = fresh(
        fastproc,
        """
for shared, spawn in (True, True), (False, True), (True, False), (False, False):
    sp._USE_VFORK, sp._USE_POSIX_SPAWN = shared, spawn
    for way in {}, {"umask": -1}:  # the quickest, and the long one
        sp.run(["/bin/true"], close_fds=False, **way)
        print(sp._native.last_route())
""",
        env=env,
    )
    first = "clone3" if "clone3" in fastproc._native.features() else "vfork"
    wanted = (first, "posix_spawn", first, "fork")
    assert out.split() == [route for route in wanted for _ in range(2)]
