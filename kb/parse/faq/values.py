"""What is in a cell or a field: text with its line ends, variants, languages, dates."""

import datetime as dt
import html
import re
from pathlib import Path

from kb.text.lexicon import read_lists

_LANGUAGES = {
    name: code
    for code, names in read_lists(Path(__file__).parent / "data" / "languages.yaml").items()
    for name in names.split()
}
LANGUAGE_CODES = frozenset(_LANGUAGES.values())
_BLOCK_TAG = re.compile(
    r"</?(?:p|div|br|ul|ol|li|table|tr|t[dh]|h[1-6]|blockquote|pre|hr|section|article|d[ltd]|center|figure)\b[^<>]{0,2000}>",
    re.IGNORECASE,
)
_INLINE_TAG = re.compile(
    r"<(?:a\s[^<>]{0,2000}href|img\s[^<>]{0,2000}src)\s*=[^<>]{1,2000}>|"
    r"<(b|strong|em|i|u|span|font|su[pb]|s|strike|del|ins|code|kbd|samp|small|big|mark|abbr|cite|q"
    r"|details|script|style)(?:\s[^<>]{0,2000})?>.{0,5000}?</\1>",
    re.IGNORECASE | re.DOTALL,
)
_ENTITY = re.compile(r"&(?:[a-z][a-z0-9]{1,30}|#\d{1,6}|#x[0-9a-f]{1,5});", re.I)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_ESCAPED = re.compile(
    r"\s*&lt;(p|div|ul|ol|h[1-6]|table|section)\b.{0,20000}&lt;/\1&gt;\s*",
    re.IGNORECASE | re.DOTALL,
)
"""HTML that an export has escaped once more: an element around the whole cell."""
_BB_CODE = re.compile(
    r"\[(b|i|u|s|url|email|list|quote|code|color|size|font|center|img|su[pb]|h[1-6]|table)"
    r"(?:=[^\]\n]{0,2000})?\].{0,20000}?\[/\1\]",
    re.IGNORECASE | re.DOTALL,
)
_BB_TAG = re.compile(r"\[(/?)(\*|[a-z]+[1-6]?)(?:=\"?([^\]\n]*?)\"?)?\]", re.IGNORECASE)
_BB_NAMES = {"quote": "blockquote", "list": "ul", "*": "li", "url": "a", "email": "a"}
"""Tags of BBCode that HTML calls otherwise."""
_BB_SAME = re.compile("[bius]|su[bp]|code|h[1-6]|table|t[rdh]|[uo]l|li|[bh]r")
_BB_LOOKS = re.compile("color|size|font|center|left|right")
_WRITTEN_END = re.compile(r"(?<![:\\])(?:\\r)?\\n(?=[\s\d\-•*(]|[^\W\d_a-z]|\\n|\\r|$)")
"""A line end written as a backslash and n; ``C:\\new`` has none."""


def cell_text(raw: str) -> str:
    """Return what a reader of a cell or field reads.

    HTML in it, as help desks and shops export it, becomes text with line ends, marks of lists and
    the addresses of links; ``<5 kg`` and ``<name>`` are no HTML. All line ends are one character.
    """
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    if "<![CDATA[" in text:
        text = _CDATA.sub(r"\1", text)
    if "&lt;" in text and _ESCAPED.fullmatch(text):
        text = html.unescape(text)
    if "[/" in text and _BB_CODE.search(text):
        text = _html_of(text)
    if _is_html(text):
        from kb.parse.html.content import (
            text_of_html,  # most tables hold none: its parser loads late
        )

        text = text_of_html(text)
    elif "&" in text:
        text = _ENTITY.sub(lambda match: html.unescape(match[0]).replace("\xa0", " "), text)
    if "\\n" in text and "\n" not in text:
        text = _WRITTEN_END.sub("\n", text)
    return text.strip()


def _html_of(text: str) -> str:
    """Return BBCode, as forums and some shops export it, as HTML; tags that it lacks stay."""

    closed = {found[2].lower() for found in _BB_TAG.finditer(text) if found[1]} | {"*", "br", "hr"}

    def tag(found: re.Match[str]) -> str:
        closes, name, value = found[1], found[2].lower(), found[3] or ""
        if name == "list" and value:
            return "<ol>"
        if name not in closed:
            return found[0]
        tagged = _BB_NAMES.get(name, name if _BB_SAME.fullmatch(name) else "")
        if tagged == "a" and value:
            scheme = "" if ":" in value else "mailto:" if "@" in value else "https://"
            return f'<a href="{html.escape(scheme + value)}">'
        return f"<{closes}{tagged}>" if tagged else "" if _BB_LOOKS.fullmatch(name) else found[0]

    text = re.sub(r"\[img[^\]]*\].{0,2000}?\[/img\]", "", text, flags=re.I | re.DOTALL)
    text = re.sub(r"\s*(\[(?:/?list|\*|/?quote)[^\]]*\])\s*", r"\1", text, flags=re.I)
    if not _is_html(text):
        text = text.replace("<", "&lt;").replace("\n", "<br>")
    return f"<p>{_BB_TAG.sub(tag, text)}</p>"


def _is_html(text: str) -> bool:
    return "<" in text and bool(_BLOCK_TAG.search(text) or _INLINE_TAG.search(text))


def split_variants(cell: str) -> list[str]:
    """Split a cell at ``|`` and at line ends; blanks around and empty ones fall away.

    ``\\|`` is a vertical bar within a variant.
    """
    pieces = re.split(r"(?<!\\)[|｜]|\n", cell)
    return [
        re.sub(r"\\([|｜])", r"\1", part) for piece in pieces if (part := piece.strip(" \t\r;"))
    ]


def split_list(cell: str) -> list[str]:
    """Split a cell at commas too, as chat platforms write the other wordings of a question."""
    return [
        part for piece in split_variants(cell) for part in re.split(r"\s*[,，]\s*", piece) if part
    ]


def language_code(value: str) -> str:
    """Return ISO 639-1 of ``zh-CN``, ``ZH`` or ``Chinese``; empty if it is none."""
    folded = value.strip().casefold()
    if folded in _LANGUAGES:
        return _LANGUAGES[folded]
    code = re.split(r"[-_\s]", folded)[0]
    return code if re.fullmatch(r"[a-z]{2}", code) else ""


def iso_date(value: str) -> str | None:
    """Return a date as ISO 8601, "" for none, None if it is unclear.

    ``03/04/2026`` is unclear (3 April or 4 March); with dots the day stands first.
    """
    if len(value) > 60:
        return None
    text = re.sub(r"[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?$", "", value.strip())
    if not text or text.lower() in {"-", "–", "n/a", "none", "null", "always", "forever", "∞"}:
        return ""
    if found := re.fullmatch(r"(\d{4})[-./年](\d{1,2})[-./月](\d{1,2})日?", text):
        year, month, day = map(int, found.groups())
    elif found := re.fullmatch(r"(\d{1,2})(?:\.(\d{1,2})\.|[/-](\d{1,2})[/-])(\d{4})", text):
        day, month, year = int(found[1]), int(found[2] or found[3]), int(found[4])
        if found[3] and day <= 12:
            if month <= 12 and month != day:
                return None
            day, month = month, day
    else:
        return None
    try:
        return dt.date(year, month, day).isoformat()
    except ValueError:
        return None
