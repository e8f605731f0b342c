"""Attach operators' edits to the entries of a file, and report what no longer fits; pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from core.types import Chunk
from db.curation import Anchor, Curation, Settled
from kb.index.chunk import chunk_id
from kb.text.own_words import each_its_own
from kb.text.segmentation import ngram_cosine, normalise

_SIMILAR = 0.6
"""N-gram cosine of two wordings of one question; the demo's different questions reach .72 in one
pair of 15,000 and .39 in 99 of 100, so the best must also be ahead of the second."""
_AHEAD = 0.1
_SAME_ANSWER_SIMILAR = 0.3
_OTHER = 0.2
"""Below this a question under a known id is another one: ids are often row numbers."""


@dataclass(frozen=True, slots=True)
class Attached:
    """The chunks of a file with operators' work on them."""

    chunks: tuple[Chunk, ...]
    settled: tuple[Settled, ...] = ()
    work: str = ""
    """Hash of what is attached; empty if nothing is."""


def attach(chunks: Sequence[Chunk], curations: Sequence[Curation]) -> Attached:
    """Return `chunks` with the work of operators; what an earlier release undid is left alone.

    An entry is found by its own id in the file, by question and answer, or as the only one with
    a similar question, unless each has a word of its own. An edited answer is attached as long as
    the file still has the answer that was edited: if the file's own answer changed, somebody has
    to decide. A translation fits as long as the answer is the one that was translated.
    """
    work = [curation for curation in curations if curation.state != "undone"]
    if not work:
        return Attached(tuple(chunks))
    entries = [chunk for chunk in chunks if chunk.kind == "faq"]
    bases = {curation: _find(curation.anchor, entries) for curation in work}
    reasons = {curation: _objection(curation, base) for curation, base in bases.items()}
    fitting: dict[Chunk, list[Curation]] = {}
    for curation, base in bases.items():
        if base is not None and not reasons[curation]:
            fitting.setdefault(base, []).append(curation)
    made = {base: _changed(base, fitting.get(base, ())) for base in entries}
    for curation, base in bases.items():
        if curation.kind in {"translation", "draft"} and base is not None:
            reasons[curation] = _stale(curation, made[base])
    changed = [made[chunk] if chunk.kind == "faq" else chunk for chunk in chunks]
    settled = {c: _settled(c, base, made, reasons[c]) for c, base in bases.items()}
    attached = [replace(c, anchor=s.anchor) for c, s in settled.items() if s.state == "active"]
    kept, _ = unique(chunk for chunk in changed if chunk is not None)  # an edit may make two equal
    return Attached(kept, tuple(settled.values()), digest(attached))


def unique(chunks: Iterable[Chunk]) -> tuple[tuple[Chunk, ...], list[tuple[Chunk, Chunk]]]:
    """Keep the first of chunks with the same text and answer, with the variants of all.

    Returns them, and each of the others with its first one.
    """
    first: dict[str, Chunk] = {}
    repeated = []
    for chunk in chunks:
        earlier = first.setdefault(chunk.chunk_id, chunk)
        if earlier is not chunk:
            variants = tuple(dict.fromkeys([*earlier.variants, *chunk.variants]))
            first[chunk.chunk_id] = replace(earlier, variants=variants)
            repeated.append((chunk, earlier))
    return tuple(first.values()), repeated


def by_document(curations: Iterable[Curation]) -> dict[str, list[Curation]]:
    """Return edits by document."""
    found: dict[str, list[Curation]] = {}
    for curation in curations:
        found.setdefault(curation.anchor.doc_id, []).append(curation)
    return found


def digest(curations: Iterable[Curation]) -> str:
    """Return a hash of what these pieces of work do to which entries, empty if they do nothing."""
    effects = sorted(
        [c.anchor.question, c.anchor.answer, c.kind, c.text, c.valid_from, c.valid_until]
        for c in curations
        if c.kind not in {"note", "draft"}
    )
    return hashlib.sha256(json.dumps(effects).encode()).hexdigest()[:16] if effects else ""


def expected_work(curations: Iterable[Curation]) -> Mapping[str, str]:
    """Return by document the hash that its next version will have; documents without are absent."""
    active = by_document(curation for curation in curations if curation.state == "active")
    return {doc_id: work for doc_id, found in active.items() if (work := digest(found))}


def _find(anchor: Anchor, entries: Sequence[Chunk]) -> Chunk | None:
    question = normalise(anchor.question)
    same = [entry for entry in entries if normalise(entry.text) == question]
    named = [entry for entry in entries if anchor.entry_id and entry.entry_id == anchor.entry_id]
    if len(named) == 1 and (named[0] in same or (not same and _may_be(named[0], anchor))):
        return named[0]
    exact = [entry for entry in same if normalise(entry.answer) == normalise(anchor.answer)]
    if exact or len(same) == 1:
        return (exact or same)[0]
    ranked = sorted(
        ((ngram_cosine(entry.text, anchor.question), entry) for entry in entries),
        key=lambda found: -found[0],
    )
    answer = normalise(anchor.answer)
    kept = [entry for entry in entries if normalise(entry.answer) == answer]
    if len(kept) == 1 and ngram_cosine(kept[0].text, anchor.question) >= _SAME_ANSWER_SIMILAR:
        return kept[0]
    if not ranked or ranked[0][0] < _SIMILAR or each_its_own(ranked[0][1].text, anchor.question):
        return None
    ahead = len(ranked) == 1 or ranked[0][0] - ranked[1][0] >= _AHEAD
    return ranked[0][1] if ahead else None


def _may_be(named: Chunk, anchor: Anchor) -> bool:
    """Tell whether the entry under a known id may still be the same."""
    if anchor.entry_id.isdigit() and each_its_own(named.text, anchor.question):
        return False  # the rows were numbered anew
    return ngram_cosine(named.text, anchor.question) >= _OTHER


def _objection(curation: Curation, base: Chunk | None) -> str:
    """Return why an edit does not fit, empty if it does."""
    doc_id, question = curation.anchor.doc_id, curation.anchor.question
    if base is None:
        return f"{doc_id!r} has no entry like {question!r} any more."
    if curation.kind == "answer" and normalise(base.answer) not in {
        normalise(curation.anchor.answer),
        normalise(curation.text),
    }:
        return f"The answer to {question!r} changed in {doc_id!r} itself since it was edited."
    asked = {normalise(text) for text in (base.text, *base.variants)}
    if curation.kind == "negative" and normalise(curation.text) in asked:
        return f"{doc_id!r} itself asks {curation.text!r} for this entry now."
    return ""


def _stale(curation: Curation, live: Chunk | None) -> str:
    """Return why a translation does not match the live answer, empty if it does."""
    of = curation.anchor
    if live is not None and normalise(live.answer) != normalise(of.answer):
        return f"The answer to {of.question!r} of {of.doc_id!r} changed since it was translated."
    return ""


def _changed(base: Chunk, work: Sequence[Curation]) -> Chunk | None:
    """Return an entry with its edits, ``None`` if it is disabled."""
    chunk = base
    for curation in work:
        match curation.kind:
            case "disabled":
                return None
            case "variant":
                chunk = replace(chunk, variants=_with(chunk.variants, curation.text))
            case "negative":
                chunk = replace(chunk, negatives=_with(chunk.negatives, curation.text))
            case "validity":
                first, last = curation.valid_from, curation.valid_until
                chunk = replace(chunk, valid_from=first, valid_until=last)
            case "category":
                chunk = replace(chunk, category=curation.text)
            case "answer" if curation.text != chunk.answer:
                edited = chunk_id(chunk.doc_id, chunk.text, curation.text)
                chunk = replace(chunk, answer=curation.text, chunk_id=edited)
            case _:
                pass
    return chunk


def _settled(
    curation: Curation, base: Chunk | None, made: Mapping[Chunk, Chunk | None], reason: str
) -> Settled:
    if base is None or reason:
        return curation.settled(reason)
    live = made[base] or base
    anchor = Anchor(base.doc_id, base.entry_id, base.text, base.answer)
    if curation.kind in {"answer", "translation", "draft"}:
        anchor = replace(anchor, answer=curation.anchor.answer)
    return Settled(curation.curation_id, "active", "", anchor, live.chunk_id)


def _with(texts: tuple[str, ...], text: str) -> tuple[str, ...]:
    return texts if text in texts else (*texts, text)
