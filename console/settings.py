"""The page of settings, for owners. What is stored counts after a restart, which it offers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.form import Refused, fields_of
from console.pages import Pages
from core.errors import AnswerdeskError

_HERE = "/console/settings"
_MOST_CHARS = 10_000
GROUPS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Company": {
        "company.name": ("Name", "In greetings, and above the pages"),
        "company.languages": (
            "Languages",
            "Codes, one a line; the first is for customers whose language is not known",
        ),
        "company.welcome": (
            "Welcome",
            "A line for each language, as “en: Hello! …”; where there is none, ours is shown",
        ),
        "company.suggestions": (
            "Suggested questions",
            "One a line, up to eight; none: some of your entries",
        ),
    },
    "Working hours": {
        "telegram.hours": (
            "When people answer",
            "One a line, as “mon-fri 09:00-17:30”; none: always",
        ),
        "telegram.timezone": ("Time zone", "Of these hours and of Figures, as Europe/Berlin"),
    },
    "Answers": {
        "answers.answer_at": ("Answer from", "Probability from which an answer is sure, 0 to 1"),
        "answers.hedge_at": (
            "“May be” from",
            "Probability from which an answer is given with a reservation; below: no answer",
        ),
        "telegram.streaming": (
            "While a reply is written",
            "In Telegram: draft (a preview), edit (of the message) or off",
        ),
    },
    "Website": {
        "widget.origins": (
            "Websites with the chat",
            "One a line, as https://www.example.com; none: the chat is off",
        ),
        "widget.per_minute": ("Questions a minute", "That one address may ask"),
    },
    "Knowledge": {
        "refresh.cron": (
            "When sources are read",
            "Minute, hour, day, month, weekday: “0 3 * * *” is every day at 3:00",
        ),
        "refresh.timezone": ("Time zone of that", "As Europe/Berlin"),
        "knowledge.timezone": (
            "Time zone of validity",
            "Of the days between which an entry is valid",
        ),
        "knowledge.keep_releases": ("Releases kept", "Older ones cannot be published again"),
    },
    "Days until deletion": {
        "retention.telegram_days": ("Telegram", "Questions and answers"),
        "retention.web_days": ("Website", "Of the try-it page and the chat on your website"),
        "retention.api_days": ("API", "Of other programs"),
        "retention.audit_days": ("Who did what", "The record of what people did"),
    },
}
"""What may be changed on the page, each with its name and what is meant. What could let somebody
read other files or reach other hosts is in `config.yaml` alone."""
_LABELS = {name: label for group in GROUPS.values() for name, (label, _) in group.items()}


class BadValue(AnswerdeskError):
    """A value that was sent cannot be used."""

    def __init__(self, name: str, reason: str) -> None:
        label = _LABELS.get(name) or _LABELS.get(".".join(name.split(".")[:2]), "")
        super().__init__(f"Nothing was saved. {label}{': ' if label else ''}{reason}.")


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as the page shows it."""

    name: str
    """Section and key, such as ``company.name``."""
    value: str
    choices: Sequence[str] = ()
    lines: bool = False
    """Whether it has a value in each line."""
    fixed_by: str = ""
    """The environment variable that sets it; empty: it may be changed."""
    below: str | None = None
    """What `config.yaml` says, where this counts in its place."""


@dataclass(frozen=True, slots=True)
class Change:
    """A value that took the place of another."""

    name: str
    old: str
    new: str


class Settings(Protocol):
    """The settings of the service."""

    async def show(self, names: Sequence[str]) -> tuple[list[Setting], bool]:
        """Return settings as they are stored, and whether all of the stored ones count already.

        Raises:
            ConfigError: if they cannot be read.
        """
        ...

    async def change(self, texts: Mapping[str, str]) -> list[Change]:
        """Store values; they count after a restart.

        Raises:
            BadValue: nothing was stored.
        """
        ...

    async def restart(self) -> None:
        """Close everything and open it with what is stored.

        Raises:
            ConfigError: if that cannot be read; the service goes on as it was.
        """
        ...


class SettingsPages:
    """Endpoints of the page."""

    def __init__(self, *, pages: Pages, settings: Settings) -> None:
        self._pages = pages
        self._settings = settings

    async def show(self, request: Request) -> Response:
        """Show the settings."""
        return await self._page()

    async def change(self, request: Request) -> Response:
        """Store a group of settings."""
        fields = await fields_of(request)
        names = GROUPS.get(fields["group"], {})
        texts = {name: fields[name][:_MOST_CHARS] for name in names if name in fields}
        if not texts:
            raise Refused(
                f"There are no settings {fields['group']!r} that can be changed here.", 422
            )
        try:
            changes = await self._settings.change(texts)
        except AnswerdeskError as error:
            return await self._page(notice=str(error), sent=texts)
        request.state.about = "; ".join(f"{c.name}: {c.old!r} → {c.new!r}" for c in changes)
        return RedirectResponse(_HERE, 303)

    async def restart(self, request: Request) -> Response:
        """Let what is stored count."""
        try:
            await self._settings.restart()
        except AnswerdeskError as error:
            return await self._page(notice=str(error))
        return RedirectResponse(_HERE, 303)

    async def _page(self, *, notice: str = "", sent: Mapping[str, str] | None = None) -> Response:
        try:
            settings, counts = await self._settings.show([*_LABELS])
        except AnswerdeskError as error:
            settings, counts, notice = [], True, str(error)
        return self._pages.response(
            "settings.html",
            status=409 if notice else 200,
            groups=GROUPS if settings else {},
            settings={one.name: one for one in settings},
            sent=sent or {},
            counts=counts,
            notice=notice,
        )
