"""What operators read, in their language: gettext, whose keys are the English sentences.

A placeholder is ``%(name)s``, and a percent sign ``%%``, as in Jinja's own translations.
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

_FOLDER = Path(__file__).parent / "translations"
_TOLD = 4_096
"""Sentences made without a language that are kept in one."""
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
    """Return a sentence that was made without a language, as `tr`; an unknown one as it is.

    `N_` marks it if it has no values, and ``tests/extraction.py`` finds it if it has; values may
    be such sentences.
    """
    return _told(_language.get(), sentence) if sentence else ""


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
        _shapes(language)
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


@lru_cache(_TOLD)
def _told(code: str, sentence: str) -> str:
    found = _catalogue(code).gettext(sentence) if sentence else ""
    if found != sentence:
        return found
    for shape, translated in _shapes(code):
        if match := shape.fullmatch(sentence):
            values = match.groupdict()
            return translated % {name: _told(code, text.strip()) for name, text in values.items()}
    return sentence


@cache
def _shapes(code: str) -> Sequence[tuple[re.Pattern[str], str]]:
    """Return expressions for what sentences with values look like, with their translations, those
    of most letters first."""
    if code == LANGUAGES[0]:
        return ()
    with (_FOLDER / f"{code}.po").open("rb") as file:
        pairs = [(m.id, m.string) for m in read_po(file) if isinstance(m.id, str) and "%(" in m.id]
    shapes = []
    for sentence, translated in pairs:
        pieces = re.split(r"%\((\w+)\)s", sentence)
        letters = sum(map(len, pieces[::2]))
        names = pieces[1::2]
        if len({*names}) == len(names) and re.search("[a-z]{3}", "".join(pieces[::2])):
            pieces[::2] = [re.escape(piece.replace("%%", "%")) for piece in pieces[::2]]
            pieces[1::2] = [f"(?P<{name}>.*?)" for name in names]
            shapes.append((letters, re.compile("".join(pieces), re.DOTALL), str(translated)))
    shapes.sort(key=lambda one: -one[0])
    return [(shape, translated) for _, shape, translated in shapes]


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
