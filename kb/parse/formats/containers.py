"""Folded parts, tabs and boxes of Markdown, in the notations of site generators, as HTML elements.

``::: details Title`` (VitePress, Docusaurus, Pandoc), ``??? note "Title"`` and ``=== "Tab"``
(MkDocs), ``{% tab title="Title" %}`` (GitBook), ``{{< details title="Title" >}}`` (Hugo).
"""

import re
from collections.abc import Iterator
from html import escape

_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_COLONS = re.compile(r" {0,3}:{3,}\s*(\{[^{}]*\}|[\w-]*)\s*(.*)$")
_INDENTED = re.compile(r" {0,3}(?:\?\?\?\+?|!!!|={3}[!+]?)\s+([\w\s-]*?)\s*(?:\"(.*)\")?\s*$")
_TAG = re.compile(r"\s*(?:\{%-?(.*?)-?%\}|\{\{[<%](.*?)[>%]\}\})\s*$")
_NAMED = re.compile(r"(?:title|label|name|summary)\s*=\s*[\"“](.*?)[\"”]")
_QUOTED = re.compile(r"\w+\s+[\"“](.*?)[\"”]\s*$")
_ADDRESS = re.compile(r"[\"'](https?://[^\s\"']+)[\"']")
_ALERT = re.compile(r"^(\s*(?:>\s?)+)\[!\w+\][+-]?\s*(.*)$")
_INDENT = 4
_MARKS = (":::", "???", "!!!", '=== "', "{%", "{{<", "{{%", "[!")


def without_containers(text: str) -> tuple[str, list[int]]:
    """Write the containers of a Markdown text as elements; return it with each line's number.

    Lines count from 0. A text that has none is returned as it is.
    """
    lines = text.split("\n")
    if not any(mark in text for mark in _MARKS):
        return text, list(range(len(lines)))
    written = [
        (line, number)
        for number, made in enumerate(_rewritten(lines))
        for line in made
    ]  # fmt: skip
    return "\n".join(line for line, _ in written), [number for _, number in written]


def _rewritten(lines: list[str]) -> Iterator[list[str]]:
    """Yield, for each line and the end of the text, the lines that it becomes."""
    fence = ""
    open_: list[tuple[str, list[str]]] = []
    """What closes each open container: its mark, and the lines that are written then."""
    for number, line in enumerate(lines):
        closing: list[str] = []
        while open_ and line.strip() and not fence:
            inside = sum(_INDENT for mark, _ in open_ if mark == "")
            if open_[-1][0] or len(line) - len(line.lstrip()) >= inside:
                break
            closing += open_.pop()[1]
        depth = sum(_INDENT for mark, _ in open_ if mark == "")
        line = line[min(depth, len(line) - len(line.lstrip())) :]
        if found := _FENCE.match(line):
            fence = "" if fence and found[1].startswith(fence) else fence or found[1]
        elif not fence:
            following = next(filter(str.strip, lines[number + 1 : number + 3]), "")[depth:]
            yield closing + _converted(line, following, open_)
            continue
        yield [*closing, line]
    yield [line for _, end in reversed(open_) for line in end]


def _converted(line: str, following: str, open_: list[tuple[str, list[str]]]) -> list[str]:
    if found := _COLONS.match(line):
        if not found[1] and not found[2]:
            return _closed(":::", open_)
        named = _NAMED.search(found[1])
        return _opened(":::", named[1] if named else found[2].strip("[]"), open_)
    if following.startswith(" " * _INDENT) and (found := _INDENTED.match(line)):
        return _opened("", found[2] or "", open_)
    if found := _TAG.match(line):
        said = (found[1] or found[2] or "").strip()
        name = re.match(r"/?\s*(?:end)?([\w-]*)", said)
        tag = name[1] if name else ""
        if said.startswith(("end", "/")):
            return _closed(tag, open_)
        named = _NAMED.search(said) or _QUOTED.fullmatch(said)
        if named and not _ADDRESS.search(said):
            return _opened(tag, named[1], open_)
        address = _ADDRESS.search(said)
        return ["", f"<{address[1]}>" if address else "", ""]
    if found := _ALERT.match(line):
        return [f"{found[1]}{found[2]}"]
    return [line]


def _opened(mark: str, title: str, open_: list[tuple[str, list[str]]]) -> list[str]:
    title = title.strip().strip("*")
    open_.append((mark, ["", "</details>", ""] if title else [""]))
    return ["", "<details>", f"<summary>{escape(title)}</summary>", ""] if title else [""]


def _closed(mark: str, open_: list[tuple[str, list[str]]]) -> list[str]:
    return open_.pop()[1] if open_ and open_[-1][0] == mark else [""]
