"""The check as a whole.

What must not be wrong (numbers, dates, amounts, names, links) has to stand in the passage; what
limits a statement (not, only, unless, at least) has to be the same; the other words have to be
covered by it. A sentence that fails is not shown, so every doubt is decided against it.
"""

from kb.evidence.claims import wrong_facts, wrong_quantities
from kb.evidence.coverage import coverage_of
from kb.evidence.logic import YES_NO, contradiction, wrong_across_languages, wrong_logic
from kb.evidence.names import wrong_names, wrong_quotations
from kb.evidence.reading import read_text
from kb.evidence.spans import best_span
from kb.evidence.verdict import Reason, Verdict
from kb.lexicon import lexicon
from kb.text import split_sentences


def check_sentence(
    sentence: str,
    passage: str,
    *,
    question: str,
    likeness: float | None = None,
    nearest: str = "",
    same_language: bool = True,
) -> Verdict:
    """Tell whether `sentence` says nothing that `passage` does not say.

    Args:
        sentence: one sentence of a reply.
        passage: the text that the reply cites.
        question: what was asked. Its words may be repeated; its numbers and names do not count
            as evidence.
        likeness: what `kb.likeness` finds between the sentence and the nearest one of the
            passage; `None` if not known.
        nearest: that sentence of the passage, for replies in another language.
        same_language: False if the reply is in another language than the passage: then words
            cannot be compared, and facts and `likeness` decide.
    """
    yes_or_no = YES_NO.match(sentence)
    reply = read_text(sentence[yes_or_no.end() :] if yes_or_no else sentence)
    if not reply.content and not any(fact.certain for fact in reply.facts):
        return Verdict(supported=False, reasons=(Reason("empty", sentence),), coverage=0.0)
    source, asked = read_text(passage), read_text(question)
    meta = lexicon().meta
    if any(reply.lower[a:b] not in source.lower for a, b, _ in meta.find(reply.lower)):
        return Verdict(supported=False, reasons=(Reason("meta", sentence),), coverage=0.0)
    if reply.text.rstrip("\"'» ").endswith(("?", "？")):
        return Verdict(supported=False, reasons=(Reason("question", sentence),), coverage=0.0)
    reasons = [
        *contradiction(yes_or_no, reply),
        *wrong_facts(reply, source),
        *wrong_quantities(reply, source),
        *wrong_names(reply, source, asked, same_language=same_language),
        *wrong_quotations(reply, source, same_language=same_language),
    ]
    coverage = 1.0
    if same_language:
        coverage, uncovered = coverage_of(reply, source, asked, passage)
        reasons += uncovered
        reasons += wrong_logic(reply, passage, asked)
    else:
        reasons += wrong_across_languages(reply, nearest or passage, likeness)
    return Verdict(supported=not reasons, reasons=tuple(reasons), coverage=coverage)


def nearest_sentence(sentence: str, passage: str) -> str:
    """Return the sentence of the passage that has most of the words of `sentence`."""
    sentences = tuple(split_sentences(passage)) or (passage,)
    return best_span(read_text(sentence), sentences).sentence
