"""`make bench-quality`: measure every labelled set that is there, beside its parts alone.

Each set is asked through `answerdesk eval`. What was measured is kept in the data folder, so a run
that was broken off goes on where it stopped; `--again` measures anew. Standard output is a table
in Markdown, to be copied into the documentation.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from app.commands.common import say
from app.commands.measure import Options, measured
from evaluation.evaluate import EvalResult

_ALLOWED = 0.005
"""How much below the best of its own parts a ranking may be."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A set of the table."""

    name: str
    folder: str
    options: Options


_LEFT_OUT = Options(leave_out=True)
SETS = (
    # The share refused at which the accuracy of others on these sets is known.
    Measured("hint3/sofmattress", "hint3/sofmattress", Options(oos_recall=0.861)),
    Measured("hint3/curekart", "hint3/curekart", Options(oos_recall=0.868)),
    Measured("clinc150", "clinc150", Options(oos_recall=0.815)),
    Measured("banking77", "banking77", Options()),
    Measured("zh_product_faq", "zh_product_faq", Options()),
    Measured("debian_faq zh→en", "debian_faq", Options(ask="zh", kb="en")),
    Measured("debian_faq de→en", "debian_faq", Options(ask="de", kb="en")),
    Measured("xquad en", "xquad", replace(_LEFT_OUT, ask="en", kb="en")),
    Measured("xquad zh", "xquad", replace(_LEFT_OUT, ask="zh", kb="zh")),
    Measured("xquad zh→en", "xquad", replace(_LEFT_OUT, ask="zh", kb="en")),
    Measured("cmrc2018", "cmrc2018", _LEFT_OUT),
    Measured("aws_docs_qa", "aws_docs_qa", Options()),
)

_HEADER = (
    "set", "n", "R@1", "dense", "BM25", "RRF", "R@5", "best part", "AUROC",
    "accuracy at refused", "refused: no answer", "refused: answerable", "ECE", "right at .8",
    "has gold", "length", "invented",
)  # fmt: skip


def row(name: str, result: EvalResult) -> tuple[str, ...]:
    """Return a set's line of the table; a ``!`` marks a ranking that one of its parts beats."""
    parts = result.baselines.values()
    best_1, best_5 = (max(values) for values in zip(*parts, strict=True))
    at_1 = _mark(result.recall_at_1, best_1)
    at_5 = _mark(result.recall_at_5, best_5)
    alone = [f"{result.baselines[part][0]:.3f}" for part in ("dense", "bm25", "rrf")]
    points = result.accuracy_at_oos_recall.items()
    accuracies = ", ".join(f"{value:.3f} at {recall}" for recall, value in points)
    return (
        name, str(result.n), at_1, *alone, at_5, f"{best_5:.3f}", _figure(result.auroc),
        accuracies or "–", _figure(result.refused), _figure(result.abstained),
        _figure(result.calibration_error), _figure(result.precision_at_80),
        _figure(result.answer_contains_gold),
        f"{result.reply_length_median:.0f}" if result.answers else "–", str(result.invented),
    )  # fmt: skip


def _mark(value: float, best: float) -> str:
    return f"{value:.3f}{' !' if value < best - _ALLOWED else ''}"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a table in Markdown."""
    for cells in (_HEADER, ("---",) * len(_HEADER), *rows):
        yield f"| {' | '.join(cells)} |"


async def _measure(folder: Path, chosen: Sequence[Measured], options: Options) -> int:
    rows = []
    for number, each in enumerate(chosen, start=1):
        path = folder / each.folder
        if not path.is_dir():
            say(f"{each.name}: not there ({path}).")
            continue
        say(f"{each.name}: {number} of {len(chosen)} …")
        asked = replace(
            each.options,
            answers=options.answers,
            sample=options.sample,
            resume=options.resume,
        )
        result, _ = await measured(path, asked)
        rows.append(row(each.name, result))
    for line in table(rows):
        typer.echo(line)
    return len(rows)


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the labelled sets.")],
    only: Annotated[str, typer.Option(help="Only sets whose name has these letters.")] = "",
    answers: Annotated[int, typer.Option(help="Replies that the generator writes, a set.")] = 60,
    sample: Annotated[int, typer.Option(help="Ask so many questions of each set; 0: all.")] = 0,
    again: Annotated[bool, typer.Option("--again", help="Forget what was measured.")] = False,
) -> None:
    """Measure every labelled set of a folder that is there, and print one table."""
    chosen = [each for each in SETS if only in each.name]
    options = Options(answers=answers, sample=sample, resume=not again)
    if not asyncio.run(_measure(data, chosen, options)):
        reason = f"No labelled set in {str(data)!r}; set ANSWERDESK_EVAL_DATA to their folder."
        typer.echo(reason, err=True)
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
