"""An evaluation as one HTML page: figures, four plots, the worst mistakes."""

import base64
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from evaluation import metrics
from evaluation.evaluate import EvalResult, part_rankings
from evaluation.metrics import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WORST = 25
_PAGE = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
)
_PARTS = {"dense": "vectors alone", "bm25": "BM25 alone", "rrf": "both by reciprocal rank fusion"}
_LINES = {"dense": ":", "bm25": "--", "rrf": "-."}


def render_report(result: EvalResult, outcomes: Sequence[Outcome]) -> str:
    """Return the page; it needs no other file."""
    wrong = [o for o in outcomes if not o.right and (o.answered or o.relevant)]
    return _PAGE.get_template("report.html").render(
        result=result,
        figures=[(label, value, what) for label, value, what in _figures(result) if value],
        ranking=[
            ("Answerdesk", result.recall_at_1, result.recall_at_5),
            *((label, *result.baselines[part]) for part, label in _PARTS.items()),
        ],
        plots=_plots(outcomes),
        worst=sorted(wrong, key=lambda o: -o.confidence)[:_WORST],
    )


def _figures(result: EvalResult) -> Iterator[tuple[str, str, str]]:
    """Yield label, value (empty if the set has no labels for it) and meaning."""
    yield "Answerable, refused", f"{result.abstained:.3f}", "lower is better"
    yield "Without answer, refused", _shown(result.refused), "higher is better"
    yield "AUROC", _shown(result.auroc), "answerable surer than without answer"
    for recall, accuracy in result.accuracy_at_oos_recall.items():
        yield (
            f"Accuracy at {recall} refused",
            f"{accuracy:.3f}",
            "answered and right, where that share without answer is refused",
        )
    yield "Calibration error", f"{result.calibration_error:.3f}", "expected, ten bins"
    yield "Right at 0.8 sure", _shown(result.precision_at_80), "of all that is at least so sure"
    if result.answers:
        asked = f"of {result.answers} questions with known answers"
        yield "Reply contains the answer", _shown(result.answer_contains_gold), asked
        length = f"{result.reply_length_median:g}"
        yield "Length of a reply", length, "median; words, in Chinese characters"
        yield "Composed", f"{result.composed:.3f}", f"{asked}; quoted: {result.quoted:.3f}"
        yield "Unsupported", str(result.unsupported_sentences), "sentences, by the check run again"
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(result.kinds.items()))
    yield "Replies", kinds, ""
    yield "Time", f"{result.p50_ms:.0f} ms", f"median; 95 %: {result.p95_ms:.0f} ms"


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


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
    answered = [o for o in outcomes if o.answered]
    if answered:
        share = sum(not o.right for o in answered) / len(answered)
        axes.plot([len(answered) / len(outcomes)], [share], "o", color="C1", label="as answered")
        axes.legend(frameon=False, loc="upper left")
    axes.set(xlabel="share of all messages answered", ylabel="share of answers wrong")
    axes.set(xlim=(0, 1.02), ylim=(0, max(0.1, 1.1 * max(risk, default=0.0))))


def _calibration(axes: "Axes", outcomes: Sequence[Outcome]) -> None:
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
    bins = metrics.trust(outcomes).bins
    axes.plot([b.confidence for b in bins], [b.right for b in bins], marker="o")
    for b in bins:
        said, place = str(round(b.share * len(outcomes))), (b.confidence, b.right)
        axes.annotate(said, place, xytext=(4, -10), textcoords="offset points", fontsize="small")
    axes.set(xlabel="said: this sure (figures: questions)", ylabel="was: right this often")
    axes.set(xlim=(0, 1.05), ylim=(0, 1.05))


def _recall(axes: "Axes", outcomes: Sequence[Outcome]) -> None:
    ks = range(1, 11)
    lowest = 1.0
    curves: list[tuple[str, str, Sequence[Outcome]]] = [("Answerdesk", "-", outcomes)]
    for part, alone in part_rankings(outcomes).items():
        curves.append((_PARTS[part], _LINES[part], alone))
    for label, line, ranked in curves:
        recalls = [metrics.recall_at(ranked, k) for k in ks]
        lowest = min(lowest, *recalls)
        axes.plot(ks, recalls, line, label=label, marker="o" if ranked is outcomes else None)
    axes.set(xlabel="k", ylabel="right one among the first k", ylim=(max(lowest - 0.05, 0), 1.01))
    axes.legend(frameon=False, loc="lower right")


def _confidence(axes: "Axes", outcomes: Sequence[Outcome]) -> None:
    inside = [o.confidence for o in outcomes if o.relevant]
    outside = [o.confidence for o in outcomes if not o.relevant]
    axes.hist([inside, outside], bins=20, range=(0, 1), label=["answerable", "no answer"])
    axes.set(xlabel="sure", ylabel="questions")
    axes.legend(frameon=False, loc="upper center")
