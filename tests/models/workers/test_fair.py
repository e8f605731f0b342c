"""Turns by what work costs, so that nobody who asks for much holds up the others (target 41)."""

from models.workers.fair import FairQueue


def drained(queue: FairQueue[str]) -> list[str]:
    return [item for _ in range(len(queue)) if (item := queue.pop())]


def test_a_short_question_goes_before_long_ones_that_came_first() -> None:
    queue = FairQueue[str]()
    for number in range(4):
        queue.push(f"long {number}", asker=f"sender {number}", cost=2000)
    queue.push("short", asker="customer", cost=100)
    assert drained(queue) == ["short", "long 0", "long 1", "long 2", "long 3"]


def test_who_asks_for_much_waits_behind_who_asks_for_little() -> None:
    queue = FairQueue[str]()
    for number in range(5):
        queue.push(f"many {number}", asker="sender", cost=100)
    queue.push("one", asker="customer", cost=100)
    queue.push("another", asker="customer", cost=100)
    assert drained(queue)[:4] == ["many 0", "one", "many 1", "another"]


def test_what_was_asked_a_moment_ago_still_counts_while_others_wait() -> None:
    queue = FairQueue[str]()
    queue.push("first", asker="sender", cost=1000)
    queue.push("other", asker="customer", cost=1000)
    assert queue.pop() == "first"
    queue.push("again", asker="sender", cost=100)
    queue.push("newcomer", asker="newcomer", cost=100)
    assert drained(queue) == ["newcomer", "other", "again"]


def test_nobody_waits_for_ever() -> None:
    queue = FairQueue[str]()
    queue.push("long", asker="sender", cost=2000)
    served = 0
    while True:
        queue.push("short", asker=f"customer {served}", cost=100)
        if queue.pop() == "long":
            break
        served += 1
    assert served == 38, "the two of them took turns"


def test_the_last_and_those_that_gave_up_can_be_taken_out() -> None:
    queue = FairQueue[str]()
    for name, cost in (("a", 5), ("b", 9), ("c", 7), ("d", 6)):
        queue.push(name, asker=name, cost=cost)
    assert queue.pop_last() == "b"
    queue.remove("d")
    assert queue.pop(lambda name: name == "d") is None
    assert queue.clear() == ["a", "c"]
    assert len(queue) == 0
