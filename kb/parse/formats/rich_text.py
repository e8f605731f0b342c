"""Words of a workbook's cells that are formatted one by one: raised, lowered or struck out."""

from typing import Any
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from kb.parse.marks import Run, line_of

_NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_PART = "xl/sharedStrings.xml"
_TELLING = (b"vertAlign", b"strike")


def read_rich_texts(workbook: Any) -> None:
    """Put the texts that have such words, as their readers see them, in place of openpyxl's."""
    archive = workbook._archive
    if _PART not in archive.namelist():
        return
    xml = archive.read(_PART)
    if not any(mark in xml for mark in _TELLING):
        return
    texts = [rich_text(item) for item in fromstring(xml).iter(f"{_NS}si")]
    for sheet in workbook.worksheets:
        strings = getattr(sheet, "_shared_strings", [])
        if len(strings) == len(texts):
            sheet._shared_strings = texts


def rich_text(item: Element) -> str:
    """Return the text of a string item."""
    runs = item.findall(f"{_NS}r")
    return line_of(map(_run, runs)) if runs else item.findtext(f"{_NS}t") or ""


def _run(element: Element) -> Run:
    align = element.find(f"{_NS}rPr/{_NS}vertAlign")
    strike = element.find(f"{_NS}rPr/{_NS}strike")
    return Run(
        element.findtext(f"{_NS}t") or "",
        str(align.get("val")).removesuffix("script") if align is not None else "",
        hidden=strike is not None and strike.get("val") not in {"0", "false"},
    )
