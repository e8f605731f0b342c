"""What a knowledge base's own questions would have been told, had they been asked.

Every question and variant is asked against the base without itself (its entry is the answer), and
against the base without its entry (there is no answer); a list of off-topic messages is asked,
too. What the votes of the kernel machine would be in each case follows from one matrix inverse.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from scipy.sparse import csr_array

from kb.ranking.calibration import Doubles
from kb.ranking.features import Floats, Ints, Rarity, char_bags, stem_bags, with_values
from kb.ranking.kernel import BROAD, SHARP, Kernel, Votes, entry_evidence, joint
from kb.ranking.training_rows import TrainingSet
from kb.text.segmentation import normalise

_DENSE_ROWS = 100
_TEXT_ROWS = 50
"""Rows that make an entry a candidate, as in `kb.ranking.retriever`."""
_MOST_CANDIDATES = 40
_MOST_QUESTIONS = 1500
"""Questions that are asked in each of the two ways; more change nothing but the time."""

ANSWERED, NEAR, FAR = 0.7, 0.05, 0.25
"""Shares of questions with an answer, without one though of this base's subject, and off-topic:
what a service may meet. Chosen in docs/notes/ranking.md."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, as answering would see it."""

    votes: Votes
    candidates: Ints
    entry: int
    """The right one; -1: there is none."""
    evidence: Floats
    share: float


class LeaveOneOut:
    """The matrices from which all votes follow."""

    def __init__(self, given: TrainingSet) -> None:
        """Take the texts of at least one entry; raises `ValueError` if a vector is not finite."""
        if not np.isfinite(given.vectors).all():
            raise ValueError("a vector of the index is not a number")
        self.given = given
        self.n = len(given.texts)
        self.entries = int(given.owners.max()) + 1
        everything = np.concatenate([given.vectors, given.background_vectors])
        self.middle = given.vectors.mean(0).astype(np.float32)
        away = everything - self.middle
        self.lengths = np.maximum(np.linalg.norm(away, axis=1), 1e-9).astype(np.float32)
        self.rows = (away / self.lengths[:, None]).astype(np.float32)
        bags = char_bags([*given.texts, *given.background])
        self.rarity = Rarity.of([bags[: self.n]])
        self.letters = self.rarity.weighted(bags)
        self.char = (self.letters @ self.letters.T).toarray()
        self.dense = everything @ everything.T
        self.cosine = np.clip(self.rows @ self.rows.T, -1, 1)
        self.groups = self._groups()
        targets = np.zeros((len(everything), self.entries + 1))
        targets[np.arange(self.n), given.owners] = 1
        targets[self.n :, -1] = 1
        self._targets = targets
        self.broad = self.solve(BROAD, self.cosine)
        self.sharp = self.solve(SHARP, self.cosine)
        self.total = np.zeros((self.entries, self.rows.shape[1]), np.float32)
        np.add.at(self.total, given.owners, self.rows[: self.n])
        self.answers = self.rarity.weighted(char_bags(given.answers))
        self.answer = (self.letters @ self.answers.T).toarray()
        words = stem_bags([*given.texts, *given.background])
        self.words = with_values(words, np.ones_like(words.data))
        self.word_rarity = Rarity.of([words[: self.n]])
        rows = np.ones(self.n, np.float32), given.owners, np.arange(self.n + 1)
        owned = csr_array(rows, shape=(self.n, self.entries)).T.tocsr()
        self.entry_words = owned @ self.words[: self.n] + (stem_bags(given.answers) > 0)
        """How many texts of each entry have each word, shape (entries, words)."""

    def _groups(self) -> list[Ints]:
        """Return the rows that are the same text to a reader, by entry; each row is in one."""
        found: dict[tuple[int, str], list[int]] = {}
        for row, (entry, text) in enumerate(zip(self.given.owners, self.given.texts, strict=True)):
            found.setdefault((int(entry), normalise(text)), []).append(row)
        return [np.asarray(rows) for rows in found.values()]

    def solve(self, shape: tuple[float, float, float], cosine: Floats) -> "Solved":
        """Fit the votes of all rows, given the cosine of each two, shape (rows, rows)."""
        kernel = joint(cosine, self.char, shape).astype(np.float64)
        sizes = np.bincount(self.given.owners).astype(float)
        # An entry with many variants has to explain each of them less exactly.
        own = np.sqrt(sizes / np.exp(np.log(sizes).mean()))[self.given.owners]
        ridge = np.concatenate([own, np.ones(len(kernel) - self.n)]) * shape[2]
        kernel[np.diag_indices_from(kernel)] += ridge
        factor = scipy.linalg.cholesky(kernel, lower=True, overwrite_a=True, check_finite=False)
        inverse, _ = scipy.linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        return Solved(inverse, inverse @ self._targets, self._targets)

    def kernel(self) -> Kernel:
        """Return what answering needs."""
        norms = np.maximum(np.linalg.norm(self.total, axis=1, keepdims=True), 1e-9)
        return Kernel(
            middle=self.middle,
            rows=self.rows,
            lengths=self.lengths,
            tilts=self.rows @ self.middle,
            owners=self.given.owners,
            letters=self.letters,
            char_idf=self.rarity.idf,
            broad=self.broad.duals[:, :-1].T.astype(np.float16),
            sharp=self.sharp.duals.T.astype(np.float16),
            centres=self.total / norms,
            answers=self.answers,
            word_idf=self.word_rarity.idf,
            words=self.entry_words,
        )

    def asked(self) -> Iterator[Asked]:
        """Ask every question in turn, without itself, without its entry, and the off-topic ones."""
        owners = self.given.owners
        sizes = np.bincount(owners, minlength=self.entries)
        several = [g for g in self.groups if len(g) < sizes[owners[g[0]]]]
        for group, share in _spread(several, ANSWERED):
            yield self._ask(group[0], group, int(owners[group[0]]), share)
        for group, share in _spread(self.groups if self.entries > 1 else (), NEAR):
            yield self._ask(group[0], np.flatnonzero(owners == owners[group[0]]), -1, share)
        for group, share in _spread([np.asarray([r]) for r in range(self.n, len(self.rows))], FAR):
            yield self._ask(group[0], group, -1, share)

    def _ask(self, row: int, out: Ints, entry: int, share: float) -> Asked:
        """Ask the text of a row of a base without the rows `out`."""
        alive = ~np.isin(np.arange(self.n), out)
        dense, char = self.dense[row, : self.n], self.char[row, : self.n]
        rows = np.flatnonzero(alive)
        near = rows[np.argsort(-dense[rows], kind="stable")[:_DENSE_ROWS]]
        alike = rows[np.argsort(-char[rows], kind="stable")[:_TEXT_ROWS]]
        candidates = self.candidates(np.concatenate([near, alike]))
        own = int(self.given.owners[row]) if row < self.n else -1
        totals = self.total[candidates]
        if own >= 0:
            totals = totals - np.where(
                (candidates == own)[:, None], self.rows[out[out < self.n]].sum(0), 0
            )
        norms = np.maximum(np.linalg.norm(totals, axis=1), 1e-9)
        broad = self.broad.without(row, out)
        sharp = self.sharp.without(row, out)
        votes = Votes(
            dense=dense,
            char=char,
            broad=broad[candidates].astype(np.float32),
            sharp=sharp[candidates].astype(np.float32),
            none=float(sharp[-1]),
            centre=np.asarray(totals @ self.rows[row] / norms, np.float32),
            answer=self.answer[row, candidates],
            lacks=self._lacks(row, out, candidates),
        )
        evidence = entry_evidence(votes, self.given.owners, candidates, alive)
        return Asked(votes, candidates, entry, evidence, share)

    def _lacks(self, row: int, out: Ints, candidates: Ints) -> Floats:
        asked = self.words[[row]].indices
        if not len(asked):
            return np.zeros(len(candidates), np.float32)
        there = self.entry_words[candidates][:, asked].toarray()
        if row < self.n:
            # What is left out are rows with the very words of this one.
            there[candidates == self.given.owners[row]] -= len(out)
        weight = self.word_rarity.idf[asked]
        return np.asarray((there <= 0) @ weight / weight.sum(), np.float32)

    def candidates(self, found: Ints) -> Ints:
        """Return the entries to judge where a search found these rows, the best first."""
        owners = self.given.owners[found]
        _, first = np.unique(owners, return_index=True)
        return np.sort(owners[np.sort(first)[:_MOST_CANDIDATES]])


@dataclass(frozen=True, slots=True)
class Solved:
    """A fitted ridge regression."""

    inverse: Doubles
    duals: Doubles
    targets: Doubles

    def without(self, row: int, out: Ints) -> Doubles:
        """Return the votes for `row` of a regression that never saw the rows `out`."""
        block = self.inverse[np.ix_(out, out)]
        found = self.targets[out] - np.linalg.solve(block, self.duals[out])
        return np.asarray(found[int(np.flatnonzero(out == row)[0])])


def _spread(groups: Sequence[Ints], share: float) -> Iterator[tuple[Ints, float]]:
    """Yield up to `_MOST_QUESTIONS` of the groups, evenly spread, with the weight of each."""
    if not groups:
        return
    chosen = np.linspace(0, len(groups) - 1, min(len(groups), _MOST_QUESTIONS)).astype(int)
    for place in chosen:
        yield groups[place], share / len(chosen)
