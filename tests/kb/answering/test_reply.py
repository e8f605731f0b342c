"""Replies from files as they come: sentences, headings, several sections."""

from collections.abc import Sequence

import pytest

from core.types import Chunk, Hit
from kb.answering.reply import Replier
from kb.text.layout import length
from tests.kb.answering.replies import (
    OFEN,
    SAUNA,
    STORES,
    TEA,
    LikesWords,
    chunks_of,
    release_of,
    reply,
)

pytestmark = pytest.mark.anyio


async def test_of_parallel_sections_the_heading_says_which_is_told() -> None:
    text = """# Terms

## Guarantees

### Bed bugs

Heat is guaranteed for 90 days. It is void if old beds come in.

### Wasps

We treat the same nest again within 14 days.
"""
    chunks = await chunks_of("terms.md", text)
    made = await reply("Is there a guarantee for moths?", chunks, "90 days")
    assert made.text.startswith("Bed bugs: Heat")
    made = await reply("Is there a guarantee for bed bugs?", chunks, "90 days")
    assert made.text.startswith("Heat")


async def test_conditions_and_exceptions_travel_along() -> None:
    made = await reply(
        "How long can I return a cabin?", await chunks_of("s.md", SAUNA), "not assembled"
    )
    assert all(words in made.text for words in ("21 days", "carrier", "made to measure"))
    assert "Returning" not in made.text


async def test_german_sentences_come_whole() -> None:
    made = await reply("Wohin mit der Asche?", await chunks_of("ofen.html", OFEN), "Asche")
    assert "48 Stunden" in made.text
    assert "nie in die Biotonne" in made.text


@pytest.mark.parametrize(
    ("question", "holding", "wanted"),
    [
        ("茶叶可以退货吗？", "15天", ("15天", "运费由顾客承担", "质量问题除外")),
        ("怎么办会员卡？", "登记表", ("登记表", "身份证", "20元", "当场领取")),
    ],
)
async def test_chinese(question: str, holding: str, wanted: Sequence[str]) -> None:
    made = await reply(question, await chunks_of("tea.txt", TEA), holding)
    assert all(words in made.text for words in wanted)
    assert length(made.text) <= 90


async def test_a_reply_has_no_marks_of_markdown() -> None:
    text = "Use **two** drops of [oil](https://sauna.example/oil), not `three`.\n> Really."
    passage = Chunk("1", "a.txt", "passage", text, language="en")
    made = await Replier().reply("How many drops?", None, Hit(passage, 0.9, 0.9))
    assert made.text == "Use two drops of oil (https://sauna.example/oil), not three.\nReally."


async def test_a_place_is_named_where_there_are_several() -> None:
    made = await reply("When is the harbour open?", await chunks_of("stores.md", STORES), "Friday")
    assert made.text.startswith("Harbour: Open from Monday")
    assert "Old town" not in made.text


async def test_two_things_that_were_asked_for_stand_side_by_side() -> None:
    chunks = [
        Chunk(name, "bikes.md", "passage", text, title=f"Bikes › {name}", language="en")
        for name, text in {
            "Heron": "It weighs 24 kg. The battery lasts for 80 km.",
            "Plover": "It weighs 14 kg. It has eight gears.",
        }.items()
    ]
    made = await reply("What weighs the Heron and the Plover?", chunks, "24")
    assert "Heron: It weighs 24 kg." in made.text
    assert "Plover: It weighs 14 kg." in made.text
    assert len(made.cited) == 2


async def test_a_word_in_common_with_another_heading_is_no_comparison() -> None:
    chunks = [
        Chunk(name, "stove.md", "passage", text, title=f"Stove › {name}", language="en")
        for name, text in {
            "Lighting the stove": "Shut the door after five minutes.",
            "Replacing the rope of the door": "Wait for a day until the glue is dry.",
        }.items()
    ]
    made = await reply("When do I shut the stove door after lighting?", chunks, "five")
    assert made.text == "Shut the door after five minutes."


async def test_a_follow_up_is_not_compared_with_what_the_question_before_named() -> None:
    chunks = [
        Chunk(name, "post.md", "passage", text, title=f"Post › {name}", language="en")
        for name, text in {
            "Lost parcels": "Parcels count as lost after six days. Shops keep them for three days.",
            "Lockers": "Lockers keep parcels for one day. Pick-up shops keep them for three days.",
        }.items()
    ]
    hit, other = (Hit(chunk, 0.9, 0.9) for chunk in reversed(chunks))
    latest = "And a shop?"
    question = f"How long do lockers keep lost parcels? {latest}"
    made = await Replier().reply(question, None, hit, latest=latest, others=[hit, other])
    assert "three days" in made.text
    assert "six days" not in made.text


async def test_a_long_text_gives_the_sentences_that_answer_within_the_limit() -> None:
    filler = "The harbour has been rebuilt since then and looks as it did before the great fire. "
    text = filler * 6 + "The ferry costs 12 EUR a car. However, bicycles travel free. " + filler * 6
    passage = Chunk("1", "a.md", "passage", text, language="en")
    made = await Replier().reply("What does the ferry cost?", None, Hit(passage, 0.9, 0.9))
    assert "12 EUR" in made.text
    assert "travel free" in made.text
    assert length(made.text) <= 90


@pytest.mark.parametrize(
    "text",
    [
        "Cleaning the filter\n\nRinse it with cold water once a month.",
        "Cleaning the filter\nRinse it with cold water once a month.\n\nOther parts\nOil them.",
    ],
)
async def test_a_heading_alone_is_never_the_reply(text: str) -> None:
    passage = Chunk("1", "a.md", "passage", text, title="Manual", language="en")
    made = await Replier().reply("cleaning the filter?", None, Hit(passage, 0.9, 0.9))
    assert made.text == "Rinse it with cold water once a month."


async def test_a_question_in_a_text_is_never_the_reply_alone() -> None:
    filler = "We have been repairing clocks in this street for longer than anybody can remember. "
    text = f"Do you repair clocks? Yes, within 10 days. {filler * 7}"
    passage = Chunk("1", "a.md", "passage", text, language="en")
    made = await Replier().reply("Do you repair clocks?", None, Hit(passage, 0.9, 0.9))
    assert not made.text.endswith("?")
    assert "Yes, within 10 days." in made.text


@pytest.mark.parametrize("text", ["", "Open daily", "Is it open?"])
async def test_the_smallest_passages_are_given_as_they_are(text: str) -> None:
    passage = Chunk("1", "a.md", "passage", text, language="en")
    made = await Replier().reply("Open?", None, Hit(passage, 0.9, 0.9))
    assert made.text == text


async def test_the_reader_chooses_among_paragraphs_that_share_no_word_with_the_question() -> None:
    rules = (
        "# Rules\n\n## On the bank\n\nNobody may light anything here, and whatever glows has to be "
        "carried home in a tin with a lid, as the wardens come by every evening. " + "\n\n"
        "Nets and rods are only for members, who carry their card with them and show it. "
        "Guests ask the warden, who writes a pass for a day and takes four euros for it.\n\n"
        "Dogs stay on a lead from March to July, because birds breed in the reeds then, and "
        "bathe only at the southern end, where the steps lead down to the water."
    )
    (chunk,) = await chunks_of("rules.md", rules)
    reader = LikesWords("warden, who writes")

    async def said(reader: LikesWords | None) -> str:
        replier = Replier(None, release_of([chunk]), reader)
        return (await replier.reply("fishing?", None, Hit(chunk, 0.9, 0.9))).text

    assert "a pass for a day" in await said(reader)
    assert "light anything" not in await said(reader)
    assert all(text.startswith("On the bank\n") for text in reader.read_texts)
    assert await said(LikesWords(None)) == await said(None)


async def test_two_questions_to_one_passage_are_both_answered() -> None:
    text = (
        "SERVICES\n\nEngraved tags: made while you wait, 6.50 with up to four lines. The brass "
        "ones wear out after some five years; steel ones, at 8.00, do not.\n\nHarness fitting: "
        "bring the dog on a weekday before five. Harnesses bought from us are swapped for the "
        "next size at half price if a puppy outgrows them within four months.\n\nHire: large "
        "crates cost 5 pounds a week; cat traps are lent free for a week; scales for puppies "
        "cost 2 pounds a week.\n"
    )
    asked = "how much is an engraved tag with four lines and could I borrow a cat trap for a week"
    made = await reply(asked, await chunks_of("services.txt", text), "lent free")
    assert "6.50 with up to four lines" in made.text
    assert "lent free" in made.text
    assert "Harness" not in made.text


async def test_what_the_reader_is_not_sure_of_makes_a_reply_less_complete() -> None:
    rules = "# Rules\n\n" + "\n\n".join(
        f"{who} may come in by the {place} gate on any day of the week, with one companion, "
        "who signs the book at the desk first and wears the badge that is handed out there."
        for who, place in (("Members", "north"), ("Guests", "south"), ("Drivers", "west"))
    )
    (chunk,) = await chunks_of("rules.md", rules)

    async def complete(liked: str) -> float:
        replier = Replier(None, release_of([chunk]), LikesWords(liked))
        return (await replier.reply("Where?", None, Hit(chunk, 0.9, 0.9))).complete

    assert await complete("by the south gate") > 0.9
    assert await complete("may come in by") < 0.7


async def test_a_heading_that_answers_best_takes_nothing_from_what_stands_below_it() -> None:
    text = "Storing it in winter\n\nKeep it dry. Charge it often."
    passage = Chunk("1", "care.md", "passage", text, title="Care", language="en")
    replier = Replier(None, release_of([passage]), LikesWords("Storing it in winter"))
    reply = await replier.reply("Winter?", None, Hit(passage, 0.9, 0.9))
    assert "Keep it dry" in reply.text
    assert reply.complete > 0.9
