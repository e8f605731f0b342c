"""What a message is: a question, several, a follow-up, or none. Word lists and rules, no model."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from core.types import Turn
from kb.answering.texts import TEXT_LANGUAGES, TextKey, service_text
from kb.text.lexicon import alternatives, fold, is_cjk, read_lists
from kb.text.segmentation import split_sentences

Intent: TypeAlias = Literal[
    "question", "greeting", "thanks", "goodbye", "person", "acknowledged", "upset"
]
"""``acknowledged``: "ok", "yes", a thumb up: nothing to answer. ``upset``: angry or sad faces."""

SmallTalk: TypeAlias = Literal["greeting", "thanks", "goodbye", "acknowledged"]

_FILE = Path(__file__).parent / "data" / "intents.yaml"
_PRIORITY: tuple[SmallTalk, ...] = ("thanks", "goodbye", "greeting", "acknowledged")
Feeling: TypeAlias = Literal["angry", "sad", "thanks", "greeting"]
_SAID: tuple[Feeling, ...] = get_args(Feeling)
"""By emoji, most telling first."""
_MAX_WORDS = 16
"""Of a message that is no question."""
_LEAST_WORDS = 2
"""Of each of two questions that "and" joins."""
_MAX_GAP = 5
"""Words between "talk" and "human"."""
_OFFERS: tuple[TextKey, ...] = (
    "unknown", "trouble", "lookup_not_found", "lookup_failed", "angry", "urgent",
)  # fmt: skip
"""Texts that offer a person; the last two also stand before a reply."""
_LISTED = re.compile(r"\s*(?:[-*•]|\(?\d{1,2}[.)、])\s*\S")
_FOLLOWUP = (9, 16)
"""Words, or Chinese characters, of a follow-up …"""
_LEANING = (40, 80)
"""… and of any message that is tried in the context of those before it."""


def classify_turn(text: str, *, last_answer: str = "") -> Intent:
    """Tell what a message wants. Whatever is not clearly something else is a question.

    Args:
        text: the message as written; typing mistakes, emoji and missing punctuation are expected.
        last_answer: what we said before; "yes" after an offered person asks for that person.
    """
    words = _words(text)
    if not words:
        return _by_symbols(text)
    if last_answer and " ".join(words) in _listed("yes") and _offers_person(last_answer):
        return "person"
    if _asks_for_person(words, text):
        return "person"
    if len(words) <= _MAX_WORDS:
        found = _smalltalk(words)
        if found:
            return found
    return "question"


def split_questions(text: str, language: str = "") -> list[str]:
    """Return the questions of a message, in order; a single one as it was written.

    Statements ("I bought a lamp.") stay with the question that follows them, greetings and
    thanks are left out.
    """
    parts: list[str] = []
    waiting: list[str] = []
    sentences = [
        piece
        for sentence in split_sentences(text, language)
        for piece in re.split(r"(?<=\?)\s+(?=\w)", sentence)  # "… extra? und darf …"
    ]
    for sentence in sentences:
        if _smalltalk(_words(sentence)):
            continue
        waiting.append(sentence)
        if sentence.rstrip("\"'») ").endswith(("?", "？")) or _LISTED.match(sentence):
            parts += _split_joined(" ".join(waiting))
            waiting = []
    if waiting:  # what comes after the last question explains it
        joined = " ".join(waiting)
        asks = re.match(rf"(?:(?:and|und|y|e|и|а)\s)?{_asks()}", joined, re.IGNORECASE)
        if not parts or asks:
            parts += _split_joined(joined)
        else:
            parts[-1] += f" {joined}"
    return parts or [text.strip()]


def in_context(question: str, history: Sequence[Turn], *, part: bool = False) -> list[str]:
    """Return `question` rewritten with earlier questions, best first; empty if it needs none.

    Args:
        question: the new message.
        history: earlier turns, oldest first.
        part: it has the subject of the question before, in whatever words it is.
    """
    leans = part and _is_within(_LEANING, _words(question))
    if not history or not (leans or is_followup(question)):
        return []
    chain = [question]
    for turn in reversed(history):
        if classify_turn(turn.question) != "question":
            continue
        chain.append(turn.question)
        if not is_followup(turn.question) or len(chain) > 3:
            break
    if len(chain) == 1:
        return []
    chain.reverse()
    joined = " ".join(part.strip() for part in chain)
    merged = " ".join([_bare(chain[0]), *(_without_lead(_bare(part)) for part in chain[1:])])
    nearest = f"{_bare(chain[-2])} {_without_lead(_bare(chain[-1]))}"
    return list(dict.fromkeys((merged, joined, nearest)))


def continues(question: str) -> bool:
    """Tell whether a message begins as the end of a question: "and for abroad?"."""
    joined = " ".join(_words(question))
    return any(_begins(joined, start) for start in _listed("followup", "starts"))


def is_followup(question: str) -> bool:
    """Tell whether a question may need the one before it to be understood."""
    words = _words(question)
    if not _is_within(_FOLLOWUP, words):
        return False
    joined = " ".join(words)
    if continues(question):
        return True
    pointers = _listed("followup", "pointers")
    if any(word in pointers for word in words):
        return True
    if any(is_cjk(word[0]) for word in words):
        return _is_within((3, 6), words) or any(p in joined for p in pointers if is_cjk(p[0]))
    return len(words) <= 3


def _is_within(most: tuple[int, int], words: Sequence[str]) -> bool:
    """Tell whether a message has at most so many words, or Chinese characters."""
    of_words, of_characters = most
    limit = of_characters if any(is_cjk(word[0]) for word in words) else of_words
    return sum(len(word) if is_cjk(word[0]) else 1 for word in words) <= limit


# --- reading a message -------------------------------------------------------------------------


@cache
def _listed(*path: str) -> Mapping[str, None]:
    """Return the words of a list, folded, in the order of the file."""
    listed = reduce(getitem, path, read_lists(_FILE))
    return dict.fromkeys(fold(word).casefold() for word in listed)


_HAN = r"\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"/start|[{_HAN}]+|[^\W_{_HAN}]+")


def _words(text: str) -> list[str]:
    """Return lower-case words without punctuation and emoji; a run of Han characters is one."""
    folded = fold(text).casefold().replace("i\u0307", "i")  # of the Turkish "İ"
    return _WORD.findall(re.sub(r"(?<=\w)'(?=\w)", "", folded))  # "what's", "wie geht's"


def _smalltalk(words: Sequence[str]) -> SmallTalk | None:
    """Return what the message is if nothing is left once small talk and fillers are taken away."""
    found: set[SmallTalk] = set()
    position = 0
    while position < len(words):
        taken, kind = _take(words, position)
        if kind:
            found.add(kind)
        elif words[position] not in _listed("fillers"):
            if not is_cjk(words[position][0]):
                return None
            kinds = _take_han(words[position])
            if kinds is None:
                return None
            found |= kinds
        position += taken
    return next((kind for kind in _PRIORITY if kind in found), None)


def _take(words: Sequence[str], position: int) -> tuple[int, SmallTalk | None]:
    for length in range(min(_MAX_WORDS, len(words) - position), 0, -1):
        if kind := _kind_of(" ".join(words[position : position + length])):
            return length, kind
    word = words[position]
    if word not in _listed("fillers"):
        for kind in _PRIORITY:
            if any(_mistyped(word, right) for right in _listed(kind) if " " not in right):
                return 1, kind
    return 1, None


def _take_han(run: str) -> set[SmallTalk] | None:
    """Read a run of Han characters as small talk and fillers; `None` if something is left."""
    pieces: list[str] = _small_pattern().findall(run)
    return set(filter(None, map(_kind_of, pieces))) if "".join(pieces) == run else None


@cache
def _small_pattern() -> re.Pattern[str]:
    phrases = (phrase for kind in (*_PRIORITY, "fillers") for phrase in _listed(kind))
    return re.compile(alternatives(phrases, around=False))


def _kind_of(phrase: str) -> SmallTalk | None:
    return next((kind for kind in _PRIORITY if phrase in _listed(kind)), None)


def _mistyped(word: str, right: str) -> bool:
    """Tell whether `word` is `right` with repeated letters, or (from five letters) one mistake."""
    if word[0] != right[0] or is_cjk(word[0]) or not right[0].isalpha():
        return False
    squeezed = re.sub(r"(.)\1+", r"\1", word)
    if squeezed != word and squeezed == re.sub(r"(.)\1+", r"\1", right) and len(word) > len(right):
        return True
    if len(right) < 5 or abs(len(word) - len(right)) > 1 or len(word) < 4:
        return False
    return bool(_shortened(word) & _shortened(right))


def _shortened(word: str) -> set[str]:
    """Return a word and what is left of it without one letter."""
    return {word} | {word[:i] + word[i + 1 :] for i in range(len(word))}


def symbols_say(text: str) -> Feeling | Literal[""]:
    """Return what the emoji of a text say, by their Unicode names; empty if nothing."""
    names = " ".join(unicodedata.name(char, "") for char in text if not char.isalnum())
    symbols = read_lists(_FILE)["symbols"]
    return next((kind for kind in _SAID if re.search(symbols[kind], names)), "")


def _by_symbols(text: str) -> Intent:
    said = symbols_say(text)
    if said == "angry" or said == "sad":
        return "upset"
    if said:
        return said
    return "question" if "?" in unicodedata.normalize("NFKC", text) else "acknowledged"


# --- a person ----------------------------------------------------------------------------------


def _asks_for_person(words: Sequence[str], text: str) -> bool:
    joined = " ".join(words)
    han = "".join(word for word in words if is_cjk(word[0]))
    if han:
        if len(han) <= 20 and any(phrase in han for phrase in _listed("person", "chinese")):
            return not re.search("时间|几点|什么时候|多少|电话|怎么收费|是什么", han)
        kept = re.sub("请|帮我|我要|我想|找|转|谢谢|吧|你好|您好|在吗|[呢吗啊]", "", han)
        return kept in _listed("person", "chinese_alone")
    if len(words) > _MAX_WORDS:
        return False
    kept = " ".join(word for word in words if word not in _listed("person", "polite"))
    if kept in _listed("person", "alone"):
        return True
    if any(_begins(joined, word) for word in _listed("person", "question_words")):
        return False
    return _wants(words, joined)


def _wants(words: Sequence[str], joined: str) -> bool:
    do = _listed("person", "do").keys()
    doing = [i for i, word in enumerate(words) if {word, " ".join(words[i : i + 2])} & do]
    for who in _listed("person", "who"):
        match = re.search(rf"(?<!\w){re.escape(who)}(?!\w)", joined)
        if not match:
            continue
        at = len(joined[: match.start()].split())
        after = words[at + len(who.split()) :]
        near = any(abs(at - i) <= _MAX_GAP for i in doing)
        # "… an agent" is the point; of "a person account" and "agent fees" it is not.
        if near and (not after or after[0] in _listed("person", "joining")):
            return True
    return False


def _offers_person(answer: str) -> bool:
    texts = [service_text(key, code) for key in _OFFERS for code in (*TEXT_LANGUAGES, "zh-Hant")]
    return answer.strip().startswith(tuple(texts))


# --- several questions, follow-ups -------------------------------------------------------------


def _split_joined(sentence: str) -> list[str]:
    """Split "how much is it and how long does it take?" before the second question."""
    if any(is_cjk(char) for char in sentence):
        pieces = re.split(r"(?<=[，,；;、。])", sentence)
        asking = [any(w in p for w in _listed("question_words_chinese")) for p in pieces]
        if sum(asking) < 2 or not asking[-1]:
            return [sentence.strip()]
        return _gather(pieces, asking)
    asks = _asks()
    lists = read_lists(_FILE)
    own = {after: _asks(after) for after in lists["question_words_after"] if after != ","}
    forms = lists["question_forms_after"]
    # One star: one in another would try every way of cutting a message at its commas.
    any_asks = "|".join([asks, *own.values(), *forms.values()])
    begun = re.compile(rf"(?:.*[.!?,;:]\s)?¿?(?:{any_asks})", re.IGNORECASE | re.DOTALL)
    joints = [rf"(?:and|und|y|e|и|а)\s(?={asks})"]
    joints += [rf"{after}\s(?={words})" for after, words in [*own.items(), *forms.items()]]
    leading = _listed("question_leads")
    parted = rf"[,;]?\s(?:{'|'.join(joints)})|[,;]\s(?={_asks(',')})"
    for match in re.finditer(parted, sentence, re.IGNORECASE):
        first, second = sentence[: match.start()].strip(), sentence[match.end() :].strip()
        clause = re.split(r"[.!?,;:]\s", first)[-1].casefold()
        if match[0].strip() in {",", ";"} and any(_begins(clause, lead) for lead in leading):
            continue  # "When I am late, is there …"
        if begun.match(first) and min(len(first.split()), len(second.split())) >= _LEAST_WORDS:
            return [f"{first}?", *_split_joined(second[0].upper() + second[1:])]
    return [sentence.strip()]


@cache
def _asks(after: str = "") -> str:
    """Return the pattern of how a question begins: "what's", "bis wann", "a qué".

    `after`: of one in the language with this word for "and".
    """
    words = _listed("question_words_after", after) if after else _listed("question_words")
    before = "|".join(re.escape(word) for word in _listed("question_prepositions"))
    return rf"(?:(?:{before})\s)?(?:{'|'.join(map(re.escape, words))})(?:['’]\w+)?[\s,]"


def _gather(pieces: Sequence[str], asking: Sequence[bool]) -> list[str]:
    parts, waiting = [], ""
    for piece, asks in zip(pieces, asking, strict=True):
        waiting += piece
        if asks:
            parts.append(waiting.strip().rstrip("，,；;、"))
            waiting = ""
    return parts


def _begins(text: str, start: str) -> bool:
    if is_cjk(start[0]):
        return text.startswith(start)
    return text == start or text.startswith(start + " ")


def _bare(question: str) -> str:
    return question.strip().rstrip("?？.!。！ ")


def _without_lead(question: str) -> str:
    lowered = fold(question).casefold()
    for lead in sorted(_listed("followup", "leads"), key=len, reverse=True):
        if _begins(lowered, lead) and len(lead) < len(question):
            return question[len(lead) :].strip(" ,，")
    return question
