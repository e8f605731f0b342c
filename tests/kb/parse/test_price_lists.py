"""Price lists, hours and forms as companies have them: 40 files in 10 formats and 14 languages.

Every figure stands with the row, the column, the unit and the title under which a person reads it.
"""

import datetime as dt
import io
from collections.abc import Callable, Sequence
from typing import Any

import docx
import openpyxl
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from openpyxl.styles import Font

from kb.parse import parse
from tests.kb.parse.office import odf_book
from tests.kb.parse.pdf_pages import page


def book(
    *rows: Sequence[Any],
    merged: str = "",
    bold: str = "",
    signs: str = "",
    start: tuple[int, int] = (1, 1),
    change: Callable[[Any, Any], None] = lambda workbook, sheet: None,
    **formats: str,
) -> bytes:
    """Make a workbook; `formats` by the letter of a column."""
    made = openpyxl.Workbook()
    sheet: Any = made.active
    for down, row in enumerate(rows, start[0]):
        for across, value in enumerate(row, start[1]):
            if value is not None:
                cell = sheet.cell(down, across, value)
                code = formats.get(cell.column_letter, "General")
                if isinstance(value, dt.time):
                    code = "hh:mm"
                if not isinstance(value, str):
                    cell.number_format = code
    for area in merged.split():
        sheet.merge_cells(area)
    for place in bold.split():
        sheet[place].font = Font(bold=True)
    for place in signs.split():
        sheet[place].font = Font(name="Wingdings")
    change(made, sheet)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def text(*blocks: Any) -> bytes:
    """Make a DOCX file of paragraphs, and tables given as lists of rows; equal cells are merged."""
    made = docx.Document()
    for block in blocks:
        if isinstance(block, str):
            made.add_paragraph(block)
            continue
        table = made.add_table(len(block), len(block[0]))
        for down, row in enumerate(block):
            for across, value in enumerate(row):
                left, above = across and row[across - 1], down and block[down - 1][across]
                cell = table.cell(down, across)
                if value == left:
                    table.cell(down, across - 1).merge(cell)
                elif value == above and across == 0:
                    table.cell(down - 1, across).merge(cell)
                else:
                    cell.text = value
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def form() -> bytes:
    """Make a DOCX file with check boxes: of a form, of a control, of a font of signs."""
    made = docx.Document()
    names = nsdecls("w")
    for state, said in (
        ('<w:default w:val="1"/>', "Montag, 18:30 Uhr, 45 €"),
        ('<w:default w:val="1"/><w:checked w:val="0"/>', "Dienstag, 19:00 Uhr, 55 €"),
    ):
        box = f"<w:ffData><w:checkBox>{state}</w:checkBox></w:ffData>"
        paragraph = made.add_paragraph()
        for part in (
            f'<w:fldChar w:fldCharType="begin">{box}</w:fldChar>',
            "<w:instrText> FORMCHECKBOX </w:instrText>",
            '<w:fldChar w:fldCharType="end"/>',
        ):  # fmt: skip
            paragraph._p.append(parse_xml(f"<w:r {names}>{part}</w:r>"))
        paragraph.add_run(f" {said}")
    paragraph = made.add_paragraph()
    paragraph.add_run("ü").font.name = "Wingdings"
    paragraph.add_run(" inklusive Material")
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def hide(workbook: Any, sheet: Any) -> None:
    workbook.create_sheet("Margin")["A1"] = 7
    workbook["Margin"].sheet_state = "veryHidden"
    sheet.row_dimensions.group(3, 3, hidden=True)
    sheet.column_dimensions["C"].hidden = True


GOOGLE = (
    '<table class="waffle"><thead><tr><th class="row-header"></th><th>A</th><th>B</th></tr></thead>'
    "<tbody><tr><th><div>1</div></th><td>Service</td><td>Price</td></tr>"
    '<tr><th class="freezebar-cell"></th><td class="freezebar-cell"></td><td></td></tr>'
    "<tr><th><div>2</div></th><td>Cut</td><td>$25.00</td></tr>"
    "<tr><th><div>3</div></th><td>Colour</td><td>$60.00</td></tr></tbody></table>"
)
PLANS = (
    "<h2>Abonnements</h2><table><caption>Tarifs (€ / mois)</caption><thead><tr><th rowspan=2>"
    "Formule"
    "</th><th colspan=2>Engagement</th></tr><tr><th>12 mois</th><th>24 mois</th></tr></thead>"
    "<tr><td>Fibre</td><td>29,99</td><td>24,99</td></tr><tr><td colspan=3>Options</td></tr>"
    "<tr><td>Mobile</td><td>9,99</td><td>7,99</td></tr>"
    "<tfoot><tr><td colspan=3>Mise en service : 39 €</td></tr></tfoot></table>"
    "<p>Les étudiants paient 20 % de moins.</p>"
)
FAQ = [["Question", "Answer"], ["Delivery", "Delivery"], ["How long?", "3 days"],
       ["Returns", "Returns"], ["How?", "By post."]]  # fmt: skip

LISTS: list[tuple[str, bytes, list[str]]] = [
    # title, unit in a line of its own, parts of the table merged or bold, a note below
    ("vet.xlsx", book(
        ["Preise der Praxis"], ["Alle Preise in € inkl. MwSt."], [], ["Leistung", "1-fach",
         "2-fach"],
        ["Allgemeines"], ["Hund", 23.62, 47.24], ["Impfungen"], ["Tollwut", 1123.5, 2247], [],
        ["Notdienst: zuzüglich 50 € Pauschale."],
        merged="A5:C5", bold="A7", B="#,##0.00", C="#,##0.00",
    ), ["Preise der Praxis | Alle Preise in € inkl. MwSt. | Allgemeines | Leistung: Hund; "
        "1-fach: 23,62; 2-fach: 47,24",
        "Preise der Praxis | Alle Preise in € inkl. MwSt. | Impfungen | Leistung: Tollwut; "
        "1-fach: 1.123,50; 2-fach: 2.247,00",
        "Preise der Praxis | Alle Preise in € inkl. MwSt. | Notdienst: zuzüglich 50 € Pauschale."]),
    # begins in C5, two rows of names, one of them merged downwards
    ("rooms.xlsx", book(
        ["Room", "Low season", None, "High season", None], [None, *["Night (£)", "Week (£)"] * 2],
        ["Single", 45, 280, 60, 390], ["Suite", 120, None, 180, 1150],
        start=(5, 3), merged="C5:C6 D5:E5 F5:G5",
    ), ["Room: Single; Low season, Night (£): 45; Low season, Week (£): 280; "
        "High season, Night (£): 60; High season, Week (£): 390",
        "Room: Suite; Low season, Night (£): 120; High season, Night (£): 180; "
        "High season, Week (£): 1150"]),
    # two tables side by side
    ("kayak.xlsx", book(
        ["Adultes", None, None, "Enfants"], ["Activité", "Prix", None, "Activité", "Prix"],
        ["Kayak", "12 €", None, "Kayak", "8 €"], ["Voile", "40 €"],
    ), ["Adultes | Activité: Kayak; Prix: 12 €", "Adultes | Activité: Voile; Prix: 40 €",
        "Enfants | Activité: Kayak; Prix: 8 €"]),
    ("kajak.csv", "Rejs;Cena;Rejs;Cena\nLato;40 zł;Zima;30 zł\n".encode(),
     ["Rejs: Lato; Cena: 40 zł", "Rejs: Zima; Cena: 30 zł"]),
    # several tables below each other
    ("hotel.xlsx", book(
        ["Camera", "Bassa", "Alta"], ["Singola", 50, 80], [], ["Extra", "Prezzo"], ["Colazione",
         9], [],
        ["Orari"], ["Luogo", "Apre", "Chiude"], ["Bar", dt.time(7, 30), dt.time(23)],
        B="€ #,##0", C="€ #,##0",
    ), ["Camera: Singola; Bassa: € 50; Alta: € 80", "Extra: Colazione; Prezzo: € 9",
        "Orari | Luogo: Bar; Apre: 07:30; Chiude: 23:00"]),
    ("salong.xlsx", book(
        ["Klippning", "Kort", "Långt"], ["Dam", 450, 590], ["Färgning", "Kort", "Långt"],
        ["Dam", 900, 1200],
    ), ["Klippning: Dam; Kort: 450; Långt: 590", "Färgning: Dam; Kort: 900; Långt: 1200"]),
    # a name that ends in a short form; percent, dates, telephone numbers, totals
    ("мойка.xlsx", book(
        ["Услуга", "Цена, руб.", "Скидка", "До", "Телефон"],
        ["Мойка", 1500, 0.1, dt.date(2026, 3, 8), 8001234567], ["Итого", 3900],
        B="#,##0", C="0%", D="dd.mm.yyyy", E="00000000000",
    ), ["Услуга: Мойка; Цена, руб.: 1 500; Скидка: 10%; До: 08.03.2026; Телефон: 08001234567",
        "Услуга: Итого; Цена, руб.: 3 900"]),
    ("dübel.csv", "sep=;\r\nArtikel-Nr.;Name;Netto;\r\n004711;Dübel;1.299,00;\r\n;;;\r\n"
     .encode("cp1252"), ["Artikel-Nr.: 004711; Name: Dübel; Netto: 1.299,00"]),
    ("masaje.csv", "Lista;;\nTratamiento;Duración;Precio €\nMasaje;60 min;45,00\n* IVA incluido;;\n"
     .encode("cp1252"), ["Lista | Tratamiento: Masaje; Duración: 60 min; Precio €: 45,00",
                         "Lista | * IVA incluido"]),
    ("fryzjer.tsv", "Usługa\tCena (zł)\nStrzyżenie\t60,00\nKolor\tod 180,00\n".encode("utf-16"),
     ["Usługa: Strzyżenie; Cena (zł): 60,00", "Usługa: Kolor; Cena (zł): od 180,00"]),
    # units in a row of their own
    ("bags.csv", b"Product,Weight,Price\n,kg,EUR\nBag,2.5,19.90\n",
     ["Product: Bag; Weight, kg: 2.5; Price, EUR: 19.90"]),
    ("bil.html", b"<table><tr><td>Bil</td><td>Dag</td><td>Uke</td></tr><tr><td></td><td>kr</td>"
     b"<td>kr"
     b"</td></tr><tr><td>Liten</td><td>490</td><td>2490</td></tr></table>",
     ["Bil: Liten; Dag, kr: 490; Uke, kr: 2490"]),
    # line ends in names; a free corner; words and figures in one column
    ("tarif.xlsx", book(
        ["Tarif", "Preis\n(€/Monat)", "davon\nRabatt"], ["M", 9.9, 0.125], B="0.00", C="0.0%"
    ), ["Tarif: M; Preis (€/Monat): 9,90; davon Rabatt: 12,5%"]),
    ("plans.xlsx", book(
        ["", "Basic", "Team"], ["Price per month", 0, 9], ["Users", 1, "up to 10"],
        B='[=0]"free";0', C='"€"0.00',
    ), ["Price per month; Basic: free; Team: €9.00", "Users; Basic: 1; Team: up to 10"]),
    ("corte.xlsx", book(
        ["Servicio", "Precio"], ["Corte", 18.5], ["Tinte", 35], ["Consulta", "gratis"],
        B='"desde "0.00" €"',
    ), ["Servicio: Corte; Precio: desde 18,50 €", "Servicio: Tinte; Precio: desde 35,00 €",
        "Servicio: Consulta; Precio: gratis"]),
    ("trajet.xlsx", book(["De", "Lyon", "Nice"], ["Lyon", None, 60], ["Nice", 60, None], C='0 "€"',
                         B='0 "€"'), ["De: Lyon; Nice: 60 €", "De: Nice; Lyon: 60 €"]),
    ("zeiten.xlsx", book(["", "Mo", "So"], ["Öffnet", dt.time(8), "–"],
                         ["Schließt", dt.time(18), "–"]), ["Öffnet; Mo: 08:00; So: –",
                          "Schließt; Mo: 18:00; So: –"]),
    # merged cells over rows; signs; notes; two languages; hidden parts
    ("快递.xlsx", book(
        ["区域", "重量", "首重（元）"], ["华东", "1kg", 8], [None, "5kg", 10.5], ["西北", "1kg",
         15],
        merged="A2:A3",
    ), ["区域: 华东; 重量: 1kg; 首重（元）: 8", "区域: 华东; 重量: 5kg; 首重（元）: 10.5",
        "区域: 西北; 重量: 1kg; 首重（元）: 15"]),
    ("recursos.xlsx", book(["Recurso", "Básico", "Pro"], ["Suporte", "û", "ü"], signs="B2 C2"),
     ["Recurso: Suporte; Básico: ✗; Pro: ✓"]),
    ("boats.xlsx", book(["Item", "Price*", "Deposit"], ["Canoe", "18.00", "30¹"], ["* per hour"],
                        ["¹ refunded"]),
     ["Item: Canoe; Price*: 18.00; Deposit: 30¹", "* per hour", "¹ refunded"]),
    ("kapper.xlsx", book(["Dienst", "Service", "Prijs"], ["Knippen", "Haircut", 25.5], C="€ 0.00"),
     ["Dienst: Knippen; Service: Haircut; Prijs: € 25,50"]),
    ("parts.xlsx", book(["Part", "Price", "Bought"], ["Bolt", 1.2, 0.4], ["Nut", 0.8, 0.2],
                        ["Pin", 0.5, 0.1], change=hide),
     ["Sheet | Part: Bolt; Price: 1.2", "Sheet | Part: Pin; Price: 0.5"]),
    ("faq.xlsx", book(*FAQ, merged="A2:B2 A4:B4"), ["How long? = 3 days (Delivery)",
                                                    "How? = By post. (Returns)"]),
    # other formats
    ("faq.docx", text(FAQ), ["How long? = 3 days (Delivery)", "How? = By post. (Returns)"]),
    ("salle.docx", text(
        "Abonnements (€ / mois)", [["Salle", "Formule", "12 mois"], ["Lyon", "Solo", "29,90"],
        ["Lyon", "Duo", "49,90"], ["Options"] * 3, ["Casier", "–", "5,00"]],
         "Dossier : 25 € en sus.",
    ), ["Abonnements (€ / mois)\n\nSalle: Lyon; Formule: Solo; 12 mois: 29,90\n"
        "Salle: Lyon; Formule: Duo; 12 mois: 49,90\nOptions\n"
        "Salle: Options, Casier; Formule: –; 12 mois: 5,00\n\nDossier : 25 € en sus."]),
    ("kurs.docx", form(), ["☒ Montag, 18:30 Uhr, 45 €\n\n☐ Dienstag, 19:00 Uhr, 55 €\n\n"
                           "✓ inklusive Material"]),
    ("sheet.html", GOOGLE.encode(), ["Service: Cut; Price: $25.00\nService: Colour; Price: "
     "$60.00"]),
    ("abo.html", PLANS.encode(), [
        "Abonnements | Tarifs (€ / mois)\n\nFormule: Fibre; Engagement, 12 mois: 29,99; "
        "Engagement, 24 mois: 24,99\nOptions\nFormule: Options, Mobile; Engagement, 12 mois: 9,99; "
        "Engagement, 24 mois: 7,99\nMise en service : 39 €\n\nLes étudiants paient 20 % de "
         "moins."]),
    ("ceník.html", "<table><tr><th></th><th>Po</th><th>Út</th></tr><tr><th>Ráno</th><td>8:00–12:00"
     "</td><td rowspan=2>zavřeno</td></tr><tr><th>Večer</th><td>13:00–17:00</td></tr>"
      "</table>".encode(),
     ["Ráno; Po: 8:00–12:00; Út: zavřeno\nVečer; Po: 13:00–17:00; Út: zavřeno"]),
    ("zones.md", "Prices in CHF.\n\n<table>\n<tr><th>Zone</th><th>Weight</th><th>Price</th></tr>"
     "\n<tr>"
     "<td rowspan=2>North</td><td>5 kg</td><td>7.–</td></tr>\n<tr><td>10 kg</td><td>9.70</td>"
      "</tr>\n"
     "</table>\n\nAdd 2.00 for islands.\n".encode(),
     ["Prices in CHF.\n\nZone: North; Weight: 5 kg; Price: 7.–\nZone: North; Weight: 10 kg; "
      "Price: 9.70\n\nAdd 2.00 for islands."]),
    ("savon.md", "|Produit|Prix TTC|\n|:-|-:|\n|Savon **bio**|4,50 €|\n|Huile<br>500 ml|~~12,00 "
     "€~~ "
     "9,90 €|\n".encode(),
     ["Produit: Savon bio; Prix TTC: 4,50 €\nProduit: Huile 500 ml; Prix TTC: 9,90 €"]),
    ("cennik.ods", odf_book("", [["Cennik"], ["Usługa", "Cena"], ["Mycie", "od 40,00 zł"],
                                 ["Wosk", "120,00 zł"]]),
     ["Cennik | Usługa: Mycie; Cena: od 40,00 zł", "Cennik | Usługa: Wosk; Cena: 120,00 zł"]),
    ("요금.txt", "요금표 (원)\n\n구분        평일        주말\n성인        12,000      "
     "15,000\n어린이      "
     " 8,000      10,000\n\n20인 이상은 10% 할인\n".encode(),
     ["요금표 (원)\n\n구분: 성인; 평일: 12,000; 주말: 15,000\n구분: 어린이; 평일: 8,000; 주말: "
      "10,000\n\n"
      "20인 이상은 10% 할인"]),
    ("karte.txt", "SPEISEKARTE\n===========\n\nVorspeisen\nBrot (A, G) ...... 6,50 €\nSuppe "
     "........ "
     "5,90 €\n\nHauptgerichte\nPizza ........ 9,80 €\n  mit Büffel . + 2,50 €\nNudeln ..... "
      "12,40 €\n"
     .replace(" . +", " ..... +").encode(),
     ["SPEISEKARTE | Vorspeisen | Brot (A, G): 6,50 €\nSuppe: 5,90 €",
      "SPEISEKARTE | Hauptgerichte | Pizza: 9,80 €\nmit Büffel: + 2,50 €\nNudeln: 12,40 €"]),
    ("listino.pdf", page(*(
        (60 + 150 * n, 100 + 20 * at, "Helvetica", 11, cell)
        for at, row in enumerate(["Prezzi in EUR a notte", "Camera|Bassa|Alta",
         "Singola|50,00|80,00",
                                  "Doppia|90,00|130,00", "Suite|150,00|210,00",
                                   "Tassa 2,50 a persona."])
        for n, cell in enumerate(row.split("|"))
    )), ["Prezzi in EUR a notte\n\nCamera: Singola; Bassa: 50,00; Alta: 80,00\nCamera: Doppia; "
         "Bassa: 90,00; Alta: 130,00\nCamera: Suite; Bassa: 150,00; Alta: 210,00\n\n"
         "Tassa 2,50 a persona."]),
    ("plans.json", b'[{"name":"Basic","price":"9.90","sms":false},{"name":"Pro","price":19.90,'
     b'"sms":true}]', ["name: Basic; price: 9.90; sms: no", "name: Pro; price: 19.90; sms: yes"]),
    ("friseur.csv", 'Leistung;Preis\n"Schnitt, Damen";ab 45,00 €\nFärben;ab 60,00 €\nBeratung;'
     'kostenlos\n'
     .encode("cp1252"), ["Leistung: Schnitt, Damen; Preis: ab 45,00 €",
                         "Leistung: Färben; Preis: ab 60,00 €",
                          "Leistung: Beratung; Preis: kostenlos"]),
    # what is none of these
    ("desk.csv", b"Colour;red\nWeight;5 kg\nWidth;30 cm\nMaterial;wood\n",
     ["Colour: red", "Weight: 5 kg", "Width: 30 cm", "Material: wood"]),
    ("seats.csv", b"Row,A,B,C\n1,5,5,5\n2,6,6,6\n",
     ["Row: 1; A: 5; B: 5; C: 5", "Row: 2; A: 6; B: 6; C: 6"]),
    ("rooms.csv", b"Room,Price,View\nSuite,,\nTwin,90,sea\n",
     ["Suite", "Room: Twin; Price: 90; View: sea"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "read"), LISTS, ids=[name for name, *_ in LISTS])
def test_figures_stand_with_their_row_column_unit_and_title(
    name: str, data: bytes, read: list[str]
) -> None:
    found = [
        " | ".join((*s.title_path, s.text)) + (f" = {s.answer} ({s.category})" if s.answer else "")
        for s in parse(name, data).sections
    ]
    assert found == read


def test_there_are_enough_files() -> None:
    assert len(LISTS) >= 40
    assert len({name.rpartition(".")[2] for name, *_ in LISTS}) >= 8
