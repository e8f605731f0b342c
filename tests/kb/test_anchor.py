"""What a true statement must have besides: one place of the passage, the one asked about."""

import pytest

from kb.evidence import unanchored

JOINED = (
    "More members joined by treaties: Denmark in 1973, Greece in 1981, Spain and Portugal in 1986."
)
OXYGEN = "Priestley is often given priority because his work was published first."
LINEAGES = "There are three lineages, of which the rhodophyte, or red algal, is one."
TURBINE = "This low turbine entry temperature is why the Rankine cycle is often used in bottoming."
CHINESE = "后来更多国家加入，1979年的希腊，1985年的西班牙和葡萄牙。"


@pytest.mark.parametrize(
    ("statement", "sentence", "question"),
    [
        (
            "Greece joined in 1981.",
            "Greece joined in 1981, Spain in 1986.",
            "When did Greece join?",
        ),
        (
            "You can send it back within 30 days.",
            "Send it back within 30 days.",
            "How long can I send it back?",
        ),
    ],
)
def test_what_one_place_says_is_kept(statement: str, sentence: str, question: str) -> None:
    assert list(unanchored(statement, sentence, question)) == []


@pytest.mark.parametrize(
    ("statement", "sentence", "question", "kind"),
    [
        ("1973", JOINED, "When did Spain join?", "elsewhere"),
        ("1979年", CHINESE, "西班牙何时来的？", "elsewhere"),
        ("Rhodophyte is the largest lineage.", LINEAGES, "What is rhodophyte?", "words"),
        (
            "The Rankine cycle's efficiency is limited by the low turbine entry temperature.",
            TURBINE,
            "What limits the Rankine cycle's efficiency?",
            "words",
        ),
        (
            "His patents earned money from his own projects.",
            "His patents earned him a considerable amount of money; his own projects began.",
            "What did his patents earn?",
            "swapped",
        ),
        (
            "Priestley is given Priestley priority.",
            OXYGEN,
            "Why is Priestley given priority?",
            "swapped",
        ),
    ],
)
def test_what_is_put_together_is_found(
    statement: str, sentence: str, question: str, kind: str
) -> None:
    assert [reason.kind for reason in unanchored(statement, sentence, question)] == [kind]


def test_words_of_the_question_may_stand_in_the_heading_above() -> None:
    statement = "Store the battery in a dry room at 10 to 20 °C."
    sentence = "Take the battery out and keep it in a dry room at 10 to 20 °C."
    question = "How do I store the battery over the winter?"
    heading = "Storing the battery in winter"
    assert list(unanchored(statement, sentence, question))
    assert not list(unanchored(statement, sentence, question, heading=heading))
    # The heading lends the question's words only.
    other = "Store the charger in a dry room at 10 to 20 °C."
    assert list(unanchored(other, sentence, question, heading="Chargers and storing"))
