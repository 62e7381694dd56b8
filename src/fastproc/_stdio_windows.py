"""What stdin=, stdout= and stderr= mean on Windows: a handle, or what to open."""

import errno
import msvcrt
import os
from subprocess import DEVNULL, PIPE, STDOUT


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
