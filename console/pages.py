"""Templates and static files, read once."""

import csv
import difflib
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_percent
from babel.units import format_unit
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from console.labels import preload_labels
from console.once import once
from console.security_logins import current_person
from core.errors import unchanged
from core.shown import clean
from core.wording import N_, language_tag, locale, ntr, preload, told, tr
from kb.answering.texts import service_text
from kb.parse.faq.formula import protect

HERE = Path(__file__).parent
_WORDS = (
    *(N_("viewer"), N_("agent"), N_("editor"), N_("owner"), N_("console")),
    *(N_("web"), N_("telegram"), N_("widget"), N_("api"), N_("angry"), N_("urgent")),
    *(N_("wrong"), N_("incomplete"), N_("outdated"), N_("not my question")),
    *(N_("variant"), N_("answer"), N_("disabled"), N_("negative"), N_("validity"), N_("draft")),
    *(
        N_("category"),
        N_("translation"),
        N_("note"),
        N_("ingest"),
        N_("rollback"),
        N_("refresh"),
        N_("rebuild"),
    ),
    *(N_("edit"), N_("embed"), N_("reminders"), N_("weekly report"), N_("maintenance")),
    *(N_("refresh of watched folders"), N_("upload")),
    *(N_("running"), N_("done"), N_("held"), N_("failed"), N_("late"), N_("interrupted")),
    *(N_("waiting"), N_("delivered"), N_("dropped"), N_("ask"), N_("read"), N_("write")),
)
"""Words in the data that pages translate: roles, channels, kinds and states."""
STATIC = HERE / "static"
_TABLE = re.compile(r"(<table>.*?</thead>)(.*?</table>)", re.DOTALL)
_HEADING = re.compile(r"<th\b[^>]*>(.*?)</th>", re.DOTALL)
_ROW = re.compile(r"<tr>.*?</tr>", re.DOTALL)
_CELL = re.compile(r"<t[dh]\b")
_TAG = re.compile(r'<span class="for-readers">.*?</span>|<[^>]+>')
_WORD = re.compile(r"[\u2e80-\uffef]|[^\W\u2e80-\uffef]+|\s+|.")
_UNITS = (("hour", 3600), ("minute", 60))


class Pages:
    """Renders templates. Everything is read when it is made, nothing while serving."""

    def __init__(
        self,
        *,
        shop: str,
        welcome: Mapping[str, str],
        allows: Callable[[str, str], bool],
        timezone: str,
    ) -> None:
        """`allows` tells whether the person may use a path with a method."""
        preload_labels()
        preload()
        environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            finalize=_seen,
            extensions=["jinja2.ext.i18n"],
        )
        environment.newstyle_gettext = True  # type: ignore[attr-defined]  # values as arguments
        environment.globals |= {"_": _translated, "gettext": _translated, "ngettext": _counted}
        # A changed file gets another address, so that browsers may keep the others.
        versions = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            for path in STATIC.iterdir()
            if path.is_file()
        }
        environment.filters["moment"] = partial(_moment, zone=ZoneInfo(timezone))
        environment.filters["differing"] = _differing
        environment.filters["language_name"] = lambda code: locale().languages.get(code, code)
        environment.filters["told"] = told
        environment.filters["duration"] = _duration
        environment.filters["percent"] = lambda share: format_percent(share, locale=locale())
        environment.globals["lang"] = language_tag
        environment.globals |= {"shop": shop, "welcome": welcome}
        environment.globals |= {"once": once, "unchanged": unchanged, "service_text": service_text}
        environment.globals["may_open"] = lambda path: allows(path, "GET")
        environment.globals["may_send"] = lambda path: allows(path, "POST")
        environment.globals["current_person"] = current_person.get
        environment.globals["static"] = lambda name: f"/static/{name}?v={versions[name]}"
        self._templates = {
            name: environment.get_template(name) for name in environment.list_templates()
        }

    def text(self, template: str, values: Mapping[str, Any]) -> str:
        """Return a template as HTML text."""
        return _TABLE.sub(_with_labels, self._templates[template].render(values))

    def response(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a template as a page that no cache keeps."""
        return HTMLResponse(
            self.text(template, values), status, headers={"Cache-Control": "no-store"}
        )


def as_csv(name: str, rows: Iterable[Iterable[object]]) -> Response:
    """Return rows as a file for spreadsheets, in which no cell is a formula."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([protect(str(value)) for value in row] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(text.getvalue(), media_type="text/csv", headers=headers)


def _with_labels(table: re.Match[str]) -> str:
    """Name each cell of a table's body by its column: on a phone, a row is a list."""
    names = [_TAG.sub("", name).replace('"', "&quot;") for name in _HEADING.findall(table[1])]

    def row(match: re.Match[str]) -> str:
        rest = iter(names)
        return _CELL.sub(lambda cell: f'{cell[0]} data-label="{next(rest, "")}"', match[0])

    return f"{table[1]}{_ROW.sub(row, table[2])}"


def _seen(value: Any) -> Any:
    """Remove characters that could reorder or hide the rest of a text on a page."""
    return clean(value) if type(value) is str else value


def _translated(sentence: str, /, **values: Any) -> Markup:
    """Return a sentence of a template, whose HTML is ours; the values' is not."""
    return Markup(tr(sentence, **_safe(values)))


def _counted(one: str, many: str, number: int, /, **values: Any) -> Markup:
    """Return the sentence that fits a number, as `_translated`."""
    return Markup(ntr(one, many, number, **_safe(values)))


def _safe(values: Mapping[str, Any]) -> Mapping[str, Markup]:
    return {name: escape(_seen(value)) for name, value in values.items()}


def _differing(text: str, other: str) -> Markup:
    """Return a text with its differences from another one marked."""
    words, others = _WORD.findall(text), _WORD.findall(other)
    pieces = []
    changes = difflib.SequenceMatcher(None, words, others, autojunk=False).get_opcodes()
    for change, start, end, *_ in changes:
        piece = escape(_seen("".join(words[start:end])))
        pieces.append(piece if change == "equal" or not piece else f"<mark>{piece}</mark>")
    return Markup("").join(map(Markup, pieces))


def _duration(seconds: float) -> str:
    """Return seconds in words: seconds, minutes or hours."""
    unit, size = next((one for one in _UNITS if seconds >= 2 * one[1]), ("second", 1))
    number = round(seconds / size, 0 if size > 1 else 1)
    return format_unit(number, unit, "short", locale=locale())


def _moment(seconds: float, *, zone: ZoneInfo) -> Markup:
    """Return epoch seconds as a time that people of a zone read, to the minute."""
    moment = datetime.fromtimestamp(seconds, zone)
    return Markup('<time datetime="{}">{} {:%H:%M %Z}</time>').format(
        moment.isoformat(timespec="seconds"), format_date(moment, locale=locale()), moment
    )
