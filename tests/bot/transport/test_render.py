"""Text as Telegram shows it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.transport.render import MAX_UNITS, render_plain


@pytest.mark.parametrize(
    "text",
    [
        "The desk measures 120*60*75 cm, the box 40*60*20 cm.", "Dial *100*5# on your phone.",
        "It is sun__set__77 for the garden and P*l*m for the bar.", "__name__ and ||x||",
        "Adults $9$ or children $5$ (with voucher).", "2 * 3 * 4 and _this_ <b>", "***",
        "`code` and [words](https://a.example)",
    ],
)  # fmt: skip
def test_what_is_not_formatted_is_shown_with_its_characters(text: str) -> None:
    assert render_plain(text) == [text]


def test_an_operators_words_keep_their_addresses() -> None:
    (part,) = render_plain("Write to help@acme.example or see https://acme.example/pay.")
    assert part == "Write to help@acme.example or see https://acme.example/pay."


def test_an_empty_text_is_no_message() -> None:
    assert render_plain(" \n ") == []


def test_a_long_text_is_cut_between_paragraphs() -> None:
    parts = render_plain("\n\n".join("word " * 300 for _ in range(6)))
    assert len(parts) == 3
    assert all(part.startswith("word") and part.endswith("word") for part in parts)


@given(st.text(alphabet=st.sampled_from("ab 😀\n.*_`[]()<退"), max_size=300), st.integers(1, 60))
def test_every_part_keeps_telegrams_limits(seed: str, times: int) -> None:
    for part in render_plain(seed * times):
        assert 0 < len(part.encode("utf-16-le")) // 2 <= MAX_UNITS
        assert part == part.strip()


@given(st.text(alphabet=st.sampled_from("ab 😀\n."), min_size=1, max_size=200))
def test_plain_text_loses_only_blanks_at_cuts(seed: str) -> None:
    text = seed * 100
    shown = "".join(render_plain(text))
    assert "".join(shown.split()) == "".join(text.split())
