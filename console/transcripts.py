"""What each browser has asked on the try-it page, kept in memory for showing it again."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from core.types import Answer

_MAX_CHATS = 200
_MAX_EXCHANGES = 12


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and its answer."""

    question: str
    answer: Answer


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

    def forget(self, chat: str) -> None:
        """Drop a chat."""
        self._chats.pop(chat, None)
