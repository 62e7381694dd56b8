"""Small children, as argument lists: a shell starts faster than Python."""

import shlex


def true():
    return ["true"]


def leave(code):
    """Ends with this exit code."""
    return ["sh", "-c", f"exit {code}"]


def say(out="", err="", code=0):
    """Writes `out` to stdout, then `err` to stderr, and ends with `code`."""
    return ["sh", "-c", 'printf %s "$1"; printf %s "$2" >&2; exit "$3"', "sh", out, err, str(code)]


def echo():
    """Copies stdin to stdout."""
    return ["cat"]


def echo_both():
    """Copies stdin to stdout and to stderr."""
    return ["tee", "/dev/stderr"]


def linger():
    """Runs until it is killed; or for a minute, since a test that has failed may wait for it."""
    return ["sleep", "60"]


def say_then_linger(out):
    """Writes `out`, then runs on as linger()."""
    return ["sh", "-c", 'printf %s "$1"; exec sleep 60', "sh", out]


def ignore_stdin():
    """Closes stdin unread and ends."""
    return ["sh", "-c", "exec <&-"]


def shell_quote(text):
    return shlex.quote(text)
