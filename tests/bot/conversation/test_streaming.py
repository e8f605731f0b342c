"""A reply shown while it is written."""

import asyncio
from collections.abc import Callable

import pytest

from bot.conversation.service import Manners
from core.types import Sentence, Waiting
from tests.bot.conftest import StartBot
from tests.bot.fakes import RETURNS, ScriptedDesk
from tests.botapi import BotApi, FaultKind

pytestmark = pytest.mark.anyio

FULL = "First sentence. Second sentence."


@pytest.fixture
def composing(desk: ScriptedDesk, passes: Callable[[float], None]) -> ScriptedDesk:
    desk.knows("compose?", FULL, kind="composed")
    desk.events["compose?"] = [Sentence("First sentence."), Sentence("Second sentence.")]
    desk.between = lambda: passes(0.02)  # four seconds of the bot's quick clock
    return desk


def manners(streaming: str) -> Manners:
    return Manners(merge_s=0, streaming=streaming)  # type: ignore[arg-type]


async def test_a_private_chat_sees_a_preview_and_then_the_message(
    start_bot: StartBot, telegram: BotApi, composing: ScriptedDesk
) -> None:
    ana = telegram.person()
    async with start_bot(manners=manners("draft")):
        ana.say("compose?")
        assert (await ana.next()).text == FULL
    drafts = telegram.called("sendMessageDraft")
    assert [call.params["text"] for call in drafts] == ["First sentence.", FULL]
    assert len({call.params["draft_id"] for call in drafts}) == 1
    assert telegram.sent_to(ana.chat_id) == [FULL]


async def test_a_preview_that_fails_does_not_matter(
    start_bot: StartBot, telegram: BotApi, composing: ScriptedDesk
) -> None:
    ana = telegram.person()
    telegram.fault(FaultKind.BAD_REQUEST, "sendMessageDraft", times=99)
    async with start_bot(manners=manners("draft")):
        ana.say("compose?")
        assert (await ana.next()).text == FULL
    assert len(telegram.called("sendMessageDraft")) == 1


@pytest.mark.parametrize("where", ["private", "group"])
async def test_elsewhere_the_message_is_edited_until_it_is_complete(
    start_bot: StartBot, telegram: BotApi, composing: ScriptedDesk, where: str
) -> None:
    ana = telegram.person()
    chat = ana.chat_id if where == "private" else telegram.group("Customers")
    mode = "edit" if where == "private" else "draft"
    async with start_bot(manners=manners(mode)):
        ana.say("compose?" if where == "private" else "@answerdesk_test_bot compose?", chat=chat)
        first = await ana.next(chat=chat)
        assert first.text == "First sentence."
        await telegram.until(lambda: bool(ana.current(first).buttons))
        assert ana.current(first).text == FULL
        assert telegram.sent_to(chat) == [FULL]
        ana.press(ana.current(first), "Returns policy")
        assert "within 30 days" in (await ana.next(chat=chat)).text
    assert telegram.called("sendMessageDraft") == []


async def test_an_interrupted_reply_is_completed_in_its_place(
    start_bot: StartBot, telegram: BotApi, composing: ScriptedDesk
) -> None:
    ana = telegram.person()
    composing.gates["compose?"] = asyncio.Event()
    composing.events["compose?"] = [Sentence("First sentence.")]
    async with start_bot(manners=manners("edit")):
        ana.say("compose?")
        first = await ana.next()
    assert telegram.sent_to(ana.chat_id) == ["First sentence."]
    composing.gates.clear()
    async with start_bot(manners=manners("edit")):
        await telegram.until(lambda: bool(ana.current(first).buttons))
        assert telegram.sent_to(ana.chat_id) == [FULL]


async def test_streaming_may_be_off(
    start_bot: StartBot, telegram: BotApi, composing: ScriptedDesk
) -> None:
    ana = telegram.person()
    async with start_bot(manners=manners("off")):
        ana.say("compose?")
        assert (await ana.next()).text == FULL
    assert telegram.called("sendMessageDraft") == []
    assert telegram.called("editMessageText") == []


async def test_a_long_wait_is_told_in_seconds(
    start_bot: StartBot, telegram: BotApi, composing: ScriptedDesk
) -> None:
    composing.events["compose?"] = [Waiting(11.6), Sentence("First sentence.")]
    ana = telegram.person()
    async with start_bot(manners=manners("draft")):
        ana.say("compose?")
        await ana.next()
    assert "about 12 seconds" in telegram.called("sendMessageDraft")[0].params["text"]


@pytest.mark.parametrize("mode", ["draft", "edit"])
async def test_during_a_long_wait_the_passage_is_shown_and_the_reply_takes_its_place(
    start_bot: StartBot, telegram: BotApi, composing: ScriptedDesk, mode: str
) -> None:
    composing.events["compose?"] = [Waiting(11.6, RETURNS)]
    composing.gates["compose?"] = asyncio.Event()
    ana = telegram.person()
    async with start_bot(manners=manners(mode)):
        ana.say("compose?")
        shown = await ana.next()
        assert shown.text == (
            "This is what our documents say:\nYou may return any item within 30 days.\n"
            "📄 Returns policy, page 3\n\n"
            "⏳ One moment, please. The reply should be here in about 12 seconds."
        )
        composing.gates["compose?"].set()
        await telegram.until(lambda: ana.current(shown).text == FULL)
        assert "👍" in ana.current(shown).buttons
    assert telegram.sent_to(ana.chat_id) == [FULL]


async def test_an_address_is_not_shown_before_its_source_is_known(
    start_bot: StartBot, telegram: BotApi, composing: ScriptedDesk
) -> None:
    composing.events["compose?"] = [Sentence("See https://evil.example/x")]
    ana = telegram.person()
    async with start_bot(manners=manners("draft")):
        ana.say("compose?")
        await ana.next()
    assert telegram.called("sendMessageDraft") == []
