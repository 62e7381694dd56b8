#!/bin/bash
# CPython's own tests of subprocess, under wine, for Windows CPython X.Y: with fastproc in the place of subprocess,
# and with the standard library, for comparison. What fails only with fastproc is a failure.
#
#   cpython.sh X.Y
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
version=${1:?usage: cpython.sh X.Y}
wine_sh=$ROOT/tests/windows/wine.sh out=$BUILD/cpython-$version
mkdir -p "$out"
"$wine_sh" build "$version"

run() { # NAME ARGS...: the failing tests to $out/NAME.failed
    local name=$1; shift
    rm -rf "${out:?}/$name"; mkdir -p "$out/$name"; cd "$out/$name" # the tests make a folder there, always of the same name
    "$wine_sh" python "$version" "$ROOT/tests/cpython/run.py" "$@" > "$out/$name.log" || true
    tr -d '\r' < "$out/$name.log" > "$out/$name.txt"
    grep -E '^test\.test_subprocess of Python' "$out/$name.txt" || { cat "$out/$name.txt"; die "$name: the run broke off"; }
    sed -nE 's/^(failed|excluded, yet it passes|nothing ran): ?//p' "$out/$name.txt" | sort > "$out/$name.failed"
}

run fastproc &
run stdlib --stdlib &
wait -n; wait -n
new=$(comm -23 "$out/fastproc.failed" "$out/stdlib.failed")
# Once in some thousands wine's CreateProcess fails with this error, whoever calls it. A test that met it is run
# again, alone, and what fails then has failed.
met=$(awk '/^FAILED /{split($3, part, "[().]"); name = part[4] "." $2} /WinError 1359/{print name}' "$out/fastproc.txt" | sort -u)
unlucky=$(comm -12 <(printf '%s\n' $new) <(printf '%s\n' $met))
if [ -n "$unlucky" ]; then
    printf 'once more, since wine failed to start a process: %s\n' $unlucky
    patterns=()
    for test in $unlucky; do patterns+=(-k "$test"); done
    run again "${patterns[@]}"
    new=$(sort -u <(comm -23 <(printf '%s\n' $new) <(printf '%s\n' $unlucky)) "$out/again.failed")
fi
both=$(comm -12 "$out/fastproc.failed" "$out/stdlib.failed")
[ -z "$both" ] || printf 'fails with the standard library, too: %s\n' $both
[ -z "$new" ] || { cat "$out/fastproc.txt"; printf 'fails with fastproc only: %s\n' $new; exit 1; }
echo "Python $version: nothing fails that passes with the standard library"
