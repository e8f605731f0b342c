"""Text in pictures is read by a recognition program in the limited process (the extra `ocr`)."""

import importlib.util
import io
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest
from PIL import Image, ImageDraw, ImageFont

from core.errors import UnreadableFile
from core.types import ParsedFile
from kb.parse import parse
from kb.parse.sandbox.parser_process import ParserProcess
from tests.kb.parse.sandboxed import read_alone

pytestmark = pytest.mark.anyio

Read: TypeAlias = Callable[[str, bytes], Awaitable[ParsedFile]]

needs_ocr = pytest.mark.skipif(
    importlib.util.find_spec("rapidocr") is None, reason="needs the extra answerdesk[ocr]"
)

ENGLISH = (
    "Delivery within Norway costs 4.90 euros and takes 3 days.",
    "The kettle holds 1.7 litres, needs 2,200 W and weighs 0.95 kg.",
    "Call 0800 555 0134, Monday to Friday from 9:00 to 17:30.",
    "Article 004711 measures 120 x 60 x 75 cm.",
)
CHINESE = (
    "满99元包邮，不足99元收取运费8.50元。",
    "收到货后7天内可以无理由退货，15天内可以换货。",
    "客服电话400-820-6138，工作时间9:00到21:30。",
)
PRICES = (("Zone", "Small", "Large"), ("Inland", "4.90", "7.90"), ("Europe", "9.90", "14.90"),
          ("Overseas", "19.00", "29.00"))  # fmt: skip
FAQ = (
    "How long is the guarantee?", "Five years from the 12th of May 2026.", "",
    "What does the spare lid cost?", "It costs 12.75 euros.", "",
    "Which cable fits?", "One of 3 x 1.5 mm, at most 25 metres long.",
)  # fmt: skip


def font(size: int = 32) -> ImageFont.FreeTypeFont:
    fonts = pytest.importorskip("paperang_p2_fonts_cjk", reason="the font of the pictures")
    return ImageFont.truetype(Path(fonts.__file__).parent / "fonts/wqy-microhei.ttc", size)


def page(lines: Sequence[str], size: int = 32) -> Image.Image:
    image = Image.new("RGB", (1240, 1754), "white")
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((110, 120 + number * 62), line, font=font(size), fill="black")
    return image


def table() -> Image.Image:
    image = page(["Shipping prices"])
    draw = ImageDraw.Draw(image)
    for y, row in enumerate(PRICES):
        for x, cell in enumerate(row):
            draw.text((110 + x * 330, 260 + y * 60), cell, font=font(), fill="black")
    return image


def saved(pages: Sequence[Image.Image], kind: str) -> bytes:
    out = io.BytesIO()
    more = {"save_all": True, "append_images": pages[1:]} if len(pages) > 1 else {}
    pages[0].save(out, kind, **more)
    return out.getvalue()


def figures(text: str) -> list[str]:
    return re.findall(r"\d[\d.,:-]*\d|\d", text)


def text_of(parsed: ParsedFile) -> str:
    return "\n".join(f"{s.text} {s.answer}" for s in parsed.sections)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(name: str, data: bytes) -> Awaitable[ParsedFile]:
        path = tmp_path / "original"
        path.write_bytes(data)
        return read_alone(name, path)

    return read


@needs_ocr
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "PDF"])
@pytest.mark.parametrize("lines", [ENGLISH, CHINESE])
async def test_figures_in_a_picture_are_read_as_they_stand(
    read: Read, kind: str, lines: Sequence[str]
) -> None:
    parsed = await read(f"page.{kind.lower()}", saved([page(lines)], kind))
    assert figures(text_of(parsed)) == figures(" ".join(lines))
    (note,) = parsed.skipped
    assert note.location == "page 1"
    assert note.reason.startswith("It was read from a picture. Check the figures: ")
    assert set(figures(" ".join(lines))) == set(figures(note.reason))


@needs_ocr
async def test_a_table_and_questions_in_a_scan_are_read_like_others(read: Read) -> None:
    parsed = await read("scan.pdf", saved([table(), page(FAQ)], "PDF"))
    text = text_of(parsed)
    assert "Zone: Europe; Small: 9.90; Large: 14.90" in text
    assert [(s.text, s.answer) for s in parsed.sections if s.answer] == [
        (FAQ[0], FAQ[1]), (FAQ[3], FAQ[4]), (FAQ[6], FAQ[7])
    ]  # fmt: skip


@needs_ocr
async def test_a_page_that_lies_askew_keeps_its_lines(read: Read) -> None:
    tilted = table().rotate(2, fillcolor="white", expand=True)
    assert "Zone: Europe; Small: 9.90; Large: 14.90" in text_of(
        await read("photo.jpg", saved([tilted], "JPEG"))
    )


@needs_ocr
async def test_progress_is_told_page_by_page_and_blank_pages_are_named(tmp_path: Path) -> None:
    path = tmp_path / "original"
    path.write_bytes(saved([page(ENGLISH[:1]), page(())], "PDF"))
    told: list[tuple[int, int]] = []
    files = ParserProcess().parse_many(
        [("scan.pdf", path)], columns={}, on_page=lambda at, pages: told.append((at, pages))
    )
    (parsed,) = [result async for result in files]
    assert isinstance(parsed, ParsedFile)
    assert told == [(1, 2), (2, 2)]
    assert [(s.location, s.reason[:26]) for s in parsed.skipped] == [
        ("page 1", "It was read from a picture"),
        ("page 2", "It has no text: it is blan"),
    ]


@needs_ocr
async def test_a_picture_without_words_or_with_damage_says_so(read: Read) -> None:
    with pytest.raises(UnreadableFile, match="pictures, and no text was found in them"):
        await read("a.png", saved([page(())], "PNG"))
    with pytest.raises(
        UnreadableFile,
        match=r"PNG picture that cannot be opened: damaged, or too large\. Save it again\.$",
    ):
        await read("a.png", saved([page(ENGLISH)], "PNG")[:2000])


def test_without_the_extra_a_scan_and_a_picture_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)  # so that it cannot be found
    with pytest.raises(UnreadableFile, match=r"It is a scan: .* extra answerdesk\[ocr\]"):
        parse("scan.pdf", saved([page(ENGLISH)], "PDF"))
    with pytest.raises(UnreadableFile, match=r"a PNG picture\. .* extra answerdesk\[ocr\]"):
        parse("a.png", saved([page(ENGLISH)], "PNG"))
