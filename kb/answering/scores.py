"""How likely each sentence of a passage answers a question.

A linear model (weights below) over the words and letters that a sentence shares with the question
and the similarity of embeddings; the reader counts beside it (`kb.answering.reply`).
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from kb.answering.checker import NEGATION
from kb.text.facts import Fact, extract_facts
from kb.text.lexicon import is_cjk, read_lists
from kb.text.segmentation import normalise
from kb.text.stems import stems as stems_of

_SPACED, _HAN, _ACROSS = (4.63, 4.08, 1.0), (15.25, 2.7, 1.0), (0.1, 0.3, 3.2)
"""Weights of words, letters and similarity for text with blanks, for Chinese, and for a question in
another language."""


Similarities: TypeAlias = Sequence[float] | npt.NDArray[np.float32]
"""Cosine of a question with each sentence."""


def score_sentences(
    question: str,
    sentences: Sequence[str],
    *,
    similarities: Similarities | None = None,
    across: bool = False,
) -> list[float]:
    """Return for each sentence the probability that it holds the answer; they sum to 1.

    Args:
        question: as the customer asked it.
        sentences: of one passage, in its order.
        similarities: cosine of the question with each sentence; ``None`` compares words alone.
        across: whether the question is in another language.
    """
    weights = _ACROSS if across else _HAN if _is_han("".join(sentences)) else _SPACED
    values = _features(question, sentences, similarities) @ np.array(weights)
    odds = np.exp(values - values.max())
    return [float(p) for p in odds / odds.sum()]


def asks_how(question: str) -> bool:
    """Tell whether a question asks how something is done."""
    return _HOW.search(question) is not None


def asks_figure(question: str) -> bool:
    """Tell whether a question asks for a number or a date."""
    return bool(_asked(question).kinds & {"number", "date"})


def asks_fact(question: str) -> bool:
    """Tell whether a question asks for one fact of a procedure and not how something is done."""
    asked = _asked(question).kinds - {"why"} or _WHETHER.search(question)
    return bool(asked) and not asks_how(question)


def lacks_figure(question: str, text: str, *, priced: bool = False) -> bool:
    """Tell whether a question asks for a number or a date and a text has none of its own.

    `priced`: it asks for a price, which no hour and no kilogram is.
    """
    asked = _asked(question)
    own = [fact for fact in _own_facts(text, asked) if fact.kind in _COUNTED]
    if priced and not any(fact.unit == "" or fact.kind != "number" for fact in own):
        return True
    if not asked.kinds & {"number", "date"} or _WHETHER.search(question):
        return False
    return not any(map(_is_figure, _own_facts(text, asked)))


def depends(question: str, sentence: str) -> bool:
    """Tell whether a sentence answers a yes/no question under a condition that it names.

    Not if it denies anything: then it says itself that the answer is no.
    """
    step = re.match(r"\d+[.)]\s", sentence)
    if step or asks_how(question) or _asked(question).kinds or NEGATION.search(sentence):
        return False
    return bool(_WHETHER.search(question) and _CONDITIONAL.search(sentence))


def condition_of(question: str) -> str:
    """Return the condition under which a yes/no question asks, to its end; empty if none."""
    found = _CONDITION.search(question) if _WHETHER.search(question) else None
    return question[found.end() :] if found else ""


def _features(
    question: str, sentences: Sequence[str], similarities: Similarities | None
) -> npt.NDArray[np.float64]:
    """Return the words and letters of a question that each sentence has, and how near it is."""
    stems = stems_of(question)
    # Longer words tell more, where nothing else is known.
    rarity = {s: 1.0 if is_cjk(s[0]) else 1 + 0.1 * min(len(s), 10) for s in stems}
    shared = _weighted_share(stems, [set(stems_of(sentence)) for sentence in sentences], rarity)
    size = 2 if _is_han(question) else 4
    grams = _weighted_share(_grams(question, size), [_grams(s, size) for s in sentences], {})
    near = np.zeros(len(sentences)) if similarities is None else np.array(similarities)
    return np.column_stack([shared, grams, (near - near.mean()) * 10])


def _any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_FILE = Path(__file__).parent / "data" / "sentences.yaml"
_KINDS = ("number", "date", "who", "where", "why")

PATTERNS = read_lists(_FILE)
"""How questions and sentences begin and ask, in five languages."""
_ASKING = {kind: _any_of(PATTERNS["asks"][kind]) for kind in _KINDS}
_WHETHER, _CONDITIONAL = _any_of(PATTERNS["whether"]), _any_of(PATTERNS["conditional"])
_CONDITION = _any_of([*PATTERNS["conditional"], *PATTERNS["state"]])
_HOW = _any_of(PATTERNS["how"])
_COUNTED = frozenset({"number", "amount", "percent"})


@dataclass(frozen=True, slots=True)
class _Asked:
    kinds: frozenset[str]
    values: frozenset[str]
    """Numbers and dates of the question: they are no answers to it."""


def _asked(question: str) -> _Asked:
    return _Asked(
        kinds=frozenset(kind for kind, pattern in _ASKING.items() if pattern.search(question)),
        values=frozenset().union(*(fact.values for fact in extract_facts(question))),
    )


def _is_han(text: str) -> bool:
    return sum(map(is_cjk, text)) > 0.3 * len(text)


def _own_facts(text: str, asked: _Asked) -> list[Fact]:
    return [f for f in extract_facts(text) if f.certain and not f.values & asked.values]


def _is_figure(fact: Fact) -> bool:
    return fact.kind in _COUNTED or fact.kind in {"date", "weekday", "time"}


def _weighted_share(
    wanted: Sequence[str] | set[str], there: Sequence[set[str]], rarity: dict[str, float]
) -> list[float]:
    """Return how much of `wanted` each sentence has; what few sentences have weighs more."""
    frequency = Counter(item for items in there for item in items)
    weight = {
        item: math.log((len(there) + 1) / (frequency[item] + 0.5)) * rarity.get(item, 1.0)
        for item in set(wanted)
        if rarity or frequency[item]
    }
    total = sum(weight.values()) or 1.0
    return [sum(weight[item] for item in items & weight.keys()) / total for items in there]


def _grams(text: str, size: int) -> set[str]:
    folded = normalise(text)
    return {folded[i : i + size] for i in range(len(folded) - size + 1)}
