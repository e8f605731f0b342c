"""Workbooks, tables and JSON as people have them (issue 17)."""

import datetime as dt
import io
import json
import zipfile
from collections.abc import Sequence
from typing import Any

import openpyxl
import PIL.Image
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.drawing.image import Image
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from core.types import ParsedFile
from kb.parse import parse
from tests.kb.parse.office import zipped


def book(*rows: Sequence[Any]) -> tuple[openpyxl.Workbook, Worksheet]:
    made = openpyxl.Workbook()
    page = made.active
    assert isinstance(page, Worksheet)
    for row in rows:
        page.append(list(row))
    return made, page


def saved(made: openpyxl.Workbook) -> ParsedFile:
    out = io.BytesIO()
    made.save(out)
    return parse("a.xlsx", out.getvalue())


def table(text: str, name: str = "a.csv", columns: str = "") -> ParsedFile:
    return parse(name, text.encode(), columns)


def entries(parsed: ParsedFile) -> list[tuple[str, str]]:
    return [(s.text, s.answer) for s in parsed.sections if s.answer]


def texts(parsed: ParsedFile) -> list[str]:
    return [s.text for s in parsed.sections]


def reasons(parsed: ParsedFile) -> str:
    return "\n".join(f"{s.location}: {s.reason}" for s in parsed.skipped)


# --- workbooks ---------------------------------------------------------------------------------


def test_pictures_over_and_in_cells_say_their_word_or_are_named() -> None:
    made, page = book(["Part", "Stock", "Price"], ["Lamp", "", 4], ["Desk", "yes", 5], ["Bed", 1])
    for cell in ("B2", "B3", "A9"):
        dot = io.BytesIO()
        PIL.Image.new("L", (1, 1)).save(dot, "PNG")
        page.add_image(Image(dot), cell)
    page["C4"] = "#VALUE!"
    out = io.BytesIO()
    made.save(out)
    parts: dict[str, str | bytes] = {"xl/richData/richValueRel.xml": "<r/>"}
    with zipfile.ZipFile(out) as archive:
        for name in archive.namelist():
            part = archive.read(name)
            part = part.replace(b'descr="Picture"', b'descr="no"', 1)
            parts[name] = part.replace(b'<c r="C4"', b'<c vm="1" r="C4"')
    parsed = parse("a.xlsx", zipped(parts))
    assert texts(parsed) == ["Part: Lamp; Stock: no; Price: 4", "Part: Desk; Stock: yes; Price: 5",
                             "Part: Bed; Stock: 1"]  # fmt: skip
    assert "Pictures are not read: C4, B3, A9." in reasons(parsed)


def test_cells_are_read_as_their_formats_show_them() -> None:
    made, page = book(["Part", "Number", "Rent", "Since"], ["Hose", 42, dt.timedelta(hours=30), 1])
    page["B2"].number_format, page["C2"].number_format = "00000", "[h]:mm"
    page["D2"].number_format = '0" %"'
    assert texts(saved(made)) == ["Part: Hose; Number: 00042; Rent: 30:00; Since: 1 %"]


def test_dates_are_shown_as_in_the_sheet_and_limit_an_entry_all_the_same() -> None:
    rows: list[list[Any]] = [
        ["Frage", "Antwort", "gültig bis"],
        [
            "Wann beginnt der Kurs?",
            dt.datetime.fromisoformat("2026-03-04T18:30"),
            dt.date(2026, 12, 1),
        ],
        ["Wie lange dauert er?", "Drei Stunden.", dt.date(2026, 12, 1)],
    ]
    made, page = book(*rows)
    page["B2"].number_format, page["C2"].number_format = "d/ mmmm yyyy h:mm", "mm/dd/yyyy"
    first, _ = saved(made).sections
    assert (first.answer, first.valid_until) == ("4. März 2026 18:30", "2026-12-01")


def test_hidden_rows_and_columns_are_left_out_and_named() -> None:
    rows: list[list[Any]] = [
        ["Model", "Price", "Cost", "Stock"],
        ["K1", 39, 17, "yes"],
        ["K0", 19, 9, "no"],
    ]
    made, page = book(*rows, ["K2", 59, 24, "yes"])
    page.row_dimensions[3].hidden = True
    page.column_dimensions["C"].hidden = True
    parsed = saved(made)
    assert texts(parsed) == ["Model: K1; Price: 39; Stock: yes", "Model: K2; Price: 59; Stock: yes"]
    assert "Hidden rows were left out: 1." in reasons(parsed)
    assert "Hidden columns were left out: C." in reasons(parsed)


def test_formulas_without_a_result_are_named_and_links_are_read() -> None:
    made, page = book(["question", "answer"], ["Fee?", '="Costs "&4&" euros."'], ["Form?", None])
    page["B3"] = '=HYPERLINK("https://a.example/r","Return form")'
    page.append(["Open?", "From nine."])
    parsed = saved(made)
    assert entries(parsed) == [
        ("Form?", "Return form (https://a.example/r)"), ("Open?", "From nine."),
    ]  # fmt: skip
    assert reasons(parsed) == (
        "sheet Sheet, row 2: It has a formula without a stored result. Open the file in a "
        "spreadsheet program, save it and upload it again."
    )


def test_a_link_behind_a_cell_stays_with_the_answer() -> None:
    made, page = book(["question", "answer"], ["How?", "Use the portal."], ["Why?", "So."])
    page["B2"].hyperlink = "https://a.example/start"
    assert entries(saved(made))[0] == ("How?", "Use the portal. (https://a.example/start)")


def test_struck_out_and_raised_words_of_cells_are_read_as_they_are_shown() -> None:
    made, page = book(["Item", "Price", "Before"], ["Lamp", "", "49"], ["Desk", "99", "120"])
    small, gone = InlineFont(vertAlign="superscript"), InlineFont(strike=True)
    page["B2"] = CellRichText(TextBlock(gone, "49 "), "29", TextBlock(small, "95"), " euros")
    page["C2"].font = Font(strike=True)
    parsed = saved(made)
    assert texts(parsed)[0] == "Item: Lamp; Price: 29.95 euros"
    assert "sheet Sheet: Cells struck out were left out: 1." in reasons(parsed)
    assert "the file: 1 words in it are hidden or struck out: left out." in reasons(parsed)


def test_the_answers_to_a_merged_question_are_one() -> None:
    made, page = book(["topic", "question", "answer"], ["S", "How long?", "Here: 2 days."])
    page.append([None, None, "EU: 5 days."])
    page.append(["R", "Who pays?", "We do."])
    page.merge_cells("A2:A3")
    page.merge_cells("B2:B3")
    parsed = saved(made)
    assert entries(parsed) == [("How long?", "Here: 2 days.\nEU: 5 days."), ("Who pays?", "We do.")]
    assert parsed.skipped == ()


# --- tables ------------------------------------------------------------------------------------


def test_an_answer_that_goes_on_below_is_one_and_named() -> None:
    parsed = table("question,answer\nHow?,1. Open.\n,2. Press.\nFree?,Yes.\n")
    assert entries(parsed) == [("How?", "1. Open.\n2. Press."), ("Free?", "Yes.")]
    assert reasons(parsed) == "row 3: The question is empty: read as more of the answer at row 2."


def test_a_quotation_mark_that_is_not_closed_swallows_no_rows() -> None:
    rows = ['Mount?\t"Press" the clip.', 'Long?\t"2.5 metres.', "Dim?\tNo.", 'Wide?\t15" each']
    parsed = table("\n".join(["Question\tAnswer", *rows]), "a.tsv")
    assert entries(parsed) == [
        ("Mount?", '"Press" the clip.'), ("Long?", '"2.5 metres.'), ("Dim?", "No."),
        ("Wide?", '15" each'),
    ]  # fmt: skip
    assert "row 3: A quotation mark in it is not closed" in reasons(parsed)


def test_quoted_cells_beside_stray_marks_are_read_as_they_are_meant() -> None:
    parsed = table('q,a\nBig?,"15" wide"\n"Press" it?,"two\nlines, ok"\nSo?,"a ""b"" c"\n')
    assert entries(parsed) == [
        ("Big?", '15" wide'), ('"Press" it?', "two\nlines, ok"), ("So?", 'a "b" c'),
    ]  # fmt: skip


def test_an_unquoted_comma_cuts_no_answer() -> None:
    parsed = table("question,answer\nCater?,Yes, from 20 persons.\nFree?,No.\n")
    assert entries(parsed)[0] == ("Cater?", "Yes, from 20 persons.")
    assert "joined to 'answer'" in reasons(parsed)


@pytest.mark.parametrize(
    "text", [";Small;Large\nStandard;4,90;7,90\nExpress;9,90;14,90\n",
             "Size;Small;\nStandard;4,90;yes\nExpress;9,90;no\n"],
)  # fmt: skip
def test_a_header_may_have_an_empty_cell(text: str) -> None:
    first = texts(table(text))[0]
    assert first in {"Standard; Small: 4,90; Large: 7,90", "Size: Standard; Small: 4,90; yes"}


def test_html_in_cells_becomes_text() -> None:
    cell = (
        '<p>Print <a href=""https://a.example/l"">it</a>.</p><ul><li>Pack</li></ul>A&nbsp;&amp; B'
    )
    rows = f'question,answer\nHow?,"{cell}"\nWhere?,In <b>Orders</b> &gt; <em>Bills</em>.<br>Ask.\n'
    rows += "Small?,<5 kg or <name> & co\nSteps?,1. Get\\n2. Run C:\\new\n"
    assert entries(table(rows)) == [
        ("How?", "Print it (https://a.example/l).\n\n- Pack\n\nA & B"),
        ("Where?", "In Orders > Bills.\nAsk."),
        ("Small?", "<5 kg or <name> & co"),
        ("Steps?", "1. Get\n2. Run C:\\new"),
    ]


ASKED = "Do you ship?,Yes\nIs cash ok?,No\nMay I pay later?,No\n"


@pytest.mark.parametrize("header", ["question", "Title", "question,category", "Do you rent?"])
def test_questions_without_answers_are_named(header: str) -> None:
    category = ",a" * header.count(",")
    rows = "".join(f"{row.partition(',')[0]}{category}\n" for row in ASKED.splitlines())
    parsed = table(f"{header}\n{rows}")
    assert entries(parsed) == []
    assert "It has questions and no column of answers" in reasons(parsed)


@pytest.mark.parametrize(
    ("header", "given"),
    [("Title,Body", "question=Title,answer=Body"),
     ("Customer asks,Reply text", "question=Customer asks,answer=Reply text")],
)  # fmt: skip
def test_two_columns_with_unknown_names_are_asked_about(header: str, given: str) -> None:
    parsed = table(f"{header}\n{ASKED}")
    assert entries(parsed) == []
    assert reasons(parsed).endswith(f"give the columns {given}.")
    assert len(entries(table(f"{header}\n{ASKED}", columns=given))) == 3


def test_what_columns_may_mean_is_offered_the_likeliest_first() -> None:
    parsed = table(f"Title,Body\n{ASKED}")
    assert parsed.skipped[0].columns == (
        "question=Title,answer=Body", "question=Body,answer=Title",
    )  # fmt: skip
    wide = table('Code;Ask;Say;"Note,1"\na;Ship?;Yes.;x\nb;Open?;No, on Sundays.;y\n')
    assert wide.skipped[0].columns == ("question=Ask,answer=Say", "question=Ask,answer=Code")


def test_a_known_name_is_proposed_before_a_longer_column() -> None:
    text = "Intent,Ask,Response\nlong intent name,Do you ship?,Yes\nlong name,Is cash ok?,No\n"
    assert reasons(table(text)).endswith("question=Ask,answer=Response.")


def test_two_columns_of_questions_and_answers_need_no_header() -> None:
    assert entries(table(ASKED))[0] == ("Do you ship?", "Yes")
    made, _ = book(*(line.split(",") for line in ASKED.strip().split("\n")))
    assert len(entries(saved(made))) == 3


def test_columns_without_a_header_are_given_by_number() -> None:
    text = "A;x;Do you ship?;Yes.\nB;y;Is cash ok?;No.\n"
    assert reasons(table(text)).endswith("give the columns question=3,answer=4.")
    given = table(text, columns="question=3,answer=4")
    assert entries(given) == [("Do you ship?", "Yes."), ("Is cash ok?", "No.")]


def test_columns_in_several_languages_are_entries_in_each() -> None:
    header = "id,Question EN,Answer EN,Frage (DE),Antwort (DE)"
    parsed = table(f"{header}\n7,Open?,Yes.,Offen?,Ja.\n8,Late?,No.,,\n")
    assert [(s.language, s.text, s.answer) for s in parsed.sections] == [
        ("en", "Open?", "Yes."), ("de", "Offen?", "Ja."), ("en", "Late?", "No."),
    ]  # fmt: skip


def test_columns_that_are_not_read_are_named_and_links_can_be_joined() -> None:
    rows = (
        "Question,Answer,Link,Notes\nBook?,Use the page.,https://b.example,call Mia\nFree?,Yes.,,\n"
    )
    parsed = table(rows)
    assert reasons(parsed) == (
        "row 1: Only questions and answers are read, not what stands under 'Link', 'Notes'. To "
        "have 'Link' at the end of each answer, give the columns answer=Answer+Link."
    )
    joined = entries(table(rows, columns="answer=Answer+Link"))
    assert joined == [("Book?", "Use the page.\nhttps://b.example"), ("Free?", "Yes.")]


def test_indexes_are_other_wordings() -> None:
    parsed = table('q,a,indexes\n怎么退货？,七天内。,"退货,要退货"\n')
    assert parsed.sections[0].variants == ("退货", "要退货")


BOTH = ["Open?", "Late?"]

# --- JSON --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        {"intents": [{"tag": "Time", "patterns": ["Open?", "Late?"], "responses": ["At 9.", "x"]}]},
        {"Time": [{"q": ["Open?", "Late?"], "a": "At 9."}], "Other": []},
        {"qna": [{"qid": "T.1", "q": ["Open?", "Late?"], "a": "At 9.", "tag": "Time"}]},
        {"groups": [{"name": "Time", "items": [{"questions": BOTH, "answer": ["At 9."]}]}]},
        {"qnaDocuments": [{"questions": BOTH, "answer": "<p>At 9.</p>", "topic": "Time"}]},
    ],
    ids=["intents", "keys as groups", "qna", "categories", "documents"],
)  # fmt: skip
def test_the_exports_of_other_bots_are_entries(value: Any) -> None:
    (section,) = parse("a.json", json.dumps(value).encode()).sections
    assert (section.text, section.answer, section.category) == ("Open?", "At 9.", "Time")
    assert section.variants == ("Late?",)


@pytest.mark.parametrize(
    "record",
    [
        {"instruction": "Open?", "input": "", "output": "At 9."},
        {"prompt": "Open?", "message": "At 9."},
        {"prompt": "Open?", "completion": "At 9."},
        {"messages": [{"role": "user", "content": "Open?"}, {"role": "bot", "content": "At 9."}]},
        {"title": "Open?", "body": "<p>At 9.</p>"},
        {"question": {"text": "Open?"}, "answer": {"text": "At 9."}},
    ],
)  # fmt: skip
def test_pairs_under_other_names_are_entries(record: Any) -> None:
    for name, data in (("a.json", [record]), ("a.jsonl", record)):
        assert entries(parse(name, json.dumps(data).encode())) == [("Open?", "At 9.")]


def test_a_record_without_an_answer_says_which_fields_it_has() -> None:
    data = [{"question": "Open?", "wisdom": "At 9."}, {"question": "Late?", "answer": "No."}]
    assert "Its fields are: question, wisdom." in reasons(
        parse("a.json", json.dumps(data).encode())
    )


def test_of_a_conversation_the_first_question_is_read_and_the_rest_named() -> None:
    said = [("user", "Open?"), ("assistant", "At 9."), ("user", "Late?"), ("assistant", "No.")]
    record = {"messages": [{"role": role, "content": text} for role, text in said]}
    parsed = parse("a.jsonl", json.dumps(record).encode())
    assert entries(parsed) == [("Open?", "At 9.")]
    assert "only the first of its 2 questions" in reasons(parsed)
