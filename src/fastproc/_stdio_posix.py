"""What stdin=, stdout= and stderr= mean on POSIX: a descriptor, or what to open."""

import sys
from subprocess import STDOUT


def source(wish):
    """A descriptor, PIPE or DEVNULL for what the caller gave; None: inherited."""
    if wish is None or isinstance(wish, int):
        if wish == STDOUT:
            raise ValueError("STDOUT can only be used for stderr")
        return wish
    return wish.fileno()


def source_of_stderr(wish, stdout):
    """The same for stderr=, where STDOUT means: where standard output goes."""
    if wish != STDOUT:
        return source(wish)
    if stdout is not None:
        return STDOUT
    # Python's own, which need not be descriptor 1.
    return 1 if sys.__stdout__ is None else sys.__stdout__.fileno()
