"""Whether the service can do its work, as /health and the operator see it."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Health:
    """State of the whole service."""

    status: Literal["ok", "loading", "degraded"]
    """``loading``: not ready for customers yet. ``degraded``: answers, but something is wrong."""
    reasons: tuple[str, ...] = ()
    """Sentences that say what is wrong and what to do; empty if ``ok``."""
