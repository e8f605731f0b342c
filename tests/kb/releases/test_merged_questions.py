"""Open questions that an operator put together."""

from db.conversations import OpenQuestion
from kb.releases.open_questions import _merged


def question(open_id: int, *, same_as: int = 0) -> OpenQuestion:
    return OpenQuestion(open_id, open_id, "web:1", f"{open_id}?", "en", 0.0, 0.0, same_as=same_as)


def test_groups_that_an_operator_put_together_are_one() -> None:
    questions = [question(5, same_as=2), question(4), question(3, same_as=4), question(2)]
    assert _merged(questions, [[0], [1], [2], [3]]) == [[0, 3], [1, 2]]
    assert _merged(questions, [[0, 1], [2], [3]]) == [[0, 1, 2, 3]]
