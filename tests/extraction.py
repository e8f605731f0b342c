"""Sentences that the parsing and publishing of files builds with f-strings, for `make texts`.

They are made where no operator's language is known (a child process, the database) and told in it
where they are shown (`core.wording.told`), by their shape.
"""

import ast
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from babel.messages.extract import extract_python

_WORDS = re.compile(r"[A-Za-z]{3,}[,:;.]? | [A-Za-z]{3,}")
_SENTENCE = re.compile(r"[A-Z].* .*\.", re.DOTALL)
_MARKUP = re.compile(r"[<>\[\]]|href")


def sentences(
    file: BinaryIO, keywords: Any, comment_tags: Any, options: Any
) -> Iterator[tuple[int, str | None, Any, Any]]:
    """Yield what Babel finds, f-strings with their values as placeholders, and bare sentences."""
    for line, name, found, comments in extract_python(file, keywords, comment_tags, options):
        yield line, str(name) if name else None, found, comments
    file.seek(0)
    tree = ast.parse(file.read())
    docstrings = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    inside = {
        id(part) for one in ast.walk(tree) if isinstance(one, ast.JoinedStr) for part in one.values
    }
    for node in (one for one in ast.walk(tree) if isinstance(one, ast.expr)):
        text = ""
        if isinstance(node, ast.JoinedStr):
            text = _shape(node)
            if not _WORDS.search(re.sub(r"%\(\w+\)s", "", text)) or _MARKUP.search(text):
                continue
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) in docstrings | inside or not _SENTENCE.fullmatch(node.value):
                continue
            text = re.sub(r"\{(\w*)\}", lambda m: f"%({m[1] or 'value'})s", node.value)
        if text:
            yield node.lineno, None, text.strip(), []


def _shape(node: ast.JoinedStr) -> str:
    pieces: list[str] = []
    names: list[str] = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            pieces.append(str(part.value).replace("%", "%%"))
        elif isinstance(part, ast.FormattedValue):
            found = re.findall(r"[a-z]{2,}", ast.unparse(part.value))
            name = found[-1] if found else "value"
            names.append(f"{name}{names.count(name) + 1}" if name in names else name)
            pieces.append(f"%({names[-1]})s")
    return "".join(pieces)
