"""What stdin=, stdout= and stderr= mean on Windows: a handle, or what to open."""

import msvcrt
from subprocess import DEVNULL, PIPE, STDOUT


def source(wish):
    """A handle, PIPE or DEVNULL for what the caller gave; None: the parent's."""
    if wish is None or wish == PIPE or wish == DEVNULL:
        return wish
    if wish == STDOUT:
        raise ValueError("STDOUT can only be used for stderr")
    return msvcrt.get_osfhandle(wish if isinstance(wish, int) else wish.fileno())


def source_of_stderr(wish):
    """The same for stderr=, where STDOUT means: where standard output goes."""
    return STDOUT if wish == STDOUT else source(wish)
