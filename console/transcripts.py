"""What each browser has asked on the try-it page, kept in memory for showing it again."""

from dataclasses import dataclass, replace

from core.recent import Recent
from core.types import Answer

_MAX_CHATS = 200
_MAX_EXCHANGES = 12


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and its answer."""

    question: str
    answer: Answer
    rated: bool = False
    """Whether the visitor said if the answer helped."""


class Transcripts:
    """The last exchanges of the chats that were active last; the oldest give way."""

    def __init__(self, *, max_chats: int = _MAX_CHATS, max_exchanges: int = _MAX_EXCHANGES) -> None:
        self._max_exchanges = max_exchanges
        self._chats: Recent[str, tuple[Exchange, ...]] = Recent(max_chats)
        self.forget = self._chats.drop

    def add(self, chat: str, exchange: Exchange) -> None:
        """Append an exchange."""
        self._chats.put(chat, (*self.of(chat), exchange)[-self._max_exchanges :])

    def of(self, chat: str) -> tuple[Exchange, ...]:
        """Return the exchanges of a chat, oldest first."""
        return self._chats.get(chat) or ()

    def rate(self, chat: str, answer_id: int) -> bool:
        """Mark an answer as rated; return whether it is one of this chat's."""
        exchanges = self.of(chat)
        if not answer_id or all(e.answer.answer_id != answer_id for e in exchanges):
            return False
        rated = (
            replace(e, rated=True) if e.answer.answer_id == answer_id else e for e in exchanges
        )
        self._chats.put(chat, tuple(rated))
        return True
