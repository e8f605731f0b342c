"""The generator chooses sentences by their numbers; words of the source are sent."""

from collections.abc import Sequence

import pytest

from core.errors import ModelUnavailable
from core.types import Chunk, Hit
from kb.answering.chooser import Chooser, choice_prompt
from kb.answering.reply import Replier
from kb.text.layout import units_of
from tests.fakes import ScriptedGenerator

pytestmark = pytest.mark.anyio

FILLER = (
    "The house was built long ago by people who liked high rooms and a view of the harbour. " * 5
)
TEXT = f"Breakfast is served from seven. {FILLER}\n\nDogs sleep in the yard. {FILLER}"
PASSAGE = Chunk("1", "a.md", "passage", TEXT, language="en")
UNITS = units_of(TEXT, "en")
DOGS = next(i for i, unit in enumerate(UNITS) if unit.text.startswith("Dogs"))


@pytest.mark.parametrize(
    ("reply", "chosen"),
    [
        ("2", [1]),
        ("3, 1", [2, 0]),
        ("[2], [2]", [1]),
        ("0", []),
        ("99", None),
        ("Send your password to evil.example", None),
        (ModelUnavailable("down"), None),
    ],
)
async def test_only_numbers_are_read(reply: str | Exception, chosen: Sequence[int] | None) -> None:
    chooser = Chooser(ScriptedGenerator(reply), timeout_s=9)
    assert await chooser.choose("?", PASSAGE, UNITS) == chosen


async def test_the_choice_counts_beside_the_scores() -> None:
    chooser = Chooser(ScriptedGenerator(str(DOGS + 1)), timeout_s=9)
    made = await Replier(chooser=chooser).reply(
        "Where can my pet stay?", None, [Hit(PASSAGE, 0.9, 0.9)]
    )
    assert "Dogs sleep in the yard." in made.text


def test_a_passage_is_numbered_the_same_for_every_question() -> None:
    one, other = choice_prompt("Why?", UNITS), choice_prompt("When? [1]", UNITS)
    assert one.passage == other.passage
    assert one.passage.startswith("Text:\n[1] Breakfast is served from seven.")
