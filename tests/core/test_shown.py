"""What is shown is what the source says."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.shown import clean, shown, strip_urls, urls_in
from core.types import Answer, Source

TEXTS = int(os.environ.get("ANSWERDESK_SHOWN_TEXTS", "1000"))


def test_what_is_not_seen_is_removed() -> None:
    assert clean("a\u202eb\u200bc\U000e0041d\x00e\ufeff\x85f\u061cg") == "abcdefg"
    assert clean("👨‍👩‍👧 line\n\tnext ❤️ می‌خواهم") == "👨‍👩‍👧 line\n\tnext ❤️ می‌خواهم"
    flag = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
    assert clean(f"{flag} x\u200b") == f"{flag} x"


@pytest.mark.parametrize(
    "link",
    ["https://evil.example/x?y=1", "www.evil.xyz", "evil.com", "shop.evil.co.uk/path", "t.me/evil",
     "tg://user?id=5", "ftp://evil.net", "mailto:a@b.cd", "a.b@evil.org", "@evil_bot", "пример.рф"],
)  # fmt: skip
def test_what_a_messenger_links_counts_as_a_link(link: str) -> None:
    assert urls_in(f"See {link}.") == {link}
    assert strip_urls(f"See {link}, please", ()) == "See …, please"


@pytest.mark.parametrize(
    "text",
    ["3.50 euros", "e.g. this", "z.B. das", "Node.js", "v1.2.3", "10.30 a.m.", "No.5", "and/or",
     "12.10.2026", "size M.Then", "user @ home", "Dr.Who"],
)  # fmt: skip
def test_what_is_no_address_stays(text: str) -> None:
    assert strip_urls(text, ()) == text


def test_an_approved_answer_keeps_its_links_and_a_built_one_those_of_its_sources() -> None:
    text = "See https://a.example or evil.com"
    source = Source("c", "a.md", "A", "", "https://a.example", 1.0, "")
    assert shown(Answer("faq", text, "en")) == text
    assert shown(Answer("quoted", text, "en", sources=(source,))) == "See https://a.example or …"


@settings(max_examples=TEXTS, deadline=None)
@given(st.text())
def test_an_approved_answer_is_shown_character_for_character(text: str) -> None:
    seen = shown(Answer("faq", text, "en"))
    assert seen == clean(text)
    assert all(c in seen for c in text if c.isprintable() and not "\ufdd0" <= c <= "\ufdef")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("See https://evil.example/x?y=1.", "See …."),
        ("See http://acme.example/a, please", "See http://acme.example/a, please"),
        ("(www.evil.example)", "(…)"),
        ("去 https://evil.example/退款。", "去 …。"),
        ("t.me/evil_bot", "…"),
        ("Go to evil.com/x now", "Go to … now"),
        ("tg://user?id=5 ftp://a.b mailto:x@y.z", "… … …"),
        ("Ask @evil_bot or a@evil.com", "Ask … or …"),
        ("About 3.50 euros, e.g. v2.0 or Mr. Lee", "About 3.50 euros, e.g. v2.0 or Mr. Lee"),
    ],
)
def test_only_approved_addresses_stay(text: str, left: str) -> None:
    assert strip_urls(text, {"http://acme.example/a"}) == left
