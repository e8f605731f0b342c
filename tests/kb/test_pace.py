"""The estimate that a waiting customer reads."""

import pytest

from kb.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_each_reply_before_it_adds_to_the_wait(clock: Clock) -> None:
    pace = Pace(first_s=2, each_s=5, clock=clock)
    with pace.turn() as first, pace.turn(), pace.turn() as third:
        assert (first.expected_s, third.expected_s) == (2, 12)
        clock.now += 3
        assert (first.expected_s, third.expected_s) == (0, 9)
    with pace.turn() as alone:
        assert alone.expected_s == 2


def test_what_was_measured_lately_counts(clock: Clock) -> None:
    pace = Pace(first_s=2, each_s=5, clock=clock)
    for _ in range(40):
        with pace.turn() as turn:
            clock.now += 1
            turn.begin()
            clock.now += 2
            turn.end()
    assert (round(pace.first_s, 2), round(pace.each_s, 2)) == (1, 3)


def test_time_in_the_queue_is_not_taken_for_time_of_writing(clock: Clock) -> None:
    pace = Pace(first_s=2, each_s=3, clock=clock)
    for _ in range(20):
        with pace.turn() as first, pace.turn() as second:
            for turn in (first, second):
                clock.now += 1
                turn.begin()
                clock.now += 2
                turn.end()
    assert round(pace.each_s, 2) == 3
    assert round(pace.first_s, 2) == 1.01
