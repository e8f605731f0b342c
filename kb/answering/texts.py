"""What the service itself says to customers, in five languages."""

from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import yaml

TextKey: TypeAlias = Literal[
    "greeting",
    "smalltalk",
    "thanks",
    "goodbye",
    "acknowledged",
    "person_elsewhere",
    "person_called",
    "unknown",
    "rest_unknown",
    "angry",
    "urgent",
    "hedge",
    "only_in",
    "none_of_these",
    "say_otherwise",
    "talk_to_person",
    "quoted",
    "source",
    "sources",
    "waiting",
    "busy",
    "trouble",
    "lookup_not_found",
    "lookup_failed",
    "text_only",
    "feedback_thanks",
    "what_was_wrong",
    "why_wrong",
    "why_incomplete",
    "why_outdated",
    "why_not_my_question",
    "forgotten",
]
"""``greeting`` and ``smalltalk`` take ``company``, ``waiting`` ``seconds``, ``only_in``
``language_name``."""

TEXT_KEYS: tuple[TextKey, ...] = get_args(TextKey)
TEXT_LANGUAGES = ("en", "zh", "es", "de", "ru")
"""ISO 639-1, each complete."""

_FILE = Path(__file__).parent / "data" / "texts.yaml"


def service_text(key: TextKey, *languages: str, **values: str | int) -> str:
    """Return the text in the first of `languages` that there is, else in English.

    Args:
        key: which text.
        languages: ISO 639-1 or a user's language code (``pt-BR``), best first: that of the
            message, that of the user's app, the company's first.
        values: what the text's placeholders stand for.
    """
    return _texts()[key][text_language(*languages)].format(**values)


def text_language(*languages: str) -> str:
    """Return the first of `languages` in which there are service texts, else ``en``."""
    for language in languages:
        code = language.replace("_", "-").split("-")[0].lower()
        if code in TEXT_LANGUAGES:
            return code
    return "en"


@cache
def _texts() -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = yaml.safe_load(_FILE.read_text("utf-8"))
    return texts
