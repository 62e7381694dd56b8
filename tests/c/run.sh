#!/usr/bin/env bash
# Builds the core without Python, and its tests, and runs them. From anywhere:
#
#   tests/c/run.sh [SUITE [CASE]]
#   SAN=1 tests/c/run.sh     with AddressSanitizer, LeakSanitizer and UBSan
#
# CC is the compiler (cc), BUILD the folder (build/tests-c). Ends with "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/../.."

CC=${CC:-cc}
SAN=${SAN:-}
BUILD=${BUILD:-build/tests-c${SAN:+-san}}

# The flags of setup.py, and no warning let through.
common=(-std=c11 -D_GNU_SOURCE -Icsrc -g -Wall -Wextra -Wshadow -Wstrict-prototypes
    -Wconversion -Wundef -Wvla -Werror)
if [[ -n $SAN ]]; then
    sanitize=(-fsanitize=address,undefined -fno-sanitize-recover=undefined)
    flags=("${common[@]}" -O1 -fno-omit-frame-pointer "${sanitize[@]}")
    # To files: the tests put other things on stderr.
    report=log_path=$PWD/$BUILD/report:print_stacktrace=1
    export ASAN_OPTIONS=detect_leaks=1:$report UBSAN_OPTIONS=$report
else
    sanitize=()
    flags=("${common[@]}" -O2)
fi

rm -rf "$BUILD"
mkdir -p "$BUILD"/{core,tests}

# compile FOLDER SOURCE FLAG...: one object file.
compile() {
    "$CC" "${@:3}" -c "$2" -o "$BUILD/$1/$(basename "$2" .c).o"
}
export -f compile
export CC BUILD

# all FOLDER "FLAG..." SOURCE...: object files, as many at once as there are processors.
all() {
    local folder=$1 options=$2
    printf '%s\0' "${@:3}" |
        xargs -0 -P "$(getconf _NPROCESSORS_ONLN)" -I{} bash -c "compile $folder {} $options"
}

# The core as it ships would not have the hook for faults; the tests need it.
all core "${flags[*]} -DFP_FAULTS" csrc/common/*.c csrc/posix/*.c
all tests "${flags[*]} -DFP_FAULTS -Itests/c" $(ls tests/c/*.c | grep -v -e /program.c -e /smoke.c)
wrapped=(malloc realloc close posix_spawn_file_actions_init posix_spawnattr_init
    posix_spawn_file_actions_adddup2)
"$CC" "${sanitize[@]}" "${wrapped[@]/#/-Wl,--wrap=}" "$BUILD"/{core,tests}/*.o -o "$BUILD/run"
"$CC" "${common[@]}" -O2 tests/c/program.c -o "$BUILD/program"

# The child as it ships: optimised, without the hook for faults or a sanitizer's calls.
if [[ -z $SAN ]]; then
    mkdir "$BUILD/child"
    all child "${flags[*]}" csrc/posix/{child,close_fds,signals}.c
    case $(uname -sm) in
    "Linux x86_64" | "Linux aarch64") names='s/#.*//; /^ *$/d; /^entry /d; /^libc /d' ;;
    *) names='s/#.*//; /^ *$/d; /^entry /d; s/^libc //' ;;
    esac
    # Our own aside; and of signals.c, the half that blocks them is the parent's.
    allowed=$( (sed "$names" tests/child_symbols.txt; echo syscall) | sort -u)
    imported=$(nm -u "$BUILD"/child/*.o | awk '$1 == "U" && $2 !~ /^fp_/ { print $2 }' | sort -u)
    more=$(comm -13 <(echo "$allowed") <(echo "$imported"))
    if [[ -z $imported || -n $more ]]; then
        echo "the child imports what tests/child_symbols.txt does not allow:" $more
        echo "0 passed, 1 failed"
        exit 1
    fi
fi

status=0
"$BUILD/run" "$@" 2>&1 | tee "$BUILD/log" || status=$?
# What a sanitizer said of a process whose end no case looked at.
if cat "$BUILD"/report.* 2>/dev/null; then
    read -r passed _ failed _ <<<"$(tail -n 1 "$BUILD/log")"
    echo "$passed passed, $((failed + 1)) failed"
    status=1
fi
exit $status
