"""Popen: the arguments, the streams and the life of one child, on every system."""

import errno
import io
import sys
import warnings
from subprocess import PIPE, TimeoutExpired
from time import monotonic as _time
from types import SimpleNamespace

from . import _text
from ._platform import ChildOps, build, make_plain, native, open_pipe

# Children whose Popen is gone, but which had not ended: reaped later, by _cleanup().
_active = []


def _cleanup():
    if not _active:
        return
    for abandoned in _active[:]:
        if abandoned._internal_poll(_deadstate=sys.maxsize) is not None:
            try:
                _active.remove(abandoned)
            except ValueError:
                pass  # another thread did


def describe(asked):
    """Checks Popen's arguments: (spec, text mode, encoding). Starts and opens nothing.

    asked: each parameter of Popen by its name.
    """
    if asked.bufsize is not None and not isinstance(asked.bufsize, int):
        raise TypeError("bufsize must be an integer")
    if asked.pipesize is None:
        asked.pipesize = -1
    elif not isinstance(asked.pipesize, int):
        raise TypeError("pipesize must be an integer")
    encoding, errors = asked.encoding, asked.errors
    text_mode = _text.mode(encoding, errors, asked.text, asked.universal_newlines)
    if text_mode:
        if encoding is None:
            encoding = _text.default_encoding()
        if PIPE in (asked.stdin, asked.stdout, asked.stderr):
            _text.check(encoding, errors)
    return build(asked), text_mode, encoding


def _check_bufsize(bufsize, text_mode, pipes):
    """Says what io.open() would of it, for each pipe; but while nothing is open yet."""
    if pipes and not -(1 << 31) <= bufsize < 1 << 31:
        raise OverflowError("Python int too large to convert to C int")
    if bufsize == 1 and not text_mode:
        for _ in range(pipes):
            _text.warn_caller(
                "line buffering (buffering=1) isn't supported in binary mode, "
                "the default buffer size will be used",
                RuntimeWarning,
            )


class Popen(ChildOps):
    """A child process: the call starts it, `with` closes its pipes and waits for it.

    args: a sequence of str, bytes or path-like: the program and its arguments. One of them
        alone: on POSIX the program; on Windows a str is the whole command line.
    bufsize (int, bytes, default -1): of the pipes' files: 0 none, 1 by line (text only), other
        positive: so many, negative or None: io.DEFAULT_BUFFER_SIZE.
    executable (str, bytes, path-like, default None): the program, where it is not args[0], which
        the child sees all the same; with shell, the shell.
    stdin, stdout, stderr (default None: ours): PIPE, DEVNULL, a descriptor (int) or an object
        with fileno(); stderr also STDOUT.
    preexec_fn (callable, default None): called in the child before the program starts. The birth
        is then a fork, which in a program with threads can deadlock.
    close_fds (bool, default True): the child gets no descriptor above 2 but pass_fds; on Windows
        no handle but its three, and those of startupinfo's handle_list.
    shell (bool, default False): args is for /bin/sh -c (a sequence: its script, $0, $1 ...); on
        Windows for %ComSpec% /c.
    cwd (str, bytes, path-like, default None: ours): the child's working directory.
    env (mapping of str or bytes, values also path-like; on Windows of str; default None: ours):
        all of the child's environment.
    text, universal_newlines (bool), encoding, errors (str; all default None): any of them makes
        the pipes carry text, in the locale's encoding unless another is given.
    startupinfo (STARTUPINFO, default None), creationflags (int, default 0): for CreateProcess()
        of Windows; elsewhere any other value is a ValueError.
    pass_fds (ints, default ()): stay open in the child, and make close_fds True; on Windows an
        AssertionError. pipesize (int, bytes, default -1: the system's): of the pipes (Linux).
    user, group (str or int), extra_groups (of them; all default None: ours): credentials of the
        child; on Windows a ValueError, as preexec_fn is.
    restore_signals (bool, default True): SIGPIPE and SIGXFSZ get their default action.
        start_new_session (bool, default False): setsid(). process_group (int, default None): if
        not negative, setpgid(0, process_group). umask (int, default -1: ours): if not negative,
        the file mode creation mask. Windows ignores these four.

    Raises OSError if the child cannot be started: on POSIX filename is the program, or cwd if that
    was at fault. SubprocessError: preexec_fn raised, or text and universal_newlines contradict
    each other. ValueError, TypeError, OverflowError: an argument of a wrong value or type, or too
    large. LookupError: no such codec. On POSIX also UnicodeEncodeError: an argument that the file
    system's encoding cannot express; KeyError: no such user or group; IndexError: args is empty.

    Attributes: args, as given; stdin, stdout, stderr: the pipes' files, None for what is no pipe;
    pid (int); returncode (int; None until poll(), wait() or communicate() has seen the end; on
    POSIX minus the signal that ended it); text_mode, encoding (of text), errors, pipesize.

    As subprocess.Popen of Python 3.12, of which it is a subclass; README.md lists what differs.
    """

    __module__ = "fastproc"  # where users import it from
    # What most children never change is here, and costs their birth no time.
    stdin = stdout = stderr = None
    pid = None
    returncode = None
    encoding = errors = text_mode = None
    pipesize = -1
    _child_created = False
    _communication_started = False
    # How long to wait for the child after the first Ctrl-C, which it got too.
    _sigint_wait_secs = 0.25

    def __init__(
        self,
        args,
        bufsize=-1,
        executable=None,
        stdin=None,
        stdout=None,
        stderr=None,
        preexec_fn=None,
        close_fds=True,
        shell=False,
        cwd=None,
        env=None,
        universal_newlines=None,
        startupinfo=None,
        creationflags=0,
        restore_signals=True,
        start_new_session=False,
        pass_fds=(),
        *,
        user=None,
        group=None,
        extra_groups=None,
        encoding=None,
        errors=None,
        text=None,
        umask=-1,
        pipesize=-1,
        process_group=None,
    ):
        if _active:
            _cleanup()
        self.args = args
        others = (  # in the order of _OTHERS
            bufsize,
            executable,
            preexec_fn,
            close_fds,
            shell,
            universal_newlines,
            startupinfo,
            creationflags,
            restore_signals,
            start_new_session,
            pass_fds,
            user,
            group,
            extra_groups,
            encoding,
            errors,
            text,
            umask,
            pipesize,
            process_group,
        )
        spec = plain.popen(args, stdin, stdout, stderr, cwd, env, others, _USUAL)
        if spec is None:
            asked = SimpleNamespace(**dict(zip(_OTHERS, others, strict=True)))
            asked.args, asked.cwd, asked.env = args, cwd, env
            asked.stdin, asked.stdout, asked.stderr = stdin, stdout, stderr
            spec, self.text_mode, self.encoding = describe(asked)
            self.errors = errors
            self.pipesize = asked.pipesize
        if stdin is stdout is stderr is None:
            self._execute_child(spec, None)
            return
        if bufsize is None:
            bufsize = -1
        elif bufsize != -1:
            _check_bufsize(bufsize, self.text_mode, (stdin, stdout, stderr).count(PIPE))
        ends = native.Ends(spec)
        try:
            # Before the child is there: what fails here must not leave one.
            self._open_streams(ends, bufsize)
            self._execute_child(spec, ends)
        except BaseException:
            ends.close()
            for stream in (self.stdin, self.stdout, self.stderr):
                if stream is not None:
                    try:
                        stream.close()
                    except OSError:
                        pass
            raise

    @classmethod
    def _adopt(cls, args, child):
        """A Popen for a child that run() had to leave, without pipes."""
        self = cls.__new__(cls)
        self.args = args
        self._child = child
        self.pid = child.pid
        self._child_created = True
        return self

    def _open_streams(self, ends, bufsize):
        """The file objects for our ends of the pipes."""
        line_buffering = False
        if bufsize == 1:
            # Lines are the text layer's business; what is below has the usual buffer.
            line_buffering = bool(self.text_mode)
            bufsize = -1
        for which, name in enumerate(("stdin", "stdout", "stderr")):
            fd = ends.take_parent(which)
            if fd is None:
                continue
            stream = open_pipe(fd, "rb" if which else "wb", bufsize)
            setattr(self, name, stream)
            if self.text_mode:
                options = {} if which else {"write_through": True, "line_buffering": line_buffering}
                text = io.TextIOWrapper(
                    stream, encoding=self.encoding, errors=self.errors, **options
                )
                setattr(self, name, text)

    def __repr__(self):
        shown = f"<{type(self).__name__}: returncode: {self.returncode} args: {self.args!r}>"
        return shown if len(shown) <= 80 else shown[:76] + "...>"

    @property
    def universal_newlines(self):
        """The same as text_mode, by its old name; may be set, to anything true or false."""
        return self.text_mode

    @universal_newlines.setter
    def universal_newlines(self, universal_newlines):
        self.text_mode = bool(universal_newlines)

    def _translate_newlines(self, data, encoding, errors):
        return _text.decoded(data, encoding, errors)

    def __enter__(self):
        return self

    def __exit__(self, exc_type, value, traceback):
        if self.stdout:
            self.stdout.close()
        if self.stderr:
            self.stderr.close()
        try:
            if self.stdin:
                self.stdin.close()  # may have to flush, and fail
        finally:
            if exc_type is KeyboardInterrupt:
                self._linger(None)
            else:
                self.wait()

    def _linger(self, endtime):
        """After Ctrl-C: gives the child, which got it too, a moment to end; once."""
        seconds = self._sigint_wait_secs
        self._sigint_wait_secs = 0
        if endtime is not None:
            seconds = min(seconds, self._remaining_time(endtime))
        if seconds > 0:
            try:
                self._wait(timeout=seconds)
            except TimeoutExpired:
                pass

    # Called while modules are torn down: what it needs it must have.
    def __del__(self, _warn=warnings.warn, _maxsize=sys.maxsize, _active=_active):
        if not self._child_created:
            return
        if self.returncode is None:
            _warn(f"subprocess {self.pid} is still running", ResourceWarning, source=self)
            self._internal_poll(_deadstate=_maxsize)
            if self.returncode is None and self._needs_reaping:
                _active.append(self)

    def poll(self):
        """As in Python 3.12: the exit code (int), None if the child still runs. Raises nothing."""
        return self._internal_poll()

    def wait(self, timeout=None):
        """Waits for the child to end; returns its exit code (int), and sets returncode.

        timeout (int or float, seconds, default None: for ever): it can be called again after it.
        Do not wait while a pipe is not read: the child may wait for that.

        Raises TimeoutExpired when the time is over, ValueError for NaN, TypeError for no number.
        As Popen.wait() of Python 3.12, but for NaN (that one waits for ever), and without naps.
        """
        endtime = None if timeout is None else _time() + timeout
        try:
            return self._wait(timeout=timeout)
        except KeyboardInterrupt:
            self._linger(endtime)
            raise

    def communicate(self, input=None, timeout=None):
        """Sends input, reads stdout and stderr to their ends, waits for the child.

        input (bytes-like, or str in text mode; default None): for a child with stdin=PIPE.
        timeout (int or float, seconds, default None: for ever): the child is not killed then,
            nothing read is lost, and it can be called again (without input).
        Returns (stdout, stderr): bytes, or str in text mode; None for what is no pipe.

        Raises TimeoutExpired when the time is over, on POSIX with what came so far, as bytes;
        ValueError for input in a second call, for NaN, for a closed stream; TypeError for input
        of the wrong kind; UnicodeError where the codec fails; RuntimeError (POSIX) while another
        thread is in it. As Popen.communicate() of Python 3.12, which raises no RuntimeError, and
        may lose input after a timeout.
        """
        if self._communication_started and input:
            raise ValueError("Cannot send input after starting communication")
        endtime = None if timeout is None else _time() + timeout
        piped = [s for s in (self.stdin, self.stdout, self.stderr) if s is not None]
        alone = timeout is None and not self._communication_started and len(piped) <= 1
        if alone and (self._reads_are_interruptible or self._reads_itself(piped)):
            stdout = stderr = None
            if self.stdin:
                self._stdin_write(input)
            elif self.stdout:
                stdout = self.stdout.read()
                self.stdout.close()
            elif self.stderr:
                stderr = self.stderr.read()
                self.stderr.close()
            self.wait()
            return stdout, stderr
        try:
            stdout, stderr = self._communicate(input, endtime, timeout)
        except KeyboardInterrupt:
            self._linger(endtime)
            raise
        finally:
            self._communication_started = not alone
        self.wait(timeout=self._remaining_time(endtime))
        return stdout, stderr

    def _stdin_write(self, input):
        """Writes all input and closes stdin."""
        try:
            try:
                if input:
                    self.stdin.write(input)
            finally:
                self.stdin.close()
        except BrokenPipeError:
            pass  # that the child does not want it is no error
        except OSError as error:
            # So says Windows when the child has ended, or closed its end.
            if error.errno != errno.EINVAL:
                raise

    def _remaining_time(self, endtime):
        return None if endtime is None else endtime - _time()


def _parameters(function):
    """The names of a method's parameters but for self and args, with their defaults."""
    code = function.__code__
    names = code.co_varnames[2 : code.co_argcount]
    return dict(zip(names, function.__defaults__, strict=True)) | function.__kwdefaults__


# What Popen is asked, where nobody says otherwise; and which of it plain.popen() cannot do.
DEFAULTS = _parameters(Popen.__init__)
_OTHERS = tuple(
    name for name in DEFAULTS if name not in ("stdin", "stdout", "stderr", "cwd", "env")
)
_USUAL = tuple(DEFAULTS[name] for name in _OTHERS)

# run() goes its own way only while nobody has put something else in the place of these.
_METHODS = """__new__ __init__ __enter__ __exit__ __del__ poll wait communicate send_signal terminate
    kill _execute_child _open_streams _internal_poll _wait _communicate _stdin_write _linger
    _remaining_time _translate_newlines""".split()

plain = make_plain(Popen, _METHODS, _active)
