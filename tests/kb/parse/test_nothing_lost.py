"""More than 400 files made by code, in 14 formats and twelve languages, read in two ways.

All figures are equal before and after, and words in = words taken + words named as left out.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from core.types import ParsedFile
from kb.parse import parse
from tests.kb.parse.office import MAKERS, WAYS, Content, read_otherwise

_TABLE = [("4.90", "120*60*75"), ("12,50", "40*60*20"), ("1.299,00", "18.5"), ("0", "007")]


def content(title: str, said: str, listed: str, names: str, rows: str) -> Content:
    first = rows.split()
    table = [names.split(), *([a, *b] for a, b in zip(first, _TABLE, strict=True))]
    items = [f"{listed} {figure}" for figure in ("*100*5#", "+49 351 2345678", "31.12.2026")]
    return Content(title, said.split("|"), items, table)


LANGUAGES = {
    "en": content("Desk prices", "The desk costs 249.00 euros, 2 of them 480.00.|It weighs 31.5 kg "
                  "and holds 120 kg at 20 degrees.|Open from 9:30 to 18:00, closed 24/12.",
                  "Dial or write", "Model Price Size", "Alpha Beta Gamma Delta"),
    "de": content("Preise der Tische", "Der Tisch kostet 249,00 Euro, zwei 480,00.|Er wiegt "
                  "31,5 kg und trägt 120 kg.|Geöffnet 9:30 bis 18:00 Uhr, 12 Monate Garantie.",
                  "Wählen oder schreiben", "Modell Preis Größe", "Ahorn Birke Eiche Kiefer"),
    "es": content("Precios de mesas", "La mesa cuesta 249,00 euros y dos 480,00.|Pesa 31,5 kg y "
                  "aguanta 120 kg.|Abierto de 9:30 a 18:00, 30 días para devolver.",
                  "Marque o escriba", "Modelo Precio Tamaño", "Roble Pino Haya Olmo"),
    "fr": content("Prix des tables", "La table coûte 249,00 euros, deux 480,00.|Elle pèse "
                  "31,5 kg et porte 120 kg.|Ouvert de 9:30 à 18:00, 14 jours pour changer.",
                  "Composez ou écrivez", "Modèle Prix Taille", "Chêne Pin Hêtre Orme"),
    "ru": content("Цены столов", "Стол стоит 249,00 евро, два 480,00.|Он весит 31,5 кг и держит "
                  "120 кг.|Открыто с 9:30 до 18:00, гарантия 24 месяца.",
                  "Наберите или пишите", "Модель Цена Размер", "Дуб Бук Клён Ель"),
    "zh": content("桌子价格", "桌子 249.00 元，两张 480.00 元。|重 31.5 公斤，承重 120 公斤。|"
                  "营业时间 9:30 到 18:00，保修 24 个月。",
                  "拨打", "型号 价格 尺寸", "橡木 松木 榉木 榆木"),
    "pl": content("Ceny biurek", "Biurko kosztuje 249,00 zł, dwa 480,00.|Waży 31,5 kg i unosi "
                  "120 kg.|Otwarte 9:30 do 18:00, gwarancja 24 miesiące.",
                  "Wybierz lub napisz", "Model Cena Rozmiar", "Dąb Buk Jesion Wiąz"),
    "tr": content("Masa fiyatları", "Masa 249,00 TL, ikisi 480,00 TL.|Ağırlığı 31,5 kg, 120 kg "
                  "taşır.|9:30 ile 18:00 arası açık, 24 ay garanti.",
                  "Arayın veya yazın", "Ürün Fiyat Ölçü", "Meşe Çam Kayın Ceviz"),
    "ja": content("机の価格", "机は249.00円、2台で480.00円です。|重さは31.5キロ、120キロまで。|"
                  "営業時間は9:30から18:00、保証は24か月。",
                  "お電話", "型番 価格 寸法", "ナラ スギ ブナ ケヤキ"),
    "ko": content("책상 가격", "책상은 249.00원, 두 개는 480.00원입니다.|무게 31.5kg, 120kg까지.|"
                  "9:30부터 18:00까지, 보증 24개월.",
                  "전화 또는 문자", "모델 가격 크기", "참나무 소나무 너도밤나무 느릅나무"),
    "ar": content("أسعار المكاتب", "سعر المكتب 249.00 يورو، واثنان 480.00.|وزنه 31.5 كغ ويحمل "
                  "120 كغ.|مفتوح من 9:30 إلى 18:00، ضمان 24 شهرا.",
                  "اتصل أو اكتب", "الطراز السعر المقاس", "بلوط صنوبر زان دردار"),
    "hi": content("मेज़ के दाम", "मेज़ का दाम 249.00 रुपये है, दो का 480.00।|वज़न 31.5 किलो, भार "
                  "120 किलो।|9:30 से 18:00 तक खुला, 24 महीने की गारंटी।",
                  "फ़ोन करें या लिखें", "मॉडल दाम माप", "सागौन देवदार शीशम आम"),
}  # fmt: skip
_FIGURE = re.compile(r"[*+]?\d(?:[\d.,:*#/]*[\d#])?")
_WORD = re.compile(r"[\w*#+.,:/]*\w[\w#]*")
_DRAWN_IN = {"en", "de", "es", "fr", "zh"}
"""Languages that the PDF fonts at hand can write."""
ASKED = {
    "en": "How long is it?|It is 240 cm.|What does it cost?|249.00 euros.|Heavy?|Yes, 31.5 kg.",
    "de": "Wie lang ist er?|Er misst 240 cm.|Was kostet er?|249,00 Euro.|Schwer?|Ja, 31,5 kg.",
    "es": "¿Cuánto mide?|Mide 240 cm.|¿Cuánto cuesta?|249,00 euros.|¿Pesa mucho?|Sí, 31,5 kg.",
    "fr": "Quelle longueur ?|Elle fait 240 cm.|Quel prix ?|249,00 euros.|Est-il lourd ?|31,5 kg.",
    "ru": "Какая длина?|Длина 240 см.|Сколько стоит?|249,00 евро.|Он тяжёлый?|Да, 31,5 кг.",
    "zh": "有多长？|长 240 公分。|多少钱？|249.00 元。|重吗？|重 31.5 公斤。",
    "pl": "Jak długie?|Ma 240 cm.|Ile kosztuje?|249,00 zł.|Czy jest ciężkie?|Tak, 31,5 kg.",
    "tr": "Boyu ne kadar?|240 cm.|Fiyatı nedir?|249,00 TL.|Ağır mı?|Evet, 31,5 kg.",
    "ja": "長さは？|240センチです。|いくらですか？|249.00円です。|重い？|はい、31.5キロです。",
    "ko": "길이는?|240cm입니다.|얼마인가요?|249.00원입니다.|무겁나요?|네, 31.5kg입니다.",
    "ar": "كم طوله؟|طوله 240 سم.|كم سعره؟|249.00 يورو.|هل هو ثقيل؟|نعم، 31.5 كغ.",
    "hi": "लंबाई कितनी है?|240 सेमी।|दाम कितना है?|249.00 रुपये।|क्या भारी है?|हाँ, 31.5 किलो।",
}
SECRETS = (
    "Bought for 17 euros from some factory", "Marge 35 %, Einkauf 88,10", "Ask Ann first, then 06",
    "Nur intern: bis 31 Stück", "17",
)  # fmt: skip


def mixed(language: str) -> Content:
    return LANGUAGES[language]


def questions(language: str) -> Content:
    return replace(LANGUAGES[language], paragraphs=ASKED[language].split("|"))


def cross(language: str) -> Content:
    """Return a table with a free corner below a few steps."""
    made = LANGUAGES[language]
    names, *rows = made.table
    table = [["", *names[1:], "2027"], *([*row, f"{n}1.50"] for n, row in enumerate(rows, 1))]
    return replace(made, paragraphs=made.paragraphs[:1], items=[*made.items] * 2, table=table)


CASES = [
    (kind, layout, language)
    for kind in MAKERS
    for number, language in enumerate(LANGUAGES)
    for layout in (mixed, (questions, cross)[number % 2])
    if kind != "pdf" or language in _DRAWN_IN
]
HIDING = [
    (kind, way, layout, language)
    for number, (kind, way, layout) in enumerate(
        (kind, way, layout)
        for kind, ways in WAYS.items()
        for way in range(ways)
        for layout in (mixed, questions, cross)
    )
    for language in [list(LANGUAGES)[number % len(LANGUAGES)]]
    if kind != "pdf" or language in _DRAWN_IN
]


def taken(parsed: ParsedFile) -> str:
    """Return the words of a file, headings once."""
    parts = [parsed.title]
    for section in parsed.sections:
        parts += [title for title in section.title_path if title not in parts]
        parts += [section.text, section.answer]
    return "\n".join(parts)


def test_there_are_more_than_sixty_files() -> None:
    assert len(CASES) >= 120
    assert len({kind for kind, *_ in CASES}) >= 6
    assert len({language for *_, language in CASES}) >= 6


@pytest.mark.parametrize(("kind", "layout", "language"), CASES)
def test_all_figures_and_words_are_equal_before_and_after(
    kind: str, layout: Callable[[str], Content], language: str
) -> None:
    made = layout(language)
    data = MAKERS[kind](made)
    before = read_otherwise(kind, data)
    after = taken(parse(f"file.{kind}", data))
    names = {*made.table[0], "file", "T", "Sheet"}
    figures = [Counter(f for f in _FIGURE.findall(t) if f not in names) for t in (after, before)]
    assert figures[0] == figures[1]
    kept, was = (Counter(w for w in _WORD.findall(t) if w not in names) for t in (after, before))
    assert {w: n for w, n in (was - kept).items()} == {}


def test_there_are_more_than_forty_files_with_hidden_words() -> None:
    assert len(HIDING) >= 100
    assert len({kind for kind, *_ in HIDING}) >= 6


@pytest.mark.parametrize(("kind", "way", "layout", "language"), HIDING)
def test_words_in_are_words_taken_and_words_named(
    kind: str, way: int, layout: Callable[[str], Content], language: str
) -> None:
    secret = SECRETS[(way + len(kind)) % len(SECRETS)]
    made = replace(layout(language), hidden=secret, way=way)
    data = MAKERS[kind](made)
    parsed = parse(f"file.{kind}", data)
    named = [int(n) for s in parsed.skipped for n in re.findall(r"(\d+) words", s.reason)]
    names = {*made.table[0], "file"}
    was, kept = (
        Counter(w for w in _WORD.findall(text) if w not in names)
        for text in (read_otherwise(kind, data), taken(parsed))
    )
    assert was - kept == Counter(_WORD.findall(secret))
    assert sum(named) == len(secret.split())
