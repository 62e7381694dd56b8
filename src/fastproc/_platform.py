"""Each platform's modules by one name: which they are is decided here and nowhere else."""

import sys

try:
    if sys.platform == "win32":
        import fastproc._native_windows as native
    else:
        import fastproc._native_posix as native
except ModuleNotFoundError as error:
    if error.name is None or not error.name.startswith("fastproc."):
        raise
    raise ImportError(
        f"{error.name} is not built for this Python: run "
        f"'{sys.executable} -m pip install .' in fastproc's source folder"
    ) from error

if sys.platform == "win32":
    from ._popen_windows import ChildOps, after_timeout
    from ._spec_windows import build, make_plain, make_run
    from ._streams_windows import open_pipe
else:
    from io import open as open_pipe

    from ._popen_posix import ChildOps, after_timeout
    from ._spec_posix import build, make_plain, make_run

__all__ = ["ChildOps", "after_timeout", "build", "make_plain", "make_run", "native", "open_pipe"]
