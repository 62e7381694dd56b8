"""What stdin=, stdout= and stderr= mean on Windows: a handle, or what to open."""

import _winapi
import errno
import msvcrt
import os
from subprocess import (
    DEVNULL,
    PIPE,
    STD_ERROR_HANDLE,
    STD_INPUT_HANDLE,
    STD_OUTPUT_HANDLE,
    STDOUT,
)


def source(wish):
    """A handle, PIPE or DEVNULL for what the caller gave; None: the parent's."""
    if wish is None or wish == PIPE or wish == DEVNULL:
        return wish
    if wish == STDOUT:
        raise ValueError("STDOUT can only be used for stderr")
    handle = msvcrt.get_osfhandle(wish if isinstance(wish, int) else wish.fileno())
    if handle == -2:  # a standard stream of a program without a console: there is no such file
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return handle


def source_of_stderr(wish):
    """The same for stderr=, where STDOUT means: where standard output goes."""
    return STDOUT if wish == STDOUT else source(wish)


def pipes_of(stdin, stdout, stderr):
    """How many pipes are made for these: where one is redirected, and the parent lacks another,
    the child gets a dead pipe there. Raises OSError for a handle of the parent's that is none.
    """
    if stdin is stdout is stderr is None:
        return 0
    pairs = (stdin, STD_INPUT_HANDLE), (stdout, STD_OUTPUT_HANDLE), (stderr, STD_ERROR_HANDLE)
    return sum(
        wish == PIPE or (wish is None and _winapi.GetStdHandle(number) is None)
        for wish, number in pairs
    )
