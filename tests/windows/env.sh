# Sourced by the scripts of this folder: where things are, and how wine is called.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$ROOT/build/windows
TOOLS=$BUILD/tools

export WINEPREFIX=$BUILD/prefix WINEDEBUG=-all
export WINEDLLOVERRIDES="mscoree,mshtml=;winemenubuilder.exe=d"
export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
unset DISPLAY

die() { echo "tests/windows: $*" >&2; exit 2; }

find_wine() {
    local w
    for w in wine64 /usr/lib/wine/wine64 wine; do
        if command -v "$w" >/dev/null; then command -v "$w"; return; fi
    done
    return 1
}

# wine dies, or takes Python down with it, when a standard handle is a terminal, a plain file or closed:
# so stdin is the null device or the caller's pipe, and the output always goes through a pipe.
run_wine() {
    if [ -p /dev/stdin ]; then "$(find_wine)" "$@" 2>&1 | cat
    else "$(find_wine)" "$@" </dev/null 2>&1 | cat; fi
}

# The host's CPython X.Y, with its standard library, its test package and its headers.
host_python() {
    local p candidates=()
    [ -n "${FASTPROC_HOST_PYTHON:-}" ] && candidates+=("$FASTPROC_HOST_PYTHON")
    candidates+=("${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python)
    p=$(command -v "python$1") && candidates+=("$p")
    for p in "${candidates[@]}"; do
        [ -x "$p" ] && "$p" - "$1" <<'PY' && { echo "$p"; return; }
import os, sys, sysconfig
lib, inc = sysconfig.get_path("stdlib"), sysconfig.get_path("include")
sys.exit(not ("%d.%d" % sys.version_info[:2] == sys.argv[1] and os.path.isdir(lib + "/test")
              and os.path.isfile(inc + "/Python.h")))
PY
    done
    return 1
}

# Cython and zig, in a virtual environment of their own.
need_tool() {
    local bin=$1 package=$2 p
    [ -x "$TOOLS/bin/$bin" ] && return
    if ! [ -x "$TOOLS/bin/pip" ]; then
        p=$(for v in 3.12 3.13 3.11 3.10; do host_python $v && break; done | head -n 1)
        "${p:-python3}" -m venv "$TOOLS"
    fi
    "$TOOLS/bin/pip" install -q "$package"
}
