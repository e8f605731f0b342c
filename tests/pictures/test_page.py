"""The page from which the pictures are taken shows what the bot sent, and nothing else."""

import time
from typing import Any

import pytest

from tests.botapi import BotApi, Person
from tests.pictures.page import Panel, page

pytestmark = pytest.mark.anyio


def drawn(api: BotApi, person: Person, *, pressed: tuple[str, ...] = ()) -> str:
    chat = person.chat_id
    messages = [m for (where, _), m in sorted(api.world.messages.items()) if where == chat]
    return page([Panel("Shop", "bot", messages, person.user_id, pressed)]).split("<main>")[1]


def say(api: BotApi, chat: int, sender: dict[str, Any], **content: Any) -> None:
    api.world.add_message(chat, sender, {"date": int(time.time()), **content})


async def test_text_is_shown_with_its_formatting_and_never_as_markup() -> None:
    async with BotApi() as api:
        ana = api.person("Ana")
        bold = [{"type": "bold", "offset": 3, "length": 2}]
        say(api, ana.chat_id, api.world.bot, text="😀 ab <i>", entities=bold)
        assert "😀 <b>ab</b> &lt;i&gt;" in drawn(api, ana)


async def test_own_messages_stand_apart_and_files_have_name_and_size() -> None:
    async with BotApi() as api:
        ana = api.person("Ana")
        ana.upload("faq.csv", b"x" * 2048)
        html = drawn(api, ana)
        assert '<article class="own">' in html
        assert "faq.csv<small>2.0 kB</small>" in html


async def test_a_pressed_button_is_marked_once() -> None:
    async with BotApi() as api:
        ana = api.person("Ana")
        keyboard = {"inline_keyboard": [[{"text": "Undo", "callback_data": "x"}]]}
        for _ in range(2):
            say(api, ana.chat_id, api.world.bot, text="live", reply_markup=keyboard)
        html = drawn(api, ana, pressed=("Undo",))
        assert html.count('<span class="pressed">Undo</span>') == 1
        assert html.count('<span class="">Undo</span>') == 1
