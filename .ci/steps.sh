# The steps of .ci/run: each runs in the root of the repository and fails loudly.

readonly VERSIONS=(3.10 3.11 3.12 3.13)
readonly ROUTES=(vfork posix_spawn fork) # unforced, it is clone3
readonly LINT=build/ci/lint # an environment of tools for checking, and of the built wheel

# step NAME: run step_NAME in a shell that stops at the first error.
step() {
    declare -F "step_${1//-/_}" >/dev/null || { echo "no such step: $1" >&2; return 2; }
    (strict; mkdir -p build/ci; "step_${1//-/_}")
}

strict() {
    set -eEuo pipefail
    trap 'echo "failed, line $LINENO: $BASH_COMMAND" >&2' ERR
}

# left_out TEXT: say at the end that something was not run.
left_out() {
    echo "LEFT OUT: $*" | tee -a build/ci/left-out
}

# each WORD... -- COMMAND...: the command once per word, all of them, even after a failure.
each() {
    local words=() word failed=()
    while [[ $1 != -- ]]; do words+=("$1"); shift; done
    shift
    for word in "${words[@]}"; do
        printf '\n---- %s %s\n' "$*" "$word"
        # In the background, since bash ignores -e on the left of ||.
        (strict; "$@" "$word") &
        wait $! || failed+=("$word")
    done
    [[ ${#failed[@]} -eq 0 ]] || { echo "$* failed for: ${failed[*]}"; return 1; }
}

# readme_command WORD: the one command line of README.md that ends with WORD.
readme_command() {
    local found
    found=$(grep -E "^python3 -m venv .*$1\$" README.md) && [[ $(wc -l <<<"$found") -eq 1 ]] ||
        { echo "README.md has not one command that ends with '$1'" >&2; return 1; }
    echo "$found"
}

# find_python X.Y: print the path of that interpreter.
find_python() {
    local root=${PYENV_ROOT:-$HOME/.pyenv} candidate
    for candidate in $(ls -d "$root/versions/$1".*/bin/python 2>/dev/null | sort -rV) \
        $(type -ap "python$1"); do
        if "$candidate" -c "import sys, venv
sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

# copy_tree FOLDER: the files that git knows of, and the new ones, elsewhere.
copy_tree() {
    rm -rf "$1" && mkdir -p "$1"
    git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$1"
}

as_root() {
    if [[ $EUID -eq 0 ]]; then "$@"; else sudo -n "$@"; fi
}

# --- the steps --------------------------------------------------------------

step_tools() {
    local packages=() tool
    for tool in gcc git strace valgrind; do
        command -v "$tool" >/dev/null || packages+=("$tool")
    done
    python3 -c 'import ensurepip, venv' || packages+=(python3-venv)
    python3 -c 'import os, sysconfig
open(os.path.join(sysconfig.get_path("include"), "Python.h"))' || packages+=(python3-dev)
    if [[ ${#packages[@]} -gt 0 ]]; then
        as_root apt-get update -q
        DEBIAN_FRONTEND=noninteractive as_root apt-get install -qy --no-install-recommends \
            "${packages[@]}"
    fi
    for tool in gcc git strace valgrind; do command -v "$tool"; done
    python3 -c 'import sys; assert sys.version_info >= (3, 10), sys.version; print(sys.version)'
}

step_readme_demo() {
    local command
    command=$(readme_command '--quick')
    bash -exc "$command"
}

step_readme_tests() {
    local command
    command=$(readme_command 'pytest')
    bash -exc "$command"
}

# A million command lines and environment blocks for Windows, against the standard library's rules.
step_pure_functions() {
    FASTPROC_CASES=1000000 .venv/bin/python -m pytest -q -o timeout=280 \
        tests/windows/test_pure_functions.py
}

step_routes() {
    copy_tree build/ci/routes
    cd build/ci/routes
    python3 -m venv .venv
    .venv/bin/pip install -q -e '.[test]'
    each "${ROUTES[@]}" -- suite_by_route
}

suite_by_route() {
    FASTPROC_ROUTE=$1 .venv/bin/python -m pytest -q --ignore-glob='tests/test_benchmarks*'
}

# The other Pythons. The tests include those that CPython itself has for subprocess.
step_pythons() {
    local version default found=() missing=()
    default=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    for version in "${VERSIONS[@]}"; do
        if [[ $version == "$default" ]]; then
            continue # readme-tests
        elif find_python "$version"; then
            found+=("$version")
        else
            missing+=("$version")
        fi
    done
    each "${found[@]}" -- suite_on_python
    if [[ ${#missing[@]} -gt 0 ]]; then
        # A machine with pyenv is one that is meant to have them all.
        if command -v pyenv >/dev/null || [[ -d ${PYENV_ROOT:-$HOME/.pyenv}/versions ]]; then
            echo "not found: Python ${missing[*]}"
            return 1
        fi
        left_out "Python ${missing[*]}: not on this machine"
    fi
    echo "on Python ${found[*]}"
}

suite_on_python() {
    local python venv=build/ci/venv-$1
    python=$(find_python "$1")
    "$python" -m venv "$venv"
    "$venv/bin/pip" install -q -e '.[test]'
    "$venv/bin/python" -m pytest -q
}

step_lint() {
    [[ -d $LINT ]] || python3 -m venv "$LINT"
    "$LINT/bin/pip" install -q -U pip
    "$LINT/bin/pip" install -q --group lint
    "$LINT/bin/ruff" check
    "$LINT/bin/ruff" format --check
    git ls-files -z '*.c' '*.h' | xargs -0 "$LINT/bin/clang-format" \
        --style=file:csrc/.clang-format --dry-run -Werror
    # It looks for pycodestyle on PATH.
    git ls-files -z '*.pyx' '*.pxd' | PATH=$PWD/$LINT/bin:$PATH xargs -0 cython-lint
    local script
    for script in .ci/run $(git ls-files '*.sh'); do bash -n "$script"; done
}

step_docs() {
    python3 .ci/check_docs.py
}

step_c_tests() {
    bash tests/c/run.sh
    SAN=1 bash tests/c/run.sh
}

step_cross() {
    bash tests/c/cross.sh
}

step_workflows() {
    "$LINT/bin/check-jsonschema" --builtin-schema vendor.github-workflows .github/workflows/*.yml
    "$LINT/bin/check-jsonschema" --builtin-schema vendor.dependabot .github/dependabot.yml
    "$LINT/bin/zizmor" --offline --no-progress .github
    local platform
    for platform in linux macos windows; do
        "$LINT/bin/cibuildwheel" --print-build-identifiers --platform "$platform" .
    done
}

# The sdist holds all that git holds, and a wheel made from it works without the tree.
step_package() {
    local tree=build/ci/package
    copy_tree "$tree"
    "$LINT/bin/check-manifest"
    "$LINT/bin/python" -m build --outdir "$tree/dist" "$tree"
    "$LINT/bin/twine" check --strict "$tree"/dist/*
    "$LINT/bin/check-wheel-contents" "$tree"/dist/*.whl
    "$LINT/bin/pip" install -q --force-reinstall --no-deps "$tree"/dist/*.whl
    (cd /tmp && "$OLDPWD/$LINT/bin/python" -c '
import fastproc
print(fastproc.run(["echo", "from the wheel"], capture_output=True, text=True).stdout)')
}

# wheel_is_new: step_package has made it of these very sources.
wheel_is_new() {
    local wheel=(build/ci/package/dist/*.whl) changed
    [[ -e ${wheel[0]} ]] || return 1
    changed=$(git ls-files -z src csrc setup.py pyproject.toml |
        xargs -0 -I{} find {} -newer "${wheel[0]}")
    [[ -z $changed ]]
}

step_types() {
    local other
    "$LINT/bin/mypy"
    for other in --platform=win32 --platform=darwin --python-version=3.10; do
        "$LINT/bin/mypy" "$other" tests/typing
    done
    "$LINT/bin/pyright"
    "$LINT/bin/pyright" --pythonplatform Windows
    # The installed wheel, hence not from here.
    wheel_is_new || step_package
    (cd build/ci && "$OLDPWD/$LINT/bin/stubtest" --mypy-config-file ../../pyproject.toml \
        --allowlist ../../.ci/stubtest.txt fastproc)
}

# The extension under ASan and UBSan. Reports go to files, since pytest captures stderr, and
# signals stay ours, since tests look at them. What counts calls and bytes would count ASan's,
# and ASan cannot do without /proc.
step_sanitizer() {
    # test_memory is left out: ASan keeps what is freed, so that a second use shows.
    local tree=build/ci/asan options=handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_abort=0
    copy_tree "$tree"
    cd "$tree"
    python3 -m venv .venv
    FASTPROC_BUILD=asan .venv/bin/pip install -q -e '.[test]'
    mkdir reports
    local status=0
    LD_PRELOAD=$(gcc -print-file-name=libasan.so) \
        ASAN_OPTIONS=detect_leaks=0:$options:log_path=$PWD/reports/asan \
        UBSAN_OPTIONS=print_stacktrace=1:log_path=$PWD/reports/ubsan \
        .venv/bin/python -m pytest -q --ignore-glob='tests/test_benchmarks*' \
        --ignore=tests/test_fast_path_guard.py --ignore=tests/test_cpython_suite.py --ignore=tests/test_memory.py \
        --deselect=tests/test_runtime.py::test_without_proc_it_still_works || status=$?
    cat reports/* 2>/dev/null && return 1
    return $status
}

step_windows() {
    bash tests/windows/ci.sh
}
