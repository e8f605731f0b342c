"""Exports of other bots and help centres, in the shapes that these publish."""

import json
from typing import Any

import pytest

from kb.parse import parse

BOTPRESS = {
    "qnas": [
        {
            "id": "return",
            "data": {
                "action": "text",
                "contexts": ["global"],
                "enabled": True,
                "answers": {"en": ["Within 30 days."], "de": ["Innerhalb von 30 Tagen."]},
                "questions": {"en": ["How do I return it?", "return policy"], "de": ["Rückgabe?"]},
                "redirectFlow": "",
            },
        },
        {"id": "old", "data": {"enabled": False, "answers": {"en": ["No."]}, "questions": {}}},
    ]
}
QNA_MAKER = {
    "qnaList": [
        {
            "id": 1,
            "answer": "Shipping costs 4.95 EUR.",
            "source": "Editorial",
            "questions": ["What does shipping cost?", "delivery fee"],
            "metadata": [{"name": "category", "value": "shipping"}],
            "context": {"isContextOnly": False, "prompts": []},
        }
    ]
}
ZENDESK = {
    "count": 2,
    "articles": [
        {"id": 1, "title": "Parcels", "body": "<p>Sent at <b>noon</b>.</p>", "draft": False},
        {"id": 2, "title": "Prices", "body": "<p>Soon 77 EUR.</p>", "draft": True},
    ],
}
INTERCOM = {
    "type": "list",
    "data": [
        {"id": "6", "type": "article", "title": "Plans", "body": "12 EUR.", "state": "published"},
        {"id": "9", "type": "article", "title": "Hidden", "body": "88 EUR.", "state": "draft"},
    ],
}
MAXKB = [
    {
        "title": "营业时间",
        "content": "周一至周五 9:00-18:00。",
        "problem_list": [{"content": "几点开门？"}, {"content": "周末营业吗？"}],
        "is_active": True,
    }
]
FASTGPT = {
    "list": [{"q": "怎么退货？", "a": "30天内。", "indexes": [{"type": "custom", "text": "退货"}]}]
}
DIFY = {"data": [{"id": "a1", "question": "Ship abroad?", "answer": "For 9.90 EUR.", "hits": 3}]}


@pytest.mark.parametrize(
    ("export", "expected"),
    [
        (
            BOTPRESS,
            [
                ("How do I return it?", "Within 30 days.", ("return policy",), "en"),
                ("Rückgabe?", "Innerhalb von 30 Tagen.", (), "de"),
            ],
        ),
        (
            QNA_MAKER,
            [("What does shipping cost?", "Shipping costs 4.95 EUR.", ("delivery fee",), "")],
        ),
        (MAXKB, [("几点开门？", "周一至周五 9:00-18:00。", ("周末营业吗？",), "")]),
        (FASTGPT, [("怎么退货？", "30天内。", ("退货",), "")]),
        (DIFY, [("Ship abroad?", "For 9.90 EUR.", (), "")]),
        (ZENDESK, [("Sent at noon.", "", (), "")]),
        (INTERCOM, [("12 EUR.", "", (), "")]),
    ],
)
def test_an_export_gives_its_entries_or_articles(export: Any, expected: list[Any]) -> None:
    parsed = parse("export.json", json.dumps(export).encode())
    found = [(s.text, s.answer, s.variants, s.language) for s in parsed.sections]
    assert found == expected


@pytest.mark.parametrize(
    ("export", "reason"),
    [
        (BOTPRESS, "It is not published: enabled is false."),
        (ZENDESK, "It is not published: draft is true."),
        (INTERCOM, "It is not published: state is draft."),
    ],
)
def test_what_is_not_published_is_left_out_and_named(export: Any, reason: str) -> None:
    parsed = parse("export.json", json.dumps(export).encode())
    assert reason in [skipped.reason for skipped in parsed.skipped]


@pytest.mark.parametrize(
    "value",
    [
        [["question", "answer"], ["When?", "At 9."], ["Where?", "In Graz."], ["Who?", "We."]],
        {"conversations": [["When?", "At 9."], ["Where?", "In Graz."], ["Who?", "We."]]},
        {"questions": ["When?", "Where?", "Who?"], "answers": ["At 9.", "In Graz.", "We."]},
        [
            {"conversations": [{"from": "human", "value": q}, {"from": "gpt", "value": a}]}
            for q, a in (("When?", "At 9."), ("Where?", "In Graz."), ("Who?", "We."))
        ],
    ],
)
def test_lists_of_pairs_and_of_turns_are_entries(value: Any) -> None:
    parsed = parse("a.json", json.dumps(value).encode())
    found = [(s.text, s.answer) for s in parsed.sections]
    assert found == [("When?", "At 9."), ("Where?", "In Graz."), ("Who?", "We.")]


def test_a_key_that_is_a_language_gives_the_language_of_its_entry() -> None:
    texts = {
        "en": {"question": "When?", "answer": "9."},
        "de": {"question": "Wann?", "answer": "9"},
    }
    parsed = parse("a.json", json.dumps({"faq": [{"id": 1, "translations": texts}]}).encode())
    assert [(s.text, s.language, s.category) for s in parsed.sections] == [
        ("When?", "en", ""), ("Wann?", "de", ""),
    ]  # fmt: skip
