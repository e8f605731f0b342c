"""Headings of documents tell entries what they do not answer (kb/strangers.py)."""

import numpy as np

from core.types import Chunk, ChunkKind
from kb.rows import Row, rows_of_chunks
from kb.strangers import headings, strange


def rows(*kinds: tuple[ChunkKind, str]) -> list[Row]:
    return rows_of_chunks(
        Chunk(f"c{n}", "d", kind, f"text {n}", "An answer." if kind == "faq" else "", title=title)
        for n, (kind, title) in enumerate(kinds)
    )


def test_headings_are_those_of_passages_beside_entries_each_once() -> None:
    found = headings(
        rows(("faq", "Fees"), ("passage", "Pumps"), ("passage", "Pumps"), ("passage", ""))
    )
    assert found == ["Pumps"]
    assert headings(rows(("passage", "Pumps"))) == []
    assert headings(rows(("faq", ""))) == []


def test_many_headings_are_taken_from_all_over() -> None:
    found = headings(rows(("faq", ""), *(("passage", f"{n:04}") for n in range(1000))))
    assert (len(found), found[0], found[-1]) == (150, "0000", "0999")


def test_strange_is_what_is_further_away_than_entries_are_among_themselves() -> None:
    angles = np.radians([0, 20, 40])
    entries = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    asked = np.radians([10, 55, 90])
    messages = np.stack([np.cos(asked), np.sin(asked)], axis=1).astype(np.float32)
    assert strange(messages, entries).tolist() == [False, False, True]
    assert strange(messages, entries[:1]).tolist() == [False] * 3
    assert strange(messages[:0], entries).tolist() == []
