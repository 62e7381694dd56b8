"""Signals: to the child, in the child, and in us while we wait."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

import fastproc
from tests._helpers import ALARM, PATIENCE, child, fresh, python

pytestmark = pytest.mark.posix


@pytest.mark.parametrize(
    ("method", "number"),
    [
        ("terminate", signal.SIGTERM),
        ("kill", getattr(signal, "SIGKILL", None)),
        (None, signal.SIGINT),
    ],
)
def test_a_signal_ends_the_child(sp, method, number):
    with sp.Popen(child.linger()) as process:
        if method:
            getattr(process, method)()
        else:
            process.send_signal(number)
        assert process.wait(PATIENCE) == -number


def test_a_signal_to_a_finished_child_goes_nowhere(sp):
    process = sp.Popen(child.leave(3))
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    for method in (process.terminate, process.kill, lambda: process.send_signal(9)):
        method()
    assert process.returncode == 3
    process.wait()
    for method in (process.terminate, process.kill, lambda: process.send_signal(9)):
        method()


def in_a_pid_namespace(sp, code):
    if shutil.which("unshare") is None or not os.path.exists("/proc/sys/kernel/ns_last_pid"):
        pytest.skip("needs unshare (util-linux) and ns_last_pid")
    command = ["unshare", "-pf", "--kill-child", "--mount-proc"]
    if subprocess.run([*command, "true"], capture_output=True).returncode != 0:
        pytest.skip("this system lets nobody make a pid namespace")
    script = f"import {sp.__name__} as sp{code}"
    # Not as its first process, whose children all orphans there become.
    command += ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    if "PermissionError" in done.stderr and "ns_last_pid" in done.stderr:
        pytest.skip("this system lets nobody choose a pid")
    return done


# In a pid namespace of its own: there a number can be given out again, on demand.
STRANGER = """
import os, signal, sys
orders, order = os.pipe()
answers, answer = os.pipe()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
helper = os.fork()
if helper == 0:
    wanted = int(os.read(orders, 20))
    with open("/proc/sys/kernel/ns_last_pid", "w") as file:
        file.write(str(wanted - 1))
    stranger = os.fork()
    if stranger == 0:
        signal.sigwait([signal.SIGUSR1])
        os._exit(7)
    os.write(answer, str(stranger).encode())
    os.read(orders, 1)
    os.kill(stranger, signal.SIGUSR1)
    os._exit(os.waitstatus_to_exitcode(os.waitpid(stranger, 0)[1]) & 127)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
process = sp.Popen(["true"])
REAP
os.write(order, str(process.pid).encode())
assert int(os.read(answers, 20)) == process.pid
process.send_signal(signal.SIGINT)
process.terminate()
process.kill()
os.write(order, b"!")
print(os.waitstatus_to_exitcode(os.waitpid(helper, 0)[1]), process.returncode)
"""


@pytest.mark.parametrize(
    "reap",
    [
        "os.waitpid(process.pid, 0)",
        "process.wait()",
        "process.wait(timeout=60)",
        "while process.poll() is None: pass",
    ],
)
def test_a_signal_never_reaches_a_pid_that_is_somebody_else_s_by_now(sp, reap):
    """The stranger lives until it is told, and says how it ended."""
    done = in_a_pid_namespace(sp, STRANGER.replace("REAP", reap))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "7 0\n"


# The child's pid is a stranger's by the time that run() gives up; a grandchild has its pipe.
STRANGER_OF_A_RUN = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
answers, answer = os.pipe()
strangers = []
def reap_and_reuse(signum, frame):
    if strangers or not (pid := os.waitpid(-1, os.WNOHANG)[0]):
        return
    strangers.append(pid)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    between = os.fork()  # so that the stranger is no child of ours
    if between == 0:
        with open("/proc/sys/kernel/ns_last_pid", "w") as file:
            file.write(str(pid - 1))
        stranger = os.fork()
        if stranger == 0:
            # The standard library's pipe for errors, too, which it reads to its end.
            os.closerange(0, answer)
            os.closerange(answer + 1, 100)
            signal.sigwait([signal.SIGUSR1])
            os.write(answer, b"alive")
        os._exit(stranger != pid)
    assert os.waitpid(between, 0)[1] == 0
signal.signal(signal.SIGCHLD, reap_and_reuse)
try:
    sp.run(["sh", "-c", "sleep 1000 & exit 0"], capture_output=True, timeout=0.5)
except sp.TimeoutExpired:
    print("expired", end=" ")
os.close(answer)
os.kill(strangers[0], signal.SIGUSR1)
print(os.read(answers, 9).decode())
"""


def test_a_run_out_of_time_never_kills_a_pid_that_is_somebody_else_s_by_now(sp):
    done = in_a_pid_namespace(sp, STRANGER_OF_A_RUN)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "expired alive\n"


def test_signal_zero_asks_only(sp):
    with sp.Popen(child.linger()) as process:
        process.send_signal(0)
        assert process.poll() is None
        process.kill()


@pytest.mark.parametrize(
    "bad", [-1, 1000, "TERM", None, 1.5, 1 << 31, 1 << 40, (1 << 40) + 1000, 1 << 70], ids=repr
)
def test_an_odd_signal_number_is_the_same_error(bad):
    def attempt(sp):
        with sp.Popen(child.linger()) as process:
            try:
                process.send_signal(bad)
            except Exception as error:
                return type(error), str(error)
            finally:
                process.kill()

    theirs = attempt(subprocess)
    assert theirs is not None or bad == 1 << 40  # of which os.kill() sees a zero
    assert attempt(fastproc) == theirs


def test_a_stopped_child_is_not_a_finished_one(sp):
    with sp.Popen(child.linger()) as process:
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.05)
        process.send_signal(signal.SIGCONT)
        assert process.poll() is None
        process.kill()
        assert process.wait(PATIENCE) == -signal.SIGKILL


def test_a_traced_looking_core_dump_is_its_signal(sp):
    done = sp.run(["sh", "-c", "ulimit -c 0; kill -ABRT $$"])
    assert done.returncode == -signal.SIGABRT


@pytest.mark.skipif(
    not os.path.exists("/proc/self/status"), reason="needs /proc to see dispositions"
)
@pytest.mark.parametrize("restore", [True, False])
def test_restore_signals_is_about_sigpipe_and_sigxfsz(sp, restore):
    done = sp.run(["grep", "SigIgn", "/proc/self/status"], stdout=sp.PIPE, restore_signals=restore)
    ignored = int(done.stdout.split()[1], 16)
    both = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)
    assert ignored & both == (0 if restore else both)


@pytest.mark.skipif(
    not os.path.exists("/proc/self/status"), reason="needs /proc to see dispositions"
)
def test_a_child_inherits_mask_and_ignored_signals_and_no_handlers(sp):
    """The mask as it was, although all signals are blocked meanwhile."""
    out = fresh(
        sp,
        """
import signal
for signum in range(1, 32):  # whoever started us may have ignored some
    if signal.getsignal(signum) == signal.SIG_IGN and signum not in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(signum, signal.SIG_DFL)
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
signal.signal(signal.SIGUSR2, lambda *a: None)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGRTMIN + 5])
for options in ({}, {"capture_output": True}):
    r = sp.run(["cat", "/proc/self/status"], **{"stdout": sp.PIPE} if not options else options)
    f = dict(l.split(":", 1) for l in r.stdout.decode().splitlines())
    print(*(f[k].strip() for k in ("SigBlk", "SigCgt", "SigIgn")))
p = sp.Popen(["cat", "/proc/self/status"], stdout=sp.PIPE)
f = dict(l.split(":", 1) for l in p.communicate()[0].decode().splitlines())
print(*(f[k].strip() for k in ("SigBlk", "SigCgt", "SigIgn")))
mine = dict(l.split(":", 1) for l in open("/proc/thread-self/status"))
print(mine["SigBlk"].strip())
""",
    )
    *children, mine = out.splitlines()
    blocked = 1 << (signal.SIGTERM - 1) | 1 << (signal.SIGRTMIN + 4)
    assert int(mine, 16) == blocked
    for line in children:
        block, caught, ignored = (int(word, 16) for word in line.split())
        assert block == blocked
        assert caught == 0
        # glibc's posix_spawn() has its own two, 32 and 33, ignored in the child.
        others = 1 << (signal.SIGXFSZ - 1) | 3 << 31
        assert ignored & ~others == 1 << (signal.SIGUSR1 - 1)


def test_handlers_run_while_we_wait(sp):
    """A handler runs at once, not when the child is over, and the wait goes on."""
    out = fresh(
        sp,
        """
import os, signal
def handler(*args):
    os.write(w, b"!")
r, w = os.pipe()
signal.signal(signal.SIGUSR1, handler)
# The child ends only when the handler has run: its stdin is our pipe.
script = "kill -USR1 $PPID; exec head -c 1"
print(sp.run(["sh", "-c", script], stdin=r, stdout=sp.DEVNULL).returncode)
print(sp.run(["sh", "-c", script], stdin=r, capture_output=True).stdout)
print(sp.run(["sh", "-c", script], stdin=r, stdout=sp.PIPE).stdout)
print(sp.run(["sh", "-c", script], stdin=r, stdout=sp.PIPE, timeout=60).stdout)
print(sp.call(["sh", "-c", script], stdin=r, stdout=sp.DEVNULL, timeout=60))
p = sp.Popen(["sh", "-c", script], stdin=r, stdout=sp.DEVNULL)
print(p.wait())
""",
    )
    assert out.split() == ["0", "b'!'", "b'!'", "b'!'", "0", "0"]


@pytest.mark.parametrize(
    "call",
    [
        "sp.run(ARGS)",
        "sp.run(ARGS, capture_output=True)",
        "sp.run(ARGS, input=b'x' * 9000000, stdout=sp.PIPE)",
        "sp.run(ARGS, timeout=60)",
        "sp.run(ARGS, timeout=60, capture_output=True)",
        "sp.call(ARGS)",
        "sp.check_output(ARGS)",
        "process = sp.Popen(ARGS); process.wait()",
        "process = sp.Popen(ARGS, stdin=sp.PIPE, stdout=sp.PIPE); process.communicate(bytes(9 << 20))",
    ],
)
def test_an_exception_from_a_handler_comes_through_and_the_child_ends(sp, call):
    """Whatever the handler raises leaves run(), which kills the child first."""
    out = fresh(
        sp,
        ALARM
        + f"""
ARGS = ["sleep", "1000"]
process = None
try:
    raise_in_the_main_thread(Mine)
    {call}
except Mine:
    print("mine")
if process is not None:
    process.kill()
    process.wait()
try:
    os.waitpid(-1, os.WNOHANG)
    print("a child is left")
except ChildProcessError:
    pass
""",
    )
    assert out == "mine\n"


def test_a_signal_handler_may_itself_run_programs(sp):
    out = fresh(
        sp,
        """
import signal
def handler(*args):
    print(sp.run(["echo", "inner"], capture_output=True).stdout)
signal.signal(signal.SIGUSR1, handler)
r = sp.run(["sh", "-c", "kill -USR1 $PPID; echo outer"], capture_output=True)
print(r.stdout)
""",
    )
    assert sorted(out.splitlines()) == ["b'inner\\n'", "b'outer\\n'"]


def test_sigchld_handlers_that_reap_everything_do_not_break_us(sp):
    """As old daemons do; the code is then unknown, and said to be 0."""
    out = fresh(
        sp,
        """
import os, signal
def reap(*args):
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
signal.signal(signal.SIGCHLD, reap)
for _ in range(20):
    for options in ({}, {"capture_output": True}, {"timeout": 60}):
        assert sp.run(["sh", "-c", "exit 5"], **options).returncode in (0, 5)
print("done")
""",
    )
    assert out == "done\n"


def test_kill_and_wait_from_two_threads_never_fail(sp):
    for _ in range(30):
        process = sp.Popen(child.linger())
        threads = [
            threading.Thread(target=process.kill),
            threading.Thread(target=process.wait),
            threading.Thread(target=process.terminate),
            threading.Thread(target=process.poll),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert process.wait() in (-signal.SIGKILL, -signal.SIGTERM)


def test_waiting_leaves_other_threads_running(sp):
    """Neither wait nor communicate holds the interpreter."""
    counter = [0]
    stop = threading.Event()

    def count():
        while not stop.is_set():
            counter[0] += 1
            time.sleep(0)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        for wait in (lambda p: p.wait(), lambda p: p.communicate()):
            with sp.Popen(
                python("import os\nos.write(1, b'ready\\n')\nos.read(0, 1)"),
                stdin=sp.PIPE,
                stdout=sp.PIPE,
            ) as process:
                assert process.stdout.readline() == b"ready\n"
                before = counter[0]
                keep = os.dup(process.stdin.fileno())

                def feed(keep=keep, before=before):
                    while counter[0] < before + 1000:
                        time.sleep(0.001)
                    os.write(keep, b"x")
                    os.close(keep)

                feeder = threading.Thread(target=feed)
                feeder.start()
                wait(process)
                feeder.join()
                assert counter[0] >= before + 1000
    finally:
        stop.set()
        thread.join()
