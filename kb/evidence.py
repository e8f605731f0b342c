"""Check a sentence of a reply against the passage that it cites. Deterministic, no model.

What must not be wrong (numbers, dates, amounts, names, links) has to stand in the passage; what
limits a statement (not, only, unless, at least) has to be the same; the other words have to be
covered by it. A sentence that fails is not shown, so every doubt is decided against it.
"""

import difflib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from kb.facts import Fact, extract_facts
from kb.lexicon import Terms, fold, is_cjk, lexicon
from kb.text import split_sentences

ReasonKind: TypeAlias = Literal[
    "empty", "meta", "question", "fact", "bound", "quantity", "name", "quotation", "negation",
    "only", "exception", "condition", "words", "swapped", "similarity", "fragment", "language",
    "length",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a sentence is not supported."""

    kind: ReasonKind
    text: str
    """The part of the sentence, or of the passage, that is at fault."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sentence may be shown."""

    supported: bool
    reasons: tuple[Reason, ...] = ()
    coverage: float = 1.0
    """Share of the sentence's content words that stand in the passage, 0 to 1."""


MIN_COVERAGE = 0.7
"""Share of a sentence's content words that the passage must hold."""
MIN_LOCAL_COVERAGE = 0.65
"""The same for one sentence of the passage: words from everywhere make a new statement."""
MIN_CLAUSE_COVERAGE = 0.5
"""The same for each clause, so that an invented one does not hide behind a copied one."""
MIN_SIMILARITY = 0.86
"""Cosine of e5-small between a sentence and the nearest one of a passage in another language."""


def check_sentence(
    sentence: str,
    passage: str,
    *,
    question: str,
    similarity: float | None = None,
    nearest: str = "",
    same_language: bool = True,
) -> Verdict:
    """Tell whether `sentence` says nothing that `passage` does not say.

    Args:
        sentence: one sentence of a reply.
        passage: the text that the reply cites.
        question: what was asked. Its words may be repeated; its numbers and names do not count
            as evidence.
        similarity: cosine of the sentence with the nearest sentence of the passage, both embedded
            as passages; `None` if not known.
        nearest: that sentence of the passage, for replies in another language.
        same_language: False if the reply is in another language than the passage: then words
            cannot be compared, and facts and `similarity` decide.
    """
    yes_or_no = _YES_NO.match(sentence)
    reply = _read(sentence[yes_or_no.end() :] if yes_or_no else sentence)
    if not reply.content and not any(fact.certain for fact in reply.facts):
        return Verdict(supported=False, reasons=(Reason("empty", sentence),), coverage=0.0)
    if lexicon().meta.within(reply.lower):
        return Verdict(supported=False, reasons=(Reason("meta", sentence),), coverage=0.0)
    if reply.text.rstrip("\"'» ").endswith(("?", "？")):
        return Verdict(supported=False, reasons=(Reason("question", sentence),), coverage=0.0)
    source, asked = _read(passage), _read(question)
    reasons = [
        *_contradiction(yes_or_no, reply),
        *_wrong_facts(reply, source),
        *_wrong_quantities(reply, source),
        *_wrong_names(reply, source, asked, same_language=same_language),
        *_wrong_quotations(reply, source, same_language=same_language),
    ]
    coverage = 1.0
    if same_language:
        coverage, uncovered = _coverage(reply, source, asked, passage)
        reasons += uncovered
        reasons += _wrong_logic(reply, passage, asked)
    else:
        reasons += _wrong_across_languages(reply, nearest or passage, similarity)
    return Verdict(supported=not reasons, reasons=tuple(reasons), coverage=coverage)


def nearest_sentence(sentence: str, passage: str) -> str:
    """Return the sentence of the passage that has most of the words of `sentence`."""
    sentences = tuple(split_sentences(passage)) or (passage,)
    return _best_span(_read(sentence), sentences).sentence


# --- reading a text ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    """Lower case, folded."""
    start: int
    end: int
    name: bool
    """Written with a capital where others would not be."""
    first: bool
    """At the beginning of a sentence, where a capital says nothing."""
    stop: bool


@dataclass(frozen=True, slots=True)
class _Read:
    text: str
    lower: str
    facts: tuple[Fact, ...]
    words: tuple[_Word, ...]
    """Everything outside the facts; each Han or kana character is one."""

    @property
    def content(self) -> tuple[_Word, ...]:
        return tuple(word for word in self.words if not word.stop)


_WORD = re.compile(r"[^\W\d_](?:[^\W_]|['’-](?=[^\W_]))*")
_CLAUSE = re.compile(
    r"[,;:()\u3001，；：。!?！？]+|\s-\s|\.(?=\s|$)"
    r"|\b(?:and|und|y|и|but|while|whereas|although|aber|sondern|während|pero|aunque|но|а|хотя)\b|但是?|而(?!且)|并且?|且(?!慢)",
    re.IGNORECASE,
)


@lru_cache(maxsize=512)
def _read(text: str) -> _Read:
    folded = fold(text)
    lower = folded.lower() if len(folded.lower()) == len(folded) else folded
    facts = tuple(extract_facts(text))
    taken = [(fact.start, fact.end) for fact in facts]
    words: list[_Word] = []
    for match in _WORD.finditer(folded):
        if any(start < match.end() and match.start() < end for start, end in taken):
            words += _split_around(match, taken, lower)
            continue
        words += _words_of(match.start(), match.end(), folded, lower)
    return _Read(folded, lower, facts, tuple(words))


def _split_around(
    match: re.Match[str], taken: Sequence[tuple[int, int]], lower: str
) -> Iterator[_Word]:
    """Keep what a fact left of a run without blanks (``满50元包邮``)."""
    for start in range(match.start(), match.end()):
        if is_cjk(lower[start]) and not any(low <= start < high for low, high in taken):
            yield from _words_of(start, start + 1, lower, lower)


def _words_of(start: int, end: int, folded: str, lower: str) -> Iterator[_Word]:
    position = start
    for cjk, group in itertools.groupby(folded[start:end], key=is_cjk):
        length = len(list(group))
        if cjk:
            for at in range(position, position + length):
                yield _Word(
                    lower[at], at, at + 1, name=False, first=False, stop=_han_stop(lower, at)
                )
        else:
            yield _latin_word(position, position + length, folded, lower)
        position += length


def _latin_word(start: int, end: int, folded: str, lower: str) -> _Word:
    text = lower[start:end].removesuffix("'s").strip("'-")
    before = folded[:start].rstrip(" \"'(*_«„“”-#")
    first = not before or before[-1] in ".!?:。！？\n|" or folded[:start].rstrip(" ").endswith("\n")
    stop = text in _stopwords() or len(text) < 2
    capital = folded[start].isupper()
    name = capital and not stop and (not first or (folded[start:end].isupper() and end - start > 1))
    return _Word(text, start, end, name, first, stop)


@lru_cache(maxsize=1)
def _stopwords() -> frozenset[str]:
    return frozenset().union(*(v for k, v in lexicon().stopwords.items() if k != "zh"))


@lru_cache(maxsize=1)
def _han_stopwords() -> frozenset[str]:
    return lexicon().stopwords["zh"]


def _han_stop(text: str, at: int) -> bool:
    """Tell whether the character belongs to a stop word of one or two characters."""
    stops = _han_stopwords()
    return (
        text[at] in stops
        or text[at : at + 2] in stops
        or (at > 0 and text[at - 1 : at + 1] in stops)
    )


def same_word(left: str, right: str) -> bool:
    """Tell whether two lower-case words are forms of one (``deliver``, ``delivery``)."""
    if left == right:
        return True
    shorter = min(len(left), len(right))
    if shorter < 4 or is_cjk(left[0]):
        return len(left) > 2 and left.rstrip("s") == right.rstrip("s")
    common = len(_common_prefix(left, right))
    longer = max(len(left), len(right))
    return common >= 4 and common >= shorter - 2 and longer - common <= 4 and common >= 0.6 * longer


def _common_prefix(left: str, right: str) -> str:
    for i, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return left[:i]
    return min(left, right, key=len)


class _Vocabulary:
    """The words of a text, to ask for forms of a word."""

    def __init__(self, words: Sequence[_Word]) -> None:
        self._exact = {word.text for word in words}
        self._stems: dict[str, list[str]] = {}
        for word in self._exact:
            self._stems.setdefault(word[:4], []).append(word)
            for part in word.split("-") if "-" in word else ():
                self._stems.setdefault(part[:4], []).append(part)
        self._joined = "".join(word.text for word in words if is_cjk(word.text[0]))

    def __contains__(self, word: str) -> bool:
        if word in self._exact:
            return True
        return any(same_word(word, other) for other in self._stems.get(word[:4], ()))

    def has_run(self, run: str) -> bool:
        """Tell whether these Han characters stand beside each other."""
        return run in self._joined


@lru_cache(maxsize=512)
def _vocabulary(read: _Read) -> _Vocabulary:
    return _Vocabulary(read.words)


_YES_NO = re.compile(
    r"\s*(?:(?P<no>no|nein|нет|不是的?|不可以|不能|不行|不)"
    r"|yes|ja|sí|si|да|是的?|可以的?|能|对的?|好的)\s*[,，.。!！:：;]\s*",
    re.IGNORECASE,
)


def _contradiction(yes_or_no: re.Match[str] | None, reply: _Read) -> Iterator[Reason]:
    """Find a "No" before a statement that denies nothing, or a "Yes" before one that does."""
    if yes_or_no and bool(yes_or_no["no"]) != bool(_count_negations(reply.lower)):
        yield Reason("negation", yes_or_no[0].strip())


# --- facts -------------------------------------------------------------------------------------


def _wrong_facts(reply: _Read, source: _Read) -> Iterator[Reason]:
    for fact in reply.facts:
        if not fact.certain:
            continue
        same = [other for other in source.facts if _agrees(fact, other, source)]
        if not same and not _stands_literally(fact, source):
            yield Reason("fact", fact.text)
        elif same and not any(_bounds_agree(fact, other) for other in same):
            yield Reason("bound", fact.text)


def _agrees(fact: Fact, other: Fact, source: _Read) -> bool:
    if fact.kind == "date" or other.kind == "date":
        return _dates_agree(fact, other)
    if fact.kind == "phone" or other.kind == "phone":
        return _phones_agree(fact, other)
    if not fact.values & other.values:
        return fact.kind == "time" and _is_hour(fact, other)
    if fact.kind == other.kind:
        return fact.unit == other.unit or not fact.unit or _unit_elsewhere(fact, other, source)
    measured = {"number", "amount", "percent"}
    if not {fact.kind, other.kind} <= measured:
        return False
    return (fact.kind == "number" and not fact.unit) or _unit_elsewhere(fact, other, source)


def _unit_elsewhere(fact: Fact, other: Fact, source: _Read) -> bool:
    """Tell whether a bare number of the passage gets its unit from a table's head or column."""
    if other.unit or (
        "|" not in source.text and "\t" not in source.text and "(" not in source.text
    ):
        return False
    words = lexicon()
    known = words.currencies if fact.kind == "amount" else words.units
    forms = [form for form, unit in known.items() if unit == fact.unit]
    if fact.kind == "percent":
        forms = list(words.percent)
    return any(re.search(rf"(?<!\w){re.escape(form)}(?!\w)", source.lower) for form in forms)


def _is_hour(fact: Fact, other: Fact) -> bool:
    hours = {value[:2].lstrip("0") or "0" for value in fact.values if value.endswith(":00")}
    return other.kind == "number" and not other.unit and bool(hours & other.values)


def _dates_agree(fact: Fact, other: Fact) -> bool:
    wanted = [value.split("/") for value in _as_dates(fact)]
    there = [value.split("/") for value in _as_dates(other)]
    return any(
        all(a in ("-", b) for a, b in zip(one, two, strict=True)) for one in wanted for two in there
    )


def _as_dates(fact: Fact) -> Iterator[str]:
    if fact.kind == "date":
        yield from fact.values
    elif fact.kind == "number" and fact.unit in ("", "year"):
        yield from (f"{value}/-/-" for value in fact.values if re.fullmatch(r"[12]\d{3}", value))


def _phones_agree(fact: Fact, other: Fact) -> bool:
    if not {fact.kind, other.kind} <= {"phone", "number"}:
        return False
    return any(
        len(a) >= 7 and len(b) >= 7 and (a.endswith(b) or b.endswith(a))
        for a in fact.values
        for b in other.values
    )


def _stands_literally(fact: Fact, source: _Read) -> bool:
    if fact.kind not in {"code", "email", "link"}:
        return False
    written = fact.text.lower().strip(".,;:")
    return re.search(rf"(?<![\w-]){re.escape(written)}(?![\w-])", source.lower) is not None


_LENIENT = frozenset({"", "within", "about"})
_MAXIMA = frozenset({"within", "le", "hi"})


def _bounds_agree(fact: Fact, other: Fact) -> bool:
    mine, its = fact.bound, other.bound
    if (
        mine == its
        or {mine, its} <= _LENIENT
        or {mine, its} <= _MAXIMA
        or {mine, its} == {"ge", "lo"}
    ):
        return True
    if fact.kind in {"date", "time"}:  # "open from 9", "opens at 9"
        return not mine or not its
    return False


def _wrong_quantities(reply: _Read, source: _Read) -> Iterator[Reason]:
    """Find "24 sacks" where the passage counts sacks, and never 24 of them."""
    counted = _counted(source)
    for noun, values in _counted(reply).items():
        known = [v for other, v in counted.items() if same_word(noun, other)]
        there = frozenset().union(*known)
        if there and not values <= there:
            yield Reason("quantity", noun)


def _counted(read: _Read) -> dict[str, frozenset[str]]:
    counted: dict[str, frozenset[str]] = {}
    for fact in read.facts:
        if fact.kind != "number" or fact.unit or not fact.certain:
            continue
        following = next((w for w in read.words if 0 <= w.start - fact.end <= 2), None)
        if following and not following.stop and not is_cjk(following.text[0]):
            counted[following.text] = counted.get(following.text, frozenset()) | fact.values
    return counted


# --- names and quotations ----------------------------------------------------------------------


def _wrong_names(
    reply: _Read, source: _Read, asked: _Read, *, same_language: bool
) -> Iterator[Reason]:
    known = _vocabulary(source)
    asked_lower = {word.text for word in asked.words if not word.name}
    nouns_capital = _capitalises_nouns(reply)
    for word in reply.words:
        capital = word.name or (word.first and not word.stop and reply.text[word.start].isupper())
        if not capital or word.text in known or _parts_known(word.text, known):
            continue
        if not same_language:
            if not (nouns_capital or word.first) and not _transliterated(word.text, source):
                yield Reason("name", reply.text[word.start : word.end])
            continue
        common = any(same_word(word.text, other) for other in asked_lower)
        if nouns_capital:
            common |= any(same_word(word.text, other.text) for other in asked.words)
        if not common:
            yield Reason("name", reply.text[word.start : word.end])


def _parts_known(word: str, known: _Vocabulary) -> bool:
    return "-" in word and all(part in known or len(part) < 2 for part in word.split("-"))


_GERMAN = re.compile(r"\b(?:der|die|das|und|ist|sind|wird|werden|kann|können|sie|nicht|mit|für)\b")


def _capitalises_nouns(reply: _Read) -> bool:
    return len(set(_GERMAN.findall(reply.lower))) >= 2


_CYRILLIC = dict(zip("бвгджзклмнпрстфхцчшщ", "bvgdzzklmnprstfhccss", strict=True))


def _transliterated(word: str, source: _Read) -> bool:
    """Tell whether a name in Cyrillic has the consonants of a word of a passage in Latin."""
    if not "а" <= word[0] <= "я":
        return False
    wanted = _consonants("".join(_CYRILLIC.get(c, "") for c in word))
    return any(
        difflib.SequenceMatcher(None, wanted, _consonants(other.text)).ratio() >= 0.7
        for other in source.words
        if other.name or other.first
    )


def _consonants(word: str) -> str:
    folded = word.replace("x", "ks").replace("w", "v").replace("q", "k").replace("j", "z")
    return re.sub(r"(.)\1+", r"\1", re.sub(r"[^bcdfghklmnprstvz]", "", folded))


_QUOTED = re.compile(r"[\"“„«「『《]([^\"”“»」』》]{2,})[\"”“»」』》]")


def _wrong_quotations(reply: _Read, source: _Read, *, same_language: bool) -> Iterator[Reason]:
    squeezed = re.sub(r"[\s\W]", "", source.lower)
    for match in _QUOTED.finditer(reply.lower):
        same_script = same_language or match[1].isascii()
        if same_script and re.sub(r"[\s\W]", "", match[1]) not in squeezed:
            yield Reason("quotation", match[1])


# --- the other words ---------------------------------------------------------------------------


def _coverage(
    reply: _Read, source: _Read, asked: _Read, passage: str
) -> tuple[float, list[Reason]]:
    """Return the covered share of the content, and what is wrong with it."""
    known, questioned = _vocabulary(source), _vocabulary(asked)
    marks = [_covered(i, reply.words, known) for i in range(len(reply.words))]
    local = _local_marks(reply, passage, marks)
    content = [i for i, word in enumerate(reply.words) if not word.stop]
    facts = sum(fact.certain for fact in reply.facts)
    from_question = [i for i in content if not local[i] and _covered(i, reply.words, questioned)]
    han = sum(is_cjk(reply.words[i].text[0]) for i in content)
    free = max(2 if han > len(content) / 2 else 1, len(content) // 5)
    if len(from_question) <= free:
        for i in from_question:
            marks[i] = local[i] = True
    total = len(content) + facts
    right = sum(marks[i] for i in content) + facts
    share = right / total if total else 0.0
    reasons: list[Reason] = []
    if share < MIN_COVERAGE or right == len(from_question):
        missing = [reply.words[i].text for i in content if not marks[i]]
        reasons.append(Reason("words", " ".join(missing)))
    else:
        reasons += _uncovered_clauses(reply, marks)
    if total and sum(local[i] for i in content) + facts < MIN_LOCAL_COVERAGE * total:
        reasons.append(
            Reason("words", " ".join(reply.words[i].text for i in content if not local[i]))
        )
    reasons += _uncovered_runs(reply, marks)
    return share, reasons


def _local_marks(reply: _Read, passage: str, marks: Sequence[bool]) -> list[bool]:
    """Tell which words stand in the sentence nearest to their clause; names may stand anywhere."""
    sentences = tuple(split_sentences(passage)) or (passage,)
    local = [mark and reply.words[i].name for i, mark in enumerate(marks)]
    for start, end in _clause_spans(reply.text):
        span = _best_span(_read(reply.text[start:end]), sentences)
        near = _vocabulary(_read(span.sentence))
        for i, word in enumerate(reply.words):
            if start <= word.start < end:
                local[i] |= _covered(i, reply.words, near)
    return local


def _covered(at: int, words: Sequence[_Word], known: _Vocabulary) -> bool:
    word = words[at]
    if not is_cjk(word.text[0]):
        return word.text in known or _parts_known(word.text, known)
    # A Han character counts if it stands beside the same neighbour as in the passage.
    before = words[at - 1] if at and words[at - 1].end == word.start else None
    after = words[at + 1] if at + 1 < len(words) and words[at + 1].start == word.end else None
    pairs = [before.text + word.text] if before and is_cjk(before.text[0]) else []
    pairs += [word.text + after.text] if after and is_cjk(after.text[0]) else []
    return any(known.has_run(pair) for pair in pairs) if pairs else word.text in known


def _uncovered_clauses(reply: _Read, marks: Sequence[bool]) -> Iterator[Reason]:
    for start, end in _clause_spans(reply.text):
        inside = [i for i, w in enumerate(reply.words) if start <= w.start < end and not w.stop]
        facts = sum(start <= fact.start < end and fact.certain for fact in reply.facts)
        right = sum(marks[i] for i in inside) + facts
        if inside and right < MIN_CLAUSE_COVERAGE * (len(inside) + facts):
            yield Reason("words", reply.text[start:end].strip())


def _uncovered_runs(reply: _Read, marks: Sequence[bool]) -> Iterator[Reason]:
    """Find three Han characters in a row that the passage does not have: a name, an addition."""
    run = ""
    for i, word in enumerate(reply.words):
        lacking = is_cjk(word.text[0]) and not word.stop and not marks[i]
        run = run + word.text if lacking else ""
        if len(run) == 3:
            yield Reason("words", run)


def _clause_spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _CLAUSE.finditer(text):
        if match[0] == "," and text[match.end() : match.end() + 1].isdigit():
            continue
        if text[start : match.start()].strip():
            yield start, match.start()
        start = match.end()
    if text[start:].strip():
        yield start, len(text)


# --- not, only, unless, if, and who does what --------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Span:
    """A clause, or neighbouring clauses, of one sentence of the passage."""

    read: _Read
    sentence: str
    share: float


def _wrong_logic(reply: _Read, passage: str, asked: _Read) -> Iterator[Reason]:
    sentences = tuple(split_sentences(passage)) or (passage,)
    whole = _best_span(reply, sentences)
    for start, end in _clause_spans(reply.text):
        clause = _read(reply.text[start:end])
        if len(clause.content) + len(clause.facts) < 2:
            clause = reply
        span = _best_span(clause, sentences)
        if _count_negations(clause.lower) != _count_negations(span.read.lower) and (
            _count_negations(reply.lower) != _count_negations(whole.read.lower)
        ):
            yield Reason("negation", clause.text.strip())
        if _has_only(clause.lower) != _has_only(span.read.lower) and (
            _has_only(reply.lower) != _has_only(whole.read.lower)
        ):
            yield Reason("only", clause.text.strip())
        if _swapped(clause, sentences, passage):
            yield Reason("swapped", clause.text.strip())
    sentence = _read(whole.sentence)
    if lexicon().exceptions.within(reply.lower) != lexicon().exceptions.within(sentence.lower):
        yield Reason("exception", reply.text)
    yield from _dropped_condition(reply, sentence, asked)
    yield from _names_in_other_order(reply, sentence)


def _best_span(clause: _Read, sentences: Sequence[str]) -> _Span:
    """Return the shortest span of the passage that covers most of the clause."""
    wanted = [word.text for word in clause.content]
    values = frozenset().union(*(fact.values for fact in clause.facts))
    best = _Span(_read(sentences[0]), sentences[0], -1.0)
    for sentence in sentences:
        for text in _clause_runs(sentence):
            read = _read(text)
            share = _overlap(clause, wanted, values, read)
            better = share > best.share + 1e-9
            as_good = share > best.share - 1e-9 and len(text) < len(best.read.text)
            if better or as_good:
                best = _Span(read, sentence, share)
    return best


@lru_cache(maxsize=512)
def _clause_runs(sentence: str) -> tuple[str, ...]:
    spans = list(_clause_spans(sentence))
    if len(spans) > 8:  # a long list: its parts alone, and the whole
        return (*(sentence[a:b] for a, b in spans), sentence)
    runs = itertools.combinations_with_replacement(range(len(spans)), 2)
    return tuple(sentence[spans[i][0] : spans[j][1]] for i, j in runs) or (sentence,)


def _overlap(clause: _Read, wanted: Sequence[str], values: frozenset[str], read: _Read) -> float:
    known = _vocabulary(read)
    words = clause.words
    hits = sum(_covered(i, words, known) for i, word in enumerate(words) if not word.stop)
    there = frozenset().union(*(fact.values for fact in read.facts))
    total = len(wanted) + len(values)
    return (hits + len(values & there)) / total if total else 0.0


def _count_negations(lower: str) -> int:
    words = lexicon()
    return len(words.negations.find(_without(lower, words.negations_neutral)))


def _has_only(lower: str) -> bool:
    words = lexicon()
    return words.only.within(_without(lower, words.only_neutral))


def _without(text: str, neutral: Terms) -> str:
    return neutral.pattern.sub(lambda m: " " * len(m[0]), text)


def _dropped_condition(reply: _Read, sentence: _Read, asked: _Read) -> Iterator[Reason]:
    """Find a condition of the passage that the reply leaves out, though nobody asked for it."""
    words = lexicon()
    lower = _without(sentence.lower, words.conditions_neutral)
    said, questioned = _vocabulary(reply), _vocabulary(asked)
    for start, _, _ in words.conditions.find(lower):
        end = next((b for a, b in _clause_spans(sentence.text) if a <= start < b), len(lower))
        condition = _read(sentence.text[start:end])
        content = [i for i, word in enumerate(condition.words) if not word.stop]
        met = sum(
            _covered(i, condition.words, said) or _covered(i, condition.words, questioned)
            for i in content
        )
        if content and met < len(content) / 2:
            yield Reason("condition", condition.text.strip())


def _swapped(clause: _Read, sentences: Sequence[str], passage: str) -> bool:
    """Tell whether a near copy has one word replaced by another word of the passage."""
    matcher = difflib.SequenceMatcher(None, autojunk=False)
    matcher.set_seq2([word.text for word in clause.words])
    closest = 0.6
    theirs: tuple[_Word, ...] = ()
    for sentence in sentences:
        for start, end in _clause_spans(sentence):
            read = _read(sentence[start:end])
            matcher.set_seq1([word.text for word in read.words])
            if matcher.quick_ratio() > closest and matcher.ratio() > closest:
                closest, theirs = matcher.ratio(), read.words
    matcher.set_seq1([word.text for word in theirs])
    elsewhere = _vocabulary(_read(passage))
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "replace":
            continue
        before = [w for w in theirs[a:b] if not w.stop]
        after = [w for w in clause.words[c:d] if not w.stop]
        if len(before) != len(after):
            continue
        for old, new in zip(before, after, strict=True):
            if new.text in elsewhere and not same_word(old.text, new.text):
                return True
    return False


def _names_in_other_order(reply: _Read, sentence: _Read) -> Iterator[Reason]:
    """Find "Smith beat Jones" where the passage has "Jones beat Smith"."""
    passive = lexicon().passive
    if any(w.text in passive for w in reply.words) != any(
        w.text in passive for w in sentence.words
    ):
        return
    ours = [w for w in reply.words if _is_name(w, reply)]
    theirs = [w for w in sentence.words if _is_name(w, sentence)]
    for left, right in itertools.combinations(ours, 2):
        old_left = next((w for w in theirs if w.text == left.text), None)
        old_right = next((w for w in theirs if w.text == right.text), None)
        if not old_left or not old_right or old_left.start < old_right.start:
            continue
        between = _between(reply, left, right) & _between(sentence, old_right, old_left)
        if between:
            yield Reason("swapped", f"{left.text} {right.text}")
            return


def _is_name(word: _Word, read: _Read) -> bool:
    return word.name or (word.first and not word.stop and read.text[word.start].isupper())


def _between(read: _Read, left: _Word, right: _Word) -> set[str]:
    return {
        word.text[:5]
        for word in read.words
        if left.end <= word.start and word.end <= right.start and not word.stop and not word.name
    }


# --- another language --------------------------------------------------------------------------


def _wrong_across_languages(
    reply: _Read, nearest: str, similarity: float | None
) -> Iterator[Reason]:
    if similarity is None or similarity < MIN_SIMILARITY:
        shown = "not known" if similarity is None else f"{similarity:.2f}"
        yield Reason("similarity", shown)
    lower = fold(nearest).lower()
    if bool(_count_negations(reply.lower)) != bool(_count_negations(lower)):
        yield Reason("negation", reply.text)
    if lexicon().exceptions.within(reply.lower) != lexicon().exceptions.within(lower):
        yield Reason("exception", reply.text)
    if _has_only(reply.lower) and not _has_only(lower):
        yield Reason("only", reply.text)
