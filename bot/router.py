"""Which handler runs for an update, and who may run it. What has no route is not done."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from telegram import CallbackQuery, Update

from bot.incoming import Incoming, command_of, is_addressed, read

logger = logging.getLogger(__name__)

Audience: TypeAlias = Literal["anyone"]
"""Who may use a route."""

OnCommand = Callable[[Incoming, str], Awaitable[None]]
OnPress = Callable[[CallbackQuery, Update, str], Awaitable[None]]
OnText = Callable[[Incoming], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Command:
    """``/name argument``."""

    name: str
    audience: Audience
    run: OnCommand


@dataclass(frozen=True, slots=True)
class Press:
    """A button whose data is ``prefix`` or ``prefix:value``."""

    prefix: str
    audience: Audience
    run: OnPress


class Router:
    """Finds the route of an update and runs it."""

    def __init__(
        self,
        *,
        commands: Sequence[Command],
        presses: Sequence[Press],
        on_message: OnText,
        on_edit: OnText,
        resume: Callable[[int], Awaitable[bool]],
    ) -> None:
        self.commands = {command.name: command for command in commands}
        self.presses = {press.prefix: press for press in presses}
        self._on_message = on_message
        self._on_edit = on_edit
        self._resume = resume
        self.bot_id = 0
        self.username = ""

    async def __call__(self, update: Update, _: Any) -> None:
        """Handle one update; what an earlier try stored for sending is sent and that is all."""
        if await self._resume(update.update_id):
            return
        if update.callback_query:
            await self._press(update, update.callback_query)
            return
        incoming = read(update, username=self.username)
        if incoming is None:
            return
        if update.edited_message:
            if is_addressed(incoming, bot_id=self.bot_id, username=self.username):
                await self._on_edit(incoming)
            return
        found = command_of(incoming.message, username=self.username)
        if found:
            command = self.commands.get(found[0])
            if command:
                await command.run(incoming, found[1])
                return
            if not incoming.private:
                return  # probably meant for another bot
        if is_addressed(incoming, bot_id=self.bot_id, username=self.username):
            await self._on_message(incoming)

    async def _press(self, update: Update, query: CallbackQuery) -> None:
        prefix, _, value = (query.data or "").partition(":")
        press = self.presses.get(prefix)
        if press is None:
            logger.warning("A press of an unknown kind was ignored")
            await query.answer()
            return
        await press.run(query, update, value)
