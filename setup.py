"""Builds the extension modules; everything else is in pyproject.toml.

FASTPROC_BUILD=debug|asan|coverage selects another kind of build.
"""

import glob
import os
import sys

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

OS = "windows" if os.name == "nt" else "posix"
KIND = os.environ.get("FASTPROC_BUILD") or "release"
CORE = ["csrc/common", f"csrc/{OS}"]

# Each kind: (compiler flags, linker flags) for gcc and clang. Python compiles
# extensions with -DNDEBUG and -fwrapv: the first hides assertions, the second
# hides overflows from UBSan. A child that shares our memory and never returns
# leaves ASan's marks on our stack: here it watches the heap only (tests/c, all).
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
HEAP_ONLY = ["--param", "asan-stack=0"]
CHECKED = ["-UNDEBUG", "-fstrict-overflow", "-fno-wrapv"]
KINDS = {
    "release": (["-O2"], []),
    "debug": (["-O0", "-g3", "-Werror", *CHECKED], []),
    "asan": (["-O1", "-g", "-fno-omit-frame-pointer", *CHECKED, *SANITIZE, *HEAP_ONLY], SANITIZE),
    "coverage": (["-O0", "-g", "--coverage"], ["--coverage"]),
}
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wstrict-prototypes"]  # and more in tests/c/run.sh


class BuildExt(build_ext):
    def finalize_options(self):
        super().finalize_options()
        self.force = True  # other flags must not leave old objects in place

    def build_extensions(self):
        if self.compiler.compiler_type == "msvc":
            compile_args, link_args = ["/std:c11", "/O2", "/W4", "/utf-8"], []
        else:
            compile_args, link_args = KINDS[KIND]
            compile_args = ["-std=c11", "-fvisibility=hidden", *WARNINGS, *compile_args]
        for ext in self.extensions:
            ext.extra_compile_args = compile_args
            ext.extra_link_args = link_args
        super().build_extensions()


if KIND not in KINDS:
    sys.exit(f"FASTPROC_BUILD={KIND}: not one of {', '.join(KINDS)}")

directives = {"language_level": 3, "freethreading_compatible": True, "binding": True}
# The binding's modules, and which C files of ours each is linked with. The core has state, so
# just one of them has it all; what else is named here has none.
core = sorted(c for folder in CORE for c in glob.glob(f"{folder}/*.c"))
if OS == "windows":
    modules = {
        "_native_windows": core,
        "_request_windows": [
            "csrc/common/error.c",
            *(f"csrc/windows/{name}.c" for name in ("cmdline", "envblock", "fold")),
        ],
    }
else:
    modules = {
        "_native_posix": core,
        "_request_posix": ["csrc/common/error.c", "csrc/posix/strings.c"],
        "_exchange_posix": [],
        "_fork_posix": [],
        "_plain_posix": [],
    }
extensions = cythonize(
    [Extension(f"fastproc.{name}", [f"src/fastproc/{name}.pyx"]) for name in modules],
    build_dir="build/cython",
    compiler_directives=directives,
    include_path=["src"],
)
for extension in extensions:
    # After cythonize, because it copies what C files it is given into build_dir.
    extension.sources += modules[extension.name.rpartition(".")[2]]
    extension.depends += sorted(h for folder in CORE for h in glob.glob(f"{folder}/*.h"))
    extension.include_dirs += ["csrc"]  # not its folders: some headers there are named like libc's
    extension.define_macros += [] if OS == "windows" else [("_GNU_SOURCE", "1")]
setup(ext_modules=extensions, cmdclass={"build_ext": BuildExt})
