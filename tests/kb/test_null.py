"""Passages that look near to anything are trusted less (kb/null.py)."""

import numpy as np

from core.types import Chunk, Matrix
from kb.null import passage_shift
from kb.rank import Defaults, Ranker
from kb.rows import Row, rows_of_chunks

MESSAGES = [f"something else {n}" for n in range(30)]


def unit(matrix: Matrix) -> Matrix:
    return np.asarray(matrix / np.linalg.norm(matrix, axis=1, keepdims=True), np.float32)


def passages(count: int) -> list[Row]:
    return rows_of_chunks(
        Chunk(f"c{n}", f"d{n}", "passage", f"The pump number {n} is green.") for n in range(count)
    )


def vectors(count: int, *, seed: int) -> Matrix:
    return unit(np.random.default_rng(seed).standard_normal((count, 64)).astype(np.float32))


def test_messages_that_are_equally_far_from_all_passages_change_nothing() -> None:
    rows = passages(40)
    base, away = vectors(40, seed=1), vectors(30, seed=2)
    base[:, 32:], away[:, :32] = 0, 0
    ranker = Ranker(Defaults.load())
    assert passage_shift(ranker, rows, unit(base), MESSAGES, unit(away)) == 0.0


def test_where_everything_looks_near_19_of_20_messages_stay_below_an_even_chance() -> None:
    """Four of thirty messages are beside a passage of their own."""
    rows, near = passages(40), vectors(40, seed=1)
    near[:, 32:] = 0
    near = unit(near)
    asked = vectors(30, seed=2)
    asked[:, :32] = 0
    asked[:4] = near[:4] + 0.02 * vectors(4, seed=3)
    asked = unit(asked)
    ranker = Ranker(Defaults.load())
    shift = passage_shift(ranker, rows, near, MESSAGES, asked)
    assert shift > 1.0
    shifted = Ranker(Defaults.load(), passage_shift=shift)
    # With the shift that it returned, there is nothing left to take off.
    assert passage_shift(shifted, rows, near, MESSAGES, asked) < 1e-3


def test_a_base_without_passages_needs_no_shift() -> None:
    entry = Chunk("c", "d", "faq", "Are you open?", "Yes.")
    ranker = Ranker(Defaults.load())
    rows = rows_of_chunks([entry])
    assert passage_shift(ranker, rows, vectors(1, seed=1), MESSAGES, vectors(30, seed=1)) == 0.0
    none: Matrix = np.empty((0, 64), np.float32)
    assert passage_shift(ranker, passages(3), vectors(3, seed=1), [], none) == 0.0
