"""Whether the service can do its work, as /health and the operator see it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """How the last question that the service asked itself went."""

    error: str
    """Why it was not answered; empty if it was."""
    age_s: float
    """Seconds since then."""
    took_s: float


@dataclass(frozen=True, slots=True)
class Health:
    """State of the whole service."""

    status: Literal["ok", "loading", "degraded", "failing"]
    """``loading``: not ready for customers yet. ``degraded``: answers, but something is wrong.
    ``failing``: customers are not answered."""
    reasons: tuple[str, ...] = ()
    """Sentences that say what is wrong and what to do; empty if ``ok``."""
    check: Check | None = None
    """`None` before the first question."""
