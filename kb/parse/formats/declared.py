"""Entries that a page declares as data: FAQPage of https://schema.org in JSON-LD."""

import json
from collections.abc import Iterator
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from core.types import Section
from kb.parse.faq.columns import Field
from kb.parse.faq.entry import entry_of
from kb.parse.html.content import text_of_html
from kb.parse.html.elements import fold


def declared_entries(tree: LexborHTMLParser) -> Iterator[Section]:
    """Return the questions that a page declares with their answers."""
    for script in tree.css('script[type="application/ld+json"]'):
        try:
            data = json.loads(script.text())
        except (ValueError, RecursionError):
            continue
        for question in _questions(data, 0):
            answer = question.get("acceptedAnswer")
            answer = answer[0] if isinstance(answer, list) and answer else answer
            text = answer.get("text") if isinstance(answer, dict) else None
            name = question.get("name")
            if isinstance(name, str) and isinstance(text, str):
                said: dict[Field, str] = {
                    "question": fold(text_of_html(name)), "answer": text_of_html(text)
                }  # fmt: skip
                made = entry_of("FAQ data of the page", said)
                if isinstance(made, Section):
                    yield made


def _questions(data: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth > 6:
        return
    if isinstance(data, list):
        for item in data:
            yield from _questions(item, depth + 1)
    elif isinstance(data, dict):
        if data.get("@type") == "Question":
            yield data
        for key in ("@graph", "mainEntity"):
            yield from _questions(data.get(key), depth + 1)
