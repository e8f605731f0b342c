"""From the configuration to sources and jobs."""

from pathlib import Path

import anyio
import pytest

from app.schedule import make_source, refresh_jobs, reporter
from app.wiring import days_of
from core.config import Config, KnowledgeConfig, RefreshConfig, SourceConfig
from core.errors import ConfigError
from db.jobs import JobRun, RunState
from sources import Source
from sources.git import WorkingCopy
from sources.local import Folder, SingleFile
from sources.web import Sitemap, WebPage


def config(*sources: SourceConfig, cron: str = "0 3 * * *") -> Config:
    return Config(refresh=RefreshConfig(sources=sources, cron=cron))


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        (SourceConfig(path=Path("a")), Folder(Path("a"))),
        (SourceConfig(path=Path("a"), patterns=("*.md",)), Folder(Path("a"), ("*.md",))),
        (SourceConfig(file=Path("a.csv")), SingleFile(Path("a.csv"))),
        (SourceConfig(url="http://a.example/b"), WebPage("http://a.example/b")),
        (SourceConfig(sitemap="http://a.example/b"), Sitemap("http://a.example/b")),
        (SourceConfig(git=Path("a")), WorkingCopy(Path("a"))),
    ],
)
def test_each_description_becomes_its_source(described: SourceConfig, expected: Source) -> None:
    assert make_source(described, Config()) == expected


def test_a_url_that_is_never_fetched_is_refused_at_the_start() -> None:
    described = SourceConfig(url="http://user:secret@a.example/")
    with pytest.raises(ConfigError, match="a user name or password") as caught:
        make_source(described, Config())
    assert "secret" not in str(caught.value)


def test_sources_with_one_schedule_are_one_job() -> None:
    jobs = refresh_jobs(
        config(
            SourceConfig(url="http://a.example/"),
            SourceConfig(url="http://b.example/", cron="0 * * * *"),
            SourceConfig(url="http://c.example/", cron="0 3 * * *", timezone="UTC"),
            SourceConfig(url="http://d.example/", timezone="Europe/Berlin"),
            SourceConfig(url="http://e.example/", cron="0 * * * *"),
        )
    )
    assert jobs == [
        ("refresh", "0 3 * * *", "UTC", ["http://a.example/", "http://c.example/"]),
        ("refresh 0 * * * * UTC", "0 * * * *", "UTC", ["http://b.example/", "http://e.example/"]),
        (
            "refresh 0 3 * * * Europe/Berlin",
            "0 3 * * *",
            "Europe/Berlin",
            ["http://d.example/"],
        ),
    ]


def test_without_sources_nothing_is_due() -> None:
    assert refresh_jobs(config()) == [("refresh", "", "UTC", [])]


def test_a_long_schedule_gets_a_name_that_fits_the_table() -> None:
    cron = ",".join(map(str, range(60))) + " * * * *"
    names = [name for name, *_ in refresh_jobs(config(SourceConfig(path=Path("a"), cron=cron)))]
    assert [len(name) <= 64 for name in names] == [True, True]
    assert len(set(names)) == 2


def test_trouble_that_stays_the_same_is_told_once() -> None:
    told: list[str] = []

    async def tell(text: str) -> None:
        told.append(text)

    async def finish(*runs: tuple[str, RunState, str, bool | str]) -> None:
        on_finished = reporter(tell)
        for job, state, text, worth in runs:
            await on_finished(JobRun(job=job, state=state, text=text, detail={"tell": worth}))

    anyio.run(
        finish,
        ("refresh", "done", "nothing new", False),
        ("refresh", "held", "page gone", False),
        ("other", "held", "page gone", False),
        ("refresh", "held", "page gone", False),
        ("refresh", "held", "two pages gone", True),
        ("refresh", "done", "+1 file", True),
        ("refresh", "held", "two pages gone", False),
        ("refresh", "done", "nothing new", False),
        ("refresh", "held", "two pages gone", False),
        ("week", "done", "", "Questions: 4"),
    )
    assert told == [
        "refresh, held: page gone",
        "other, held: page gone",
        "refresh, held: two pages gone",
        "refresh, done: +1 file",
        "refresh, held: two pages gone",
        "refresh, held: two pages gone",
        "Questions: 4",
    ]


def test_an_entrys_days_are_those_of_the_configured_clocks() -> None:
    """Between these two places there is never the same date: their clocks are 25 hours apart."""
    east, west = (
        days_of(Config(knowledge=KnowledgeConfig(timezone=f"Pacific/{place}")))()
        for place in ("Kiritimati", "Pago_Pago")
    )
    assert east > west
