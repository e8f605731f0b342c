"""FAQ tables and records become entries; what is not taken is named (target 24)."""

import datetime as dt
import io
import json

import openpyxl
import pytest

from core.errors import UnreadableFile
from core.types import ParsedFile
from kb.parse import parse
from kb.parse.faq.columns import BadColumns, read_columns, written
from tests.kb.parse.hostile import sheet, xlsx


def entries(parsed: ParsedFile) -> list[tuple[str, str]]:
    return [(s.text, s.answer) for s in parsed.sections if s.answer]


HEADER = "id,question,answer,variants,category,language,valid_from,valid_until\n"


def test_every_column_of_a_csv_file_is_read() -> None:
    row = 'r1,How long?,"Three days,\nat most.",when | how soon,returns,EN,2026-01-01,31.12.2026\n'
    [section] = parse("faq.csv", (HEADER + row).encode()).sections
    assert section.text == "How long?"
    assert section.answer == "Three days,\nat most."
    assert (section.entry_id, section.category, section.language) == ("r1", "returns", "en")
    assert section.variants == ("when", "how soon")
    assert (section.valid_from, section.valid_until) == ("2026-01-01", "2026-12-31")
    assert section.location == "row 2"


@pytest.mark.parametrize(
    "header",
    ["Question,Answer", "问题,答案", "問題,回答", "Pregunta;Respuesta",
     "Frage\tAntwort", "Вопрос;Ответ", "Question|Réponse", "質問,回答", "질문,답변", "سؤال,جواب",
     "sep=;\nFrage;Antwort", "FAQ 2026,\nNote,\nQuestion:,Answer (approved)"],
)  # fmt: skip
def test_columns_are_matched_in_several_languages_and_separators(header: str) -> None:
    separator = next(s for s in "\t;|," if s in header.split("\n")[-1])
    parsed = parse("faq.csv", f"{header}\nA one?{separator}B two.\n".encode())
    assert entries(parsed) == [("A one?", "B two.")]


def test_rows_that_cannot_be_entries_are_named_and_the_others_stay() -> None:
    rows = "1,Q1?,A1.\n2,,A2.\n3,Q3?,\n4,,\n,,\n6,Q6?,A6.\n"
    parsed = parse("faq.csv", ("id,question,answer\n" + rows).encode())
    assert [q for q, _ in entries(parsed)] == ["Q1?", "Q6?"]
    assert [(s.location, s.reason) for s in parsed.skipped] == [
        ("row 3", "The question is empty."),
        ("row 4", "The answer is empty."),
        ("row 5", "The question and the answer are empty."),
    ]


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        ("03/04/2026", "", "valid from date '03/04/2026' is unclear. Write it as 2026-12-31."),
        ("2026-02-30", "", "valid from date '2026-02-30' is unclear"),
        ("", "soon", "valid until date 'soon' is unclear"),
        ("2026-05-02", "2026-05-01", "valid from 2026-05-02, but only until 2026-05-01"),
    ],
)
def test_unclear_dates_are_named_rather_than_guessed(start: str, end: str, reason: str) -> None:
    data = f"question,answer,valid_from,valid_until\nQ?,A.,{start},{end}\nOther?,Yes.,,\n"
    parsed = parse("faq.csv", data.encode())
    assert [q for q, _ in entries(parsed)] == ["Other?"]
    assert reason in parsed.skipped[0].reason


@pytest.mark.parametrize("date", ["2026-12-31", "31.12.2026", "31/12/2026", "2026年12月31日"])
def test_clear_dates_are_read(date: str) -> None:
    parsed = parse("faq.csv", f"question,answer,valid_until\nQ?,A.,{date}\n".encode())
    assert parsed.sections[0].valid_until == "2026-12-31"


def test_a_file_with_nothing_usable_says_so() -> None:
    with pytest.raises(UnreadableFile, match=r"Nothing in it can be used\. row 2: The answer"):
        parse("faq.csv", b"question,answer\nQ?,\nR?,\n")


def test_a_table_that_is_no_faq_becomes_lines_that_name_their_columns() -> None:
    data = "Country,Days,Price\nGermany,3,4.90 EUR\nFrance,5,6.50 EUR\n"
    parsed = parse("shipping.csv", data.encode())
    assert [(s.text, s.location) for s in parsed.sections] == [
        ("Country: Germany; Days: 3; Price: 4.90 EUR", "row 2"),
        ("Country: France; Days: 5; Price: 6.50 EUR", "row 3"),
    ]


def test_a_title_apart_from_the_first_table_is_that_of_all_tables_of_a_sheet() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["Prices 2026 (in EUR)"], [], ["Box", "A day", "A week"], ["Small", 3, 15], ["Big", 5, 25],
        [], ["Extras"], ["Extra", "A day", "A week"], ["Lock", 1, 5], ["Lamp", 2, 10],
    ):  # fmt: skip
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    paths = [section.title_path for section in parse("prices.xlsx", out.getvalue()).sections]
    assert paths == [("Prices 2026 (in EUR)",)] * 2 + [("Prices 2026 (in EUR)", "Extras")] * 2


def test_a_workbook_gives_its_sheets_with_dates_and_amounts_as_shown() -> None:
    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    first.title = "FAQ"
    first.append(["Question", "Answer", "Valid until"])
    first.append(["How long?", "Three days.", dt.date(2026, 12, 31)])
    prices = book.create_sheet("Prices")
    prices.append(["Country", "Price", "Discount"])
    prices.append(["Germany", 4.9, 0.15])
    prices["B2"].number_format = "0.00 €"
    prices["C2"].number_format = "0%"
    book.create_sheet("Empty")
    book.create_sheet("Old").sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    parsed = parse("faq.xlsx", out.getvalue())
    assert entries(parsed) == [("How long?", "Three days.")]
    assert parsed.sections[0].valid_until == "2026-12-31"
    assert parsed.sections[1].text == "Country: Germany; Price: 4.90 €; Discount: 15%"
    assert parsed.sections[1].title_path == ("Prices",)
    assert parsed.sections[1].location == "sheet Prices, row 2"
    assert {s.location for s in parsed.skipped} == {"sheet Empty", "sheet Old"}


def test_a_category_merged_over_several_rows_reaches_all_of_them() -> None:
    book = openpyxl.Workbook()
    rows: list[list[str | None]] = [
        ["category", "question", "answer"],
        ["returns", "One?", "1."],
        [None, "Two?", "2."],
    ]
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    out = io.BytesIO()
    book.save(out)
    data = out.getvalue()
    parsed = parse("faq.xlsx", data)
    assert [s.category for s in parsed.sections] == ["returns", "returns"]


def test_a_formula_error_is_named() -> None:
    rows = '<row r="1"><c r="A1" t="e"><v>#REF!</v></c></row>'
    rows += '<row r="2"><c r="A2" t="inlineStr"><is><t>Some text.</t></is></c></row>'
    parsed = parse("list.xlsx", sheet(rows))
    assert parsed.skipped[0].reason == "A formula in it gives #REF!. Correct it."


def test_jsonl_and_json_hold_entries_and_passages() -> None:
    records = [
        {"id": "1", "question": "Q?", "answer": "A.", "lang": "de", "variants": ["v", "w"]},
        {"id": "2", "text": "A passage.", "title": "Guide", "lang": "en"},
        {"id": "3", "question": "No answer?"},
        ["neither"],
    ]
    lines = "\n".join(json.dumps(record) for record in records) + "\n{broken\n"
    for name, data in (("a.jsonl", lines), ("a.json", json.dumps({"faq": records}))):
        parsed = parse(name, data.encode())
        assert parsed.sections[0].variants == ("v", "w")
        assert parsed.sections[0].language == "de"
        assert parsed.sections[1].title_path == ("Guide",)
        assert [s.location for s in parsed.skipped][:2] == ["row 3", "row 4"]
    assert parse("a.jsonl", lines.encode()).skipped[-1].reason.startswith("The line is no JSON")


def test_json_may_map_questions_to_answers() -> None:
    assert entries(parse("faq.json", b'{"How long?": "Three days."}')) == [
        ("How long?", "Three days.")
    ]


def test_rows_in_are_rows_out_or_named() -> None:
    rows = [["question", "answer"]]
    for number in range(200):
        question = "" if number % 7 == 0 else f"Question {number}?"
        rows.append([question, "" if number % 11 == 0 else f"Answer {number}."])
    data = "\n".join(",".join(row) for row in rows).encode()
    for name, content in (("faq.csv", data), ("faq.xlsx", xlsx(rows))):
        parsed = parse(name, content)
        filled = sum(any(row) for row in rows[1:])
        assert len(parsed.sections) + len(parsed.skipped) == filled


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("faq.csv", b"Kundenfrage;Text;Thema\nWie lange?;Drei Tage.;Versand\n"),
        ("faq.csv", b"Stand 2026;;\nThema;kundenfrage:;TEXT\nVersand;Wie lange?;Drei Tage.\n"),
        ("faq.xlsx", xlsx([["Kundenfrage", "Text", "Thema"], ["Wie lange?", "Drei Tage.", "V"]])),
        ("faq.json", json.dumps([{"Kundenfrage": "Wie lange?", "Text": "Drei Tage."}]).encode()),
    ],
    ids=["csv", "header below a title", "xlsx", "json"],
)
def test_columns_with_other_names_can_be_given(name: str, data: bytes) -> None:
    given = "question=Kundenfrage,answer=Text"
    assert entries(parse(name, data, given)) == [("Wie lange?", "Drei Tage.")]


def test_a_given_column_overrules_the_usual_name() -> None:
    data = b"question,answer,short answer\nHow long?,It depends on much.,Three days.\n"
    assert entries(parse("faq.csv", data, "answer=short answer")) == [("How long?", "Three days.")]


def test_a_given_column_that_is_not_there_is_named() -> None:
    with pytest.raises(UnreadableFile, match=r"no header with the given columns \(answer=Text\)"):
        parse("faq.csv", (HEADER + "r1,q?,a,,,,,\n").encode(), "answer=Text")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("question", "'question' is no field with a name"),
        ("frage=Frage", "'frage=Frage' is no field with a name"),
        ("question=", "is no field with a name"),
        ("question=a,question=b", "'question=b' comes twice"),
        ("question=a,answer=a", "'answer=a' comes twice"),
        ("question=" + "x" * 200, "longer than 140 characters"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadColumns, match=rf"{reason}.* fields are question, answer, .*changed"):
        read_columns(text)


def test_a_mapping_is_written_as_it_is_read() -> None:
    assert written(read_columns(" answer = Text , question=Kunden frage")) == (
        "question=Kunden frage,answer=Text"
    )
    assert written(read_columns("")) == ""


def test_a_table_of_questions_under_unknown_names_asks_which_columns_mean_what() -> None:
    data = "Kundenfrage;Gilt;Text\nWo?;x;Am Hafen in der Halle.\nWann?;y;Von neun bis fünf.\n"
    parsed = parse("faq.csv", data.encode())
    assert len(parsed.sections) == 2
    (asked,) = parsed.skipped
    assert asked.location == "row 1"
    assert asked.reason == (
        "No two columns are named as questions and answers, so the rows were read as text. If "
        "'Kundenfrage' holds the questions and 'Text' the answers, give the columns "
        "question=Kundenfrage,answer=Text."
    )
    given = asked.reason.rpartition("columns ")[2].rstrip(".")
    assert entries(parse("faq.csv", data.encode(), given))[0] == ("Wo?", "Am Hafen in der Halle.")


@pytest.mark.parametrize(
    "data",
    [
        "Part;Price\nPad;12\nChain;29\n",
        "Part;Note\nPad;new?\nChain;old\nBell;red\n",
        "Frage;Antwort\nWo?;Hier.\nWann?;Jetzt.\n",
    ],
)
def test_other_tables_ask_nothing(data: str) -> None:
    assert parse("table.csv", data.encode()).skipped == ()
