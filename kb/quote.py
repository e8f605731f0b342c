"""Pick the sentences of a passage that answer a question, word for word.

A sentence is scored by a small linear model (weights below, fitted once on public questions with
known answers; `docs/evidence.md` says how) over the words it shares with the question, the kind
of answer the question asks for and, for a question in another language, its embedding's
similarity to the question.
"""

import math
import re
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.protocols import Embedder
from core.types import Chunk, Vector
from kb.facts import Fact, extract_facts
from kb.language import detect_language
from kb.lexicon import is_cjk
from kb.stems import stems as stems_of
from kb.text import TABLE_ROW, normalise, split_sentences, words

_FEATURES = (
    "words", "grams", "pairs", "number", "date", "who", "where", "why", "lacking",
    "pronoun", "before", "after", "length", "similarity",
)  # fmt: skip
_SPACED = (4.63, 4.08, -1.36, 1.0, 1.65, 1.78, 0.96, 1.19, -1.1, 0.67, 2.03, 1.58, -0.22, 0.0)
_HAN = (15.25, 2.7, -7.06, 1.78, 2.06, 1.43, 1.58, 1.44, -1.13, 2.27, 2.41, 0.76, -0.21, 0.0)
_ACROSS = (0.1, 0.3, 0.0, 0.3, 0.6, 0.4, 0.1, 0.1, -0.75, 0.1, 0.3, -0.2, 0.1, 3.2)
"""Weights for text with blanks, for Chinese, and for a question in another language. Within one
language similarity gained less than one point and costs an embedding of every sentence."""

_ENOUGH, _ENOUGH_HAN, _ENOUGH_ACROSS = 0.85, 0.8, 0.75
"""Sentences are added until the answer stands in one of them with this probability …"""
_MAX_WORDS, _MAX_CHARACTERS = 75, 150
"""… or the next one would make the quote longer than this; Chinese counts characters."""


class Quoter:
    """Quotes chunks; remembers the vectors of the sentences it has quoted from.

    Sentences are only embedded for questions in another language than the chunk.
    """

    def __init__(self, embedder: Embedder | None = None, *, remembered: int = 500) -> None:
        """Take the embedder, or `None` to compare words alone.

        `remembered` chunks keep the vectors of their sentences: about 10 kB each.
        """
        self._embedder = embedder
        self._remembered = remembered
        self._vectors: OrderedDict[str, npt.NDArray[np.float32]] = OrderedDict()

    async def quote(self, question: str, vector: Vector | None, chunk: Chunk) -> str:
        """Return the best sentences of the chunk.

        Args:
            question: as the customer asked it.
            vector: the question's embedding, with the query prompt; `None` if there is none.
            chunk: a passage, or an entry whose answer is quoted.
        """
        text = chunk.answer or chunk.text
        sentences = quotable(text, chunk.language)
        similarities = None
        across = detect_language(question, chunk.language) != chunk.language
        if across and self._embedder is not None and vector is not None and len(sentences) > 1:
            matrix = await self._sentence_vectors(self._embedder, chunk.chunk_id, sentences)
            similarities = [float(s) for s in matrix @ vector]
        return best_sentences(question, text, language=chunk.language, similarities=similarities)

    async def _sentence_vectors(
        self, embedder: Embedder, chunk_id: str, sentences: Sequence[str]
    ) -> npt.NDArray[np.float32]:
        known = self._vectors.get(chunk_id)
        if known is None or len(known) != len(sentences):
            known = await embedder.embed_passages(list(sentences))
            self._vectors[chunk_id] = known
            if len(self._vectors) > self._remembered:
                self._vectors.popitem(last=False)
        self._vectors.move_to_end(chunk_id)
        return known


def quotable(text: str, language: str = "") -> list[str]:
    """Return the sentences of a text, in order, as exact substrings."""
    return split_sentences(text, language)


def best_sentences(
    question: str,
    text: str,
    *,
    language: str = "",
    similarities: Sequence[float] | None = None,
) -> str:
    """Return the sentences of `text` that most likely hold the answer, in the text's order.

    Neighbours keep what stands between them; " … " marks what is left out.

    Args:
        question: the customer's question.
        text: the passage.
        language: ISO 639-1 of the passage, if known.
        similarities: cosine of the question with each of `quotable(text, language)`, for a
            question in another language; `None` compares words.
    """
    sentences = quotable(text, language)
    if len(sentences) < 2:
        return text.strip()
    probabilities = score_sentences(question, sentences, similarities=similarities)
    enough = _ENOUGH_ACROSS if similarities is not None else None
    chosen = _choose(sentences, probabilities, enough, _rivals(question, sentences))
    return _assemble(text, sentences, chosen)


def _rivals(question: str, sentences: Sequence[str]) -> list[set[int]]:
    """Return for each row of a table the rows of it that have less of the question.

    Who asks for the price in Ireland does not ask for the rows of other countries.
    """
    asked = set(stems_of(question))
    names = [_column_names(sentence) for sentence in sentences]
    said = [
        asked & set(stems_of(sentence)) if name else set[str]()
        for sentence, name in zip(sentences, names, strict=True)
    ]
    return [
        {j for j, other in enumerate(names) if other == name and said[j] < said[i]}
        if name
        else set()
        for i, name in enumerate(names)
    ]


def _column_names(sentence: str) -> str:
    """Return the first column's name of a line as `kb.parse.blocks.table_lines` writes it."""
    row = TABLE_ROW.match(sentence)
    return row.group(1) if row else ""


def _choose(
    sentences: Sequence[str],
    probabilities: Sequence[float],
    enough: float | None,
    rivals: Sequence[set[int]],
) -> list[int]:
    order = sorted(range(len(sentences)), key=lambda i: -probabilities[i])
    han = _is_han("".join(sentences))
    limit = _MAX_CHARACTERS if han else _MAX_WORDS
    enough = enough or (_ENOUGH_HAN if han else _ENOUGH)
    chosen: list[int] = []
    total, sure = 0, 0.0
    for i in order:
        if any(i in rivals[row] for row in chosen):
            continue
        size = _size(sentences[i], han=han)
        if chosen and (sure >= enough or total + size > limit):
            if sure >= enough:
                break
            continue
        chosen.append(i)
        total += size
        sure += probabilities[i]
        if sentences[i].endswith((":", "：")):  # a list says nothing without its items
            for item in range(i + 1, len(sentences)):
                size = _size(sentences[item], han=han)
                if item in chosen or not _is_item(sentences[item]) or total + size > limit:
                    break
                chosen.append(item)
                total += size
    return sorted(chosen)


def _assemble(text: str, sentences: Sequence[str], chosen: Sequence[int]) -> str:
    places: list[tuple[int, int]] = []
    position = 0
    for sentence in sentences:
        start = text.index(sentence, position)
        position = start + len(sentence)
        places.append((start, position))
    pieces: list[str] = []
    for at, i in enumerate(chosen):
        if at and chosen[at - 1] == i - 1:
            pieces.append(text[places[i - 1][1] : places[i][1]])
        else:
            pieces += [" … " if at else "", text[places[i][0] : places[i][1]]]
    return "".join(pieces)


def _is_item(sentence: str) -> bool:
    return re.match(r"(?:[-*•▪–]|\(?\d{1,2}[.)、])\s*\S", sentence) is not None


def _size(text: str, *, han: bool) -> int:
    return len(re.sub(r"\s", "", text)) if han else len(text.split())


def _is_han(text: str) -> bool:
    return sum(map(is_cjk, text)) > 0.3 * len(text)


# --- scoring -----------------------------------------------------------------------------------


def score_sentences(
    question: str, sentences: Sequence[str], *, similarities: Sequence[float] | None = None
) -> list[float]:
    """Return for each sentence the probability that it holds the answer; they sum to 1."""
    same_language = _HAN if _is_han("".join(sentences)) else _SPACED
    weights = same_language if similarities is None else _ACROSS
    values = sentence_features(question, sentences, similarities) @ np.array(weights)
    odds = np.exp(values - values.max())
    return [float(p) for p in odds / odds.sum()]


def asks_openly(question: str) -> bool:
    """Tell whether a question asks for more than yes or no."""
    return _OPEN.search(question) is not None or bool(_asked(question).kinds)


def lacks_what_is_asked(question: str, sentence: str) -> bool:
    """Tell whether a question asks for a number or a date, and a sentence has none of its own."""
    asked = _asked(question)
    measured = asked.kinds & {"number", "date"}
    return bool(measured) and not _answer_kinds(sentence, asked) & {"number", "date"}


def sentence_features(
    question: str, sentences: Sequence[str], similarities: Sequence[float] | None = None
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


_KINDS = ("number", "date", "who", "where", "why")

_ASKS = {
    "number": r"\bhow (?:many|much|long|old|far|high|large|big|tall|deep|often)\b"
    r"|\bwhat (?:percentage|number|percent|year)|\bwie ?(?:viele?|lange|hoch|groß|alt|oft|weit)\b"
    r"|\bcu[aá]nt|сколько|多少|几|多久|多长|多大|多高|百分之",
    "date": r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|decade|time)\b|\bwann\b"
    r"|in welchem jahr|cu[aá]ndo|когда|в каком году|何时|什么时候|哪一?年|哪天|几年|几点|年份|日期"
    r"|时间",
    "who": r"\bwho(?:se|m)?\b|\bwe[rnm]\b|qui[eé]n|\bкто\b|\bкого\b|\bкем\b|谁|哪位|什么人",
    "where": r"\bwhere\b|\bwo(?:hin|her)?\b|d[oó]nde|\bгде\b|\bкуда\b|哪里|哪儿|何处|什么地方|位于",
    "why": r"\bwhy\b|\bwarum\b|\bweshalb\b|por qu[eé]|почему|зачем|为什么|为何|原因",
}
_ASKING = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _ASKS.items()}
_OPEN = re.compile(
    r"\b(?:what|which|how|was|welche[rsnm]?|wie|qu[eé]|cu[aá]l(?:es)?|c[oó]mo)\b|\bчто\b|\bкак|什么|何|哪|怎",
    re.IGNORECASE,
)
_BECAUSE = re.compile(
    r"\bbecause\b|\bdue to\b|\bso that\b|\bin order\b|\bsince\b|\bweil\b|\bda\b|\bum\b|porque"
    r"|debido|поскольку|потому|так как|因为|由于|因此|所以|为了|导致",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"\W*(?:it|he|she|they|this|these|that|those|its|his|her|their|such|er|sie|es|dies\w*|él|ella"
    r"|este|esta|esto|он|она|оно|они|это|эт\w+|他|她|它|他们|这|该|此|其)(?![a-zа-яäöüß])",
    re.IGNORECASE,
)
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


def _answer_kinds(sentence: str, asked: _Asked) -> set[str]:
    facts = [f for f in extract_facts(sentence) if f.certain and not f.values & asked.values]
    kinds = set()
    if any(fact.kind in {"number", "amount", "percent"} for fact in facts):
        kinds.add("number")
    if any(_is_date(fact) for fact in facts):
        kinds.add("date")
    if "·" in sentence or any(m.lower() not in asked.words for m in _NAME.findall(sentence)):
        kinds.add("who")
    if _PLACE.search(sentence):
        kinds.add("where")
    if _BECAUSE.search(sentence):
        kinds.add("why")
    return kinds


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
