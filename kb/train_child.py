"""Fit the ranking of one knowledge base. Runs in a process of its own (`kb.train` starts it).

Every question and variant is asked against the base without itself (its entry is the answer), and
against the base without its entry (there is no answer); a list of off-topic messages is asked,
too. What the votes of the kernel machine would be in each case follows from one matrix inverse.
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.linalg
import scipy.sparse

from core.types import Matrix
from kb.calibrate import (
    Choice,
    Doubles,
    Linear,
    Reliability,
    blank,
    fit_choice,
    fit_logistic,
    reliability,
)
from kb.features import Bools, Floats, Ints, Rarity, char_bags, stem_bags, sums
from kb.kernel import BROAD, SHARP, Kernel, Models, Votes, entry_evidence, joint, sureness
from kb.text import normalise
from kb.unheard import Openness

_DENSE_ROWS = 100
_TEXT_ROWS = 50
"""Rows that make an entry a candidate, as in `kb.retrieve`."""
_MOST_CANDIDATES = 40
_MOST_QUESTIONS = 1500
"""Questions that are asked in each of the two ways; more change nothing but the time."""
_FOLDS = 5

RANK_PENALTY = 0.003
SURE_PENALTY = 0.05
SCALE_PENALTY = 0.001
ANSWERED, NEAR, FAR = 0.7, 0.05, 0.25
"""Shares of questions with an answer, without one though of this base's subject, and off-topic:
what a service may meet. These constants are chosen in docs/retrieval.md."""


@dataclass(frozen=True, slots=True)
class Base:
    """The entries of a knowledge base, and the off-topic messages."""

    texts: tuple[str, ...]
    vectors: Matrix
    owners: Ints
    """Entry of each text, ascending from 0."""
    answers: tuple[str, ...]
    """By entry."""
    background: tuple[str, ...]
    background_vectors: Matrix


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained ranking."""

    kernel: Kernel
    models: Models
    questions: int
    """Questions of the base that the models were fitted on; 0: the prior was kept."""
    reliability: Reliability
    """By cross-validation."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, as answering would see it."""

    votes: Votes
    candidates: Ints
    alive: Bools
    entry: int
    """The right one; -1: there is none."""
    evidence: Floats
    share: float


class Workshop:
    """The matrices from which all votes follow."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self.n = len(base.texts)
        self.entries = int(base.owners.max()) + 1
        everything = np.concatenate([base.vectors, base.background_vectors])
        self.middle = base.vectors.mean(0).astype(np.float32)
        away = everything - self.middle
        self.lengths = np.maximum(np.linalg.norm(away, axis=1), 1e-9).astype(np.float32)
        self.rows = (away / self.lengths[:, None]).astype(np.float32)
        own = char_bags(base.texts)
        self.rarity = Rarity.of(own)
        bags = char_bags([*base.texts, *base.background])
        weights = bags.weights * self.rarity.idf[bags.keys]
        norms = np.sqrt(np.maximum(sums(weights * weights, bags.starts), 1e-12))
        self.bags = replace(bags, weights=np.asarray(weights / norms[bags.owners()], np.float32))
        sparse = scipy.sparse.csr_matrix(
            (self.bags.weights, self.bags.keys, self.bags.starts),
            shape=(len(bags), len(self.rarity.idf)),
        )
        self.char = np.asarray((sparse @ sparse.T).toarray(), np.float32)
        self.dense = everything @ everything.T
        self.cosine = np.clip(self.rows @ self.rows.T, -1, 1)
        self.groups = self._groups()
        targets = np.zeros((len(everything), self.entries + 1))
        targets[np.arange(self.n), base.owners] = 1
        targets[self.n :, -1] = 1
        self.broad = self._solve(BROAD, targets)
        self.sharp = self._solve(SHARP, targets)
        self.total = np.zeros((self.entries, self.rows.shape[1]), np.float32)
        np.add.at(self.total, base.owners, self.rows[: self.n])
        answers = char_bags(base.answers)
        self.answers = answers
        self.answer = self.rarity.cosine(bags, answers)
        self.words = stem_bags([*base.texts, *base.background])
        self.word_rarity = Rarity.of(self.words.of(np.arange(self.n)))
        owned = _sparse(np.arange(self.n + 1), base.owners, self.entries).T
        texts = _sparse(
            self.words.starts, self.words.keys.astype(np.int64), len(self.word_rarity.idf)
        )[: self.n]
        answered = stem_bags(base.answers)
        said = _sparse(answered.starts, answered.keys.astype(np.int64), len(self.word_rarity.idf))
        self.entry_words = (owned @ texts + said).tocsc()
        """How often each word stands in each entry, shape (entries, words)."""

    def _groups(self) -> list[Ints]:
        """Return the rows that are the same text to a reader, by entry; each row is in one."""
        found: dict[tuple[int, str], list[int]] = {}
        for row, (entry, text) in enumerate(zip(self.base.owners, self.base.texts, strict=True)):
            found.setdefault((int(entry), normalise(text)), []).append(row)
        return [np.asarray(rows) for rows in found.values()]

    def _solve(self, shape: tuple[float, float, float], targets: Doubles) -> "Solved":
        kernel = joint(self.cosine, self.char, shape).astype(np.float64)
        sizes = np.bincount(self.base.owners).astype(float)
        # An entry with many variants has to explain each of them less exactly.
        own = np.sqrt(sizes / np.exp(np.log(sizes).mean()))[self.base.owners]
        ridge = np.concatenate([own, np.ones(len(kernel) - self.n)]) * shape[2]
        kernel[np.diag_indices_from(kernel)] += ridge
        factor = scipy.linalg.cholesky(kernel, lower=True, overwrite_a=True, check_finite=False)
        inverse, _ = scipy.linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        return Solved(inverse, inverse @ targets, targets)

    def kernel(self) -> Kernel:
        """Return what answering needs."""
        norms = np.maximum(np.linalg.norm(self.total, axis=1, keepdims=True), 1e-9)
        words = self.entry_words.tocsr()
        return Kernel(
            middle=self.middle,
            rows=self.rows,
            lengths=self.lengths,
            tilts=self.rows @ self.middle,
            owners=self.base.owners,
            starts=self.bags.starts,
            keys=self.bags.keys,
            weights=self.bags.weights,
            char_idf=self.rarity.idf,
            broad=self.broad.duals[:, :-1].T.astype(np.float16),
            sharp=self.sharp.duals.T.astype(np.float16),
            centres=self.total / norms,
            answer_starts=self.answers.starts,
            answer_keys=self.answers.keys,
            answer_weights=self.answers.weights,
            word_idf=self.word_rarity.idf,
            word_starts=words.indptr.astype(np.int64),
            word_keys=words.indices.astype(np.int32),
        )

    def asked(self) -> Iterator[Asked]:
        """Ask every question in turn, without itself, without its entry, and the off-topic ones."""
        sizes = np.bincount(self.base.owners, minlength=self.entries)
        several = [g for g in self.groups if len(g) < sizes[self.base.owners[g[0]]]]
        for group, share in _spread(several, ANSWERED):
            row, entry = group[0], int(self.base.owners[group[0]])
            alive = np.ones(self.n, bool)
            alive[group] = False
            yield self._ask(row, group, alive, entry, share)
        if self.entries > 1:
            for group, share in _spread(self.groups, NEAR):
                row, entry = group[0], int(self.base.owners[group[0]])
                alive = self.base.owners != entry
                yield self._ask(row, np.flatnonzero(~alive), alive, -1, share)
        for group, share in _spread([np.asarray([r]) for r in range(self.n, len(self.rows))], FAR):
            yield self._ask(group[0], group, np.ones(self.n, bool), -1, share)

    def _ask(self, row: int, out: Ints, alive: Bools, entry: int, share: float) -> Asked:
        dense, char = self.dense[row, : self.n], self.char[row, : self.n]
        rows = np.flatnonzero(alive)
        near = rows[np.argsort(-dense[rows], kind="stable")[:_DENSE_ROWS]]
        alike = rows[np.argsort(-char[rows], kind="stable")[:_TEXT_ROWS]]
        candidates = self.candidates(np.concatenate([near, alike]))
        own = int(self.base.owners[row]) if row < self.n else -1
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
        evidence = entry_evidence(votes, self.base.owners, candidates, alive)
        return Asked(votes, candidates, alive, entry, evidence, share)

    def _lacks(self, row: int, out: Ints, candidates: Ints) -> Floats:
        asked = self.words.keys[self.words.starts[row] : self.words.starts[row + 1]]
        if not len(asked):
            return np.zeros(len(candidates), np.float32)
        there = self.entry_words[:, asked].toarray()[candidates]
        if row < self.n:
            # What is left out are rows with the very words of this one.
            there[candidates == self.base.owners[row]] -= len(out)
        weight = self.word_rarity.idf[asked]
        return np.asarray((there <= 0) @ weight / weight.sum(), np.float32)

    def candidates(self, found: Ints) -> Ints:
        """Return the entries to judge where a search found these rows, the best first."""
        owners = self.base.owners[found]
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


def _sparse(starts: Ints, keys: Ints, width: int) -> scipy.sparse.csr_matrix:
    """Return a matrix that counts each key of each row once."""
    ones = np.ones(len(keys), np.float32)
    return scipy.sparse.csr_matrix((ones, keys, starts), shape=(len(starts) - 1, width))


def _spread(groups: Sequence[Ints], share: float) -> Iterator[tuple[Ints, float]]:
    """Yield up to `_MOST_QUESTIONS` of the groups, evenly spread, with the weight of each."""
    if not groups:
        return
    chosen = np.linspace(0, len(groups) - 1, min(len(groups), _MOST_QUESTIONS)).astype(int)
    for place in chosen:
        yield groups[place], share / len(chosen)


def fit(base: Base, prior: Models | None, *, fewest: int = 40) -> Fitted:
    """Train on a knowledge base.

    Args:
        base: at least one entry.
        prior: how to rank where the base says nothing else, and models to keep where there are
            too few examples; ``None``: start from nothing.
        fewest: questions with an answer, below which the prior is kept.

    Raises:
        ValueError: if a vector is not finite.
    """
    if not np.isfinite(base.vectors).all():
        raise ValueError("a vector of the index is not a number")
    workshop = Workshop(base)
    return fit_models(workshop.kernel(), list(workshop.asked()), prior, fewest=fewest)


def fit_models(
    kernel: Kernel, asked: Sequence[Asked], prior: Models | None, *, fewest: int = 40
) -> Fitted:
    """Fit what ranks and what tells how sure, on questions that were asked."""
    answered = sum(one.entry >= 0 for one in asked)
    if prior is not None and answered < fewest:
        return Fitted(kernel, prior, 0, Reliability((), 0.0))
    start = prior.rank if prior else blank(np.concatenate([one.evidence for one in asked]))
    rank = fit_choice(_choices(asked), start, penalty=RANK_PENALTY)
    features, right = _top(asked, _unseen_scores(asked, start))
    share = np.asarray([one.share for one in asked])
    # From nothing: what other bases taught about being sure was no help (docs/retrieval.md).
    sure = _sure(features, right, share, blank(features))
    trust = reliability(sure.confidence, right, share)
    return Fitted(kernel, Models(rank, sure.model), answered, trust)


@dataclass(frozen=True, slots=True)
class _Sure:
    model: Linear
    confidence: Doubles
    """Of each question, by a model that was fitted without it."""


def _sure(features: Floats, true: Bools, share: Doubles, start: Linear) -> _Sure:
    """Fit a probability: a cautious model for the order, then its scale by cross-validation.

    The penalty that makes the order reliable also draws every probability to the middle; two
    numbers, fitted on questions that the model has not seen, put that right.
    """
    folds = np.arange(len(features)) % _FOLDS
    odds = np.zeros(len(features))
    for fold in range(_FOLDS):
        rest = folds != fold
        model = fit_logistic(features[rest], true[rest], share[rest], start, penalty=SURE_PENALTY)
        odds[~rest] = model.score(features[~rest])
    line = Linear(np.zeros(1), np.ones(1), np.ones(1))
    scale = fit_logistic(odds[:, None].astype(np.float32), true, share, line, penalty=SCALE_PENALTY)
    stretch = float(scale.weights[0])
    model = fit_logistic(features, true, share, start, penalty=SURE_PENALTY)
    stretched = replace(
        model, weights=model.weights * stretch, bias=model.bias * stretch + scale.bias
    )
    return _Sure(stretched, scale.probability(odds[:, None].astype(np.float32)))


def _choices(asked: Sequence[Asked]) -> list[Choice]:
    """Return the questions whose answer is among the candidates."""
    found = []
    for one in asked:
        if one.entry >= 0:
            place = int(np.searchsorted(one.candidates, one.entry))
            if place < len(one.candidates) and one.candidates[place] == one.entry:
                found.append(Choice(one.evidence, place))
    return found


def _unseen_scores(asked: Sequence[Asked], start: Linear) -> list[Doubles]:
    """Return the candidates' scores of each question by a model that was fitted without it."""
    scores: list[Doubles] = [np.zeros(0)] * len(asked)
    for fold in range(_FOLDS):
        rest = [one for i, one in enumerate(asked) if i % _FOLDS != fold]
        choices = _choices(rest)
        model = fit_choice(choices, start, penalty=RANK_PENALTY) if choices else start
        for i in range(fold, len(asked), _FOLDS):
            scores[i] = model.score(asked[i].evidence)
    return scores


def _top(asked: Sequence[Asked], scores: Sequence[Doubles]) -> tuple[Floats, Bools]:
    """Return the features of each question's best candidate, and whether it is right."""
    features, right = [], []
    for one, z in zip(asked, scores, strict=True):
        features.append(sureness(one.votes, one.evidence, z.astype(np.float32)))
        right.append(int(one.candidates[np.argmax(z)]) == one.entry)
    return np.stack(features), np.asarray(right)


def main(source: Path, target: Path) -> None:
    """Read the base in `source`, train, and write what answering needs into `target`."""
    texts = json.loads((source / "base.json").read_text("utf-8"))
    base = Base(
        tuple(texts["texts"]),
        np.load(source / "vectors.npy"),
        np.asarray(texts["owners"], np.int64),
        tuple(texts["answers"]),
        tuple(texts["background"]),
        np.load(source / "background.npy"),
    )
    prior = None if texts["prior"] is None else Models.from_json(texts["prior"])
    fitted = fit(base, prior)
    fitted.kernel.save(target)
    result = {
        "models": fitted.models.to_json(),
        "questions": fitted.questions,
        "reliability": fitted.reliability.to_json(),
        "openness": Openness.of(base.texts, base.owners.tolist(), base.answers).signs,
    }
    (target / "fitted.json").write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    os.nice(10)  # customers' answers come first
    main(Path(sys.argv[1]), Path(sys.argv[2]))
