"""Answer questions about a customer's own records: ask for what is missing, prove, look up, reply.

What a customer gives stays in memory for a few minutes. It reaches the source of the records and
the reply, never the index, the generator, a figure or the log.
"""

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from core.config import LookupConfig
from core.errors import LookupFailed
from core.protocols import Embedder
from core.recent import Recent
from core.types import Answer, Matrix, Vector
from kb.answering.intent import classify_turn
from kb.answering.texts import TextKey, service_text
from kb.text.language import detect_language
from kb.text.segmentation import words
from lookups.recognise import Parameter, find_values, tidy
from lookups.sources import RecordSource
from lookups.template import Record, Reply, choose, shown

logger = logging.getLogger(__name__)

_REMEMBER_S = 5 * 60
_MAX_CHATS = 10_000
_MAX_CACHED = 1_000
_ASK_AGAIN = 2
"""How often a value is asked for once more, if what came looks like an attempt."""
_CORRECTION = 6
"""Words beside a value up to which it corrects what was not found: "sorry, I meant 4712"."""
_NEXT = 2
"""The same for the next lookup after one that succeeded ("and 4712?"); more may be a question."""
_TRIES = 5
"""Lookups without result that a chat has in `_TRIES_S`."""
_TRIES_OF_VALUE = 20
"""The same for a number, from any chat; fewer would let anybody lock others out."""
_TRIES_S = 15 * 60
_MARGIN = 0.04
"""How much nearer than to any example of something else a message must be."""
_SLACK = 0.02
"""How much nearer an entry of the knowledge base must be to go first."""
_SLACK_WITH_VALUE = 0.06
"""The same where the message has a value of the lookup in it."""

Rival = Callable[[Vector], Awaitable[float]]
"""Returns the cosine of the entry of the knowledge base that is nearest to a question."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Something that customers ask about their own records."""

    name: str
    settings: LookupConfig
    """Its examples and limits."""
    parameters: tuple[Parameter, ...]
    source: RecordSource
    replies: tuple[Reply, ...]
    """The first that fits a record is given."""


@dataclass(frozen=True, slots=True)
class _Talk:
    """What a chat is about at the moment."""

    lookup: Lookup
    values: Mapping[str, str]
    language: str
    asked: int = 0
    """How often a value was asked for once more."""
    done: bool = False
    """Whether the customer was told what there is."""
    said: str = ""
    """The last reply; it may have offered a person."""

    @property
    def missing(self) -> list[Parameter]:
        """What the customer has not given yet, in the order in which it is asked for."""
        return [p for p in self.lookup.parameters if p.name not in self.values]


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class _Lasting(Generic[_Key, _Value]):
    """A bounded memory whose entries end."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: Recent[_Key, tuple[float, _Value]] = Recent(most)
        self.drop = self._entries.drop
        self.drop_where = self._entries.drop_where

    def get(self, key: _Key) -> _Value | None:
        until, value = self._entries.get(key) or (0.0, None)
        return value if until > self._clock() else None

    def put(self, key: _Key, value: _Value, seconds: float) -> None:
        self._entries.put(key, (self._clock() + seconds, value))


class Lookups:
    """Answers what is asked about records; everything else is left to the knowledge base."""

    def __init__(
        self,
        lookups: Sequence[Lookup],
        embedder: Embedder,
        rival: Rival,
        *,
        languages: Sequence[str],
        today: Callable[[], dt.date],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take ready parts; examples are embedded at the first message.

        `languages` are the company's, for customers of another one; `today` decides whether a date
        is written with its year.
        """
        self._lookups = lookups
        self._embedder = embedder
        self._rival = rival
        self._languages = tuple(languages)
        self._today = today
        self._examples: list[Matrix] = []
        self._embedding = asyncio.Lock()
        self._talks: _Lasting[str, _Talk] = _Lasting(_MAX_CHATS, clock)
        self._cache: _Lasting[tuple[str, ...], Sequence[Record]] = _Lasting(_MAX_CACHED, clock)
        self._failed: _Lasting[tuple[str, ...], int] = _Lasting(2 * _MAX_CHATS, clock)

    async def answer(self, message: str, *, chat: str, language_code: str = "") -> Answer | None:
        """Answer a message about a record; ``None`` if it is about something else.

        Raises:
            ModelError: if the message cannot be embedded.
        """
        text = tidy(message)
        last = self._talks.get(chat)
        if last and classify_turn(text, last_answer=last.said) == "person":
            words_of_it = service_text("person_elsewhere", *self._order(last))
            return Answer("smalltalk", words_of_it, last.language, 1.0, intent="person")
        talk = _continued(text, last) or await self._begun(text, last, language_code)
        if talk is None:
            return None
        if talk.missing:
            ask = talk.missing[0].ask
            answer = self._say(talk, ask[choose(ask, self._order(talk))])
        else:
            answer = await self._look_up(talk, chat)
            talk = replace(talk, asked=0, done=answer.kind == "lookup")
        self._talks.put(chat, replace(talk, said=answer.text), _REMEMBER_S)
        return answer

    def forget(self, chat: str) -> None:
        """Drop what a chat has given so far, and what was found for it.

        How often it asked in vain stays: forgetting would be a way round the limit of guesses.
        """
        self._talks.drop(chat)
        self._cache.drop_where(lambda key: key[0] == chat)

    async def _begun(self, text: str, talk: _Talk | None, language_code: str) -> _Talk | None:
        """Return the talk that a message begins, if it asks about a record."""
        best: tuple[float, Lookup, Mapping[str, str], str] | None = None
        examples = await self._embedded()
        for lookup, questions in zip(self._lookups, examples, strict=True):
            values, rest = find_values(text, lookup.parameters)
            if not words(rest) or classify_turn(rest) != "question":
                continue
            vector = await self._embedder.embed_query(rest)
            cosines = questions @ vector
            score = float(np.max(cosines[: len(lookup.settings.questions)]))
            other = float(np.max(cosines[len(lookup.settings.questions) :], initial=-1.0))
            slack = _SLACK_WITH_VALUE if values else _SLACK
            least = lookup.settings.match_at - (slack if values else 0.0)
            if score < max(least, other + _MARGIN):
                continue
            if score + slack >= await self._rival(vector) and (best is None or score > best[0]):
                best = (score, lookup, values, rest)
        if best is None:
            return None
        _, lookup, found, rest = best
        known = talk.values if talk is not None and talk.lookup is lookup else {}
        return _Talk(lookup, {**known, **found}, detect_language(rest, language_code))

    async def _embedded(self) -> Sequence[Matrix]:
        async with self._embedding:
            if len(self._examples) < len(self._lookups):
                self._examples = [
                    await self._embedder.embed_queries([*one.questions, *one.other_questions])
                    for one in (lookup.settings for lookup in self._lookups)
                ]
        return self._examples

    # --- looking up ----------------------------------------------------------------------------

    async def _look_up(self, talk: _Talk, chat: str) -> Answer:
        lookup = talk.lookup
        tries: dict[tuple[str, ...], int] = {(chat,): _TRIES}
        for p in lookup.parameters:
            if not p.proof:
                tries[lookup.name, p.name, p.folded(talk.values[p.name])] = _TRIES_OF_VALUE
        if any((self._failed.get(key) or 0) >= most for key, most in tries.items()):
            return self._service(talk, "lookup_not_found")
        try:
            records = await self._records(talk, chat)
        except LookupFailed as error:
            logger.warning("Lookup %r failed: %s", lookup.name, error.reason)
            return self._service(talk, "lookup_failed")
        own = [record for record in records if self._is_own(record, talk)]
        if not own:
            for key in tries:
                self._failed.put(key, (self._failed.get(key) or 0) + 1, _TRIES_S)
            return self._service(talk, "lookup_not_found")
        languages = self._order(talk)
        for reply in lookup.replies:
            text = reply.render(own[0], languages, self._today())
            if text is not None:
                return self._say(talk, text)
        logger.warning("Lookup %r has no reply for what it found", lookup.name)
        return self._service(talk, "lookup_failed")

    async def _records(self, talk: _Talk, chat: str) -> Sequence[Record]:
        lookup = talk.lookup
        key = (chat, lookup.name, *(talk.values[p.name] for p in lookup.parameters))
        found = self._cache.get(key)
        if found is None:
            try:
                async with asyncio.timeout(lookup.settings.timeout_s):
                    found = await lookup.source.find(talk.values)
            except TimeoutError:
                raise LookupFailed(f"no reply within {lookup.settings.timeout_s:g} s") from None
            self._cache.put(key, found, lookup.settings.cache_s)
        return found

    def _is_own(self, record: Record, talk: _Talk) -> bool:
        """Tell whether a record has the values that were given, and the proofs among its fields."""
        return all(
            p.same(talk.values[p.name], shown(record.get(p.field)))
            for p in talk.lookup.parameters
            if p.proof or p.field in record
        )

    def _order(self, talk: _Talk) -> tuple[str, ...]:
        return (talk.language, *self._languages)

    def _service(self, talk: _Talk, key: TextKey) -> Answer:
        text = service_text(key, *self._order(talk))
        return Answer("unknown", text, talk.language, intent="lookup")

    def _say(self, talk: _Talk, text: str) -> Answer:
        return Answer("lookup", text, talk.language, confidence=1.0, intent="lookup")


def _continued(text: str, talk: _Talk | None) -> _Talk | None:
    """Return what a message adds to the talk of its chat, if it does."""
    if talk is None:
        return None
    missing = {p.name for p in talk.missing}
    values, rest = find_values(text, talk.lookup.parameters, wanted=missing)
    beside = len(words(rest))
    if missing & values.keys() or (values and beside <= (_NEXT if talk.done else _CORRECTION)):
        long = beside > _CORRECTION  # fewer words are names and numbers as often as a language
        language = detect_language(rest, talk.language) if long else talk.language
        return replace(talk, values={**talk.values, **values}, language=language)
    attempt = beside <= _CORRECTION and any(c.isdigit() or c == "@" for c in text)
    if missing and attempt and talk.asked < _ASK_AGAIN:
        return replace(talk, asked=talk.asked + 1)
    return None
