"""What training is given: the entries of a release, numbered, and off-topic messages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.types import Matrix
from kb.index.rows import Row
from kb.ranking.features import Rarity, char_bags, stem_bags
from kb.text.spelling import vocabulary

SECOND = "second.npy"
"""Vectors of a second embedder, for training."""
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
class Entries:
    """The entries of a release in the order that training gives them."""

    texts: list[str]
    owners: list[int]
    answers: list[str]
    numbers: dict[str, int]
    places: list[int]
    """Place of each text among the rows of the index."""


def background_texts() -> list[str]:
    """Return the off-topic messages that ship with the project."""
    lines = _BACKGROUND.read_text("utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def count(rows: Sequence[Row], target: Path) -> Entries | None:
    """Write the words and how rare they are, and return the entries if they can be trained."""
    texts = [row.text for row in rows]
    np.save(target / "all_chars.npy", Rarity.of_texts(texts, char_bags).idf)
    read = [f"{row.title}\n{row.text}\n{row.answer}" for row in rows]
    np.save(target / "all_words.npy", Rarity.of_texts(read, stem_bags).idf)
    (target / VOCABULARY).write_text(json.dumps(vocabulary(read)), "utf-8")
    entries = entries_of(rows)
    wordings, answers = len(entries.texts), len(entries.answers)
    trainable = 0 < wordings <= MOST_ROWS and wordings * answers <= _MOST_WEIGHTS
    return entries if trainable and wordings >= _SEVERAL * answers else None


def entries_of(rows: Sequence[Row]) -> Entries:
    """Number the entries; the same text with the same answer is one, wherever it stands."""
    by_content: dict[tuple[str, str], int] = {}
    numbers: dict[str, int] = {}
    answers: list[str] = []
    found: set[tuple[int, str]] = set()
    kept: list[tuple[int, str, int]] = []
    order = sorted(
        (place for place, row in enumerate(rows) if row.kind == "faq"),
        key=lambda place: (rows[place].chunk_id, rows[place].position),
    )
    for place in order:
        row = rows[place]
        number = by_content.setdefault((row.chunk_text, row.answer), len(by_content))
        numbers[row.chunk_id] = number
        if number == len(answers):
            answers.append(row.answer)
        if (number, row.text) not in found:
            found.add((number, row.text))
            kept.append((number, row.text, place))
    kept.sort(key=lambda item: item[0])
    return Entries(
        texts=[text for _, text, _ in kept],
        owners=[number for number, _, _ in kept],
        answers=answers,
        numbers=numbers,
        places=[place for _, _, place in kept],
    )


def hand_over(
    source: Path,
    entries: Entries,
    vectors: Matrix,
    background: Sequence[str],
    background_vectors: Matrix,
    second: Matrix | None,
) -> None:
    """Write what the training process reads."""
    if second is not None:
        np.save(source / SECOND, second)
    np.save(source / "vectors.npy", vectors[entries.places])
    np.save(source / "background.npy", background_vectors)
    base = {
        "texts": entries.texts,
        "owners": entries.owners,
        "answers": entries.answers,
        "background": list(background),
    }
    (source / "base.json").write_text(json.dumps(base), "utf-8")
