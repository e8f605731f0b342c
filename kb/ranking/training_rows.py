"""What training is given: the entries of a release, numbered, and off-topic messages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.types import Matrix
from kb.index.rows import Row
from kb.ranking.features import Ints, Rarity, char_bags, stem_bags
from kb.text.spelling import vocabulary

VOCABULARY = "vocabulary.json"
"""Words of the release with how often they stand in it."""
PAIR = "pair"
"""Folder of what was trained with both embedders, and its key among what was fitted."""

_BACKGROUND = Path(__file__).parent / "data" / "background.txt"
MOST_ROWS = 6_000
_SEVERAL = 1.5
"""Wordings an entry, on average, from which the base's own questions say something."""
_MOST_WEIGHTS = 12_000_000
"""Larger bases are judged by the found rows alone: the kernel would take too long to train (its
time grows with the cube of the rows: 20 s for 6,000) and too much memory to ask."""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The entries of a knowledge base, and the off-topic messages."""

    texts: tuple[str, ...]
    vectors: Matrix
    owners: Ints
    """Entry of each text, ascending from 0."""
    answers: tuple[str, ...]
    """By entry."""
    background: tuple[str, ...]
    background_vectors: Matrix

    @property
    def can_be_trained(self) -> bool:
        """Whether entries have several wordings, and not too many."""
        wordings, answers = len(self.texts), len(self.answers)
        small = 0 < wordings <= MOST_ROWS and wordings * answers <= _MOST_WEIGHTS
        return small and wordings >= _SEVERAL * answers


def background_texts() -> tuple[str, ...]:
    """Return the off-topic messages that ship with the project."""
    lines = _BACKGROUND.read_text("utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def count(rows: Sequence[Row], target: Path) -> None:
    """Write the words of rows, and how rare words and letters are."""
    texts = [row.text for row in rows]
    np.save(target / "all_chars.npy", Rarity.of_texts(texts, char_bags).idf)
    read = [f"{row.title}\n{row.text}\n{row.answer}" for row in rows]
    np.save(target / "all_words.npy", Rarity.of_texts(read, stem_bags).idf)
    (target / VOCABULARY).write_text(json.dumps(vocabulary(read)), "utf-8")


def entries_of(
    rows: Sequence[Row], vectors: Matrix, background: tuple[str, ...], background_vectors: Matrix
) -> tuple[TrainingSet, dict[str, int]]:
    """Return the entries among rows, and the number of each by chunk id.

    The same text with the same answer is one entry, wherever it stands.
    """
    by_content: dict[tuple[str, str], int] = {}
    numbers: dict[str, int] = {}
    kept: dict[tuple[int, str], int] = {}
    order = sorted(
        (place for place, row in enumerate(rows) if row.kind == "faq"),
        key=lambda place: (rows[place].chunk_id, rows[place].position),
    )
    for place in order:
        row = rows[place]
        number = by_content.setdefault((row.chunk_text, row.answer), len(by_content))
        numbers[row.chunk_id] = number
        kept.setdefault((number, row.text), place)
    texts = sorted(kept, key=lambda one: one[0])
    given = TrainingSet(
        texts=tuple(text for _, text in texts),
        vectors=vectors[[kept[one] for one in texts]],
        owners=np.asarray([number for number, _ in texts], np.int64),
        answers=tuple(answer for _, answer in by_content),
        background=background,
        background_vectors=background_vectors,
    )
    return given, numbers
