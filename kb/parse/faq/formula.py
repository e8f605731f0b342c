"""Cells that a spreadsheet would run as a formula: how to keep it from that, what they show.

An apostrophe before ``=``, ``+``, ``-``, ``@`` … is the spreadsheets' own sign for text. Export
puts it there and import takes it away, so that what comes back is what was there. See
https://owasp.org/www-community/attacks/CSV_Injection.
"""

import re

from kb.parse.marks import link_mark

_TRIGGER = r"(?:[\t\r\n]|\s*[=+\-@|%＝＋－＠])"
_UNSAFE = re.compile(rf"'*{_TRIGGER}")
_PROTECTED = re.compile(rf"'+{_TRIGGER}")


def protect(text: str) -> str:
    """Return `text` as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if _UNSAFE.match(text) else text


def unprotect(cell: str) -> str:
    """Return the text that `protect` was given."""
    return cell[1:] if _PROTECTED.match(cell) else cell


NO_RESULT = "\ufdd2"
"""A cell whose formula has no stored result."""
_TEXT = re.compile(r'="((?:[^"]|"")*)"')
_LINK = re.compile(
    r'=?(?:_xlfn\.)?HYPERLINK\(\s*"([^"]{1,2000})"\s*(?:[,;]\s*"((?:[^"]|""){0,500})"\s*)?\)', re.I
)


def link_of(formula: str, result: str = "") -> str:
    """Return words and address of a link that is a formula, the stored `result` first; or ""."""
    if not (link := _LINK.fullmatch(formula.strip())):
        return ""
    words = (result or (link[2] if link[2] is not None else link[1])).replace('""', '"')
    return words + link_mark(link[1], words)


def shown(cell: str) -> str:
    """Return what a cell of a file without results shows: ``="007"`` is a text."""
    if cell[:1] != "=":
        return cell
    if text := _TEXT.fullmatch(cell):
        return text[1].replace('""', '"')
    return link_of(cell) or cell
