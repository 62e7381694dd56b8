"""Every test that a document names exists, and so does every file it links to.

A test is named as `tests/test_x.py::test_y`, or by folder and function for C:
`tests/c/test_x.c::test_y`.
"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ["README.md", "GOTCHAS.md", "CHANGELOG.md", ".github/CONTRIBUTING.md"]


def functions(file):
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".c":
        return set(re.findall(r"^\w[\w *]*\b(\w+)\(", text, re.M))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)}


def problems(document):
    text = document.read_text(encoding="utf-8")
    for name, function in re.findall(r"`(tests/[\w./]+)::(\w+)`", text):
        if not (ROOT / name).is_file():
            yield f"no file {name}"
        elif function not in functions(ROOT / name):
            yield f"no test {name}::{function}"
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        if not (document.parent / link).exists():
            yield f"no file {link}"
    if document.name == "GOTCHAS.md":
        for section in text.split("\n### ")[1:]:
            if "::" not in section:
                yield f"no test named for: {section.splitlines()[0]}"


def main():
    found = [f"{name}: {problem}" for name in DOCUMENTS for problem in problems(ROOT / name)]
    print("\n".join(found) or "documents: all named tests and files exist")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
