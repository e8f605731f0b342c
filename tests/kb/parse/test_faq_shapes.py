"""An FAQ is recognised in whatever format and language it comes (issue 5)."""

import io
from collections.abc import Callable, Sequence

import docx
import pytest

from kb.parse import parse
from tests.kb.parse import hostile

PAIRS = {
    "en": (
        ("Can I return a bike?", "Yes, within 30 days."),
        ("Do you ship abroad?", "Yes, to 12 countries."),
        ("Is there a warranty?", "Two years."),
    ),
    "zh": (
        ("可以退货吗？", "可以，三十天之内。"),
        ("支持海外配送吗？", "支持十二个国家。"),
        ("有保修吗？", "保修两年。"),
    ),
    "de": (
        ("Kann ich ein Rad zurückgeben?", "Ja, innerhalb von 30 Tagen."),
        ("Liefern Sie ins Ausland?", "Ja, in 12 Länder."),
        ("Gibt es eine Garantie?", "Zwei Jahre."),
    ),
    "es": (
        ("¿Puedo devolver una bici?", "Sí, en 30 días."),
        ("¿Envían al extranjero?", "Sí, a 12 países."),
        ("¿Hay garantía?", "Dos años."),
    ),
    "ru": (
        ("Можно ли вернуть велосипед?", "Да, в течение 30 дней."),
        ("Вы отправляете за границу?", "Да, в 12 стран."),
        ("Есть ли гарантия?", "Два года."),
    ),
}
MARKS = {
    "en": (
        ("Q:", "A:"),
        ("Q.", "A."),
        ("Question:", "Answer:"),
        ("Q1:", "A1:"),
        ("**Q:**", "**A:**"),
    ),
    "zh": (("问：", "答："), ("问题：", "回答："), ("问:", "答:"), ("问题1：", "答案1：")),
    "de": (("F:", "A:"), ("Frage:", "Antwort:"), ("Frage 1:", "Antwort 1:")),
    "es": (("P:", "R:"), ("Pregunta:", "Respuesta:")),
    "ru": (("В:", "О:"), ("Вопрос:", "Ответ:")),
}
CASES = [(language, *marks) for language, found in MARKS.items() for marks in found]

Pairs = Sequence[tuple[str, str]]


def paragraphs(texts: Sequence[str]) -> bytes:
    document = docx.Document()
    for text in texts:
        document.add_paragraph(text)
    return saved(document)


def saved(document: "docx.document.Document") -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def lines(pairs: Pairs, ask: str, reply: str) -> list[str]:
    """Write pairs with their marks; after a wide colon there is no blank."""
    blank = "" if ask.endswith("：") else " "
    return [line for q, a in pairs for line in (f"{ask}{blank}{q}", f"{reply}{blank}{a}")]


def plain(text: str) -> str:
    return text.replace("**", "")


MARKED: dict[str, Callable[[Sequence[str]], bytes]] = {
    "guide.txt": lambda found: "\n".join(found).encode(),
    "spaced.txt": lambda found: "\n\n".join(found).encode(),
    "guide.md": lambda found: "\n\n".join(found).encode(),
    "tight.md": lambda found: "\n".join(found).encode(),
    "guide.html": lambda found: "".join(f"<p>{plain(line)}</p>" for line in found).encode(),
    "breaks.html": lambda found: f"<p>{'<br>'.join(map(plain, found))}</p>".encode(),
    "guide.docx": lambda found: paragraphs([plain(line) for line in found]),
}


def entries(name: str, data: bytes) -> list[tuple[str, str]]:
    return [(s.text, s.answer) for s in parse(name, data).sections if s.answer]


@pytest.mark.parametrize("name", MARKED)
@pytest.mark.parametrize(("language", "ask", "reply"), CASES)
def test_marked_questions_and_answers_become_entries(
    name: str, language: str, ask: str, reply: str
) -> None:
    if "*" in ask and not name.endswith(".md"):
        pytest.skip("stars are Markdown")
    data = MARKED[name](lines(PAIRS[language], ask, reply))
    assert entries(name, data) == list(PAIRS[language])


def heading_docx(pairs: Pairs) -> bytes:
    document = docx.Document()
    for question, answer in pairs:
        document.add_heading(question, 2)
        document.add_paragraph(answer)
    return saved(document)


HEADINGS: dict[str, Callable[[Pairs], bytes]] = {
    "help.md": lambda pairs: "\n\n".join(f"## {q}\n\n{a}" for q, a in pairs).encode(),
    "help.html": lambda pairs: "".join(f"<h2>{q}</h2><p>{a}</p>" for q, a in pairs).encode(),
    "help.docx": heading_docx,
}


@pytest.mark.parametrize("name", HEADINGS)
@pytest.mark.parametrize("language", PAIRS)
def test_headings_that_are_questions_become_entries(name: str, language: str) -> None:
    assert entries(name, HEADINGS[name](PAIRS[language])) == list(PAIRS[language])


def table_docx(pairs: Pairs) -> bytes:
    document = docx.Document()
    table = document.add_table(rows=0, cols=2)
    for pair in pairs:
        for cell, text in zip(table.add_row().cells, pair, strict=True):
            cell.text = text
    return saved(document)


TABLES: dict[str, Callable[[Pairs], bytes]] = {
    "table.md": lambda pairs: (
        f"| {pairs[0][0]} | {pairs[0][1]} |\n|---|---|\n"
        + "\n".join(f"| {q} | {a} |" for q, a in pairs[1:])
    ).encode(),
    "table.html": lambda pairs: (
        "<table>" + "".join(f"<tr><td>{q}</td><td>{a}</td></tr>" for q, a in pairs) + "</table>"
    ).encode(),
    "table.docx": table_docx,
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("language", PAIRS)
def test_tables_of_two_columns_become_entries(name: str, language: str) -> None:
    assert entries(name, TABLES[name](PAIRS[language])) == list(PAIRS[language])


def test_a_zip_of_every_format_gives_each_file_and_names_what_it_leaves_out() -> None:
    pairs = PAIRS["en"]
    table = [("question", "answer"), *pairs]
    members = {
        "a.csv": "\n".join(f'"{q}","{a}"' for q, a in table).encode(),
        "b.tsv": "\n".join(f"{q}\t{a}" for q, a in table).encode(),
        "c.xlsx": hostile.xlsx([list(row) for row in table]),
        "d.jsonl": "\n".join(f'{{"question": "{q}", "answer": "{a}"}}' for q, a in pairs).encode(),
        "e/f.md": HEADINGS["help.md"](pairs),
        "e/g.html": HEADINGS["help.html"](pairs),
        "h.txt": MARKED["guide.txt"](lines(pairs, "Q:", "A:")),
        "i.docx": heading_docx(pairs),
        "j.pdf": hostile.pdf("Returns are free within thirty days.", "Shipping takes three days."),
        "k.png": b"\x89PNG\r\n\x1a\n" + bytes(50),
        "l.zip": hostile.zipped({"m.txt": b"nested"}),
        "n.csv": b"question,answer\nNo answer?,\nFine?,Yes.\n",
        "__MACOSX/._a.csv": b"\x00\x05\x16\x07",
    }
    parsed = parse("all.zip", hostile.zipped(members))
    found: dict[str, list[tuple[str, str]]] = {}
    for section in parsed.sections:
        found.setdefault(section.location.split(",")[0], []).append((section.text, section.answer))
    for name in ("a.csv", "b.tsv", "c.xlsx", "d.jsonl", "e/f.md", "e/g.html", "h.txt", "i.docx"):
        assert found.pop(name) == list(pairs), name
    assert found.pop("n.csv") == [("Fine?", "Yes.")]
    assert "thirty days" in found.pop("j.pdf")[0][0]
    assert found == {}
    skipped = {s.location: s.reason for s in parsed.skipped}
    assert sorted(skipped) == ["k.png", "l.zip", "n.csv, row 2"]
    assert all(reason for reason in skipped.values())


def test_a_separator_before_a_blank_is_a_part_of_its_cell() -> None:
    table = 'question;answer\nWhen?;"Mostly at 9\non Sunday; at 10"\nWho?;We.\nSize?;"2 m" wide\n'
    found = [(s.text, s.answer) for s in parse("a.csv", table.encode()).sections]
    assert found == [("When?", "Mostly at 9\non Sunday; at 10"), ("Who?", "We."),
                     ("Size?", '"2 m" wide')]  # fmt: skip


def test_quotation_marks_behind_a_backslash_belong_to_their_cell() -> None:
    table = 'question,answer\nBig?,"It is \\"huge\\", really"\nPath?,"C:\\"\nWho?,We.\n'
    found = [(s.text, s.answer) for s in parse("a.csv", table.encode()).sections]
    assert found == [("Big?", 'It is "huge", really'), ("Path?", "C:\\"), ("Who?", "We.")]


def test_columns_are_asked_for_where_questions_have_no_mark() -> None:
    table = "怎么退款\t在订单页申请\n多久到账\t3天\n如何联系客服\t打电话400-1\n"
    asked = parse("a.tsv", table.encode()).skipped[0]
    assert asked.columns[0] == "question=1,answer=2"


def test_folded_parts_in_a_folded_part_stand_under_its_title() -> None:
    def folded(title: str, inside: str) -> str:
        return f"<details><summary>{title}</summary>{inside}</details>"

    cards = folded("Which cards do you take?", "<p>Visa.</p>")
    invoice = folded("Can I pay by invoice?", "<p>Companies can.</p>")
    page = f"<h1>Help</h1>{folded('Payments', cards + invoice)}<p>Call us.</p>"
    parsed = parse("a.html", page.encode())
    assert [(s.title_path, s.text) for s in parsed.sections] == [
        (("Help",), "Call us."),
        (("Help", "Payments", "Which cards do you take?"), "Visa."),
        (("Help", "Payments", "Can I pay by invoice?"), "Companies can."),
    ]
    assert not parsed.skipped


def test_an_element_with_the_role_of_a_button_heads_what_it_opens() -> None:
    page = "<h1>Help</h1>" + "".join(
        f'<div role="button" aria-controls="t{n}">{title}</div>'
        f'<div id="t{n}" style="display:none"><p>{text}</p></div>'
        for n, (title, text) in enumerate((("Delivery", "In 3 days."), ("Returns", "In 30 days.")))
    )
    assert [(s.title_path[-1], s.text) for s in parse("a.html", page.encode()).sections] == [
        ("Delivery", "In 3 days."), ("Returns", "In 30 days."),
    ]  # fmt: skip
