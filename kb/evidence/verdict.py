"""What a check finds."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

ReasonKind: TypeAlias = Literal[
    "empty", "meta", "question", "fact", "bound", "quantity", "name", "quotation", "negation",
    "only", "exception", "condition", "words", "swapped", "likeness", "fragment", "language",
    "length", "idle", "elsewhere",
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
