"""What Popen does with its child, on Windows: start, wait, signal and communicate."""

import _winapi
import msvcrt
import os
import signal
import subprocess
import sys
from errno import EINVAL
from subprocess import TimeoutExpired
from weakref import ref

from . import _native_windows as native
from ._streams_windows import raw_of


class ChildOps(subprocess.Popen):
    """The half of Popen that differs from system to system.

    A process lives on, as far as anybody can ask, until its last handle is closed: so
    nothing here needs a lock, and no signal goes to another process by mistake.
    """

    _child = None
    _made = (None, None, None)  # our file objects, weakly: others may have taken their place
    _exchange = None
    _exchanging = (None, None, None)  # the streams that it serves
    _exchanged = None  # what communicate() has returned
    _route = "CreateProcess"  # the only one there is
    _needs_reaping = False  # a Popen that nobody keeps closes its pipes, and the handle
    _reads_are_interruptible = False  # Ctrl-C does not end the C runtime's read()

    def _execute_child(self, spec, ends):
        native.spawn(self, spec, ends)
        if ends is not None:
            self._made = tuple(None if s is None else ref(s) for s in self._streams())
            ends.close()

    def _streams(self):
        return self.stdin, self.stdout, self.stderr

    def _streams_are_ours(self):
        """Whether nobody has put other objects there: only they know how they are read."""
        pairs = zip(self._streams(), self._made, strict=True)
        return all(s is None or (made is not None and made() is s) for s, made in pairs)

    def _reads_itself(self, piped):
        """Whether communicate() shall call the one stream's own methods."""
        # One that is closed already says so itself.
        return all(s.closed for s in piped) or not self._streams_are_ours()

    @property
    def _handle(self):
        """The process handle, by the standard library's name: asyncio waits for it."""
        return self._child

    @_handle.setter
    def _handle(self, handle):
        self._child = handle

    # Called while modules are torn down: what it needs it must have.
    def _internal_poll(self, _deadstate=None, _poll=native.poll):
        if self.returncode is None and self._child is not None:
            self.returncode = _poll(self._child)
        return self.returncode

    def _wait(self, timeout):
        """Waits for the child; TimeoutExpired after `timeout` seconds."""
        if self.returncode is None:
            code = native.wait(self._child, timeout)
            if code is None:
                raise TimeoutExpired(self.args, timeout)
            self.returncode = code
        return self.returncode

    def _communicate(self, input, endtime, orig_timeout):
        if self._exchanged is not None:
            return self._exchanged
        exchange = self._exchange
        if exchange is None:
            if not self._streams_are_ours():
                return super()._communicate(input, endtime, orig_timeout)
            self._exchanging = self._streams()
            exchange = self._exchange = self._open_exchange(input)
        while True:
            state = exchange.go_on(self._remaining_time(endtime))
            if state == "timeout":
                raise TimeoutExpired(self.args, orig_timeout)
            self._close_stdin()
            if state == "done":
                break
        try:
            self.wait(timeout=self._remaining_time(endtime))
        except TimeoutExpired:
            raise TimeoutExpired(self.args, orig_timeout) from None
        self._exchanged = self._output(1), self._output(2)
        del self._exchange, self._exchanging  # and their handles
        return self._exchanged

    def _open_exchange(self, input):
        stdin = self._exchanging[0]
        if stdin is not None and not stdin.closed:
            try:
                if input and self.text_mode:
                    input = raw_of(stdin).encoded(stdin, input)
                else:
                    stdin.flush()
            except OSError as error:
                if not _nobody_reads(error):
                    raise
                input = None
            if not input:
                self._close_stdin()
        handles = [
            None if s is None or s.closed else msvcrt.get_osfhandle(s.fileno())
            for s in self._exchanging
        ]
        return native.Exchange(handles[0], input, handles[1], handles[2])

    def _close_stdin(self):
        stdin = self._exchanging[0]
        if stdin is not None and not stdin.closed:
            try:
                stdin.close()
            except OSError as error:
                if not _nobody_reads(error):
                    raise

    def _output(self, which):
        """What a stream gave from where its reader stands to its end; closes it."""
        stream = self._exchanging[which]
        if stream is None:
            return None
        data = self._exchange.take(which)
        if stream.closed:
            return data
        raw = raw_of(stream)
        if raw.touched:
            # A buffer may hold the beginning, and a decoder half a character.
            raw.replay(data)
            data = stream.read()
        elif self.text_mode:
            data = self._translate_newlines(data, stream.encoding, stream.errors)
        stream.close()
        return data

    def send_signal(self, sig):
        """Sends a signal to the child; does nothing if the child has ended.

        sig (int or signal.Signals): SIGTERM, which is terminate(); or CTRL_C_EVENT or
            CTRL_BREAK_EVENT, for a child that was started with
            creationflags=CREATE_NEW_PROCESS_GROUP. On POSIX any signal.

        Raises ValueError for any other signal; OSError if the child cannot be reached:
        PermissionError if it runs as somebody else.

        As Popen.send_signal() of Python 3.12.
        """
        if self.poll() is not None:
            return
        if sig == signal.SIGTERM:
            self.terminate()
        elif sig == signal.CTRL_C_EVENT:
            os.kill(self.pid, signal.CTRL_C_EVENT)
        elif sig == signal.CTRL_BREAK_EVENT:
            os.kill(self.pid, signal.CTRL_BREAK_EVENT)
        else:
            raise ValueError(f"Unsupported signal: {sig}")

    def terminate(self):
        """Ends the child by TerminateProcess(); its exit code is 1 then.

        Does nothing if it has ended. On POSIX: SIGTERM. Raises PermissionError if the child
        runs as somebody else. As Popen.terminate() of Python 3.12; kill() is the same.
        """
        if self.returncode is not None:
            return
        sys.audit("_winapi.TerminateProcess", int(self._child), 1)
        try:
            native.terminate(self._child)
        except PermissionError:
            # Windows' answer also for a process that has ended, or is about to: then its handle
            # need not tell of it yet, but the exit code is there. (259 says nothing.)
            code = _winapi.GetExitCodeProcess(int(self._child))
            if code != _winapi.STILL_ACTIVE:
                self.returncode = code
            elif self.poll() is None:
                raise

    kill = terminate


def _nobody_reads(error):
    """Whether a write failed because the child has ended, or closed its end."""
    return isinstance(error, BrokenPipeError) or error.errno == EINVAL


def after_timeout(process, expired):
    """What run() does with a killed child: takes what it said, whoever holds its pipes."""
    exchange = getattr(process, "_exchange", None)
    if exchange is None:
        # A communicate() of somebody else's: the standard library's run() does this.
        expired.stdout, expired.stderr = process.communicate()
        return
    process.wait()
    exchange.stop()
    expired.stdout = exchange.take(1) or None
    expired.stderr = exchange.take(2) or None
