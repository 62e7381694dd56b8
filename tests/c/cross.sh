#!/usr/bin/env bash
# Compiles the POSIX core for other systems and machines, with clang as zig brings it, and
# lets no warning through; links it where that is the question. Runs what can run here.
#
#   tests/c/cross.sh [TARGET...]
#
# Zig comes from PyPI, into a virtual environment in build/. A target that cannot be compiled
# fails: none is skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."

OUT=build/tests-c-cross
VENV=$OUT/venv
export ZIG_GLOBAL_CACHE_DIR=$PWD/$OUT/cache ZIG_LOCAL_CACHE_DIR=$PWD/$OUT/cache

# Linux with both libcs, the oldest glibc for wheels, 32 bits; macOS; a BSD.
targets=(x86_64-linux-gnu.2.17 aarch64-linux-gnu x86_64-linux-musl aarch64-linux-musl
    arm-linux-gnueabihf x86-linux-gnu x86_64-macos aarch64-macos x86_64-freebsd)
(($#)) && targets=("$@")

flags=(-std=c11 -D_GNU_SOURCE -Icsrc -O2 -Wall -Wextra -Wshadow -Wstrict-prototypes
    -Wconversion -Wundef -Wvla -Werror)

mkdir -p "$OUT"
rm -f "$OUT"/*/smoke
if ! "$VENV/bin/python" -m ziglang version >/dev/null 2>&1; then
    python3 -m venv "$VENV"
    "$VENV/bin/pip" install -q ziglang
fi

failed=()
passed=0
for target in "${targets[@]}"; do
    # A program of the core and a main, so that a symbol that a system lacks is found.
    mkdir -p "$OUT/$target"
    if "$VENV/bin/python" -m ziglang cc -target "$target" "${flags[@]}" \
        csrc/common/*.c csrc/posix/*.c tests/c/smoke.c -o "$OUT/$target/smoke"; then
        passed=$((passed + 1))
        echo "$target: compiles"
    else
        failed+=("$target")
        echo "$target: FAILED"
    fi
done

# What this machine can run itself: another libc, statically linked.
native=$(uname -m)-linux-musl
if [[ -x $OUT/$native/smoke ]]; then
    if "$OUT/$native/smoke"; then
        passed=$((passed + 1))
        echo "$native: runs"
    else
        failed+=("$native, run")
    fi
fi
echo "$passed passed, ${#failed[@]} failed${failed[*]:+: ${failed[*]}}"
[[ ${#failed[@]} -eq 0 ]]
