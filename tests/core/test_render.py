"""What a reply is as JSON."""

from core.render import answer_to_dict
from core.types import Answer, Choice


def test_a_reservation_urgency_and_choices_are_told_to_programs() -> None:
    choices = (Choice("c1", "Returns"),)
    told = answer_to_dict(
        Answer("faq", "Yes.", "en", hedged=True, urgency="angry", choices=choices)
    )
    assert (told["hedged"], told["urgency"], told["choices"]) == (True, "angry", ["Returns"])


def test_a_sure_reply_says_nothing_of_them() -> None:
    told = answer_to_dict(Answer("faq", "Yes.", "en"))
    assert not {"hedged", "urgency", "choices"} & told.keys()
