"""What the file says is what the customer reads (issue 17): figures, links, folded parts.

Each kind of fault is tried in every format in which it can happen.
"""

import io

import docx
import pytest
from docx.opc.constants import RELATIONSHIP_TYPE as RT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from kb.parse import parse
from kb.parse.marks import lowered, raised


def read(name: str, text: str) -> tuple[list[tuple[str, str]], str]:
    """Return the entries of a file, and the text of its passages."""
    parsed = parse(name, text.encode())
    entries = [(s.text, s.answer) for s in parsed.sections if s.answer]
    return entries, "\n".join(s.text for s in parsed.sections if not s.answer)


# --- figures -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "mark", "after", "written"),
    [
        ("costs 29", "99", " euros", ".99"), ("costs 1299", "00", "", ".00"),
        ("within 3", "1", " days", ""), ("4.90", "2", " euros", ""), ("4,90", "1)", "", ""),
        ("holds 10", "3", " litres", "³"), ("10", "-6", "", "⁻⁶"), ("10", "12", "", "¹²"),
        ("25 m", "2", "", "²"), ("40 см", "3", "", "³"), ("x", "2", "", "²"), ("5", "2", "", "²"),
        ("1", "1", "/2", " 1"), ("the 1", "st", " floor", "st"), ("Acme", "®", "", "®"),
        ("for 29,", "90", " €", "90"), ("29.", "95", "", "95"), ("29,", "9", "", ""),
        ("20", "o", "C", "°"), ("20 ", "0", " F", "°"), ("the 2", "o", " piso", "o"),
        ("Delivery", "3", "", ""), ("in stock.", "[2]", "", ""), ("", "2", " Islands", "²"),
    ],
)  # fmt: skip
def test_raised_digits_do_not_join_the_number_before_them(
    before: str, mark: str, after: str, written: str
) -> None:
    assert raised(before, mark, after=after) == written


def test_lowered_digits_do_not_join_either() -> None:
    assert lowered("H", "2") == "₂"
    assert lowered("1 1/", "2") == "2"
    assert raised("3", "a", link=True) == ""


RAISED = (
    "The lamp costs 19<sup>95</sup> euros within 5<sup>1</sup> days; 10<sup>6</sup> lux on "
    "8 m<sup>2</sup>, CO<sub>2</sub>, 1<sup>1</sup>/<sub>2</sub> hours."
)
AS_READ = "The lamp costs 19.95 euros within 5 days; 10⁶ lux on 8 m², CO₂, 1 1/2 hours."


@pytest.mark.parametrize("name", ["a.html", "a.md"])
def test_raised_digits_of_a_page_and_of_markdown_are_read_as_they_are_shown(name: str) -> None:
    assert read(name, RAISED)[1] == AS_READ


def test_raised_digits_in_a_cell_are_read_as_they_are_shown() -> None:
    table = "<table><tr><th>Item</th><th>Price</th></tr><tr><td>Lamp</td><td>19<sup>95</sup> €</td>"
    assert read("a.html", table)[1] == "Item: Lamp; Price: 19.95 €"


@pytest.mark.parametrize(
    ("page", "shown"),
    [("29<small>99</small> €", "29.99 €"), ('29<span class="price__cents">95</span> €', "29.95 €"),
     ("<b>29</b><i>99</i> pieces", "2999 pieces"), ("A4<small> 80 g</small>", "A4 80 g"),
     ('<span class="decimal">5</span><span class="decimal">,90</span> €', "5,90 €")],
)  # fmt: skip
def test_cents_in_small_letters_are_cents(page: str, shown: str) -> None:
    assert read("a.html", f"<p>{page}</p>")[1] == shown


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.html", "<p><del>49 euros</del> <ins>39 euros</ins>, <s>20</s> 15 pieces</p>"),
     ("a.md", "~~49 euros~~ 39 euros, <s>20</s> 15 pieces"),
     ("a.html", "<style>b.was{text-decoration:line-through}</style><p><b class=was>49 euros</b> 39 "
      'euros, <span style="text-decoration-line: line-through">20</span> 15 pieces</p>')],
)  # fmt: skip
def test_struck_out_words_are_left_out(name: str, text: str) -> None:
    assert read(name, text)[1] == "39 euros, 15 pieces"


def test_a_footnote_of_markdown_leaves_no_mark() -> None:
    assert read("a.md", "Yes, always[^1].\n\n[^1]: From May.")[1] == "Yes, always.\n\nFrom May."


# --- links -------------------------------------------------------------------------------------

LINKS = {
    "a.md": "See [our plans](https://a.example/p), [here](https://b.example), "
    "[mail](mailto:x@c.example) or [below](#x).",
    "a.html": '<p>See <a href="https://a.example/p">our plans</a>, '
    '<a href="https://b.example">here</a>, '
    '<a href="mailto:x@c.example">mail</a> or <a href="#x">below</a>.</p>',
}


@pytest.mark.parametrize("name", LINKS)
def test_an_answer_has_the_address_of_each_link(name: str) -> None:
    ask = "## {}?\n\n{}\n\n" if name.endswith("md") else "<h2>{}?</h2>{}"
    text = "".join(ask.format(f"Question {n}", LINKS[name]) for n in "abc")
    assert read(name, text)[0][0] == (
        "Question a?",
        "See our plans (https://a.example/p), here (https://b.example), mail (x@c.example) "
        "or below.",
    )


@pytest.mark.parametrize("name", LINKS)
def test_a_passage_has_the_addresses_without_which_its_words_say_nothing(name: str) -> None:
    assert read(name, LINKS[name])[1] == (
        "See our plans, here (https://b.example), mail (x@c.example) or below."
    )


def test_an_address_that_is_its_own_text_is_not_repeated() -> None:
    text = "## Aaa?\n\n<https://a.example/x> or [0800 123](tel:+49800123)\n\n"
    text += "## Bbb?\n\nb\n\n## Ccc?\n\nc"
    assert read("a.md", text)[0][0][1] == "https://a.example/x or 0800 123 (+49800123)"


def test_what_is_not_seen_is_left_out_of_every_text() -> None:
    (section,) = parse(
        "a.csv", "question,answer\nWh\u200by?,B\u202eec\u0085ause\n".encode()
    ).sections
    assert (section.text, section.answer) == ("Why?", "Because")


# --- folded and hidden -------------------------------------------------------------------------

ASKED = [("May I pay later?", "Yes, within 14 days."), ("Is it new?", "No."), ("Why?", "So.")]


@pytest.mark.parametrize(
    "shape",
    [
        '<button class="faq-toggle">{q}</button><div style="display:none"><p>{a}</p></div>',
        '<h3><button aria-expanded="false" aria-controls="x{n}">{q}</button></h3>'
        '<div id="x{n}" hidden>{a}</div>',
        '<h3>{q}</h3><div class="collapse" aria-hidden="true">{a}</div>',
        '<h3>{q}</h3><div role="region" hidden="until-found">{a}</div>',
        "<details><summary>{q}</summary><p>{a}</p></details>",
    ],
)
def test_answers_that_a_visitor_can_unfold_are_read(shape: str) -> None:
    page = "".join(shape.format(q=q, a=a, n=n) for n, (q, a) in enumerate(ASKED))
    assert read("a.html", page)[0] == ASKED


@pytest.mark.parametrize(
    "markup",
    ['<div style="display: none">', "<div hidden>", '<div class="old">', '<p id="gone">',
     '<div style="visibility:hidden">', '<div style="position:absolute;left:-9999px">',
     '<div style="font-size:0">', '<div aria-hidden="true">'],
)  # fmt: skip
def test_what_nobody_is_shown_is_left_out_and_named(markup: str) -> None:
    style = "<style>.old, .older {display:none} #gone{visibility:hidden}</style>"
    page = f"{style}<p>Open from nine.</p>{markup}The purchase price is four euros.</div>"
    parsed = parse("a.html", page.encode())
    assert [s.text for s in parsed.sections] == ["Open from nine."]
    assert parsed.skipped[-1].reason == "6 words in it are hidden or struck out: left out."


@pytest.mark.parametrize(
    ("css", "hidden"),
    [(".a .b{display:none}", True), ("div.a > p.b{display:none!important}", True),
     ("p:not(.c){display:none}", True), ("#x ~ div p, a[href]{visibility:hidden}", True),
     ("@media print{.b{display:none}}", False), (".b{display:none} .a .b{display:block}", False),
     ("@media (max-width:600px){.b{display:none}}", False), (".b:hover{display:none}", False),
     ("@media screen{.b{display:none}}", True), ("@supports (x:y){.b{display:none}}", True),
     ("@import 'x.css'; .b{display:none}", True), (".b{content:'}';display:none}", True),
     (".b::after{display:none}", False), ("p{{{.b{display:none}", False)],
)  # fmt: skip
def test_the_style_sheet_of_a_page_tells_what_is_hidden(css: str, hidden: bool) -> None:
    page = f'<style>{css}</style><h1 id=x>T</h1><div class="a"><p class="b" data-old>We pay 4.</p>'
    parsed = parse("a.html", f"{page}</div><p class=c>Nine.</p>".encode())
    assert ("We pay 4." not in parsed.sections[0].text) == hidden


def test_a_menu_with_prices_is_no_menu_of_links() -> None:
    page = '<div class="menu"><h2>Mains</h2><p>Soup 7.50</p></div><div class="nav-share"><a href=x>'
    page += 'Home</a> <a href=y>Shop</a></div><div class="sidebar">Open 9 to 17.</div>'
    assert read("a.html", page)[1] == "Soup 7.50\n\nOpen 9 to 17."


def test_what_stands_around_a_page_is_left_out_and_its_text_is_named() -> None:
    page = "<header><a href=x>Home</a></header><nav><a href=y>Shop</a> or call 12</nav><p>Nine.</p>"
    page += "<footer><script>x = 1</script>Open 9 to 17. <a href=z>Imprint</a></footer>"
    parsed = parse("a.html", page.encode())
    assert [s.text for s in parsed.sections] == ["Nine."]
    assert [s.reason for s in parsed.skipped] == [
        "7 words of its header, footer, menus or side columns were left out."
    ]


def test_a_page_inside_a_form_is_read_without_its_fields() -> None:
    page = (
        "<form><h2>Warranty</h2><p>Seven years.</p><label for=m>Mail</label><input id=m>"
        "<select><option>DE</option></select><button>Send</button></form>"
    )
    assert read("a.html", page)[1] == "Seven years."


def test_signs_and_pictures_that_mean_yes_or_no_are_read() -> None:
    page = (
        "<table><tr><th>Part</th><th>Basic</th><th>Pro</th></tr><tr><td>SSO</td>"
        '<td><i class="icon-cross" aria-hidden=true></i></td>'
        '<td><img src=y alt="yes"></td></tr></table>'
    )
    assert read("a.html", page)[1] == "Part: SSO; Basic: ✗; Pro: yes"


def test_an_element_around_blocks_of_markdown_is_read_with_them() -> None:
    folded = "".join(
        f"<details>\n<summary><b>{q}</b></summary>\n\n{a} **x** `*`\n\n</details>\n\n"
        for q, a in ASKED
    )
    parsed = parse("a.md", f"# Help\n\n{folded}".encode())
    assert [(s.text, s.answer) for s in parsed.sections] == [(q, f"{a} x *") for q, a in ASKED]
    assert [s.location for s in parsed.sections] == ["line 3", "line 10", "line 17"]


def test_a_folded_question_is_no_part_of_the_answer_above_it() -> None:
    head = "".join(f"## {q}\n\n{a}\n\n" for q, a in ASKED)
    found = read("a.md", f"{head}<details>\n<summary>Cash?</summary>\n\nNever.\n\n</details>\n")[0]
    assert found == [*ASKED, ("Cash?", "Never.")]


def test_a_table_with_markdown_in_its_cells_is_read() -> None:
    text = "<table>\n<tr><th>Size</th><th>Price</th></tr>\n"
    text += "<tr><td>\n\n**S**\n\n</td><td>\n\n5\n\n</td></tr>\n</table>\n"
    assert read("a.md", text)[1] == "Size: S; Price: 5"


CONTAINERS = {
    "VitePress": "::: details {q}\n{a} **b**\n:::\n\n",
    "Docusaurus": ":::tip[{q}]\n\n{a} **b**\n\n:::\n\n",
    "MkDocs": '??? question "{q}"\n    {a} **b**\n\n',
    "tabs": '=== "{q}"\n\n    {a} **b**\n\n',
    "GitBook": '{{% tab title="{q}" %}}\n{a} **b**\n{{% endtab %}}\n',
    "Hugo": '{{{{< details title="{q}" >}}}}\n{a} **b**\n{{{{< /details >}}}}\n',
    "components": '<Accordion title="{q}">\n\n{a} **b**\n\n</Accordion>\n',
    "tab items": '<TabItem value="x" label="{q}">\n\n{a} **b**\n\n</TabItem>\n',
}


@pytest.mark.parametrize("notation", CONTAINERS)
def test_the_title_of_a_folded_part_or_tab_is_its_heading(notation: str) -> None:
    text = "".join(CONTAINERS[notation].format(q=q, a=a) for q, a in ASKED)
    parsed = parse("a.md", f"# Help\n\n{text}".encode())
    assert [(s.text, s.answer) for s in parsed.sections] == [(q, f"{a} b") for q, a in ASKED]


def test_marks_of_boxes_are_no_text_and_signs_of_other_lines_are() -> None:
    text = (
        'Before.\n\n!!! warning\n    Only 5 bar.\n\n{% hint style="info" %}\nCode 12.\n'
        "{% endhint %}\n\n"
        "> [!NOTE]\n> At 9.\n\n!!! Attention\n\n``` \n::: raw\n```\n\nUse {{ name }}: ::: or ???\n"
    )
    assert read("a.md", text)[1] == (
        "Before.\n\nOnly 5 bar.\n\nCode 12.\n\nAt 9.\n\n!!! Attention\n\n::: raw\n\n"
        "Use {{ name }}: ::: or ???"
    )


def test_places_behind_containers_are_lines_of_the_file() -> None:
    text = "::: details A\nx\n:::\n\n{% hint %}\ny\n{% endhint %}\n\n# Head\n\nLine 11.\n"
    assert parse("a.md", text.encode()).sections[-1].location == "line 11"


# --- DOCX --------------------------------------------------------------------------------------


def test_a_document_is_read_as_it_is_shown() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("The lamp costs ")
    paragraph.add_run("49 ").font.strike = True
    paragraph.add_run("29")
    paragraph.add_run("95").font.superscript = True
    paragraph.add_run(" euros")
    paragraph.add_run(", we pay 12").font.hidden = True
    paragraph.add_run(" for 8 m")
    paragraph.add_run("2").font.superscript = True
    paragraph.add_run(", H")
    paragraph.add_run("2").font.subscript = True
    paragraph.add_run("O.")
    out = io.BytesIO()
    document.save(out)
    (section,) = parse("a.docx", out.getvalue()).sections
    assert section.text == "The lamp costs 29.95 euros for 8 m², H₂O."


def test_an_answer_of_a_document_has_the_addresses_of_its_links() -> None:
    document = docx.Document()
    for question in ("Where is it?", "Is it new?", "Why?"):
        document.add_heading(question, 2)
        paragraph = document.add_paragraph("See ")
        link = OxmlElement("w:hyperlink")
        target = paragraph.part.relate_to("https://a.example/p", RT.HYPERLINK, is_external=True)
        link.set(qn("r:id"), target)
        link.append(paragraph.add_run("our plans")._r)
        paragraph._p.append(link)
    out = io.BytesIO()
    document.save(out)
    assert (
        parse("a.docx", out.getvalue()).sections[0].answer == "See our plans (https://a.example/p)"
    )


def test_raised_and_lowered_signs_of_markdown_are_written_in_the_line() -> None:
    text = "19^95^ euros within 5^1^ days; 10^6^ lux on 8 m^2^, H~2~O, x^y, 2^10 and ^_^, `3^2^`."
    (section,) = parse("a.md", text.encode()).sections
    assert section.text == (
        "19.95 euros within 5 days; 10⁶ lux on 8 m², H₂O, x^y, 2^10 and ^_^, 3^2^."
    )
