"""What a base's entries do not answer, learned from the documents beside them.

A shop's FAQ and its manuals stand in one base. Asked about a manual, entries that were trained on
chat and small talk alone look surer than they should: nothing has told them of the manuals' words.
"""

from collections.abc import Sequence

import numpy as np

from core.types import Matrix
from kb.features import Bools
from kb.rows import Row

_MOST = 150
"""Headings that are taken, spread over the documents; more change little and cost time."""


def headings(rows: Sequence[Row]) -> list[str]:
    """Return headings of a base's passages, evenly spread; none where there are no entries."""
    if not any(row.kind == "faq" for row in rows):
        return []
    titles = sorted({row.title for row in rows if row.kind == "passage" and row.title})
    chosen = np.linspace(0, len(titles) - 1, min(len(titles), _MOST)).astype(int)
    return [titles[place] for place in chosen]


def strange(messages: Matrix, entries: Matrix) -> Bools:
    """Tell which messages are further from all entries than entries are from each other.

    A document about the same things as an entry says nothing about what the entry lacks.

    Args:
        messages: vectors, shape (messages, dim).
        entries: vectors of questions of entries, shape (questions, dim).
    """
    if len(entries) < 2 or not len(messages):
        return np.zeros(len(messages), bool)
    among = entries @ entries.T
    np.fill_diagonal(among, -1.0)
    usual = float(np.median(among.max(1)))
    return np.asarray((messages @ entries.T).max(1) < usual)
