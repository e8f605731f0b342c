"""Which column of a table is the question, the answer, the category …, in several languages."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

from core.errors import ConfigError
from kb.parse.faq.values import LANGUAGE_CODES, language_code
from kb.text.lexicon import read_lists

Field: TypeAlias = Literal[
    "question", "answer", "variants", "category", "language", "valid_from", "valid_until", "id"
]
FIELDS: tuple[Field, ...] = get_args(Field)

_LISTS = read_lists(Path(__file__).parent / "data" / "columns.yaml")
_NAMES: Mapping[Field, str] = {field: _LISTS[field] for field in FIELDS}
"""In the order in which a field prefers them."""

LISTED = frozenset({"indexes"})
"""Columns of variants in which commas stand between them."""

Mapped: TypeAlias = Mapping[Field, int]
"""Field to the number of its column, counted from 0."""

Given: TypeAlias = Mapping[Field, str]
"""Field to the name of its column, as an operator said."""
_NONE: Given = MappingProxyType({})

_MAX_WRITTEN = 140
"""Characters of all given names; they are stored with each version of the document."""


class BadColumns(ConfigError):
    """A mapping of columns cannot be understood."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(
            f"The columns {text!r} cannot be used: {reason}. Write FIELD=NAME,FIELD=NAME with the "
            f"names of the file's columns; fields are {', '.join(FIELDS)}. Nothing was changed."
        )
        self.text = text
        self.reason = reason


def read_columns(text: str) -> Given:
    """Read ``question=Frage,answer=Antwort``.

    Raises:
        BadColumns: naming what is wrong.
    """
    given: dict[Field, str] = {}
    for part in filter(str.strip, text.split(",")):
        field, equals, name = (piece.strip() for piece in part.partition("="))
        known = next((f for f in FIELDS if f == field), None)
        if known is None or not equals or not name:
            raise BadColumns(text, f"{part.strip()!r} is no field with a name")
        if known in given or name in given.values():
            raise BadColumns(text, f"{part.strip()!r} comes twice")
        given[known] = name
    if len(written(given)) > _MAX_WRITTEN:
        raise BadColumns(text, f"the names are longer than {_MAX_WRITTEN} characters together")
    return given


def written(given: Given) -> str:
    """Return what `read_columns` reads, always in the same order."""
    return ",".join(f"{field}={given[field]}" for field in FIELDS if field in given)


def described(text: str) -> str:
    """Return what `read_columns` reads, as a choice: "Questions: Title, answers: Body"."""
    given = read_columns(text)
    said = ", ".join(f"{_PLURALS.get(field, field)}: {name}" for field, name in given.items())
    return said[:1].upper() + said[1:]


_PLURALS: Mapping[Field, str] = {"question": "questions", "answer": "answers"}


def plain(name: str) -> str:
    """Fold a column name: ``"Gültig bis:"`` and ``"gültig_bis"`` are the same."""
    if len(name) > 80:  # a sentence, no name
        return name
    folded = unicodedata.normalize("NFKC", name).casefold()
    folded = re.sub(r"[(（\[].*?[)）\]]", "", folded) or folded
    return re.sub(r"[\s_\-.:：*#/]+", "_", folded).strip("_")


_LOOKUP: dict[str, Field] = {
    plain(name): field for field, names in reversed([*_NAMES.items()]) for name in names.split()
}
_RANK = {plain(name): i for names in _NAMES.values() for i, name in enumerate(names.split())}


def field_of(name: str) -> Field | None:
    """Return the field that a column name means, or None."""
    return _LOOKUP.get(plain(name))


def map_columns(names: Sequence[str], given: Given = _NONE) -> Mapped:
    """Match column names; of two names for one field the more usual wins, then the first.

    With `given` names only a row that has them all matches. A given answer may join columns,
    ``Answer+Link``; the first of them is returned, `joined` has the others.
    """
    found: dict[Field, int] = {}
    folded = [plain(name) for name in names]
    for wanted, name in given.items():
        places = _places(name, folded)
        if not places:
            return {}
        found[wanted] = places[0]
    for index, name in enumerate(names):
        field = field_of(name)
        if field is None or field in given or index in found.values():
            continue
        if field not in found or _RANK[plain(name)] < _RANK[plain(names[found[field]])]:
            found[field] = index
    return found


def joined(names: Sequence[str], given: Given) -> Sequence[int]:
    """Return the columns that are joined to the given one of the answers."""
    return _places(given.get("answer", ""), [plain(name) for name in names])[1:]


def _places(name: str, folded: Sequence[str]) -> Sequence[int]:
    parts = [name] if plain(name) in folded else name.split("+")
    wanted = [plain(part) for part in parts if part.strip()]
    return [folded.index(w) for w in wanted] if all(w in folded for w in wanted) else []


def faq_columns(names: Sequence[str], given: Given) -> Sequence[tuple[str, Mapped]]:
    """Return the columns of questions and answers, for each language that the table has them in.

    ``Question EN, Answer EN, Frage (DE), Antwort (DE)`` has two; a language is "" where the names
    say none. Empty if the row names no such columns.
    """
    if given:
        mapped = map_columns(names, given)
        return [("", mapped)] if is_faq(mapped) else []
    by_language: dict[str, list[str]] = {}
    for index, name in enumerate(names):
        language, base = _language_in(name)
        columns = by_language.setdefault(language, [""] * len(names))
        columns[index] = base
    shared = map_columns(by_language.pop("", [""] * len(names)))
    found = [("", shared)] if is_faq(shared) else []
    rest = {field: place for field, place in shared.items() if field not in _SPOKEN}
    for language, columns in by_language.items():
        mapped = {**rest, **map_columns(columns)}
        if is_faq(mapped):
            found.append((language, mapped))
    return found


_SPOKEN: frozenset[Field] = frozenset({"question", "answer", "variants"})


def _language_in(name: str) -> tuple[str, str]:
    """Return the language that the name of a column says beside its field, and the rest of it."""
    parts = [part for part in re.split(r"[\s_\-.:/()\[\]（）]+", name) if part]
    for base, affix in ((parts[:-1], parts[-1:]), (parts[1:], parts[:1])):
        written = " ".join(base)
        code = language_code("".join(affix)) if base else ""
        if code in LANGUAGE_CODES and field_of(written) in _SPOKEN:
            return code, written
    return "", name


def is_faq(mapped: Mapped) -> bool:
    """Tell whether the columns hold questions with answers."""
    return "question" in mapped and "answer" in mapped
