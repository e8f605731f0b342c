"""Text as Telegram shows it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegramify_markdown import utf16_len

from bot.render import MAX_ENTITIES, MAX_UNITS, clean, render_markdown, render_plain


def test_markdown_becomes_text_and_entities() -> None:
    (part,) = render_markdown(
        "Pay **now** at [our shop](https://acme.example/pay).\n\n- one\n- two"
    )
    assert part.text == "Pay now at our shop.\n\n• one\n• two"
    assert [dict(e) for e in part.entities] == [
        {"type": "bold", "offset": 4, "length": 3},
        {"type": "text_link", "offset": 11, "length": 8, "url": "https://acme.example/pay"},
    ]


def test_tags_are_shown_as_they_are_written() -> None:
    (part,) = render_markdown("Use <b>bold</b> & `a < b`")
    assert part.text == "Use <b>bold</b> & a < b"


@pytest.mark.parametrize("link", ["javascript:alert(1)", "tg://user?id=5", "data:text/html,x"])
def test_only_web_links_are_links(link: str) -> None:
    (part,) = render_markdown(f"[click]({link})")
    assert part.text == "click"
    assert part.entities == ()


def test_an_emoji_moves_offsets_by_two() -> None:
    (part,) = render_markdown("😀 **bold**")
    assert part.entities[0]["offset"] == 3


def test_plain_text_is_not_formatted() -> None:
    (part,) = render_plain("2 * 3 * 4 and _this_ <b>")
    assert part.text == "2 * 3 * 4 and _this_ <b>"
    assert part.entities == ()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("See https://evil.example/x?y=1.", "See …."),
        ("See http://acme.example/a, please", "See http://acme.example/a, please"),
        ("(www.evil.example)", "(…)"),
        ("去 https://evil.example/退款。", "去 …。"),
        ("t.me/evil_bot", "…"),
    ],
)
def test_only_approved_addresses_stay(text: str, shown: str) -> None:
    (part,) = render_plain(text, allowed={"http://acme.example/a"})
    assert part.text == shown


def test_what_is_not_seen_is_removed() -> None:
    assert clean("a\u202eb\u200bc\U000e0041d\x00e\ufeff") == "abcde"
    assert clean("👨‍👩‍👧 line\n\tnext") == "👨‍👩‍👧 line\n\tnext"


def test_an_empty_text_is_no_message() -> None:
    assert render_plain(" \n ") == []
    assert render_markdown("") == []


def test_a_long_text_is_cut_between_paragraphs() -> None:
    parts = render_plain("\n\n".join("word " * 300 for _ in range(6)))
    assert len(parts) == 3
    assert all(part.text.startswith("word") and part.text.endswith("word") for part in parts)


def test_more_than_a_hundred_entities_are_spread_over_messages() -> None:
    parts = render_markdown(" ".join(f"**b{n}**" for n in range(250)))
    assert [len(part.entities) for part in parts] == [100, 100, 50]
    assert " ".join(part.text for part in parts).split() == [f"b{n}" for n in range(250)]


@given(st.text(alphabet=st.sampled_from("ab 😀\n.*_`[]()<退"), max_size=300), st.integers(1, 60))
def test_every_part_keeps_telegrams_limits(seed: str, times: int) -> None:
    for part in [*render_markdown(seed * times), *render_plain(seed * times)]:
        assert 0 < utf16_len(part.text) <= MAX_UNITS
        assert part.text == part.text.strip()
        assert len(part.entities) <= MAX_ENTITIES
        for entity in part.entities:
            assert entity["length"] > 0
            assert entity["offset"] >= 0
            assert entity["offset"] + entity["length"] <= utf16_len(part.text)
            start = entity["offset"] * 2
            units = part.text.encode("utf-16-le")
            units[start : start + entity["length"] * 2].decode("utf-16-le")  # no half emoji


@given(st.text(alphabet=st.sampled_from("ab 😀\n."), min_size=1, max_size=200))
def test_plain_text_loses_only_blanks_at_cuts(seed: str) -> None:
    text = seed * 100
    shown = "".join(part.text for part in render_plain(text))
    assert "".join(shown.split()) == "".join(text.split())
