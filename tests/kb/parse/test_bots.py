"""Exports of other bots and help centres, in the shapes that these publish."""

import json
from typing import Any

import pytest

from core.errors import UnreadableFile
from kb.parse import parse
from tests.kb.parse.office import zipped

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
    "table",
    [b"question,answer,Draft\nOpen?,At 9.,false\nFee?,77 EUR,TRUE\n",
     b"Title,Body,State\nOpen?,At 9.,published\nFee?,77 EUR,draft\n"],
)  # fmt: skip
def test_rows_that_are_not_published_are_left_out_and_named(table: bytes) -> None:
    parsed = parse("a.csv", table)
    assert "77" not in str(parsed.sections)
    assert [s.location for s in parsed.skipped if "not published" in s.reason] == ["row 3"]


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


NLU = """
version: "3.1"
nlu:
- intent: delivery_time
  examples: |
    - How long does delivery to [Graz](city) take?
    - when will it [arrive]{"entity": "event"}
- intent: cash
  examples: |
    - Can I pay cash?
- intent: faq/hours
  examples: |
    - When do you open?
- intent: balance
  examples: |
    - What is my balance?
- synonym: cash
  examples: |
    - coins
"""
DOMAIN = """
version: "3.1"
responses:
  utter_delivery_time:
  - text: 2 working days; 4.90 EUR.
  utter_no_coins:
  - text: Yes
  - text: Sure
  utter_faq/hours:
  - text: 09:00
    buttons: [{title: Map, payload: /map}]
  utter_balance:
  - text: It is {amount} EUR.
  utter_never:
  - text: 77 EUR.
"""
RULES = """
rules:
- rule: cash
  steps:
  - intent: cash
  - action: utter_no_coins
"""


def rasa() -> bytes:
    return zipped({"data/nlu.yml": NLU, "domain.yml": DOMAIN, "data/rules.yml": RULES})


def test_rasa_intents_are_entries_with_the_responses_that_follow_them() -> None:
    parsed = parse("bot.zip", rasa())
    assert [(s.text, s.answer, s.variants, s.category) for s in parsed.sections] == [
        ("How long does delivery to Graz take?", "2 working days; 4.90 EUR.",
         ("when will it arrive",), ""),
        ("Can I pay cash?", "Yes", (), ""),
        ("When do you open?", "09:00", (), "faq"),
    ]  # fmt: skip


def test_what_of_rasa_is_no_answer_is_named() -> None:
    named = [(s.location.rpartition(", ")[2], s.reason) for s in parse("bot.zip", rasa()).skipped]
    assert named == [
        ("response utter_no_coins", "Left out: 1 other wordings."),
        ("response utter_faq/hours", "Left out: buttons."),
        ("intent balance", "Its answer has a place that only the other bot fills: {amount}."),
        ("response utter_never", "No intent leads to it."),
    ]
    with pytest.raises(UnreadableFile, match="one half of Rasa's training data"):
        parse("nlu.yml", NLU.encode())


def test_a_list_of_yaml_is_read_with_its_characters() -> None:
    text = "- question: Is it new?\n  answer: Yes\n- question: When?\n  answer: 09:30\n"
    found = [(s.text, s.answer) for s in parse("faq.yaml", text.encode()).sections]
    assert found == [("Is it new?", "Yes"), ("When?", "09:30")]
    with pytest.raises(UnreadableFile, match="It is no valid YAML"):
        parse("faq.yaml", b"a: [1")


HOURS = {"name": "Hours", "responses": [{"messages": [
    {"type": "0", "lang": "en", "speech": ["From 9 to 5.", "9 to 5."]},
    {"type": "0", "lang": "en", "platform": "telegram", "speech": "Nine."},
    {"type": "0", "lang": "de", "speech": "Von 9 bis 17 Uhr."},
]}]}  # fmt: skip
SAYS = [{"data": [{"text": "When do you open on "}, {"text": "Sunday", "meta": "@day"}]}]


def test_intents_of_a_dialogflow_export_are_entries_in_each_language() -> None:
    export = {
        "agent.json": {"language": "en"},
        "intents/Hours.json": HOURS,
        "intents/Hours_usersays_en.json": [*SAYS, {"data": [{"text": "opening hours"}]}],
        "intents/Hours_usersays_de.json": [{"data": [{"text": "Wann offen?"}]}],
        "intents/Fallback.json": {**HOURS, "name": "Fallback"},
        "intents/Odd.json": [1],
    }
    parsed = parse("bot.zip", zipped({name: json.dumps(v) for name, v in export.items()}))
    assert [(s.text, s.answer, s.variants, s.language) for s in parsed.sections] == [
        ("When do you open on Sunday", "From 9 to 5.", ("opening hours",), "en"),
        ("Wann offen?", "Von 9 bis 17 Uhr.", (), "de"),
    ]
    named = [(s.location.rpartition(", ")[2], s.reason) for s in parsed.skipped]
    assert ("intent Hours", "Left out: 1 other wordings.") in named
    assert ("intent Fallback", "No phrase leads to it.") in named
    assert ("agent.json", "It has no intents.") in named


def test_intents_as_the_api_of_dialogflow_gives_them_are_entries() -> None:
    def intent(name: str, *answers: str) -> dict[str, Any]:
        phrases = [{"type": "EXAMPLE", "parts": [{"text": f"{name} "}, {"text": "please"}]}]
        messages = [{"text": {"text": [answer]}} for answer in answers]
        return {"displayName": name, "trainingPhrases": phrases, "messages": messages}

    value = {"intents": [intent("Price", "9 EUR."), intent("Mine", "$amount EUR."), intent("No")]}
    parsed = parse("intents.json", json.dumps(value).encode())
    assert [(s.text, s.answer) for s in parsed.sections] == [("Price please", "9 EUR.")]
    assert [(s.location, s.reason) for s in parsed.skipped] == [
        ("intent Mine", "Its answer has a place that only the other bot fills: $amount."),
        ("intent No", "No text answers it."),
    ]


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        (
            "[b]Print[/b] [url=https://a.example/r]the label[/url].\n[list]\n[*]Pack it\n[*]Pay "
            "[s]9[/s] 5 EUR\n[/list]\nUnder <5 kg. [img]https://a.example/p.png[/img]",
            "Print the label (https://a.example/r).\n\n- Pack it\n- Pay 5 EUR\n\nUnder <5 kg.",
        ),
        ("[list=1][*]One[*]Two[/list]", "1. One\n2. Two"),
        ("2[sup]3[/sup], [email=a@b.example]mail[/email]", "2³, mail (a@b.example)"),
        ("Press [b], then [size=4]hold[/size] [x].", "Press [b], then hold [x]."),
        ("Enter [url] or [1].", "Enter [url] or [1]."),
    ],
)
def test_bb_code_is_read_like_html(cell: str, read: str) -> None:
    parsed = parse("faq.json", json.dumps([{"question": "How?", "answer": cell}]).encode())
    assert [s.answer for s in parsed.sections] == [read]


def test_what_stands_beside_records_is_no_entry_and_no_category() -> None:
    entry = {"question": {"en-US": "Do you deliver?"}, "answer": {"en-US": "Yes."}}
    wrapped = json.dumps({"items": [{"sys": {"id": "a"}, "fields": entry}], "meta": {"page": 1}})
    parsed = parse("a.json", wrapped.encode())
    assert [(s.text, s.answer, s.category) for s in parsed.sections] == [
        ("Do you deliver?", "Yes.", "")
    ]
    assert [s.reason.split(" If")[0] for s in parsed.skipped] == [
        f"It has neither a question with an answer nor a text. Its fields are: {name}."
        for name in ("id", "page")
    ]
    languages = {"en": [{"question": "Open?", "answer": "At 9."}], "de": [{"q": "Wann?", "a": "9"}]}
    parsed = parse("a.json", json.dumps({"faq": languages}).encode())
    assert [(s.text, s.language, s.category) for s in parsed.sections] == [
        ("Open?", "en", ""), ("Wann?", "de", ""),
    ]  # fmt: skip


def test_texts_and_links_that_are_formulas_in_a_csv_file_are_read_as_they_are_shown() -> None:
    link = '"=HYPERLINK(""https://f.example/r"",""Return form"")"'
    data = f'question,answer\nWhere is it?,{link}\nWhich number?,="0049 351"\nHow?,=A1 or B2\n'
    assert [s.answer for s in parse("a.csv", data.encode()).sections] == [
        "Return form (https://f.example/r)", "0049 351", "=A1 or B2",
    ]  # fmt: skip
