"""Which rows a question is about, and how they are said."""

from collections.abc import Sequence
from typing import Any

import pytest

from core.types import Chunk
from kb.answering.columns import cells_of, say_rows
from kb.answering.prices import priced
from kb.answering.table_reply import conditions, currency_of
from kb.answering.tables import Row, choose_rows, read_rows, row_name, same_table

COUNTRIES = read_rows(
    [
        "Country: Ireland; Days: 1 to 2; Price: EUR 4.95",
        "Country: Great Britain; Days: 3 to 4; Price: EUR 9.50",
        "Country: Germany, Netherlands; Days: 3 to 5; Price: EUR 7.90",
        "Country: France; Days: 4 to 5; Price: EUR 8.90",
        "Country: Spain; Days: 5 to 7; Price: EUR 11.50",
        "Country: Italy; Days: 5 to 6; Price: EUR 10.90",
        "Country: Poland; Days: 6 to 7; Price: EUR 10.40",
    ]
)


def rows_meant(question: str, rows: Sequence[Row], **told: Any) -> list[int]:
    return choose_rows(question, rows, **told)[0]


def said(question: str, language: str = "en") -> str:
    return say_rows(question, COUNTRIES, rows_meant(question, COUNTRIES), language)


def test_one_row() -> None:
    assert said("What is the price for Spain?") == "Spain: EUR 11.50."


def test_a_name_among_several_in_one_cell() -> None:
    assert said("How long to the Netherlands?").startswith("Germany, Netherlands – Days: 3 to 5")


def test_two_rows_that_are_named() -> None:
    text = said("What is the price for France and Great Britain?")
    assert text == "Price:\n• Great Britain: EUR 9.50\n• France: EUR 8.90"


def test_of_many_rows_none_of_which_is_meant_five_are_shown() -> None:
    lines = said("Where do you send to?").split("\n")
    assert len(lines) == 6
    assert lines[-1] == "…"


def test_a_day_is_found_by_its_abbreviation() -> None:
    rows = read_rows(
        ["Trip: Bend; Days: Wed, Sat", "Trip: Locks; Days: Sun", "Trip: Sunset; Days: Fri"]
    )
    assert rows_meant("Is there a trip on friday evening?", rows) == [2]


def test_a_cell_with_a_semicolon_stays_whole() -> None:
    rows = read_rows(
        ["Product: Tent; Note: dry; then fold", "Product: Mat; Note: roll; note: tight"]
    )
    assert [row.cells[1] for row in rows] == [
        ("Note", "dry; then fold"),
        ("Note", "roll; note: tight"),
    ]


def test_a_number_that_names_a_row_keeps_its_column() -> None:
    rows = read_rows(["Up to kg: 5; Price: 4 EUR", "Up to kg: 9; Price: 6 EUR"])
    assert row_name(rows, 0) == "Up to kg 5"


def test_a_first_column_that_repeats_is_not_enough_of_a_name() -> None:
    rows = read_rows(
        [
            "Line: Red; Stop: Port; Fare: 2",
            "Line: Red; Stop: Mill; Fare: 3",
            "Line: Blue; Stop: Port; Fare: 4",
        ]
    )
    assert row_name(rows, 1) == "Red Mill"


def test_lines_of_two_cells_without_column_names() -> None:
    rows = read_rows(["Day ticket: 4 EUR", "Week ticket: 19 EUR"])
    question = "What is a week ticket?"
    assert say_rows(question, rows, rows_meant(question, rows), "en") == "Week ticket: 19 EUR."


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Plover – One day: 18; VAT: 20 %."),
        ("ru", "Plover – One day: 18; VAT: 20 %."),
        ("zh", "Plover – One day：18；VAT：20 %。"),
    ],
)
def test_the_joints_of_each_script(language: str, text: str) -> None:
    rows = read_rows(["Model: Plover; One day: 18; VAT: 20 %"])
    assert say_rows("?", rows, [0], language) == text


FEES = read_rows(
    [
        "Plan: Scamp; Animal: dog up to 10 kg; Per month: 15.40",
        "Plan: Rover; Animal: dog 10 to 30 kg; Per month: 18.20",
        "Plan: Titan; Animal: dog over 30 kg; Per month: 22.60",
        "Plan: Clover; Animal: rabbit; Per month: 9.70",
    ]
)


@pytest.mark.parametrize("read", [None, [0.0, 0.5, 0.2, -2.0]])
def test_a_quantity_chooses_the_row_in_whose_range_it_lies(read: list[float] | None) -> None:
    question = "What is it a month to have my 35 kg rottweiler on your plan?"
    assert rows_meant(question, FEES, read=read) == [2]


def test_a_quantity_chooses_no_row_of_another_name() -> None:
    lines = [
        "Animal: Dog; Weight: 2 to 10 kg; Pipette: orange",
        "Animal: Dog; Weight: 25 to 45 kg; Pipette: purple",
        "Animal: Cat; Weight: from 1.5 kg; Pipette: green",
    ]
    assert rows_meant("My dog weighs 52 kg, which one?", read_rows(lines)) != [2]
    assert rows_meant("My cat weighs 5 kg, which one?", read_rows(lines)) == [2]


@pytest.mark.parametrize(
    ("question", "sure"),
    [
        ("Rent of a violin 1/2?", True),
        ("Rent of a violin 1/16?", False),
        ("Rent of a viola of 40 cm?", True),
        ("Rent of a viola of 42 cm?", False),
        ("Rent of a viola for 3 days?", True),
    ],
)
def test_rows_of_other_sizes_are_not_surely_meant(question: str, sure: bool) -> None:
    rows = read_rows(
        [
            "Instrument: Violin; Size: 1/8; Rent: £14",
            "Instrument: Violin; Size: 1/2; Rent: £16",
            "Instrument: Viola; Size: 38 cm; Rent: £20",
            "Instrument: Viola; Size: 40 cm; Rent: £21",
        ]
    )
    assert (choose_rows(question, rows)[1] > 0.5) is sure


def test_the_reader_chooses_a_row_that_shares_no_word_with_the_question() -> None:
    question = "What do you take for my bunny?"
    assert rows_meant(question, FEES) == [0, 1, 2, 3]
    assert rows_meant(question, FEES, read=[-4.0, -4.0, -4.0, 1.0]) == [3]
    assert rows_meant(question, FEES, read=[-1.0, -1.2, -1.5, -0.9]) == [0, 1, 2, 3]


def test_the_reader_may_prefer_another_row_than_the_one_whose_name_the_question_has() -> None:
    rows = read_rows(["Single: 740 €", "Single with balcony: 795 €", "Twin: 980 €"])
    question = "a single one, but with somewhere to sit outside"
    assert rows_meant(question, rows) == [0]
    assert rows_meant(question, rows, read=[-2.0, 2.0, -5.0]) == [1]


TRIPS = read_rows(
    [
        "Trip: Bend; Length: 2 h; Adult: £34; Child 8–15: £22",
        "Trip: Locks; Length: 5 h; Adult: £59; Child 8–15: £41",
        "Trip: Sunset; Length: 90 min; Adult: £31; Child 8–15: £24",
    ]
)


@pytest.mark.parametrize(
    ("question", "read", "said"),
    [  # log-odds as the reader of multilingual-e5-small gives them
        ("What does an adult pay?", (-2.2, 6.9, -1.2), "Adult: £59"),
        ("For an adult and a child?", (-0.2, 4.6, 4.9), "Adult: £59; Child 8–15: £41"),
        ("How much is the trip?", (5.3, 3.5, 2.0), "Length: 5 h; Adult: £59; Child 8–15: £41"),
    ],
)
def test_of_several_prices_those_are_said_that_the_reader_finds_likely(
    question: str, read: tuple[float, ...], said: str
) -> None:
    of_columns = dict(zip(("Length", "Adult", "Child 8–15"), read, strict=True))
    assert say_rows(question, TRIPS, [1], "en", read=of_columns) == f"Locks – {said}."


def test_rows_of_one_table_have_their_columns_in_common() -> None:
    row = "Plan: Frog; Age: 5 to 7; Children: 8; Price: 96 EUR"
    assert same_table(row, "Plan: Shark; Age: 11 to 14; Price: 158 EUR")
    assert not same_table(row, "Plan: Sauna; Before five: 16 EUR; After five: 18 EUR")
    assert not same_table(row, "Child: Frog; Age: 5 to 7; Children: 8; Price: 96 EUR")
    assert not same_table("Day ticket: 4 EUR", "Week ticket: 19 EUR")


def test_cells_are_read_behind_the_name_of_their_row() -> None:
    assert cells_of(TRIPS, [0])[1] == ("Adult", "Bend – Adult: £34")
    assert cells_of(read_rows(["Size: S; Price: 9", "Size: M; Price: 11"]), [0]) == []


def test_a_column_is_meant_by_a_quantity_that_lies_in_its_range() -> None:
    rows = read_rows(
        ["Service: Groom; Small, up to 10 kg: £39; Medium, 10 to 25 kg: £53; Time: 2 hours"]
    )
    read = {"Small, up to 10 kg": 1.8, "Medium, 10 to 25 kg": 1.7, "Time": -20.2}
    text = say_rows("A groom? One with 18 kilos?", rows, [0], "en", read=read)
    assert text == "Groom – Medium, 10 to 25 kg: £53."


HOMES = read_rows(
    [
        "Treatment: Bed bugs, heat; Studio or 1 room: £65; 2 rooms: £89; 3 rooms: £115",
        "Treatment: Bed bugs, spray; Studio or 1 room: £24; 2 rooms: £31; 3 rooms: £38",
        "Treatment: Moths; Studio or 1 room: £19; 2 rooms: £25; 3 rooms: £31",
    ]
)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Moths in a three-room flat", "3 rooms: £31"),
        ("Moths, two rooms", "2 rooms: £25"),
        ("Moths in my studio", "Studio or 1 room: £19"),
    ],
)
def test_a_column_is_meant_by_its_number_or_its_own_word(question: str, said: str) -> None:
    read = {"Studio or 1 room": 5.0, "2 rooms": 4.6, "3 rooms": 4.4}
    assert say_rows(question, HOMES, [2], "en", read=read) == f"Moths – {said}."


def test_rows_with_the_same_part_of_a_name_are_told_apart_by_the_rest() -> None:
    assert rows_meant("heat against bed bugs", HOMES) == [0]
    assert rows_meant("bed bugs or moths?", HOMES, read=[4, 4, 4]) == [0, 1, 2]


def test_rows_between_which_nothing_tells_are_all_said() -> None:
    nests = read_rows(["Nest: low; June: £69", "Nest: high; June: £99", "Nest: second; June: £20"])
    assert rows_meant("a nest in June", nests, read=[4.0, 4.6, 3.5]) == [0, 1, 2]
    assert rows_meant("a nest in June", nests, read=[4.0, 6.6, 3.5]) == [1]
    assert choose_rows("a nest in June", nests, read=[4.0, 4.6, 3.5])[1] == 1
    assert choose_rows("a nest in June", nests, read=[4.0, 5.4, 0.0])[1] == pytest.approx(0.8, 0.01)
    assert choose_rows("a nest in June", nests, read=[0.0, 9.0, 0.0])[1] > 0.99


def test_a_cell_that_says_more_than_a_value_comes_along() -> None:
    rows = read_rows(["Room: Cellar; Go back: after 12 hours; First: air it for two hours"])
    read = {"Go back": 5.0, "First": -3.0}
    said = say_rows("When can we go back?", rows, [0], "en", read=read)
    assert said == "Cellar – Go back: after 12 hours; First: air it for two hours."


def test_a_cell_that_says_yes_comes_with_all_of_its_row() -> None:
    rows = read_rows(["Item: Open bag; May be returned: yes, for a voucher; Within: 45 days"])
    read = {"May be returned": 5.0, "Within": -3.0}
    said = say_rows("I opened it", rows, [0], "en", read=read)
    assert said == "Open bag – May be returned: yes, for a voucher; Within: 45 days."


def test_a_follow_up_that_changes_a_part_of_a_name_means_the_new_row() -> None:
    crowns = read_rows(
        [f"Service: Crown {name}; Price: {price} EUR" for name, price in
         (("metal", 790), ("zircon", 930), ("plastic", 310))]
    )  # fmt: skip
    question, latest = "What is a crown of metal? And of zircon?", "And of zircon?"
    assert rows_meant(question, crowns, read=[0.5, 0.5, -4.0]) == [0, 1]
    assert rows_meant(question, crowns, latest=latest, read=[0.5, 0.5, -4.0]) == [1]


def test_two_rows_that_are_named_are_both_said_whatever_the_reader_prefers() -> None:
    question = "How long are the Bend and the Sunset trips?"
    assert rows_meant(question, TRIPS, read=[2.0, -3.0, -1.0]) == [0, 2]


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (
            ["Rabbit: Budgie; 8.50 pounds: 4.20 pounds; fed: own cage"],
            "Budgie: 4.20 pounds, own cage.",
        ),
        (
            ["Weir: Abbey; 1.1 miles: 3.4 miles; 25 minutes: 80 minutes"],
            "Abbey: 3.4 miles, 80 minutes.",
        ),
        (["Bike: Cargo; 1 day: €24; 3 days: €63"], "Cargo – 1 day: €24; 3 days: €63."),
    ],
)
def test_the_first_row_of_a_table_without_names_names_no_columns(
    rows: list[str], text: str
) -> None:
    assert say_rows("?", read_rows(rows), [0], "en") == text


def test_a_column_of_several_measures_is_not_named() -> None:
    rows = read_rows(
        ["Item: Stage; Value: 11.4 m", "Item: Load; Value: 230 V", "Item: Doors; Value: 3"]
    )
    assert say_rows("?", rows, [0], "en") == "Stage: 11.4 m."
    assert say_rows("?", rows, [2], "en") == "Doors: 3."
    times = read_rows(
        ["Zone: A; Delivery: 2 days", "Zone: B; Delivery: 3 weeks", "Zone: C; Delivery: 9 hours"]
    )
    assert say_rows("?", times, [0], "en") == "A – Delivery: 2 days."


WORK = read_rows(
    [
        "Job: Bow rehair; Violin or viola: €48; Cello: €58; Double bass: €64; Time: 3 days",
        "Job: New bridge; Violin or viola: €95; Cello: €160; Double bass: €240; Time: 5 days",
    ]
)


def test_a_follow_up_asks_for_another_column() -> None:
    both = "How much for the bow rehair of a cello? And a violin?"
    assert say_rows(both, WORK, [0, 1], "en", latest="And a violin?").startswith("Violin or viola:")


STORES = read_rows(
    [
        "库: 嘉定普通库; 立式（每月）: 150; 三角（每月）: 280",
        "库: 闵行恒温库; 立式（每月）: 260; 三角（每月）: 480",
    ]
)


def test_rows_are_told_by_words_that_no_other_row_has_in_chinese_too() -> None:
    assert choose_rows("嘉定和闵行各多少", STORES)[0] == [0, 1]
    more = read_rows(
        [row.text for row in STORES] + ["库: 浦东临港库; 立式（每月）: 90; 三角（每月）: 120"]
    )
    assert choose_rows("闵行和嘉定的多少钱", more)[0] == [0, 1]
    assert choose_rows("闵行的库多少钱", more)[0] == [1]


def test_a_follow_up_that_names_a_row_keeps_the_column() -> None:
    rows = read_rows(
        [
            "Place: Shop; Saturday: 9–12; Sunday: closed",
            "Place: Showroom; Saturday: 10–21; Sunday: 11–18",
        ]
    )
    asked = "What are the hours of the shop on Saturday? and the showroom?"
    read = {"Saturday": 0.0, "Sunday": 0.0}
    told = say_rows(asked, rows, [1], "en", latest="and the showroom?", read=read)
    assert told == "Showroom – Saturday: 10–21."


def test_the_currency_of_bare_prices_is_found_anywhere_in_their_document() -> None:
    def passage(title: str, text: str) -> Chunk:
        return Chunk(title, "p.md", "passage", text, title=title, language="de")

    table = passage("Preise › Auto", "Klasse: B; Grundbetrag: 389,00")
    end = passage("Preise › Hinweise", "Alle Preise sind Endpreise in Euro. Im Juli ist zu.")
    question = "Was kostet der Grundbetrag im Juli?"
    currency = currency_of([table, end])
    assert currency == "Alle Preise sind Endpreise in Euro."
    assert conditions(question, [table], currency, ["B", "389,00"]) == [currency]
    assert conditions(question, [table], currency, ["B", "389,00 €"]) == []
    headed = passage("Preise (in Euro)", "Klasse: B; Grundbetrag: 389,00")
    assert currency_of([headed]) == "Preise (in Euro)"
    assert conditions("Ist im Juli offen?", [end], currency, ["B"]) == ["Im Juli ist zu."]


def test_bare_cells_that_surely_are_prices_are_said_with_their_currency() -> None:
    rows = read_rows(["Klasse: B; Übungsstunde (45 Min.): 62,00; Gewicht (kg): 1,50; Plätze: 4"])
    (row,) = priced(rows, "Euro")
    assert row.cells[1:] == (
        ("Übungsstunde (45 Min.)", "62,00 Euro"),
        ("Gewicht (kg)", "1,50"),
        ("Plätze", "4"),
    )
    assert row.text == rows[0].text
    (row,) = priced(read_rows(["型号: 雅马哈 U1; 价格: 600; 库存: 3"]), "元")
    assert row.cells[1:] == (("价格", "600元"), ("库存", "3"))
    assert priced(rows, "") == rows


PITCHES = read_rows(
    [
        "Pitch: Tent; Low season (Apr–May): 14; High season (Jun–Aug): 19; Electricity: 3.50",
        "Pitch: Caravan; Low season (Apr–May): 26; High season (Jun–Aug): 35; Electricity: none",
    ]
)


@pytest.mark.parametrize(
    ("question", "latest", "said"),
    [
        ("a tent in July with electric", "", "High season (Jun–Aug): 19; Electricity: 3.50"),
        ("a tent in low season? in high season?", "in high season?", "High season (Jun–Aug): 19"),
    ],
)
def test_every_column_that_is_named_is_said(question: str, latest: str, said: str) -> None:
    read = {"Low season (Apr–May)": 0.0, "High season (Jun–Aug)": 2.0, "Electricity": 6.0}
    if latest:
        read["Electricity"] = -6.0
    told = say_rows(question, PITCHES, [0], "en", latest=latest, read=read)
    assert told == f"Tent – {said}."
