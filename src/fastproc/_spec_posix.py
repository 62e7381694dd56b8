"""From Popen's arguments to the Spec that the core is given, on POSIX.

Everything is checked here, with the standard library's types and messages, and nothing
is started or opened.
"""

import builtins
import os
import sys
import warnings
from subprocess import PIPE

import fastproc

from . import _text
from ._native_posix import ROUTES
from ._plain_posix import Guard, Plain, make_run
from ._request_posix import Spec
from ._stdio_posix import c_int, source, source_of_stderr

_SHELL = "/system/bin/sh" if hasattr(sys, "getandroidapilevel") else "/bin/sh"
_INT_MAX = 2**31 - 1
_LONG_MAX = sys.maxsize
_ID_MAX = 2**32 - 1
# Python 3.13's own name for it.
_FinalizationError = getattr(builtins, "PythonFinalizationError", RuntimeError)


def _forced_routes():
    """The routes that FASTPROC_ROUTE allows: the one it names, and fork for what that cannot do."""
    name = os.environ.get("FASTPROC_ROUTE")
    if not name:
        return ROUTES["clone3"] | ROUTES["vfork"] | ROUTES["posix_spawn"] | ROUTES["fork"]
    if name not in ROUTES:
        raise ImportError(f"FASTPROC_ROUTE={name}: not one of {', '.join(ROUTES)}")
    return ROUTES[name] | ROUTES["fork"]


__all__ = ["build", "make_plain", "make_run"]

_ROUTES = _forced_routes()
_SHARED_MEMORY_ROUTES = ROUTES["clone3"] | ROUTES["vfork"]


def build(asked):
    """The Spec for these arguments of Popen; raises what Popen raises for bad ones."""
    close_fds = asked.close_fds
    if asked.pass_fds and not close_fds:
        _text.warn_caller("pass_fds overriding close_fds.", RuntimeWarning)
        close_fds = True
    if asked.startupinfo is not None:
        raise ValueError("startupinfo is only supported on Windows platforms")
    if asked.creationflags != 0:
        raise ValueError("creationflags is only supported on Windows platforms")
    spec = Spec()
    if asked.group is not None:
        spec.group = _group_id(asked.group)
    if asked.extra_groups is not None:
        spec.extra_groups = _extra_group_ids(asked.extra_groups)
    if asked.user is not None:
        spec.user = _user_id(asked.user)
    if asked.stdin is not None:
        spec.stdin = source(asked.stdin)
    if asked.stdout is not None:
        spec.stdout = source(asked.stdout)
    if asked.stderr is not None:
        spec.stderr = source_of_stderr(asked.stderr, spec.stdout)

    argv = _argv(asked.args, asked.shell)
    executable = asked.executable
    if asked.shell and executable:
        argv[0] = executable
    if executable is None:
        executable = argv[0]
    sys.audit("subprocess.Popen", executable, argv, asked.cwd, asked.env)
    spec.argv = argv
    spec.program = executable
    name = executable if type(executable) is str else os.fsdecode(executable)
    if "/" not in name:
        spec.path = _search_path(asked.env)
    spec.cwd = asked.cwd
    spec.env = asked.env

    if not close_fds:
        spec.close_fds = False
    if asked.pass_fds != ():
        spec.pass_fds = _descriptors(asked.pass_fds)
    if not asked.restore_signals:
        spec.restore_signals = False
    if asked.start_new_session:
        spec.new_session = True
    if asked.process_group is not None and c_int(asked.process_group) >= 0:
        spec.process_group = asked.process_group
    if c_int(asked.umask) >= 0:
        spec.umask = asked.umask
    if asked.pipesize > 0 and PIPE in (spec.stdin, spec.stdout, spec.stderr):
        spec.pipesize = _as_fcntl_takes_it(asked.pipesize)
    if asked.preexec_fn is not None:
        if sys.is_finalizing():
            raise _FinalizationError("preexec_fn not supported at interpreter shutdown")
        spec.preexec_fn = asked.preexec_fn
    spec.routes = _ROUTES
    if not (fastproc._USE_VFORK and fastproc._USE_POSIX_SPAWN):
        spec.routes = _routes_without()
    return spec


def make_plain(popen, methods, abandoned):
    """What is asked first: the calls that need nothing of the above."""
    return Plain(Guard(popen, methods), vars(fastproc), abandoned, _text, _ROUTES)


def _routes_without():
    routes = _ROUTES
    if not fastproc._USE_VFORK:
        routes &= ~_SHARED_MEMORY_ROUTES
    if not fastproc._USE_POSIX_SPAWN:
        routes &= ~ROUTES["posix_spawn"]
    return routes


def _argv(args, shell):
    if isinstance(args, (str, bytes)):
        argv = [args]
    elif isinstance(args, os.PathLike):
        if shell:
            raise TypeError("path-like args is not allowed when shell is true")
        argv = [args]
    else:
        argv = list(args)
    if shell:
        argv[:0] = (_SHELL, "-c")
    return argv


def _as_fcntl_takes_it(number):
    """A C int of the same 32 bits: what is beyond them fcntl() drops."""
    return (number + (1 << 31)) % (1 << 32) - (1 << 31)


def _search_path(env):
    """Where a program without a slash is looked for, as os.get_exec_path() says."""
    if env is None:
        path = os.environ.get("PATH")
    elif not hasattr(env, "items"):
        return None  # no mapping: what the binding says of it when it reads it
    elif sys.flags.bytes_warning:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BytesWarning)
            path = _path_of(env)
    else:
        path = _path_of(env)
    return os.defpath if path is None else path


def _path_of(env):
    """PATH of a mapping whose keys may be str or bytes; None: it has none."""
    try:
        path = env.get("PATH")
    except TypeError:
        path = None
    try:
        path_bytes = env[b"PATH"]
    except (KeyError, TypeError):
        return path
    if path is not None:
        raise ValueError("env cannot contain 'PATH' and b'PATH' keys")
    return path_bytes


def _descriptors(fds):
    fds = sorted(set(map(int, fds)))
    if fds and (fds[0] < 0 or fds[-1] > _INT_MAX):
        raise ValueError("bad value(s) in fds_to_keep")
    return fds


def _not_negative(number, kind):
    if number < 0:
        raise ValueError(f"{kind} ID cannot be negative, got {number}")
    return number


def _id(number, name):
    """A uid or gid, refused in the words of the standard library's C code."""
    if number <= _ID_MAX:
        return number
    # Its own mistake, which its users may have met: what fits a long is too small.
    limit = "less than minimum" if number <= _LONG_MAX else "greater than maximum"
    raise OverflowError(f"{name} is {limit}")


def _group_id(group):
    if isinstance(group, str):
        import grp

        group = grp.getgrnam(group).gr_gid
    elif not isinstance(group, int):
        raise TypeError(f"Group must be a string or an integer, not {type(group)}")
    return _id(_not_negative(group, "Group"), "gid")


def _extra_group_ids(groups):
    if isinstance(groups, str):
        raise ValueError("Groups must be a list, not a string")
    ids = []
    for group in groups:
        if isinstance(group, str):
            import grp

            group = grp.getgrnam(group).gr_gid
        elif not isinstance(group, int):
            raise TypeError(f"Items in extra_groups must be a string or integer, not {type(group)}")
        ids.append(_not_negative(group, "Group"))
    if len(ids) > os.sysconf("SC_NGROUPS_MAX"):
        raise ValueError("too many extra_groups")
    return ids


def _user_id(user):
    if isinstance(user, str):
        import pwd

        user = pwd.getpwnam(user).pw_uid
    elif not isinstance(user, int):
        raise TypeError("User must be a string or an integer")
    return _id(_not_negative(user, "User"), "uid")
