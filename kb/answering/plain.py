"""Quoted text as a customer reads it: without the marks of Markdown."""

import re

_LINK = re.compile(
    r"!?\[([^\]\n]{0,300})\]\(\s*<?((?:https?://|mailto:|tel:)?[^()\s>]{0,500})>?(?:\s+\"[^\"]*\")?\s*\)"
)
_LINE_MARK = re.compile(r"^[ \t]{0,3}(?:#{1,6}[ \t]+|>[ \t]?)|^[ \t]*(?:```|~~~).*$", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*(?:[-*_][ \t]*){3,}$", re.MULTILINE)
_STRONG = re.compile(r"(\*{2,3}|~~)(?=\S)([^*~\n]+?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*])(\*)(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")
_UNDERLINED = re.compile(r"(?<![\w_])(_{1,3})(?=\S)([^_\n]+?)(?<=\S)\1(?![\w_])")
_CODE = re.compile(r"(`{1,2})([^`\n]+)\1")


def plain(text: str) -> str:
    """Return a text without Markdown; the address of a link stands behind its words."""
    text = _LINE_MARK.sub("", _RULE.sub("", text))
    text = _LINK.sub(_link, text)
    for pattern in (_CODE, _STRONG, _EMPHASIS, _UNDERLINED):
        text = pattern.sub(r"\2", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _link(match: re.Match[str]) -> str:
    words, address = match[1].strip(), match[2]
    bare = re.sub(r"^(?:mailto:|tel:)", "", address)
    if not words or not address.startswith(("http", "mailto:", "tel:")):
        return words or bare
    return words if words in (bare, re.sub(r"^https?://", "", bare)) else f"{words} ({bare})"
