"""The rows of a chunk in the index: one for each text that is embedded."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from core.types import Chunk, ChunkKind
from kb.index.chunk import embedding_text
from kb.text.segmentation import split_sentences

Role: TypeAlias = Literal["question", "variant", "answer", "passage", "negative"]
"""What a row's text is to its chunk. ``answer``: an entry's question and a part of its answer,
embedded like a passage, so that entries and passages are compared on one scale. ``negative``: a
question that the entry does not answer; no search finds it."""

_SHARED = (
    "kind", "title", "location", "category", "language", "valid_from", "valid_until", "updated",
    "entry_id",
)  # fmt: skip
"""Fields that a row copies from its chunk."""
_STATEMENTS = ("passage", "answer")
_ANSWER_CHARS = 480
"""Characters of one ``answer`` row: at most as many tokens, which every embedder reads whole."""


@dataclass(frozen=True, slots=True)
class Row:
    """One embedded text, with what a reader needs to know about its chunk."""

    row_id: str
    """Hash of (chunk, role, text); never twice in one release."""
    chunk_id: str
    doc_id: str
    kind: ChunkKind
    role: Role
    position: int
    """0 for the question or passage, then the variants in order; answers have their own count."""
    text: str
    """The question, variant or passage itself; full-text search reads this."""
    chunk_text: str
    """The question of the entry, or the passage."""
    answer: str
    title: str
    location: str
    category: str
    language: str
    valid_from: str
    valid_until: str
    updated: str
    entry_id: str
    vector_key: str
    """Hash of what was embedded and with which prompt: equal keys have equal vectors."""
    content_key: str
    """Hash of the chunk's text and answer without its document: equal content, equal key."""
    digest: str
    """Hash of everything above: another digest under the same row id is changed metadata."""

    @property
    def content(self) -> str:
        """The passage, or the question of the entry with its answer."""
        return f"{self.chunk_text}\n{self.answer}"


def rows_of_chunk(chunk: Chunk, *, answers: bool = True) -> list[Row]:
    """Return the rows of a chunk; variants that repeat the question or each other appear once.

    A long answer has several rows, each with the question before a part of it; without `answers`
    none has.
    """
    if chunk.kind == "passage":
        return [_row(chunk, "passage", 0, chunk.text)]
    texts = dict.fromkeys([chunk.text, *chunk.variants])
    rows = [
        _row(chunk, "variant" if position else "question", position, text)
        for position, text in enumerate(texts)
    ]
    parts = dict.fromkeys(_answer_parts(chunk) if answers else ())
    rows += [_row(chunk, "answer", position, text) for position, text in enumerate(parts)]
    return rows + [
        _row(chunk, "negative", position, text)
        for position, text in enumerate(dict.fromkeys(chunk.negatives))
    ]


def _answer_parts(chunk: Chunk) -> Iterator[str]:
    """Yield the question with each part of the answer."""
    question = chunk.text[: _ANSWER_CHARS // 2]
    room = _ANSWER_CHARS - len(question) - 1
    part = ""
    for sentence in split_sentences(chunk.answer, chunk.language) or [chunk.answer]:
        for start in range(0, len(sentence), room):
            piece = sentence[start : start + room]
            if part and len(part) + len(piece) + 1 > room:
                yield f"{question}\n{part}"
                part = ""
            part = f"{part} {piece}" if part else piece
    if part:
        yield f"{question}\n{part}"


def embedded_text(row: Row) -> str:
    """Return the text that the embedding model reads for a row: of a passage, with its title."""
    return embedding_text(chunk_of_rows([row])) if row.role == "passage" else row.text


def is_statement(row: Row) -> bool:
    """Tell whether a row is embedded as a statement (with the passage prompt), not a question."""
    return row.role in _STATEMENTS


def chunk_of_rows(rows: Sequence[Row]) -> Chunk:
    """Return the chunk that `rows` were made of.

    With only some of its rows, the variants among them are all that it knows.
    """
    first = rows[0]

    def texts(role: Role) -> tuple[str, ...]:
        ordered = sorted((row.position, row.text) for row in rows if row.role == role)
        return tuple(text for _, text in ordered)

    return Chunk(
        chunk_id=first.chunk_id,
        doc_id=first.doc_id,
        text=first.chunk_text,
        answer=first.answer,
        variants=texts("variant"),
        negatives=texts("negative"),
        **_shared(first),
    )


def is_whole(row: Row) -> bool:
    """Tell whether a row is undamaged: its hashes match its texts."""
    return _row(chunk_of_rows([row]), row.role, row.position, row.text) == row


def content_key(chunk: Chunk) -> str:
    """Return the hash of a chunk's text and answer, the same in every document."""
    return _hash(chunk.text, chunk.answer)


def _row(chunk: Chunk, role: Role, position: int, text: str) -> Row:
    row_id = _hash(chunk.chunk_id, role, text)
    embedded = embedding_text(chunk) if role == "passage" else text
    vector_key = _hash("passage" if role in _STATEMENTS else "query", embedded)
    equal, shared = content_key(chunk), _shared(chunk)
    return Row(
        row_id=row_id,
        chunk_id=chunk.chunk_id,
        doc_id=chunk.doc_id,
        role=role,
        position=position,
        text=text,
        chunk_text=chunk.text,
        answer=chunk.answer,
        vector_key=vector_key,
        content_key=equal,
        digest=_hash(row_id, vector_key, equal, str(position), *shared.values()),
        **shared,
    )


def _shared(of: Chunk | Row) -> dict[str, Any]:
    return {name: getattr(of, name) for name in _SHARED}


def _hash(*parts: str) -> str:
    """Return 32 hexadecimal digits of the parts, each preceded by its length."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        state.update(b"%d:%b" % (len(data), data))
    return state.hexdigest()[:32]
