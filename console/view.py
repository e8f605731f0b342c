"""An answer as the page shows it. Whatever comes from files or models is made harmless here."""

from dataclasses import dataclass
from functools import cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from console.labels import LabelKey, Labels
from core.types import Answer, AnswerKind

_INLINE = ("a", "br", "code", "em", "s", "strong")
_BLOCKS = ("p", "hr", "pre", "ul", "ol", "li", "blockquote", "h3", "h4", "h5", "h6")
_TABLES = ("table", "thead", "tbody", "tr", "th", "td")
_TAGS = frozenset((*_INLINE, *_BLOCKS, *_TABLES))
_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
_SCHEMES = frozenset({"https", "http", "mailto", "tel"})

_BADGES: dict[AnswerKind, LabelKey] = {
    "faq": "badge_faq",
    "composed": "badge_composed",
    "quoted": "badge_quoted",
    "clarify": "badge_clarify",
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
        offers_person=answer.kind in ("unknown", "clarify") or bool(answer.urgency),
        rateable_id=answer.answer_id if sure else 0,
        rated=rated,
    )


def _body(answer: Answer, labels: Labels) -> Markup:
    if answer.intent == "person":
        # Nobody watches this page: what is true in Telegram would be a false promise here.
        return render_plain(labels("person_here"))
    # Approved answers may use Markdown; sentences of documents and models are plain text.
    return render_markdown(answer.text) if answer.kind == "faq" else render_plain(answer.text)


def _time(milliseconds: float) -> str:
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s"


def render_markdown(text: str) -> Markup:
    """Turn an operator's Markdown into HTML that can neither run, load nor restyle anything."""
    html = _markdown().render(text)
    return Markup(
        nh3.clean(
            html,
            tags=set(_TAGS),
            attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
            url_schemes=set(_SCHEMES),
            link_rel="noopener noreferrer nofollow",
        )
    )


def render_plain(text: str) -> Markup:
    """Turn plain text into paragraphs, keeping its line breaks."""
    paragraphs = [part.strip() for part in text.split("\n\n") if part.strip()]
    return Markup("").join(
        Markup("<p>{}</p>").format(Markup("<br>").join(escape(line) for line in part.splitlines()))
        for part in paragraphs
    )


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(
        ["table", "strikethrough"]
    )
