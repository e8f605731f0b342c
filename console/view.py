"""An answer as the page shows it: its own characters, with the links that are its sources'."""

from dataclasses import dataclass

from markupsafe import Markup, escape

from console.labels import LabelKey, Labels
from core.shown import links_in, shown
from core.types import Answer, AnswerKind

_BADGES: dict[AnswerKind, LabelKey] = {
    "faq": "badge_faq",
    "composed": "badge_composed",
    "quoted": "badge_quoted",
    "unknown": "badge_unknown",
}


@dataclass(frozen=True, slots=True)
class SourceView:
    """One source below an answer."""

    document: str
    title: str
    location: str
    quote: str
    updated: str


@dataclass(frozen=True, slots=True)
class AnswerView:
    """Everything the template of an answer needs."""

    kind: AnswerKind
    badge: str
    """Says how the answer came about; empty for small talk."""
    body: Markup
    """Safe HTML."""
    language: str
    percent: int | None
    """How sure the service is; ``None`` where that says nothing."""
    time: str
    """How long the answer took."""
    sources: tuple[SourceView, ...]
    choices: tuple[str, ...]
    offers_person: bool
    rateable_id: int
    """Row of the answer if the visitor may say whether it helped, else 0."""
    rated: bool


def show_answer(answer: Answer, labels: Labels, *, rated: bool = False) -> AnswerView:
    """Prepare an answer for its template, with the page's own words in the visitor's language."""
    sure = answer.kind in ("faq", "composed", "quoted")
    total = answer.timings_ms.get("total")
    badge = _BADGES.get(answer.kind)
    return AnswerView(
        kind=answer.kind,
        badge=labels(badge) if badge else "",
        body=_body(answer, labels),
        language=labels.language if answer.intent == "person" else answer.language,
        percent=round(100 * answer.confidence) if sure else None,
        time="" if total is None else _time(total),
        sources=tuple(
            SourceView(s.document, s.title, s.location, s.quote, s.updated) for s in answer.sources
        ),
        choices=tuple(choice.label for choice in answer.choices),
        offers_person=answer.hedged or bool(answer.urgency) or answer.kind == "unknown",
        rateable_id=answer.answer_id if sure else 0,
        rated=rated,
    )


def _body(answer: Answer, labels: Labels) -> Markup:
    if answer.intent == "person":
        # Nobody watches this page: what is true in Telegram would be a false promise here.
        return render_plain(labels("person_here"))
    return render_plain(shown(answer))


def _time(milliseconds: float) -> str:
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s"


def render_plain(text: str) -> Markup:
    """Turn plain text into paragraphs, keeping its line breaks; web addresses are links."""
    paragraphs = [part.strip() for part in text.split("\n\n") if part.strip()]
    return Markup("").join(
        Markup("<p>{}</p>").format(Markup("<br>").join(map(_line, part.splitlines())))
        for part in paragraphs
    )


def _line(text: str) -> Markup:
    out = Markup("")
    end = 0
    for start, stop in links_in(text):
        link = Markup('<a href="{0}" rel="noopener noreferrer nofollow">{0}</a>')
        out += escape(text[end:start]) + link.format(text[start:stop])
        end = stop
    return out + escape(text[end:])
