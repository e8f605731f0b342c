"""Check sentences of a reply against the passage that they cite. Deterministic, no model."""

from kb.evidence.check import check_sentence, nearest_sentence
from kb.evidence.order import adds_nothing, rearranged
from kb.evidence.reading import shares_words
from kb.evidence.verdict import Reason, ReasonKind, Verdict

__all__ = [
    "Reason",
    "ReasonKind",
    "Verdict",
    "adds_nothing",
    "check_sentence",
    "nearest_sentence",
    "rearranged",
    "shares_words",
]
