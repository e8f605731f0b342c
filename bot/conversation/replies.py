"""An answer as the messages a customer sees: text, sources, buttons. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bot.conversation.texts import LANGUAGE_NAMES, bot_text
from bot.transport.render import render_plain
from core.person_offer import offered_under_reply
from core.shown import short, shown
from core.types import Answer, Source
from core.wording import speaking, told
from db.outbox import Outgoing
from kb.answering.texts import service_text

Json = dict[str, Any]
Button = tuple[str, str]
"""Label and callback data, the latter at most 64 bytes."""

MAX_SOURCES = 3
"""Buttons for sources under an answer."""
REASONS = ("wrong", "incomplete", "outdated", "not_my_question")

_LABEL_CHARS = 48
JUDGED = {"faq", "composed", "quoted"}


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a reply is for."""

    chat_id: int
    thread_id: int = 0
    languages: tuple[str, ...] = ()
    """For the service texts, best first."""


def message(
    to: Addressee,
    text: str,
    *,
    buttons: Sequence[Sequence[Button]] = (),
    reply_to: int = 0,
    context: Mapping[str, Any] | None = None,
) -> Outgoing:
    """Return one message to send."""
    params: Json = {"chat_id": to.chat_id, **edited(text, buttons)}
    if reply_to:
        params["reply_to"] = reply_to
    if to.thread_id:
        params["message_thread_id"] = to.thread_id
    return Outgoing(to.chat_id, "sendMessage", params, dict(context or {}))


def edited(text: str, buttons: Sequence[Sequence[Button]] = ()) -> Json:
    """Return what a message says, and its buttons, as `Sender.edit` takes it."""
    return {"text": text, **({"reply_markup": keyboard(buttons)} if buttons else {})}


def keyboard(buttons: Sequence[Sequence[Button]]) -> Json:
    """Return rows of buttons as the Bot API writes them."""
    return {
        "inline_keyboard": [
            [{"text": label, "callback_data": data} for label, data in row] for row in buttons
        ]
    }


def answer_messages(
    answer: Answer,
    to: Addressee,
    *,
    question: str,
    question_message_id: int,
    lead: str = "",
    quote_question: bool = False,
) -> list[Outgoing]:
    """Return an answer as messages; the last has the buttons and what they need.

    `lead` is a sentence before it; with `quote_question` it shows to which message it replies.
    """
    parts = render_plain(shown(answer))
    if lead:
        parts = [*render_plain(lead), *parts]
    languages = (answer.language, *to.languages)
    context = {
        "question": question,
        "question_message_id": question_message_id,
        "answer_id": answer.answer_id,
        "kind": answer.kind,
        "confidence": answer.confidence,
        "language": answer.language,
        "urgency": answer.urgency,
        "sources": [asdict(source) for source in answer.sources[:MAX_SOURCES]],
        "choices": [asdict(choice) for choice in answer.choices],
    }
    last = len(parts) - 1
    return [
        message(
            to,
            part,
            buttons=answer_buttons(context, languages) if number == last else (),
            reply_to=question_message_id if quote_question and number == 0 else 0,
            context=context
            if number == last
            else {"question_message_id": question_message_id, "part": number},
        )
        for number, part in enumerate(parts)
    ]


def answer_buttons(context: Mapping[str, Any], languages: Sequence[str]) -> list[list[Button]]:
    """Return the buttons under an answer: choices or sources, verdict, a person.

    Who is angry or in danger is offered the person first.
    """
    kind = context["kind"]
    person = (f"🙋 {service_text('talk_to_person', *languages)}", "human")
    pressing = bool(context.get("urgency"))  # messages of earlier versions do not say
    rows: list[list[Button]] = [[person]] if pressing else []
    rows += [
        [(f"📄 {short(source_label(source, *languages[:1]), _LABEL_CHARS)}", f"src:{number}")]
        for number, source in enumerate(context["sources"])
    ]
    rows += [
        [(short(choice["label"], _LABEL_CHARS), f"pick:{number}")]
        for number, choice in enumerate(context["choices"])
    ]
    if context["choices"]:
        rows.append([(service_text("none_of_these", *languages), "pick:none")])
    if kind in JUDGED and context["answer_id"]:
        rows.append([("👍", "fb:1"), ("👎", "fb:0")])
    if offered_under_reply(kind) and not pressing:
        rows.append([person])  # a row of its own: three in a row cut its label on a phone
    return rows


def reason_buttons(languages: Sequence[str]) -> list[list[Button]]:
    """Return what a customer may dislike about an answer, two in a row."""
    labels = [
        (service_text("why_wrong", *languages), "why:wrong"),
        (service_text("why_incomplete", *languages), "why:incomplete"),
        (service_text("why_outdated", *languages), "why:outdated"),
        (service_text("why_not_my_question", *languages), "why:not_my_question"),
    ]
    return [labels[:2], labels[2:]]


def language_buttons(languages: Sequence[str]) -> list[list[Button]]:
    """Return the languages the bot speaks, and the choice to follow the customer's own."""
    named = [(name, f"lang:{code}") for code, name in LANGUAGE_NAMES.items()]
    pairs = [named[i : i + 2] for i in range(0, len(named), 2)]
    return [*pairs, [(bot_text("language_auto", *languages), "lang:auto")]]


def source_label(source: Mapping[str, Any], *languages: str) -> str:
    """Return how a source is called on its button: title and place; an entry by its question."""
    title = str(source["title"] or source["document"])
    if not source["location"] or title.endswith(("?", "？")):
        return title
    with speaking(*languages):
        return f"{title}, {told(source['location'])}"


def passage_messages(source: Mapping[str, Any], to: Addressee, *, reply_to: int) -> list[Outgoing]:
    """Return the words of a source, with file, place and date."""
    shown = Source(**source)
    with speaking(*to.languages[:1]):
        place = ", ".join(part for part in (shown.document, told(shown.location)) if part)
    head = bot_text(
        "passage",
        *to.languages,
        title=shown.title or shown.document,
        place=place,
        date=shown.updated or "?",
    )
    parts = render_plain(f"{head}\n\n{shown.quote}")
    return [
        message(to, part, reply_to=0 if number else reply_to) for number, part in enumerate(parts)
    ]
