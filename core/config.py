"""What an operator may change, as frozen data with its defaults.

An unknown key is an error, so that a typing mistake is not silently ignored.
"""

import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from core.hours import DAYS, WorkingHours
from core.wording import tr

ENVIRONMENT_PREFIX = "ANSWERDESK__"
_LANGUAGES = ("en", "zh", "es", "de", "ru", "fr", "it", "pt", "nl", "pl", "tr")


def _language(code: str) -> str:
    if code not in _LANGUAGES:
        known = ", ".join(_LANGUAGES)
        raise ValueError(
            tr("there are no texts in %(code)r; write %(known)s", code=code, known=known)
        )
    return code


def _zone(name: str) -> str:
    WorkingHours.parse((), name)
    return name


def _hours(periods: tuple[str, ...]) -> tuple[str, ...]:
    WorkingHours.parse(periods, "UTC")
    return periods


def _report_time(value: Any) -> Any:
    if value is False:  # what YAML makes of off
        return "off"
    if not re.fullmatch(rf"off|({'|'.join(DAYS)}) ([01]\d|2[0-3]):[0-5]\d", str(value)):
        raise ValueError(
            tr("%(value)r is not a day and a time; write mon 08:00, or off", value=value)
        )
    return value


Language = Annotated[str, AfterValidator(_language)]
Probability = Annotated[float, Field(ge=0, le=1)]
TimeZone = Annotated[str, AfterValidator(_zone)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _yes_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        number = cls.model_fields[info.field_name or ""].annotation in (int, float)
        if number and isinstance(value, bool):
            raise ValueError(tr("yes and no are not numbers; write one"))
        return value


class CompanyConfig(_Section):
    """Who speaks."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] = "Answerdesk"
    languages: tuple[Language, ...] = Field(_LANGUAGES, min_length=1)
    contact: str = Field("", max_length=300)
    welcome: dict[Language, Annotated[str, Field(min_length=1, max_length=1000)]] = {}
    suggestions: tuple[Annotated[str, Field(max_length=200)], ...] = Field((), max_length=8)


class ModelsConfig(_Section):
    """Which models, and what they may use."""

    embedder: str = "multilingual-e5-small"
    embedder_precision: Literal["exact", "int8"] = "int8"
    reader: bool = True
    second_embedder: str = "all-MiniLM-L6-v2"
    generator: str = "qwen2.5-coder-0.5b-instruct"
    threads: int = Field(2, ge=1)
    generator_queue: int = Field(8, ge=1)
    generator_timeout_s: float = Field(30, gt=0)
    recycle_after: int = Field(2000, ge=1)
    prefix_memory_mb: int = Field(128, ge=0)
    prefix_disk_mb: int = Field(1024, ge=0)


class AnswersConfig(_Section):
    """When to answer, and how long."""

    answer_at: Probability = 0.7
    hedge_at: Probability = 0.38
    compose: bool = False
    max_tokens: int = Field(96, ge=8)
    max_question_chars: int = Field(2000, ge=50)

    @model_validator(mode="after")
    def _ordered(self) -> "AnswersConfig":
        if self.hedge_at > self.answer_at:
            raise ValueError(
                tr(
                    "hedge_at (%(hedge)s) must not be above answer_at (%(answer)s); lower it, or "
                    "raise the other",
                    hedge=self.hedge_at,
                    answer=self.answer_at,
                )
            )
        return self


class KnowledgeConfig(_Section):
    """How files become passages."""

    passage_tokens: int = Field(160, ge=32)
    max_file_mb: int = Field(50, ge=1)
    parse_timeout_s: float = Field(25, gt=0)
    parse_memory_mb: int = Field(1024, ge=256)
    keep_releases: int = Field(20, ge=1)
    timezone: TimeZone = "UTC"


class SourceConfig(_Section):
    """A place that is read again on schedule; one of the first five says where."""

    path: Path | None = None
    """A folder."""
    file: Path | None = None
    url: str = ""
    sitemap: str = ""
    git: Path | None = None
    """A working copy on this machine."""
    patterns: tuple[str, ...] = ()
    """Of paths below a folder, a working copy or a host; empty: all."""
    cron: str = ""
    """Empty: `refresh.cron`."""
    timezone: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """Return which of the five it is, and its value."""
        (place,) = self._places()
        return place

    def _places(self) -> list[tuple[str, str]]:
        kinds = ("path", "file", "url", "sitemap", "git")
        return [(kind, str(value)) for kind in kinds if (value := getattr(self, kind))]

    @model_validator(mode="after")
    def _one_place(self) -> "SourceConfig":
        if len(self._places()) != 1:
            raise ValueError("a source has exactly one of path, file, url, sitemap and git")
        kind, value = self.place
        if kind in {"url", "sitemap"} and not value.startswith(("http://", "https://")):
            raise ValueError(f"{kind} must begin with http:// or https://")
        if self.patterns and kind in {"file", "url"}:
            raise ValueError(f"patterns mean nothing for a {kind}")
        return self


class RefreshConfig(_Section):
    """When sources are read again, and what holds a run back."""

    cron: str = "0 3 * * *"
    timezone: str = "UTC"
    max_removed_share: Probability = 0.3
    deadline_s: float = Field(3600, gt=0)
    watch: bool = False
    allow_hosts: tuple[str, ...] = ()
    page_timeout_s: float = Field(20, gt=0)
    page_interval_s: float = Field(1, ge=0)
    sources: tuple[SourceConfig, ...] = ()

    @model_validator(mode="after")
    def _no_place_twice(self) -> "RefreshConfig":
        values = [source.place[1] for source in self.sources]
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is listed twice: join its patterns in one source")
        return self


class TelegramConfig(_Section):
    """Where the Bot API is, and when the team is there."""

    base_url: str = ""
    base_file_url: str = ""
    workers: int = Field(256, ge=1)
    streaming: Literal["draft", "edit", "off"] = "draft"
    hours: Annotated[tuple[str, ...], AfterValidator(_hours)] = ()
    timezone: TimeZone = "UTC"
    report: Annotated[str, BeforeValidator(_report_time)] = "mon 08:00"

    @property
    def report_cron(self) -> str:
        """When the weekly report is due; empty: never."""
        if self.report == "off":
            return ""
        day, _, clock = self.report.partition(" ")
        hour, _, minute = clock.partition(":")
        return f"{int(minute)} {int(hour)} * * {day}"


class ConsoleConfig(_Section):
    """Where the web page is served."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    trusted_proxies: tuple[str, ...] = ()
    address: str = Field("", pattern=r"^(https?://[^\s/]+(/\S*)?)?$")

    @model_validator(mode="after")
    def _addresses(self) -> "ConsoleConfig":
        for proxy in self.trusted_proxies:
            if not ip_network(proxy).prefixlen:
                raise ValueError(f"trusted_proxies: {proxy} trusts everybody; name the proxies")
        return self


class WidgetConfig(_Section):
    """The chat on the company's own website."""

    origins: tuple[Annotated[str, Field(pattern=r"^https?://[a-z0-9.\-]+(:\d+)?$")], ...] = ()
    per_minute: int = Field(30, ge=5)


class WebhookConfig(_Section):
    """A program that is told what happened."""

    url: str = Field(pattern="^https?://", max_length=2000)
    events: tuple[
        Literal["question.unanswered", "conversation.handed_over", "release.published"], ...
    ] = Field(min_length=1)
    secret: str = Field(min_length=1)
    """Name of the environment variable that has it."""
    text: bool = False


class LookupParameterConfig(_Section):
    """A value that a customer gives: which record, or a proof of who asks."""

    pattern: str
    ask: dict[str, str] = Field(min_length=1)
    proof: bool = False
    field: str = ""


class SqlConfig(_Section):
    """A database and the statement that finds a record."""

    url: str
    statement: str


class HttpConfig(_Section):
    """A service that returns a record as JSON."""

    url: str
    record: str = ""
    token: str = ""


class ReplyConfig(_Section):
    """What is said of a record, and of which."""

    text: dict[str, str] = Field(min_length=1)
    when: dict[str, str] = {}


class LookupConfig(_Section):
    """Something that customers ask about their own records; file, sql or http says where."""

    questions: tuple[str, ...] = Field(min_length=1)
    other_questions: tuple[str, ...] = ()
    match_at: Probability = 0.8
    parameters: dict[str, LookupParameterConfig] = Field(min_length=1)
    file: Path | None = None
    sql: SqlConfig | None = None
    http: HttpConfig | None = None
    replies: tuple[ReplyConfig, ...] = Field(min_length=1)
    cache_s: float = Field(30, ge=0)
    timeout_s: float = Field(4, gt=0)

    @model_validator(mode="after")
    def _one_source(self) -> "LookupConfig":
        if sum(bool(source) for source in (self.file, self.sql, self.http)) != 1:
            raise ValueError("a lookup has exactly one of file, sql and http")
        if all(parameter.proof for parameter in self.parameters.values()):
            raise ValueError("a lookup needs a parameter that is no proof, to find the record by")
        return self


class RetentionConfig(_Section):
    """For how many days personal data is kept."""

    telegram_days: float = Field(365, gt=0)
    web_days: float = Field(30, gt=0)
    api_days: float = Field(30, gt=0)
    audit_days: float = Field(365, gt=0)


class LoggingConfig(_Section):
    """How the log is written."""

    format: Literal["text", "json"] = "text"


class Config(BaseSettings):
    """The whole configuration."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter="__"
    )

    company: CompanyConfig = CompanyConfig()
    models: ModelsConfig = ModelsConfig()
    answers: AnswersConfig = AnswersConfig()
    knowledge: KnowledgeConfig = KnowledgeConfig()
    refresh: RefreshConfig = RefreshConfig()
    telegram: TelegramConfig = TelegramConfig()
    console: ConsoleConfig = ConsoleConfig()
    widget: WidgetConfig = WidgetConfig()
    webhooks: tuple[WebhookConfig, ...] = ()
    lookups: dict[str, LookupConfig] = {}
    retention: RetentionConfig = RetentionConfig()
    logging: LoggingConfig = LoggingConfig()
    index: str = ""
    database: str = ""

    @model_validator(mode="after")
    def _no_webhook_twice(self) -> "Config":
        urls = [hook.url for hook in self.webhooks]
        if len(set(urls)) < len(urls):
            raise ValueError("two webhooks have the same url: join their events in one")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the environment above the YAML values, which come in through ``__init__``."""
        return (_Environment(settings_cls), init_settings)


class _Environment(EnvSettingsSource):
    """The environment, with what the validation is to refuse: no JSON, no such section."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """Return what JSON says, or the text itself where it is none."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value

    def __call__(self) -> dict[str, Any]:
        """Return the values of all sections."""
        named = [name.removeprefix(ENVIRONMENT_PREFIX.lower()) for name in self.env_vars]
        sections = {
            name.partition("__")[0]
            for name, whole in zip(named, self.env_vars, strict=True)
            if name != whole
        }
        return dict.fromkeys(sections - Config.model_fields.keys()) | super().__call__()


def data_folder() -> Path:
    """Return the one folder that holds everything that is not code."""
    return Path(os.environ.get("ANSWERDESK_DATA", "data")).absolute()
