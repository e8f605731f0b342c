"""`eval` and `bench`."""

import asyncio
import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from app import output
from app.bench import chosen, measure
from app.benches.figure import Measured
from app.commands.answers import await_generator, make_it_hold
from app.commands.common import Failed, read_config, say
from app.paths import find_paths
from app.wiring import Knowledge, open_knowledge, open_service
from core.config import data_folder
from core.types import Answer
from jobs.evalset import load_evalset
from jobs.evaluate import evaluate, summarise
from kb.evidence import check_sentence
from kb.ingest import IncomingFile
from kb.text import split_sentences


async def evaluate_set(
    folder: Path,
    *,
    ask: str,
    kb: str,
    hold_out: bool,
    sample: int,
    as_json: bool,
    report: Path | None,
) -> None:
    """Build a knowledge base of the set's own and ask it the set's questions."""
    evalset = await asyncio.to_thread(
        load_evalset, folder, ask=ask, kb=kb, hold_out=hold_out, sample=sample
    )
    config = read_config()
    files = [IncomingFile(name, data=data) for name, data in sorted(evalset.files.items())]
    digest = hashlib.sha256(f"{folder}\0{kb}\0{hold_out}".encode()).hexdigest()
    paths = find_paths(data_folder(), base=f"eval-{evalset.name}-{digest[:8]}")
    async with open_knowledge(config, paths) as knowledge:
        await knowledge.releases.open_or_rebuild()
        await make_it_hold(knowledge, files)
        async with open_service(knowledge) as service:
            await await_generator(service)
            say(f"{len(evalset.questions)} questions, {evalset.answerable} of them answerable.")

            async def check_reply(question: str, answer: Answer) -> int:
                return await _count_unsupported(knowledge, question, answer)

            with output.progress() as shown:
                task = shown.add_task("asked", total=len(evalset.questions))
                outcomes = await evaluate(
                    evalset,
                    retriever=knowledge.retriever,
                    answerer=service.answerer,
                    check_reply=check_reply,
                    on_progress=lambda done, _total: shown.update(task, completed=done),
                )
    result = summarise(evalset.name, outcomes, answer_at=config.answers.answer_at)
    if report is not None:
        # Imported here: only a report needs the plotting library, which takes seconds to load.
        from jobs.report import render_report

        page = await asyncio.to_thread(render_report, result, outcomes)
        await asyncio.to_thread(report.write_text, page, encoding="utf-8")
        say(f"Report: {report}")
    if as_json:
        output.print_json(result.to_dict())
    else:
        output.print_table(
            ("figure", "value"),
            [(key, "–" if v is None else escape(str(v))) for key, v in result.to_dict().items()],
        )


async def _count_unsupported(knowledge: Knowledge, question: str, answer: Answer) -> int:
    """Count the sentences of a composed reply that none of its cited passages supports."""
    found = [await knowledge.index.chunk(source.chunk_id) for source in answer.sources]
    chunks = [chunk for chunk in found if chunk is not None]
    unsupported = 0
    for sentence in split_sentences(answer.text, answer.language):
        verdicts = [
            check_sentence(
                sentence,
                chunk.text,
                question=question,
                same_language=(chunk.language or answer.language) == answer.language,
            )
            for chunk in chunks
        ]
        unsupported += not any(verdict.supported for verdict in verdicts)
    return unsupported


async def bench(names: Sequence[str], *, as_json: bool, markdown: bool, plot: Path | None) -> None:
    """Measure parts, one after the other, and print their figures."""
    found: list[Measured] = []
    for part in chosen(names):
        say(f"{part.name} …")
        found.append(await measure(part, read_config(), lambda text: say(f"  {text}")))
    figures = [figure for measured in found for figure in measured.figures]
    points = [point for measured in found for point in measured.points]
    if plot is not None:
        if not points:
            raise Failed("There is no curve to draw: measure `lengths`, `customers` or `search`.")
        # Imported here: only a picture needs the plotting library.
        from app.benches.plot import write_plot

        await asyncio.to_thread(write_plot, points, plot)
        say(f"Curves: {plot}")
    columns = ("name", "value", "unit", "baseline", "ratio", "note")
    if as_json:
        output.print_json([dataclasses.asdict(figure) for figure in figures])
        return
    rows = [
        tuple("–" if v is None else v for v in dataclasses.astuple(figure)) for figure in figures
    ]
    (output.print_markdown if markdown else output.print_table)(columns, rows)
