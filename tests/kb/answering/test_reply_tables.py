"""Replies from rows of tables, with what stands beside them."""

from collections.abc import Sequence

import pytest

from core.types import Chunk, Hit
from kb.answering.reply import Replier
from tests.kb.answering.replies import OFEN, PARTS, SAUNA, LikesWords, chunks_of, release_of, reply

pytestmark = pytest.mark.anyio


async def test_what_leads_to_a_table_comes_with_the_rows() -> None:
    text = (
        "We repair cabins of all makes. Parts are charged extra.\n\n"
        "Job: New heater; Price: 90 EUR\nJob: New door; Price: 140 EUR"
    )
    passage = Chunk("1", "a.md", "passage", text, title="Repairs", language="en")
    made = await reply("Do you repair cabins of other makes?", [passage], "makes")
    assert "all makes" in made.text
    assert "• New door – Price: 140 EUR" in made.text


async def test_a_price_that_stands_in_a_table_comes_with_the_figures_above_it() -> None:
    text = """# Kennels

## Rates

The high season for a dog that stays one night runs from 15 June to 15 September.

| Dog | Low season | High season |
|---|---|---|
| Up to 10 kg | 18 EUR | 24 EUR |
| Heavier | 27 EUR | 34 EUR |
"""
    passages = await chunks_of("kennels.md", text)
    asked = "What does it cost when a dog stays one night in the high season?"
    made = await reply(asked, passages, "15 June")
    assert "15 June" in made.text
    assert "24 EUR" in made.text
    assert "34 EUR" in made.text
    asked = "When is the high season for a dog that stays one night?"
    assert "EUR" not in (await reply(asked, passages, "15 June")).text


@pytest.mark.parametrize("tokens", [160, 40])
async def test_a_price_comes_with_the_condition_of_the_time_that_is_asked_about(
    tokens: int,
) -> None:
    text = """# Boats

## Rates

| Boat | Per day |
|---|---|
| Otter | 90 EUR |
| Grebe | 140 EUR |

From 1 November to 31 March all boats are 20 percent cheaper. You may keep it up to 9 days.
"""
    passages = await chunks_of("boats.md", text, tokens)
    off_season = "From 1 November to 31 March all boats are 20 percent cheaper."
    made = await reply("What does the Otter cost in January?", passages, "Otter")
    assert made.text.splitlines() == ["Otter – Per day: 90 EUR.", off_season]
    made = await reply("What does the Otter cost for 3 days in July?", passages, "Otter")
    assert made.text == "Otter – Per day: 90 EUR."


async def test_a_price_comes_with_the_sentence_that_has_what_rows_lack() -> None:
    text = """# Nests

| Nest | Price |
|---|---|
| low | £69 |
| high | £99 |

Members pay 20 % less. On Sundays we rest.
"""

    class OfRows:
        async def read(self, question: str, texts: Sequence[str]) -> Sequence[float]:
            return [5.0 if "Price: " in text else 0.0 for text in texts]

    chunk = (await chunks_of("nests.md", text))[0]
    replier = Replier(None, release_of([chunk]), OfRows())

    async def told(question: str) -> str:
        return (await replier.reply(question, None, Hit(chunk, 0.9, 0.9))).text

    assert await told("What does a high nest cost members?") == (
        "high – Price: £99.\nMembers pay 20 % less."
    )
    assert await told("What does a high nest cost?") == "high – Price: £99."


async def test_a_row_is_said_with_its_name_first_and_the_names_of_its_columns() -> None:
    made = await reply(
        "How long does delivery of the Barrel take?", await chunks_of("s.md", SAUNA), "Barrel"
    )
    assert made.text == "Barrel – Delivery: 8 weeks."
    assert made.built


async def test_where_no_row_is_named_the_column_is_listed() -> None:
    made = await reply("What is the price?", await chunks_of("s.md", SAUNA), "Barrel")
    assert made.text == "Price:\n• Kelo 4: 2,900 EUR\n• Kelo 6: 3,700 EUR\n• Barrel: 4,100 EUR"


async def test_a_row_of_a_spreadsheet_without_questions() -> None:
    made = await reply("price of the filter", await chunks_of("parts.csv", PARTS), "Filter")
    assert made.text == "Filter: 9.80 EUR."


async def test_rows_in_german_keep_their_capitals() -> None:
    made = await reply("Wie schwer ist Sylt?", await chunks_of("ofen.html", OFEN), "Sylt")
    assert made.text == "Sylt – Breite: 61 cm; Gewicht: 131 kg."


@pytest.mark.parametrize(
    ("latest", "wanted"),
    [
        ("And of the Barrel?", ["Barrel"]),
        ("And its warranty?", ["Kelo 4"]),
        ("And of the Kelo 4 and the Barrel?", ["Kelo 4", "Barrel"]),
    ],
)
async def test_a_row_that_a_follow_up_names_takes_the_place_of_the_one_before(
    latest: str, wanted: Sequence[str]
) -> None:
    first = await chunks_of("sauna.md", SAUNA)
    hit = next(Hit(chunk, 0.9, 0.9) for chunk in first if "Kelo 6" in chunk.text)
    question = f"How much is the Kelo 4? {latest}"
    made = await Replier().reply(question, None, hit, latest=latest)
    assert [name for name in ("Kelo 4", "Kelo 6", "Barrel") if name in made.text] == wanted


async def test_a_question_above_a_table_is_not_the_reply_but_its_rows_are() -> None:
    text = "Which oven fits?\n\nCabin: small; Oven: 4 kW\nCabin: large; Oven: 9 kW"
    passage = Chunk("1", "a.md", "passage", text, language="en")
    made = await Replier().reply("Which oven fits me?", None, Hit(passage, 0.9, 0.9))
    assert "4 kW" in made.text
    assert "Which" not in made.text


async def test_a_row_and_a_sentence_answer_two_questions_to_one_passage() -> None:
    text = """# Boats

| Boat | Per day | Seats |
|---|---|---|
| Otter | 90 EUR | 4 |
| Grebe | 140 EUR | 7 |

Dogs may come aboard if they wear a life jacket, which we lend.
"""
    passages = await chunks_of("boats.md", text)
    asked = "How much is the Grebe per day and may a dog come aboard?"
    made = await reply(asked, passages, "Grebe")
    assert made.text.splitlines() == [
        "Dogs may come aboard if they wear a life jacket, which we lend.",
        "Grebe – Per day: 140 EUR.",
    ]


async def test_two_questions_to_one_table_get_the_rows_of_both() -> None:
    text = (
        "# Fees\n\n| Fee | Euros |\n|---|---|\n| Reminder | 6 |\n| Chargeback | 8 |\n| Copy | 2 |\n"
    )
    (chunk,) = await chunks_of("fees.md", text)

    class Knows(LikesWords):
        async def read(self, question: str, texts: Sequence[str]) -> Sequence[float]:
            liked = "Chargeback" if "bank" in question else "Reminder"
            return [2.0 if liked in t else -2.0 for t in texts]

    replier = Replier(None, release_of([chunk]), Knows(""))
    asked = "What is a reminder and what do you take if my bank sends it back?"
    made = await replier.reply(asked, None, Hit(chunk, 0.9, 0.9))
    assert made.text.splitlines() == ["• Reminder: 6 Euros", "• Chargeback: 8 Euros"]


async def test_bare_prices_come_with_the_currency_that_stands_beside_the_table() -> None:
    text = """# Boats

All prices in euros.

| Boat | Per day |
|---|---|
| Otter | 90 |
| Grebe | 140 |
"""
    passages = await chunks_of("boats.md", text)
    made = await reply("What does the Otter cost?", passages, "Otter")
    assert made.text.splitlines() == ["Otter – Per day: 90.", "All prices in euros."]
    assert "euros" not in (await reply("Which boats are there?", passages, "Otter")).text
    above = text.replace("|", "## Small ones\n\n|", 1)
    made = await reply("What does the Otter cost?", await chunks_of("boats.md", above), "Otter")
    assert made.text.splitlines() == ["Otter – Per day: 90.", "All prices in euros."]


async def test_a_row_that_a_follow_up_names_goes_before_sentences_about_all() -> None:
    text = """# Office

| Day | Morning |
|---|---|
| Monday | 9 to 12 |
| Friday | 9 to 13 |

The house itself is open on Mondays and on Fridays from 8 to 21, when the office is open.
"""
    (chunk,) = await chunks_of("office.md", text)
    asked = "When is the office open on Mondays? and on Fridays?"
    hit = Hit(chunk, 0.9, 0.9)
    made = await Replier().reply(asked, None, hit, latest="and on Fridays?", others=[hit])
    assert made.text.startswith("Friday – Morning: 9 to 13.")
