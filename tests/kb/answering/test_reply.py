"""Replies from files as they come: Markdown, HTML, text and CSV, with tables and steps."""

import re
from collections.abc import Sequence

import pytest

from core.errors import ModelUnavailable
from core.types import Chunk, Hit
from kb.answering.part_reader import ChunksOf
from kb.answering.reply import Replier, Reply
from kb.index.chunk import chunk_file
from kb.parse import parse
from kb.text.layout import length
from tests.fakes import WordEmbedder

pytestmark = pytest.mark.anyio

SAUNA = """# Sauna manual

## First heating

Before the first bath the stones have to be heated once. Proceed as follows:

1. Open the window and the door of the cabin.
2. Set the dial to 90 degrees.
3. Heat for one hour without water on the stones.
4. Switch off, and let everything cool for three hours.

## Prices

| Model | Price | Delivery | Warranty |
|-------|-------|----------|----------|
| Kelo 4 | 2,900 EUR | 3 weeks | 2 years |
| Kelo 6 | 3,700 EUR | 5 weeks | 2 years |
| Barrel | 4,100 EUR | **8 weeks** | 5 years |

## Returning a cabin

A cabin that was not assembled can be returned within 21 days. You pay the carrier. \
Cabins made to measure cannot be returned.

## Water on the stones

[Lemon oil](https://sauna.example/oil) may be added. Use `3` drops on a litre, **never** more.
"""

OFEN = """<html lang="de"><head><title>Kaminöfen</title></head><body><h1>Kaminöfen</h1>
<h2>Asche entsorgen</h2><p>Asche glüht bis zu 48 Stunden nach. Bewahren Sie sie in einem Eimer aus
Metall auf. Danach gehört sie in den Restmüll, jedoch nie in die Biotonne.</p>
<h2>Maße</h2><table><tr><th>Modell</th><th>Breite</th><th>Gewicht</th></tr>
<tr><td>Föhr</td><td>52 cm</td><td>98 kg</td></tr>
<tr><td>Sylt</td><td>61 cm</td><td>131 kg</td></tr></table>
<h2>Anzünden</h2><ol><li>Luftregler ganz öffnen.</li><li>Zwei Scheite und Anzünder einlegen.</li>
<li>Nach zehn Minuten den Regler halb schließen.</li></ol></body></html>"""

TEA = """会员与退换

一、退换货

未开封的茶叶签收后15天内可以退货，运费由顾客承担。已开封的茶叶不能退货，但质量问题除外。

二、办理会员卡的步骤

1. 在门店填写登记表。
2. 出示身份证。
3. 支付20元工本费。
4. 当场领取会员卡。
"""

PARTS = """Part,Fits,Price,Stock
Seal ring,Pump A,3.20 EUR,in stock
Filter,Pump A and B,9.80 EUR,two weeks
Motor,Pump B,120 EUR,on request
"""


async def chunks_of(name: str, text: str, tokens: int = 160) -> list[Chunk]:
    parsed = parse(name, text.encode())
    return await chunk_file(
        parsed, doc_id=name, embedder=WordEmbedder(), passage_tokens=tokens, updated="2026-11-28"
    )


def release_of(chunks: Sequence[Chunk]) -> ChunksOf:
    """The passages of one release."""

    async def found(doc_ids: Sequence[str]) -> Sequence[Chunk]:
        return [chunk for chunk in chunks if chunk.doc_id in doc_ids]

    return found


async def reply(question: str, chunks: Sequence[Chunk], holding: str) -> Reply:
    """Reply from the passage that holds certain words."""
    hit = Hit(next(c for c in chunks if holding in c.text), 0.9, 0.9)
    others = [Hit(chunk, 0.8, 0.4) for chunk in chunks]
    made = await Replier(None, release_of(chunks)).reply(question, None, hit, others=others)
    for hit, words in made.cited:
        pieces = [part for line in words.split("\n") for part in line.split(" …")]
        whole = " ".join(" ".join(c.text.split()) for c in chunks if c.doc_id == hit.chunk.doc_id)
        assert all(" ".join(piece.split()) in whole for piece in pieces)
    return made


async def test_all_steps_are_given_in_order_with_what_leads_to_them() -> None:
    made = await reply(
        "How do I heat the stones?", await chunks_of("sauna.md", SAUNA), "90 degrees"
    )
    places = [made.text.index(w) for w in ("Proceed", "window", "90", "one hour", "three hours")]
    assert places == sorted(places)


async def test_one_fact_of_a_long_procedure_is_told_without_all_of_its_steps() -> None:
    steps = [
        "Put the medicine into the basket and pay. The amount is only reserved, not yet charged.",
        "Choose your pet and type the twelve characters of the code, or add a sharp photo of it.",
        "A pharmacist checks the prescription. The check takes three working hours on most days.",
        "If all is well, we charge it and pack the parcel. If not, we write to you at once.",
        "Send the original on paper to box 318 within a week. Codes need no paper and no stamp.",
    ]
    text = "\n".join(f"{n}. {step}" for n, step in enumerate(steps, start=1))
    chunks = await chunks_of("p.md", f"# Prescriptions\n\n{text}\n")
    made = await reply("How long does the check of a prescription take?", chunks, "pharmacist")
    assert "three working hours" in made.text
    assert "basket" not in made.text
    made = await reply("Does a pharmacist check the prescription?", chunks, "pharmacist")
    assert made.text.startswith("A pharmacist checks")
    assert "basket" not in made.text
    whole = await reply("How do I send a prescription?", chunks, "pharmacist")
    assert re.findall(r"^\d", whole.text, re.MULTILINE) == ["1", "2", "3", "4", "5"]
    assert "box 318" in whole.text
    assert length(whole.text) <= 80 < length(text)
    assert " …\n" in whole.text  # what was left out of a step is marked


@pytest.mark.parametrize("cut", ["1. Open", "4. Switch"])
async def test_a_procedure_that_was_cut_into_passages_is_whole_in_the_reply(cut: str) -> None:
    chunks = await chunks_of("sauna.md", SAUNA, tokens=24)
    assert sum("dial" in chunk.text or "Switch" in chunk.text for chunk in chunks) > 1
    made = await reply("How do I heat the stones the first time?", chunks, cut)
    assert re.findall(r"^\d", made.text, re.MULTILINE) == ["1", "2", "3", "4"]


async def test_the_rest_of_a_cut_procedure_is_no_part_of_another_answer() -> None:
    chunks = await chunks_of("sauna.md", SAUNA, tokens=24)
    text = "4. Switch off the oven.\n\nStones last for two years. Replace them when they crumble."
    passage = Chunk("1", "other.md", "passage", text, title="Stones", language="en")
    made = await reply("How long do stones last?", [*chunks, passage], "crumble")
    assert made.text == "Stones last for two years. Replace them when they crumble."


async def test_what_leads_to_a_table_comes_with_the_rows() -> None:
    text = (
        "We repair cabins of all makes. Parts are charged extra.\n\n"
        "Job: New heater; Price: 90 EUR\nJob: New door; Price: 140 EUR"
    )
    passage = Chunk("1", "a.md", "passage", text, title="Repairs", language="en")
    made = await reply("Do you repair cabins of other makes?", [passage], "makes")
    assert "all makes" in made.text
    assert "• New door: Price 140 EUR" in made.text


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
    assert made.text.splitlines() == ["Otter: Per day 90 EUR.", off_season]
    made = await reply("What does the Otter cost for 3 days in July?", passages, "Otter")
    assert made.text == "Otter: Per day 90 EUR."


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
        "high: Price £99.\nMembers pay 20 % less."
    )
    assert await told("What does a high nest cost?") == "high: Price £99."


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


async def test_a_row_is_said_with_its_name_first_and_the_names_of_its_columns() -> None:
    made = await reply(
        "How long does delivery of the Barrel take?", await chunks_of("s.md", SAUNA), "Barrel"
    )
    assert made.text == "Barrel: Delivery 8 weeks."
    assert made.built


async def test_where_no_row_is_named_the_column_is_listed() -> None:
    made = await reply("What is the price?", await chunks_of("s.md", SAUNA), "Barrel")
    assert made.text == "Price:\n• Kelo 4: 2,900 EUR\n• Kelo 6: 3,700 EUR\n• Barrel: 4,100 EUR"


async def test_a_row_of_a_spreadsheet_without_questions() -> None:
    made = await reply("price of the filter", await chunks_of("parts.csv", PARTS), "Filter")
    assert made.text == "Filter: 9.80 EUR."


async def test_rows_in_german_keep_their_capitals() -> None:
    made = await reply("Wie schwer ist Sylt?", await chunks_of("ofen.html", OFEN), "Sylt")
    assert made.text == "Sylt: Breite 61 cm, Gewicht 131 kg."


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


async def test_german_steps() -> None:
    made = await reply(
        "Wie zünde ich den Ofen an?", await chunks_of("ofen.html", OFEN), "Luftregler"
    )
    assert made.text.index("Luftregler") < made.text.index("Scheite") < made.text.index("halb")


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


STORES = """# Stores

## Harbour

Open from Monday to Friday, 9:00 to 18:00. Closed on Saturday and Sunday. Parking is free.

## Old town

Open from Tuesday to Saturday, 11:00 to 19:00. Closed on Sunday and Monday. Parking is not free.
"""


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


@pytest.mark.parametrize(
    ("before", "led"),
    [
        ("The hall seats 212. Overtime costs 68 EUR for each half hour.", ""),
        ("The hall seats 212. Proceed like this:", "Proceed like this:\n\n"),
        ("Only groups of ten and more book by e-mail.", "Only groups of ten and more book by e-m"),
    ],
)
async def test_steps_come_with_the_sentence_that_leads_to_them(before: str, led: str) -> None:
    steps = "\n".join(
        f"{n}. Then send us form number {n}, and wait for a letter." for n in range(1, 6)
    )
    text = f"{before}\n\n{steps}\n\n{'The hall was built long ago. ' * 12}"
    passage = Chunk("1", "a.md", "passage", text, title="Hiring the hall", language="en")
    made = await Replier().reply("form, how?", None, Hit(passage, 0.9, 0.9))
    assert made.text.startswith(led or "1. Then")


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


async def test_a_question_above_a_table_is_not_the_reply_but_its_rows_are() -> None:
    text = "Which oven fits?\n\nCabin: small; Oven: 4 kW\nCabin: large; Oven: 9 kW"
    passage = Chunk("1", "a.md", "passage", text, language="en")
    made = await Replier().reply("Which oven fits me?", None, Hit(passage, 0.9, 0.9))
    assert "4 kW" in made.text
    assert "Which" not in made.text


@pytest.mark.parametrize("text", ["", "Open daily", "Is it open?"])
async def test_the_smallest_passages_are_given_as_they_are(text: str) -> None:
    passage = Chunk("1", "a.md", "passage", text, language="en")
    made = await Replier().reply("Open?", None, Hit(passage, 0.9, 0.9))
    assert made.text == text


class LikesWords:
    """A reader that says that texts with certain words answer; ``None``: it is down."""

    def __init__(self, liked: str | None) -> None:
        self.liked = liked
        self.read_texts: list[str] = []

    async def read(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        if self.liked is None:
            raise ModelUnavailable("The reader is down.")
        self.read_texts += texts
        return [9.0 if self.liked in text else -9.0 for text in texts]


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
        "Grebe: Per day 140 EUR.",
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


async def test_what_is_left_out_of_steps_is_what_answers_least() -> None:
    filler = "Please take all the time that you need for it, we are here until the evening."
    steps = [f"Do thing {n} at the desk. {filler}" for n in range(1, 7)]
    steps[3] = f"Collect it in room two. {filler} Carry your passport with you."
    text = "\n".join(f"{n}. {step}" for n, step in enumerate(steps, start=1))
    (chunk,) = await chunks_of("p.md", f"# Hire\n\n{text}\n", tokens=400)
    replier = Replier(None, release_of([chunk]), LikesWords("passport"))
    made = await replier.reply("how do I hire one in the evening", None, Hit(chunk, 0.9, 0.9))
    assert "thing 1" in made.text
    assert "passport" in made.text
    assert (
        "passport"
        not in (
            await Replier().reply("how do I hire one in the evening", None, Hit(chunk, 0.9, 0.9))
        ).text
    )


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
    assert made.text.splitlines() == ["Otter: Per day 90.", "All prices in euros."]
    assert "euros" not in (await reply("Which boats are there?", passages, "Otter")).text
    above = text.replace("|", "## Small ones\n\n|", 1)
    made = await reply("What does the Otter cost?", await chunks_of("boats.md", above), "Otter")
    assert made.text.splitlines() == ["Otter: Per day 90.", "All prices in euros."]


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
    assert made.text.startswith("Friday: Morning 9 to 13.")


async def test_one_item_of_a_list_has_no_mark() -> None:
    text = "(2) The waiting list is free. A place is kept for 5 days."
    passage = Chunk("1", "terms.md", "passage", text, title="Places", language="en")
    made = await Replier().reply("How long is a place kept?", None, Hit(passage, 0.9, 0.9))
    assert made.text == "The waiting list is free. A place is kept for 5 days."
    assert made.cited[0][1] == text
