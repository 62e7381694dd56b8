"""The shape of the project: what includes, imports and exports what.

The layers, from the top: facade (_run, _popen), data (_spec_<os>, _stdio_<os>,
_text), binding (_request_<os>, _native_<os>), core (csrc), child (csrc/posix/child.c and what it calls).
"""

import ast
import pathlib
import platform
import re
import shutil
import subprocess
import sys

import pytest

import fastproc
from fastproc import _native

ROOT = pathlib.Path(__file__).resolve().parent.parent
CSRC = ROOT / "csrc"
PACKAGE = ROOT / "src" / "fastproc"

pytestmark = pytest.mark.skipif(
    not CSRC.is_dir(), reason="the sources are not beside the tests (an installed wheel?)"
)

# A module may import from those of lower rank only; _platform picks the modules of
# the running system. The C core's declarations for the binding are below all.
RANKS = {
    "_core_posix": -3,
    "_core_windows": -3,
    "_request_posix": -2,
    "_request_windows": -2,
    "_fork_posix": -1,
    "_native_posix": 0,
    "_native_windows": 0,
    "_constants_windows": 0,
    "_exchange_posix": 1,
    "_plain_posix": 1,
    "_text": 1,
    "_stdio_posix": 1,
    "_stdio_windows": 1,
    "_streams_windows": 1,
    "_spec_posix": 2,
    "_spec_windows": 2,
    "_popen_posix": 3,
    "_popen_windows": 3,
    "_platform": 4,
    "_popen": 5,
    "_run": 6,
    "__init__": 7,
}


def c_files():
    return sorted(p for p in CSRC.rglob("*") if p.suffix in (".c", ".h"))


def python_modules():
    return sorted(PACKAGE.glob("*.py"))


def test_the_core_knows_no_python():
    assert c_files()
    for path in c_files():
        text = path.read_text()
        assert "Python.h" not in text, path
        assert not re.search(r"\bPy[A-Z_]\w+\s*\(", text), path


def test_the_core_of_one_system_includes_nothing_of_the_other():
    for path in c_files():
        folder = path.relative_to(CSRC).parts[0]
        allowed = {"common"} if folder == "common" else {"common", folder}
        for include in re.findall(r'#include "([^"]+)"', path.read_text()):
            found = [base for base in (path.parent, CSRC) if (base / include).is_file()]
            assert found, f"{path}: {include} is nowhere"
            target = (found[0] / include).resolve().relative_to(CSRC)
            assert target.parts[0] in allowed, f"{path} includes {include}"


def test_the_child_knows_neither_spawn_nor_drain_nor_wait():
    text = (CSRC / "posix" / "child.c").read_text()
    for header in ("spawn.h", "communicate.h", "wait.h", "run.h", "ends.h"):
        assert header not in text


def imports_of(path):
    """The modules of the package that this one imports at its top level."""
    text = path.read_text()
    if path.suffix != ".py":
        yield from re.findall(r"^(?:from|c?import) fastproc\.(\w+)", text, re.MULTILINE)
        yield from re.findall(r"^from \.(\w+) c?import", text, re.MULTILINE)
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            if node.module:
                yield node.module
            else:
                yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("fastproc."):
                    yield alias.name.removeprefix("fastproc.")


def modules():
    return sorted([*python_modules(), *PACKAGE.glob("*.pyx"), *PACKAGE.glob("*.pxd")])


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.name)
def test_imports_go_one_way(path):
    assert path.stem in RANKS, f"{path.name} has no place in the house yet"
    for name in imports_of(path):
        if name == path.stem:
            continue  # a .pyx and its own .pxd
        assert RANKS[name] < RANKS[path.stem], f"{path.stem} imports {name}"


def test_the_binding_stays_thin():
    for path in PACKAGE.glob("*.pyx"):
        assert len(path.read_text().splitlines()) <= 500, path


def test_a_class_does_not_ask_which_system_it_is_on():
    question = re.compile(r"_mswindows|sys\.platform|os\.name")
    for path in python_modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                assert not question.search(ast.unparse(node)), f"{path.name}: {node.name}"


def test_files_stay_small():
    limits = {".c": 320, ".h": 320, ".py": 400}
    for path in [*c_files(), *python_modules()]:
        lines = len(path.read_text().splitlines())
        assert lines <= limits[path.suffix], f"{path}: {lines} lines"


def test_no_text_of_the_project_names_a_machine_s_own_path():
    own = re.compile(r"/(root|home|work)/\w")
    checked = 0
    for path in files_of_the_project():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # no text
        found = own.search(text.replace("/home/user", ""))  # which is anybody's
        assert not found, f"{path}: {found[0]}"
        checked += 1
    assert checked > 100


def files_of_the_project():
    for folder in ("src", "csrc", "tests", "benchmarks", ".ci", ".github"):
        for path in sorted((ROOT / folder).rglob("*")):
            made = {"__pycache__", "build"} & set(path.relative_to(ROOT).parts) or path.suffix in (
                ".so",
                ".pyd",
            )
            generated = path.parent == PACKAGE and path.suffix in (".c", ".html")
            if path.is_file() and not made and not generated:
                yield path
    for path in sorted(ROOT.iterdir()):
        if path.is_file() and path.suffix in (".md", ".toml", ".py", ".in"):
            yield path


# --- what the compiler made of it ----------------------------------------------------

needs_nm = pytest.mark.skipif(shutil.which("nm") is None, reason="needs nm (binutils)")
needs_compiler = pytest.mark.skipif(
    shutil.which("cc") is None or shutil.which("readelf") is None,
    reason="needs cc and readelf (binutils)",
)
linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads ELF files")


COMPILE = ["cc", "-std=c11", "-O0", "-D_GNU_SOURCE", "-U_FORTIFY_SOURCE"]
COMPILE += ["-ffunction-sections", "-fno-stack-protector", "-fno-pic"]


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    """The core, compiled with a section for each function and nothing inlined."""
    folder = tmp_path_factory.mktemp("objects")
    made = []
    for source in sorted([*(CSRC / "common").glob("*.c"), *(CSRC / "posix").glob("*.c")]):
        target = folder / f"{source.stem}.o"
        subprocess.run(
            [*COMPILE, "-I", str(CSRC), "-c", str(source), "-o", str(target)],
            check=True,
        )
        made.append(target)
    return made


@linux_only
@needs_compiler
@needs_nm
def test_exported_symbols_of_the_core_start_with_fp(objects):
    for path in objects:
        lines = subprocess.check_output(["nm", "-g", "--defined-only", path], text=True)
        names = [line.split()[-1] for line in lines.splitlines()]
        assert all(name.startswith("fp_") for name in names), (path.name, names)


@linux_only
@needs_nm
def test_the_extension_exports_only_its_init():
    lines = subprocess.check_output(["nm", "-D", "--defined-only", _native.__file__], text=True)
    names = {line.split()[-1] for line in lines.splitlines()} - {"_init", "_fini"}
    assert names == {"PyInit_" + _native.__name__.rpartition(".")[2]}


def references(path):
    """Function -> what it refers to, from an object's relocations by section."""
    found = {}
    section = None
    lines = subprocess.check_output(["readelf", "-rW", path], text=True).splitlines()
    for line in lines:
        start = re.match(r"Relocation section '\.rela?\.text\.(\S+)'", line)
        if line.startswith("Relocation section"):
            section = start and start[1]
            if section:
                found[section] = set()
        elif section:
            fields = line.split()
            if len(fields) >= 5 and re.fullmatch(r"[0-9a-f]+", fields[0]):
                name = fields[4].split("@")[0]
                found[section].add(name.removeprefix(".text."))
    return found


def read_allowed():
    raw = platform.machine() in ("x86_64", "aarch64")
    entries, allowed = set(), set()
    for line in (ROOT / "tests" / "child_symbols.txt").read_text().splitlines():
        kind, _, name = line.partition("#")[0].strip().rpartition(" ")
        if kind == "entry":
            entries.add(name)
        elif name and not (kind == "libc" and raw):
            allowed.add(name)
    return entries, allowed


@linux_only
@needs_compiler
def test_the_child_calls_only_what_the_list_allows(objects):
    """Transitively: every function that a child sharing our memory may come to."""
    entries, allowed = read_allowed()
    graph = {}
    for path in objects:
        graph.update(references(path))
    reached, todo = set(), list(entries)
    outside = {}
    while todo:
        name = todo.pop()
        if name in reached:
            continue
        reached.add(name)
        assert name in graph or name not in entries, f"{name} is not there any more"
        for target in graph.get(name, ()):
            if target in graph:
                todo.append(target)
            elif not target.startswith((".rodata", ".data", ".bss", "fp_")):
                outside.setdefault(target, set()).add(name)
    assert "fp_close_fds" in reached  # or else nothing was followed
    forbidden = {
        target: sorted(names) for target, names in outside.items() if target not in allowed
    }
    assert forbidden == {}


@linux_only
@needs_compiler
def test_the_child_s_file_writes_no_global_data(objects):
    """A child that shares our memory would write it in us."""
    for path in objects:
        if path.stem not in ("child", "close_fds", "signals"):
            continue
        lines = subprocess.check_output(["nm", path], text=True).splitlines()
        written = [line for line in lines if line.split()[-2] in ("b", "B", "d", "D", "C")]
        assert written == [], path.name


def test_the_package_is_what_is_tested():
    assert pathlib.Path(fastproc.__file__).name == "__init__.py"
    assert _native.__file__.endswith((".so", ".pyd"))
