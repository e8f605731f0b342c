"""What each browser has asked on the try-it page, kept in memory for showing it again."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
        self._max_chats = max_chats
        self._max_exchanges = max_exchanges
        self._chats: OrderedDict[str, tuple[Exchange, ...]] = OrderedDict()

    def add(self, chat: str, exchange: Exchange) -> None:
        """Append an exchange."""
        kept = (*self._chats.pop(chat, ()), exchange)
        self._chats[chat] = kept[-self._max_exchanges :]
        while len(self._chats) > self._max_chats:
            self._chats.popitem(last=False)

    def of(self, chat: str) -> Sequence[Exchange]:
        """Return the exchanges of a chat, oldest first."""
        return self._chats.get(chat, ())

    def rate(self, chat: str, answer_id: int) -> bool:
        """Mark an answer as rated; return whether it is one of this chat's."""
        exchanges = self._chats.get(chat, ())
        if not answer_id or all(e.answer.answer_id != answer_id for e in exchanges):
            return False
        self._chats[chat] = tuple(
            replace(e, rated=True) if e.answer.answer_id == answer_id else e for e in exchanges
        )
        return True

    def forget(self, chat: str) -> None:
        """Drop a chat."""
        self._chats.pop(chat, None)
