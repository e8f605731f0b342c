from core.recent import Recent


def test_what_was_not_used_for_longest_goes_first() -> None:
    kept: Recent[str, int] = Recent(2)
    kept.put("a", 1)
    kept.put("b", 2)
    kept.get("a")
    kept.put("c", 3)
    assert "b" not in kept
    assert [kept.get(key) for key in "abc"] == [1, None, 3]


def test_values_are_counted_by_their_size() -> None:
    kept: Recent[str, bytes] = Recent(10, size=len)
    kept.put("a", b"12345")
    kept.put("a", b"123456")
    kept.put("b", b"1234")
    assert kept.get("a") == b"123456"
    kept.put("too large", b"12345678901")
    assert ("a" in kept, "b" in kept, "too large" in kept) == (True, True, False)
    kept.put("c", b"1")
    assert ("a" in kept, "b" in kept, "c" in kept) == (True, False, True)


def test_some_keys_can_be_dropped() -> None:
    kept: Recent[int, str] = Recent(3)
    for number in range(3):
        kept.put(number, "x")
    kept.drop_where(lambda number: number > 0)
    assert [number in kept for number in range(3)] == [True, False, False]
