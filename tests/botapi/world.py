"""What the server knows: people, chats, messages, topics, files, updates that wait."""

import asyncio
import itertools
import time
from dataclasses import dataclass, field

from aiogram.types import Message, Update

from tests.botapi.check import Json, check_object

BOT_ID = 7000000001
BOT_USERNAME = "answerdesk_test_bot"
PATIENCE_S = 15.0
"""How long a test waits for the bot before it fails."""


@dataclass(slots=True)
class Topic:
    """A forum topic."""

    name: str
    closed: bool = False
    deleted: bool = False


@dataclass(slots=True)
class StoredFile:
    """A file that was uploaded."""

    name: str
    data: bytes


@dataclass(slots=True)
class World:
    """State of the loopback Telegram."""

    chats: dict[int, Json] = field(default_factory=dict)
    messages: dict[tuple[int, int], Json] = field(default_factory=dict)
    topics: dict[tuple[int, int], Topic] = field(default_factory=dict)
    files: dict[str, StoredFile] = field(default_factory=dict)
    members: dict[tuple[int, int], str] = field(default_factory=dict)
    settings: dict[str, list[Json]] = field(default_factory=dict)
    """Every setMy… call, by method."""
    drafts: dict[int, str] = field(default_factory=dict)
    """Preview that stands in a chat, by chat."""
    open_queries: dict[str, Json] = field(default_factory=dict)
    """Presses that the bot has not answered yet."""
    pending: dict[int, Json] = field(default_factory=dict)
    """Updates not yet confirmed, by update id."""
    repeats: list[Json] = field(default_factory=list)
    """Updates that the next poll delivers once more."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    delivered: int = 0
    message_ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    update_ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(900_001))
    other_ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def bot(self) -> Json:
        """The bot as a user."""
        return {
            "id": BOT_ID,
            "is_bot": True,
            "first_name": "Answerdesk",
            "username": BOT_USERNAME,
        }

    def add_message(self, chat_id: int, sender: Json | None, content: Json) -> Json:
        """Store a message and return it."""
        message: Json = {
            "message_id": next(self.message_ids),
            "date": int(time.time()),
            "chat": self.chats[chat_id],
            **({"from": sender} if sender else {}),
            **content,
        }
        check_object(Message, message)
        self.messages[chat_id, message["message_id"]] = message
        return message

    def push(self, content: Json) -> int:
        """Let an update wait for the bot; return its id."""
        update: Json = {"update_id": next(self.update_ids), **content}
        check_object(Update, update)
        return self.push_unchecked(update)

    def push_unchecked(self, update: Json) -> int:
        """Let any object wait for the bot as an update, also one no bot can read."""
        update.setdefault("update_id", next(self.update_ids))
        self.pending[update["update_id"]] = update
        self.arrived.set()
        return int(update["update_id"])

    def take(self, offset: int, limit: int) -> list[Json]:
        """Confirm everything below `offset` and return what waits, oldest first."""
        for number in [n for n in self.pending if n < offset]:
            del self.pending[number]
        repeats, self.repeats = self.repeats, []
        waiting = [self.pending[n] for n in sorted(self.pending)][:limit]
        if not waiting and not repeats:
            self.arrived.clear()
        self.delivered += len(waiting)
        return repeats + waiting

    def add_file(self, name: str, data: bytes) -> Json:
        """Store a file and return the fields that describe it."""
        file_id = f"file-{next(self.other_ids)}"
        self.files[file_id] = StoredFile(name, data)
        return {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": len(data)}
