"""What the dialogue remembers, refuses and keeps to itself, with a fake embedder."""

import asyncio
import datetime as dt
import logging
from collections.abc import Mapping, Sequence

import pytest

from core.config import LookupConfig
from core.errors import LookupFailed
from core.metrics import Metrics
from core.types import Answer, Vector
from kb.answering.texts import service_text
from lookups.dialogue import Lookup, Lookups
from lookups.recognise import Parameter
from lookups.template import Record, Reply
from tests.fakes import WordEmbedder

pytestmark = pytest.mark.anyio

EMAIL = "mia@x.example"
NOT_FOUND = service_text("lookup_not_found", "en")
FAILED = service_text("lookup_failed", "en")


class Records:
    """Two orders; may fail, hang, or hand out another customer's record."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, str]] = []
        self.trouble: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.found: Sequence[Record] | None = None

    async def find(self, values: Mapping[str, str]) -> Sequence[Record]:
        self.asked.append(dict(values))
        await self.gate.wait()
        if self.trouble:
            raise self.trouble
        if self.found is not None:
            return self.found
        known = {"4711": EMAIL, "4712": "jonas@x.example"}
        order = values["order"]
        return [{"order": order, "email": known[order], "status": "s"}] if order in known else []

    async def close(self) -> None:
        pass


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """Lookups with everything that a test changes."""

    def __init__(self, *, timeout_s: float = 60, cache_s: float = 0) -> None:
        self.records = Records()
        self.clock = Clock()
        self.nearest = -1.0
        self.embedder = WordEmbedder()
        lookup = Lookup(
            name="orders",
            settings=LookupConfig.model_construct(
                questions=("Where is my order?",),
                other_questions=("Can I cancel my order?",),
                parameters={},
                replies=(),
                cache_s=cache_s,
                timeout_s=timeout_s,
            ),
            parameters=(
                Parameter("order", r"\d{4}", {"en": "Which number?"}),
                Parameter("email", "email", {"en": "Which e-mail?"}, proof=True),
            ),
            source=self.records,
            replies=(Reply({"en": "Order ${order}: ${status}"}, {"status": "s"}),),
        )
        self.lookups = Lookups(
            [lookup],
            self.embedder,
            self._rival,
            languages=["en"],
            today=lambda: dt.date(2026, 11, 27),
            clock=self.clock,
        )

    async def _rival(self, _vector: Vector) -> float:
        return self.nearest

    async def say(self, message: str, chat: str = "web:1") -> str | None:
        answer = await self.answer(message, chat)
        return answer.text if answer else None

    async def answer(self, message: str, chat: str = "web:1") -> Answer | None:
        return await self.lookups.answer(message, chat=chat, language_code="en")


async def test_what_is_missing_is_asked_for_and_remembered_per_chat() -> None:
    bench = Bench()
    assert await bench.say("Where is my order?") == "Which number?"
    assert await bench.say("4711", "web:2") is None
    assert await bench.say("4711") == "Which e-mail?"
    assert await bench.say(EMAIL) == "Order 4711: s"
    assert bench.records.asked == [{"order": "4711", "email": EMAIL}]


async def test_of_a_chat_that_is_forgotten_nothing_is_remembered() -> None:
    bench = Bench()
    for chat in ("web:1", "web:2"):
        assert await bench.say("Where is my order?", chat) == "Which number?"
    bench.lookups.forget("web:1")
    assert await bench.say("4711", "web:1") is None
    assert await bench.say("4711", "web:2") == "Which e-mail?"


async def test_what_was_found_for_a_chat_that_is_forgotten_is_not_kept() -> None:
    bench = Bench(cache_s=300)
    asked = f"Where is my order 4711? {EMAIL}"
    for chat in ("web:1", "web:2"):
        assert await bench.say(asked, chat) == "Order 4711: s"
    kept = len(bench.records.asked)
    bench.lookups.forget("web:1")
    bench.records.found = []
    assert await bench.say(asked, "web:2") == "Order 4711: s", "its own"
    assert await bench.say(asked, "web:1") == NOT_FOUND
    assert len(bench.records.asked) == kept + 1


async def test_after_five_minutes_nothing_is_remembered() -> None:
    bench = Bench()
    await bench.say("Where is my order 4711?")
    bench.clock.now = 301
    assert await bench.say(EMAIL) is None


async def test_another_question_meanwhile_goes_to_the_base_and_the_answer_is_still_awaited() -> (
    None
):
    bench = Bench()
    await bench.say("Where is my order 4711?")
    assert await bench.say("Do you sell red bells?") is None
    assert await bench.say(EMAIL) == "Order 4711: s"


async def test_nothing_found_and_a_wrong_proof_read_the_same() -> None:
    bench = Bench()
    wrong = await bench.answer(f"Where is my order 4712? {EMAIL}")
    none = await bench.answer(f"Where is my order 4799? {EMAIL}", "web:2")
    assert wrong == none
    assert wrong is not None
    assert (wrong.kind, wrong.intent, wrong.text) == ("unknown", "lookup", NOT_FOUND)
    assert await bench.say("yes") == service_text("person_elsewhere", "en")


async def test_a_record_of_another_number_is_not_shown() -> None:
    bench = Bench()
    bench.records.found = [{"order": "4712", "email": EMAIL, "status": "s"}]
    assert await bench.say(f"Where is my order 4711? {EMAIL}") == NOT_FOUND


async def test_a_record_without_the_proof_in_it_is_not_shown() -> None:
    bench = Bench()
    bench.records.found = [{"order": "4711", "status": "s"}, {"order": "4711", "email": None}]
    assert await bench.say(f"Where is my order 4711? {EMAIL}") == NOT_FOUND


async def test_guessing_ends_after_five_tries_of_a_chat_and_twenty_of_a_number() -> None:
    bench = Bench()
    for number in range(5):
        assert await bench.say(f"Where is my order 4712? a{number}@x.example") == NOT_FOUND
    assert await bench.say(f"Where is my order 4711? {EMAIL}") == NOT_FOUND
    assert len(bench.records.asked) == 5, "the chat asks no more"
    for number in range(15):
        await bench.say(f"Where is my order 4712? b{number}@x.example", f"web:b{number}")
    right = "Where is my order 4712? jonas@x.example"
    assert await bench.say(right, "web:2") == NOT_FOUND
    assert len(bench.records.asked) == 20, "nobody is told of this number"
    assert await bench.say(f"Where is my order 4711? {EMAIL}", "web:2") == "Order 4711: s"
    bench.clock.now = 15 * 60 + 1
    assert await bench.say(right, "web:3") == "Order 4712: s"


async def test_what_was_found_is_used_again_for_a_while() -> None:
    bench = Bench(cache_s=30)
    for now in (0, 29, 31):
        bench.clock.now = now
        assert await bench.say(f"Where is my order 4711? {EMAIL}") == "Order 4711: s"
    assert len(bench.records.asked) == 2


async def test_a_source_that_fails_or_is_late_offers_a_person() -> None:
    bench = Bench(timeout_s=0.01)
    bench.records.trouble = LookupFailed("HTTP status 500")
    answer = await bench.answer(f"Where is my order 4711? {EMAIL}")
    assert answer is not None
    assert (answer.kind, answer.text) == ("unknown", FAILED)
    bench.records.trouble = None
    bench.records.gate.clear()
    assert await bench.say(f"Where is my order 4711? {EMAIL}") == FAILED


async def test_a_record_that_no_reply_is_for_offers_a_person() -> None:
    bench = Bench()
    bench.records.found = [{"order": "4711", "email": EMAIL, "status": "lost"}]
    assert await bench.say(f"Where is my order 4711? {EMAIL}") == FAILED


async def test_a_nearer_entry_of_the_base_goes_first() -> None:
    bench = Bench()
    bench.nearest = 1.0
    assert await bench.say("Where is my order?") == "Which number?"
    bench.nearest = 1.1
    assert await bench.say("Where is my order?", "web:2") is None


@pytest.mark.parametrize(
    "message",
    ["Can I cancel my order 4711?", "4711", "Hello", "I want to talk to a human", "", "?!"],
)
async def test_other_messages_are_left_alone(message: str) -> None:
    assert await Bench().say(message) is None


async def test_values_are_neither_embedded_nor_logged_nor_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    bench, metrics = Bench(), Metrics()
    embedded: list[str] = []
    original = bench.embedder.embed_query

    async def embed_query(text: str) -> Vector:
        embedded.append(text)
        return await original(text)

    bench.embedder.embed_query = embed_query  # type: ignore[method-assign]
    for message in ("Where is my order 4711?", EMAIL, f"Where is my order 4712? {EMAIL}"):
        answer = await bench.answer(message)
        assert answer is not None
        metrics.observe_answer(answer, channel="web")
    bench.records.trouble = LookupFailed("HTTP status 500")
    await bench.answer(f"Where is my order 4711? {EMAIL}")
    said = " ".join([*embedded, *bench.embedder.embedded, caplog.text, metrics.render().decode()])
    assert "Lookup 'orders' failed: HTTP status 500" in caplog.text
    for value in ("4711", "4712", EMAIL, "mia"):
        assert value not in said
