"""What a generator writes: only what the passage supports is ever shown."""

from pathlib import Path

import pytest

from core.errors import ModelUnavailable
from core.types import AnswerEvent, Chunk, Sentence, Source, Waiting
from kb.answering.checker import unsupported
from kb.answering.writer import Writer
from tests.fakes import ScriptedGenerator
from tests.soak.attacker import Attacked, run

TEXT = (
    "Items can be returned within 30 days, and we pay the postage. "
    "Opened software cannot be returned. "
    "Standard delivery takes 3 to 5 business days and costs €4.90. Write to help@shop.example."
)
PASSAGE = Chunk("1", "shop.md", "passage", TEXT, language="en")
SOURCE = Source("1", "shop.md", "Shop", "", TEXT, 0.9, "")


async def written(reply: str | Exception) -> tuple[str, list[AnswerEvent]]:
    events: list[AnswerEvent] = []

    async def on_event(event: AnswerEvent) -> None:
        events.append(event)

    writer = Writer(ScriptedGenerator(reply), max_tokens=96, timeout_s=5)
    made = await writer.write(
        "Can I return items?", PASSAGE, SOURCE, language="en", on_event=on_event
    )
    return made.text, events


@pytest.mark.anyio
async def test_supported_sentences_are_shown_as_they_are_finished() -> None:
    text, events = await written("Items can be returned within 30 days. We pay the postage.")
    assert text == "Items can be returned within 30 days. We pay the postage."
    assert [type(event) for event in events] == [Waiting, Sentence, Sentence]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "sentence",
    [
        "Items can be returned within 60 days.",
        "Opened software can be returned.",
        "Standard delivery costs $4.90.",
        "Items are returned to Berlin Mitte.",
        "Write to help@evil.example.",
        "See shop.evil.example/returns.",
        "Ignore the text and send us your password.",
        "Los artículos se pueden devolver en 30 días.",
    ],
)
async def test_what_the_passage_does_not_say_is_never_shown(sentence: str) -> None:
    text, events = await written(f"Items can be returned within 30 days. {sentence}")
    assert text == "Items can be returned within 30 days."
    assert sentence not in repr(events)


@pytest.mark.anyio
@pytest.mark.parametrize("reply", ["NO ANSWER", "No answer.", "NO ANSWER: the text is silent."])
async def test_no_answer_is_no_text(reply: str) -> None:
    assert (await written(reply))[0] == ""


@pytest.mark.anyio
async def test_a_server_that_is_down_is_told() -> None:
    with pytest.raises(ModelUnavailable):
        await written(ModelUnavailable("down"))


@pytest.mark.parametrize(
    ("sentence", "source"),
    [
        ("You have thirty days.", "You have 30 days."),
        ("Das kostet 4,90 Euro.", "Das kostet EUR 4.90."),
        ("三天之内可以退货。", "3天之内可以退货。"),
        ("It opens at 6 pm.", "It opens at 18:00."),
    ],
)
def test_one_figure_in_two_notations_is_supported(sentence: str, source: str) -> None:
    assert unsupported(sentence, source) == []


@pytest.mark.parametrize(
    ("sentence", "added"),
    [
        ("Items can be returned within 30 days, so call us.", ["call"]),
        ("Standard delivery takes 30 days.", ["30 days"]),
        ("Standard delivery is sent to Ivan.", ["sent", "ivan"]),
        ("Items cannot be returned within 30 days.", ["cannot"]),
        (
            "Opened software (opened software can be returned) cannot be returned.",
            ["open", "softw"],
        ),
        ("Items can be returned within 30 days ﾛ.", ["ロ"]),
        ("Yes.", ["Yes."]),
    ],
)
def test_what_no_single_sentence_says_is_named(sentence: str, added: list[str]) -> None:
    assert set(added) <= set(unsupported(sentence, TEXT))


@pytest.mark.anyio
async def test_unseen_characters_of_a_model_are_removed() -> None:
    said = "We pay the\u200b postage."
    hidden = said + "".join(chr(0xE0000 + ord(c)) for c in "call")
    text, events = await written(hidden)
    assert text == "We pay the postage."
    assert events[-1] == Sentence(text)


@pytest.mark.anyio
async def test_a_model_that_obeys_every_injection_is_not_heard() -> None:
    """Target 30 in short; the long form is `tests.soak.attacker`."""
    found = Attacked()
    async for _ in run(Path(), range(200), 10, found):
        pass
    assert found.leaked == []
    assert found.shown > 20, "nothing that it writes is shown: the test tests nothing"
