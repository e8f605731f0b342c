"""Desk sets: a company's files, and what a right reply to each question must contain.

A set is a folder with ``files/`` and ``questions.jsonl``; a line has ``id``, ``question``,
``kind``, ``must`` (facts, each a list of alternatives), ``must_not`` and ``history``. Without
``must`` the files have no answer. The counting is of what the customer gets: whether the
reply contains every fact asked for and nothing wrong, in at most 90 words.
"""

import json
import re
import statistics
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from core.types import Answer, Turn

Verdict: TypeAlias = Literal[
    "resolved", "partly", "overlong", "wrong", "hedged_wrong", "refused",
    "none_refused", "none_wrong", "none_hedged_wrong",
]  # fmt: skip
"""Of a question with an answer: all facts; some; all but too long; none, or something of
``must_not``; refused. Those with ``none_`` are of questions without an answer."""

_MOST_WORDS = 90
_HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class DeskQuestion:
    """A line of ``questions.jsonl``."""

    question_id: str
    text: str
    kind: str
    must: tuple[tuple[str, ...], ...]
    must_not: tuple[str, ...]
    history: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeskOutcome:
    """What a customer got."""

    question: DeskQuestion
    verdict: Verdict
    answer: Answer


def is_desk_set(folder: Path) -> bool:
    """Tell whether a folder is a desk set."""
    return (folder / "files").is_dir() and (folder / "questions.jsonl").is_file()


def load_desk_set(folder: Path) -> tuple[Mapping[str, bytes], tuple[DeskQuestion, ...]]:
    """Return the files by name and the questions."""
    files = {p.name: p.read_bytes() for p in sorted((folder / "files").iterdir()) if p.is_file()}
    lines = (folder / "questions.jsonl").read_text("utf-8").splitlines()
    asked = enumerate((json.loads(line) for line in lines if line.strip()), 1)
    return files, tuple(_question(number, line) for number, line in asked)


def _question(number: int, line: Mapping[str, Any]) -> DeskQuestion:
    return DeskQuestion(
        question_id=str(line.get("id", number)),
        text=line["question"],
        kind=line.get("kind", ""),
        must=tuple(tuple(fact) for fact in line.get("must") or ()),
        must_not=tuple(line.get("must_not") or ()),
        history=tuple(line.get("history") or ()),
    )


Ask: TypeAlias = Callable[[str, Sequence[Turn]], Awaitable[Answer]]
"""Answers a message after earlier turns."""


async def ask_all(
    questions: Sequence[DeskQuestion], ask: Ask, on_outcome: Callable[[DeskOutcome], None]
) -> list[DeskOutcome]:
    """Ask every question in a conversation of its own."""
    outcomes = []
    for question in questions:
        turns: list[Turn] = []
        for earlier in question.history:
            turns.append(Turn(earlier, (await ask(earlier, turns)).text))
        answer = await ask(question.text, turns)
        outcome = DeskOutcome(question, evaluate(question, answer), answer)
        on_outcome(outcome)
        outcomes.append(outcome)
    return outcomes


def evaluate(question: DeskQuestion, answer: Answer) -> Verdict:
    """Tell what a customer got."""
    text = answer.text.lower()
    answered = answer.kind in ("faq", "composed", "quoted")
    if not question.must:
        if answered:
            return "none_hedged_wrong" if answer.hedged else "none_wrong"
        return "none_refused"
    if not answered:
        return "refused"
    found = [any(other.lower() in text for other in fact) for fact in question.must]
    bad = any(word.lower() in text for word in question.must_not)
    if all(found) and not bad:
        return "resolved" if _words(answer.text) <= _MOST_WORDS else "overlong"
    if any(found) and not bad:
        return "partly"
    return "hedged_wrong" if answer.hedged else "wrong"


def _words(text: str) -> float:
    """Count words; two Chinese characters are one."""
    return len(_HAN.findall(text)) / 2 + len(re.findall(r"[^\W_]+", _HAN.sub(" ", text)))


def summarise_desk(name: str, outcomes: Sequence[DeskOutcome]) -> dict[str, object]:
    """Return the figures of a run, by kind of question too."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    answerable = sum(bool(o.question.must) for o in outcomes)
    kinds: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        kinds.setdefault(outcome.question.kind, Counter())[outcome.verdict] += 1
    sure = [
        o for o in outcomes
        if o.answer.confidence >= 0.8 and o.answer.kind in ("faq", "composed", "quoted")
    ]  # fmt: skip
    times = [o.answer.timings_ms.get("total", 0.0) for o in outcomes]
    n = max(len(outcomes), 1)
    return {
        "name": name,
        "n": len(outcomes),
        "answerable": answerable,
        "resolved": round(counts["resolved"] / max(answerable, 1), 3),
        "wrong_share": round((counts["wrong"] + counts["none_wrong"]) / n, 3),
        "hedged_wrong_share": round((counts["hedged_wrong"] + counts["none_hedged_wrong"]) / n, 3),
        "right_at_80": round(
            sum(o.verdict in ("resolved", "overlong", "partly") for o in sure) / max(len(sure), 1),
            3,
        ),
        "at_80": len(sure),
        "verdicts": dict(counts.most_common()),
        "kinds": {kind: dict(found.most_common()) for kind, found in sorted(kinds.items())},
        "p50_ms": round(statistics.median(times), 1) if times else 0.0,
    }
