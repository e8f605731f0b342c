"""What the bot says in Telegram beside `kb.answering.texts`, in the same languages."""

from functools import cache
from pathlib import Path

import yaml
from babel import Locale

from kb.answering.texts import TEXT_LANGUAGES, text_language

LANGUAGE_NAMES = {code: Locale(code).language_name.capitalize() for code in TEXT_LANGUAGES}

_FILE = Path(__file__).parent / "data" / "texts.yaml"


def bot_text(key: str, *languages: str, **values: str | int) -> str:
    """Return the text in the first of `languages` that there is, else in English."""
    return _texts()[key][text_language(*languages)].format(**values)


@cache
def _texts() -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = yaml.safe_load(_FILE.read_text("utf-8"))
    return texts
