import pytest

from evaluation.hallucinations import inventions


@pytest.mark.parametrize(
    ("reply", "passage", "question", "found"),
    [
        ("It costs 30 euros.", "It costs 40 euros.", "", ["30"]),
        ("It costs 3 euros.", "It costs three euros.", "", []),
        ("See www.shop.example/x.", "See www.shop.example/y.", "", ["www.shop.example/x."]),
        ("It was built by Ada Lovelace.", "It was built.", "", ["Ada", "Lovelace"]),
        ("It was built by Ada.", "It was built.", "What did Ada build?", []),
    ],
)
def test_what_no_passage_says_is_found(
    reply: str, passage: str, question: str, found: list[str]
) -> None:
    assert inventions(reply, [passage], question) == found


def test_chinese_behind_a_name_is_no_part_of_it() -> None:
    reply = "即时书签是由Mozilla Firefox在2004年推出的。"
    assert inventions(reply, ["Mozilla Firefox在2004年推出了即时书签。"], "") == []
    assert inventions(reply, ["Mozilla在2004年推出了即时书签。"], "") == ["Firefox"]
