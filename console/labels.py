"""Texts of the try-it page and the widget, in the languages of the service texts."""

from functools import cache
from pathlib import Path

import yaml

from kb.answering.texts import service_text, text_language

_FILE = Path(__file__).with_name("labels.yaml")


class Labels:
    """The words of one language."""

    def __init__(self, *languages: str) -> None:
        """Take the first language in which there are texts, else English."""
        self.language = text_language(*languages)

    def __call__(self, key: str, **values: str | int) -> str:
        """Return a text with its placeholders filled in."""
        return read_labels()[key][self.language].format(**values)


@cache
def read_labels() -> dict[str, dict[str, str]]:
    """Return every text by key and language."""
    texts: dict[str, dict[str, str]] = yaml.safe_load(_FILE.read_text("utf-8"))
    return texts


def preload_labels() -> None:
    """Read all files of texts, so that no page has to."""
    read_labels()
    service_text("talk_to_person")
