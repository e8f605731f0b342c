"""What owners change on the console, from the form to the file and back."""

from pathlib import Path

import httpx
import pytest
import yaml

from app.settings import RunningSettings, SettingsFile
from console.settings import GROUPS, BadValue
from core.errors import ConfigError
from tests.console.conftest import Builder, builder, database, desk, records

__all__ = ["builder", "database", "desk", "records"]
pytestmark = pytest.mark.anyio
BELOW = """\
company: {name: Acme, languages: [en, de]}
telegram: {hours: ["mon-fri 09:00-17:00"]}  # a comment
"""


@pytest.fixture
def file(tmp_path: Path) -> SettingsFile:
    (tmp_path / "config.yaml").write_text(BELOW, "utf-8")
    return SettingsFile(tmp_path / "config.yaml", tmp_path / "settings.yaml")


def test_what_is_changed_counts_above_the_file_and_as_in_the_file_is_forgotten(
    file: SettingsFile,
) -> None:
    (change,) = file.change({"company.name": " Finch & Ferry ", "company.languages": "en\nde"})
    assert (change.name, change.old, change.new) == ("company.name", "Acme", "Finch & Ferry")
    assert yaml.safe_load(file.path.read_text("utf-8")) == {"company": {"name": "Finch & Ferry"}}
    assert file.load().company.name == "Finch & Ferry"
    assert file.load().company.languages == ("en", "de")
    assert [one.below for one in file.show(["company.name", "company.languages"])] == ["Acme", None]
    file.change({"company.name": "Acme"})
    assert yaml.safe_load(file.path.read_text("utf-8")) is None
    assert file.config.read_text("utf-8") == BELOW


def test_each_setting_of_the_page_comes_back_as_it_was_shown(file: SettingsFile) -> None:
    shown = file.show([name for group in GROUPS.values() for name in group])
    assert file.change({one.name: one.value for one in shown}) == []


@pytest.mark.parametrize(
    ("name", "text", "stored"),
    [
        ("telegram.hours", "mon-fri 08:00-12:00\n\n sat 10:00-14:00 \n", None),
        ("company.welcome", "en: Hello: ask us\nDE: Hallo", {"en": "Hello: ask us", "de": "Hallo"}),
        ("answers.answer_at", "0.8", 0.8),
        ("retention.web_days", "7", 7),
        ("telegram.streaming", "off", "off"),
    ],
)
def test_a_text_becomes_a_value(file: SettingsFile, name: str, text: str, stored: object) -> None:
    file.change({name: text})
    section, key = name.split(".")
    hours = ["mon-fri 08:00-12:00", "sat 10:00-14:00"]
    assert yaml.safe_load(file.path.read_text("utf-8")) == {section: {key: stored or hours}}
    file.change({name: file.show([name])[0].value})
    assert yaml.safe_load(file.path.read_text("utf-8")) == {section: {key: stored or hours}}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("answers.answer_at", "1.2", r"Answer from: 1\.2 is too much; write at most 1\.$"),
        ("answers.answer_at", "-1", r"Answer from: -1\.?0? is too little; write at least 0\.$"),
        ("answers.answer_at", "high", "Answer from: “high” is not a number; write one such as 0.5"),
        (
            "answers.hedge_at",
            "0.9",
            r"“May be” from \(0.9\) must not be above Answer from \(0.7\); lower it, or raise",
        ),
        ("retention.web_days", "0", r"Website: 0 is too little; write more than 0\.$"),
        ("knowledge.keep_releases", "1.5", "Releases kept: “1.5” is not a whole number; write one"),
        (
            "telegram.streaming",
            "fast",
            "written: “fast” is unknown; write 'draft', 'edit' or 'off'",
        ),
        ("telegram.report", "monday", "'monday' is not a day and a time; write mon 08:00, or off"),
        (
            "console.address",
            "desk",
            "the console: “desk” is not an address; write one such as http",
        ),
        ("company.suggestions", "a\n" * 9, r"there are 9; write at most 8\.$"),
        ("company.suggestions", "a" * 201, r"“a{60}” has 201 characters; write at most 200\.$"),
        ("telegram.hours", "always", "'always'"),
        ("company.name", " ", r"Name: it is empty; fill it in"),
        ("company.languages", "", r"Languages: it is empty; write at least one line\.$"),
        (
            "company.welcome",
            "Hello",
            r"Welcome: there are no texts in 'hello'; write en, zh, es, de, ru, .*, tr\.$",
        ),
        ("refresh.cron", "at night", r"The schedule 'at night'.* \* \*\"\.$"),
        (
            "widget.origins",
            "example.com",
            "Websites with the chat: “example.com” is not an address; write one such as https",
        ),
    ],
)
def test_what_cannot_be_used_is_not_stored(
    file: SettingsFile, name: str, text: str, said: str
) -> None:
    with pytest.raises(BadValue, match=rf"^Nothing was saved\. .*{said}"):
        file.change({name: text})
    assert not file.path.exists()


def test_what_the_environment_sets_is_changed_there(
    file: SettingsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSWERDESK__COMPANY__NAME", "Of the environment")
    assert file.show(["company.name"])[0].fixed_by == "ANSWERDESK__COMPANY__NAME"
    with pytest.raises(BadValue, match=r"Name: it is set by ANSWERDESK__COMPANY__NAME; change it"):
        file.change({"company.name": "Other"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("company: [", "cannot be read"),
        ("name: Acme", "has values outside of sections. Correct it."),
        ("answers: {answer_at: 7}", r"^'settings.yaml': answers.answer_at"),
    ],
)
def test_a_damaged_file_is_one_sentence(file: SettingsFile, text: str, said: str) -> None:
    file.path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=said):
        file.load()


async def test_an_owner_changes_a_group_and_restarts(file: SettingsFile, builder: Builder) -> None:
    restarts: list[bool] = []
    settings = RunningSettings(file, file.load(), lambda: restarts.append(True))
    async with builder.client(settings=settings) as client:
        page = await client.get("/console/settings")
        assert "have not taken effect yet" not in page.text
        company = {"group": "Company", "company.name": "Finch", "retention.web_days": "1"}
        saved = await client.post("/console/settings", data=company)
        assert saved.status_code == 303
        page = await client.get("/console/settings")
        assert 'value="Finch"' in page.text
        assert "<code>config.yaml</code>: Acme." in page.text
        assert "have not taken effect yet" in page.text
        assert file.load().retention.web_days == 30
        (entry,) = await builder.records.audit.recent(action="settings")
        assert entry.details == "company.name: 'Acme' → 'Finch'"
        bad = {"group": "Answers", "answers.answer_at": "2", "answers.hedge_at": "0.4"}
        refused = await client.post("/console/settings", data=bad)
        assert refused.status_code == 409
        assert "Answer from: 2 is too much; write at most 1." in refused.text
        assert 'value="2"' in refused.text
        assert (await nothing(client)).status_code == 422
        assert (await client.post("/console/restart")).status_code == 303
        assert restarts == [True]
        file.config.write_text("company: [", "utf-8")
        held = await client.post("/console/restart")
        assert (held.status_code, restarts) == (409, [True])
        assert "cannot be read" in held.text


async def nothing(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/console/settings", data={"group": "Models", "models.embedder": "x"})
