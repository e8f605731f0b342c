"""What an operator has to look at before a customer's words are stored for everybody."""

import pytest

from kb.text.personal import personal_parts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Do you ship to Norway within 30 days?", []),
        ("Is the 2-in-1 lamp 100 % recyclable?", []),
        ("Write to ana.b@example.org or @ana_b", ["ana.b@example.org", "@ana_b"]),
        ("My number is +49 (341) 123 45-67.", ["+49 (341) 123 45-67"]),
        ("Where is order AB-1234?", ["AB-1234"]),
        ("Where is order 48213?", ["48213"]),
        ("See https://t.me/ana?x=1 please", ["https://t.me/ana?x=1"]),
        ("DE02 1203 0000 0000 2020 51 is mine", ["DE02 1203 0000 0000 2020 51"]),
        ("订单 20251122 在哪里？电话13800138000", ["20251122", "13800138000"]),
        ("48213, again 48213", ["48213"]),
    ],
)
def test_numbers_and_contact_details_are_found(text: str, found: list[str]) -> None:
    assert personal_parts(text) == found


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ("I am ANA, is Banana bread sold?", "Ana Lund", ["ANA"]),
        ("Ms Lund wants to know", "Ana Lund 🌻", ["Lund"]),
        ("我是王小明，可以退款吗", "王小明", ["王小明"]),
        ("A lamp", "A", []),
    ],
)
def test_the_customers_name_is_found(text: str, name: str, found: list[str]) -> None:
    assert personal_parts(text, name=name) == found
