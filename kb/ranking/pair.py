"""Two embedders in one vector: what a second model adds to how entries are judged.

Small models err differently. all-MiniLM-L6-v2 reads English only, and together with
multilingual-e5-small it finds more of the right entries than either alone
(docs/notes/ranking.md). The index keeps the rows of the first model; only `kb.ranking.kernel` asks
the second, for questions in its language, where the base's own questions show that it helps.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from core.types import Matrix, Vector
from kb.ranking.calibration import Doubles, log_odds
from kb.ranking.kernel import Kernel, Models
from kb.text.language import may_be

SHARES = (0.2, 0.5)
"""Shares of the second model in a pair's similarity that training tries beside none at all."""
MOST_ROWS = 3_000
"""Larger bases are scored by the first model alone: with both, training takes twice as long."""

_Rows = TypeVar("_Rows", Vector, Matrix)


@dataclass(frozen=True, slots=True)
class Pair:
    """What training made of both models together."""

    kernel: Kernel
    """Of paired vectors."""
    models: Models
    share: float
    language: str
    """Of the base's questions; one in another language is scored by the first model alone."""

    def reads(self, question: str) -> bool:
        """Tell whether a question may be in the language of the base's own."""
        return may_be(question, self.language)


def paired(first: _Rows, second: _Rows, share: float) -> _Rows:
    """Return unit vectors with the cosine of both models, the second counting `share` (0 to 1).

    `first` and `second` are unit vectors of the same texts, shape (…, dim) each.
    """
    parts = [first * np.float32((1 - share) ** 0.5), second * np.float32(share**0.5)]
    return np.concatenate(parts, axis=-1).astype(np.float32)


def between(one: npt.ArrayLike, other: npt.ArrayLike) -> Doubles:
    """Return the probabilities in the middle of two, by their log-odds.

    A second model makes the order better, and alone would be too sure of it: both together refuse
    best (docs/notes/ranking.md).
    """
    return np.asarray(expit((log_odds(one) + log_odds(other)) / 2))
