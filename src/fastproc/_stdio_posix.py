"""What stdin=, stdout= and stderr= mean on POSIX: a descriptor, or what to open."""

import errno
import operator
import os
import sys
from subprocess import DEVNULL, PIPE, STDOUT

_INT_MAX = 2**31 - 1


def c_int(number):
    """As the standard library's C code takes an int: not a float, and not too large."""
    number = operator.index(number)
    if not -_INT_MAX - 1 <= number <= _INT_MAX:
        raise OverflowError("Python int too large to convert to C int")
    return number


def source(wish):
    """A descriptor, PIPE or DEVNULL for what the caller gave; None: inherited."""
    if wish is None:
        return None
    if wish == PIPE:
        return PIPE
    if wish == DEVNULL:
        return DEVNULL
    if wish == STDOUT:
        raise ValueError("STDOUT can only be used for stderr")
    return _descriptor(wish) if isinstance(wish, int) else _descriptor_of(wish)


def source_of_stderr(wish, stdout):
    """The same for stderr=, where STDOUT means: where standard output goes."""
    if wish != STDOUT:
        return source(wish)
    if stdout is not None:
        return STDOUT
    # Python's own, which need not be descriptor 1.
    return 1 if sys.__stdout__ is None else _descriptor_of(sys.__stdout__)


def _descriptor_of(file):
    """What fileno() says: never PIPE, STDOUT or DEVNULL, which are for the caller to say."""
    fd = operator.index(file.fileno())
    return None if fd == -1 else _descriptor(fd)  # -1: the child gets ours, as ever


def _descriptor(number):
    fd = c_int(number)
    if fd < 0:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return fd
