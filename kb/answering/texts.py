"""What the service itself says to customers; Chinese in both its scripts."""

import re
from pathlib import Path
from typing import Literal, TypeAlias

from kb.text.language import is_traditional
from kb.text.lexicon import read_lists

TextKey: TypeAlias = Literal[
    "greeting", "smalltalk", "thanks", "goodbye", "acknowledged", "person_elsewhere",
    "person_contact",
    "held_elsewhere", "person_called", "unknown", "rest_unknown", "angry", "urgent", "depends",
    "hedge", "only_in", "hedge_only_in", "none_of_these", "say_otherwise", "talk_to_person",
    "quoted", "source", "sources", "waiting", "trouble", "lookup_not_found", "lookup_failed",
    "cut", "text_only", "feedback_thanks", "what_was_wrong", "why_wrong", "why_incomplete",
    "why_outdated", "why_not_my_question", "forgotten",
]  # fmt: skip
"""``greeting`` and ``smalltalk`` take ``company``, ``waiting`` ``seconds``, ``cut`` ``count``,
``depends`` ``text``, ``person_contact`` ``contact``,
``only_in`` and ``hedge_only_in`` ``language_name``."""

TEXT_LANGUAGES = ("en", "zh", "es", "de", "ru", "fr", "it", "pt", "nl", "pl", "tr")
"""ISO 639-1, each complete."""
_TRADITIONAL = "zh-Hant"
_OF_TRADITIONAL = re.compile(r"zh[-_](?:hant|tw|hk|mo)\b", re.IGNORECASE)
"""Codes of users who read Traditional Chinese."""
_SENTENCE = 6
"""Characters of the shortest piece that is told from a source's words."""

_FILE = Path(__file__).parent / "data" / "texts.yaml"


def service_text(key: TextKey, *languages: str, **values: str | int) -> str:
    """Return the text in the first of `languages` that there is, else in English.

    Args:
        key: which text.
        languages: ISO 639-1 or a user's language code (``pt-BR``), best first: that of the
            message, that of the user's app, the company's first.
        values: what the text's placeholders stand for.
    """
    code = text_language(*languages)
    if code == "zh" and any(map(_OF_TRADITIONAL.match, languages)):
        code = _TRADITIONAL
    text: str = read_lists(_FILE)[key][code]
    return text.format(**values)


def in_script_of(question: str, reply: str, *languages: str) -> str:
    """Return a Chinese reply with the service's own sentences in the script of the question.

    The sentences of sources stay as they are. `languages`: of the user, where the question has
    no character that only one of the scripts has.
    """
    if not (is_traditional(question) or any(map(_OF_TRADITIONAL.match, languages))):
        return reply
    for texts in read_lists(_FILE).values():
        pieces = (re.split(r"\{\w+\}", texts[code]) for code in ("zh", _TRADITIONAL))
        both = [(a, b) for a, b in zip(*pieces, strict=True) if a != b]
        if all(len(a) >= _SENTENCE and a in reply for a, _ in both):
            for simplified, traditional in both:
                reply = reply.replace(simplified, traditional)
    return reply


def text_language(*languages: str) -> str:
    """Return the first of `languages` in which there are service texts, else ``en``."""
    for language in languages:
        code = language.replace("_", "-").split("-")[0].lower()
        if code in TEXT_LANGUAGES:
            return code
    return "en"
