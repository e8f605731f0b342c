"""Whether a statement takes its answer from one place of the passage, and the right one.

Words of a passage can be put together to something that it does not say ("Rhodophyte is the
largest lineage", where another lineage is the largest), and a list holds many years of which one
was asked for. So what a statement adds to the question has to come from one sentence, and from a
part of it in which the question's own words stand.
"""

import re
from collections.abc import Iterator

from kb.evidence.order import rearranged
from kb.evidence.reading import Read, beginning, covered, read_text, vocabulary
from kb.evidence.verdict import Reason
from kb.lexicon import is_cjk
from kb.stems import content_words

_MIN_SHARE = 0.8
"""Share of a statement's content words that the one sentence must hold, the question's included.
Less lets "the efficiency is limited by the low temperature" through, made of two clauses."""
_FREE_HAN = 2
"""Han characters that may be new: Chinese says "is because" in letters of its own."""
_BREAK = re.compile(r"[;()，；：]|[,:](?!\d)")
_RUN = 5
"""Words in a row, or Han characters, that nobody says twice in a sentence."""


def unanchored(
    statement: str, sentence: str, question: str, *, heading: str = ""
) -> Iterator[Reason]:
    """Find what a statement does not have from `sentence`, its nearest one of the passage.

    The question's words may also stand in the `heading` above that sentence: "Storing the battery"
    says what "keep it in a dry room" is about.
    """
    reply, source, asked = read_text(statement), read_text(sentence), read_text(question)
    there, questioned = vocabulary(source), vocabulary(asked)
    content = [i for i, word in enumerate(reply.words) if not word.stop]
    here = [i for i in content if covered(i, reply.words, there)]
    new = [i for i in content if not covered(i, reply.words, questioned)]
    lacking = [i for i in new if i not in here]
    above = {beginning(word) for word in content_words(heading)}
    here += [i for i in content if i not in here + new and beginning(reply.words[i].text) in above]
    han = sum(is_cjk(reply.words[i].text[0]) for i in content) > len(content) / 2
    if len(lacking) > (_FREE_HAN if han else 0) or len(here) < _MIN_SHARE * len(content):
        missing = [reply.words[i].text for i in content if i not in here]
        yield Reason("words", " ".join(missing))
        return
    added = [reply.words[i].text for i in new if i in here]
    values = frozenset().union(*(fact.values for fact in reply.facts if fact.certain))
    values -= frozenset().union(*(fact.values for fact in asked.facts))
    about = [part for part in _parts(sentence) if _is_about(part, asked)]
    # Where the passage says it all in other words than the question, there is nothing to go by.
    if (added or values) and about and not any(_holds(p, added, values) for p in about):
        yield Reason("elsewhere", statement)
        return
    garbled = list(_garbled(reply, source))
    yield from garbled or rearranged(statement, sentence, question, above=heading)


def _garbled(reply: Read, source: Read) -> Iterator[Reason]:
    """Find a statement that says a name, or several words, once more than the passage does."""
    said, there = [w.text for w in reply.words], [w.text for w in source.words]
    names = [(word.text,) for word in reply.words if word.name]
    runs = [tuple(said[i : i + _RUN]) for i in range(len(said) - _RUN + 1)]
    for run in (*names, *runs):
        count = _count(run, said)
        if count > 1 and count > _count(run, there):
            yield Reason("swapped", " ".join(run))
            return


def _count(run: tuple[str, ...], words: list[str]) -> int:
    size = len(run)
    return sum(tuple(words[i : i + size]) == run for i in range(len(words) - size + 1))


def _parts(sentence: str) -> list[Read]:
    """Return the parts between commas; "Spain and Portugal in 1986" stays together."""
    return [read_text(part) for part in _BREAK.split(sentence) if part.strip()]


def _holds(part: Read, added: list[str], values: frozenset[str]) -> bool:
    texts = {word.text for word in part.words}
    facts = frozenset().union(*(fact.values for fact in part.facts))
    if values:
        return bool(values & facts)
    known = vocabulary(part)
    return any(text in texts or (not is_cjk(text[0]) and text in known) for text in added)


def _is_about(part: Read, asked: Read) -> bool:
    known = vocabulary(part)
    return any(
        covered(i, asked.words, known) for i, word in enumerate(asked.words) if not word.stop
    )
