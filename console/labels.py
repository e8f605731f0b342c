"""The own words of the try-it page and the widget, in the languages of the service texts."""

from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import yaml

from kb.answering.texts import service_text, text_language

LabelKey: TypeAlias = Literal[
    "title",
    "heading",
    "lead",
    "examples",
    "conversation",
    "you_asked",
    "new_chat",
    "erase_chat",
    "erase_sure",
    "console",
    "your_question",
    "placeholder",
    "send",
    "loading",
    "looking_up",
    "checking_next",
    "queue",
    "connection_lost",
    "trouble",
    "erased",
    "empty",
    "person_here",
    "held_here",
    "badge_faq",
    "badge_composed",
    "badge_quoted",
    "badge_unknown",
    "sure",
    "source",
    "sources",
    "as_of",
    "helpful",
    "yes",
    "no",
    "open_chat",
    "close_chat",
    "cancel",
    "your_message",
    "your_contact",
    "contact_wrong",
    "leave_contact",
    "contact_kept",
    "call_person",
    "contact_optional",
    "called",
    "team",
    "new_message",
    "person_joined",
    "bot_back",
]
"""``title`` takes ``shop``, ``sure`` ``percent``, ``sources`` ``count``, ``contact_kept``
``contact``."""

LABEL_KEYS: tuple[LabelKey, ...] = get_args(LabelKey)
_FILE = Path(__file__).with_name("labels.yaml")


class Labels:
    """The words of one language."""

    def __init__(self, *languages: str) -> None:
        """Take the first language in which there are texts, else English."""
        self.language = text_language(*languages)

    def __call__(self, key: LabelKey, **values: str | int) -> str:
        """Return a text with its placeholders filled in."""
        return read_labels()[key][self.language].format(**values)

    @property
    def talk_to_person(self) -> str:
        """What a visitor says who wants a person; the service understands it."""
        return service_text("talk_to_person", self.language)

    @property
    def feedback_thanks(self) -> str:
        """What a visitor reads who said whether an answer helped."""
        return service_text("feedback_thanks", self.language)


@cache
def read_labels() -> dict[str, dict[str, str]]:
    """Return every text by key and language."""
    texts: dict[str, dict[str, str]] = yaml.safe_load(_FILE.read_text("utf-8"))
    return texts


def preload_labels() -> None:
    """Read all files of texts, so that no page has to."""
    read_labels()
    service_text("talk_to_person")
