"""A figure with its baseline."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from core.errors import AnswerdeskError

Say = Callable[[str], None]
"""Tells the person at the terminal what is being measured."""


class BenchFailed(AnswerdeskError):
    """A measurement could not be taken."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table."""

    name: str
    value: float | None
    """`None` if it could not be measured."""
    unit: str
    baseline: float | None
    ratio: float | None
    """How many times better than the baseline; above 1 is better."""
    note: str = ""
    """What the baseline is, or why there is no figure."""


Measured: TypeAlias = Sequence[Figure]
"""What a part of the benchmark found."""


def less(name: str, value: float, unit: str, baseline: float, note: str = "") -> Figure:
    """Return a figure of which less is better."""
    return _figure(name, value, unit, baseline, baseline / value, note)


def more(name: str, value: float, unit: str, baseline: float, note: str = "") -> Figure:
    """Return a figure of which more is better."""
    return _figure(name, value, unit, baseline, value / baseline, note)


def missing(name: str, unit: str, why: str) -> Figure:
    """Return the row of a figure that could not be measured."""
    return Figure(name, None, unit, None, None, why)


def median(values: Sequence[float]) -> float:
    """Return the median; raises `BenchFailed` if there are no values."""
    if not values:
        raise BenchFailed("Nothing was measured: no reply came.")
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of all are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _figure(name: str, value: float, unit: str, baseline: float, ratio: float, note: str) -> Figure:
    return Figure(name, _digits(value), unit, _digits(baseline), round(ratio, 2), note)


def _digits(value: float) -> float:
    """Keep three digits, so that 0.00231 s is not shown as 0.0."""
    return float(f"{value:.3g}") if abs(value) < 100 else round(value, 1)
