"""Group questions that ask the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from core.errors import ModelError
from core.protocols import Embedder
from core.recent import Recent
from core.types import Matrix, Vector
from kb.text.segmentation import normalise

_REMEMBERED = 1_000
SAME = 0.94
"""Cosine from which two questions are taken for one. Measured with multilingual-e5-small on the
variants of two shops' entries (hint3): of pairs this near .83 and .89 belong to one entry; at .92
it is .74 and .79. A model whose cosines are lower puts fewer together, which only costs a look."""
NEAR = 0.92
"""Cosine from which merging is suggested to an operator."""


@dataclass(frozen=True)
class Alike:
    """Groups questions by meaning. What is known of a question is kept while the process runs."""

    embedder: Embedder
    _vectors: Recent[str, Vector] = field(
        default_factory=lambda: Recent(_REMEMBERED), init=False, repr=False
    )

    async def group(self, questions: Sequence[str]) -> list[list[int]]:
        """Return the positions of questions that ask the same, in order of the first of each.

        Every position is in exactly one group. Without the model only equal wordings are grouped.
        """
        keys = [*map(key_of, questions)]
        wordings = list(dict.fromkeys(keys))
        try:
            vectors = await self._embedded(wordings)
        except ModelError:
            vectors = None
        leaders: list[int] = []
        group_of: dict[str, int] = {}
        for row, key in enumerate(wordings):
            group_of[key] = len(leaders)
            if vectors is not None and leaders:
                cosines = vectors[leaders] @ vectors[row]
                if cosines.max() >= SAME:
                    group_of[key] = int(np.argmax(cosines))
            if group_of[key] == len(leaders):
                leaders.append(row)
        groups: list[list[int]] = [[] for _ in leaders]
        for number, key in enumerate(keys):
            groups[group_of[key]].append(number)
        return groups

    async def by_nearness(self, question: str, others: Sequence[str]) -> list[tuple[int, float]]:
        """Return the positions of other questions with their cosines, the nearest first.

        Without the model they stay as they are, none of them near.
        """
        try:
            vectors = await self._embedded([*map(key_of, (question, *others))])
        except ModelError:
            return [(place, 0.0) for place in range(len(others))]
        cosines = vectors[1:] @ vectors[0]
        return [(int(n), float(cosines[n])) for n in np.argsort(-cosines, kind="stable")]

    async def vectors(self, questions: Sequence[str]) -> Matrix:
        """Return the vectors of questions; of those that were grouped lately without the model.

        Raises:
            ModelError: if the embedding model fails.
        """
        return await self._embedded([*map(key_of, questions)])

    async def _embedded(self, keys: Sequence[str]) -> Matrix:
        known = {key: vector for key in keys if (vector := self._vectors.get(key)) is not None}
        new = [key for key in dict.fromkeys(keys) if key not in known]
        vectors = await self.embedder.embed_queries(new) if new else ()
        for key, vector in zip(new, vectors, strict=True):
            known[key] = vector
            self._vectors.put(key, vector)
        rows = [known[key] for key in keys]
        return np.stack(rows) if rows else np.empty((0, 0), np.float32)


def key_of(question: str) -> str:
    """Return a key that ignores case, blanks and final punctuation."""
    return normalise(question).strip(" .?!。？！")
