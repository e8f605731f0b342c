"""Where a customer is offered a person: under a reply in Telegram, and on web pages."""

from core.types import Answer


def offered_under_reply(kind: str) -> bool:
    """Tell whether a reply of a kind in Telegram has the button; small talk has none."""
    return kind in {"faq", "composed", "quoted", "unknown", "lookup"}


def offered_on_page(answer: Answer) -> bool:
    """Tell whether a page offers it: the answer may not help, or the customer is angry."""
    return answer.hedged or bool(answer.urgency) or answer.kind == "unknown"
