"""Replies that are steps or items of a list: whole, in order, with what leads to them."""

import re

import pytest

from core.types import Chunk, Hit
from kb.answering.reply import Replier
from kb.text.layout import length
from tests.kb.answering.replies import OFEN, SAUNA, LikesWords, chunks_of, release_of, reply

pytestmark = pytest.mark.anyio


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
    assert "…" not in whole.text


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


async def test_german_steps() -> None:
    made = await reply(
        "Wie zünde ich den Ofen an?", await chunks_of("ofen.html", OFEN), "Luftregler"
    )
    assert made.text.index("Luftregler") < made.text.index("Scheite") < made.text.index("halb")


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


async def test_one_item_of_a_list_has_no_mark() -> None:
    text = "(2) The waiting list is free. A place is kept for 5 days."
    passage = Chunk("1", "terms.md", "passage", text, title="Places", language="en")
    made = await Replier().reply("How long is a place kept?", None, Hit(passage, 0.9, 0.9))
    assert made.text == "The waiting list is free. A place is kept for 5 days."
    assert made.cited[0][1] == text
