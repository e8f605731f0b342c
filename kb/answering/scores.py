"""How likely each sentence of a passage answers a question.

A small linear model (weights below, fitted once on public questions with known answers;
`docs/replies.md` says how) over the words that a sentence shares with the question, the kind of
answer that is asked for, and the similarity of embeddings.
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
from kb.text.segmentation import normalise, words
from kb.text.stems import stems as stems_of

_FEATURES = (
    "words", "grams", "pairs", "number", "date", "who", "where", "why", "lacking",
    "pronoun", "before", "after", "length", "similarity",
)  # fmt: skip
_SPACED = (4.63, 4.08, -1.36, 1.0, 1.65, 1.78, 0.96, 1.19, -1.1, 0.67, 2.03, 1.58, -0.22, 1.0)
_HAN = (15.25, 2.7, -7.06, 1.78, 2.06, 1.43, 1.58, 1.44, -1.13, 2.27, 2.41, 0.76, -0.21, 1.0)
_ACROSS = (0.1, 0.3, 0.0, 0.3, 0.6, 0.4, 0.1, 0.1, -0.75, 0.1, 0.3, -0.2, 0.1, 3.2)
"""Weights for text with blanks, for Chinese, and for a question in another language."""


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
    values = sentence_features(question, sentences, similarities) @ np.array(weights)
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
    if priced and not any(f.unit == "" or f.kind != "number" for f in _own_figures(text, asked)):
        return True
    wanted = asked.kinds & {"number", "date"}
    if not wanted or _WHETHER.search(question):
        return False
    return not _answer_kinds(text, asked) & {"number", "date"}


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


def sentence_features(
    question: str,
    sentences: Sequence[str],
    similarities: Similarities | None = None,
) -> npt.NDArray[np.float64]:
    """Return one row for each sentence, one column for each of `_FEATURES`."""
    asked = _asked(question)
    stems = [stems_of(sentence) for sentence in sentences]
    shared = _weighted_share(asked.stems, [set(s) for s in stems], asked.rarity)
    size = 2 if _is_han(question) else 4
    grams = _weighted_share(_grams(question, size), [_grams(s, size) for s in sentences], {})
    pairs = set(zip(asked.stems, asked.stems[1:], strict=False))
    near = np.zeros(len(sentences)) if similarities is None else np.array(similarities)
    near = (near - near.mean()) * 10
    rows = []
    for i, sentence in enumerate(sentences):
        kinds = _answer_kinds(sentence, asked)
        measured = {"number", "date"} & asked.kinds
        before = shared[i - 1] if i else 0.0
        after = shared[i + 1] if i + 1 < len(sentences) else 0.0
        own_pairs = set(zip(stems[i], stems[i][1:], strict=False))
        rows.append(
            [
                shared[i],
                grams[i],
                len(pairs & own_pairs) / max(1, len(pairs)),
                *(float(kind in asked.kinds and kind in kinds) for kind in _KINDS),
                float(bool(measured) and not kinds & {"number", "date"}),
                before if _PRONOUN.match(sentence) else 0.0,
                before,
                after,
                math.log(1 + len(stems[i])),
                near[i],
            ]
        )
    return np.array(rows, dtype=np.float64)


def _any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_FILE = Path(__file__).parent / "data" / "sentences.yaml"
_KINDS = ("number", "date", "who", "where", "why")

PATTERNS = read_lists(_FILE)
"""How questions and sentences begin and ask, in five languages."""
_ASKING = {kind: _any_of(PATTERNS["asks"][kind]) for kind in _KINDS}
_WHETHER, _CONDITIONAL = _any_of(PATTERNS["whether"]), _any_of(PATTERNS["conditional"])
_CONDITION = _any_of([*PATTERNS["conditional"], *PATTERNS["state"]])
_HOW, _BECAUSE = _any_of(PATTERNS["how"]), _any_of(PATTERNS["because"])
_PRONOUN = re.compile(rf"\W*(?:{'|'.join(PATTERNS['pronoun'])})(?![a-zа-яäöüß])", re.IGNORECASE)
_PLACE = re.compile(
    r"\b(?:in|at|near|on|to|from|im|en|в|на)\s+[A-ZА-ЯÄÖÜ]|[省市县区州国岛山河路街镇村]"
)
_NAME = re.compile(r"(?<=[\s(])[A-ZÀ-ÞА-Я][\w-]+")


@dataclass(frozen=True, slots=True)
class _Asked:
    stems: tuple[str, ...]
    rarity: dict[str, float]
    """Longer words tell more, where nothing else is known."""
    words: frozenset[str]
    kinds: frozenset[str]
    values: frozenset[str]
    """Numbers and dates of the question: they are no answers to it."""


def _asked(question: str) -> _Asked:
    stems = stems_of(question)
    return _Asked(
        stems=stems,
        rarity={s: 1.0 if is_cjk(s[0]) else 1 + 0.1 * min(len(s), 10) for s in stems},
        words=frozenset(words(question)),
        kinds=frozenset(kind for kind, pattern in _ASKING.items() if pattern.search(question)),
        values=frozenset().union(*(fact.values for fact in extract_facts(question))),
    )


def _is_han(text: str) -> bool:
    return sum(map(is_cjk, text)) > 0.3 * len(text)


def _answer_kinds(sentence: str, asked: _Asked) -> set[str]:
    kinds = set()
    if _own_figures(sentence, asked):
        kinds.add("number")
    if any(_is_date(fact) for fact in _own_facts(sentence, asked)):
        kinds.add("date")
    if "·" in sentence or any(m.lower() not in asked.words for m in _NAME.findall(sentence)):
        kinds.add("who")
    if _PLACE.search(sentence):
        kinds.add("where")
    if _BECAUSE.search(sentence):
        kinds.add("why")
    return kinds


def _own_facts(text: str, asked: _Asked) -> list[Fact]:
    return [f for f in extract_facts(text) if f.certain and not f.values & asked.values]


def _own_figures(text: str, asked: _Asked) -> list[Fact]:
    return [f for f in _own_facts(text, asked) if f.kind in {"number", "amount", "percent"}]


def _is_date(fact: Fact) -> bool:
    if fact.kind in {"date", "weekday", "time"}:
        return True
    years = (re.fullmatch(r"1\d{3}|20\d\d", value) for value in fact.values)
    return fact.kind == "number" and any(years)


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
