"""An answer as the page shows it: its own characters, with the links that are its sources'."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from markupsafe import Markup, escape

from console.labels import Labels
from core.person_offer import offered_on_page
from core.shown import links_in, shown
from core.types import Answer, AnswerKind, Source
from core.wording import speaking, told

Piece: TypeAlias = tuple[str, bool]
"""Some text, and whether it is a web address."""
Lines: TypeAlias = tuple[tuple[tuple[Piece, ...], ...], ...]
"""Pieces of the lines of the paragraphs of a text."""

_BADGES: dict[AnswerKind, str] = {
    "faq": "badge_faq",
    "composed": "badge_composed",
    "quoted": "badge_quoted",
    "unknown": "badge_unknown",
}


@dataclass(frozen=True, slots=True)
class AnswerView:
    """Everything the template of an answer needs."""

    kind: AnswerKind
    badge: str
    """Says how the answer came about; empty for small talk."""
    lines: Lines
    language: str
    percent: int | None
    """How sure the service is; ``None`` where that says nothing."""
    time: str
    """How long the answer took."""
    sources: Sequence[Source]
    choices: tuple[str, ...]
    offers_person: bool
    rateable_id: int
    """Row of the answer if the visitor may say whether it helped, else 0."""
    rated: bool

    @property
    def body(self) -> Markup:
        """Safe HTML."""
        return render_plain(self.lines)


def show_answer(answer: Answer, labels: Labels, *, rated: bool = False) -> AnswerView:
    """Prepare an answer for its template, with the page's own words in the visitor's language."""
    sure = answer.kind in ("faq", "composed", "quoted")
    total = answer.timings_ms.get("total")
    badge = _BADGES.get(answer.kind)
    with speaking(labels.language):
        sources = [replace(one, location=told(one.location)) for one in answer.sources]
    return AnswerView(
        kind=answer.kind,
        badge=labels(badge) if badge else "",
        lines=lines_of(shown(answer)),
        language=answer.language,
        percent=round(100 * answer.confidence) if sure else None,
        time="" if total is None else _time(total),
        sources=sources,
        choices=tuple(choice.label for choice in answer.choices),
        offers_person=offered_on_page(answer),
        rateable_id=answer.answer_id if sure else 0,
        rated=rated,
    )


def _time(milliseconds: float) -> str:
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s"


def lines_of(text: str) -> Lines:
    """Split plain text into paragraphs, keeping its line breaks and finding web addresses."""
    paragraphs = (part.strip() for part in text.split("\n\n"))
    return tuple(tuple(_pieces(ln) for ln in part.splitlines()) for part in paragraphs if part)


def render_plain(lines: Lines) -> Markup:
    """Turn lines into HTML paragraphs; web addresses are links."""
    link = Markup('<a href="{0}" rel="noopener noreferrer nofollow">{0}</a>')
    return Markup("").join(
        Markup("<p>{}</p>").format(
            Markup("<br>").join(
                Markup("").join(link.format(t) if is_link else escape(t) for t, is_link in line)
                for line in paragraph
            )
        )
        for paragraph in lines
    )


def _pieces(line: str) -> tuple[Piece, ...]:
    pieces = []
    end = 0
    for start, stop in links_in(line):
        pieces += [(line[end:start], False), (line[start:stop], True)]
        end = stop
    return tuple(piece for piece in (*pieces, (line[end:], False)) if piece[0])
