"""Check sentences of a reply against the passage that they cite. Deterministic, no model."""

from kb.evidence.anchor import unanchored
from kb.evidence.check import check_sentence, nearest_sentence
from kb.evidence.verdict import Reason, ReasonKind, Verdict

__all__ = ["Reason", "ReasonKind", "Verdict", "check_sentence", "nearest_sentence", "unanchored"]
