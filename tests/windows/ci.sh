#!/bin/bash
# All that is checked of the Windows half, in one call; says in the end what failed, and fails then.
#
# FASTPROC_WINDOWS_PYTHONS: the versions, "3.11 3.12" unless said otherwise. The first also runs the C tests and
# the whole suite; the others the tests of tests/windows.
# FASTPROC_WINDOWS_SUITES: versions for which only CPython's own tests are run, "3.10 3.13".
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
here=$ROOT/tests/windows
read -ra versions <<< "${FASTPROC_WINDOWS_PYTHONS:-3.11 3.12}"
read -ra suites <<< "${FASTPROC_WINDOWS_SUITES-3.10 3.13}"
failed=()

step() { # NAME COMMAND...
    local name=$1 started=$SECONDS; shift
    echo "==== $name"
    if "$@"; then echo "==== $name: ok, $((SECONDS - started)) s"
    else failed+=("$name"); echo "==== $name: FAILED, $((SECONDS - started)) s"; fi
}

for version in "${versions[@]}"; do
    step "set-up, $version" "$here/wine.sh" setup "$version"
    step "build, $version" "$here/wine.sh" build "$version"
done
step "compiled for x64 and arm64 without a warning" "$here/c_tests.sh" compile "${versions[0]}"
step "C tests, mingw" "$here/c_tests.sh" mingw
step "C tests, zig" "$here/c_tests.sh" zig
for version in "${versions[@]}"; do
    what=tests/windows
    [ "$version" = "${versions[0]}" ] && what=tests
    # Times under wine mean nothing, and the benchmarks would take minutes to measure them.
    step "tests, $version" "$here/wine.sh" test "$version" -q -m "not posix" --ignore-glob='tests/test_benchmarks*' "$what"
    step "CPython's own tests, $version" "$here/cpython.sh" "$version"
done
for version in "${suites[@]}"; do
    step "set-up, $version" "$here/wine.sh" setup "$version"
    step "CPython's own tests, $version" "$here/cpython.sh" "$version"
done
if [ ${#failed[@]} -gt 0 ]; then
    printf 'FAILED: %s\n' "${failed[@]}"
    exit 1
fi
echo "the Windows half is fine, after $((SECONDS / 60)) min"
