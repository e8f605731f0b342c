"""What can go wrong between a bot and Telegram."""

import asyncio
from dataclasses import dataclass, field
from enum import Enum


class FaultKind(Enum):
    """The ways in which a call fails."""

    FLOOD = "429 with retry_after"
    FLOOD_DONE = "processed, then 429: never seen at Telegram; here to see that it is not hidden"
    ERROR_JSON = "5xx with Telegram's JSON: the method was not run"
    ERROR_HTML = "5xx from a gateway, before the method was run"
    ERROR_HTML_DONE = "5xx from a gateway, after the method was run"
    DROP_BEFORE = "connection closed before the method was run"
    DROP_AFTER = "connection closed after the method was run"
    RESET_AFTER = "connection reset in the middle of the response"
    SLOW = "answered only when the gate opens"
    UNAUTHORIZED = "401"
    BAD_REQUEST = "400"
    FORBIDDEN = "403, the customer blocked the bot"
    GARBAGE_DONE = "200 with a body that is no JSON, after the method was run"


@dataclass(slots=True)
class Fault:
    """One fault, applied to the first `times` calls that match."""

    kind: FaultKind
    method: str = ""
    """Name of the Bot API method; empty: every method but getUpdates."""
    chat_id: int | None = None
    times: int = 1
    retry_after: int = 1
    status: int = 502
    description: str = ""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """For `SLOW`: the call waits until the test sets it."""
    used: int = 0

    def matches(self, method: str, chat_id: int | None) -> bool:
        """Tell whether this fault applies to a call."""
        if self.used >= self.times:
            return False
        if self.method:
            if self.method != method:
                return False
        elif method == "getUpdates":
            return False
        return self.chat_id is None or self.chat_id == chat_id
