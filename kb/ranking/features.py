"""Evidence of words and characters: hashed n-grams of texts, weighed by how rare they are.

Everything is done on whole batches, so that a hundred candidates cost about a millisecond.
"""

import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, vstack

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

Bags: TypeAlias = csr_array
"""The n-grams of several texts, shape (texts, ``2 ** BITS``): 1 + ln(count) of each hash."""
BAG_PARTS = ("data", "indices", "indptr")


class BagCache:
    """The bags of texts that are asked for again and again: the passages near most questions.

    Texts that are new are read together: numpy takes a third of the time that each alone takes.
    """

    def __init__(self, make: Callable[[Sequence[str]], Bags], *, size: int) -> None:
        self._make = make
        self._kept: Recent[str, Bags] = Recent(size)

    def bags(self, texts: Sequence[str]) -> Bags:
        """Return what `make` would for these texts."""
        found = {text: bag for text in texts if (bag := self._kept.get(text)) is not None}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        if new:
            made = self._make(new)
            found |= {text: made[[place]] for place, text in enumerate(new)}
        for text in new:
            self._kept.put(text, found[text])
        rows = [found[text] for text in texts]
        return vstack(rows, format="csr") if rows else csr_array((0, _SIZE), dtype=np.float32)


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
        n = max(0, len(codes) - size + 1)
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


def _bags(texts: int, owners: Sequence[Ints], keys: Sequence[npt.NDArray[np.uint64]]) -> Bags:
    places = tuple(np.concatenate(each).astype(np.int32) for each in (owners, keys))
    bags = csr_array((np.ones(len(places[0]), np.float32), places), shape=(texts, _SIZE))
    return with_values(bags, 1 + np.log(bags.data))


def with_values(bags: Bags, values: npt.NDArray[Any]) -> Bags:
    """Return bags with another number for each n-gram."""
    return joined_bags(values, bags.indices, bags.indptr)


def joined_bags(*parts: npt.NDArray[Any]) -> Bags:
    """Put the `BAG_PARTS` together."""
    return csr_array(parts, shape=(len(parts[-1]) - 1, _SIZE))


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
    def of_texts(cls, texts: Sequence[str], bags_of: Callable[[Sequence[str]], Bags]) -> "Rarity":
        """Count as `of`, a thousand texts at a time: n-grams take a hundred times their text."""
        return cls.of(bags_of(texts[at : at + _BATCH]) for at in range(0, len(texts), _BATCH))

    @classmethod
    def of(cls, parts: Iterable[Bags]) -> "Rarity":
        """Count in how many texts each n-gram stands."""
        df, texts = np.zeros(_SIZE), 0
        for bags in parts:
            df += np.bincount(bags.indices, minlength=_SIZE)
            texts += bags.shape[0]
        return cls((np.log((1 + texts) / (1 + df)) + 1).astype(np.float32))

    def weighted(self, bags: Bags) -> Bags:
        """Return the tf-idf weights of bags, those of each text of unit length."""
        weights = bags.data * self.idf[bags.indices]
        squares = with_values(bags, weights * weights).sum(axis=1)
        lengths = np.repeat(np.sqrt(squares), np.diff(bags.indptr))
        return with_values(bags, (weights / lengths).astype(np.float32))

    def cosine(self, question: Bags, rows: Bags) -> Floats:
        """Return the tf-idf cosine of a question with each row, shape (rows,)."""
        found = self.weighted(rows) @ self.weighted(question).toarray()[0]
        return np.asarray(found, np.float32)

    def coverage(self, question: Bags, rows: Bags) -> Floats:
        """Return the share of a question's weight that stands in each row, 0 to 1."""
        own = with_values(question, self.idf[question.indices])
        there = with_values(rows, np.ones_like(rows.data)) @ own.toarray()[0]
        return np.asarray(there / max(own.data.sum(), 1e-9), np.float32)


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
