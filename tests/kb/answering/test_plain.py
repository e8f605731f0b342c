"""No mark of Markdown reaches a customer in quoted text, and nothing else is lost."""

import pytest

from kb.answering.plain import plain


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Use **two** or *three* of `these`.", "Use two or three of these."),
        (
            "See [our page](https://shop.example/a_b_c).",
            "See our page (https://shop.example/a_b_c).",
        ),
        ("Write to [help@shop.example](mailto:help@shop.example).", "Write to help@shop.example."),
        ("[https://shop.example](https://shop.example)", "https://shop.example"),
        ("See [below](#below) and ![the picture](a.png).", "See below and the picture."),
        ("## Prices\n> Only today\n---\n4 EUR", "Prices\nOnly today\n\n4 EUR"),
        ("```\nmake run\n```", "make run"),
        ("150 × 80 * 25, snake_case_name, 2 * 3 * 4", "150 × 80 * 25, snake_case_name, 2 * 3 * 4"),
        ("- one\n- two\n1. three", "- one\n- two\n1. three"),
        ("价格为**20欧元**。", "价格为20欧元。"),
    ],
)
def test_plain(text: str, read: str) -> None:
    assert plain(text) == read
