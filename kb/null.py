"""How sure a base's passages look about messages that have nothing to do with it.

The weights for passages are learned on public sets. In a small base, or one in another language
than most of its questions, everything looks near: there, off-topic messages (`kb/data/
background.txt`) are asked at training time, and what nearly all of them reach is taken off.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.types import Chunk, Matrix
from kb.calibrate import log_odds
from kb.rank import Ranker
from kb.rows import Row, chunk_of_rows

_MESSAGES = 120
_NEAREST = 100
"""As many rows as a search returns."""
_QUANTILE = 0.95


@dataclass(frozen=True, slots=True)
class _Found:
    """A passage as a search by vector would return it."""

    chunk: Chunk
    text: str
    score: float


def passage_shift(
    ranker: Ranker,
    rows: Sequence[Row],
    vectors: Matrix,
    messages: Sequence[str],
    message_vectors: Matrix,
) -> float:
    """Return the log-odds to take off the passages of a base, 0 or more.

    Afterwards 19 of 20 off-topic messages stay below an even chance.

    Args:
        ranker: of this base, without a shift.
        rows: all rows of the base.
        vectors: of `rows`.
        messages: off-topic.
        message_vectors: of `messages`.
    """
    places = [place for place, row in enumerate(rows) if row.kind == "passage"]
    if not places or not len(messages):
        return 0.0
    step = max(len(messages) // _MESSAGES, 1)
    passages = vectors[places]
    found = [_Found(chunk_of_rows([rows[p]]), rows[p].text, 0.0) for p in places]
    odds = []
    for message, vector in zip(messages[::step], message_vectors[::step], strict=True):
        scores = passages @ vector
        nearest = np.argsort(-scores)[:_NEAREST]
        hits = [_Found(found[i].chunk, found[i].text, float(scores[i])) for i in nearest]
        best = ranker.rank(message, vector, dense=hits, text=())[0].probability
        odds.append(float(log_odds(best)))
    return max(float(np.quantile(odds, _QUANTILE)), 0.0)
