"""What the team reads in a customer's topic, and the buttons there. Pure functions."""

from collections.abc import Mapping, Sequence
from typing import Any

from babel.numbers import format_percent

from bot.conversation.replies import Button, source_label
from core.masking import mask
from core.shown import short
from core.types import Answer, Turn, Urgency
from core.wording import N_, locale, tr
from db.handover import Handover

_NAME_CHARS = 100
"""Telegram allows 128; the rest is for the number."""
_TEXT_CHARS = 500
_TURN_CHARS = 3000
_WHERE_IT_GOES = N_("What you write here goes to the customer; what begins with // stays here.")


def topic_name(name: str, chat_id: int) -> str:
    """Return the name of a customer's topic."""
    shown = " ".join(name.split())[:_NAME_CHARS] or tr("Customer")
    return f"{shown} · {chat_id % 10_000:04}"


def card_text(
    handover: Handover,
    *,
    name: str,
    holder: str = "",
    assigned: str = "",
    turns: Sequence[Turn] = (),
) -> str:
    """Return who waits, what about, what the bot found, and what was said before."""
    states = {
        "waiting": tr("🙋 waits for a person"),
        "held": tr("✋ %(name)s has it", name=holder) if holder else tr("✋ a person has it"),
        "closed": tr("✔ closed"),
    }
    lines = [mark(handover.urgency)] if handover.urgency else []
    lines += [
        " · ".join(
            (
                name or tr("A customer"),
                handover.language or tr("language unknown"),
                states[handover.state],
            )
        )
    ]
    if assigned:
        lines.append(tr("Assigned to %(name)s.", name=assigned))
    if handover.rating:
        stars = "★" * handover.rating + "☆" * (5 - handover.rating)
        lines.append(tr("Rated %(stars)s", stars=stars))
    if handover.reason:
        lines.append(tr("Asked: %(text)s", text=short(handover.reason, _TEXT_CHARS)))
    if handover.found:
        lines.append(tr("Found: %(text)s", text=handover.found))
    if turns:
        lines.append("")
        for turn in turns:
            lines += [
                f"👤 {short(turn.question, _TEXT_CHARS)}",
                f"🤖 {short(turn.answer, _TEXT_CHARS)}",
            ]
    if handover.draft and handover.state != "closed":
        lines += ["", tr("Draft: %(text)s", text=short(handover.draft, _TEXT_CHARS))]
    lines += ["", tr(_WHERE_IT_GOES) + " /take /giveback /close /reopen /assign /ban /canned /save"]
    return "\n".join(lines)


def card_buttons(handover: Handover, *, saves: bool) -> list[list[Button]]:
    """Return what an operator may do with a conversation as it stands."""
    save: list[list[Button]] = [[save_button()]] if saves and handover.answer else []
    if handover.state == "closed":
        return save
    rows: list[list[Button]] = []
    if handover.draft:
        rows.append(draft_buttons())
    held = handover.state == "held"
    mine: Button = (tr("↩ Give back"), "give") if held else (tr("✋ Take over"), "take")
    return [*rows, [mine, (tr("✔ Close"), "close")], *save]


def draft_buttons() -> list[Button]:
    """Return what an operator may do with a draft."""
    return [(tr("✉ Send draft"), "draft"), (tr("✏ Edit draft"), "editdraft")]


def held_text(question: str, draft: str) -> str:
    """Return a held answer as the team is asked to send it."""
    head = tr("Draft, not sent:")
    return f"👤 {short(mask(question), _TEXT_CHARS)}\n\n{head}\n\n{draft[:_TURN_CHARS]}"


def held_buttons(answer_id: int) -> list[Button]:
    """Return what an operator may do with a held answer."""
    return [
        (tr("✉ Send"), f"held:{answer_id}"),
        (tr("✏ Edit"), f"editheld:{answer_id}"),
        (tr("🗑 Discard"), f"dropheld:{answer_id}"),
    ]


def save_button() -> Button:
    """Return the button that makes an operator's answer an entry."""
    return (tr("💾 Save as FAQ"), "save")


def found_text(context: Mapping[str, Any]) -> str:
    """Return where the bot found its answer and how sure it was; empty if it found nothing."""
    sources = context.get("sources", [])
    if not sources:
        return ""
    labels = ", ".join(short(source_label(source), _TEXT_CHARS) for source in sources)
    confidence = context.get("confidence")
    if not confidence:
        return labels
    share = format_percent(confidence, locale=locale())
    return tr("%(sources)s (%(share)s sure)", sources=labels, share=share)


def bot_turn(answer: Answer) -> str:
    """Return the bot's reply as its team reads it."""
    return f"🤖 {answer.text[:_TURN_CHARS]}"


def mark(urgency: Urgency) -> str:
    """Return how the team is told why a customer comes before others; empty if none does."""
    return {
        "urgent": tr("🚨 Urgent: danger, fraud or distress"),
        "angry": tr("😠 Angry"),
        "": "",
    }[urgency]
