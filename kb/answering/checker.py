"""What a written sentence says that no single sentence of its source does.

For text of a generator (`kb.answering.writer`); what is built from spans needs none.
"""

import re
from collections import Counter

from kb.text.facts import Fact, agree, extract_facts, without_facts
from kb.text.segmentation import split_sentences
from kb.text.stems import stems

NEGATION = re.compile(
    r"\b(?:not?|never|without|none|cannot|nicht|keine?[nmrs]?|nie(?:mals)?|ohne|nunca|sin|ning[uú]na?"
    r"|не|нет|нельзя|без|ни)\b|n't\b|不|没|未|无|非|勿|禁止",
    re.IGNORECASE,
)


def unsupported(sentence: str, source: str) -> list[str]:
    """Return what a sentence says and the nearest sentence of its source does not.

    A sentence may leave words out and order them anew. It may not add one, nor use one more
    often, nor put together what the source says in two places. Empty if it may be shown.
    """
    facts = [fact for fact in extract_facts(sentence) if fact.certain]
    said = Counter(stems(without_facts(sentence)))
    if not facts and not said:
        return [sentence]
    lacking = (_lacking(sentence, facts, said, line) for line in split_sentences(source))
    return min(lacking, key=len, default=[sentence])


def _lacking(sentence: str, facts: list[Fact], said: Counter[str], line: str) -> list[str]:
    there = extract_facts(line)
    found = [fact.text.strip() for fact in facts if not any(agree(fact, its) for its in there)]
    found += (said - Counter(stems(without_facts(line)))).elements()
    # A lone character of a script without blanks is no word, and would go unseen.
    strange = set(without_facts(sentence).casefold()) - set(without_facts(line).casefold())
    found += sorted(char for char in strange if char.isalnum() and not char.isascii())
    mine, its = (Counter(NEGATION.findall(text.casefold())) for text in (sentence, line))
    return found if mine.total() == its.total() else [*found, *(mine - its or its - mine)]
