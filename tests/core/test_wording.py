"""Operators' texts in other languages than English."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po

from core.errors import PublishConflict, UnreadableFile, UnsupportedFile, unchanged
from core.wording import language_names, ntr, speak, speaking, told, tr

ROOT = Path(__file__).parents[2]
CATALOGUES = sorted((ROOT / "core" / "translations").glob("*.po"))
PLACEHOLDER = re.compile(r"%\((\w+)\)|(%%)|<(/?\w+)[ >]|`([^`]+)`")


def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def texts(catalogue: Catalog) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield each sentence with its translations, the plural after the singular."""
    for message in catalogue:
        if message.id:
            yield tuple(
                text if isinstance(text, (tuple, list)) else (text,)
                for text in (message.id, message.string)
            )  # type: ignore[misc]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """All sentences of the sources, as `make texts` finds them."""
    found = tmp_path_factory.mktemp("texts") / "found.pot"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        command = ["pybabel", "-q", "extract", "-F", "pyproject.toml", "-o", str(found), "."]
        CommandLineInterface().run(command)  # type: ignore[no-untyped-call]
    return catalogue(found)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_every_sentence_is_translated_and_none_is_left_over(path: Path, sources: Catalog) -> None:
    wanted = {ids for ids, _ in texts(sources)}
    assert len(wanted) > 500
    translated = {ids for ids, strings in texts(catalogue(path)) if all(strings)}
    assert sorted(wanted - translated) == []
    assert sorted(translated - wanted) == []
    assert not any(message.fuzzy for message in catalogue(path) if message.id)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_every_sentence_can_be_filled_in(path: Path) -> None:
    for _, strings in texts(catalogue(path)):
        for string in strings:
            names = re.findall(r"%\((\w+)\)", string)
            assert string % dict.fromkeys(names, 1)  # a bare per cent sign raises


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_translation_has_the_placeholders_tags_and_commands_of_its_sentence(path: Path) -> None:
    for ids, strings in texts(catalogue(path)):
        for string in strings:
            pieces = {tuple(found) for found in PLACEHOLDER.findall(string)}
            allowed = {tuple(found) for found in PLACEHOLDER.findall(ids[-1])}
            assert pieces - {("num", "", "", "")} == allowed - {("num", "", "", "")}, ids[0]


def test_no_sentence_hides_from_the_extraction() -> None:
    """Babel does not look into f-strings before Python 3.12."""
    for folder in ("app", "bot", "console", "core", "db", "jobs", "kb"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not re.search(r"\{n?tr\(", path.read_text("utf-8")), path


def test_the_best_known_language_is_spoken() -> None:
    for preferred, spoken in ((("zh-Hans-CN",), "放弃"), (("fr", "zh-TW"), "放弃"), (("fr",), "")):
        with speaking(*preferred):
            assert tr("Discard") == (spoken or "Discard"), preferred
    assert tr("Discard") == "Discard"
    assert language_names() == {"en": "English", "zh_CN": "中文"}


def test_numbers_choose_the_plural() -> None:
    assert [ntr("%(num)s day", "%(num)s days", number) for number in (1, 2)] == ["1 day", "2 days"]
    with speaking("zh"):
        assert ntr("%(num)s day", "%(num)s days", 1) == "1 天"
        speak("en")
        assert ntr("%(num)s day", "%(num)s days", 1) == "1 day"


def test_why_a_file_cannot_be_read_is_said_in_the_operators_language() -> None:
    with speaking("zh-Hans"):
        assert str(UnreadableFile("a.pdf", "The PDF has no pages.")) == "'a.pdf': PDF 没有页面。"
        assert str(UnreadableFile("a.txt", "50 % of it")) == "'a.txt': 50 % of it", (
            "no sentence of N_"
        )
        assert "请上传以下格式之一：PDF" in str(UnsupportedFile("a.xyz", ["PDF"]))
    assert str(UnreadableFile("a.pdf", "The PDF has no pages.")) == "'a.pdf': The PDF has no pages."


def test_what_was_said_without_a_language_is_told_in_one() -> None:
    nested = (
        "Nothing in it can be used. sheet 价目, row 1,204: It has no intents. "
        "(2 more were skipped.)"
    )
    assert told(nested) == nested
    with speaking("zh-Hans"):
        found = told(nested)
        assert found == (
            "其中没有可用的内容。工作表 价目，第 1,204 行：其中没有意图。（另有 2 处被跳过。）"
        ), "values are told too"
        assert told("Our own words") == "Our own words"
        assert told("") == ""


def test_that_nothing_was_changed_is_said_once() -> None:
    conflict = PublishConflict(3, 4)
    assert unchanged(conflict) == str(conflict)
    assert unchanged("The disk is full.") == "Nothing was changed. The disk is full."
    with speaking("zh-Hans"):
        assert unchanged(PublishConflict(3, 4)).count("未做任何更改") == 1
