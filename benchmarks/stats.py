"""Medians, percentiles and bootstrap intervals, without numpy."""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

RESAMPLES = 300
LARGEST_DRAW = 60
"""Blocks drawn per round and resample: more costs time and narrows nothing."""


class Summary(NamedTuple):
    median: float
    p95: float
    spread: float
    """Interquartile range as a share of the median."""
    samples: int


class Interval(NamedTuple):
    value: float
    low: float
    high: float


def percentile(values: Sequence[float], percent: float) -> float:
    """Linear interpolation between the closest ranks; 0 <= percent <= 100."""
    if not values:
        raise ValueError("no values")
    if not 0 <= percent <= 100:
        raise ValueError("percent must lie between 0 and 100")
    ordered = sorted(values)
    position = (len(ordered) - 1) * percent / 100
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def summarize(values: Sequence[float]) -> Summary:
    middle = median(values)
    width = percentile(values, 75) - percentile(values, 25)
    return Summary(
        median=middle,
        p95=percentile(values, 95),
        spread=width / middle if middle else 0.0,
        samples=len(values),
    )


def block_ratios(
    numerators: Sequence[Sequence[float]], denominators: Sequence[Sequence[float]]
) -> list[float]:
    """One ratio of medians for each pair of blocks measured side by side."""
    return [
        median(above) / median(below)
        for above, below in zip(numerators, denominators, strict=False)
        if above and below
    ]


def interval(
    rounds: Sequence[Sequence[float]],
    *,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Median over rounds of each round's median, with its bootstrap interval.

    ``rounds`` holds the values of each round. Rounds are drawn with
    replacement, then the values within each drawn round.
    """
    groups = [list(values) for values in rounds if values]
    if not groups:
        raise ValueError("no values")
    value = median(median(group) for group in groups)
    chance = random.Random(seed)
    estimates = []
    for _ in range(resamples):
        drawn = chance.choices(groups, k=len(groups))
        estimates.append(
            median(
                median(chance.choices(group, k=min(len(group), LARGEST_DRAW))) for group in drawn
            )
        )
    tail = (1 - confidence) / 2 * 100
    return Interval(value, percentile(estimates, tail), percentile(estimates, 100 - tail))
