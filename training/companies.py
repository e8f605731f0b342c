"""The written companies: texts, questions, and which sentences answer."""

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent / "data" / "companies"
HELD_OUT = ("en-06", "en-16", "zh-06", "zh-12", "de-06", "es-04", "ru-04", "fr-02", "de-02")
"""Companies that are never trained on: what every choice is judged by."""

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_OWN_LINE = re.compile(r"\||^\s*(?:\d+[.)、]|[-•*]|step \d|schritt \d)", re.IGNORECASE)


@dataclass(frozen=True)
class Text:
    """An FAQ entry or a passage."""

    key: str
    title: str
    """Question of an entry, heading of a passage."""
    sentences: tuple[str, ...]
    is_entry: bool

    def read(self) -> tuple[str, list[tuple[int, int]]]:
        """Return the text as the product embeds it, and the span of each sentence in it."""
        text = self.title + "\n"
        spans = []
        for number, sentence in enumerate(self.sentences):
            if number:
                own = _OWN_LINE.search(sentence) or _OWN_LINE.search(self.sentences[number - 1])
                text += "\n" if own else "" if _CJK.search(sentence) else " "
            spans.append((len(text), len(text) + len(sentence)))
            text += sentence
        return text, spans


@dataclass(frozen=True)
class Question:
    """What a customer asks of one company."""

    text: str
    language: str
    kind: str
    by: dict[str, tuple[int, ...]]
    """Texts that answer, by key, with the sentences that a whole answer needs."""
    near: tuple[str, ...]
    history: tuple[str, ...]


@dataclass
class Company:
    """The texts of a company and what its customers ask."""

    name: str
    texts: dict[str, Text] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)


def read_companies(folder: Path = FOLDER) -> list[Company]:
    """Return all companies, by name."""
    return [_read(path) for path in sorted(folder.glob("*.jsonl"))]


def split(companies: Sequence[Company]) -> tuple[list[Company], list[Company]]:
    """Return those to learn from and those held out."""
    held = [company for company in companies if company.name in HELD_OUT]
    return [company for company in companies if company.name not in HELD_OUT], held


def _read(path: Path) -> Company:
    company = Company(path.stem)
    for raw in path.read_text("utf-8").splitlines():
        if not raw.strip():
            continue
        line = json.loads(raw)
        if "id" in line:
            company.texts[line["id"]] = Text(
                line["id"],
                line.get("question") or line["heading"],
                tuple(line["sentences"]),
                bool(line.get("question")),
            )
        elif "ask" in line:
            company.questions.append(
                Question(
                    line["ask"],
                    line["lang"],
                    line["kind"],
                    {key: tuple(places) for key, places in line["by"].items()},
                    tuple(line.get("near") or ()),
                    tuple(line.get("history") or ()),
                )
            )
    return company


def mistyped(text: str, rng: random.Random) -> str:
    """Return a text as typed in a hurry: letters swapped, lost, doubled; no capitals."""
    letters = list(text.lower() if rng.random() < 0.7 else text)
    if _CJK.search(text):
        if len(letters) > 5 and rng.random() < 0.7:
            del letters[rng.randrange(len(letters))]
        return "".join(letters).rstrip("？?。")
    for _ in range(rng.randint(1, max(2, len(letters) // 18))):
        at = rng.randrange(max(1, len(letters) - 1))
        what = rng.random()
        if what < 0.35 and at + 1 < len(letters):
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
        elif what < 0.65 and len(letters) > 6:
            del letters[at]
        elif what < 0.8:
            letters.insert(at, letters[at])
        elif letters[at].isalpha():
            letters[at] = rng.choice("aeiourstnlmdgh")
    return "".join(letters).rstrip("?!. ")


def asked(question: Question) -> str:
    """Return a question as it is searched for: of a follow-up also what it follows."""
    return " ".join((*question.history, question.text))
