"""What Popen does with its child, on POSIX: start, wait, signal and communicate."""

import operator
import signal
import subprocess
import sys
from subprocess import TimeoutExpired
from time import monotonic

from . import _native_posix as native
from ._exchange_posix import Exchange


def _is_open(stream):
    # Tests put mocks in the place of streams, of which nothing is ever False.
    return stream is not None and stream.closed is not True


def _signal_number(sig):
    """As os.kill() takes it: an index, of which the upper bits get lost."""
    number = operator.index(sig)
    if not -sys.maxsize - 1 <= number <= sys.maxsize:
        raise OverflowError("Python int too large to convert to C ssize_t")
    return (number + (1 << 31)) % (1 << 32) - (1 << 31)


class ChildOps(subprocess.Popen):
    """The half of Popen that differs from system to system.

    The child itself (native.Child) sees to it that no signal goes to a pid that may be
    another process's by now, and that poll() always knows; any number of threads can
    wait for it. No lock of Popen's is needed for that.
    """

    _child = None
    _exchange = None
    _needs_reaping = True
    _reads_are_interruptible = True
    # (spec, ends): a method in C, which sets _child and pid.
    _execute_child = native.spawn

    @property
    def _route(self):
        """How the child was born: "clone3", "vfork", "posix_spawn" or "fork"."""
        return None if self._child is None else self._child.route

    def _internal_poll(self, _deadstate=None):
        if self.returncode is None and self._child is not None:
            code = self._child.reap(0 if _deadstate is None else _deadstate)
            if self.returncode is None:
                self.returncode = code
        return self.returncode

    def _wait(self, timeout):
        """Waits for the child; TimeoutExpired after `timeout` seconds."""
        if self.returncode is None:
            code = self._child.wait(timeout)
            if code is None:
                raise TimeoutExpired(self.args, timeout)
            if self.returncode is None:
                self.returncode = code
        return self.returncode

    def _communicate(self, input, endtime, orig_timeout):
        exchange = self._exchange
        if exchange is None:
            exchange = self._exchange = self._open_exchange(input)
        streams = (self.stdin, self.stdout, self.stderr)
        for which, stream in enumerate(streams):
            if not _is_open(stream):
                exchange.forget(which)
        while True:
            sending = not exchange.ended(0)
            state = exchange.go_on(None if endtime is None else endtime - monotonic())
            if sending and exchange.ended(0):
                self._close_stdin()
            if state == "done":
                break
            if state == "timeout":
                raise self._expired(orig_timeout)
        for stream in streams[1:]:
            if stream is not None:
                stream.close()
        try:
            self.wait(timeout=self._remaining_time(endtime))
        except TimeoutExpired:
            raise self._expired(orig_timeout) from None
        stdout = None if self.stdout is None else exchange.take(1)
        stderr = None if self.stderr is None else exchange.take(2)
        if self.text_mode:
            if stdout is not None:
                stdout = self._translate_newlines(stdout, self.stdout.encoding, self.stdout.errors)
            if stderr is not None:
                stderr = self._translate_newlines(stderr, self.stderr.encoding, self.stderr.errors)
        return stdout, stderr

    def _open_exchange(self, input):
        stdin, stdout, stderr = (
            stream if _is_open(stream) else None
            for stream in (self.stdin, self.stdout, self.stderr)
        )
        if stdin is not None:
            try:
                stdin.flush()
            except BrokenPipeError:
                pass  # the child does not want it
            if input is not None and self.text_mode:
                input = input.encode(stdin.encoding, stdin.errors)
            if not input:
                self._close_stdin()
                stdin = None
        fds = [None if stream is None else stream.fileno() for stream in (stdin, stdout, stderr)]
        return Exchange(
            fds[0], None if stdin is None else input, fds[1], fds[2], self.pipesize <= 0
        )

    def _close_stdin(self):
        if _is_open(self.stdin):
            try:
                self.stdin.close()
            except BrokenPipeError:
                pass

    def _expired(self, timeout):
        """TimeoutExpired with what the child has said: bytes, None where it is nothing."""
        return TimeoutExpired(
            self.args,
            timeout,
            output=(self._exchange.so_far(1) or None) if self.stdout is not None else None,
            stderr=(self._exchange.so_far(2) or None) if self.stderr is not None else None,
        )

    def send_signal(self, sig):
        """Sends a signal to the child; does nothing if the child has ended.

        sig (int or signal.Signals): the signal; 0 sends none, but looks whether one might
            be sent. On Windows only SIGTERM, CTRL_C_EVENT and CTRL_BREAK_EVENT.

        Raises PermissionError if the child runs as somebody else by now, OSError (EINVAL)
        if there is no such signal, TypeError and OverflowError for what is no C integer;
        on Windows ValueError for any other signal.

        As Popen.send_signal() of Python 3.12, which may signal another process where two
        threads reap and signal at the same time; this one cannot.
        """
        self.poll()
        if self.returncode is not None:
            return
        try:
            self._child.send_signal(_signal_number(sig))
        except ProcessLookupError:
            pass  # it ended between the two

    def terminate(self):
        """Asks the child to end by SIGTERM; does nothing if the child has ended.

        On Windows: TerminateProcess(), which it cannot refuse. Raises PermissionError if the
        child runs as somebody else by now. As Popen.terminate() of Python 3.12.
        """
        self.send_signal(signal.SIGTERM)

    def kill(self):
        """Ends the child by SIGKILL, which it cannot refuse; nothing if it has ended.

        On Windows: the same as terminate(). Raises PermissionError if the child runs as
        somebody else by now. As Popen.kill() of Python 3.12.
        """
        self.send_signal(signal.SIGKILL)


def after_timeout(process, expired):
    """What run() does with a killed child: what it said is in the exception already."""
    process.wait()
