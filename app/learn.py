"""`python -m app.learn DATA`: learn the weights that ship from the labelled sets in a folder.

Writes ``kb/data/default_rank.json`` anew, or another file. The bases are those that `answerdesk
eval` keeps in the data folder, so a set that was measured before is not embedded again. Labels of
sets of whole documents do not say which passage answers; from such sets only is learned how sure
the best passage is.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from app.commands.answers import make_it_hold
from app.commands.common import Failed, read_config, say
from app.commands.measure import Options, base_paths
from app.quality import SETS, Measured
from app.wiring import Knowledge, open_knowledge
from jobs.evalset import EvalQuestion, EvalSet, load_evalset
from jobs.learn import (
    Example,
    Labelled,
    examples,
    learn_entries,
    learn_rows,
    to_json,
)
from jobs.learn_passages import Example as Judged
from jobs.learn_passages import examples_of, learn
from kb.ingest import IncomingFile
from kb.rank import DEFAULTS, Defaults
from kb.train_rows import background_texts, entries_of
from kb.workshop import Base

_LANGUAGES = ("en", "de", "zh", "ru")
"""Of xquad: questions in each about passages in each of the first three."""
_STRANGERS = 36
"""Questions of each other set that have nothing to do with a base of documents."""


@dataclass(slots=True)
class _Seen:
    """What was learned from so far."""

    names: list[str] = field(default_factory=list)
    passages: list[list[Example]] = field(default_factory=list)
    judged: dict[str, list[Judged]] = field(default_factory=dict)
    faqs: list[list[Example]] = field(default_factory=list)
    several: list[Labelled] = field(default_factory=list)
    single: list[Labelled] = field(default_factory=list)


def _sets() -> list[Measured]:
    """Return the sets of `make bench-quality`, and more pairs of languages."""
    pairs = [
        Measured(f"xquad {ask}→{kb}", "xquad", Options(ask=ask, kb=kb))
        for ask in _LANGUAGES
        for kb in _LANGUAGES[:3]
    ]
    others = [replace(each, options=replace(each.options, leave_out=False)) for each in SETS]
    return [each for each in others if each.folder != "xquad"] + pairs


async def _look(
    path: Path, each: Measured, evalset: EvalSet, strangers: Sequence[EvalQuestion], seen: _Seen
) -> None:
    """Ask a set's questions of its base."""
    files = [IncomingFile(name, data=data) for name, data in sorted(evalset.files.items())]
    async with open_knowledge(read_config(), base_paths(path, each.options)) as knowledge:
        await knowledge.releases.open_or_rebuild()
        await make_it_hold(knowledge, files)
        await knowledge.trainer.ensure()
        view = await knowledge.index.view()
        ranker = await knowledge.trainer.ranker(view.release)
        labelled = await _labelled(knowledge, evalset)
        questions = evalset.questions
        if labelled is None:
            seen.judged[each.name] = [
                example
                for question in (*questions, *strangers)
                for example in await examples_of(
                    question,
                    embedder=knowledge.searched,
                    view=view,
                    ranker=ranker,
                    by_document=evalset.by_document,
                )
            ]
        elif _several(labelled.base):
            questions = _variants(evalset, len(questions))
        found = (
            await examples(
                questions,
                view=view,
                embedder=knowledge.searched,
                ranker=ranker,
                kind="passage" if labelled is None else "faq",
            )
            if not evalset.by_document
            else []
        )
    seen.names.append(each.name)
    if labelled is None:
        seen.passages += [found] if found else []
        return
    seen.faqs.append(found)
    (seen.several if _several(labelled.base) else seen.single).append(labelled)


def _strangers(each: Measured, loaded: dict[str, tuple[Measured, EvalSet]]) -> list[EvalQuestion]:
    """Return messages that have nothing to do with a set."""
    found = [EvalQuestion(f"off {text}", text, frozenset()) for text in background_texts()[::2]]
    for name, (other, evalset) in loaded.items():
        if other.folder != each.folder:
            step = max(len(evalset.questions) // _STRANGERS, 1)
            found += [
                EvalQuestion(f"{name} {question.question_id}", question.text, frozenset())
                for question in evalset.questions[::step]
            ]
    return found


def _several(base: Base) -> bool:
    """Tell whether entries have variants, so that these can be asked instead of questions."""
    return len(base.texts) >= 1.5 * len(base.answers)


def _variants(evalset: EvalSet, sample: int) -> tuple[EvalQuestion, ...]:
    """Return the variants of the entries as questions."""
    found = []
    for data in evalset.files.values():
        for row in map(json.loads, data.decode().splitlines()):
            for number, text in enumerate(dict.fromkeys(row.get("variants", ()))):
                found.append(EvalQuestion(f"{row['id']} {number}", text, frozenset({row["id"]})))
    step = max(len(found) // sample, 1) if sample else 1
    return tuple(found[::step])


async def _labelled(knowledge: Knowledge, evalset: EvalSet) -> Labelled | None:
    """Return the entries of a base with the set's questions; ``None`` if it has none."""
    rows, stored = await knowledge.index.all_rows()
    entries = entries_of(rows)
    if not entries.texts:
        return None
    background = background_texts()
    base = Base(
        tuple(entries.texts),
        stored[entries.places],
        np.asarray(entries.owners, np.int64),
        tuple(entries.answers),
        tuple(background),
        await knowledge.trainer.background_vectors(background),
    )
    numbers = {row.entry_id: entries.numbers[row.chunk_id] for row in rows if row.kind == "faq"}
    asked = [
        (question.text, numbers[min(question.relevant)])
        for question in evalset.questions
        if question.relevant <= numbers.keys() and question.relevant
    ]
    texts = tuple(text for text, _ in asked)
    owners = np.asarray([number for _, number in asked], np.int64)
    spoken = {row.language for row in rows if row.kind == "faq"}
    across = not any(question.language[:2] in spoken for question in evalset.questions)
    vectors = await knowledge.searched.embed_queries(texts)
    return Labelled(base, texts, vectors, owners, across)


async def _learn(data: Path, chosen: Sequence[Measured], sample: int) -> dict[str, object]:
    seen = _Seen()
    loaded: dict[str, tuple[Measured, EvalSet]] = {}
    for each in chosen:
        if (data / each.folder).is_dir():
            evalset = await asyncio.to_thread(
                load_evalset,
                data / each.folder,
                ask=each.options.ask,
                kb=each.options.kb,
                sample=sample,
            )
            loaded[each.name] = each, evalset
    for number, (each, evalset) in enumerate(loaded.values(), start=1):
        say(f"{each.name}: {number} of {len(loaded)} …")
        await _look(data / each.folder, each, evalset, _strangers(each, loaded), seen)
    if not seen.names:
        raise Failed(f"There is no labelled set in {str(data)!r} to learn from.")
    before = Defaults.load()
    rows = dict(before.rows)
    passages = dict(before.passages)
    if seen.faqs:
        rows["faq"] = learn_rows(seen.faqs)
    if seen.passages:
        rows["passage"] = learn_rows(seen.passages)
    if seen.judged:
        passages.update(learn(seen.judged))
    say("Entries …")
    return to_json(
        f"Learned by `python -m app.learn` for the default embedding model from {len(seen.names)} "
        f"sets: {', '.join(seen.names)}. What none of them could teach was kept. Licences and "
        "figures: docs/retrieval.md.",
        rows=rows,
        passages=passages,
        several=learn_entries(seen.several) if seen.several else before.several,
        single=learn_entries(seen.single) if seen.single else before.single,
    )


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the labelled sets.")],
    out: Annotated[Path, typer.Option(help="File to write.")] = DEFAULTS,
    only: Annotated[str, typer.Option(help="Only sets whose name has these letters.")] = "",
    without: Annotated[str, typer.Option(help="No set whose name has these letters.")] = "",
    sample: Annotated[int, typer.Option(help="Ask so many questions of each set; 0: all.")] = 300,
) -> None:
    """Learn the weights that judge passages, single questions and bases that are not trained."""
    chosen = [
        each for each in _sets() if only in each.name and not (without and without in each.name)
    ]
    try:
        learned = asyncio.run(_learn(data, chosen, sample))
    except Failed as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    out.write_text(json.dumps(learned, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    say(f"Written: {out}")


if __name__ == "__main__":
    typer.run(main)
