"""What turns a statement round: not, only, half of, unless, if, and who does what."""

import difflib
import itertools
import re
from collections.abc import Iterator, Sequence

from kb.evidence.reading import Read, Word, covered, read_text, same_word, vocabulary
from kb.evidence.spans import best_span, clause_spans
from kb.evidence.verdict import Reason
from kb.lexicon import Terms, fold, is_cjk, lexicon
from kb.text import split_sentences

MIN_LIKENESS = 3.3
"""What `kb.likeness` must find between a sentence and a passage in another language. On xquad
(en, zh) it keeps 92 % of true pairs, 8 % of pairs from one article and 0.7 % of others."""
_BEFORE = 12
"""Characters before a clause in which it may be said to be wrong ("mistakenly: ...")."""
_UNTRANSLATED = re.compile(r"(?<![A-Za-z@./_])[a-z]{3,}(?![\w@/_]|\.\w)")
"""A word, no name, unit or address, that a reply in another script has left as it was."""
YES_NO = re.compile(
    r"\s*(?:(?P<no>no|nein|нет|不是的?|不可以|不能|不行|不)"
    r"|yes|ja|sí|si|да|是的?|可以的?|能|对的?|好的)\s*[,，.。!！:：;]\s*",
    re.IGNORECASE,
)


_BECAUSE = re.compile(
    r"\b(?:because|due to|owing to|therefore|weil|deshalb|porque|debido a|потому|поэтому)\b"
    r"|因为|由于|因此|所以"
)
_CAUSE = re.compile(
    r"\b(?:because|due|owing|since|as|so|thus|hence|therefore|for|to|result\w*|caus\w*|lead\w*|led"
    r"|ma[dk]e\w*|reason\w*|by|from|weil|da|deshalb|daher|denn|wegen|aufgrund|durch|um|damit|porque"
    r"|debido|pues|por|para|causa\w*|потому|поэтому|так|из-за|чтобы|причин\w*)\b|[因由故致使令]|所以|为了|造成|引起"
)


def contradiction(yes_or_no: re.Match[str] | None, reply: Read) -> Iterator[Reason]:
    """Find a "No" before a statement that denies nothing, or a "Yes" before one that does."""
    if yes_or_no and bool(yes_or_no["no"]) != bool(_count_negations(reply.lower)):
        yield Reason("negation", yes_or_no[0].strip())


def wrong_logic(reply: Read, passage: str, asked: Read) -> Iterator[Reason]:
    """Find statements that the passage denies, limits, or makes of somebody else."""
    sentences = tuple(split_sentences(passage)) or (passage,)
    whole = best_span(reply, sentences)
    for start, end in clause_spans(reply.text):
        clause = read_text(reply.text[start:end])
        if len(clause.content) + len(clause.facts) < 2:
            clause = reply
        span = best_span(clause, sentences)
        if _count_negations(clause.lower) != _count_negations(span.read.lower) and (
            _count_negations(reply.lower) != _count_negations(whole.read.lower)
        ):
            yield Reason("negation", clause.text.strip())
        if _has_only(clause.lower) != _has_only(span.read.lower) and (
            _has_only(reply.lower) != _has_only(whole.read.lower)
        ):
            yield Reason("only", clause.text.strip())
        if _made_whole(clause, span.read, reply, asked):
            yield Reason("quantity", clause.text.strip())
        if _swapped(clause, sentences, passage):
            yield Reason("swapped", clause.text.strip())
    sentence = read_text(whole.sentence)
    at = sentence.lower.find(whole.read.lower)
    said = sentence.lower[max(at - _BEFORE, 0) : at + len(whole.read.lower)]
    if lexicon().doubted.within(said) and not lexicon().doubted.within(reply.lower):
        yield Reason("negation", said.strip())
    if _BECAUSE.search(reply.lower) and not _CAUSE.search(sentence.lower):
        yield Reason("swapped", reply.text)
    if lexicon().exceptions.within(reply.lower) != lexicon().exceptions.within(sentence.lower):
        yield Reason("exception", reply.text)
    yield from _dropped_condition(reply, sentence, asked)
    yield from _names_in_other_order(reply, sentence)


def _count_negations(lower: str) -> int:
    words = lexicon()
    return len(words.negations.find(_without(lower, words.negations_neutral)))


def _has_only(lower: str) -> bool:
    words = lexicon()
    return words.only.within(_without(lower, words.only_neutral))


def _made_whole(clause: Read, there: Read, reply: Read, asked: Read) -> bool:
    """Tell whether a clause leaves out the "half of" or "usually" before words that it repeats."""
    partly = lexicon().partly
    if partly.within(reply.lower) or partly.within(asked.lower):
        return False
    said, values = vocabulary(clause), frozenset().union(*(f.values for f in clause.facts))
    for _, end, _ in partly.find(there.lower):
        words = ((w.start, i) for i, w in enumerate(there.words) if w.start >= end and not w.stop)
        facts = [fact for fact in there.facts if fact.start >= end]
        start, at = next(words, (len(there.lower), -1))
        if facts and facts[0].start < start:
            if facts[0].values & values:
                return True
        elif at >= 0 and covered(at, there.words, said):
            return True
    return False


def _without(text: str, neutral: Terms) -> str:
    return neutral.pattern.sub(lambda m: " " * len(m[0]), text)


def _dropped_condition(reply: Read, sentence: Read, asked: Read) -> Iterator[Reason]:
    """Find a condition of the passage that the reply leaves out, though nobody asked for it."""
    words = lexicon()
    lower = _without(sentence.lower, words.conditions_neutral)
    said, questioned = vocabulary(reply), vocabulary(asked)
    for start, _, _ in words.conditions.find(lower):
        end = next((b for a, b in clause_spans(sentence.text) if a <= start < b), len(lower))
        condition = read_text(sentence.text[start:end])
        content = [i for i, word in enumerate(condition.words) if not word.stop]
        met = sum(
            covered(i, condition.words, said) or covered(i, condition.words, questioned)
            for i in content
        )
        if content and met < len(content) / 2:
            yield Reason("condition", condition.text.strip())


def _swapped(clause: Read, sentences: Sequence[str], passage: str) -> bool:
    """Tell whether a near copy has one word replaced by another word of the passage."""
    matcher = difflib.SequenceMatcher(None, autojunk=False)
    matcher.set_seq2([word.text for word in clause.words])
    closest = 0.6
    theirs: tuple[Word, ...] = ()
    for sentence in sentences:
        for start, end in clause_spans(sentence):
            read = read_text(sentence[start:end])
            matcher.set_seq1([word.text for word in read.words])
            if matcher.quick_ratio() > closest and matcher.ratio() > closest:
                closest, theirs = matcher.ratio(), read.words
    matcher.set_seq1([word.text for word in theirs])
    elsewhere = vocabulary(read_text(passage))
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


def _names_in_other_order(reply: Read, sentence: Read) -> Iterator[Reason]:
    """Find "Smith beat Jones" where the passage has "Jones beat Smith"."""
    passive = lexicon().passive
    if any(w.text in passive for w in reply.words) != any(
        w.text in passive for w in sentence.words
    ):
        return
    ours = [w for w in reply.words if _is_name(w, reply)]
    theirs = [w for w in sentence.words if _is_name(w, sentence)]
    for left, right in itertools.combinations(ours, 2):
        old_left = [w for w in theirs if w.text == left.text]
        old_right = [w for w in theirs if w.text == right.text]
        if len(old_left) != 1 or len(old_right) != 1 or old_left[0].start < old_right[0].start:
            continue
        if _between(reply, left, right) & _between(sentence, old_right[0], old_left[0]):
            yield Reason("swapped", f"{left.text} {right.text}")
            return


def _is_name(word: Word, read: Read) -> bool:
    return word.name or (word.first and not word.stop and read.text[word.start].isupper())


def _between(read: Read, left: Word, right: Word) -> set[str]:
    return {
        word.text[:5]
        for word in read.words
        if left.end <= word.start and word.end <= right.start and not word.stop and not word.name
    }


# --- another language --------------------------------------------------------------------------


def wrong_across_languages(reply: Read, nearest: str, likeness: float | None) -> Iterator[Reason]:
    """Compare what can be compared with the nearest sentence of a passage in another language."""
    if likeness is None or likeness < MIN_LIKENESS:
        shown = "not known" if likeness is None else f"{likeness:.1f}"
        yield Reason("likeness", shown)
    untranslated = _UNTRANSLATED.search(reply.text)
    if untranslated and any(is_cjk(word.text[0]) or word.text > "\u0370" for word in reply.words):
        yield Reason("language", untranslated[0])
    lower = fold(nearest).lower()
    if bool(_count_negations(reply.lower)) != bool(_count_negations(lower)):
        yield Reason("negation", reply.text)
    if lexicon().exceptions.within(reply.lower) != lexicon().exceptions.within(lower):
        yield Reason("exception", reply.text)
    if _has_only(reply.lower) and not _has_only(lower):
        yield Reason("only", reply.text)
