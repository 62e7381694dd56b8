"""The table on the terminal, the Markdown for the README, the progress bar.

All of it is made from the document of runner.to_json, so a table can be drawn
again from a file.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks import peers

COLUMNS = ("", "median", "p95", "spread", "figure", "95 % interval", "vs stdlib", "goal", "met")
Document = dict[str, Any]


def header(document: Document) -> list[str]:
    lines = [f"{name:<9} {value}" for name, value in document["machine"].items()]
    sizes = "quick" if document["quick"] else "full"
    lines.append(f"{'rounds':<9} {document['rounds']}, {sizes}")
    if document["versions"]:
        with_them = (f"{name} {version}" for name, version in document["versions"].items())
        lines.append(f"{'peers':<9} {', '.join(with_them)}")
    for name, reason in document["missing"].items():
        lines.append(f"{'without':<9} {peers.TITLES[name]}: {reason}")
    lines += [f"{'note':<9} {note}" for note in document["notes"]]
    return lines


def time_text(nanoseconds: float) -> str:
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.0f} ns"


def figure_text(value: float, unit: str) -> str:
    if unit == "ms":
        return f"{value:.1f} ms"
    if unit == "calls":
        return f"{value:.3g}"
    return f"{value:.2f}"


def goal_text(case: Document) -> str:
    if case["goal"] is None:
        return ""
    sign = ">=" if case["goal_is"] == "at least" else "<="
    return f"{sign} {figure_text(case['goal'], 'calls' if case['unit'] == 'ms' else case['unit'])}"


def met_text(met: bool | None) -> str:
    return "" if met is None else "met" if met else "not met"


def row(case: Document, contender: Document) -> tuple[str, ...]:
    title = peers.TITLES[contender["name"]]
    if contender["problem"]:
        return (title, *[""] * 3, contender["problem"], *[""] * 4)
    times, figure, faster = (
        contender[name] for name in ("times_ns", "figure", "faster_than_stdlib")
    )
    unit = case["unit"]
    spread = f"{times['spread'] * 100:.0f} %" if times else ""
    ours = contender["name"] == "fastproc"
    return (
        title,
        time_text(times["median"]) if times else "",
        time_text(times["p95"]) if times else "",
        spread,
        figure_text(figure["value"], unit) if figure else "",
        "{} - {}".format(*(figure_text(figure[end], unit) for end in ("low", "high")))
        if figure and figure["low"] != figure["high"]
        else "",
        f"{faster['value']:.2f}x" if faster else "",
        goal_text(case) if ours else "",
        met_text(contender["met"]),
    )


def case_line(case: Document) -> str:
    text = unit_text(case)
    return f"{case['title']}  (figure: {text})" if text else str(case["title"])


def unit_text(case: Document) -> str:
    """What the figure of a case is."""
    against = peers.TITLES.get(case["against"], case["against"])
    if case["figure"] == "ratio":
        return f"time / {against}"
    if case["figure"] == "share":
        return f"time of {against} / time"
    return f"of {against}" if case["unit"] == "x" else str(case["unit"])


def plain_table(document: Document) -> str:
    """The table without any library."""
    widths = _widths(document)
    out = [_aligned(COLUMNS, widths)]
    for case in document["cases"]:
        out += ["", case_line(case)]
        out += [_aligned(row(case, contender), widths) for contender in case["contenders"]]
    return "\n".join(out)


def _widths(document: Document) -> list[int]:
    """Of the columns, the same for all cases."""
    widths = [len(column) for column in COLUMNS]
    for case in document["cases"]:
        for contender in case["contenders"]:
            # A problem is a sentence, and may run over the columns after it.
            if not contender["problem"]:
                cells = row(case, contender)
                widths = [max(width, len(cell)) for width, cell in zip(widths, cells, strict=True)]
    return widths


def _aligned(cells: tuple[str, ...], widths: list[int]) -> str:
    first, *others = cells
    text = f"  {first:<{widths[0]}}"
    for cell, width in zip(others, widths[1:], strict=True):
        text += f"  {cell:>{width}}"
    return text.rstrip()


def show(document: Document) -> None:
    """The header and the table: by rich where it is installed."""
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        print("\n".join(header(document)), plain_table(document), sep="\n\n")
        print("\n(a table in colour: pip install 'fastproc[bench]')")
        return
    console = Console(width=None if sys.stdout.isatty() else 130)
    for fact in header(document):
        console.print(fact, highlight=False, markup=False)
    widths = _widths(document)
    for case in document["cases"]:
        console.print()
        console.print(case_line(case), style="bold", highlight=False, markup=False)
        table = Table(box=None, padding=(0, 1), header_style="dim")
        for index, (column, width) in enumerate(zip(COLUMNS, widths, strict=True)):
            table.add_column(column, justify="right" if index else "left", min_width=width)
        for contender in case["contenders"]:
            line = row(case, contender)
            style = {"met": "green", "not met": "red"}.get(line[-1])
            table.add_row(*(Text(cell) for cell in line), style=style)
        console.print(table)


def failures(document: Document) -> list[str]:
    """What went wrong, beside what this machine cannot do."""
    return [
        f"{case['name']}, {peers.TITLES[contender['name']]}: {contender['problem']}"
        for case in document["cases"]
        for contender in case["contenders"]
        if (contender["problem"] or "").startswith("failed")
    ]


def summary(document: Document) -> str:
    goals = [
        contender["met"]
        for case in document["cases"]
        for contender in case["contenders"]
        if contender["met"] is not None
    ]
    if not goals:
        return "no goal was measured"
    return f"{sum(goals)} of {len(goals)} goals met"


def markdown(document: Document) -> str:
    """The README's table: a row for each case."""
    lines = [
        "| case | unit | subprocess | fastproc | goal | | plain C |",
        "|---|---|--:|--:|--:|---|--:|",
    ]
    for case in document["cases"]:
        cells = {contender["name"]: contender for contender in case["contenders"]}
        unit = unit_text(case)
        title = case["title"].replace("|", "\\|")
        theirs, ours = (_cell(case, cells.get(name)) for name in ("stdlib", "fastproc"))
        plain = _cell(case, cells.get("floor-called", cells.get("floor")))
        goal = goal_text(case).replace(">=", "≥").replace("<=", "≤")
        met = met_text(cells["fastproc"]["met"]) if "fastproc" in cells else ""
        lines.append(f"| {title} | {unit} | {theirs} | {ours} | {goal} | {met} | {plain} |")
    machine = document["machine"]
    facts = ", ".join(
        f"{name} {machine[name]}"
        for name in ("cpu", "cores", "kernel", "python", "libc", "load", "fastproc")
    )
    lines += ["", f"Measured {machine['date']}: {facts}; {document['rounds']} rounds."]
    lines += [f"{note[0].upper()}{note[1:]}." for note in document["notes"]]
    return "\n".join(lines)


def _cell(case: Document, contender: Document | None) -> str:
    if contender is None or not contender["figure"]:
        return "-"
    return figure_text(contender["figure"]["value"], case["unit"])


@contextmanager
def progress(total: int, *, hidden: bool = False) -> Iterator[Callable[[str], None]]:
    """A bar on stderr; nothing where stderr is no terminal."""
    if hidden or not sys.stderr.isatty():
        yield lambda text: None
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        with _plain_progress(total) as step:
            yield step
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        done = -1

        def step(text: str) -> None:
            nonlocal done
            done += 1
            bar.update(task, completed=done, description=text)

        yield step


@contextmanager
def _plain_progress(total: int) -> Iterator[Callable[[str], None]]:
    done = -1

    def step(text: str) -> None:
        nonlocal done
        done += 1
        width = shutil.get_terminal_size().columns
        filled = 20 * done // max(total, 1)
        line = f"[{'#' * filled:<20}] {done}/{total} {text}"
        sys.stderr.write(f"\r{line[: width - 1]:<{width - 1}}")
        sys.stderr.flush()

    try:
        yield step
    finally:
        sys.stderr.write("\r" + " " * (shutil.get_terminal_size().columns - 1) + "\r")
