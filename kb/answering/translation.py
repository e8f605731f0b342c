"""Drafts of approved answers in other languages, by a generator; a person approves them."""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import KW_ONLY, dataclass

from babel import Locale

from core.errors import AnswerdeskError
from core.protocols import Generator
from core.shown import clean
from core.types import Piece, Prompt
from core.wording import N_, locale, tr
from kb.answering.plain import plain
from kb.text.facts import Fact, agree, extract_facts, names_in
from kb.text.language import detect_language

OpenGenerator = Callable[[], AbstractAsyncContextManager[Generator]]

_INSTRUCTIONS = (
    "You translate a company's reply to a customer into {language}. Keep every number, amount, "
    "date, link, e-mail address, code and name as it is, and the order of the sentences. Add "
    "nothing. Write the translation only."
)
_CAPITALS = re.compile(r"(?<![A-Za-z])[A-Za-z]*[A-Z][A-Za-z]*[A-Z][A-Za-z]*")
"""Names in any language: DHL, iPhone, PayPal."""
_LATIN = re.compile(r"[a-zß-ɏ]", re.IGNORECASE)
_NOUNS_ARE_CAPITALISED = "de"


class CannotTranslate(AnswerdeskError):
    """The generator is none that translations are left to."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            tr(
                "No translation was drafted: %(reason)s. Write it yourself, or set "
                "models.generator to a server (url:…) or a GGUF file of at least 1.5 billion "
                "parameters.",
                reason=reason,
            )
        )


class TranslationDiffers(AnswerdeskError):
    """A draft does not say what the answer says."""

    def __init__(self, draft: str, differences: Sequence[str]) -> None:
        super().__init__(
            tr(
                "The draft differs from the answer: %(differences)s. Nothing was stored. "
                "Correct it and publish it yourself: %(draft)s",
                differences="; ".join(differences),
                draft=draft,
            )
        )
        self.draft = draft


@dataclass(frozen=True)
class Translator:
    """Drafts translations with a generator that is started for each."""

    open: OpenGenerator
    _: KW_ONLY
    timeout_s: float

    async def draft(self, answer: str, *, source: str, target: str) -> str:
        """Return an answer in another language; both are ISO 639-1.

        Raises:
            TranslationDiffers: if figures, links or names are others.
            ModelError: if there is no generator that can translate, or it fails.
        """
        name = str(Locale("en").languages[target])
        async with self.open() as generator:
            (size,) = await generator.count_tokens([answer])
            prompt = Prompt(_INSTRUCTIONS.format(language=name), f"Reply:\n{answer}", f"In {name}:")
            most = 3 * size + 64
            stream = generator.stream(prompt, max_tokens=most, deadline_s=self.timeout_s)
            pieces = [event.text async for event in stream if isinstance(event, Piece)]
        draft = clean(plain("".join(pieces))).strip()
        if differing := differences(draft, answer, source=source, target=target):
            raise TranslationDiffers(draft, differing)
        return draft


def differences(draft: str, answer: str, *, source: str, target: str) -> list[str]:
    """Return which figures, links and names a translation lacks or adds; ISO 639-1 of both."""
    if not draft:
        return [tr("it is empty")]
    told = detect_language(draft, target)
    name = locale().languages.get(told, told)
    found = [] if told == target else [tr("it is in %(language)s", language=name)]
    mine, its = ([f for f in extract_facts(text) if f.certain] for text in (draft, answer))
    lacks = [fact.text for fact in its if not any(_same(fact, other) for other in mine)]
    adds = [fact.text for fact in mine if not any(_same(fact, other) for other in its)]
    lacks += [name for name in _names(answer, source, draft) if name not in draft]
    adds += [name for name in _names(draft, target, answer) if name not in answer]
    for what, parts in ((N_("it lacks %(parts)s"), lacks), (N_("it adds %(parts)s"), adds)):
        if parts:
            listed = dict.fromkeys(part.strip(" .") for part in parts)
            found.append(tr(what, parts=", ".join(listed)))
    return found


def _same(fact: Fact, other: Fact) -> bool:
    """Tell whether facts of two languages are one; "9" of "9 bis 17 Uhr" may be nine o'clock."""
    if {fact.kind, other.kind} == {"time", "number"}:
        time, number = (fact, other) if fact.kind == "time" else (other, fact)
        on_the_hour = [value for value in time.values if value.endswith(":00")]
        hours = {str(int(value[:2]) - less) for value in on_the_hour for less in (0, 12)}
        return number.unit in {"", "hour"} and bool(hours & number.values)
    return agree(fact, other)


def _names(text: str, language: str, other: str) -> list[str]:
    """Return the names of a text that another one has in the same letters."""
    names = _CAPITALS.findall(text)
    if language != _NOUNS_ARE_CAPITALISED and _LATIN.search(text) and _LATIN.search(other):
        names += names_in(text)
    known = {fact.text.casefold().strip() for fact in extract_facts(text)}
    return [name for name in names if not any(name.casefold() in fact for fact in known)]
