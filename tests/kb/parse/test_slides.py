"""Slides: their charts, and letters that are white or tiny by the layout or the theme."""

import io
import zipfile

import docx
import pytest
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml.parser import parse_xml

from kb.parse import parse
from tests.kb.parse.office import _DRAW, _REL, pptx, zipped

C = "http://schemas.openxmlformats.org/drawingml/2006/chart"
FRAME = (
    f'</a:p></p:txBody></p:sp><p:graphicFrame><c:chart xmlns:c="{C}" r:id="l"/></p:graphicFrame>'
    "<p:sp><p:txBody><a:p>"
)


def points(name: str, *values: str, code: str = "", levels: int = 1) -> str:
    """Make names, categories or values of a series; with more levels each has two places."""
    size = len(values) // levels
    lists = [values[n * size : (n + 1) * size] for n in range(levels)]
    made = [
        "".join(f'<c:pt idx="{i}"><c:v>{v}</c:v></c:pt>' for i, v in enumerate(part) if v)
        for part in lists
    ]
    made = made if levels == 1 else [f"<c:lvl>{part}</c:lvl>" for part in made]
    form = f"<c:formatCode>{code}</c:formatCode>" if code else ""
    return f"<c:{name}><c:x>{form}{''.join(made)}</c:x></c:{name}>"


def chart(*series: str, title: str = "", along: str = "") -> str:
    def named(text: str) -> str:
        return f"<c:title><a:p><a:r><a:t>{text}</a:t></a:r></a:p></c:title>" if text else ""

    every = "".join(f"<c:ser>{one}</c:ser>" for one in series)
    axis = f"<c:catAx>{named(along)}</c:catAx>"
    return f'<c:s xmlns:c="{C}" {_DRAW}>{named(title)}{every}{axis}</c:s>'


CITIES = points("cat", "Köln", "Bonn")
LABEL = '<c:dLbls><c:numFmt formatCode="0%" sourceLinked="0"/></c:dLbls>'
CHARTS = [
    (chart(points("tx", "Single") + CITIES + points("val", "59.5", "64", code='0.00 "€"'),
           points("tx", "Double") + CITIES + points("val", "89", "", code='0.00 "€"'),
           title="A night", along="City"),
     "A night\n\nCity: Köln; Single: 59.50 €; Double: 89.00 €\nCity: Bonn; Single: 64.00 €"),
    (chart(LABEL + points("cat", "Gas", "Wood") + points("val", "0.25", "0.75")),
     "Gas: 25%\nWood: 75%"),
    (chart(points("cat", "CA", "NY", "USA", "", levels=2) + points("tx", "Shops")
           + points("val", "3", "4.0", code="General")),
     "USA, CA; Shops: 3\nUSA, NY; Shops: 4"),
    (chart(points("xVal", "46023", "46054", code="d/m/yyyy") + points("yVal", "7", "8")),
     "1/1/2026: 7\n1/2/2026: 8"),
    (chart(points("tx", "A") + CITIES + points("val", "1", "2"),
           points("tx", "B") + points("cat", "Ulm") + points("val", "3")),
     "Köln; A: 1\nBonn; A: 2\n\nUlm; B: 3"),
]  # fmt: skip
CX = "http://schemas.microsoft.com/office/drawing/2014/chartex"


def newer(name: str, values: str, *levels: str, title: str = "") -> str:
    """Make a chart of the kinds that came in 2016; places of a level are apart by commas."""

    def level(points: str) -> str:
        made = enumerate(points.split(","))
        inside = "".join(f'<cx:pt idx="{at}">{said}</cx:pt>' for at, said in made if said)
        return f'<cx:lvl formatCode="0.00 &quot;zł&quot;">{inside}</cx:lvl>'

    said = "<cx:tx><cx:txData><cx:v>{}</cx:v></cx:txData></cx:tx>"
    return (
        f'<cx:chartSpace xmlns:cx="{CX}"><cx:chartData><cx:data id="7"><cx:strDim type="cat">'
        f'{"".join(map(level, levels))}</cx:strDim><cx:numDim type="val">{level(values)}'
        f"</cx:numDim></cx:data></cx:chartData><cx:chart><cx:title>{said.format(title)}</cx:title>"
        f"<cx:series>{said.format(name)}<cx:dataId val='7'/></cx:series></cx:chart></cx:chartSpace>"
    )


CHARTS += [
    (newer("Opłata", "12.5,8,120", "Paczka,List,Paleta", title="Cennik"),
     "Cennik\n\nPaczka; Opłata: 12.50 zł\nList; Opłata: 8.00 zł\nPaleta; Opłata: 120.00 zł"),
    (newer("", "3,4", "Kraków,Łódź", "PL,"), "PL, Kraków: 3.00 zł\nPL, Łódź: 4.00 zł"),
]  # fmt: skip


@pytest.mark.parametrize(("drawn", "read"), CHARTS)
def test_a_chart_is_read_as_the_table_that_it_draws(drawn: str, read: str) -> None:
    frame = FRAME.replace("c:chart", "cx:chart").replace(":c=", ":cx=") if CX in drawn else FRAME
    (section,) = parse(
        "a.pptx", pptx(frame.replace(C, CX) if CX in drawn else frame, diagram=drawn)
    ).sections
    assert section.text == read


def test_a_chart_in_a_text_is_read_too() -> None:
    document = docx.Document()
    part = Part(PackURI("/word/c.xml"), "application/xml", CHARTS[0][0].encode(), None)
    key = document.part.relate_to(part, f"{_REL}chart")
    mark = parse_xml(f'<c:chart xmlns:c="{C}" {_DRAW} r:id="{key}"/>')
    document.add_paragraph("See:").add_run()._r.append(mark)
    out = io.BytesIO()
    document.save(out)
    (section,) = parse("a.docx", out.getvalue()).sections
    assert section.text == f"See:\n\n{CHARTS[0][1]}"


def fill(colour: str) -> str:
    kind = "srgbClr" if colour.isupper() else "schemeClr"
    return f'<a:solidFill><a:{kind} val="{colour}"/></a:solidFill>'


def shape(
    text: str, letters: str = "", *, holder: str = "", fills: str = "", at: int = 0, style: str = ""
) -> str:
    place = f'<a:xfrm><a:off x="{at}" y="0"/><a:ext cx="90" cy="90"/></a:xfrm>'
    return (
        f"<p:sp><p:nvSpPr><p:nvPr>{holder}</p:nvPr></p:nvSpPr><p:spPr>{place}{fills}</p:spPr>"
        f"{style}<p:txBody><a:lstStyle>{letters if not text else ''}</a:lstStyle><a:p><a:r><a:rPr>"
        f"{letters}</a:rPr><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
    )


def group(shapes: str, fills: str = "") -> str:
    return f"<p:grpSp><p:grpSpPr>{fills}</p:grpSpPr>{shapes}</p:grpSp>"


def table(letters: str, fills: str = "") -> str:
    said = f"<a:p><a:r><a:rPr{letters}<a:t>x</a:t></a:r></a:p>"
    cell = f"<a:tc><a:txBody>{said}</a:txBody><a:tcPr>{fills}</a:tcPr></a:tc>"
    return f"<p:graphicFrame><a:tbl><a:tr>{cell}</a:tr></a:tbl></p:graphicFrame>"


def deck(
    shapes: str, *, layout: str = "", master: str = "", paper: str = "", override: str = ""
) -> bytes:
    def part(name: str, inside: str, more: str = "") -> str:
        tree = f"<p:cSld>{inside}</p:cSld>{more}"
        return f"<p:{name} {_DRAW}>{tree}</p:{name}>"

    def to(kind: str, target: str) -> str:
        link = f'<Relationship Id="r0" Type="{_REL}{kind}" Target="{target}"/>'
        return f"<Relationships>{link}</Relationships>"

    scheme = "".join(
        f"<a:{name}><a:srgbClr val='{value}'/></a:{name}>"
        for name, value in (("lt1", "FFFFFF"), ("dk1", "000000"))
    )
    mapping = '<p:clrMap bg1="lt1" tx1="dk1"/>'
    parts = {
        "ppt/presentation.xml": f"<p:presentation {_DRAW}><p:sldIdLst><p:sldId r:id='r0'/>"
        "</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": to("slide", "s.xml"),
        "ppt/s.xml": part("sld", f"{paper}<p:spTree>{shapes}</p:spTree>", override),
        "ppt/_rels/s.xml.rels": to("slideLayout", "l.xml"),
        "ppt/l.xml": part("sldLayout", f"<p:spTree>{layout}</p:spTree>"),
        "ppt/_rels/l.xml.rels": to("slideMaster", "m.xml"),
        "ppt/m.xml": part("sldMaster", f"<p:spTree>{master}</p:spTree>", mapping),
        "ppt/_rels/m.xml.rels": to("theme", "t.xml"),
        "ppt/t.xml": f"<a:theme {_DRAW}><a:clrScheme>{scheme}</a:clrScheme></a:theme>",
    }
    return zipped(parts)


BODY = '<p:ph type="body" idx="1"/>'
WHITE, BLUE = fill("FFFFFF"), fill("0000FF")
LEVEL = f"<a:lvl1pPr><a:defRPr>{fill('bg1')}</a:defRPr></a:lvl1pPr>"
SMALL = '<a:lvl1pPr><a:defRPr sz="100"/></a:lvl1pPr>'
DARK = f"<p:bg><p:bgPr>{BLUE}</p:bgPr></p:bg>"
SWAPPED = '<p:clrMapOvr><a:overrideClrMapping bg1="dk1" tx1="lt1"/></p:clrMapOvr>'
STYLE = '<p:style><a:fillRef idx="1"/></p:style>'
SEEN = [
    (deck(shape("x", WHITE)), False),
    (deck(shape("x", fill("bg1"))), False),
    (deck(shape("x", fill("bg1")), override=SWAPPED), True),
    (deck(shape("x", WHITE), paper=DARK), True),
    (deck(shape("x", WHITE, fills=BLUE)), True),
    (deck(shape("x", WHITE, fills=WHITE)), False),
    (deck(shape("x", WHITE, style=STYLE)), True),
    (deck(shape("", "", fills=BLUE) + shape("x", WHITE)), True),
    (deck(shape("", "", fills=BLUE, at=90) + shape("x", WHITE)), False),
    (deck(shape("x", WHITE), master=shape("", "", fills=BLUE)), True),
    (deck(shape("x", WHITE), master=shape("", "", fills=BLUE, holder=BODY)), False),
    (deck(shape("x", holder=BODY), layout=shape("", LEVEL, holder=BODY)), False),
    (deck(shape("x", fill("tx1"), holder=BODY), layout=shape("", LEVEL, holder=BODY)), True),
    (deck(shape("x", holder=BODY), layout=shape("", SMALL, holder=BODY)), False),
    (deck(shape("x", holder=BODY), layout=shape("", LEVEL, holder=BODY, fills=BLUE)), True),
    (deck(shape("x", holder=BODY), master=shape("", SMALL, holder=BODY)), False),
    (deck(group(shape("x", WHITE))), False),
    (deck(group(group(shape("x", WHITE)), BLUE)), True),
    (deck(group(shape("", "", fills=BLUE, at=300) + shape("x", WHITE))), True),
    (deck(group(shape("x", WHITE)), paper=DARK), True),
    (deck(table(' sz="100"/>')), False),
    (deck(table(f">{WHITE}</a:rPr>")), True),
    (deck(table(f">{WHITE}</a:rPr>", BLUE)), True),
    (deck(table(f">{WHITE}</a:rPr>", WHITE)), False),
]  # fmt: skip


@pytest.mark.parametrize(("data", "seen"), SEEN)
def test_white_and_tiny_letters_are_left_out_where_nobody_sees_them(
    data: bytes, seen: bool
) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        slide = archive.read("ppt/s.xml").decode()
    other = slide.replace("<p:spTree>", f"<p:spTree>{shape('Open.', at=500)}")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    parsed = parse("a.pptx", zipped({**parts, "ppt/s.xml": other}))
    assert ("x" in parsed.sections[0].text.split("Open.")[1]) is seen
    assert len(parsed.skipped) == (not seen)
