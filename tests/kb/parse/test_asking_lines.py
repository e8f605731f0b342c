"""Questions in lines of their own, bold, numbered or in lists, are entries (issue 17)."""

import io

import docx
import pytest

from kb.parse import parse
from tests.kb.parse.office import odf, pptx

PAIRS = [
    ("May I pay later than on the day of the delivery?", "Within 14 days."),
    ("Is it new?", "No."),
    ("How long?", "2 m."),
]
SHAPES = {
    "a.md": "**{q}**\n\n{a}\n\n", "b.md": "- {q}\n  - {a}\n", "a.txt": "{q}\n{a}\n\n",
    "b.txt": "{n}. {q}\n{a}\n\n", "a.html": "<p><strong>{q}</strong><br>{a}</p>",
    "c.txt": "Q{n}) {q}\nA{n}) {a}\n", "d.txt": "【Q】{q}\n【A】{a}\n",
    "e.txt": "Ques: {q}\nAns: {a}\n", "f.txt": "{n}) {q} {a}\n", "c.md": "**{q}** {a}\n\n",
    "d.md": "{n}. **{q}**\n   {a}\n", "b.html": "<p><b>{q}</b> {a}</p>",
    "e.md": "- __{q}__ {a}\n", "c.html": "<ul><li><strong>{q}</strong> {a}</li></ul>",
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_lines_that_ask_are_entries_with_what_stands_below(name: str) -> None:
    text = "".join(SHAPES[name].format(q=q, a=a, n=n) for n, (q, a) in enumerate(PAIRS, 1))
    found = [(s.text, s.answer.strip(" -")) for s in parse(name, text.encode()).sections]
    assert found == PAIRS


def test_bold_questions_end_their_line_in_other_formats_too() -> None:
    halves = [(q[: len(q) // 2], q[len(q) // 2 :], a) for q, a in PAIRS]  # in two bold runs
    bold = '<a:r><a:rPr b="1"/><a:t>{}</a:t></a:r>'
    slide = "</a:p><a:p>".join(
        f"{bold.format(x)}{bold.format(y)}<a:r><a:t> {a}</a:t></a:r>" for x, y, a in halves
    )
    span = '<text:span text:style-name="B">{}</text:span>'
    lines = "</text:p><text:p>".join(f"{span.format(x)}{span.format(y)} {a}" for x, y, a in halves)
    rich = "".join(rf"{{\b {x}}}{{\b {y}}} {a}\par " for x, y, a in halves)
    document = docx.Document()
    for x, y, a in halves:
        paragraph = document.add_paragraph()
        for words in (x, y):
            paragraph.add_run(words).bold = True
        paragraph.add_run(f" {a}")
    out = io.BytesIO()
    document.save(out)
    for name, data in (
        ("a.pptx", pptx(slide)), ("a.odt", odf(lines)),
        ("a.rtf", rf"{{\rtf1\ansi {rich}}}".encode()), ("a.docx", out.getvalue()),
    ):  # fmt: skip
        assert [(s.text, s.answer) for s in parse(name, data).sections] == PAIRS, name


CHINESE = [("如何退货", "收到商品七天内联系客服。"), ("怎么付款", "支持支付宝和微信。"),
           ("多久发货", "下单后48小时内发货。")]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["a.md", "b.md", "d.md", "a.txt", "b.txt", "a.html", "g.md", "b.html"]
)
def test_chinese_lines_that_ask_need_no_question_mark(name: str) -> None:
    shape = {**SHAPES, "g.md": "{q}\n{a}\n\n", "b.html": "<p>{q}</p><p>{a}</p>"}[name]
    text = "".join(shape.format(q=q, a=a, n=n) for n, (q, a) in enumerate(CHINESE, 1))
    found = [(s.text, s.answer.strip(" -")) for s in parse(name, text.encode()).sections]
    assert found == CHINESE


def test_bold_chinese_questions_of_office_files_need_no_mark_either() -> None:
    span = '<text:p><text:span text:style-name="B">{}</text:span></text:p><text:p>{}</text:p>'
    lines = "".join(span.format(q, a) for q, a in CHINESE)
    parsed = parse("a.odt", odf(f"</text:p>{lines}<text:p>"))
    assert [(s.text, s.answer) for s in parsed.sections] == CHINESE


def test_a_line_of_chinese_text_is_no_question() -> None:
    text = "我们的门店不管多少人都可以来。\n欢迎光临。\n\n如何前往请看地图，谢谢。\n好的。\n"
    assert [s for s in parse("a.txt", text.encode()).sections if s.answer] == []


@pytest.mark.parametrize(
    "text",
    ["Why a lamp?\nIt shines.\n\nWhy a desk?\nIt stands.\n\nThe end.\n",
     "Is it?\nIs it new?\nIs it old?\nIs it red?\nYes.\n",
     "It is late. Is it?\nYes.\n\nWell. Was it?\nNo.\n\nSo. Who is it?\nMe.\n"],
)  # fmt: skip
def test_a_question_here_and_there_makes_no_entries(text: str) -> None:
    assert [s for s in parse("a.txt", text.encode()).sections if s.answer] == []


def test_a_table_below_a_question_stays_in_its_answer() -> None:
    table = "<table><tr><th>To</th><th>Price</th></tr><tr><td>EU</td><td>9.90</td></tr></table>"
    page = f"<p>What does it cost?</p><p>It depends:</p>{table}<p>Is it new?</p><p>No.</p>"
    page += "<p>How long?</p><p>2 m.</p>"
    parsed = parse("a.html", page.encode())
    assert parsed.sections[0].answer == "It depends:\n\nTo: EU; Price: 9.90"


def test_a_bold_question_of_a_document_ends_its_line() -> None:
    document = docx.Document()
    for question, answer in PAIRS:
        paragraph = document.add_paragraph()
        paragraph.add_run(question).bold = True
        paragraph.add_run(f" {answer}")
    out = io.BytesIO()
    document.save(out)
    assert [(s.text, s.answer) for s in parse("a.docx", out.getvalue()).sections] == PAIRS


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.md", "| Frage | Antwort | Link |\n|---|---|---|\n| Wie? | Erst A. | a.example |\n"
      "| | Dann B. | |\n| Wer? | Ich. | |\n"),
     ("a.html", "<table><tr><th>Frage<th>Antwort<th>Link<tr><td rowspan=2>Wie?<td>Erst A."
      "<td>a.example<tr><td>Dann B.<td><tr><td>Wer?<td>Ich.<td></table>")],
)  # fmt: skip
def test_an_answer_over_several_rows_is_one_with_what_stands_beside_it(
    name: str, text: str
) -> None:
    found = [(s.text, s.answer) for s in parse(name, text.encode()).sections]
    assert found == [("Wie?", "Erst A.\nLink: a.example\nDann B."), ("Wer?", "Ich.")]
