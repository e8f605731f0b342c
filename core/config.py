"""What an operator may change, as frozen data. Reading never writes.

Order of precedence: environment (``ANSWERDESK__SECTION__KEY``), then the YAML file, then the
defaults here. An unknown key is an error, so that a typing mistake is not silently ignored.
"""

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from core.errors import ConfigError
from core.hours import WorkingHours

Probability = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CompanyConfig(_Section):
    """Who speaks."""

    name: str = "Answerdesk"
    languages: tuple[str, ...] = ("en", "zh", "es", "de", "ru")


class ModelsConfig(_Section):
    """Which models, and what they may use."""

    embedder: str = "multilingual-e5-small"
    embedder_precision: Literal["exact", "int8"] = "int8"
    second_embedder: str = "all-MiniLM-L6-v2"
    generator: str = "qwen2.5-coder-0.5b-instruct"
    threads: int = Field(2, ge=1)
    generator_queue: int = Field(8, ge=1)
    generator_timeout_s: float = Field(30, gt=0)
    recycle_after: int = Field(2000, ge=1)
    prefix_memory_mb: int = Field(128, ge=0)
    prefix_disk_mb: int = Field(1024, ge=0)
    warm_passages: int = Field(64, ge=0)
    reranker: str = "off"
    reranker_weight: float = Field(2, gt=0)
    reranker_timeout_s: float = Field(2, gt=0)


class AnswersConfig(_Section):
    """When to answer, and how long."""

    answer_at: Probability = 0.65
    passage_at: Probability = 0.35
    clarify_at: Probability = 0.35
    compose: bool = True
    compose_across: bool = False
    max_tokens: int = Field(96, ge=8)
    max_question_chars: int = Field(2000, ge=50)

    @model_validator(mode="after")
    def _ordered(self) -> "AnswersConfig":
        for name, value in (("clarify_at", self.clarify_at), ("passage_at", self.passage_at)):
            if value > self.answer_at:
                raise ValueError(f"{name} ({value}) must not be above answer_at ({self.answer_at})")
        return self


class KnowledgeConfig(_Section):
    """How files become passages."""

    passage_tokens: int = Field(160, ge=32)
    max_file_mb: int = Field(50, ge=1)
    parse_timeout_s: float = Field(25, gt=0)
    parse_memory_mb: int = Field(1024, ge=256)
    keep_releases: int = Field(20, ge=1)
    timezone: str = "UTC"

    @model_validator(mode="after")
    def _known_zone(self) -> "KnowledgeConfig":
        WorkingHours.parse((), self.timezone)
        return self


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
        places = {
            "path": str(self.path or ""),
            "file": str(self.file or ""),
            "url": self.url,
            "sitemap": self.sitemap,
            "git": str(self.git or ""),
        }
        ((kind, value),) = [(kind, value) for kind, value in places.items() if value]
        return kind, value

    @model_validator(mode="after")
    def _one_place(self) -> "SourceConfig":
        given = [bool(v) for v in (self.path, self.file, self.url, self.sitemap, self.git)]
        if sum(given) != 1:
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
    hours: tuple[str, ...] = ()
    timezone: str = "UTC"

    @model_validator(mode="after")
    def _readable(self) -> "TelegramConfig":
        WorkingHours.parse(self.hours, self.timezone)
        return self


class ConsoleConfig(_Section):
    """Where the web page is served."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    trusted_proxies: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _addresses(self) -> "ConsoleConfig":
        for proxy in self.trusted_proxies:
            if not ip_network(proxy).prefixlen:
                raise ValueError(f"trusted_proxies: {proxy} trusts everybody; name the proxies")
        return self


class RetentionConfig(_Section):
    """For how many days personal data is kept."""

    telegram_days: float = Field(365, gt=0)
    web_days: float = Field(30, gt=0)
    api_days: float = Field(30, gt=0)
    audit_days: float = Field(365, gt=0)


class Config(BaseSettings):
    """The whole configuration."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="ANSWERDESK__",
        env_nested_delimiter="__",
    )

    company: CompanyConfig = CompanyConfig()
    models: ModelsConfig = ModelsConfig()
    answers: AnswersConfig = AnswersConfig()
    knowledge: KnowledgeConfig = KnowledgeConfig()
    refresh: RefreshConfig = RefreshConfig()
    telegram: TelegramConfig = TelegramConfig()
    console: ConsoleConfig = ConsoleConfig()
    retention: RetentionConfig = RetentionConfig()
    index: str = ""
    database: str = ""

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
        return (env_settings, init_settings)


def load_config(path: Path) -> Config:
    """Read the configuration file and the environment.

    Raises:
        ConfigError: naming the key, the value and what is expected.
    """
    if not path.is_file():
        raise ConfigError(
            f"The configuration file {str(path)!r} does not exist. "
            "Copy config.yaml from the project, or point ANSWERDESK_CONFIG at yours."
        )
    try:
        values = YamlConfigSettingsSource(Config, yaml_file=path)()
        return Config(**values)
    except ValidationError as error:
        raise ConfigError(_sentence(path, error)) from error
    except Exception as error:  # YAML and settings sources raise several unrelated types
        raise ConfigError(f"{str(path)!r} cannot be read: {error}") from error


def _sentence(path: Path, error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{str(path)!r} (or the environment): there is no key {key!r}. Remove or correct it."
    return (
        f"{str(path)!r} (or the environment): {key} is {first.get('input')!r}: {first['msg']}. "
        "Correct it."
    )


def data_folder() -> Path:
    """Return the one folder that holds everything that is not code."""
    return Path(os.environ.get("ANSWERDESK_DATA", "data")).absolute()
