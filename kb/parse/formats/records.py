"""JSON and JSONL: FAQ entries {question, answer, …} and passages {text, title, …}."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from core.errors import UnreadableFile
from core.types import Section, Skipped
from core.wording import N_
from kb.parse.encoding.decoding import decode
from kb.parse.faq.columns import Field, Given, field_of, is_faq, map_columns
from kb.parse.faq.entry import STATES, entry_of, withheld
from kb.parse.faq.questions import is_question
from kb.parse.faq.rows import Taken, read_table
from kb.parse.faq.table_text import Row
from kb.parse.faq.values import LANGUAGE_CODES, cell_text, language_code, split_variants
from kb.parse.formats.dialogflow import intent_entries
from kb.parse.limits import MAX_CELL_CHARS, MAX_COLUMNS, MAX_ROWS

_TEXT = ("text", "content", "body", "passage", "正文", "内容")
_TITLE = ("title", "heading", "name", "标题")
_GROUP = ("category", "topic", "section", "tag", *_TITLE)
_OTHER_NAMES: dict[str, Field] = {
    "instruction": "question", "input": "question", "output": "answer", "completion": "answer",
    "message": "answer", "responses": "answer", "qid": "id", "problem_list": "question",
    "acceptedAnswer": "answer",
}  # fmt: skip
"""Names in exports of chat platforms and in training data; the usual ones come before them."""
_ALTERNATIVES = "responses"
"""Answers of which a bot sends any one: the first is taken."""
_SAID = ("messages", "conversations")
"""What people and a bot said to each other, in turns."""
_WRAPPED = ("text", "value", "content", "plain", "markdown", "rendered")
"""Keys under which an object has nothing but a text."""
_WANTED = 'Wanted are objects like {"question": …, "answer": …} or {"text": …}.'


def parse_jsonl(name: str, data: bytes, given: Given) -> Taken:
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
            record = _texts(json.loads(line, parse_float=_Written))
        except (ValueError, RecursionError) as error:
            skipped.append(Skipped(location, f"The line is no JSON: {str(error)[:100]}."))
            continue
        _take(record, location, sections, skipped, given)
    return Taken(tuple(sections), tuple(skipped))


def parse_json(name: str, data: bytes, given: Given) -> Taken:
    """Read a JSON list of objects, or an object that holds one, or questions with their answers."""
    text = decode(name, data)
    try:
        value = json.loads(text, parse_float=_Written)
    except RecursionError as error:
        raise UnreadableFile(name, N_("Its JSON is nested too deep to be read.")) from error
    except ValueError as error:
        if "set_int_max_str_digits" in str(error):
            raise UnreadableFile(name, N_("It holds a number with thousands of digits.")) from error
        if text.lstrip().startswith("{") and "\n" in text.strip():
            return parse_jsonl(name, data, given)
        raise UnreadableFile(name, f"It is no valid JSON: {str(error)[:120]}.") from error
    return parse_value(name, value, given)


def parse_value(name: str, value: Any, given: Given) -> Taken:
    """Take the entries and passages of lists and objects, however they are nested."""
    sections: list[Section] = []
    skipped: list[Skipped] = []
    if not isinstance(value, dict | list):
        raise UnreadableFile(name, f"It is only a {type(value).__name__}. {_WANTED}")
    if (intents := list(intent_entries(value, skipped))) or skipped:
        value = intents
    value = _texts(value)
    if grid := _grid(value, given):
        rows = [Row(f"row {n}", tuple(map(_cell, cells))) for n, cells in enumerate(grid, 1)]
        return read_table(rows[:MAX_ROWS], given=given)
    for number, (group, record) in enumerate(_records(value, given), start=1):
        location = f"row {number}"
        if number > MAX_ROWS:
            skipped.append(Skipped(location, f"Only {MAX_ROWS:,} rows are read. Split the file."))
            break
        _take(record, location, sections, skipped, given, group)
    return Taken(tuple(sections), tuple(skipped))


class _Written(float):
    """A number that is shown as the file has it: ``4.90``."""

    def __new__(cls, text: str) -> "_Written":
        made = super().__new__(cls, text)
        made.text = text
        return made

    text: str

    def __str__(self) -> str:
        return self.text


def _texts(value: Any) -> Any:
    """Return JSON with each text as its reader reads it."""
    if isinstance(value, str):
        return cell_text(value.encode("utf-8", "ignore").decode())  # lone surrogates fit nowhere
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return {k: _texts(v) for k, v in value.items()} if isinstance(value, dict) else value


def _grid(value: Any, given: Given) -> list[Any]:
    """Return a table that is written as a list of rows or of flat objects, or as two lists."""
    if isinstance(value, dict):
        lists = [inner for inner in value.values() if isinstance(inner, list)]
        texts = all(isinstance(item, str) for inner in lists for item in inner)
        if len(lists) == 2 and texts and len(lists[0]) == len(lists[1]) > 1:
            names = [key for key, inner in value.items() if isinstance(inner, list)]
            if is_faq(map_columns(names)):
                return [names, *zip(*lists, strict=True)]
        value = next(iter(value.values())) if len(value) == 1 else None
    rows = value if isinstance(value, list) else []
    if rows and all(isinstance(row, dict) and _is_flat(row, given) for row in rows):
        names = list(dict.fromkeys(str(key) for row in rows for key in row))
        return [names, *([row.get(name) for name in names] for row in rows)]
    plain = all(
        isinstance(row, list)
        and 1 < len(row) <= MAX_COLUMNS
        and not any(isinstance(cell, list | dict) for cell in row)
        for row in rows
    )
    return rows if plain and len(rows) > 1 else []


def _is_flat(row: dict[str, Any], given: Given) -> bool:
    """Tell whether an object is a row of a table: it has fields, none of them known."""
    nested = any(isinstance(cell, list | dict) for cell in row.values())
    return len(row) > 1 and not (nested or _fields(row, given) or _first(row, _TEXT))


def _records(
    value: Any, given: Given, group: str = "", depth: int = 0
) -> Iterator[tuple[str, Any]]:
    """Yield each record with the name of the group it stands in, wherever it is nested."""
    if isinstance(value, list):
        for item in value:
            nested = isinstance(item, dict) and not _is_record(item, given)
            nested = nested and any(isinstance(inner, list | dict) for inner in item.values())
            yield from _records(item, given, group, depth + 1) if nested else [(group, item)]
    elif (depth or _is_said(value)) and _is_record(value, given):
        yield group, value
    elif value and all(isinstance(v, str) for v in value.values()):
        for key, answer in value.items():
            yield group, {"question": key, "answer": answer}
    else:
        lists = {k: v for k, v in value.items() if isinstance(v, list | dict)}
        if not lists:
            yield group, value
        named = next((value[k] for k in _GROUP if isinstance(value.get(k), str)), "")
        held = [key for key, inner in lists.items() if _holds(inner, given)]
        several = sum(k in held or isinstance(v, list) for k, v in lists.items()) > 1
        for key, inner in value.items():
            if is_question(str(key)) and isinstance(inner, str | list):
                yield group, {"question": key, "answer": _string(inner)}
            elif key in lists and held and key not in held and isinstance(inner, dict):
                yield group, inner  # beside records: what else is known of them
            elif key in lists and str(key) in LANGUAGE_CODES:
                for around, record in _records(inner, given, named or group, depth + 1):
                    yield around, {"language": key, **record}
            elif key in lists:
                groups = several and not _is_entry(inner, given)
                below = str(key) if groups and not named else named if depth else ""
                yield from _records(inner, given, below or group, depth + 1)


def _is_entry(value: Any, given: Given) -> bool:
    return isinstance(value, dict) and _is_record(value, given)


def _holds(value: Any, given: Given) -> bool:
    """Tell whether a value is a record or question, or has one in it."""
    if isinstance(value, list):
        return any(_holds(item, given) for item in value)
    inner = value.items() if isinstance(value, dict) else ()
    return _is_entry(value, given) or any(
        is_question(str(k), strict=False) or _holds(v, given) for k, v in inner
    )


def _is_said(value: dict[str, Any]) -> bool:
    """Tell whether an object is one conversation."""
    lists = (value[key] for key in _SAID if isinstance(value.get(key), list))
    turns = (turn for said in lists for turn in said if isinstance(turn, dict))
    return any(turn.keys() & {"role", "from"} for turn in turns)


def _is_record(value: dict[str, Any], given: Given) -> bool:
    """Tell whether an object is an entry or a passage, not one that holds some."""
    fields = _fields(value, given)
    if any(key in value for key in _SAID) or "answer" in fields:
        return True
    if isinstance(fields.get("question"), str):
        return True
    return any(not isinstance(value.get(key), list) and _string(value.get(key)) for key in _TEXT)


def _fields(record: dict[str, Any], given: Given) -> dict[Field, Any]:
    found: dict[Field, Any] = {}
    for wanted, name in given.items():
        if name in record:
            found[wanted] = record[name]
    for key, value in record.items():
        if (field := field_of(str(key))) is not None:
            found.setdefault(field, value)
    for key, field in _OTHER_NAMES.items():
        if record.get(key):
            found.setdefault(field, record[key])
    if (more := _string(record.get("input"))) and more != found.get("question"):
        asked = _string(found.get("question"))  # an instruction, and what it is applied to
        found["question"] = more if is_question(more) else f"{asked}\n{more}"
    return found


def _take(
    record: Any,
    location: str,
    sections: list[Section],
    skipped: list[Skipped],
    given: Given,
    group: str = "",
) -> None:
    if not isinstance(record, dict):
        skipped.append(Skipped(location, "It is no object with fields."))
        return
    if reason := withheld(record):
        skipped.append(Skipped(location, reason))
        return
    if said := next((record[key] for key in _SAID if isinstance(record.get(key), list)), None):
        record = _conversation(said, location, skipped)
    fields = _fields(record, given)
    if languages := _languages(fields.get("question")):
        for code in languages:
            values = {k: v.get(code) if isinstance(v, dict) else v for k, v in fields.items()}
            _take({**values, "language": code}, location, sections, skipped, {}, group)
        return
    asked = _strings(fields.get("question")) if isinstance(fields.get("question"), list) else []
    variants = _strings(fields.get("variants"))
    question = asked[0] if asked else _string(fields.get("question"))
    if "answer" in fields and not question and variants:
        question, variants = variants[0], variants[1:]
    title, text = _first(record, _TITLE), _first(record, _TEXT)
    if "answer" not in fields and text and (question or is_question(title)):
        if question:
            fields.setdefault("category", title)
        question, fields["answer"] = question or title, text
    if "answer" in fields and not question and is_question(title):
        question = title
    if question or "answer" in fields:
        answer = fields.get("answer")
        if isinstance(answer, list) and answer is record.get(_ALTERNATIVES):
            answer = answer[:1]
        texts: dict[Field, str] = {field: _string(value) for field, value in fields.items()}
        texts |= {"question": question, "answer": _string(answer)}
        texts["category"] = texts.get("category") or group
        made = entry_of(location, texts, variants=[*asked[1:], *variants])
        if isinstance(made, Skipped) and made.reason.endswith("empty."):
            made = replace(made, reason=f"{made.reason} {_known(record)}")
    else:
        made = _passage(record, fields, location)
    if isinstance(made, Skipped):
        skipped.append(made)
        return
    sections.append(made)
    if unread := ", ".join(map(repr, _unread(record, fields))):
        what = "questions and answers" if made.answer else "titles and texts"
        reason = f"Only {what} are read, not what stands under {unread}."
        if all(one.reason != reason for one in skipped):
            skipped.append(Skipped(location, reason))


def _unread(record: dict[str, Any], fields: dict[Field, Any]) -> list[str]:
    """Return the names of a record's fields that hold text and are not read."""
    others = (*_TITLE, *_TEXT, *STATES, "instruction", "input")
    read = [*fields.values(), *map(record.get, others)]
    return [
        str(key)[:60]
        for key, value in record.items()
        if isinstance(value, str | list) and _string(value) and value not in read
    ]


def _languages(value: Any) -> list[str]:
    """Return the codes of a field that has a value for each language; otherwise nothing."""
    codes = list(value) if isinstance(value, dict) else []
    return codes if all(language_code(str(code)) for code in codes) else []


def _conversation(messages: list[Any], location: str, skipped: list[Skipped]) -> dict[str, Any]:
    """Return the first question of a conversation with its answer."""
    said = [m for m in messages if isinstance(m, dict)]
    roles = [m.get("role") or m.get("from") for m in said]
    asked = [i for i, role in enumerate(roles) if role in {"user", "human"}]
    if len(asked) > 1:
        reason = f"Of a conversation only the first of its {len(asked)} questions is read."
        skipped.append(Skipped(location, reason))
    if not asked:
        return {}
    replies = (i for i, role in enumerate(roles) if role in {"assistant", "bot", "gpt"})
    reply = next((said[i] for i in replies if i > asked[0]), {})
    question, answer = (m.get("content", m.get("value", "")) for m in (said[asked[0]], reply))
    return {"question": question, "answer": answer}


def _known(record: dict[str, Any]) -> str:
    """Say which fields there are, and what to do where they have other names."""
    names = ", ".join(str(key)[:30] for key in list(record)[:8]) or "none"
    return f"Its fields are: {names}. If others hold them, give the columns question=…,answer=…"


def _first(record: dict[str, Any], keys: Sequence[str]) -> str:
    return next((_string(record[key]) for key in keys if record.get(key)), "").strip()


def _passage(record: dict[str, Any], fields: dict[Field, Any], location: str) -> Section | Skipped:
    text, title = _first(record, _TEXT), _first(record, _TITLE)
    if not text:
        return Skipped(
            location, f"It has neither a question with an answer nor a text. {_known(record)}"
        )
    if len(text) > MAX_CELL_CHARS:
        reason = f"The text has {len(text):,} characters; at most {MAX_CELL_CHARS:,} are read."
        return Skipped(location, reason)
    return Section(
        text=text,
        title_path=(title,) if title else (),
        location=location,
        entry_id=_string(fields.get("id")),
        category=_string(fields.get("category")),
        language=language_code(_string(fields.get("language"))),
    )


def _string(value: Any) -> str:
    """Return the text of a field; several texts stand on lines of their own."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(_strings(value))
    if isinstance(value, dict):
        return _first(value, _WRAPPED)
    return str(value) if isinstance(value, int | float) else ""


def _cell(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else _string(value)


def _strings(value: Any) -> list[str]:
    if isinstance(value, list):
        items = (item if isinstance(item, str | int | float) else _string(item) for item in value)
        return [text for item in items if (text := _string(item).strip())]
    return split_variants(_string(value))
