"""What one passage gives to a reply, and the heading that tells it from what stands beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.types import Chunk, Hit
from kb.text.layout import heading_of, units_of
from kb.text.stems import stems

_TITLE = " › "
_LIKE = 0.5
"""Share of the words of the shorter of two texts that the other has if they say the like."""
_FEW = 1.0
_KNOWN = 0.5
"""Share of a heading's words that a question or reply has more than if it says what it names."""
_COMPARED = 3
"""Passages that one reply puts side by side at most."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one passage gives."""

    text: str
    words: str
    """As they stand in the passage."""
    heading: str = ""
    """Of the part of the passage that it comes from."""
    row: str = ""
    """The cell that names its first row, if it was built from rows of a table."""
    complete: float = 1.0
    """Probability that all that answers is in it, if the passage does answer."""


def with_rows(first: Piece, second: Piece) -> Piece:
    """Return sentences and rows of one passage as one piece, without what is in both."""
    more = [line for line in second.text.splitlines() if line not in first.text]
    return Piece(
        "\n".join([first.text, *more]),
        "\n".join([first.words, second.words]),
        first.heading,
        second.row,
        min(first.complete, second.complete),
    )


def beside_it(hit: Hit, others: Sequence[Hit]) -> Hit | None:
    """Return the passage beside one that says the like of something else, if only one does.

    Of two stores' opening hours the other ones.
    """
    said = set(stems(hit.chunk.text))
    like = [o for o in _beside(hit, others) if _is_like(said, set(stems(o.chunk.text)))]
    return like[0] if len(like) == 1 else None


def _beside(hit: Hit, others: Sequence[Hit]) -> list[Hit]:
    """Return the passages under the same heading that have another one of their own."""
    doc_id, title = hit.chunk.doc_id, hit.chunk.title
    above = title.rpartition(_TITLE)[0]
    return [
        other
        for other in others
        if above
        and other.chunk.title != title
        and (other.chunk.doc_id, other.chunk.title.rpartition(_TITLE)[0]) == (doc_id, above)
    ]


def compared_with(question: str, hit: Hit, others: Sequence[Hit]) -> list[Hit]:
    """Return the passages whose headings a question names beside that of one, under the same."""
    asked, own = set(stems(question)), set(stems(heading_of(hit.chunk.title)))
    if not asked & own:
        return []
    by_title: dict[str, Hit] = {}
    for other in reversed(_beside(hit, others)):
        theirs = set(stems(heading_of(other.chunk.title))) - own
        if len(asked & theirs) > _KNOWN * len(theirs):  # a word in common is no comparison
            by_title[other.chunk.title] = other
    return list(by_title.values())[:-_COMPARED:-1]


def label_of(question: str, hit: Hit, piece: Piece, others: Sequence[Hit]) -> str:
    """Return the heading that tells what a reply is about; mostly nothing.

    It is said where another part of the documents says the like of something else: the opening
    hours of another store, the price list of another country. And of several under one heading
    where question and reply lack it: who asks of moths has to see that this is about bed bugs.
    """
    path = [*hit.chunk.title.split(_TITLE), piece.heading]
    said = set(stems(piece.text))
    parts = [(tuple(path), "")]
    for other in [hit, *others]:
        if other.chunk.kind == "passage" and other.chunk.language == hit.chunk.language:
            parts += _parts_of(other.chunk)
    for other_path, text in parts:
        if other_path == tuple(path) or piece.words in text:
            continue
        label = next((a for a in reversed(path) if a and a not in other_path), "")
        like = piece.row in text if piece.row else _is_like(said, set(stems(text)))
        if label and not label.endswith(("?", "？")) and like:
            return "" if label.casefold() in piece.text.casefold() else heading_of(label)
    parallel = hit.chunk.title.count(_TITLE) > 1 and _beside(hit, others)
    own = heading_of(piece.heading or hit.chunk.title) if parallel else ""
    known = set(stems(own)) & (said | set(stems(question)))
    return "" if len(known) > _KNOWN * len(set(stems(own))) else own


def under(label: str, text: str, language: str) -> str:
    """Return a text under its heading, if it has one."""
    if not label:
        return text
    colon = "：" if language in ("zh", "ja") else ":"
    return f"{label}{colon}" + ("\n" if "\n" in text else "" if colon == "：" else " ") + text


def _parts_of(chunk: Chunk) -> list[tuple[tuple[str, ...], str]]:
    """Return the parts of a passage, each under its headings."""
    titles = chunk.title.split(_TITLE)
    parts: dict[str, str] = {}
    heading = ""
    for unit in units_of(chunk.text, chunk.language):
        if unit.kind == "heading":
            heading = unit.text
        else:
            parts[heading] = f"{parts.get(heading, '')} {unit.text}"
    return [((*titles, heading), text) for heading, text in parts.items()]


def _is_like(words: set[str], other: set[str]) -> bool:
    """Tell whether two texts say the same kind of thing, by the words they share."""
    return len(words & other) >= _LIKE * min(len(words), len(other)) > _FEW
