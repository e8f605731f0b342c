"""JSON and JSONL: FAQ entries {question, answer, …} and passages {text, title, …}."""

import json
from collections.abc import Iterator
from typing import Any

from core.errors import UnreadableFile
from core.types import Section, Skipped
from kb.parse.columns import Field, Given, field_of
from kb.parse.encoding import decode
from kb.parse.limits import MAX_CELL_CHARS, MAX_ROWS
from kb.parse.rows import Taken, entry_of, language_code, split_variants

_LISTS = ("faq", "faqs", "entries", "items", "data", "questions", "rows", "passages", "documents")
_TEXT = ("text", "content", "body", "passage", "正文", "内容")
_TITLE = ("title", "heading", "name", "标题")


def parse_jsonl(name: str, data: bytes, given: Given | None = None) -> Taken:
    """Read one JSON object per line; a line that is none is skipped and named."""
    sections: list[Section] = []
    skipped: list[Skipped] = []
    for number, line in enumerate(decode(name, data).split("\n"), start=1):
        if not line.strip():
            continue
        location = f"row {number}"
        if number > MAX_ROWS:
            skipped.append(Skipped(location, f"Only {MAX_ROWS:,} rows are read. Split the file."))
            break
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            skipped.append(Skipped(location, f"The line is no JSON: {str(error)[:100]}."))
            continue
        _take(record, location, sections, skipped, given)
    return Taken(tuple(sections), tuple(skipped))


def parse_json(name: str, data: bytes, given: Given | None = None) -> Taken:
    """Read a JSON list of objects, or an object that holds one, or questions with their answers."""
    text = decode(name, data)
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise UnreadableFile(name, "Its JSON is nested too deep to be read.") from error
    except ValueError as error:
        if "set_int_max_str_digits" in str(error):
            raise UnreadableFile(name, "It holds a number with thousands of digits.") from error
        if text.lstrip().startswith("{") and "\n" in text.strip():
            return parse_jsonl(name, data, given)
        raise UnreadableFile(name, f"It is no valid JSON: {str(error)[:120]}.") from error
    sections: list[Section] = []
    skipped: list[Skipped] = []
    for number, (location, record) in enumerate(_records(name, value), start=1):
        if number > MAX_ROWS:
            skipped.append(Skipped(location, f"Only {MAX_ROWS:,} rows are read. Split the file."))
            break
        _take(record, location, sections, skipped, given)
    return Taken(tuple(sections), tuple(skipped))


def _records(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        nested = next((value[k] for k in value if k.lower() in _LISTS), None)
        if isinstance(nested, list | dict):
            yield from _records(name, nested)
            return
        if value and all(isinstance(v, str) for v in value.values()) and not _fields(value):
            for key, answer in value.items():
                yield f"key {key[:60]}", {"question": key, "answer": answer}
            return
        value = [value]
    if not isinstance(value, list):
        raise UnreadableFile(
            name,
            'Its JSON is neither a list of {"question": …, "answer": …} nor of {"text": …}.',
        )
    for number, record in enumerate(value, start=1):
        yield f"row {number}", record


def _fields(record: dict[str, Any], given: Given | None = None) -> dict[Field, Any]:
    found: dict[Field, Any] = {}
    for wanted, name in (given or {}).items():
        if name in record:
            found[wanted] = record[name]
    for key, value in record.items():
        if (field := field_of(str(key))) is not None:
            found.setdefault(field, value)
    return found


def _take(
    record: Any,
    location: str,
    sections: list[Section],
    skipped: list[Skipped],
    given: Given | None,
) -> None:
    if not isinstance(record, dict):
        kind = type(record).__name__
        skipped.append(Skipped(location, f"It is a {kind}, not an object with named fields."))
        return
    fields = _fields(record, given)
    if "question" in fields or "answer" in fields:
        made = entry_of(
            location,
            question=_string(fields.get("question")),
            answer=_string(fields.get("answer")),
            variants=_strings(fields.get("variants")),
            category=_string(fields.get("category")),
            language=_string(fields.get("language")),
            valid_from=_string(fields.get("valid_from")),
            valid_until=_string(fields.get("valid_until")),
            entry_id=_string(fields.get("id")),
        )
    else:
        made = _passage(record, fields, location)
    if isinstance(made, Skipped):
        skipped.append(made)
    else:
        sections.append(made)


def _passage(record: dict[str, Any], fields: dict[Field, Any], location: str) -> Section | Skipped:
    text = next((_string(record[key]) for key in _TEXT if record.get(key)), "").strip()
    title = next((_string(record[key]) for key in _TITLE if record.get(key)), "").strip()
    if not text:
        known = ", ".join(str(key)[:30] for key in list(record)[:8]) or "none"
        return Skipped(
            location, f"It has neither a question with an answer nor a text (fields: {known})."
        )
    if len(text) > MAX_CELL_CHARS:
        return Skipped(location, f"The text has {len(text):,} characters; at most "
                                 f"{MAX_CELL_CHARS:,} are read.")  # fmt: skip
    return Section(
        text=text,
        title_path=(title,) if title else (),
        location=location,
        entry_id=_string(fields.get("id")),
        category=_string(fields.get("category")),
        language=language_code(_string(fields.get("language"))),
    )


def _string(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, str):
        return value.encode("utf-8", "ignore").decode()  # lone surrogates fit no database
    return str(value) if isinstance(value, int | float) else ""


def _strings(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for item in value if (text := _string(item).strip())]
    return split_variants(_string(value))
