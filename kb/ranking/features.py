"""Evidence of words and characters: hashed n-grams of texts, weighed by how rare they are.

Everything is numpy on whole batches, so that the parent process needs no other library and a
hundred candidates cost about a millisecond.
"""

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from core.recent import Recent
from kb.text.segmentation import normalise
from kb.text.stems import stems

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

BITS = 18
"""Size of a hash table of n-grams, as a power of two; 1 MB of float32."""
_SIZE = 1 << BITS
_LONGEST_CHARS = 4000
"""Characters of a text that are read; a passage has about 800."""
_RUN = re.compile(r"[^\W_]+")
_BATCH = 1_000
_BREAK, _SPACE = 10, 32
_PRIME = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Bags:
    """The n-grams of several texts, each text's together (compressed sparse rows)."""

    starts: Ints
    """Shape (n + 1,): text `i` has the entries from ``starts[i]`` up to ``starts[i + 1]``."""
    keys: npt.NDArray[np.int32]
    """Hash of each n-gram, below ``2 ** BITS``, ascending within a text."""
    weights: Floats
    """1 + ln(count)."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of(self, chosen: Ints) -> "Bags":
        """Return the n-grams of these texts only, in this order."""
        sizes = (self.starts[1:] - self.starts[:-1])[chosen]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        places = np.arange(starts[-1]) + np.repeat(self.starts[chosen] - starts[:-1], sizes)
        return Bags(starts, self.keys[places], self.weights[places])

    def owners(self) -> Ints:
        """Return for each entry the number of its text."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def apart(self) -> "list[Bags]":
        """Return the n-grams of each text alone."""
        return [self.of(np.asarray([place])) for place in range(len(self))]

    @classmethod
    def joined(cls, parts: Sequence["Bags"]) -> "Bags":
        """Put bags of several texts behind one another."""
        ends = np.cumsum([0, *(int(part.starts[-1]) for part in parts)])
        pairs = zip(parts, ends, strict=False)
        return cls(
            np.concatenate([[0], *(part.starts[1:] + end for part, end in pairs)]),
            np.concatenate([np.zeros(0, np.int32), *(part.keys for part in parts)]),
            np.concatenate([np.zeros(0, np.float32), *(part.weights for part in parts)]),
        )


class BagCache:
    """The bags of texts that are asked for again and again: the passages near most questions.

    Texts that are new are read together: numpy takes a third of the time that each alone takes.
    """

    def __init__(self, make: Callable[[Sequence[str]], Bags], *, size: int) -> None:
        self._make = make
        self._kept: Recent[str, Bags] = Recent(size)

    def bags(self, texts: Sequence[str]) -> Bags:
        """Return what `make` would for these texts."""
        found = {text: bag for text in texts if (bag := self._kept.get(text))}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        if new:
            made = self._make(new)
            for text, bag in zip(new, made.apart(), strict=True):
                found[text] = bag
                self._kept.put(text, bag)
        return Bags.joined([found[text] for text in texts])


def char_bags(texts: Sequence[str]) -> Bags:
    """Hash the character n-grams within each run of letters, two to four long.

    Runs are padded with a blank on each side as in `kb.text.segmentation.char_ngrams`, hashed for
    the whole batch at once.
    """
    runs = [_RUN.findall(normalise(text[:_LONGEST_CHARS])) for text in texts]
    lines = [f" {' '.join(found)} " if found else "" for found in runs]
    codes = np.frombuffer("\n".join([*lines, ""]).encode("utf-32-le"), np.uint32).astype(np.uint64)
    owner = np.cumsum(codes == _BREAK)
    blank = (codes == _SPACE).astype(np.int64)
    inner = np.concatenate([[0], np.cumsum(blank)])
    keys: list[npt.NDArray[np.uint64]] = []
    owners: list[Ints] = []
    for size in (2, 3, 4):
        n = len(codes) - size + 1
        if n <= 0:
            continue
        hashed = np.full(n, np.uint64(size))
        for offset in range(size):
            hashed = hashed * _PRIME + codes[offset : offset + n]
        hashed ^= hashed >> np.uint64(29)
        hashed *= _PRIME
        # An n-gram stays within one run and one text: blanks only at its ends.
        within = inner[size - 1 : size - 1 + n] - inner[1 : n + 1] == 0
        whole = within & (owner[:n] == owner[size - 1 :]) & (codes[:n] != _BREAK)
        keys.append(hashed[whole] >> np.uint64(64 - BITS))
        owners.append(owner[:n][whole])
    return _bags(len(texts), owners, keys)


def stem_bags(texts: Sequence[str]) -> Bags:
    """Hash the beginnings of the content words (`kb.text.stems`)."""
    found = [stems(text[:_LONGEST_CHARS]) for text in texts]
    owner = np.repeat(np.arange(len(texts)), [len(each) for each in found])
    keys = [zlib.crc32(stem.encode()) >> (32 - BITS) for each in found for stem in each]
    return _bags(len(texts), [owner], [np.array(keys, np.uint64)])


@lru_cache(16)
def question_bags(question: str) -> tuple[Bags, Bags]:
    """Return the n-grams of a question's characters, and the beginnings of its content words."""
    return char_bags([question]), stem_bags([question])


def _bags(n: int, owners: list[Ints], keys: list[npt.NDArray[np.uint64]]) -> Bags:
    joined = np.concatenate([np.zeros(0, np.int64), *owners]) << BITS
    joined |= np.concatenate([np.zeros(0, np.uint64), *keys]).astype(np.int64)
    found, counts = np.unique(joined, return_counts=True)
    starts = np.searchsorted(found, np.arange(n + 1, dtype=np.int64) << BITS)
    weights = (1 + np.log(counts)).astype(np.float32)
    return Bags(starts, (found & (_SIZE - 1)).astype(np.int32), weights)


@dataclass(frozen=True, slots=True)
class Rarity:
    """How rare each hashed n-gram is in the knowledge base."""

    idf: Floats
    """Shape ``(2 ** BITS,)``, at least 1."""

    @classmethod
    def flat(cls) -> "Rarity":
        """Return equal weights, for a knowledge base that has not been counted yet."""
        return cls(np.ones(_SIZE, np.float32))

    @classmethod
    def of(cls, bags: Bags) -> "Rarity":
        """Count in how many texts each n-gram stands."""
        return cls._of_counts(np.bincount(bags.keys, minlength=_SIZE), len(bags))

    @classmethod
    def of_texts(cls, texts: Sequence[str], bags_of: Callable[[Sequence[str]], Bags]) -> "Rarity":
        """Count as `of`, a thousand texts at a time: n-grams take a hundred times their text."""
        df = np.zeros(_SIZE, np.int64)
        for start in range(0, len(texts), _BATCH):
            df += np.bincount(bags_of(texts[start : start + _BATCH]).keys, minlength=_SIZE)
        return cls._of_counts(df, len(texts))

    @classmethod
    def _of_counts(cls, df: Ints, texts: int) -> "Rarity":
        return cls((np.log((1 + texts) / (1 + df)) + 1).astype(np.float32))

    def cosine(self, query: Bags, rows: Bags) -> Floats:
        """Return the tf-idf cosine of each query with each row, shape (queries, rows)."""
        weights = rows.weights * self.idf[rows.keys]
        norms = np.sqrt(sums(weights * weights, rows.starts))
        out = np.zeros((len(query), len(rows)), np.float32)
        table = np.zeros(_SIZE, np.float32)
        for i in range(len(query)):
            span = slice(query.starts[i], query.starts[i + 1])
            keys = query.keys[span]
            own = query.weights[span] * self.idf[keys]
            table[keys] = own
            norm = float(np.sqrt((own * own).sum()))
            out[i] = sums(weights * table[rows.keys], rows.starts) / np.maximum(norms * norm, 1e-9)
            table[keys] = 0
        return out

    def coverage(self, query: Bags, rows: Bags) -> Floats:
        """Return the share of each query's weight that stands in each row, 0 to 1."""
        out = np.zeros((len(query), len(rows)), np.float32)
        table = np.zeros(_SIZE, np.float32)
        for i in range(len(query)):
            keys = query.keys[query.starts[i] : query.starts[i + 1]]
            own = self.idf[keys]
            table[keys] = own
            out[i] = sums(table[rows.keys], rows.starts) / max(float(own.sum()), 1e-9)
            table[keys] = 0
        return out


def sums(values: Floats, starts: Ints) -> Floats:
    """Add up each text's values; 0 for a text without any."""
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return np.asarray(total[starts[1:]] - total[starts[:-1]], np.float32)


def best_and_mean(owner: Ints, values: Floats, n: int) -> tuple[Floats, Floats]:
    """Return each candidate's highest value, and the mean of its highest three (or fewer)."""
    order = np.lexsort((-values, owner))
    owners, ranked = owner[order], values[order]
    starts = np.searchsorted(owners, np.arange(n))
    rank = np.arange(len(order)) - starts[owners]
    few = rank < 3
    total = np.bincount(owners[few], ranked[few], minlength=n)
    count = np.bincount(owners[few], minlength=n)
    return ranked[starts].astype(np.float32), (total / count).astype(np.float32)


def margin(values: Floats) -> Floats:
    """Return how far each value is above the best of the others (negative: below)."""
    if len(values) < 2:
        return np.zeros_like(values)
    second, first = np.sort(values)[-2:]
    leader = np.arange(len(values)) == np.argmax(values)
    return np.asarray(values - np.where(leader, second, first), np.float32)
