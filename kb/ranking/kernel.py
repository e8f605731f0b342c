"""What a knowledge base's own questions say about a new one: a kernel machine over all of them.

Each question and variant of an entry votes for its entry with a weight learned from all others
(kernel ridge regression on meaning and characters together, with off-topic messages as examples
of "no entry"). Two kernels: a broad one finds the entry, a sharp one tells whether there is one.
Fitted by `kb.ranking.training_child`; here is only what answering needs, in numpy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from core.types import Vector
from kb.ranking.calibration import Linear
from kb.ranking.features import (
    BAG_PARTS,
    Bags,
    Bools,
    Floats,
    Ints,
    Rarity,
    best_and_mean,
    joined_bags,
    margin,
    question_bags,
)

BROAD = (2.0, 0.15, 0.1)
SHARP = (4.0, 0.25, 0.5)
"""Sharpness, share of characters, ridge. Chosen by leave-one-out accuracy on four sets and by
clinc150's validation part; halving or doubling each changes R@1 by less than .01."""

EVIDENCE = (
    "kernel", "kernel_margin", "best", "mean", "margin", "char", "char_mean", "char_margin",
    "centre", "centre_margin", "answer", "answer_margin",
)  # fmt: skip
"""Features of a candidate entry, in the order of the weights; see `entry_evidence`."""

CONFIDENCE = (
    "lead", "sharp", "sharp_norm", "sharp_best", "none", "kernel", "best", "centre", "lacks"
)  # fmt: skip
"""Features of the best candidate, from which the probability that it answers is computed."""


@dataclass(frozen=True, slots=True)
class Models:
    """What turns evidence into probabilities."""

    rank: Linear
    """Ranks candidates by their `EVIDENCE`."""
    sure: Linear
    """Probability that the best candidate answers, from its `CONFIDENCE`."""

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a JSON file."""
        return {f.name: getattr(self, f.name).to_json() for f in fields(self)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned."""
        return cls(**{f.name: Linear.from_json(values[f.name]) for f in fields(cls)})


@dataclass(frozen=True, slots=True)
class Votes:
    """What every row and entry of the base says about one question."""

    dense: Floats
    """Cosine similarity of each row, shape (rows,)."""
    char: Floats
    """tf-idf cosine of the character n-grams of each row, shape (rows,)."""
    broad: Floats
    """Votes of the broad kernel for each candidate, shape (candidates,)."""
    sharp: Floats
    none: float
    """Vote of the sharp kernel for "no entry"."""
    centre: Floats
    """Cosine with the middle of each candidate's questions, shape (candidates,)."""
    answer: Floats
    """tf-idf cosine with the characters of each candidate's answer, shape (candidates,)."""
    lacks: Floats
    """Share of the question's content words, by rarity, that stand neither in each candidate's
    questions nor in its answer; shape (candidates,)."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A fitted kernel machine. The rows of the off-topic messages come after the base's own."""

    middle: Floats
    """Mean of the base's vectors, shape (dim,); distances are taken from here."""
    rows: Floats
    """Vector of each row, from the middle, unit length; shape (rows + background, dim)."""
    lengths: Floats
    """Length that each row had before."""
    tilts: Floats
    """Product of each row with the middle."""
    owners: Ints
    """Entry of each row of the base, ascending; shape (rows,)."""
    letters: Bags
    """Character n-grams of each row, tf-idf, unit length."""
    answers: Bags
    """The same of each entry's answer."""
    char_idf: Floats
    broad: npt.NDArray[np.float16]
    """Weight of each row's vote for each entry, shape (entries, rows + background)."""
    sharp: npt.NDArray[np.float16]
    """The same of the sharp kernel, and "no entry" as the last line."""
    centres: Floats
    """Middle of each entry's rows, unit length, shape (entries, dim)."""
    word_idf: Floats
    words: Bags
    """Content words of each entry's questions and answer (see `kb.ranking.features.stem_bags`)."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open the arrays in `folder`; they are read from the disk as they are needed."""

        def read(name: str, kind: object = None) -> Any:
            if kind is Bags:
                return joined_bags(*(read(f"{name}-{part}") for part in BAG_PARTS))
            return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r"))

        return cls(**{f.name: read(f.name, f.type) for f in fields(cls)})

    def save(self, folder: Path) -> None:
        """Write each array to a file of its own in `folder`."""
        for field in fields(self):
            value = getattr(self, field.name)
            parts = BAG_PARTS if field.type is Bags else ()
            arrays = {f"{field.name}-{part}": getattr(value, part) for part in parts}
            for name, array in (arrays or {field.name: value}).items():
                np.save(folder / f"{name}.npy", array, allow_pickle=False)

    def ask(self, question: str, vector: Vector, candidates: Ints) -> Votes:
        """Return what the base says about a question, for these entries."""
        away = vector - self.middle
        length = max(float(np.linalg.norm(away)), 1e-9)
        along = np.asarray(self.rows @ away, np.float32)
        centred = np.asarray(along / length, np.float32)
        n = len(self.owners)
        # Length and angle from the middle give back the cosine of the vectors as they were.
        dense = (self.lengths * (along + self.tilts))[:n] + np.float32(self.middle @ vector)
        letters = Rarity(self.char_idf).weighted(question_bags(question)[0]).toarray()[0]
        char = self.letters @ letters
        broad = np.asarray(
            self.broad[candidates].astype(np.float32) @ joint(centred, char, BROAD), np.float32
        )
        lines = np.append(candidates, len(self.sharp) - 1)
        sharp = np.asarray(
            self.sharp[lines].astype(np.float32) @ joint(centred, char, SHARP), np.float32
        )
        answer = self.answers[candidates] @ letters
        centre = np.asarray(self.centres[candidates] @ away / length, np.float32)
        asked = question_bags(question)[1]
        lacks = (asked.nnz > 0) - Rarity(self.word_idf).coverage(asked, self.words[candidates])
        return Votes(dense, char[:n], broad, sharp[:-1], float(sharp[-1]), centre, answer, lacks)


def entry_evidence(votes: Votes, owners: Ints, candidates: Ints, alive: Bools) -> Floats:
    """Return the features of the candidates, shape (candidates, len(EVIDENCE)).

    `owners` has the entry of each row of the base; `candidates` are entries, ascending, of which
    each has at least one row `alive`: training leaves out the very row that it asks about.
    """
    number = np.full(int(owners.max()) + 1, -1)
    number[candidates] = np.arange(len(candidates))
    owner = np.where(alive, number[owners], -1)
    mine = owner >= 0
    owner = owner[mine]
    best, mean = best_and_mean(owner, votes.dense[mine], len(candidates))
    char, char_mean = best_and_mean(owner, votes.char[mine], len(candidates))
    columns = [
        votes.broad,
        margin(votes.broad),
        best,
        mean,
        margin(best),
        char,
        char_mean,
        margin(char),
        votes.centre,
        margin(votes.centre),
        votes.answer,
        margin(votes.answer),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def confidence_features(votes: Votes, evidence: Floats, scores: Floats) -> Floats:
    """Return the features of the best candidate, shape ``(len(CONFIDENCE),)``.

    `evidence` and `scores`, from the model that ranks, are those of all candidates.
    """
    top = int(np.argmax(scores))
    lead = float(scores[top] - np.logaddexp.reduce(scores))
    positive = np.maximum(votes.sharp, 0)
    values = [
        lead,
        votes.sharp[top],
        float(np.sqrt((positive * positive).sum())),
        float(votes.sharp.max()),
        votes.none,
        votes.broad[top],
        evidence[top, EVIDENCE.index("best")],
        votes.centre[top],
        votes.lacks[top],
    ]
    return np.asarray(values, np.float32)


def joint(dense: Floats, char: Floats, shape: tuple[float, float, float]) -> Floats:
    """Return the kernel of meaning (cosine) and characters (cosine) together."""
    sharpness, share, _ = shape
    return np.asarray((1 - share) * np.exp(sharpness * (dense - 1)) + share * char, np.float32)
