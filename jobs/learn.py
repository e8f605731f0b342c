"""Learn the weights that ship (`kb/data/default_rank.json`) from labelled sets.

A base with enough examples is trained on itself (`kb.train`). These weights judge the rest:
passages, entries with one question each, bases too large to train, and every base until it is
trained. They hold for one embedding model.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from core.protocols import Embedder
from core.types import Chunk, ChunkKind, Matrix, Vector
from jobs.evalset import EvalQuestion
from kb.calibrate import Linear, blank, fit_logistic
from kb.features import Bools, Floats, Ints
from kb.kernel import Models, entry_evidence
from kb.passages import SORTS, Sort
from kb.rank import FoundRow, Pool, Ranker
from kb.retrieve import DENSE_ROWS, TEXT_ROWS
from kb.train_child import fit_models
from kb.workshop import ANSWERED, Asked, Base, Workshop

_ROWS_PENALTY = 1e-4


class LearnView(Protocol):
    """A release of the index (`kb.index_view.View`)."""

    async def search_dense(self, vector: Vector, k: int, *, today: str = "") -> Sequence[FoundRow]:
        """Return the `k` rows nearest to a vector."""
        ...

    async def search_text(self, text: str, k: int, *, today: str = "") -> Sequence[FoundRow]:
        """Return the `k` best rows of full-text search."""
        ...


@dataclass(frozen=True, slots=True)
class Example:
    """A question of which is known what answers it, as ranking sees it."""

    evidence: Floats
    """`kb.rank.row_evidence` of the candidates."""
    right: Bools
    """Which candidates answer."""
    without: bool
    """Whether what answers was left out of the base."""


async def examples(
    questions: Iterable[EvalQuestion],
    *,
    view: LearnView,
    embedder: Embedder,
    ranker: Ranker,
    kind: ChunkKind,
    by_document: bool = False,
) -> list[Example]:
    """Ask each answerable question twice: of the whole base, and without what answers it.

    A row that is the question itself is left out: it would be found by anything.

    Args:
        questions: with the ids of what answers.
        view: of the index that holds the base.
        embedder: that the rows were embedded with.
        ranker: of the base, for how rare words are in it.
        kind: of the chunks to judge.
        by_document: whether the ids name files.
    """
    found = []
    for question in questions:
        if not question.relevant:
            continue
        vector = await embedder.embed_query(question.text)
        dense = await view.search_dense(vector, DENSE_ROWS)
        text = await view.search_text(question.text, TEXT_ROWS)
        for without in (False, True):
            pools = []
            for rows in (dense, text):
                kept = [r for r in rows if r.chunk.kind == kind and r.text != question.text]
                if without:
                    kept = [
                        r for r in kept if _label(r.chunk, by_document) not in question.relevant
                    ]
                pools.append(kept)
            pool = Pool.of(*pools)
            if not pool.chunks:
                continue
            right = [_label(chunk, by_document) in question.relevant for chunk in pool.chunks]
            evidence = ranker.evidence(question.text, pool)
            found.append(Example(evidence, np.asarray(right), without))
    return found


def _label(chunk: Chunk, by_document: bool) -> str:
    return chunk.doc_id if by_document else chunk.entry_id


def learn_rows(sets: Sequence[Sequence[Example]]) -> Linear:
    """Fit the probability that a candidate answers, from the evidence of its rows.

    Args:
        sets: examples by set; each set counts as much as another.
    """
    features, right, share = [], [], []
    for found in sets:
        for example in found:
            features.append(example.evidence)
            right.append(example.right)
            share.append(np.full(len(example.right), 1 / len(found)))
    every = np.concatenate(features)
    return fit_logistic(
        every,
        np.concatenate(right),
        np.concatenate(share),
        blank(every),
        penalty=_ROWS_PENALTY,
    )


@dataclass(frozen=True, slots=True)
class Labelled:
    """The entries of a set, and questions about them."""

    base: Base
    questions: tuple[str, ...]
    """Used only where entries have one question each: others are asked their own variants."""
    vectors: Matrix
    """Of `questions`."""
    entries: Ints
    """Which entry answers each question."""
    across: bool = False
    """Whether questions are in another language than entries: words that these lack say nothing."""


def learn_entries(sets: Sequence[Labelled]) -> Models:
    """Fit what judges trained entries, on all of these sets together."""
    asked: list[Asked] = []
    for each in sets:
        workshop = Workshop(each.base)
        kernel = workshop.kernel()
        own = list(workshop.asked())
        alive = np.ones(workshop.n, bool)
        single = workshop.n < 1.5 * workshop.entries
        pairs = zip(each.questions, each.vectors, each.entries, strict=True) if single else ()
        for text, vector, entry in pairs:
            near = np.argsort(-(each.base.vectors @ vector), kind="stable")[:DENSE_ROWS]
            candidates = workshop.candidates(near)
            votes = kernel.ask(text, vector, candidates)
            evidence = entry_evidence(votes, each.base.owners, candidates, alive)
            share = ANSWERED / len(each.questions)
            own.append(Asked(votes, candidates, alive, int(entry), evidence, share))
        for one in own:
            known = replace(one.votes, lacks=one.votes.lacks * (not each.across))
            asked.append(replace(one, votes=known, share=one.share / len(sets)))
    return fit_models(kernel, asked, None).models


def to_json(
    provenance: str,
    *,
    rows: Mapping[ChunkKind, Linear],
    passages: Mapping[Sort, Linear],
    several: Models,
    single: Models,
) -> dict[str, Any]:
    """Return the values of ``default_rank.json``."""
    return {
        "provenance": provenance,
        "rows": {kind: model.to_json() for kind, model in sorted(rows.items())},
        "several": several.to_json(),
        "single": single.to_json(),
        "passages": {sort: passages[sort].to_json() for sort in SORTS},
    }
