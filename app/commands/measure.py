"""`eval`."""

import asyncio
import dataclasses
import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from app import output
from app.commands.answers import answering, holding
from app.commands.common import Json, say
from app.read_ahead import read_now
from app.wiring import Knowledge
from core.types import Answer, Turn
from evaluation.desks import ask_all, is_desk_set, load_desk_set, summarise_desk
from evaluation.evalset import EvalSet, Options, load_evalset
from evaluation.evaluate import EvalResult, evaluate, summarise
from evaluation.metrics import Outcome
from evaluation.probe import Probe
from kb.answering.checker import unsupported
from kb.answering.prompts import passage_of
from kb.releases.ingestor import IncomingFile
from kb.text.segmentation import split_sentences


async def evaluate_set(
    folder: Annotated[Path, typer.Argument(metavar="SETDIR")],
    *,
    ask_language: Annotated[str, typer.Option("--ask", help="Language of the questions.")] = "",
    kb: Annotated[str, typer.Option("--kb", help="Language of the entries or passages.")] = "",
    hold_out: Annotated[
        bool, typer.Option("--hold-out", help="Leave entries out, so that questions have no answer")
    ] = False,
    leave_out: Annotated[
        bool,
        typer.Option("--leave-out", help="Ask each question again without the text that answers."),
    ] = False,
    oos_recall: Annotated[
        float,
        typer.Option(
            help="Give the accuracy, too, where this share of questions without answer is refused."
        ),
    ] = 0.0,
    sample: Annotated[int, typer.Option(help="Ask that many questions, chosen by hash.")] = 0,
    as_json: Json = False,
) -> None:
    """Measure on a labelled set, in a knowledge base of its own."""
    options = Options(ask_language, kb, hold_out, leave_out, sample)
    if is_desk_set(folder):
        _print_figures(await measured_desk(folder, options), as_json=as_json)
        return
    result = await measured(folder, options, oos_recall=oos_recall)
    _print_figures(dataclasses.asdict(result), as_json=as_json)


def _print_figures(figures: Mapping[str, object], *, as_json: bool) -> None:
    rows = [(key, "–" if v is None else escape(str(v))) for key, v in figures.items()]
    output.print_listed(figures, ("figure", "value"), rows, as_json=as_json)


async def measured_desk(folder: Path, options: Options) -> dict[str, object]:
    """Return the figures of a desk set; what each customer got is kept beside its base."""
    files, questions = await asyncio.to_thread(load_desk_set, folder)
    questions = questions[: options.sample or None]
    base = [IncomingFile(name, data) for name, data in files.items()]
    async with _base(folder, options, base) as knowledge, answering(knowledge) as service:
        kept_in = knowledge.paths.data / "replies.jsonl"
        with output.progress() as shown:
            task = shown.add_task("asked", total=len(questions))

            async def ask(text: str, turns: Sequence[Turn]) -> Answer:
                return await service.answerer.answer(text, history=turns)

            outcomes = await ask_all(questions, ask, lambda _: shown.advance(task))
    kept = [
        {
            "id": o.question.question_id,
            "kind": o.question.kind,
            "question": o.question.text,
            "verdict": o.verdict,
            "reply_kind": o.answer.kind,
            "hedged": o.answer.hedged,
            "confidence": o.answer.confidence,
            "reply": o.answer.text,
            "source": [s.title or s.document for s in o.answer.sources],
        }
        for o in outcomes
    ]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
    await asyncio.to_thread(kept_in.write_text, lines, encoding="utf-8")
    say(f"Replies: {kept_in}")
    return summarise_desk(folder.name, outcomes)


async def measured(folder: Path, options: Options, *, oos_recall: float = 0.0) -> EvalResult:
    """Return the figures of a set."""
    evalset = await asyncio.to_thread(load_evalset, folder, options)
    files = [IncomingFile(name, data) for name, data in sorted(evalset.files.items())]
    async with _base(folder, options, files) as knowledge:
        outcomes = await _ask_all(knowledge, evalset)
    at = knowledge.config.answers.answer_at
    return summarise(evalset.name, outcomes, answer_at=at, oos_recall=oos_recall)


@asynccontextmanager
async def _base(
    folder: Path, options: Options, files: Sequence[IncomingFile]
) -> AsyncIterator[Knowledge]:
    """Open the knowledge base of a set as the service has one."""
    digest = hashlib.sha256(f"{folder}\0{options.kb}\0{options.hold_out}".encode()).hexdigest()
    async with holding(f"eval-{folder.name}-{digest[:8]}", files) as knowledge:
        await knowledge.trainer.ensure()
        await read_now(knowledge)
        yield knowledge


async def _ask_all(knowledge: Knowledge, evalset: EvalSet) -> list[Outcome]:
    own, whole = knowledge.retriever, evalset.by_document
    probe = Probe(own.embedder, own.view, own.ranker, own.second, own.reader, by_document=whole)
    knowledge = dataclasses.replace(knowledge, retriever=probe)
    async with answering(knowledge) as service:
        say(f"{len(evalset.questions)} questions, {evalset.answerable} of them answerable.")

        with output.progress() as shown:
            task = shown.add_task("asked", total=len(evalset.questions))
            return await evaluate(
                evalset,
                probe=probe,
                answerer=service.answerer,
                check_reply=partial(_unsupported, knowledge),
                on_outcome=lambda _: shown.advance(task),
            )


async def _unsupported(knowledge: Knowledge, answer: Answer) -> int:
    """Return how many sentences of a reply its passages do not support."""
    view = await knowledge.index.view()
    found = [await view.chunk(source.chunk_id) for source in answer.sources]
    source = "\n".join(passage_of(chunk) for chunk in found if chunk is not None)
    sentences = split_sentences(answer.text, answer.language) if source else ()
    return sum(bool(unsupported(sentence, source)) for sentence in sentences)
