"""Who may do what: target 38. A new route without a row here fails the test."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from telegram import Update

from bot.telegram_app import TelegramBot
from bot.transport.incoming import Incoming
from core.rights import ROLES
from kb.releases.upload import Library
from tests.bot.conftest import StartBot
from tests.botapi import BotApi, Person, Received

pytestmark = pytest.mark.anyio

NO_LIBRARY = Library(None, None, None, None)  # type: ignore[arg-type]
ANYONE, VIEWER, AGENT, EDITOR, OWNER = range(5)

TABLE = {
    "/start": ANYONE,
    "/help": ANYONE,
    "/human": ANYONE,
    "/language": ANYONE,
    "/privacy": ANYONE,
    "/take": AGENT,
    "/giveback": AGENT,
    "/close": AGENT,
    "/reopen": AGENT,
    "/assign": AGENT,
    "/ban": AGENT,
    "/unban": AGENT,
    "/canned": AGENT,
    "take:": AGENT,
    "give:": AGENT,
    "close:": AGENT,
    "draft:": AGENT,
    "held:": AGENT,
    "editheld:": AGENT,
    "dropheld:": AGENT,
    "rate:": ANYONE,
    "topic": AGENT,
    "outsider": ANYONE,
    "held": ANYONE,
    "/mydata": ANYONE,
    "/forget": ANYONE,
    "forget:": ANYONE,
    "/operator": ANYONE,
    "/team": VIEWER,
    "/invite": OWNER,
    "/here": OWNER,
    "src:": ANYONE,
    "pick:": ANYONE,
    "fb:": ANYONE,
    "why:": ANYONE,
    "human:": ANYONE,
    "lang:": ANYONE,
    "rm:": OWNER,
    "apply:": EDITOR,
    "drop:": EDITOR,
    "undo:": EDITOR,
    "columns:": EDITOR,
    "force:": EDITOR,
    "file": EDITOR,
    "/unanswered": VIEWER,
    "list:": VIEWER,
    "answer:": AGENT,
    "notours:": AGENT,
    "link:": EDITOR,
    "linked:": EDITOR,
    "nolink:": AGENT,
    "unlink:": EDITOR,
    "editq:": AGENT,
    "edita:": AGENT,
    "dropentry:": AGENT,
    "fine:": EDITOR,
    "tell:": AGENT,
    "quit:": AGENT,
    "pending input": AGENT,
    "/save": AGENT,
    "save:": AGENT,
    "editdraft:": AGENT,
    "reply:": AGENT,
    "question": ANYONE,
}
"""The lowest role that may use each command, button and kind of message."""

WHO = {
    "customer": ANYONE,
    "former owner": ANYONE,
    "viewer": VIEWER,
    "agent": AGENT,
    "editor": EDITOR,
    "owner": OWNER,
    "anonymous admin": None,
    "channel": None,
}
"""What each may do; ``None``: nothing at all."""


@dataclass
class Stage:
    """A bot whose handlers only note that they ran."""

    bot: TelegramBot
    telegram: BotApi
    team_group: int
    ran: list[str]
    handled: "asyncio.Queue[Update]"
    people: dict[str, Person]


@pytest.fixture
async def stage(start_bot: StartBot, telegram: BotApi) -> AsyncIterator[Stage]:
    async with start_bot(library=NO_LIBRARY) as bot:
        group = telegram.group("Team", forum=True)
        await bot.team.set_group(group)
        people = {
            name: telegram.person("P", user_id=1087968824 if name == "anonymous admin" else 0)
            for name in WHO
        }
        for role in ROLES:
            await bot.operators.add(people[role].user_id, role, name=role)
        former = people["former owner"].user_id
        await bot.operators.add(former, "owner", name="former")
        assert await bot.operators.remove(former)
        stage = Stage(bot, telegram, group, [], asyncio.Queue(), people)
        _only_note(stage)
        release = bot.queue.release

        def released(update: Update) -> None:
            release(update)
            stage.handled.put_nowait(update)

        bot.queue.release = released
        yield stage


def _only_note(stage: Stage) -> None:
    def noting(name: str) -> Any:
        async def run(*_: object) -> None:
            stage.ran.append(name)

        return run

    def named(name: str) -> Any:
        async def matches(incoming: Incoming) -> bool:
            return incoming.text == f"say {name}?"

        return matches

    router = stage.bot.router
    for name, command in router.commands.items():
        router.commands[name] = replace(command, run=noting(f"/{name}"))
    for name, press in router.presses.items():
        router.presses[name] = replace(press, run=noting(f"{name}:"))
    for name, content in router.contents.items():
        router.contents[name] = replace(content, matches=named(name), run=noting(name))


async def _try(stage: Stage, who: str, route: str) -> bool:
    """Let somebody use a route; return whether its handler ran."""
    person, telegram = stage.people[who], stage.telegram
    stage.ran.clear()
    chat = stage.team_group if who in ("anonymous admin", "channel") else person.chat_id
    if who == "anonymous admin":
        person.user["is_bot"] = True
    if route.endswith(":"):
        if who == "channel":
            return False  # a channel cannot press
        message = telegram.world.add_message(chat, telegram.world.bot, {"text": "buttons"})
        person.press_data(Received(message), f"{route}1")
    else:
        text = f"{route}@answerdesk_test_bot x" if route.startswith("/") else f"say {route}?"
        content: dict[str, Any] = {"text": text}
        if route.startswith("/"):
            content["entities"] = [
                {"type": "bot_command", "offset": 0, "length": len(text.split()[0])}
            ]
        if who in ("anonymous admin", "channel"):
            content["sender_chat"] = telegram.world.chats[stage.team_group]
        person.send(content, chat=chat)
    await _handled(stage)
    return route in stage.ran


async def _handled(stage: Stage) -> None:
    """Wait until one more update was handled."""
    async with asyncio.timeout(10):
        await stage.handled.get()


@pytest.mark.parametrize("who", WHO)
async def test_everybody_may_do_what_the_table_says(stage: Stage, who: str) -> None:
    rank = WHO[who]
    allowed = {route for route, lowest in TABLE.items() if rank is not None and rank >= lowest}
    done = set()
    for route in TABLE:
        if await _try(stage, who, route):
            done.add(route)
    assert done == allowed


async def test_every_route_stands_in_the_table(stage: Stage) -> None:
    router = stage.bot.router
    routes = {f"/{name}" for name in router.commands}
    routes |= {f"{name}:" for name in router.presses} | set(router.contents)
    assert routes == set(TABLE)


async def test_operators_commands_do_not_exist_in_other_groups(stage: Stage) -> None:
    elsewhere = stage.telegram.group("Customers")
    owner = stage.people["owner"]
    owner.say("/invite@answerdesk_test_bot owner", chat=elsewhere)
    await _handled(stage)
    assert stage.ran == []


async def test_what_operators_do_is_recorded(stage: Stage) -> None:
    await _try(stage, "owner", "/invite")
    await _try(stage, "customer", "/invite")
    await _try(stage, "owner", "rm:")
    entries = [(e.actor, e.action, e.details) for e in await stage.bot.audit.recent()]
    owner = stage.people["owner"].user_id
    assert entries == [(owner, "button rm", "1"), (owner, "/invite", "x")]
