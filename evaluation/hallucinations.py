"""Look for inventions in a reply by other means than the check that let it through.

Deliberately simple: what is written as a figure, an address, a link or a name in the reply has to
stand in the passages, or in the question, in the same letters.
"""

import re
from collections.abc import Sequence

from kb.text.facts import extract_facts
from kb.text.lexicon import fold

_FIGURE = re.compile(r"\d+(?:[.,:/-]\d+)*")
_ADDRESS = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\w+", re.IGNORECASE)
_NAME = re.compile(r"(?<=[a-zа-я,] )[A-ZÀ-ÞА-ЯЁ](?:[^\W\u2e80-\uffef]|['-]){2,}")
"""Without the Chinese that may follow a name with no blank between."""


def inventions(reply: str, passages: Sequence[str], question: str) -> list[str]:
    """Return the figures, addresses, links and names of a reply that its passages do not have.

    A figure may be written as a word in the passage ("three"); a name may come from the question,
    a figure may not.
    """
    said, there = fold(reply), fold("\n".join(passages))
    values = frozenset().union(*(fact.values for fact in extract_facts(there)))
    figures = [
        figure
        for figure in _FIGURE.findall(said)
        if not _stands_alone(figure, there) and figure.lstrip("0") not in values
    ]
    addresses = [a for a in _ADDRESS.findall(said) if a.rstrip(".,;)") not in there]
    known = f"{there}\n{fold(question)}".casefold()
    names = [name for name in _NAME.findall(said) if name.casefold().rstrip("'s") not in known]
    return [*figures, *addresses, *names]


def _stands_alone(figure: str, text: str) -> bool:
    return re.search(rf"(?<!\d){re.escape(figure)}(?!\d)", text) is not None
