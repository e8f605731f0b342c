"""Words of a workbook's cells that are formatted one by one: raised, lowered or struck out."""

from typing import Any
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from kb.parse.marks import leave_out, lowered, raised

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
    if not runs:
        return item.findtext(f"{_NS}t") or ""
    words = [run.findtext(f"{_NS}t") or "" for run in runs]
    out = ""
    for number, run in enumerate(runs):
        properties = run.find(f"{_NS}rPr")
        align = properties.find(f"{_NS}vertAlign") if properties is not None else None
        position = align.get("val") if align is not None else ""
        if properties is not None and _struck(properties):
            leave_out(words[number])
            continue
        if position == "superscript":
            out += raised(out, words[number], after="".join(words[number + 1 : number + 2]))
        elif position == "subscript":
            out += lowered(out, words[number])
        else:
            out += words[number]
    return out


def _struck(properties: Element) -> bool:
    mark = properties.find(f"{_NS}strike")
    return mark is not None and mark.get("val") not in {"0", "false"}
