"""The menus of commands that Telegram shows: customers', operators', and the team's group's."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from telegram import BotCommand, BotCommandScopeChat
from telegram.error import TelegramError
from telegram.ext import ExtBot

from bot.conversation.texts import LANGUAGE_NAMES, bot_text
from bot.transport.redact import redact
from core.rights import Right, may
from core.wording import N_, speaking, tr
from db.operators import Operators, Team

logger = logging.getLogger(__name__)

_CUSTOMERS = (
    ("help", "cmd_help"),
    ("human", "cmd_human"),
    ("language", "cmd_language"),
    ("privacy", "cmd_privacy"),
    ("mydata", "cmd_mydata"),
    ("forget", "cmd_forget"),
)
_PRIVATE: tuple[tuple[Right, str, str], ...] = (
    ("see", "unanswered", N_("Questions I couldn't answer")),
    ("see", "team", N_("Who belongs to the team")),
    ("manage", "invite", N_("Make a code for somebody new")),
)
_TOPICS = (
    ("take", N_("Take this conversation")),
    ("giveback", N_("Let the bot answer again")),
    ("close", N_("End this conversation")),
    ("reopen", N_("Take it up again")),
    ("assign", N_("Say who looks after it")),
    ("save", N_("Make an answer an entry")),
    ("canned", N_("Replies that are used often")),
    ("unanswered", N_("Questions I couldn't answer")),
    ("ban", N_("Stop listening to this customer")),
    ("unban", N_("Listen to this customer again")),
    ("team", N_("Who belongs to the team")),
)


@dataclass(frozen=True, slots=True)
class Menus:
    """Sets the menus. What Telegram refuses is logged: a menu is a convenience."""

    bot: "ExtBot[Any]"
    operators: Operators
    team: Team
    language: str
    """The company's."""

    async def set_all(self) -> None:
        """Set the customers' menu in every language the bot speaks, and the team's."""
        for language in ("", *LANGUAGE_NAMES):
            menu = [BotCommand(name, bot_text(key, language)) for name, key in _CUSTOMERS]
            try:
                await self.bot.set_my_commands(menu, language_code=language or None)
            except TelegramError as trouble:
                logger.warning("The menu of commands was not set: %s", redact(str(trouble)))
        await self.set_team()

    async def set_team(self) -> None:
        """Set the menus of the team's group and of each operator's private chat."""
        if group := await self.team.group():
            await self._set(group, _TOPICS)
        for operator in await self.operators.list():
            own = [(name, says) for right, name, says in _PRIVATE if may(operator.role, right)]
            customers = [(name, bot_text(key, self.language)) for name, key in _CUSTOMERS]
            await self._set(operator.user_id, [*own, *customers])

    async def remove(self, user_id: int) -> None:
        """Give somebody who left the team the customers' menu again."""
        try:
            await self.bot.delete_my_commands(scope=BotCommandScopeChat(user_id))
        except TelegramError as trouble:
            logger.warning("A menu of commands was not removed: %s", redact(str(trouble)))

    async def _set(self, chat_id: int, commands: Sequence[tuple[str, str]]) -> None:
        with speaking(self.language):
            menu = [BotCommand(name, tr(says)) for name, says in commands]
        try:
            await self.bot.set_my_commands(menu, scope=BotCommandScopeChat(chat_id))
        except TelegramError as trouble:
            # Such as an operator who never wrote to the bot.
            logger.info("No menu of commands for %d: %s", chat_id, redact(str(trouble)))
