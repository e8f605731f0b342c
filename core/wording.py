"""What operators read, in their language: gettext, whose keys are the English sentences.

A placeholder is ``%(name)s``, and a percent sign ``%%``, as in Jinja's own translations.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

_FOLDER = Path(__file__).parent / "translations"
LANGUAGES = ("en", *sorted(path.stem for path in _FOLDER.glob("*.po")))
"""Locales that there is a catalogue for, after that of the sentences themselves."""

_language: ContextVar[str] = ContextVar("operators_language", default="en")


def tr(sentence: str, /, **values: object) -> str:
    """Return a sentence in the language of whoever is worked for."""
    return _catalogue(_language.get()).gettext(sentence) % values


def ntr(one: str, many: str, number: int, /, **values: object) -> str:
    """Return the sentence that fits a number, which it may name as ``%(num)s``."""
    sentence = _catalogue(_language.get()).ngettext(one, many, number)
    return sentence % {"num": number, **values}


def told(sentence: str) -> str:
    """Return a sentence that `N_` marked, and has no values, as `tr`; any other as it is."""
    return _catalogue(_language.get()).gettext(sentence) if sentence else ""


def N_(sentence: str) -> str:
    """Mark a sentence that is translated where it is shown."""
    return sentence


def locale() -> Locale:
    """Return by what dates, numbers and names of languages are written."""
    return _locale(_language.get())


def language_tag() -> str:
    """Return what HTML calls the language that is spoken."""
    return _language.get().replace("_", "-")


def speak(*preferred: str) -> None:
    """From here on speak the first language, given by codes such as ``zh-Hans``, that is known."""
    _language.set(_known(preferred))


@contextmanager
def speaking(*preferred: str) -> Iterator[None]:
    """Speak a language, as `speak`, until the end of this context."""
    token = _language.set(_known(preferred))
    try:
        yield
    finally:
        _language.reset(token)


def preload() -> None:
    """Read all catalogues and locales, so that nobody has to wait for one."""
    for language in LANGUAGES:
        _catalogue(language)
        _ = _locale(language).languages


def language_names() -> dict[str, str]:
    """Return what each language is called in itself, by its code."""
    return {code: _locale(code).get_language_name() or code for code in LANGUAGES}


def _known(preferred: tuple[str, ...]) -> str:
    for code in preferred:
        for known in LANGUAGES:
            if _base(known) == _base(code):
                return known
    return "en"


def _base(code: str) -> str:
    return re.split("[-_]", code)[0].lower()


@cache
def _locale(code: str) -> Locale:
    return Locale.parse(code)


@cache
def _catalogue(code: str) -> NullTranslations:
    if code == LANGUAGES[0]:  # without a look at the disk, which confined processes may not take
        return NullTranslations()
    path = _FOLDER / f"{code}.po"
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file))
    compiled.seek(0)
    return GNUTranslations(compiled)
