"""Which rows of a table a comparison of prices means."""

import pytest

from core.types import Hit
from kb.answering.comparison import compared, compares, likeliest
from kb.answering.reply import Replier
from kb.answering.tables import read_rows
from kb.index.chunk import chunk_file
from kb.parse import parse
from tests.fakes import WordEmbedder

pytestmark = pytest.mark.anyio

PLANS = read_rows(
    [
        "Plan: Spark S; Data: 5 GB; Price: €9.99",
        "Plan: Spark M; Data: 18 GB; Price: €16.99",
        "Plan: Spark L; Data: 60 GB; Price: €24.99",
    ]
)


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("what's your cheapest plan", [0]),
        ("dearest plan?", [2]),
        ("Which plans are less than €20 a month?", [0, 1]),
        ("plans over 16.99 euros", [2]),
        ("Was ist der günstigste Tarif?", [0]),
        ("¿Cuál es el plan más caro?", [2]),
        ("Какой тариф самый дешёвый?", [0]),
        ("最便宜的套餐是哪个？", [0]),
        ("anything under 5 euros?", []),
    ],
)
def test_prices_are_compared(question: str, rows: list[int]) -> None:
    assert compares(question)
    assert compared(question, PLANS).get("Price", []) == rows


@pytest.mark.parametrize(
    "question",
    [
        "Why was I charged €16.99?",
        "How much data has Spark M?",
        "Is it cheaper than last year?",
        "¿Es más barato que Spark M?",
        "Can I cancel within 14 days?",
    ],
)
def test_other_questions_compare_nothing(question: str) -> None:
    assert not compares(question)


def test_of_columns_that_disagree_the_reader_says_which_is_meant() -> None:
    free = read_rows(
        ["Ticket: Adult; Price: €9", "Ticket: Child; Price: free", "Ticket: Dog; Price: €2"]
    )
    assert not compared("the cheapest ticket", free)
    rates = read_rows(
        ["Bike: City; A day: €18; A week: €70", "Bike: Cargo; A day: €20; A week: €60"]
    )
    by_column = compared("which is the cheapest?", rates)
    assert by_column == {"A day": [0], "A week": [1]}
    assert likeliest(by_column, {}) == ([0], 0.5)
    meant, likely = likeliest(by_column, {"A day": -3.0, "A week": 1.0})
    assert (meant, likely > 0.9) == ([1], True)
    alike = read_rows(
        ["Bike: City; A day: €18; A week: €70", "Bike: Cargo; A day: €30; A week: €90"]
    )
    assert likeliest(compared("which is the cheapest?", alike), {}) == ([0], 1.0)


def test_only_rows_that_are_asked_about_are_compared() -> None:
    rows = read_rows(
        ["Item: Day ticket; Price: €9", "Item: Child ticket; Price: €5", "Item: Coffee; Price: €2"]
    )
    assert compared("the cheapest ticket", rows) == {"Price": [1]}
    assert compared("What is the cheapest?", rows) == {"Price": [2]}
    assert not compared("the cheapest coffee", rows)


def test_prices_whose_currency_the_column_names_and_empty_cells() -> None:
    rows = read_rows(["Raum: Saal; Euro: 40", "Raum: Zimmer; Euro: –", "Raum: Studio; Euro: 25"])
    assert compared("Was ist das teuerste?", rows) == {"Euro": [0]}


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Which sauna is the cheapest?", ["Kelo 4"]),
        ("Which are under 4,000 euros?", ["Kelo 4", "Kelo 6"]),
    ],
)
async def test_a_reply_has_the_rows_that_are_meant(question: str, said: list[str]) -> None:
    table = "# Saunas\n\n| Model | Price |\n|---|---|\n"
    table += "| Barrel | 4,100 EUR |\n| Kelo 4 | 2,900 EUR |\n| Kelo 6 | 3,700 EUR |\n"
    chunks = await chunk_file(
        parse("s.md", table.encode()),
        doc_id="s.md",
        embedder=WordEmbedder(),
        passage_tokens=160,
        updated="2026-12-01",
    )
    hit = Hit(next(chunk for chunk in chunks if "Barrel" in chunk.text), 0.9, 0.9)
    made = await Replier(None, None).reply(question, None, hit, others=[])
    named = [name for name in ("Barrel", "Kelo 4", "Kelo 6") if name in made.text]
    assert named == said


def test_bare_numbers_are_prices_where_the_document_names_a_currency() -> None:
    rows = read_rows(
        [
            "型号: 珠江 118; 类型: 立式钢琴; 短租: 320",
            "型号: 卡瓦依 K-300; 类型: 立式钢琴; 短租: 580",
            "型号: 雅马哈 U3; 类型: 立式钢琴; 短租: 700",
            "型号: 罗兰 HP704; 类型: 电钢琴; 短租: 260",
        ]
    )
    question = "哪些立式钢琴短租一个月不到650"
    assert compared(question, rows, bare=True) == {"短租": [0, 1]}
    assert not compared(question, rows)
    assert compared("最便宜的琴", rows, bare=True) == {"短租": [3]}
    ages = read_rows(["Ticket: Child (under 12); Price: 5", "Ticket: Adult; Price: 12"])
    assert not compared("which ticket is for under 12?", ages, bare=True)
