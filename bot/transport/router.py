"""Which handler runs for an update, and who may run it. What has no route is not done."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, TypeAlias

from telegram import CallbackQuery, Message, Update, User
from telegram.constants import ChatType

from bot.transport.incoming import ANONYMOUS_ADMIN, TELEGRAM_ITSELF, Incoming, Me, command_of, read
from bot.transport.sender import Rows
from core.errors import AnswerdeskError
from core.rights import Audience, may
from core.wording import speak
from db.operators import Audit, Operators

logger = logging.getLogger(__name__)

OnCommand = Callable[[Incoming, str], Awaitable[None]]
OnPress = Callable[[CallbackQuery, Update, str], Awaitable[None]]
OnText = Callable[[Incoming], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Command:
    """``/name argument``."""

    name: str
    audience: Audience
    run: OnCommand
    anywhere: bool = False
    """For operators: also in a group that is not (yet) the team's."""


@dataclass(frozen=True, slots=True)
class Press:
    """A button whose data is ``prefix`` or ``prefix:value``."""

    prefix: str
    audience: Audience
    run: OnPress


@dataclass(frozen=True, slots=True)
class Content:
    """Messages that are no command, of one kind, such as a file or what is said in a topic."""

    name: str
    audience: Audience
    matches: Callable[[Incoming], Awaitable[bool]]
    run: OnText
    run_edit: OnText | None = None
    """For edited messages of this kind; ``None``: an edit is ignored."""


Routes: TypeAlias = tuple[Command | Press | Content, ...]
"""What one part of the bot does. Of the contents, the first that fits is taken."""


def number_in(value: str) -> int:
    """Return the number that a button carries; 0, which nothing has, if it carries none."""
    return int(value) if value.isdecimal() else 0


def _prefix(button: Mapping[str, Any]) -> str:
    return str(button.get("callback_data", "")).partition(":")[0]


@dataclass
class Router:
    """Finds the route of an update, checks who may use it, and runs it.

    A route for operators works in a private chat and in the team's group, nowhere else; each use
    is recorded. To everybody else it does not exist.
    """

    parts: Sequence[Routes]
    _: KW_ONLY
    unknown_command: OnCommand
    refuse: Callable[[CallbackQuery], Awaitable[None]]
    alert: Callable[[CallbackQuery, str], Awaitable[None]]
    told: tuple[type[AnswerdeskError], ...]
    """Errors whose text is shown to who pressed a button."""
    resume: Callable[[int], Awaitable[bool]]
    permits: Operators
    records: Audit
    team_group: Callable[[], Awaitable[int]]
    ignores: Callable[[int], Awaitable[bool]]
    language: str
    """Spoken in the team's group."""
    chosen: Callable[[int], Awaitable[str]]
    """Returns what an operator chose for their private chat instead."""
    me: Me

    def __post_init__(self) -> None:
        routes = [route for part in self.parts for route in part]
        self.commands = {one.name: one for one in routes if isinstance(one, Command)}
        self.presses = {one.prefix: one for one in routes if isinstance(one, Press)}
        self.contents = {one.name: one for one in routes if isinstance(one, Content)}

    async def __call__(self, update: Update) -> None:
        """Handle one update; what an earlier try stored for sending is sent and that is all."""
        speak(self.language)
        if await self.resume(update.update_id):
            return
        if update.effective_chat and await self.ignores(update.effective_chat.id):
            return
        if update.callback_query:
            await self._press(update, update.callback_query)
            return
        incoming = read(update, username=self.me.username)
        if incoming is None:
            return
        found = command_of(incoming.message, username=self.me.username)
        if found and not update.edited_message:
            await self._command(incoming, *found)
            return
        for content in self.contents.values():
            if await content.matches(incoming) and await self._may(
                content.audience, incoming.user.id, incoming.message
            ):
                run = content.run_edit if update.edited_message else content.run
                if run:
                    await self._speak(content.audience, incoming.user, incoming.message)
                    await run(incoming)
                return

    async def offers(self, chat_id: int, rows: Rows) -> Rows:
        """Return buttons without those that whoever reads a private chat may not press."""
        pressed = [[self.presses.get(_prefix(one)) for one in row] for row in rows]
        if chat_id < 0 or all(p is None or p.audience == "anyone" for row in pressed for p in row):
            return rows
        role = await self.permits.role_of(chat_id)
        kept = [
            [
                one
                for one, press in zip(*pair, strict=True)
                if press is None or may(role, press.audience)
            ]
            for pair in zip(rows, pressed, strict=True)
        ]
        return [row for row in kept if row]

    async def _command(self, incoming: Incoming, name: str, argument: str) -> None:
        command = self.commands.get(name)
        if command is None or not await self._may(
            command.audience, incoming.user.id, incoming.message, anywhere=command.anywhere
        ):
            if incoming.private:
                await self.unknown_command(incoming, argument)
            return
        if command.audience != "anyone":
            await self.records.record(incoming.user.id, f"/{name}", argument)
        await self._speak(command.audience, incoming.user, incoming.message)
        await command.run(incoming, argument)

    async def _press(self, update: Update, query: CallbackQuery) -> None:
        prefix, _, value = (query.data or "").partition(":")
        press = self.presses.get(prefix)
        message = query.message if isinstance(query.message, Message) else None
        if press is None or not await self._may(press.audience, query.from_user.id, message):
            logger.warning("A press of %r by %d was refused", prefix[:16], query.from_user.id)
            await self.refuse(query)
            return
        if press.audience != "anyone":
            await self.records.record(query.from_user.id, f"button {prefix}", value)
        await self._speak(press.audience, query.from_user, message)
        try:
            await press.run(query, update, value)
        except self.told as error:
            await self.alert(query, str(error))

    async def _speak(self, audience: Audience, user: User, message: Message | None) -> None:
        """Speak an operator's own language in their private chat."""
        if message and message.chat.type == ChatType.PRIVATE:
            chosen = "" if audience == "anyone" else await self.chosen(user.id)
            speak(chosen, user.language_code or "", self.language)

    async def _may(
        self, audience: Audience, user_id: int, message: Message | None, *, anywhere: bool = False
    ) -> bool:
        """Decide; asked anew for every message and every press."""
        if user_id in (ANONYMOUS_ADMIN, TELEGRAM_ITSELF):
            return False
        if audience == "anyone":
            return True
        if message is None:
            return False
        private = message.chat.type == ChatType.PRIVATE
        if not (private or anywhere or message.chat.id == await self.team_group()):
            return False
        return may(await self.permits.role_of(user_id), audience)
