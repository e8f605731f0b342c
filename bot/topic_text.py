"""What the team reads at the head of a customer's topic. Pure functions."""

from collections.abc import Sequence

from core.types import Turn
from db.handover import Handover

_NAME_CHARS = 100
"""Telegram allows 128; the rest is for the number."""
_TEXT_CHARS = 500


def topic_name(name: str, chat_id: int) -> str:
    """Return the name of a customer's topic."""
    return f"{' '.join(name.split())[:_NAME_CHARS] or 'Customer'} · {chat_id % 10_000:04}"


def card_text(handover: Handover, *, name: str, turns: Sequence[Turn]) -> str:
    """Return who waits, what about, and what was said before."""
    lines = [f"🙋 {name or 'A customer'} · {handover.language or 'language unknown'}"]
    if handover.reason:
        lines.append(f"Asked: {_short(handover.reason)}")
    if turns:
        lines.append("")
        for turn in turns:
            lines += [f"👤 {_short(turn.question)}", f"🤖 {_short(turn.answer)}"]
    if handover.draft:
        lines += ["", f"Draft: {_short(handover.draft)}"]
    lines += [
        "",
        "What you write here goes to the customer; what begins with // stays here. "
        "/take /giveback /close /reopen /ban /canned",
    ]
    return "\n".join(lines)


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _TEXT_CHARS else flat[: _TEXT_CHARS - 1] + "…"
