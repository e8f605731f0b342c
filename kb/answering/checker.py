"""What a written sentence says that its source does not: figures, dates, links, names, words.

For text of a generator (`kb.answering.writer`); what is built from spans needs none.
"""

import re

from kb.text.facts import agree, extract_facts, names_in, without_facts
from kb.text.lexicon import fold
from kb.text.segmentation import split_sentences
from kb.text.stems import stems

_WORDS = 0.75
"""Share of the content words of a sentence that its source, or the question, must have."""
NEGATION = re.compile(
    r"\b(?:not?|never|without|none|cannot|nicht|keine?[nmrs]?|nie(?:mals)?|ohne|nunca|sin|ning[uú]na?"
    r"|не|нет|нельзя|без|ни)\b|n't\b|不|没|未|无|非|勿|禁止",
    re.IGNORECASE,
)


def unsupported(sentence: str, source: str, question: str) -> list[str]:
    """Return what a sentence says and its source does not; empty if it may be shown.

    The question's words may be repeated; its figures prove nothing.
    """
    there = extract_facts(source)
    folded = fold(f"{source}\n{question}").casefold()
    found = [
        fact.text.strip()
        for fact in extract_facts(sentence)
        if fact.certain and not any(agree(fact, other) for other in there)
    ]
    found += [name for name in names_in(sentence) if name.casefold().rstrip("'s") not in folded]
    said = set(stems(without_facts(sentence)))
    known = set(stems(f"{source}\n{question}"))
    if len(said & known) < _WORDS * len(said):
        found += sorted(said - known)
    nearest = max(split_sentences(source), key=lambda s: len(said & set(stems(s))), default="")
    if bool(NEGATION.search(sentence)) != bool(NEGATION.search(nearest)):
        found.append((NEGATION.search(sentence) or NEGATION.search(nearest) or ["not"])[0])
    return found
