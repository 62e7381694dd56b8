"""The chart: matplotlib, which the extra named bench brings."""

from __future__ import annotations

from typing import Any

from benchmarks import peers, report

FORMATS = (".png", ".svg")
COLOURS = {"stdlib": "#9aa5b1", "fastproc": "#d9480f"}
NEEDED = "a chart needs matplotlib: pip install 'fastproc[bench]'"


class CannotPlot(Exception):
    """The text says why."""


def check(path: str) -> None:
    """Before anything is measured: can this file be drawn?"""
    if not path.lower().endswith(FORMATS):
        raise CannotPlot(f"{path}: the name of a chart ends with {' or '.join(FORMATS)}")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise CannotPlot(NEEDED) from None


def draw(document: dict[str, Any], path: str) -> None:
    check(path)
    import matplotlib

    matplotlib.use("Agg")
    # Text stays text in an SVG, and the same figures give the same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "fastproc"})
    from matplotlib import pyplot

    panels = [
        panel
        for panel in (
            ("time / C floor: 1.0 is plain C, shorter is better", _of(document, "C floor", "ratio")),
            ("growth under load: 1.0 is none, shorter is better", _of(document, "itself without", "ratio")),
            ("times as fast as subprocess: longer is better", _of(document, "stdlib", "share")),
            ("share of 4 C threads' throughput: longer is better", _of(document, "4 C threads", "share")),
        )
        if panel[1]
    ]  # fmt: skip
    if not panels:
        raise CannotPlot("none of the chosen cases has a bar to draw")
    heights = [len(cases) + 1.0 for _, cases in panels]
    figure, axes = pyplot.subplots(
        len(panels), 1, figsize=(9, 0.42 * sum(heights) + 0.9 + 0.35 * len(panels)),
        gridspec_kw={"height_ratios": heights}, layout="constrained", squeeze=False,
    )  # fmt: skip
    for (title, cases), axis in zip(panels, axes[:, 0], strict=True):
        _panel(axis, title, cases)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=3, frameon=False)
    machine = document["machine"]
    figure.supxlabel(
        f"{machine['cpu']}, {machine['cores']} cores, {machine['kernel']}, "
        f"{machine['python'].split(',')[0]}, fastproc {machine['fastproc']}",
        fontsize=7,
    )
    metadata = {"Date": None} if path.lower().endswith(".svg") else None
    figure.savefig(path, dpi=150, metadata=metadata)
    pyplot.close(figure)


def _of(document: dict[str, Any], against: str, figure: str) -> list[dict[str, Any]]:
    return [
        case
        for case in document["cases"]
        if case["against"] == against
        and case["figure"] == figure
        and any(contender["figure"] for contender in case["contenders"])
    ]


def _panel(axis: Any, title: str, cases: list[dict[str, Any]]) -> None:
    positions = range(len(cases))
    largest = 1.0
    for name, shift in (("stdlib", -0.19), ("fastproc", 0.19)):
        label: str | None = peers.TITLES[name]
        for position, case in zip(positions, cases, strict=True):
            found = next((c for c in case["contenders"] if c["name"] == name), None)
            if not found or not found["figure"]:
                continue
            value, low, high = (found["figure"][key] for key in ("value", "low", "high"))
            largest = max(largest, value, high)
            axis.barh(
                position + shift, value, 0.36, color=COLOURS[name], label=label,
                xerr=[[max(value - low, 0)], [max(high - value, 0)]],
                error_kw={"elinewidth": 0.8, "ecolor": "#333333"},
            )  # fmt: skip
            label = None
            axis.annotate(
                report.figure_text(value, case["unit"]), (max(value, high), position + shift),
                xytext=(3, 0), textcoords="offset points", va="center", fontsize=7,
            )  # fmt: skip
    goal_label: str | None = "goal"
    for position, case in zip(positions, cases, strict=True):
        if case["goal"] is not None:
            axis.plot(
                [case["goal"]] * 2, [position - 0.42, position + 0.42],
                color="#2b8a3e", linewidth=1.4, label=goal_label,
            )  # fmt: skip
            goal_label = None
    axis.axvline(1.0, color="#333333", linewidth=0.8, linestyle=":")
    axis.set_yticks(list(positions), [case["title"] for case in cases], fontsize=8)
    axis.set_ylim(len(cases) - 0.4, -0.6)
    if largest > 8:
        axis.set_xscale("log")
        axis.set_xlim(0.5, largest * 1.6)
        axis.xaxis.set_major_formatter("{x:g}")
    else:
        axis.set_xlim(0, largest * 1.15)
    axis.tick_params(axis="x", labelsize=7)
    axis.set_title(title, fontsize=9, loc="left")
    axis.spines[["top", "right"]].set_visible(False)
