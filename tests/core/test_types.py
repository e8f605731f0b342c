import math

import numpy as np

from core.types import Reading

MARKS = np.asarray(
    [
        # start, end, and how near the token is to the question's first and second token
        [0, 0, 9.0, 9.0],  # of the model, not of the text
        [0, 4, 0.5, 0.1],
        [5, 9, 0.2, 0.7],
        [10, 14, 0.9, 0.0],
    ],
    np.float32,
)


def test_a_span_is_judged_by_the_nearest_of_its_tokens_to_each_of_the_questions() -> None:
    reading = Reading(0.0, MARKS, offset=1.0)
    assert math.isclose(reading.of_span(0, 4), 0.5 + 0.1 - 1, rel_tol=1e-6)
    assert math.isclose(reading.of_span(0, 9), 0.5 + 0.7 - 1, rel_tol=1e-6)
    assert math.isclose(reading.of_span(3, 14), 0.9 + 0.7 - 1, rel_tol=1e-6)


def test_a_span_that_was_not_read_cannot_be_part_of_an_answer() -> None:
    reading = Reading(0.0, MARKS, offset=1.0)
    assert reading.of_span(14, 30) == -math.inf
    assert reading.of_span(9, 10) == -math.inf
