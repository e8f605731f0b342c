"""Templates and static files, read once."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel import Locale
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from console.labels import preload_labels
from console.once import once
from console.security_logins import current_person
from core.shown import clean

HERE = Path(__file__).parent
STATIC = HERE / "static"


class Pages:
    """Renders templates. Everything is read when it is made, nothing while serving."""

    def __init__(
        self, *, shop: str, welcome: Mapping[str, str], allows: Callable[[str, str], bool]
    ) -> None:
        """`allows` tells whether who is shown a page may use a path with a method."""
        preload_labels()
        environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            finalize=_seen,
        )
        # A changed file gets another address, so that browsers may keep the others.
        versions = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            for path in STATIC.iterdir()
            if path.is_file()
        }
        environment.filters["moment"] = _moment
        environment.filters["language_name"] = lambda code: Locale("en").languages.get(code, code)
        environment.globals |= {"shop": shop, "welcome": welcome}
        environment.globals["once"] = once
        environment.globals["may_open"] = lambda path: allows(path, "GET")
        environment.globals["may_send"] = lambda path: allows(path, "POST")
        environment.globals["current_person"] = current_person.get
        environment.globals["static"] = lambda name: f"/static/{name}?v={versions[name]}"
        self._templates = {
            name: environment.get_template(name) for name in environment.list_templates()
        }

    def text(self, template: str, values: Mapping[str, Any]) -> str:
        """Return a template as HTML text."""
        return self._templates[template].render(values)

    def response(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a template as a page that no cache keeps."""
        return HTMLResponse(
            self.text(template, values), status, headers={"Cache-Control": "no-store"}
        )


def _seen(value: Any) -> Any:
    """Remove from a text that goes onto a page what could reorder or hide the rest of it."""
    return clean(value) if type(value) is str else value


def _moment(seconds: float) -> Markup:
    """Return UTC epoch seconds as a time that people read, to the minute."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return Markup('<time datetime="{}">{} UTC</time>').format(
        moment.isoformat(timespec="seconds"), moment.strftime("%Y-%m-%d %H:%M")
    )
