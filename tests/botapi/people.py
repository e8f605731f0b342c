"""People of the loopback Telegram: what they write reaches the bot, what it says reaches them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.botapi.check import Json
from tests.botapi.world import PATIENCE_S

if TYPE_CHECKING:
    from tests.botapi.server import BotApi


@dataclass(frozen=True, slots=True)
class Received:
    """A message of the bot."""

    raw: Json

    @property
    def text(self) -> str:
        return str(self.raw.get("text", self.raw.get("caption", "")))

    @property
    def message_id(self) -> int:
        return int(self.raw["message_id"])

    @property
    def thread_id(self) -> int:
        return int(self.raw.get("message_thread_id", 0))

    @property
    def buttons(self) -> list[str]:
        """Labels of the buttons, row by row."""
        return [b["text"] for b in self._buttons()]

    def data(self, label: str) -> str:
        """Return the callback data of the first button whose label contains `label`."""
        for button in self._buttons():
            if label in button["text"]:
                return str(button["callback_data"])
        raise AssertionError(f"No button {label!r} among {self.buttons} under {self.text!r}")

    def _buttons(self) -> list[Json]:
        rows = self.raw.get("reply_markup", {}).get("inline_keyboard", [])
        return [button for row in rows for button in row]


class Person:
    """Somebody with a private chat with the bot, who may also write in groups."""

    def __init__(self, api: BotApi, *, name: str, language: str, user_id: int) -> None:
        self.api = api
        self.user_id = user_id or 5_000_000_000 + next(api.world.other_ids)
        self.user: Json = {
            "id": self.user_id,
            "is_bot": False,
            "first_name": name,
            "username": f"{name.lower()}_{self.user_id % 1000}",
            **({"language_code": language} if language else {}),
        }
        api.world.chats[self.user_id] = {
            "id": self.user_id,
            "type": "private",
            "first_name": name,
            "username": self.user["username"],
        }

    @property
    def chat_id(self) -> int:
        """The private chat, which has the number of the person."""
        return self.user_id

    def join(self, group: int, *, status: str = "member") -> None:
        """Become a member of a group."""
        self.api.world.members[group, self.user_id] = status

    # --- to the bot ----------------------------------------------------------------------------

    def say(
        self, text: str, *, chat: int = 0, thread: int = 0, reply_to: Json | None = None
    ) -> int:
        """Write a message; return the id of its update."""
        content: Json = {"text": text}
        if text.startswith("/") and not text.startswith("//"):
            length = len(text.split()[0])
            content["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        return self.send(content, chat=chat, thread=thread, reply_to=reply_to)

    def send(
        self, content: Json, *, chat: int = 0, thread: int = 0, reply_to: Json | None = None
    ) -> int:
        """Send any content; return the id of its update."""
        if thread:
            content = content | {"message_thread_id": thread, "is_topic_message": True}
        if reply_to:
            content = content | {"reply_to_message": reply_to}
        message = self.api.world.add_message(chat or self.chat_id, self.user, content)
        return self.api.push({"message": message})

    def upload(
        self, name: str, data: bytes, *, caption: str = "", album: str = "", **where: Any
    ) -> int:
        """Send a document, alone or as one of an album."""
        stored = self.api.world.add_file(name, data)
        content: Json = {"document": {**stored, "file_name": name}}
        if caption:
            content["caption"] = caption
        if album:
            content["media_group_id"] = album
        return self.send(content, **where)

    def edit(self, update_id: int, text: str) -> int:
        """Change the text of an earlier message."""
        message = self.api.pushed[update_id]["message"]
        edited = {
            **{k: v for k, v in message.items() if k != "entities"},
            "text": text,
            "edit_date": int(time.time()),
        }
        self.api.world.messages[message["chat"]["id"], message["message_id"]] = edited
        return self.api.push({"edited_message": edited})

    def press(self, message: Received, label: str) -> int:
        """Press the first button whose label contains `label`."""
        return self.press_data(message, message.data(label))

    def press_data(self, message: Received, data: str) -> int:
        """Send callback data, also such that no button has."""
        query_id = f"q{next(self.api.world.other_ids)}"
        self.api.world.open_queries[query_id] = {"from": self.user_id}
        current = self.api.world.messages.get(
            (message.raw["chat"]["id"], message.message_id), message.raw
        )
        return self.api.push(
            {
                "callback_query": {
                    "id": query_id,
                    "from": self.user,
                    "chat_instance": str(message.raw["chat"]["id"]),
                    "message": current,
                    "data": data,
                }
            }
        )

    # --- from the bot --------------------------------------------------------------------------

    async def next(self, *, chat: int = 0, patience_s: float = PATIENCE_S) -> Received:
        """Wait for the bot's next message in a chat."""
        inbox = self.api.inbox(chat or self.chat_id)
        try:
            async with asyncio.timeout(patience_s):
                return await inbox.get()
        except TimeoutError:
            errors = [f"{c.method}: {c.error}" for c in self.api.calls if c.error][-5:]
            raise AssertionError(f"The bot sent nothing. Errors: {errors}") from None

    def current(self, message: Received) -> Received:
        """Return a message as it stands now, after edits."""
        return Received(self.api.world.messages[message.raw["chat"]["id"], message.message_id])

    async def alert(self, *, count: int = 1) -> str:
        """Wait for the `count`-th answer to a press anywhere; return its text."""
        call = await self.api.call("answerCallbackQuery", count=count)
        return call.params.get("text", "")
