"""Curves of the benchmark as a picture. Importing this takes a second: matplotlib."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from evaluation.benchmarks.figure import Point

_WIDTH, _HEIGHT = 5.2, 3.6
"""Of one curve, in inches."""


def write_plot(points: Sequence[Point], file: Path) -> None:
    """Write one diagram for each kind of curve, beside each other; the suffix is the format."""
    mpl.rcParams["svg.hashsalt"] = "answerdesk"  # the same figures give the same file
    curves = list(dict.fromkeys(point.curve for point in points))
    canvas = Canvas(figsize=(_WIDTH * len(curves), _HEIGHT), layout="constrained")
    for number, curve in enumerate(curves):
        axes = canvas.add_subplot(1, len(curves), number + 1)
        y, _, x = curve.partition(" | ")
        of_curve = [point for point in points if point.curve == curve]
        for series in dict.fromkeys(point.series for point in of_curve):
            line = sorted((p.x, p.y) for p in of_curve if p.series == series)
            axes.plot([x for x, _ in line], [y for _, y in line], marker="o", label=series)
        axes.set_xscale("log")
        axes.set_xticks(sorted({p.x for p in of_curve}), minor=False)
        axes.set_xticks([], minor=True)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_ylim(bottom=0)
        axes.set(xlabel=x, title=y)
        axes.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    canvas.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)
