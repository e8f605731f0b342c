"""The page of settings, for owners; they take effect after a restart, which it offers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.form import Refused, fields_of
from console.pages import Pages
from core.errors import AnswerdeskError
from core.wording import N_, tr

_HERE = "/console/settings"
_MOST_CHARS = 10_000
GROUPS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    N_("Company"): {
        "company.name": (N_("Name"), N_("In greetings and at the top of each page")),
        "company.languages": (
            N_("Languages"),
            N_("One code a line; the first is used when a customer's language is not known"),
        ),
        "company.contact": (
            N_("Where customers reach a person"),
            N_("An e-mail address or a telephone number; said where the bot can call nobody"),
        ),
        "company.welcome": (
            N_("Welcome"),
            N_(
                "One line for each language, such as <code>en: Hello! …</code>; for the others, "
                "the built-in text is shown"
            ),
        ),
        "company.suggestions": (
            N_("Suggested questions"),
            N_("One a line, up to eight; if empty, some of your entries are offered"),
        ),
    },
    N_("Working hours"): {
        "telegram.hours": (
            N_("When people answer"),
            N_("One period a line, such as <code>mon-fri 09:00-17:30</code>; if empty, always"),
        ),
        "telegram.timezone": (
            N_("Time zone"),
            N_("Of these hours and of times on these pages, such as <code>Europe/Berlin</code>"),
        ),
    },
    N_("Weekly report"): {
        "telegram.report": (
            N_("Day and time"),
            N_(
                "In the team's group of Telegram, such as <code>mon 08:00</code>, in the time zone "
                "of the working hours, or <code>off</code>"
            ),
        ),
        "console.address": (
            N_("Address of the console"),
            N_("That the report leads to, such as <code>https://desk.example.com</code>"),
        ),
    },
    N_("Answers"): {
        "answers.answer_at": (
            N_("Answer from"),
            N_("Lowest probability, 0 to 1, at which an answer counts as sure"),
        ),
        "answers.hedge_at": (
            N_("“May be” from"),
            N_("Lowest probability at which an unsure answer is given; below it, there is none"),
        ),
        "telegram.streaming": (
            N_("While a reply is written"),
            N_(
                "In Telegram: <code>draft</code> (shows a preview), <code>edit</code> (rewrites "
                "the message) or <code>off</code>"
            ),
        ),
    },
    N_("Website"): {
        "widget.origins": (
            N_("Websites with the chat"),
            N_(
                "One a line, such as <code>https://www.example.com</code>; if empty, the chat is "
                "off"
            ),
        ),
        "widget.per_minute": (N_("Questions a minute"), N_("At most, from one IP address")),
    },
    N_("Knowledge"): {
        "refresh.cron": (
            N_("When sources are read"),
            N_("Minute, hour, day, month and weekday: <code>0 3 * * *</code> is every day at 3:00"),
        ),
        "refresh.timezone": (
            N_("Time zone of this schedule"),
            N_("Such as <code>Europe/Berlin</code>"),
        ),
        "knowledge.timezone": (
            N_("Time zone of validity"),
            N_("Of the first and the last day on which an entry is valid"),
        ),
        "knowledge.keep_releases": (
            N_("Releases kept"),
            N_("Older ones cannot be published again"),
        ),
    },
    N_("Days until deletion"): {
        "retention.telegram_days": (N_("Telegram"), N_("Questions and answers")),
        "retention.web_days": (
            N_("Website"),
            N_("Questions and answers of the try-it page and of the chat on your website"),
        ),
        "retention.api_days": (N_("API"), N_("Questions and answers of other programs")),
        "retention.audit_days": (N_("Who did what"), N_("The record of what people did")),
    },
}
"""What may be changed on the page, each with its name and what is meant. What could let somebody
read other files or reach other hosts is in `config.yaml` alone."""
_LABELS = {name: label for group in GROUPS.values() for name, (label, _) in group.items()}


class BadValue(AnswerdeskError):
    """A value that was sent cannot be used."""

    def __init__(self, name: str, reason: str) -> None:
        if label := _LABELS.get(".".join(name.split(".")[:2])):
            reason = tr("%(name)s: %(text)s", name=tr(label), text=reason)
        for key, label in _LABELS.items():
            section, _, own = key.partition(".")
            if section == name:  # several settings, named by their keys
                reason = reason.replace(own + " (", tr(label) + " (")
        reason = tr("%(sentence)s.", sentence=reason.rstrip(".。"))
        super().__init__(tr("Nothing was saved. %(reason)s", reason=reason))


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

    async def change(self, texts: Mapping[str, str]) -> list[Change]:
        """Store values; they take effect after a restart.

        Raises:
            BadValue: nothing was stored.
        """

    async def restart(self) -> None:
        """Close everything and open it with what is stored.

        Raises:
            ConfigError: if that cannot be read; the service goes on as it was.
        """


@dataclass(frozen=True, kw_only=True)
class SettingsPages:
    """Endpoints of the page."""

    pages: Pages
    settings: Settings

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
                tr(
                    "There are no settings %(group)r that can be changed here.",
                    group=fields["group"],
                ),
                422,
            )
        try:
            changes = await self.settings.change(texts)
        except AnswerdeskError as error:
            return await self._page(notice=str(error), sent=texts)
        request.state.about = "; ".join(f"{c.name}: {c.old!r} → {c.new!r}" for c in changes)
        return RedirectResponse(_HERE, 303)

    async def restart(self, request: Request) -> Response:
        """Restart, so that stored values take effect."""
        try:
            await self.settings.restart()
        except AnswerdeskError as error:
            return await self._page(notice=str(error))
        return RedirectResponse(_HERE, 303)

    async def _page(self, *, notice: str = "", sent: Mapping[str, str] | None = None) -> Response:
        try:
            settings, counts = await self.settings.show([*_LABELS])
        except AnswerdeskError as error:
            settings, counts, notice = [], True, str(error)
        return self.pages.response(
            "settings.html",
            status=409 if notice else 200,
            groups=GROUPS if settings else {},
            settings={one.name: one for one in settings},
            sent=sent or {},
            counts=counts,
            notice=notice,
        )
