"""Rules of the careful start, held answers, and what people made of them."""

import pytest

from core.careful import Rules, Tier, step_of
from core.types import Answer, Draft, Source
from db.base import Database
from db.careful import CarefulStart, Given
from db.conversations import Conversations
from db.drafts import Drafts, compare
from db.handover import Handovers, number_of

pytestmark = pytest.mark.anyio

CHAT = "web:1"
NUMBER = number_of(CHAT)
HOLD = Tier("hold", "hold")


@pytest.fixture
def drafts(database: Database) -> Drafts:
    return Drafts(database)


@pytest.fixture
def handovers(database: Database) -> Handovers:
    return Handovers(database)


def from_chunk(chunk_id: str, confidence: float) -> Answer:
    source = Source(chunk_id, "faq.csv", "", "", "", 0.9, "")
    return Answer("faq", "Yes.", "en", confidence=confidence, sources=(source,))


async def hold(database: Database, text: str, *, chat: str = CHAT) -> int:
    held = Answer("held", "A person will reply.", "en", draft=Draft(text, "faq.csv", "Shop"))
    return await Conversations(database).record("Really?", held, chat=chat, channel="widget")


async def test_the_latest_rule_counts_and_a_rule_that_was_taken_back_does_not(
    database: Database,
) -> None:
    careful = CarefulStart(database)
    await careful.set("category", "Shop", HOLD, reason="new")
    await careful.set("shadow", "", HOLD, reason="first week")
    assert step_of(await careful.rules(), "a", "b", sure=True) == "hold"
    await careful.set("shadow", "", None, reason="90 % agreed")
    rules = await careful.rules()
    assert dict(rules) == {("category", "Shop"): HOLD}
    assert step_of(rules, "a", "Shop", sure=True) == "hold"
    assert step_of(rules, "a", "b", sure=True) == "send"
    assert [one.reason for one in await careful.changes(limit=9)] == [
        "90 % agreed",
        "first week",
        "new",
    ]


async def test_the_rules_are_read_once_until_they_are_changed_here_or_elsewhere(
    database: Database,
) -> None:
    now = 0.0
    careful, elsewhere = CarefulStart(database, clock=lambda: now), CarefulStart(database)
    assert await careful.rules() == {}
    await elsewhere.set("shadow", "", HOLD, reason="by another process")
    assert await careful.rules() == {}
    now = 2.0
    assert dict(await careful.rules()) == {("shadow", ""): HOLD}
    await careful.set("shadow", "", None, reason="here")
    assert await careful.rules() == {}


async def test_the_more_careful_of_document_and_category_counts() -> None:
    rules: Rules = {("document", "a.md"): Tier("hedge", "hedge"), ("category", "Shop"): HOLD}
    assert step_of(rules, "a.md", "", sure=True) == "hedge"
    assert step_of(rules, "a.md", "Shop", sure=True) == "hold"
    assert step_of({("default", ""): HOLD, **rules}, "a.md", "", sure=True) == "hedge"


async def test_answers_are_counted_by_first_source_and_confidence(database: Database) -> None:
    conversations = Conversations(database)
    for chunk_id, confidence in (("c1", 0.9), ("c1", 0.8), ("c1", 0.5), ("c2", 0.9)):
        answer = from_chunk(chunk_id, confidence)
        await conversations.record("May I?", answer, chat=CHAT, channel="web")
    await conversations.record("?", Answer("unknown", "", "en"), chat=CHAT, channel="web")
    given = await CarefulStart(database).given(since=0, answer_at=0.7)
    assert set(given) == {Given("c1", True, 2), Given("c1", False, 1), Given("c2", True, 1)}


@pytest.mark.parametrize(
    ("sent", "agreement"),
    [
        ("We open at nine, every day.", "as_is"),
        ("We open  at nine,\nevery day.", "as_is"),
        ("We open at ten, every day.", "edited"),
        ("Please call the shop.", "own"),
    ],
)
async def test_what_a_person_sends_is_compared_with_the_draft(
    database: Database, drafts: Drafts, handovers: Handovers, sent: str, agreement: str
) -> None:
    await hold(database, "We open at nine, every day.")
    await handovers.ask(NUMBER, reason="Really?", chat=CHAT, for_draft=True)
    await handovers.answered(NUMBER, sent)
    assert await drafts.waiting(CHAT) == []
    assert await drafts.agreement(since=0) == {("faq.csv", "Shop"): {agreement: 1}}


@pytest.mark.parametrize("channel", ["api", "web", "cli"])
async def test_where_nobody_can_write_back_no_draft_waits(
    database: Database, drafts: Drafts, channel: str
) -> None:
    held = Answer("held", "Elsewhere.", "en", draft=Draft("At nine.", "faq.csv", "Shop"))
    await Conversations(database).record("When?", held, chat=CHAT, channel=channel)
    assert await drafts.waiting(CHAT) == []


def test_chinese_is_compared_by_its_signs() -> None:
    assert compare("商品可以在七天之内寄回。", "商品可以在十天之内寄回。") == "edited"
    assert compare("商品可以在七天之内寄回。", "请给我们打电话。") == "own"


async def test_a_draft_is_sent_by_one_press_alone(database: Database, drafts: Drafts) -> None:
    number = await hold(database, "At nine.")
    await drafts.edit(number, "At ten.")
    claimed = await drafts.claim(number, press=5)
    assert claimed is not None
    assert claimed.text == "At ten."
    again = await drafts.claim(number, press=5)
    assert again is not None
    assert again.text == claimed.text
    assert await drafts.claim(number, press=6) is None
    await drafts.release(number)
    assert await drafts.discard(number)
    assert await drafts.one(number) is None
    assert await drafts.claim(number, press=7) is None


async def test_each_draft_is_settled_by_its_own_reply_and_the_rest_at_the_end(
    database: Database, drafts: Drafts, handovers: Handovers
) -> None:
    first, second = await hold(database, "At nine."), await hold(database, "By bus.")
    await hold(database, "Yes.")
    await handovers.ask(NUMBER, reason="Really?", chat=CHAT, for_draft=True)
    await handovers.answered(NUMBER, "At nine.", draft=first)
    await handovers.answered(NUMBER, "Yes.")
    assert [one.answer_id for one in await drafts.waiting(CHAT)] == [second]
    await handovers.close(NUMBER)
    assert await drafts.waiting(CHAT) == []
    assert await drafts.agreement(since=0) == {("faq.csv", "Shop"): {"as_is": 2, "discarded": 1}}


async def test_a_conversation_that_only_waited_for_drafts_ends_with_the_last(
    database: Database, handovers: Handovers
) -> None:
    first, second = await hold(database, "At nine."), await hold(database, "By bus.")
    await handovers.ask(NUMBER, reason="Really?", chat=CHAT, for_draft=True)
    await handovers.answered(NUMBER, "At ten.", draft=first)
    assert [one.state for one in await handovers.open(web=True)] == ["waiting"]
    await handovers.answered(NUMBER, "By bus.", draft=second)
    assert await handovers.open(web=True) == []


async def test_who_then_asks_for_a_person_waits_for_one(handovers: Handovers) -> None:
    await handovers.ask(NUMBER, reason="Really?", chat=CHAT, for_draft=True)
    found = await handovers.get(NUMBER)
    assert found is not None
    assert found.for_draft
    assert not await handovers.ask(NUMBER, reason="A person!", chat=CHAT)
    found = await handovers.get(NUMBER)
    assert found is not None
    assert not found.for_draft


async def test_who_is_forgotten_leaves_no_draft(database: Database, drafts: Drafts) -> None:
    number = await hold(database, "At nine.")
    await Conversations(database).forget(CHAT)
    assert await drafts.one(number) is None
