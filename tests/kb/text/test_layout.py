"""What a passage is made of: headings, paragraphs, items, steps, rows; each an exact piece."""

import pytest

from kb.text.layout import heading_of, length, steps_of, units_of

MIXED = """Tyres
Check the pressure every two weeks.

Model: Plover; Front: 3.5 bar
Model: Heron; Front: 3.8 bar; note it

Do this:
1. Open the valve.
2. Pump. Listen.
   - gently
3. Close it.

Weight up to 5 kg: 4 EUR
Weight up to 9 kg: 6 EUR"""


def test_kinds() -> None:
    kinds = [(unit.kind, unit.text.split()[0]) for unit in units_of(MIXED, "en")]
    assert kinds == [
        ("heading", "Tyres"),
        ("sentence", "Check"),
        ("row", "Model:"),
        ("row", "Model:"),
        ("sentence", "Do"),
        ("item", "1."),
        ("item", "2."),
        ("item", "Listen."),
        ("item", "-"),
        ("item", "3."),
        ("row", "Weight"),
        ("row", "Weight"),
    ]


def test_units_are_exact_pieces_in_order() -> None:
    units = units_of(MIXED, "en")
    assert [MIXED[u.start : u.end] for u in units] == [u.text for u in units]
    assert [u.start for u in units] == sorted(u.start for u in units)


def test_steps_are_one_list_with_what_stands_inside() -> None:
    (steps,) = steps_of(units_of(MIXED, "en"))
    assert next(units_of(MIXED, "en")[i].text for i in steps) == "1. Open the valve."
    assert len(steps) == 5


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("第一步 打开盖子。\n第二步 放入茶叶。\n第三步 加水。", 3),
        ("① 打开盖子。\n② 放入茶叶。", 2),
        ("Step 1: Open it.\nStep 2: Close it.", 2),
        ("Schritt 1. Öffnen.\nSchritt 2. Schließen.", 2),
        ("a) Open it.\nb) Close it. Wait a minute.\nc) Go.", 4),
        ("3. How to claim\nSend us the number. Wait.", 0),
        ("In 2024. We moved.", 0),
    ],
)
def test_ways_to_number_steps(text: str, steps: int) -> None:
    assert [len(run) for run in steps_of(units_of(text))] == ([steps] if steps else [])


@pytest.mark.parametrize(
    ("title", "heading"),
    [
        ("Guide › 6. Keys", "Keys"), ("【六】丢了", "丢了"), ("A › 一、退货", "退货"),
        ("B) Sport", "Sport"), ("5.2. Keys", "Keys"), ("(3) Keys", "Keys"), ("", ""),
        ("2.4 GHz", "2.4 GHz"), ("24 hours", "24 hours"), ("A bike", "A bike"),
        ("24. Dezember", "24. Dezember"), ("U.S. orders", "U.S. orders"),
    ],
)  # fmt: skip
def test_a_heading_is_said_without_its_number(title: str, heading: str) -> None:
    assert heading_of(title) == heading


def test_a_numbered_line_above_a_text_is_its_heading() -> None:
    units = units_of("3. How to claim\nSend us the number. Wait.\n\n4. Second owners\nPay.", "en")
    assert [u.text for u in units if u.kind == "heading"] == ["3. How to claim", "4. Second owners"]


@pytest.mark.parametrize("text", ["14 Quayside", "Open daily", "Closed on Sunday."])
def test_a_line_without_anything_below_is_no_heading(text: str) -> None:
    assert [unit.kind for unit in units_of(text, "en")] == ["sentence"]


@pytest.mark.parametrize(("text", "words"), [("two words", 2), ("两个字", 1.5), ("3 天", 1.5)])
def test_length_counts_words_and_half_of_chinese_characters(text: str, words: float) -> None:
    assert length(text) == words


def test_rows_whose_first_column_has_no_name_are_rows() -> None:
    rows = "Express; Small: 9; Large: 14\nBy sea; Small: 4; Large: 6"
    text = f"Fares\n{rows}\nWe open daily; on Sunday: 9."
    assert [u.kind for u in units_of(text, "en")] == ["heading", "row", "row", "sentence"]


def test_the_clauses_of_a_contract_are_paragraphs_and_no_steps() -> None:
    text = "(1) Rates are due on the 5th. Courses earlier.\n(2) You may pay in parts. Not trips."
    units = units_of(text, "en")
    assert [(u.kind, u.number, u.section) for u in units] == [
        ("sentence", 0, 1),
        ("sentence", 0, 1),
        ("sentence", 0, 2),
        ("sentence", 0, 2),
    ]
    assert [u.number for u in units_of("(1) Open the app.\n(2) Scan.", "en")] == [1, 2]
