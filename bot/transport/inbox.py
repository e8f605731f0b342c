"""From Telegram to the handlers: every update stored first, one at a time per conversation."""

import json
import logging
from asyncio import Future, Queue, get_running_loop, timeout
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import httpx
from telegram import Update
from telegram.error import NetworkError
from telegram.request import HTTPXRequest

from bot.transport.redact import redact
from core.errors import StorageError
from core.request import working_on
from db.inbox import Inbox, NewUpdate

logger = logging.getLogger(__name__)

Lane = tuple[int, int, str]
"""Chat, topic, and ``talk`` or ``press``: what must stay in order."""

PARKED_PER_LANE = 50
"""Messages of one conversation that may wait; a customer who sends more is told so."""


def lane_of(update: Update) -> Lane:
    """Return the conversation whose order an update belongs to.

    A pressed button does not wait behind an answer that is still being written.
    """
    message = update.effective_message
    thread = (message.message_thread_id or 0) if message and message.is_topic_message else 0
    chat_id = update.effective_chat.id if update.effective_chat else 0
    return chat_id, thread, "press" if update.callback_query else "talk"


def request_of(update_id: int) -> str:
    """Name the request that an update is, also after a restart."""
    return f"update-{update_id}"


def is_talk_of(update: Update, chat_id: int) -> bool:
    """Tell whether an update is something that was written in a chat, not a pressed button."""
    chat, _, kind = lane_of(update)
    return chat == chat_id and kind == "talk"


class InboxQueue(Queue[object]):
    """The application's queue of updates: `put` returns when the update is on disk.

    python-telegram-bot tells Telegram that a batch arrived when `put` has returned for each of
    its updates. At most one update of a conversation is in the queue; the next ones are parked
    and follow when the processor reports the end of the one before (`release`).
    """

    def __init__(self, inbox: Inbox, *, on_flood: Callable[[Update], None]) -> None:
        """`on_flood` is told of the first update of a conversation that is not accepted."""
        super().__init__()
        self._inbox = inbox
        self._on_flood = on_flood
        self._stored: set[int] = set()
        self.repeated: set[int] = set()
        """Updates of an earlier run or try: something of them may have been sent already."""
        self._lanes: dict[Lane, deque[Update]] = {}
        self._waiters: dict[Lane, Future[None]] = {}
        self._flooding: set[Lane] = set()
        self._closed = False

    def close(self) -> None:
        """Let no further update in; what is stored and was not handled waits for the next start.

        Whoever stops the application waits until the queue is empty: nothing may be put into it
        once nobody takes from it.
        """
        self._closed = True

    async def put(self, item: object) -> None:
        """Store an update durably and let it wait for its turn; drop one that is known.

        Raises:
            NetworkError: if it could not be stored; it is then fetched again.
        """
        if not isinstance(item, Update):
            await super().put(item)
            return
        if item.update_id in self._stored:
            self._stored.discard(item.update_id)
        elif not await self.store([(item.update_id, item.to_dict(), "")]):
            return
        await self.admit(item)

    async def store(self, updates: Sequence[tuple[int, dict[str, Any], str]]) -> set[int]:
        """Store updates (id, content, why it cannot be read) in one commit; return the new ids.

        Raises:
            NetworkError: if they could not be stored; the poller then asks for them again.
        """
        try:
            return await self._inbox.store(
                [
                    # What cannot be read may hold half characters, which no database takes.
                    NewUpdate(
                        number, chat_of(raw), json.dumps(raw, ensure_ascii=bool(error)), error
                    )
                    for number, raw, error in updates
                ]
            )
        except StorageError as error:
            # The type that python-telegram-bot's poller waits and tries again on.
            raise NetworkError(str(error)) from error

    async def receive(self, raws: Sequence[dict[str, Any]], unreadable: dict[int, str]) -> None:
        """Store a batch as it came from Telegram, before it is parsed."""
        fresh = await self.store(
            [(raw["update_id"], raw, unreadable.get(raw["update_id"], "")) for raw in raws]
        )
        self._stored |= fresh - set(unreadable)

    async def admit(self, update: Update, *, bounded: bool = True) -> None:
        """Let a stored update wait for its turn; `bounded`: unless too many of its kind wait."""
        if self._closed:
            return
        with working_on(request_of(update.update_id)):
            logger.info("Update %d arrived", update.update_id)
        lane = lane_of(update)
        parked = self._lanes.get(lane)
        if parked is None:
            self._lanes[lane] = deque()
            await super().put(update)
        elif not bounded or len(parked) < PARKED_PER_LANE:
            parked.append(update)
            if (waiter := self._waiters.get(lane)) and not waiter.done():
                waiter.set_result(None)
        else:
            await self._inbox.finish(update.update_id, note="not accepted: too many at once")
            if lane not in self._flooding:
                self._flooding.add(lane)
                self._on_flood(update)

    async def wait_for_more(self, update: Update, *, count: int, seconds: float) -> bool:
        """Wait until `count` updates are parked behind one; return whether they came in time."""
        if len(self.parked(update)) >= count:
            return True
        lane = lane_of(update)
        waiter: Future[None] = get_running_loop().create_future()
        self._waiters[lane] = waiter
        try:
            async with timeout(seconds):
                await waiter
        except TimeoutError:
            return False
        finally:
            del self._waiters[lane]
        return True

    def parked(self, update: Update) -> Sequence[Update]:
        """Return what waits behind an update of the same conversation, oldest first."""
        return tuple(self._lanes.get(lane_of(update), ()))

    def take(self, update: Update, count: int) -> list[Update]:
        """Remove the first updates that wait behind one: they are handled together with it."""
        parked = self._lanes.get(lane_of(update), deque())
        return [parked.popleft() for _ in range(count)]

    def drop_talk(self, chat_id: int) -> None:
        """Let nothing come of what was written in a chat and waits behind something else."""
        for (chat, _, kind), parked in self._lanes.items():
            if chat == chat_id and kind == "talk":
                parked.clear()

    def release(self, update: Update) -> None:
        """Let the next update of the same conversation into the queue."""
        self.repeated.discard(update.update_id)
        lane = lane_of(update)
        parked = self._lanes.get(lane)
        if parked and not self._closed:
            self.put_nowait(parked.popleft())
        elif parked is not None:
            del self._lanes[lane]
            self._flooding.discard(lane)

    @property
    def waiting(self) -> int:
        """How many updates wait in memory."""
        return self.qsize() + sum(len(parked) for parked in self._lanes.values())


def chat_of(raw: dict[str, Any]) -> int | None:
    """Return the chat that a raw update is about; for a press, the chat of its message."""
    for content in raw.values():
        if isinstance(content, dict):
            message = content.get("message") if "chat_instance" in content else content
            chat = message.get("chat") if isinstance(message, dict) else None
            if isinstance(chat, dict) and _fits(chat.get("id")):
                return int(chat["id"])
    return None


class PollRequest(HTTPXRequest):
    """The connection for getUpdates: stores each batch in one commit, and guards its parsing.

    One update that cannot be parsed would block all behind it; it becomes an empty update and a
    dead letter. Every reply's status is reported: after a 401 the poller ends without a word.
    """

    def __init__(
        self, queue: InboxQueue, *, on_status: Callable[[int], None], **options: Any
    ) -> None:
        super().__init__(connection_pool_size=2, **options)
        self._queue = queue
        self._on_status = on_status

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """Fetch updates; what is returned is on disk."""
        status, payload = await super().do_request(*args, **kwargs)
        if status == httpx.codes.OK:
            payload = await self._store(payload)
        self._on_status(status)
        return status, payload

    async def _store(self, payload: bytes) -> bytes:
        reply = self.parse_json_payload(payload)
        batch = reply.get("result")
        if not isinstance(batch, list):
            return payload
        raws = [raw for raw in batch if isinstance(raw, dict) and _fits(raw.get("update_id"))]
        unreadable = {raw["update_id"]: why for raw in raws if (why := _problem(raw))}
        if raws:
            await self._queue.receive(raws, unreadable)
        ordered = sorted(raws, key=lambda raw: int(raw["update_id"]))
        if ordered == batch and not unreadable:
            return payload
        for number, why in unreadable.items():
            logger.error("Update %d cannot be read and is a dead letter now: %s", number, why)
        reply["result"] = [
            {"update_id": raw["update_id"]} if raw["update_id"] in unreadable else raw
            for raw in ordered
        ]
        return json.dumps(reply).encode()


def _problem(raw: dict[str, Any]) -> str:
    """Return why an update cannot be read; empty if it can."""
    if _has_huge_number(raw):
        return "it holds a number of more than 64 bits"
    try:
        json.dumps(raw, ensure_ascii=False).encode()
        lane_of(Update.de_json(raw, None))
    except Exception as error:  # noqa: BLE001 - any error at all must become a dead letter
        return redact(f"{type(error).__name__}: {error}")
    return ""


def _fits(value: object) -> bool:
    """Tell whether a value is a number that a database takes."""
    return isinstance(value, int) and -(2**63) <= value < 2**63


def _has_huge_number(content: object) -> bool:
    if isinstance(content, dict):
        return any(map(_has_huge_number, content.values()))
    if isinstance(content, list):
        return any(map(_has_huge_number, content))
    return isinstance(content, int) and not _fits(content)
