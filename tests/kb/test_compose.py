"""Composed replies: only what a passage supports is ever shown."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from core.errors import ModelUnavailable, Overloaded
from core.types import (
    AnswerEvent,
    Chunk,
    GenerationEvent,
    Hit,
    Matrix,
    Piece,
    Prompt,
    Sentence,
    TokenUsage,
    Waiting,
)
from kb.compose import Composed, Composer, tidy
from tests.fakes import ScriptedGenerator, WordEmbedder

pytestmark = pytest.mark.anyio

PASSAGE = (
    "Items can be returned within 30 days, and we pay the postage. "
    "Opened software cannot be returned. "
    "Standard delivery takes 3 to 5 business days and costs €4.90."
)
CHINESE = "商品签收后七天内可以无理由退货。已拆封的软件不能退货。普通快递需要3至5个工作日。"


def hit(text: str, language: str, chunk_id: str = "1") -> Hit:
    return Hit(Chunk(chunk_id, "shop.md", "passage", text, language=language), 0.9, 0.9)


def composer(generator: ScriptedGenerator, **options: float) -> Composer:
    return Composer(generator, WordEmbedder(), max_tokens=96, timeout_s=5, **options)  # type: ignore[arg-type]


async def compose(
    reply: str | Exception,
    *,
    question: str = "Can I return items?",
    text: str = PASSAGE,
    language: str = "en",
) -> tuple[Composed, list[AnswerEvent]]:
    events: list[AnswerEvent] = []

    async def on_event(event: AnswerEvent) -> None:
        events.append(event)

    result = await composer(ScriptedGenerator(reply)).compose(
        question, [hit(text, language)], language=language, on_event=on_event
    )
    return result, events


async def test_the_prompt_names_the_passages_it_was_made_of() -> None:
    generator = ScriptedGenerator("Items can be returned within 30 days.")
    found = hit(PASSAGE, "en")
    await composer(generator).compose("Can I return items?", [found], language="en")
    assert generator.prompts[0].sources == (found.chunk.chunk_id,)


async def test_a_supported_reply_is_shown_sentence_by_sentence() -> None:
    result, events = await compose(
        "Items can be returned within 30 days. Opened software cannot be returned."
    )
    assert (
        result.text == "Items can be returned within 30 days. Opened software cannot be returned."
    )
    assert [e.text for e in events if isinstance(e, Sentence)] == [
        "Items can be returned within 30 days.",
        "Opened software cannot be returned.",
    ]
    ((cited, quote),) = result.cited
    assert cited.chunk.chunk_id == "1"
    assert quote.startswith("Items can be returned within 30 days, and we pay the postage.")


async def test_what_the_passage_does_not_say_is_never_shown() -> None:
    result, events = await compose(
        "Items can be returned within 30 days. If the item is damaged, call the manufacturer."
    )
    assert result.text == "Items can be returned within 30 days."
    assert [dropped.text for dropped in result.dropped] == [
        "If the item is damaged, call the manufacturer."
    ]
    assert "manufacturer" not in repr(events)


async def test_nothing_left_is_an_empty_text() -> None:
    result, events = await compose("You have 60 days. Paris is the capital of France.")
    assert result.text == ""
    assert result.cited == ()
    assert len(result.dropped) == 2
    assert events == []


@pytest.mark.parametrize(
    "reply", ["NO ANSWER", "No answer.", "NO ANSWER: the text is silent.", "无答案"]
)
async def test_the_model_may_say_that_there_is_no_answer(reply: str) -> None:
    result, events = await compose(reply)
    assert result.no_answer
    assert result.text == ""
    assert events == []


async def test_chinese_sentences_are_cut_without_blanks() -> None:
    result, events = await compose(
        "商品签收后七天内可以无理由退货。已拆封的软件不能退货。",
        question="可以退货吗？",
        text=CHINESE,
        language="zh",
    )
    assert result.text == "商品签收后七天内可以无理由退货。已拆封的软件不能退货。"
    assert len(events) == 2


async def test_a_reply_in_another_language_than_the_question_is_dropped() -> None:
    result, _ = await compose(
        "商品签收后七天内可以退货。", question="Can I return items?", text=CHINESE
    )
    assert result.text == ""
    assert result.dropped[0].reasons[0].kind == "language"


class Bilingual(WordEmbedder):
    """Takes every text about seven or eight days, in either language, for the same."""

    async def embed_passages(self, texts: Sequence[str]) -> Matrix:
        return await super().embed_passages(
            ["same" if "七天" in text or "days" in text else text for text in texts]
        )


async def test_a_passage_in_another_language_is_compared_by_facts_and_likeness() -> None:
    async def reply(text: str) -> Composed:
        chinese = hit(CHINESE, "zh")
        bilingual = Composer(ScriptedGenerator(text), Bilingual(), max_tokens=96, timeout_s=5)
        return await bilingual.compose("Can I return items?", [chinese], language="en")

    assert (await reply("You can return goods within seven days.")).text
    assert not (await reply("You can return goods within eight days.")).text
    unlike = composer(ScriptedGenerator("You can return goods within seven days."))
    result = await unlike.compose("Can I?", [hit(CHINESE, "zh")], language="en")
    assert result.dropped[0].reasons[0].kind == "likeness"


async def test_a_reply_in_the_words_of_a_passage_is_compared_by_words() -> None:
    # The question looks German for its name, and anything seems alike to this embedder.
    text = "Geographers such as Friedrich Ratzel of Germany supported it for seven days."
    for written in ("Friedrich Ratzel was born in Germany for days.", "He supported it for days."):
        generator = ScriptedGenerator(written)
        result = await Composer(generator, Bilingual(), max_tokens=96, timeout_s=5).compose(
            "Where was Friedrich Ratzel born?", [hit(text, "en")], language="de"
        )
        assert {reason.kind for d in result.dropped for reason in d.reasons} - {"likeness"}
        assert not result.text


async def test_repetition_ends_the_reply() -> None:
    result, _ = await compose("Items can be returned within 30 days. " * 5)
    assert result.text == "Items can be returned within 30 days."


async def test_a_reply_says_itself_what_it_is_about() -> None:
    question = "How long does standard delivery take?"
    said, _ = await compose("Standard delivery takes 3 to 5 business days.", question=question)
    assert said.text == "Standard delivery takes 3 to 5 business days."
    bare, _ = await compose("3 to 5 business days.", question=question)
    assert bare.text == ""
    assert [reason.kind for d in bare.dropped for reason in d.reasons] == ["fragment"]


async def test_a_sentence_that_was_cut_off_is_not_shown() -> None:
    generator = ScriptedGenerator("Items can be returned within 30 days. Opened software cannot be")
    short = Composer(generator, WordEmbedder(), max_tokens=11, timeout_s=5)
    result = await short.compose("Can I return items?", [hit(PASSAGE, "en")], language="en")
    assert result.text == "Items can be returned within 30 days."


async def test_the_generator_is_stopped_after_two_sentences() -> None:
    closed = asyncio.Event()

    class Endless(ScriptedGenerator):
        async def stream(
            self, prompt: Prompt, *, max_tokens: int, deadline_s: float, stop: Sequence[str] = ()
        ) -> AsyncIterator[GenerationEvent]:
            try:
                yield Piece(
                    "Items can be returned within 30 days. Opened software cannot be returned."
                )
                while True:
                    yield Piece(" Delivery costs €4.90. More.")
            finally:
                closed.set()

    result = await composer(Endless()).compose(
        "Can I return items?", [hit(PASSAGE, "en")], language="en"
    )
    assert result.text.count(".") == 2
    assert closed.is_set()


@pytest.mark.parametrize("error", [ModelUnavailable("down"), Overloaded(9, 8)])
async def test_trouble_reaches_the_caller_before_anything_is_shown(error: Exception) -> None:
    with pytest.raises(type(error)):
        await compose(error)


async def test_trouble_after_a_shown_sentence_keeps_that_sentence() -> None:
    class Failing(ScriptedGenerator):
        async def stream(
            self, prompt: Prompt, *, max_tokens: int, deadline_s: float, stop: Sequence[str] = ()
        ) -> AsyncIterator[GenerationEvent]:
            yield Piece("Items can be returned within 30 days. And")
            raise ModelUnavailable("late")

    result = await composer(Failing()).compose("Return?", [hit(PASSAGE, "en")], language="en")
    assert result.text == "Items can be returned within 30 days."


async def test_a_slow_start_is_announced_once() -> None:
    generator = ScriptedGenerator("Items can be returned within 30 days.")
    generator.gate.clear()
    events: list[AnswerEvent] = []

    async def on_event(event: AnswerEvent) -> None:
        events.append(event)
        generator.gate.set()

    slow = composer(generator, silence_s=0)
    await slow.compose("Return?", [hit(PASSAGE, "en")], language="en", on_event=on_event)
    assert [type(event) for event in events] == [Waiting, Sentence]


async def test_who_comes_behind_others_is_told_at_once_how_long_it_takes() -> None:
    busy = ScriptedGenerator(*["Items can be returned within 30 days."] * 2)
    busy.gate.clear()
    events: asyncio.Queue[AnswerEvent] = asyncio.Queue()
    both = composer(busy, silence_s=3600)
    hits = [hit(PASSAGE, "en")]
    first = asyncio.create_task(both.compose("Return?", hits, language="en"))
    second = asyncio.create_task(both.compose("Return?", hits, language="en", on_event=events.put))
    waiting = await events.get()
    assert isinstance(waiting, Waiting)
    assert 9 < waiting.seconds <= 10  # 6 for the one before, 4 for its own first words
    busy.gate.set()
    await asyncio.gather(first, second)


async def test_two_passages_each_support_their_sentence() -> None:
    generator = ScriptedGenerator("Items can be returned within 30 days. The shop is in Leipzig.")
    both = composer(generator, max_passages=2)
    hits = [hit(PASSAGE, "en"), hit("The shop is in Leipzig.", "en", "2")]
    result = await both.compose("Which shop takes items?", hits, language="en")
    assert [cited.chunk.chunk_id for cited, _ in result.cited] == ["1", "2"]


async def test_tokens_are_counted() -> None:
    result, _ = await compose("Items can be returned within 30 days.")
    assert result.tokens == TokenUsage(prompt=result.tokens.prompt, generated=7)


@pytest.mark.parametrize(
    ("written", "tidied"),
    [
        ("Answer: Three days.", "Three days."),
        ("- **Three** days.", "Three days."),
        ("According to the text, delivery takes three days.", "Delivery takes three days."),
        ("根据资料，三天内退货。", "三天内退货。"),
        ("Laut dem Text, der Versand dauert drei Tage.", "Der Versand dauert drei Tage."),
        ("iPhone 15 is in stock.", "iPhone 15 is in stock."),
    ],
)
async def test_what_models_put_around_a_statement_is_taken_off(written: str, tidied: str) -> None:
    assert tidy(written) == tidied
