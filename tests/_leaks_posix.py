"""What a test may not leave behind, on POSIX.

Descriptors, children (running or zombies), threads, and the state that a child
sharing our memory or descriptors could have changed in us: signal mask and
dispositions, umask, credentials, working directory.
"""

import gc
import os
import signal
import threading

_FD_DIRS = ("/proc/self/fd", "/dev/fd")
_STATUS = "/proc/thread-self/status"
_STATUS_KEYS = ("SigBlk", "SigIgn", "SigCgt", "Umask", "Uid", "Gid", "Groups")

# Caught signals that come and go without us: the C library takes 32 and 33
# with the first thread, the test runner's timer takes SIGALRM.
_NOT_OURS = 3 << 31 | 1 << (signal.SIGALRM - 1)


def open_fds():
    """The open descriptors, each with what it leads to."""
    for folder in _FD_DIRS:
        if os.path.isdir(folder):
            break
    else:
        raise RuntimeError("no folder lists the open descriptors here")
    result = {}
    for name in os.listdir(folder):
        fd = int(name)
        try:
            os.fstat(fd)
        except OSError:
            continue  # the descriptor that read the folder itself
        try:
            result[fd] = os.readlink(os.path.join(folder, name))
        except OSError:
            result[fd] = "?"
    return result


def process_state():
    """Mask, dispositions, umask, credentials and directory, by name."""
    state = {"cwd": os.getcwd()}
    try:
        with open(_STATUS) as lines:
            for line in lines:
                key, _, value = line.partition(":")
                if key == "SigCgt":
                    state[key] = f"{int(value, 16) & ~_NOT_OURS:x}"
                elif key in _STATUS_KEYS:
                    state[key] = value.strip()
    except FileNotFoundError:
        state["SigBlk"] = sorted(signal.pthread_sigmask(signal.SIG_BLOCK, []))
        state["Uid"] = os.getuid(), os.geteuid()
        state["Gid"] = os.getgid(), os.getegid()
    return state


def children():
    """One line for each child that is still there, which is then removed."""
    found = []
    while True:
        try:
            info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return found
        if info is None:
            running = running_children()
            if not running:
                return found
            for pid in running:
                found.append(f"running child {pid}")
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        else:
            found.append(f"zombie {info.si_pid}")
            os.waitpid(info.si_pid, 0)


def running_children():
    """The pids of our children, where the system can list them."""
    pids = []
    try:
        tasks = os.listdir("/proc/self/task")
    except FileNotFoundError:
        return pids
    for task in tasks:
        try:
            with open(f"/proc/self/task/{task}/children") as file:
                pids.extend(map(int, file.read().split()))
        except OSError:
            continue  # the thread is gone
    return pids


class Watch:
    """Remembers the state at its making; says what changed since."""

    def __init__(self):
        self._fds = open_fds()
        self._state = process_state()
        self._threads = set(threading.enumerate())

    def _new_fds(self):
        return sorted(
            (fd, target) for fd, target in open_fds().items() if self._fds.get(fd) != target
        )

    def problems(self):
        new = self._new_fds()
        if new:
            gc.collect()
            new = self._new_fds()
        found = [f"descriptor {fd} -> {target}" for fd, target in new]
        gone = sorted(set(self._fds) - set(open_fds()))
        found += [f"descriptor {fd} closed" for fd in gone]
        found += children()
        state = process_state()
        for key, value in self._state.items():
            if state.get(key) != value:
                found.append(f"{key} was {value}, is {state.get(key)}")
        for thread in set(threading.enumerate()) - self._threads:
            found.append(f"thread {thread.name}")
        return found
