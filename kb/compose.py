"""Write a short reply from a passage, and let nothing through that the passage does not say.

The generator's text is cut into sentences as it is written; each is checked (`kb.evidence`) before
anybody sees it. What fails is dropped; if nothing is left the caller quotes the passage instead.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from core.errors import ModelUnavailable
from core.protocols import Embedder, Generator
from core.types import (
    AnswerEvent,
    GenerationEvent,
    Hit,
    Matrix,
    Piece,
    Sentence,
    TokenUsage,
    Waiting,
)
from kb.evidence import (
    Reason,
    Verdict,
    adds_nothing,
    check_sentence,
    nearest_sentence,
    rearranged,
    shares_words,
)
from kb.language import detect_language
from kb.lexicon import lexicon
from kb.likeness import Likeness
from kb.pace import Pace, Turn
from kb.prompt import fit_prompt, is_no_answer, may_become_no_answer, passage_of
from kb.text import normalise, split_sentences, words

OnEvent = Callable[[AnswerEvent], Awaitable[None]]

LONG_S = 6.0
"""A reply that is not expected sooner is announced at once instead of after some silence."""
_MAX_SENTENCES = 2
_MAX_DROPPED = 2
"""After as many failed sentences the rest is not worth waiting for."""
_MAX_WORDS = 60
"""Longest reply, in words or, of Chinese, pairs of characters."""
_FEW_WORDS = 4
"""The language of shorter replies ("30 days") cannot be told."""
_NO_TOKENS = TokenUsage()
_STOP = ("\n\n",)
_ENDS = (".", "!", "?", ":", ";", "…", "。", "！", "？", "：", "；")


@dataclass(frozen=True, slots=True)
class Dropped:
    """A sentence that was not shown, and why."""

    text: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Composed:
    """What came of one attempt."""

    text: str
    """The checked sentences; empty if none is left."""
    cited: tuple[tuple[Hit, str], ...]
    """Each passage that supports the text, with its own words that do."""
    dropped: tuple[Dropped, ...] = ()
    no_answer: bool = False
    """The model says that the passage does not answer."""
    tokens: TokenUsage = _NO_TOKENS


class Composer:
    """Writes from passages with a generator."""

    def __init__(
        self,
        generator: Generator,
        embedder: Embedder,
        *,
        max_tokens: int,
        timeout_s: float,
        max_passages: int = 1,
        silence_s: float = 2.0,
    ) -> None:
        """Take ready models.

        Args:
            generator: writes.
            embedder: compares replies with passages in another language.
            max_tokens: of a reply.
            timeout_s: until a reply is given up.
            max_passages: passages of one prompt, 1 or 2; one is read faster.
            silence_s: without a word for as long, the customer is told that it takes a while.
        """
        self._generator = generator
        self._likeness = Likeness(embedder)
        self._max_tokens = max_tokens
        self._timeout_s = timeout_s
        self._max_passages = max_passages
        self._silence_s = silence_s
        self._pace = Pace()

    async def compose(
        self,
        question: str,
        hits: Sequence[Hit],
        *,
        language: str,
        quote: str = "",
        on_event: OnEvent | None = None,
    ) -> Composed:
        """Write a reply to `question` from the nearest of `hits`.

        Args:
            question: as the customer asked it.
            hits: passages, nearest first, at least one.
            language: ISO 639-1 of the reply.
            quote: the sentences of the first passage that most likely answer. A statement that
                comes from another sentence is not shown. Empty: from any.
            on_event: receives each sentence once it has been checked, and waiting times.

        Raises:
            Overloaded: if too many replies are waiting.
            ModelUnavailable: if the generator is down, or late before a sentence was shown.
            PromptTooLong: if the question cannot be made to fit.
        """
        passages = [
            _Passage(hit, language, quote="" if number else quote)
            for number, hit in enumerate(hits[: self._max_passages])
        ]
        draft = _Draft(question, language)
        prompt = await fit_prompt(
            self._generator,
            question,
            [passage.text for passage in passages],
            language,
            max_tokens=self._max_tokens,
        )
        prompt = replace(prompt, sources=tuple(passage.hit.chunk.chunk_id for passage in passages))
        stream = self._generator.stream(
            prompt, max_tokens=self._max_tokens, deadline_s=self._timeout_s, stop=_STOP
        )
        try:
            with self._pace.turn() as turn:
                async with aclosing(self._sentences(stream, draft, turn, on_event)) as sentences:
                    async for sentence in sentences:
                        await self._consider(sentence, draft, passages, on_event)
                        if draft.is_done:
                            break
                turn.end()
        except ModelUnavailable:
            if not draft.shown:
                raise
        return _outcome(draft, passages)

    async def _sentences(
        self,
        stream: AsyncIterator[GenerationEvent],
        draft: "_Draft",
        turn: Turn,
        on_event: OnEvent | None,
    ) -> AsyncGenerator[str, None]:
        """Yield whole sentences as they are finished; the last one only if it was not cut off."""
        written = ""
        given = 0
        try:
            async for event in self._announced(stream, turn, on_event):
                if isinstance(event, TokenUsage):
                    draft.tokens = event
                    continue
                written += event.text
                if is_no_answer(written):
                    draft.no_answer = True
                    return
                if may_become_no_answer(written):
                    continue
                finished = split_sentences(written[given:], draft.language)[:-1]
                for sentence in finished:
                    given = written.index(sentence, given) + len(sentence)
                    yield sentence
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()
        rest = split_sentences(written[given:], draft.language)
        cut_off = draft.tokens.generated >= self._max_tokens and not _ENDED.search(written)
        for sentence in rest[:-1] if cut_off else rest:
            yield sentence

    async def _announced(
        self, stream: AsyncIterator[GenerationEvent], turn: Turn, on_event: OnEvent | None
    ) -> AsyncIterator[GenerationEvent]:
        """Pass the events on; tell the customer once if the first takes long, or will."""
        first = asyncio.ensure_future(_next(stream))
        try:
            silence_s = 0.0 if turn.expected_s >= LONG_S else self._silence_s
            done, _ = await asyncio.wait({first}, timeout=silence_s)
            if not done and on_event is not None:
                await on_event(Waiting(max(1.0, round(turn.expected_s, 1))))
            event = await first
        finally:
            if not first.done():
                first.cancel()
        turn.begin()
        if event is not None:
            yield event
        async for event in stream:
            yield event

    async def _consider(
        self,
        written: str,
        draft: "_Draft",
        passages: Sequence["_Passage"],
        on_event: OnEvent | None,
    ) -> None:
        """Show a sentence if a passage supports it; else note why not."""
        sentence = tidy(written)
        if not sentence or any(_repeats(sentence, shown) for shown in draft.shown):
            draft.repeated = bool(sentence)
            return
        if draft.size + _size(sentence) > _MAX_WORDS:
            draft.dropped.append(Dropped(sentence, (Reason("length", sentence),)))
            return
        if _is_other_language(sentence, draft.language):
            draft.dropped.append(Dropped(sentence, (Reason("language", sentence),)))
            return
        if _is_idle(sentence, draft.question):
            draft.dropped.append(Dropped(sentence, (Reason("idle", sentence),)))
            return
        reasons: tuple[Reason, ...] = ()
        for number, passage in enumerate(passages):
            verdict, quote = await self._check(sentence, passage, draft.question)
            if verdict.supported:
                draft.shown.append(sentence)
                quotes = draft.quotes.setdefault(number, [])
                if quote not in quotes:
                    quotes.append(quote)
                if on_event is not None:
                    await on_event(Sentence(sentence))
                return
            reasons = reasons or verdict.reasons
        draft.dropped.append(Dropped(sentence, reasons))

    async def _check(
        self, sentence: str, passage: "_Passage", question: str
    ) -> tuple[Verdict, str]:
        """Return the verdict on a sentence and the words of the passage nearest to it."""
        if passage.same_language or shares_words(sentence, passage.text):
            nearest = nearest_sentence(sentence, passage.text)
            verdict = check_sentence(sentence, passage.text, question=question)
            if verdict.supported:
                verdict = _at_the_answer(sentence, nearest, question, passage)
            return verdict, nearest
        if passage.vectors is None:
            passage.vectors = await self._likeness.embed(passage.sentences)
        likeness, at = await self._likeness.nearest(
            sentence, passage.vectors, language=passage.language
        )
        nearest = passage.sentences[at]
        verdict = check_sentence(
            sentence,
            passage.text,
            question=question,
            likeness=likeness,
            nearest=nearest,
            same_language=False,
        )
        return verdict, nearest


async def _next(stream: AsyncIterator[GenerationEvent]) -> Piece | TokenUsage | None:
    return await anext(stream, None)


# --- one reply ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Draft:
    """A reply while it is being written."""

    question: str
    language: str
    shown: list[str] = field(default_factory=list)
    quotes: dict[int, list[str]] = field(default_factory=dict)
    """By number of the passage: its words that support what was shown."""
    dropped: list[Dropped] = field(default_factory=list)
    repeated: bool = False
    no_answer: bool = False
    tokens: TokenUsage = _NO_TOKENS

    @property
    def size(self) -> int:
        return sum(map(_size, self.shown))

    @property
    def is_done(self) -> bool:
        return (
            self.repeated or len(self.shown) >= _MAX_SENTENCES or len(self.dropped) >= _MAX_DROPPED
        )


class _Passage:
    """What a reply is checked against."""

    def __init__(self, hit: Hit, language: str, *, quote: str) -> None:
        self.hit = hit
        self.quote = quote
        """The sentences that most likely answer; empty if not known."""
        self.text = passage_of(hit.chunk)
        self.own_text = f"{hit.chunk.text}\n{hit.chunk.answer}"
        """Without the heading, which answers nothing by itself."""
        self.language = hit.chunk.language or detect_language(self.text)
        self.same_language = self.language == language
        self.sentences = split_sentences(self.text, self.language) or [self.text]
        self.vectors: Matrix | None = None
        """Of `sentences`; made when a reply in another language is checked."""


def _outcome(draft: _Draft, passages: Sequence[_Passage]) -> Composed:
    glue = "" if draft.language in ("zh", "ja") else " "
    cited = [(passages[i].hit, " … ".join(quotes)) for i, quotes in sorted(draft.quotes.items())]
    return Composed(
        text=glue.join(draft.shown),
        cited=tuple(cited),
        dropped=tuple(draft.dropped),
        no_answer=draft.no_answer and not draft.shown,
        tokens=draft.tokens,
    )


def _is_idle(sentence: str, question: str) -> bool:
    """Tell whether a statement does not answer: it repeats the question."""
    return adds_nothing(sentence, question)


def _at_the_answer(sentence: str, nearest: str, question: str, passage: _Passage) -> Verdict:
    """Check that a true statement comes from where the passage answers the question."""
    heading = _heading_of(nearest, passage.sentences)
    reasons = tuple(rearranged(sentence, nearest, question, above=heading))
    if (passage.quote and nearest not in passage.quote) or nearest not in passage.own_text:
        reasons += (Reason("elsewhere", nearest),)
    return Verdict(supported=not reasons, reasons=reasons)


def _heading_of(sentence: str, sentences: Sequence[str]) -> str:
    """Return the line above a sentence if it is no sentence itself; else nothing."""
    at = sentences.index(sentence) if sentence in sentences else 0
    above = sentences[at - 1].strip() if at else ""
    return "" if above.endswith(_ENDS) else above


# --- text --------------------------------------------------------------------------------------

_ENDED = re.compile(r"[.!?。！？…]['\"”’»)\]）】」』*_]*\s*$")
_LABEL = re.compile(
    r"^\W*(?:answer|reply|antwort|respuesta|ответ|回答|答案|答)\s*[:：]\s*", re.IGNORECASE
)
_LEAD = re.compile(
    r"^(?:according to|based on|as stated in|as per|laut|gemäß|según|de acuerdo con|согласно|根据)"
    r"\s*(?:the |this |dem |der |el |la )?(?:given |provided |above |vorliegenden |angegebenen )?"
    r"(?:text|passage|context|information|document|article|textes|texto|тексту|данному тексту"
    r"|资料|文本|文章|提供的资料|提供的信息|上述资料)(?: provided| given)?\s*[,，:：]\s*(?:that )?",
    re.IGNORECASE,
)


def tidy(sentence: str) -> str:
    """Take off what models put around a statement: labels, list marks, "According to the text"."""
    bare = re.sub(r"^\s*(?:[-*•>#]+\s+|\d[.)]\s+)", "", sentence.strip())
    bare = bare.replace("**", "").replace("`", "").strip()
    bare = _LEAD.sub("", _LABEL.sub("", bare))
    if bare and sentence and bare[0].islower() and bare not in sentence[:1]:
        cut = not sentence.strip().startswith(bare[0])
        bare = bare[0].upper() + bare[1:] if cut else bare
    return bare


def _repeats(sentence: str, shown: str) -> bool:
    return normalise(sentence).strip(" .。") == normalise(shown).strip(" .。")


def _size(sentence: str) -> int:
    found = words(sentence)
    single = sum(len(word) == 1 and word > "\u2e80" for word in found)
    return len(found) - single + single // 2


def _is_other_language(sentence: str, language: str) -> bool:
    """Tell whether a sentence is in another language; a few words are not enough to say."""
    if _size(sentence) < _FEW_WORDS:
        return False
    found = detect_language(sentence, language)
    if found == language:
        return False
    # Names mislead statistics ("The shop is in Leipzig." looks German), small words do not.
    lists = lexicon().stopwords
    said = words(sentence)
    own, other = (sum(w in lists.get(code, ()) for w in said) for code in (language, found))
    return own <= other
