"""Split a parsed file into chunks: entries unchanged, documents into passages.

A passage is whole sentences under one heading, packed up to a number of the embedder's own tokens,
without overlap: overlapping passages are found in pairs and push others out of the candidates.
"""

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from core.protocols import Embedder
from core.types import Chunk, ParsedFile, Section
from kb.text.language import detect_language
from kb.text.segmentation import first_column, split_sentences

PROMPT_TOKENS = 24
"""Room for the embedder's prompt ("passage: ") and its special tokens."""
_TITLE_CHARS = 80
"""Characters of the title path that are embedded before a passage, from its innermost heading."""
_SURELY_LONG = 50
"""Characters a token above which a text is over any limit and need not be counted."""
_SHARED = (
    "text", "answer", "variants", "location", "category", "valid_from", "valid_until", "entry_id"
)  # fmt: skip
"""Fields that a chunk copies from its section."""
_SEPARATOR = " › "
_CLAUSE = re.compile(r"(?<=[,;，；：、—–])(?<!\d,)\s*|(?<=[:)])\s+")
_PLACE = re.compile(r"(.*?)\b(row|page|line|paragraph)s? (\d+)(?:–(\d+))?")


async def chunk_file(
    parsed: ParsedFile, *, doc_id: str, embedder: Embedder, passage_tokens: int, updated: str
) -> list[Chunk]:
    """Cut `parsed` into chunks that the embedder reads whole, in the order of the file.

    `updated` is the ISO 8601 date on which the file was received. Tokens are counted in one
    call, and in a few more only if a sentence is longer than a passage.
    """
    room = embedder.max_tokens - PROMPT_TOKENS
    sections = await _askable(parsed.sections, embedder, room)
    counts = await _count(sections, parsed.title, embedder, limit=min(passage_tokens, room))
    cut: list[Section] = []
    for is_entry, group in groupby(sections, key=lambda section: bool(section.answer)):
        if is_entry:
            cut += group
        else:
            cut += _passages(list(group), counts, parsed.title, limit=passage_tokens, room=room)
    # Of the whole, for chunks too short to tell.
    usual = detect_language(" ".join(f"{s.text} {s.answer}" for s in sections[:200])[:3000])
    chunks: list[Chunk] = []
    titles: dict[str, str] = {}
    for section in cut:
        title = _full_title(parsed.title, section.title_path)
        key = chunk_id(doc_id, section.text, section.answer)
        if titles.setdefault(key, title) != title and not section.answer:
            # The same words under another heading mean something else: the price of another bike.
            key = chunk_id(doc_id, f"{title}\n{section.text}", "")
        chunk = Chunk(
            chunk_id=key,
            doc_id=doc_id,
            kind="faq" if section.answer else "passage",
            title=title,
            language=section.language
            or detect_language(f"{section.text} {section.answer}", hint=usual),
            updated=updated,
            **{name: getattr(section, name) for name in _SHARED},
        )
        chunks.append(chunk)
    return chunks


def embedding_text(chunk: Chunk) -> str:
    """Return the text whose vector stands for a chunk.

    An entry is its question. A passage is preceded by its title path: a paragraph under "Refunds"
    seldom says the word again. Measured with multilingual-e5-small on 100 questions of aws_docs_qa
    (76 documents, 1,211 chunks): the first hit is of the right document for 91 with the title path
    and 89 without, and holds the answer verbatim for 48 and 47: small, and never worse.
    """
    if chunk.kind == "faq":
        return chunk.text
    title = _short_title(chunk.title)
    return f"{title}\n{chunk.text}" if title else chunk.text


def chunk_id(doc_id: str, text: str, answer: str) -> str:
    """Return the stable id of a chunk: equal in every run, different in another document."""
    digest = hashlib.sha256("\x1f".join((doc_id, text, answer)).encode())
    return digest.hexdigest()[:32]


# --- entries -----------------------------------------------------------------------------------


async def _askable(sections: Sequence[Section], embedder: Embedder, room: int) -> list[Section]:
    """Make passages of entries whose question is too long to be embedded; drop such variants."""
    long = [t for s in sections if s.answer for t in (s.text, *s.variants) if len(t) > room]
    counts = dict(zip(long, await embedder.count_tokens(long), strict=True)) if long else {}

    def fits(text: str) -> bool:
        return counts.get(text, 0) <= room

    kept: list[Section] = []
    for section in sections:
        if section.answer and not fits(section.text):
            section = replace(section, text=f"{section.text}\n{section.answer}", answer="")
        elif section.answer and counts:
            section = replace(section, variants=tuple(filter(fits, section.variants)))
        kept.append(section)
    return kept


# --- passages ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence, a list item, a row: what is never cut, with its place in its section."""

    section: Section
    start: int
    end: int
    tokens: int
    glue: str
    """Characters between it and the unit before."""

    @property
    def text(self) -> str:
        return self.section.text[self.start : self.end]


def _passages(
    sections: Sequence[Section], counts: Mapping[str, int], title: str, *, limit: int, room: int
) -> Iterator[Section]:
    # What has an id of its own in the file is never packed together with something else, and a row
    # not with rows of another table.
    by_place = groupby(sections, key=lambda s: (s.title_path, s.entry_id, first_column(s.text)))
    for (path, *_), group in by_place:
        prefix = counts.get(_short_title(_full_title(title, path)), 0)
        budget = max(min(room - prefix, max(limit - prefix, limit // 2)), 16)
        units = [unit for section in group for unit in _units(section, counts, budget)]
        for pack in _packed(units, budget):
            text = pack[0].text + "".join(unit.glue + unit.text for unit in pack[1:])
            place = _span([unit.section.location for unit in pack])
            yield replace(pack[0].section, text=text, location=place, variants=())


def _units(section: Section, counts: Mapping[str, int], budget: int) -> Iterator[_Unit]:
    at = 0
    first = True
    for sentence in split_sentences(section.text, section.language):
        for piece in _within(sentence, counts, budget):
            start = section.text.index(piece, at)
            glue = "\n" if first else section.text[at:start] or ""
            at = start + len(piece)
            yield _Unit(section, start, at, counts.get(piece, 0), glue)
            first = False


def _packed(units: Sequence[_Unit], budget: int) -> Iterator[list[_Unit]]:
    """Fill passages evenly, preferring the end of a paragraph to the last token."""
    total = sum(unit.tokens for unit in units)
    share = total / max(math.ceil(total / budget), 1)
    pack: list[_Unit] = []
    size = seen = 0
    due = share
    for unit in units:
        paragraph = "\n\n" in unit.glue
        enough = seen + unit.tokens / 2 > due or (paragraph and seen > due - 0.2 * share)
        if pack and (size + unit.tokens > budget or enough):
            # What the last sentence announces follows it.
            announces = len(pack) > 1 and pack[-1].text.endswith((":", "："))
            carried = [pack.pop()] if announces else []
            yield pack
            pack = carried
            size = sum(u.tokens for u in pack)
            due = max(due, seen) + share if enough else seen + share
        pack.append(unit)
        size += unit.tokens
        seen += unit.tokens
    if pack:
        yield pack


# --- tokens ------------------------------------------------------------------------------------


async def _count(
    sections: Sequence[Section], title: str, embedder: Embedder, *, limit: int
) -> dict[str, int]:
    """Count each sentence and each title, and the pieces of sentences that exceed a passage."""
    passages = [section for section in sections if not section.answer]
    wanted = {s for p in passages for s in split_sentences(p.text, p.language)}
    wanted |= {_short_title(_full_title(title, section.title_path)) for section in passages}
    counts: dict[str, int] = {}
    while wanted:
        texts = sorted(wanted)
        short = [text for text in texts if len(text) <= _SURELY_LONG * limit]
        counts.update(dict.fromkeys(texts, limit + 1))
        counts.update(zip(short, await embedder.count_tokens(short), strict=True))
        smallest = max(limit // 2, 16)
        wanted = {
            half
            for text in texts
            if counts[text] > smallest and len(text) > 1
            for half in _halves(text)
            if half not in counts
        }
    return counts


def _within(sentence: str, counts: Mapping[str, int], budget: int) -> list[str]:
    """Return the sentence, or its pieces if it alone exceeds a passage."""
    if counts.get(sentence, 0) <= budget or len(sentence) < 2:
        return [sentence]
    return [piece for half in _halves(sentence) for piece in _within(half, counts, budget) if piece]


def _halves(text: str) -> tuple[str, str]:
    """Cut near the middle: at a line end, else a clause, else a blank, else anywhere."""
    middle = len(text) // 2
    for pattern in (re.compile(r"\n+"), _CLAUSE, re.compile(r"\s+")):
        cuts = [m.end() for m in pattern.finditer(text) if 0 < m.end() < len(text)]
        cuts = [cut for cut in cuts if text[:cut].strip() and text[cut:].strip()]
        if cuts:
            cut = min(cuts, key=lambda at: abs(at - middle))
            if min(cut, len(text) - cut) > 0.15 * len(text):
                return text[:cut].strip(), text[cut:].strip()
    return text[:middle].strip() or text[:middle], text[middle:].strip() or text[middle:]


# --- titles and places ----------------------------------------------------------------------------


def _full_title(title: str, path: Sequence[str]) -> str:
    parts = list(path) if path and path[0] == title else [title, *path]
    return _SEPARATOR.join(part for part in parts if part)


def _short_title(title: str) -> str:
    """Keep the innermost headings of a title path, as many as fit."""
    kept: list[str] = []
    for part in reversed(title.split(_SEPARATOR)):
        if kept and len(_SEPARATOR.join((part, *kept))) > _TITLE_CHARS:
            break
        kept.insert(0, part[:_TITLE_CHARS])
    return _SEPARATOR.join(kept)


def _span(places: Sequence[str]) -> str:
    """Return the first place, or first to last where they count rows, pages or lines."""
    named = [place for place in places if place]
    if not named:
        return ""
    first, last = _PLACE.fullmatch(named[0]), _PLACE.fullmatch(named[-1])
    if first and last and first.group(1, 2) == last.group(1, 2):
        start, end = first.group(3), last.group(4) or last.group(3)
        if first.group(2) in {"row", "page"} and int(end) > int(start):
            return f"{first.group(1)}{first.group(2)}s {start}–{end}"
        return f"{first.group(1)}{first.group(2)} {start}"
    return named[0]
