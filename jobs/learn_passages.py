"""Learn how sure the best passage is (`kb.passages`) from labelled sets of documents.

Each question is asked as the base is, without the passage that answers it, and both once more in
a base thinned to a few passages, where everything else is farther away. A passage that comes first
and answers is right; without the passage that answers, none is. Questions that have nothing to do
with the base (of other sets, in other languages, `kb/data/background.txt`) are asked as well.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.protocols import Embedder
from core.types import Chunk
from jobs.evalset import EvalQuestion
from kb.calibrate import Doubles, Linear, blank, fit_logistic
from kb.features import Bools, Floats
from kb.passages import SORTS, Sort
from kb.rank import FoundRow, Ranker
from kb.retrieve import SearchView

LEFT_OUT = 0.4
"""Weight of the questions without answer. Half would be right for tests that ask each question
once more without its passage; customers ask more that can be answered."""
OFF_TOPIC: Mapping[Sort, float] = {"spaced": 0.1, "han": 0.1, "across": 0.4}
"""Weight of the off-topic messages against that of all other examples of their sort. Without any,
a tenth to a sixth of such messages are answered from a passage. Across languages, where words
prove nothing, it takes more to keep them out."""
_PENALTY = 1e-3
"""Of the squared weights against the mean loss: the features are few and the examples many."""
_THINNED = (0.03, 0.06, 0.12, 0.25)
"""Shares of the base that are left, by question."""
_FEWEST = 150
"""Examples of one sort that a set must have to count for it."""
_DENSE_ROWS, _TEXT_ROWS = 100, 50
"""As many rows as `kb.retrieve` looks at; more are asked for, since some are left out."""
_SPARE = 20


@dataclass(frozen=True, slots=True)
class Example:
    """A question, and the best passage that was found for it."""

    question_id: str
    features: Floats
    """In the order of `kb.passages.FEATURES`."""
    sort: Sort
    right: bool
    """Whether the passage answers."""
    left_out: bool
    """Whether the passage that answers was left out."""
    thinned: bool
    off_topic: bool = False
    """Whether the question has nothing to do with the base."""


async def examples_of(
    question: EvalQuestion,
    *,
    embedder: Embedder,
    view: SearchView,
    ranker: Ranker,
    by_document: bool,
) -> list[Example]:
    """Ask a question with a known passage in four ways; fewer where nothing was found.

    Args:
        question: with `relevant`; an off-topic message has none and is asked in two ways.
        embedder: what the rows were embedded with.
        view: of the set's knowledge base.
        ranker: of this base.
        by_document: whether labels name files instead of passages.
    """
    vector = await embedder.embed_query(question.text)
    dense, text = await asyncio.gather(
        view.search_dense(vector, _DENSE_ROWS + _SPARE),
        view.search_text(question.text, _TEXT_ROWS + _SPARE),
    )

    def answers(chunk: Chunk) -> bool:
        label = chunk.doc_id if by_document else chunk.entry_id
        return label in question.relevant

    found: list[Example] = []
    for thinned in (False, True):
        for left_out in (False, True) if question.relevant else (True,):
            kept = _kept(question.question_id, answers, left_out=left_out, thinned=thinned)
            read = ranker.read_passages(
                question.text,
                dense=[row for row in dense if kept(row)][:_DENSE_ROWS],
                text=[row for row in text if kept(row)][:_TEXT_ROWS],
            )
            if read is not None:
                found.append(
                    Example(
                        question.question_id,
                        read.features,
                        read.sort,
                        right=not left_out and answers(read.best),
                        left_out=left_out,
                        thinned=thinned,
                        off_topic=not question.relevant,
                    )
                )
    return found


def _kept(
    question_id: str, answers: Callable[[Chunk], bool], *, left_out: bool, thinned: bool
) -> Callable[[FoundRow], bool]:
    """Return which rows are in the base, the same ones with and without the answer."""
    share = _THINNED[int(_fraction(question_id) * len(_THINNED))] if thinned else 1.0

    def kept(row: FoundRow) -> bool:
        if answers(row.chunk):
            return not left_out
        key = f"{question_id}\0{row.chunk.doc_id}\0{row.chunk.entry_id}"
        return not thinned or _fraction(key) < share

    return kept


def _fraction(text: str) -> float:
    """Return a number from 0 to below 1 that depends on the text only."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) / 2**32


def learn(sets: Mapping[str, Sequence[Example]]) -> dict[Sort, Linear]:
    """Fit the weights of each sort of question and passage.

    Every set counts the same, the whole base as much as the thinned ones; off-topic messages of
    all sets together the share `OFF_TOPIC` of that. A sort that no set has enough examples of is
    left out.
    """
    learned: dict[Sort, Linear] = {}
    for sort in SORTS:
        parts = [
            part
            for examples in sets.values()
            for thinned in (False, True)
            if len(part := [e for e in examples if _is_of(e, sort, thinned=thinned)]) >= _FEWEST
        ]
        strange = [e for es in sets.values() for e in es if e.sort == sort and e.off_topic]
        if parts:
            learned[sort] = _fit(parts, strange, OFF_TOPIC[sort])
    return learned


def _is_of(example: Example, sort: Sort, *, thinned: bool) -> bool:
    return (example.sort, example.thinned, example.off_topic) == (sort, thinned, False)


def _fit(
    parts: Sequence[Sequence[Example]], strange: Sequence[Example], off_topic: float
) -> Linear:
    every = [*(e for part in parts for e in part), *strange]
    features: Floats = np.stack([e.features for e in every])
    right: Bools = np.asarray([e.right for e in every])
    off = np.full(len(strange), off_topic * len(parts) / max(len(strange), 1))
    share: Doubles = np.concatenate([*(_shares(part) for part in parts), off])
    return fit_logistic(features, right, share, blank(features), penalty=_PENALTY)


def _shares(part: Sequence[Example]) -> Doubles:
    """Return the weight of each example: `LEFT_OUT` of the whole for those without answer."""
    out = np.asarray([example.left_out for example in part])
    without = max(int(out.sum()), 1)
    return np.where(out, LEFT_OUT / without, (1 - LEFT_OUT) / max(len(out) - without, 1))
