#!/bin/bash
# The C tests of the Windows core, under wine.
#
#   c_tests.sh mingw        built by mingw-w64
#   c_tests.sh zig          built by zig, for the UCRT that real CPythons use
#   c_tests.sh compile [X.Y]  only compiled, by zig, for x64 and arm64, with every warning an error; the
#                             extension's own C too, for each Python that has been built for, and X.Y
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
WARNINGS=(-std=c11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wconversion -Wundef -Wvla -Wpedantic -Werror)

compile_only() {
    local target source version
    "$ROOT/tests/windows/wine.sh" build "${1:-3.12}"
    for target in x86_64-windows-gnu aarch64-windows-gnu; do
        for source in csrc/common/*.c csrc/windows/*.c; do
            "$TOOLS/bin/python-zig" cc -target $target "${WARNINGS[@]}" -O2 -Icsrc -c "$source" -o "$out/x.o"
        done
        # What Cython writes bears fewer warnings than what people write.
        for source in "$BUILD"/obj/*/_*_windows.c; do
            version=$(basename "$(dirname "$source")")
            "$TOOLS/bin/python-zig" cc -target $target -std=c11 -Wall -Wextra -Werror -O1 -Icsrc \
                -I"$BUILD/python/$version/include" -c "$source" -o "$out/x.o"
        done
        echo "no warnings: $target"
    done
}

cd "$ROOT"
kind=${1:-mingw} out=$BUILD/c-tests/${1:-mingw}
mkdir -p "$out"
case $kind in
    mingw) "$ROOT/tests/windows/wine.sh" packages; compiler=(x86_64-w64-mingw32-gcc) ;;
    zig | compile) need_tool python-zig ziglang; compiler=("$TOOLS/bin/python-zig" cc -target x86_64-windows-gnu) ;;
    *) die "c_tests.sh mingw|zig|compile" ;;
esac
if [ "$kind" = compile ]; then compile_only "${2:-}"; exit; fi
"$ROOT/tests/windows/wine.sh" prefix
core=(csrc/common/*.c csrc/windows/*.c)
tests=tests/c/windows
"${compiler[@]}" "${WARNINGS[@]}" -O1 -municode $tests/child.c -o "$out/child.exe" -lshell32
for test in pure handles spawn run pump argv; do
    helpers=($tests/check.c)
    case $test in spawn | run | pump | argv) helpers+=($tests/start.c) ;; esac
    "${compiler[@]}" "${WARNINGS[@]}" -g -O1 -DFP_FAULTS -Icsrc "$tests/test_$test.c" "${helpers[@]}" "${core[@]}" \
        -o "$out/test_$test.exe"
    run_wine "$out/test_$test.exe"
done
