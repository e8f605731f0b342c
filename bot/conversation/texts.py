"""What the bot says in Telegram beside `kb.answering.texts`, in the same languages."""

from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import yaml

from kb.answering.texts import text_language

BotTextKey: TypeAlias = Literal[
    "start",
    "help",
    "privacy",
    "choose_language",
    "language_auto",
    "language_set",
    "late",
    "flood",
    "passage",
    "expired",
    "not_allowed",
    "voice",
    "sticker",
    "picture",
    "cmd_help",
    "cmd_human",
    "cmd_language",
    "cmd_privacy",
    "cmd_mydata",
    "cmd_forget",
    "forget_sure",
    "forget_yes",
    "only_private",
    "person_here",
    "bot_back",
    "person_gone",
    "rate_thanks",
    "answered_now",
    "nobody_here",
    "noted",
    "outside_hours",
    "weekdays",
]

BOT_TEXT_KEYS: tuple[BotTextKey, ...] = get_args(BotTextKey)
LANGUAGE_NAMES = {
    "en": "English",
    "zh": "中文",
    "es": "Español",
    "de": "Deutsch",
    "ru": "Русский",
}

_FILE = Path(__file__).parent / "data" / "texts.yaml"


def bot_text(key: BotTextKey, *languages: str, **values: str | int) -> str:
    """Return the text in the first of `languages` that there is, else in English."""
    return _texts()[key][text_language(*languages)].format(**values)


@cache
def _texts() -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = yaml.safe_load(_FILE.read_text("utf-8"))
    return texts
