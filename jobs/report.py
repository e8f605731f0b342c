"""An evaluation as one HTML page: figures, four plots, the worst mistakes."""

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import jinja2

from jobs import metrics
from jobs.evaluate import EvalResult
from jobs.metrics import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WORST = 25
_PAGE = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
    """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Evaluation: {{ result.name }}</title>
<style>
 body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
        color: #1c2430; background: #fff }
 table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .35rem .6rem;
        border-bottom: 1px solid #e3e7ee; vertical-align: top } img { max-width: 100% }
 .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: 1rem }
 td.number { font-variant-numeric: tabular-nums }
</style>
<h1>{{ result.name }}: {{ result.n }} questions</h1>
<table>{% for key, value in figures %}<tr><td>{{ key }}</td><td class="number">{{ value }}</td></tr>
{% endfor %}</table>
<h2>Plots</h2><div class="plots">{% for title, image in plots %}<figure>
<img alt="{{ title }}" src="data:image/png;base64,{{ image }}"></figure>{% endfor %}</div>
<h2>Worst mistakes</h2><p>Wrong and most sure of it first.</p>
<table><tr><th>question</th><th>should be</th><th>found</th><th>sure</th><th>kind</th></tr>
{% for o in worst %}<tr><td>{{ o.question }}</td>
<td>{{ o.relevant | join(", ") or "no answer" }}</td>
<td>{{ o.found[:3] | join(", ") }}</td>
<td class="number">{{ "%.2f" | format(o.confidence) }}</td>
<td>{{ o.kind }}</td></tr>{% endfor %}</table></html>
"""
)


def render_report(result: EvalResult, outcomes: Sequence[Outcome]) -> str:
    """Return the page; it needs no other file."""
    wrong = [o for o in outcomes if not o.right and (o.answered or o.relevant)]
    return _PAGE.render(
        result=result,
        figures=[(key, "–" if v is None else v) for key, v in result.to_dict().items()],
        plots=_plots(outcomes),
        worst=sorted(wrong, key=lambda o: -o.confidence)[:_WORST],
    )


def _plots(outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    # Imported here: an evaluation without --report does not wait for it.
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    images = []
    for title, draw in (
        ("Risk against coverage", _risk_coverage),
        ("Calibration", _calibration),
        ("Recall at k", _recall),
        ("Confidence", _confidence),
    ):
        figure = Figure(figsize=(5, 3.6), layout="constrained")
        axes = figure.subplots()
        draw(axes, outcomes)
        axes.set_title(title, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110)
        images.append((title, base64.b64encode(buffer.getvalue()).decode()))
    return images


def _risk_coverage(axes: "Axes", outcomes: Sequence[Outcome]) -> None:
    ranked = sorted(outcomes, key=lambda o: -o.confidence)
    wrong, coverage, risk = 0, [], []
    for number, outcome in enumerate(ranked, start=1):
        wrong += not outcome.right
        coverage.append(number / len(ranked))
        risk.append(wrong / number)
    axes.plot(coverage, risk)
    axes.set(xlabel="share of all messages answered", ylabel="share of answers wrong", ylim=(0, 1))


def _calibration(axes: "Axes", outcomes: Sequence[Outcome]) -> None:
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
    bins: list[list[Outcome]] = [[] for _ in range(10)]
    for outcome in outcomes:
        bins[min(int(outcome.confidence * 10), 9)].append(outcome)
    filled = [b for b in bins if b]
    axes.plot(
        [sum(o.confidence for o in b) / len(b) for b in filled],
        [sum(o.right for o in b) / len(b) for b in filled],
        marker="o",
    )
    axes.set(xlabel="said: this sure", ylabel="was: right this often", xlim=(0, 1), ylim=(0, 1))


def _recall(axes: "Axes", outcomes: Sequence[Outcome]) -> None:
    ks = range(1, 11)
    axes.plot(ks, [metrics.recall_at(outcomes, k) for k in ks], marker="o")
    axes.set(xlabel="k", ylabel="right one among the first k", ylim=(0, 1.02))


def _confidence(axes: "Axes", outcomes: Sequence[Outcome]) -> None:
    inside = [o.confidence for o in outcomes if o.relevant]
    outside = [o.confidence for o in outcomes if not o.relevant]
    axes.hist([inside, outside], bins=20, range=(0, 1), label=["answerable", "no answer"])
    axes.set(xlabel="sure", ylabel="questions")
    axes.legend(frameon=False)
